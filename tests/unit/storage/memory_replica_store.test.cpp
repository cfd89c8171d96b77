#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <memory>

namespace memory_replica_store_test {

namespace {

using namespace syncline;
using namespace store_contract;

// [harness]
struct harness {
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_replica_store kept{schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                              if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                          }}};

    memory_replica_store& store() { return kept; }
    void reopen() { kept = memory_replica_store{std::move(kept)}; }
    result<void> app_write(const record_key& key, const record& row) { return kept.app_write(key, row); }
    result<void> app_erase(const record_key& key) { return kept.app_erase(key); }
    std::optional<record> row(const record_key& key) { return kept.row(key); }
    void install_trigger() { *triggered = true; }
    void learn(const schema_set& models) { kept = *kept.grown(models); }
};
// [/harness]

}  // namespace

static_assert(leasing_store<memory_replica_store>);

// [conformance]
TEST_CASE("memory_replica_store: keeps the replica store's contract") {
    syncline::testing::report r;
    syncline::testing::check_replica_store(r, [] { return harness{}; });
    INFO(r.text());
    CHECK(r.passed());
}
// [/conformance]

TEST_CASE("memory_replica_store: a copy has what was committed and goes its own way") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"};
    must(store.app_write(a, task_row("one")));
    {
        auto t = must(store.begin());
        must(t.take_captured());
        must(t.write(a, task_row("open")));
        auto copy = store.copy();
        CHECK(copy.row(a) == task_row("one"));
        auto theirs = must(copy.begin());
        CHECK(must(theirs.take_captured()).size() == 1);
        must(theirs.write(a, task_row("theirs")));
        must(theirs.commit());
        CHECK(store.row(a) == task_row("open"));
        must(t.commit());
        CHECK(copy.row(a) == task_row("theirs"));
    }
    CHECK(store.row(a) == task_row("open"));
    CHECK(store.rows(task).size() == 1);
    CHECK(store.rows(project).empty());
}

TEST_CASE("memory_replica_store: assigning to a transaction drops what it held") {
    memory_replica_store one{schemas()};
    memory_replica_store two{schemas()};
    const record_key a{task, "a"};
    auto t = must(one.begin());
    must(t.write(a, task_row("dropped")));
    t = must(two.begin());
    CHECK_FALSE(one.row(a));
    must(one.begin());
    must(t.write(a, task_row("kept")));
    must(t.commit());
    CHECK(two.row(a) == task_row("kept"));
}

namespace {

// `task` with one more field behind those that it has.
schema_set grown_schemas(bool nullable = true) {
    schema_set out;
    for (std::size_t m = 0; m < schemas().size(); ++m) {
        model_schema s = schemas()[static_cast<model_id>(m)];
        if (m == task) s.fields.push_back({"later", value_kind::text, nullable, nullptr});
        must(out.add(s));
    }
    return out;
}
field_set just(field_index f) {
    field_set out;
    out.insert(f);
    return out;
}
record wider(record row, value last = {}) {
    row.fields.push_back(std::move(last));
    return row;
}

}  // namespace

TEST_CASE("memory_replica_store: a store that grows has every row, image and change as it was, with nothing in the new field") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"}, b{task, "b"}, c{task, "c"};
    const auto later = static_cast<field_index>(task_row("x").fields.size());
    for (const auto& key : {a, b, c}) must(store.app_write(key, task_row("one")));
    {
        auto t = must(store.begin());
        must(t.take_captured());
        base_row base;
        base.version = 4;
        base.image_kept = true;
        base.image = task_row("base");
        must(t.put_base(a, base));
        intent update;
        update.key = a;
        update.changes.set(0, value::text("one"));
        update.before = task_row("base");
        update.ordinal = 1;
        must(t.put_open(update, 0));
        intent create = update;
        create.key = b;
        create.op = operation::create;
        create.before.reset();
        create.ordinal = 2;
        must(t.put_open(create, 0));
        must(t.put_lost({c, 3, task_row("lost"), {}}));
        must(t.stage({{c, 3, task_row("staged"), {}}}));
        auto state = must(t.state());
        state.checkpoint = 7;
        state.hydration_session = "walk";
        state.hydration_position = 3;
        must(t.put_state(state));
        must(t.commit());
    }
    auto more = must(store.grown(grown_schemas()));
    CHECK(store.row(a) == task_row("one"));  // this one is as it was
    CHECK(more.row(a) == wider(task_row("one")));
    auto t = must(more.begin());
    CHECK(must(t.base(a)).image == wider(task_row("base")));
    const auto update = must(t.open_intent(a));
    REQUIRE(update);
    CHECK(update->before == wider(task_row("base")));
    CHECK(update->changes.find(later) == nullptr);
    CHECK(update->unseen == just(later));
    const auto create = must(t.open_intent(b));
    REQUIRE(create);
    REQUIRE(create->changes.find(later) != nullptr);
    CHECK(create->changes.find(later)->is_null());
    CHECK(create->unseen == just(later));
    CHECK(must(t.lost_rows(10)).at(0).row == wider(task_row("lost")));
    CHECK(must(t.staged(nullptr, 10)).empty());
    CHECK(must(t.state()).needs_hydration);
    CHECK(must(t.state()).hydration_session.empty());
    CHECK(must(t.state()).hydration_position == 0);
    CHECK_FALSE(must(t.base(a)).provisional);
}

TEST_CASE("memory_replica_store: one that has grown names what its rows tell nothing of, until the state has come anew") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"}, b{task, "b"}, c{task, "c"};
    const auto later = just(static_cast<field_index>(task_row("x").fields.size()));
    must(store.app_write(a, task_row("one")));
    {
        auto t = must(store.begin());
        must(t.take_captured());
        auto state = must(t.state());
        state.checkpoint = 7;
        must(t.put_state(state));
        must(t.commit());
    }
    must(store.app_write(a, task_row("two")));  // captured before, taken after
    auto more = must(store.grown(grown_schemas()));
    must(more.app_write(b, wider(task_row("made"))));
    must(more.app_write(c, wider(task_row("made"), value::text("with it"))));
    {
        auto t = must(more.begin());
        const auto edits = must(t.take_captured());
        REQUIRE(edits.size() == 3);
        CHECK(edits[0].before == wider(task_row("one")));
        CHECK(edits[0].unseen == later);
        CHECK(edits[1].unseen == later);
        CHECK(edits[2].unseen == field_set{});  // somebody has set it
        auto state = must(t.state());
        state.needs_hydration = false;
        must(t.put_state(state));
        must(t.commit());
    }
    must(more.app_erase(a));
    auto t = must(more.begin());
    CHECK(must(t.take_captured()).at(0).unseen == field_set{});
}

TEST_CASE("memory_replica_store: a device that has never pulled asks for nothing, and each row that comes counts as news") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"};
    {
        auto t = must(store.begin());
        base_row base;
        base.version = 4;
        base.image_kept = true;
        base.image = task_row("base");
        must(t.put_base(a, base));
        must(t.commit());
    }
    auto more = must(store.grown(grown_schemas()));
    auto t = must(more.begin());
    CHECK_FALSE(must(t.state()).needs_hydration);
    CHECK(must(t.base(a)).provisional == std::optional{provisional_base{4, {}}});
    const auto same = store.grown(schemas());
    REQUIRE(same);
    auto u = must(store.begin());
    CHECK_FALSE(must(u.base(a)).provisional);
}

TEST_CASE("memory_replica_store: what does not begin as it was is refused, and so is a field that must not be null") {
    memory_replica_store store{schemas()};
    CHECK(fault_of(store.grown(schema_set{})) == errc::schema_mismatch);
    CHECK(fault_of(store.grown(grown_schemas(false))) == errc::schema_mismatch);
    memory_replica_store wide{grown_schemas()};
    CHECK(fault_of(wide.grown(schemas())) == errc::schema_mismatch);
}

}  // namespace memory_replica_store_test
