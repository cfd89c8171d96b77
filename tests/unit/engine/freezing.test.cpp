#include <syncline/engine/freezing.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace freezing_test {

namespace {

using namespace engine_tests;

std::optional<frozen_batch> freeze(device& d, replica_state& state, std::size_t limit, bool numbered) {
    std::optional<frozen_batch> out;
    auto t = lab_must(d.store.begin());
    lab_must(freeze_batch(t, d.engine.schemas(), state, limit, numbered, batch_growth::none, random_source{d.random}, d.now, out));
    return out;
}

}  // namespace

TEST_CASE("freezing: at most as many as asked for, parents before children, each under an id of its own") {
    device d;
    d.write("C1", child_row(1, "P"));
    d.write("P", node_row(2));
    d.write("T", node_row(3));
    lab_must(d.engine.absorb(d.now));
    replica_state state = d.status().state;
    const auto two = freeze(d, state, 2, true);
    REQUIRE(two);
    REQUIRE(two->items.size() == 2);
    CHECK(two->items[0].what.key == key_named("P"));
    CHECK(two->items[0].id != two->items[1].id);
    CHECK(two->head.source_bundle_id == state.next_source_bundle_id);
    CHECK(two->head.frozen_items == 2);
    CHECK(freeze(d, state, 3, false)->head.id == two->head.id + 1);
    CHECK(freeze(d, state, 3, false)->head.source_bundle_id == 0);
    CHECK(!freeze(d, state, 0, false));
}

TEST_CASE("freezing: a new child waits with the creation of its parent, its siblings and erases do not") {
    device d;
    d.write("P", node_row(2));
    const auto batch = d.freeze();
    REQUIRE(batch);
    outcome refused = answer(batch->items.front().id, outcome_kind::refused);
    refused.why = wait_reason{errc::validation_failed, "no"};
    d.settle({refused});
    d.write("C1", child_row(1, "P"));
    d.write("C2", child_row(1, "T"));
    lab_must(d.engine.absorb(d.now));
    auto t = lab_must(d.store.begin());
    const auto stays = [&](const intent& what) { return !lab_must(needed_creations(d.engine.schemas(), what, [&](const record_key& key) { return t.open_intent(key); }, {}, {})); };
    CHECK(stays(*lab_must(t.open_intent(key_named("C1")))));
    CHECK(!stays(*lab_must(t.open_intent(key_named("C2")))));
    intent gone = *lab_must(t.open_intent(key_named("C1")));
    gone.op = operation::erase;
    CHECK(!stays(gone));
}

namespace {

/// A device with one model, whose records refer to each other.
struct tree {
    tree() { lab_must(engine.open(random, now)); }
    void write(const std::string& key, const char* parent = nullptr, const char* name = "n") {
        lab_must(store.app_write({0, key}, record{{value::text(name), parent == nullptr ? value{} : value::text(parent)}}));
        lab_must(engine.absorb(now));
    }
    std::optional<frozen_batch> freeze(std::size_t limit = 10) { return lab_must(engine.freeze_more(limit, random, now)); }
    std::string frozen(std::size_t limit = 10) {
        std::string out;
        if (const auto batch = freeze(limit))
            for (const auto& item : batch->items) out += item.what.key.key;
        return out;
    }
    void settle(outcome_kind kind) {
        const auto batch = freeze();
        REQUIRE(batch);
        std::vector<outcome> said;
        for (const auto& item : batch->items) said.push_back(answer(item.id, kind, kind == outcome_kind::applied ? 1 : 0));
        lab_must(engine.settle(batch->head.id, said, now));
    }

    seeded_random random{1};
    timestamp now = at(2000);
    memory_replica_store store{items_with_parents()};
    replica<memory_replica_store> engine{store};
};

}  // namespace

TEST_CASE("freezing: what depends on a creation that waits stays with it at any depth, and goes when it goes (promise 4)") {
    tree d;
    d.write("a");
    CHECK(d.frozen() == "a");
    d.settle(outcome_kind::refused);
    d.write("b", "a");
    d.write("c", "b");
    d.write("d", "c");
    d.write("z");
    CHECK(d.frozen() == "z");
    d.settle(outcome_kind::applied);
    d.write("z", "d");  // refers to what is not there yet
    CHECK(!d.freeze());
    REQUIRE(d.engine.retry({0, "a"}, d.now));
    CHECK(d.frozen() == "abcdz");
}

TEST_CASE("freezing: a record goes before what refers to it though it was made later, in whatever batches they go (rule 11)") {
    tree d;
    d.write("c");
    d.write("b");
    d.write("a");
    d.write("b", "a");
    d.write("c", "b");
    SECTION("all at once") {
        CHECK(d.frozen() == "abc");
        d.settle(outcome_kind::applied);
    }
    SECTION("one by one") {
        for (const char* next : {"a", "b", "c"}) {
            CHECK(d.frozen(1) == next);
            d.settle(outcome_kind::applied);
        }
    }
    SECTION("a cycle goes whole") {
        d.write("a", "c");
        CHECK(d.frozen().size() == 3);
        d.settle(outcome_kind::applied);
    }
    CHECK(!d.freeze());
}

TEST_CASE("freezing: what the authority leaves undecided keeps nothing behind it: the batch is filled up, and what is new stands after it") {
    tree d;
    for (const char* key : {"a", "b", "c"}) d.write(key);
    const auto first = *d.freeze(2);
    REQUIRE(first.items.size() == 2);
    d.write("a", nullptr, "again");  // lies over what is on its way
    d.write("d", "a");
    d.write("e", "d");
    SECTION("nobody has answered: the batch goes out again as it was") {
        CHECK(d.freeze(10)->items == first.items);
        CHECK(d.freeze(10)->head == first.head);
    }
    SECTION("an answer about others says nothing of it") {
        lab_must(d.engine.settle(first.head.id, {answer("another", outcome_kind::error), answer("one more", outcome_kind::applied, 1)}, d.now));
        CHECK(d.freeze(10)->items == first.items);
    }
    SECTION("some of it was decided") {
        lab_must(d.engine.settle(first.head.id, {answer(first.items[1].id, outcome_kind::applied, 1), answer(first.items[0].id, outcome_kind::error)}, d.now));
        CHECK(d.frozen(2) == "ac");
        CHECK(d.frozen(3) == "acd");
        const auto again = *d.freeze(10);
        CHECK(again.head.id == first.head.id);
        CHECK(again.head.token == first.head.token);
        CHECK(again.items[0] == first.items[0]);
        CHECK(d.frozen() == "acde");
        for (std::size_t i = 1; i < again.items.size(); ++i) CHECK(again.items[i].position > again.items[i - 1].position);
        CHECK(lab_must(d.engine.standing(d.now)).has.intents);  // the edit of `a`
        d.settle(outcome_kind::applied);
        CHECK(d.frozen() == "a");
    }
    SECTION("nothing of it was, and the limit is what is there") {
        lab_must(d.engine.settle(first.head.id, {answer(first.items[0].id, outcome_kind::error), answer(first.items[1].id, outcome_kind::error)}, d.now));
        CHECK(d.frozen(2) == "ab");
        CHECK(d.frozen(3) == "abc");
    }
    SECTION("who does not ask for it gets the batch as it is") {
        lab_must(d.engine.settle(first.head.id, {answer(first.items[0].id, outcome_kind::error)}, d.now));
        CHECK(lab_must(d.engine.freeze(10, false, d.random, d.now))->items == first.items);
    }
}

TEST_CASE("freezing: in the transaction that freezes a change it lies over its row already, also where that row is not shown (rules 1 and 5)") {
    tree d;
    const auto row = [](const char* name, const char* parent) { return record{{value::text(name), parent == nullptr ? value{} : value::text(parent)}}; };
    const auto take = [&](std::int64_t seq, const std::vector<row_image>& rows) { lab_must(d.engine.apply_bundle(seq - 1, seq, rows, d.now)); };
    take(1, {{{0, "grandparent"}, 1, row("n", nullptr), {}}, {{0, "parent"}, 1, row("n", nullptr), {}}, {{0, "other"}, 1, row("n", nullptr), {}}, {{0, "child"}, 1, row("n", "other"), {}}});
    d.write("child", "parent");
    lab_must(d.store.app_erase({0, "grandparent"}));
    lab_must(d.engine.absorb(d.now));
    // Meanwhile the parent moved to what the user erases, and so neither of the two is shown. By the server's row alone the child would be.
    take(2, {{{0, "parent"}, 2, row("n", "grandparent"), {}}, {{0, "child"}, 2, row("m", "other"), {}}});
    REQUIRE(!d.store.row({0, "child"}));
    REQUIRE(d.freeze()->items.size() == 2);
    CHECK(!d.store.row({0, "child"}));
    auto t = lab_must(d.store.begin());
    const auto base = lab_must(t.base({0, "child"}));
    CHECK(base.image_kept);
    CHECK(base.image == row("m", "other"));
}

TEST_CASE("freezing: a batch has a token, and another one draws another") {
    tree d;
    d.write("a");
    const auto first = *d.freeze();
    CHECK(first.head.token.size() == 36);
    d.settle(outcome_kind::applied);
    d.write("b");
    CHECK(d.freeze()->head.token != first.head.token);
}

TEST_CASE("freezing: what no peer is to be sent waits for a person, with all that refers to it, whether somebody asks why or not") {
    model_schema event;
    event.name = "event";
    event.fields = {{"at", value_kind::time, true, nullptr}, {"p", value_kind::text, true, nullptr}, {"q", value_kind::text, true, nullptr}};
    event.references = {{1, "event", reference_action::none}, {2, "event", reference_action::none}};
    schema_set schemas;
    lab_must(schemas.add(event));
    for (const bool asked : {true, false}) {
        CAPTURE(asked);
        memory_replica_store store{schemas};
        replica<memory_replica_store> engine{store};
        seeded_random random{1};
        const auto now = at(2000);
        lab_must(engine.open(random, now));
        const auto write = [&](const std::string& key, value time, value p, value q) {
            lab_must(store.app_write({0, key}, record{{std::move(time), std::move(p), std::move(q)}}));
            lab_must(engine.absorb(now));
        };
        write("child", {}, value::text("one"), value::text("two"));  // made before what it refers to
        write("fine", {}, {}, {});
        write("one", value::text("no time"), {}, {});
        write("two", value::text("none either"), {}, {});
        std::vector<waiting_change> aside;
        const auto batch = lab_must(engine.freeze(10, false, random, now, asked ? &aside : nullptr));
        REQUIRE(batch);
        REQUIRE(batch->items.size() == 1);
        CHECK(batch->items[0].what.key.key == "fine");
        CHECK(lab_must(engine.waiting(10, now)).size() == 2);
        CHECK(aside.size() == (asked ? 2 : 0));
        CHECK(lab_must(engine.status(now)).counts.open == 1);
    }
}

}  // namespace freezing_test
