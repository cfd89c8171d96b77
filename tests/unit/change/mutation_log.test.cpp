#include <syncline/change/mutation_log.hpp>

#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mutation_log_test {

namespace {

using namespace syncline;
using simulation::child_model;
using simulation::key_named;
using simulation::lab_must;

schema_set models() {
    schema_set out;
    for (auto& m : simulation::models(overlap_policy::by_field)) lab_must(out.add(std::move(m)));
    return out;
}

record row(std::int64_t a, std::int64_t b = 0, std::int64_t n = 0) {
    return record{{value::integer(a), value::integer(b), value::integer(n), value::integer(0), value{}}};
}
record child_row(std::int64_t a, const std::string& parent) {
    record out = row(a);
    out.fields.push_back(value::text(parent));
    return out;
}

intent edit(const record_key& key, std::optional<record> before, const std::optional<record>& after, std::int64_t version = 0) {
    intent made;
    made.key = key;
    made.op = !after ? operation::erase : before ? operation::update : operation::create;
    if (after)
        for (std::size_t f = 0; f < after->fields.size(); ++f) made.changes.set(static_cast<field_index>(f), after->fields[f]);
    made.before = std::move(before);
    made.base.row_version = version;
    return made;
}

struct numbered_ids {
    int last = 0;
    mutation_id operator()() { return "m" + std::to_string(++last); }
};

outcome answer(const mutation_id& id, outcome_kind kind, std::int64_t version = 0) {
    outcome o;
    o.id = id;
    o.kind = kind;
    o.version = version;
    return o;
}

const record_key a = key_named("T");
const record_key b = key_named("T2");

}  // namespace

TEST_CASE("mutation log: edits of one record that were not frozen are one change, and the rest of the row is left alone") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    lab_must(log.record_change(edit(a, row(1), row(2), 7)));
    lab_must(log.record_change(edit(a, row(2), row(2, 5), 7)));
    lab_must(log.record_change(edit(b, std::nullopt, row(9))));
    CHECK(log.counts().open == 2);
    const intent& one = log.open().at(a);
    CHECK(one.op == operation::update);
    CHECK(one.changes.size() == 2);
    CHECK(one.base == base_ref{7, {}});
    CHECK(one.ordinal == 1);
    CHECK(log.visible(a, row(1, 0, 4)) == row(2, 5, 4));
    CHECK(log.visible(b, std::nullopt) == row(9));

    lab_must(log.record_change(edit(b, row(9), std::nullopt)));
    CHECK(log.open().size() == 1);
    lab_must(log.record_change(edit(b, row(3), row(3), 2)));
    CHECK(log.open().size() == 1);
}

TEST_CASE("mutation log: refuses what is not of its models, by name, and changes nothing") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    CHECK(log.record_change(edit({9, "x"}, std::nullopt, row(1))).error().code == errc::unknown_model);
    CHECK(log.record_change(edit({0, ""}, std::nullopt, row(1))).error().code == errc::invalid_key);
    intent wide = edit(a, row(1), row(2));
    wide.changes.set(40, value::integer(1));
    const auto said = log.record_change(wide);
    CHECK(said.error().code == errc::unknown_field);
    CHECK(said.error().detail.find("node") != std::string::npos);
    CHECK(log.open().empty());
}

TEST_CASE("mutation log: takes of a change what is the caller's to say, and puts the rest right by itself") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    intent made = edit(a, row(1), row(2), 7);
    made.base.after = "not ours to say";
    made.waiting = wait_reason{errc::conflict, "neither"};
    made.ordinal = 99;
    lab_must(log.record_change(made));
    CHECK(log.open().at(a).base == base_ref{7, {}});
    CHECK_FALSE(log.open().at(a).waiting);
    CHECK(log.open().at(a).ordinal == 1);

    // A create has every field and no row before, an erase no fields, an update only what it changes.
    intent create = edit(b, row(5), std::nullopt);
    create.op = operation::create;
    create.changes.set(0, value::integer(3));
    lab_must(log.record_change(create));
    const record whole = log.open().at(b).whole(schemas[b.model].fields.size());
    CHECK(log.open().at(b).changes.size() == schemas[b.model].fields.size());
    CHECK_FALSE(log.open().at(b).before);
    CHECK(whole.fields[0] == value::integer(3));
    CHECK(whole.fields[1] == value::null());

    const record_key c = key_named("T3");
    intent erase = edit(c, row(5), std::nullopt, 2);
    erase.changes.set(0, value::integer(3));
    lab_must(log.record_change(erase));
    CHECK(log.open().at(c).changes.empty());

    const record_key d = key_named("T4");
    intent update = edit(d, record{{value::integer(1)}}, row(1), 2);  // a row from before the model had its later fields
    lab_must(log.record_change(update));
    CHECK_FALSE(log.open().at(d).changes.find(0));
    CHECK(log.open().at(d).changes.size() == 4);
    const record_key e = key_named("T5");
    intent blind = edit(e, std::nullopt, row(1), 2);
    blind.op = operation::update;
    lab_must(log.record_change(blind));
    CHECK(log.open().at(e).changes.size() == 5);

    intent beyond = edit(a, row(1), row(2));
    beyond.changes.set(static_cast<field_index>(schemas[a.model].fields.size()), value::integer(1));
    CHECK(log.record_change(beyond).error().code == errc::unknown_field);
}

TEST_CASE("mutation log: counts and names what is open, waiting and in flight") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    lab_must(log.record_change(edit(a, row(1), row(2), 1)));
    lab_must(log.freeze(10, ids));
    log.settle({answer("m1", outcome_kind::refused)});
    lab_must(log.record_change(edit(b, row(1), row(2), 1)));
    CHECK(log.freeze(10, ids)->size() == 1);
    lab_must(log.record_change(edit(key_named("T3"), row(1), row(2), 1)));
    CHECK(log.counts().open == 1);
    CHECK(log.counts().waiting == 1);
    CHECK(log.counts().frozen == 1);
    REQUIRE(log.waiting().size() == 1);
    CHECK(log.waiting().front().key == a);
}

TEST_CASE("mutation log: what was acknowledged is forgotten when an outcome brings the row or keeps the authority's") {
    const schema_set schemas = models();
    for (const bool superseded : {true, false}) {
        CAPTURE(superseded);
        mutation_log log{schemas};
        numbered_ids ids;
        lab_must(log.record_change(edit(a, row(1), row(2), 3)));
        lab_must(log.freeze(10, ids));
        log.settle({answer("m1", outcome_kind::applied, 5)});
        lab_must(log.record_change(edit(a, row(2), row(3), 3)));
        CHECK(log.open().at(a).base == base_ref{3, "m1"});
        lab_must(log.freeze(10, ids));
        outcome second = answer("m2", superseded ? outcome_kind::superseded : outcome_kind::applied, 6);
        second.carries_row = true;
        log.settle({second});
        lab_must(log.record_change(edit(a, row(3), row(4), 4)));
        CHECK(log.open().at(a).base == base_ref{4, {}});
    }
}

TEST_CASE("mutation log: at most one batch is in flight, and it is the same until it is settled") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    CHECK(lab_must(log.freeze(10, ids)).empty());
    lab_must(log.record_change(edit(a, std::nullopt, row(1))));
    const auto first = lab_must(log.freeze(10, ids));
    REQUIRE(first.size() == 1);
    lab_must(log.record_change(edit(b, std::nullopt, row(2))));
    CHECK(lab_must(log.freeze(10, ids)) == first);
    CHECK(log.settle({answer("m1", outcome_kind::error)}).errors == 1);
    CHECK(lab_must(log.freeze(10, ids)) == first);
    CHECK(log.settle({answer("m1", outcome_kind::applied, 5)}).applied == 1);
    CHECK(log.settle({answer("m1", outcome_kind::applied, 5)}).unknown == 1);
    const auto second = lab_must(log.freeze(10, ids));
    REQUIRE(second.size() == 1);
    CHECK(second.front().what.key == b);
    CHECK(second.front().id == "m2");
}

TEST_CASE("mutation log: writes go before erases, parents before children, oldest first, and no more than the limit") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    const record_key p = key_named("P");
    lab_must(log.record_change(edit(p, row(1), std::nullopt, 3)));
    lab_must(log.record_change(edit(key_named("C1"), child_row(1, "P"), std::nullopt, 3)));
    lab_must(log.record_change(edit(key_named("C2"), std::nullopt, child_row(1, "T"))));
    lab_must(log.record_change(edit(b, std::nullopt, row(2))));
    lab_must(log.record_change(edit(a, std::nullopt, row(1))));
    const auto items = lab_must(log.freeze(4, ids));
    std::vector<std::string> order;
    for (const auto& item : items) order.push_back(item.what.key.key);
    CHECK(order == std::vector<std::string>{"T2", "T", "C2", "C1"});
    CHECK(log.open().size() == 1);
    CHECK(items.back().position == 3);
}

TEST_CASE("mutation log: an id maker that gives an empty or a repeated id changes nothing") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    lab_must(log.record_change(edit(a, std::nullopt, row(1))));
    lab_must(log.record_change(edit(b, std::nullopt, row(1))));
    CHECK(log.freeze(5, [] { return mutation_id{}; }).error().code == errc::invalid_argument);
    CHECK(log.freeze(5, [] { return mutation_id{"same"}; }).error().code == errc::invalid_argument);
    CHECK(log.counts().open == 2);
    CHECK(log.counts().frozen == 0);
}

TEST_CASE("mutation log: a refused change goes back under what the user did since, and the whole waits for a person") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    lab_must(log.record_change(edit(a, row(1), row(2), 7)));
    (void)lab_must(log.freeze(10, ids));
    lab_must(log.record_change(edit(a, row(2), row(2, 3), 7)));
    CHECK(log.open().at(a).base == base_ref{7, "m1"});
    outcome refused = answer("m1", outcome_kind::refused, 8);
    refused.why = wait_reason{errc::validation_failed, "no"};
    const auto report = log.settle({refused});
    REQUIRE(report.waiting.size() == 1);
    CHECK(report.waiting.front().second.code == errc::validation_failed);
    CHECK(log.counts().waiting == 1);
    CHECK(log.counts().open == 0);
    CHECK(log.visible(a, row(1)) == row(2, 3));
    const intent whole = log.open().at(a);
    CHECK(whole.base == base_ref{7, {}});
    CHECK(whole.before == row(1));
    CHECK(whole.ordinal == 1);
    CHECK(lab_must(log.freeze(10, ids)).empty());

    SECTION("a retry lets it out as it is, under a new id") {
        lab_must(log.retry(a));
        CHECK(log.retry(a).error().code == errc::absent);
        const auto again = lab_must(log.freeze(10, ids));
        REQUIRE(again.size() == 1);
        CHECK(again.front().id == "m2");
    }
    SECTION("an edit is a retry") {
        lab_must(log.record_change(edit(a, row(2, 3), row(2, 4), 8)));
        CHECK(log.counts().open == 1);
        CHECK(log.open().at(a).base.row_version == 7);
    }
    SECTION("discarding shows the authority's row") {
        lab_must(log.discard(a));
        CHECK(log.visible(a, row(1)) == row(1));
        CHECK(log.discard(a).error().code == errc::absent);
    }
}

TEST_CASE("mutation log: a refused create that the user erased meanwhile is gone") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    lab_must(log.record_change(edit(a, std::nullopt, row(2))));
    (void)lab_must(log.freeze(10, ids));
    lab_must(log.record_change(edit(a, row(2), std::nullopt)));
    CHECK(log.settle({answer("m1", outcome_kind::held)}).refused == 1);
    CHECK(log.open().empty());
    CHECK(log.in_flight().empty());
}

TEST_CASE("mutation log: a child of a record whose own creation waits is held back, others are not") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    lab_must(log.record_change(edit(key_named("P"), std::nullopt, row(1))));
    (void)lab_must(log.freeze(10, ids));
    (void)log.settle({answer("m1", outcome_kind::refused)});
    lab_must(log.record_change(edit(key_named("C1"), std::nullopt, child_row(1, "P"))));
    lab_must(log.record_change(edit(key_named("C2"), std::nullopt, child_row(1, "T"))));
    const auto items = lab_must(log.freeze(10, ids));
    REQUIRE(items.size() == 1);
    CHECK(items.front().what.key == key_named("C2"));
    (void)log.settle({answer(items.front().id, outcome_kind::applied, 2)});
    lab_must(log.retry(key_named("P")));
    CHECK(lab_must(log.freeze(10, ids)).size() == 2);
}

TEST_CASE("mutation log: what depends on a creation that waits stays at any depth, and a record goes before what refers to it (promise 4)") {
    schema_set schemas;
    model_schema item;
    item.name = "item";
    item.fields = {{"parent", value_kind::text, true, nullptr}};
    item.references = {{0, "item", {}}};
    lab_must(schemas.add(item));
    mutation_log log{schemas};
    numbered_ids ids;
    const auto write = [&](const std::string& key, const std::string& parent) {
        lab_must(log.record_change(edit({0, key}, std::nullopt, record{{parent.empty() ? value{} : value::text(parent)}})));
    };
    const auto frozen = [&](std::size_t limit) {
        std::string out;
        for (const auto& sent : lab_must(log.freeze(limit, ids))) out += sent.what.key.key;
        return out;
    };
    const auto settle = [&](outcome_kind kind) {
        std::vector<outcome> said;
        for (const auto& sent : log.in_flight()) said.push_back(answer(sent.id, kind, 1));
        log.settle(said);
    };
    write("a", "");
    CHECK(frozen(9) == "a");
    settle(outcome_kind::refused);
    write("c", "b");
    write("b", "a");
    CHECK(frozen(9).empty());
    lab_must(log.retry({0, "a"}));
    for (const char* next : {"a", "b", "c"}) {
        CHECK(frozen(1) == next);
        settle(outcome_kind::applied);
    }
    CHECK(frozen(9).empty());
}

TEST_CASE("mutation log: a creation that goes before an older change that refers to it goes once") {
    model_schema node;
    node.name = "node";
    node.fields = {{"under", value_kind::text, true, nullptr}};
    node.references = {{0, "node", reference_action::cascade}};
    schema_set schemas;
    lab_must(schemas.add(std::move(node)));
    mutation_log log{schemas};
    const record_key child{0, "child"};
    const record_key parent{0, "parent"};
    lab_must(log.record_change(edit(child, std::nullopt, record{{value::text("parent")}})));
    lab_must(log.record_change(edit(parent, std::nullopt, record{{value{}}})));
    const auto batch = lab_must(log.freeze(9, numbered_ids{}));
    REQUIRE(batch.size() == 2);
    CHECK(batch[0].what.key == parent);
    CHECK(batch[1].what.key == child);
}

TEST_CASE("mutation log: a second outcome of the same change is passed over, and what has no version is no base") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    log.arrived(a, 5);  // nothing was acknowledged: nothing to forget
    lab_must(log.record_change(edit(a, row(1), row(2), 7)));
    lab_must(log.freeze(9, numbered_ids{}));
    const auto report = log.settle({answer("m1", outcome_kind::applied), answer("m1", outcome_kind::refused)});
    CHECK(report.applied == 1);
    CHECK(report.unknown == 1);
    CHECK(report.refused == 0);
    CHECK(log.open().empty());
    lab_must(log.record_change(edit(a, row(2), row(3), 7)));
    CHECK(log.open().at(a).base == base_ref{7, {}});
}

TEST_CASE("mutation log: edits across several pushes name the own mutation before, until the authority's row arrives (W02)") {
    const schema_set schemas = models();
    mutation_log log{schemas};
    numbered_ids ids;
    record now = row(0);
    for (int i = 1; i <= 4; ++i) {
        record next = row(i);
        lab_must(log.record_change(edit(a, now, next, i == 1 ? 7 : 20 + i - 1)));
        now = next;
        const auto items = lab_must(log.freeze(1, ids));
        const base_ref expected{7, i == 1 ? mutation_id{} : "m" + std::to_string(i - 1)};
        CHECK(items.front().what.base == expected);
        outcome done = answer(items.front().id, outcome_kind::applied, 20 + i);
        done.clean = true;
        (void)log.settle({done});
    }
    SECTION("it arrived, or the caller says so by a newer version") {
        const bool told = GENERATE(true, false);
        if (told) log.arrived(a, 24);
        lab_must(log.record_change(edit(a, now, row(9), told ? 24 : 25)));
        CHECK(log.open().at(a).base == base_ref{told ? 24 : 25, {}});
    }
    SECTION("an older row that arrives late is not the one") {
        log.arrived(a, 23);
        lab_must(log.record_change(edit(a, now, row(9), 24)));
        CHECK(log.open().at(a).base == base_ref{7, "m4"});
    }
    SECTION("an outcome that carries the row is the authority's row") {
        lab_must(log.record_change(edit(a, now, row(9), 24)));
        const auto items = lab_must(log.freeze(1, ids));
        outcome merged = answer(items.front().id, outcome_kind::applied, 30);
        merged.carries_row = true;
        (void)log.settle({merged});
        lab_must(log.record_change(edit(a, row(9), row(10), 30)));
        CHECK(log.open().at(a).base == base_ref{30, {}});
    }
}

TEST_CASE("mutation log: does with a random history what the replica does with it") {
    const std::uint64_t seed = 44;
    CAPTURE(seed);
    seeded_random random(seed);
    const std::vector<std::string> names{"T", "T2", "P"};
    const timestamp now = from_microseconds(5);
    for (int history = 0; history < 200; ++history) {
        CAPTURE(history);
        memory_replica_store store{models()};
        replica device{store};
        const schema_set schemas = models();
        mutation_log log{schemas};
        std::int64_t version = 1;
        for (int step = 0; step < 30; ++step) {
            const record_key key = key_named(names[static_cast<std::size_t>(random.below(3))]);
            const auto draw = random.below(10);
            if (draw < 5) {
                const auto before = store.row(key);
                std::optional<record> after;
                if (!random.chance(1, 4)) {
                    after = before ? *before : row(0);
                    after->fields[static_cast<std::size_t>(random.below(4))] = value::integer(static_cast<std::int64_t>(random.below(5)));
                }
                if (!before && !after) continue;
                const auto base = simulation::base_of(store, key);
                after ? lab_must(store.app_write(key, *after)) : lab_must(store.app_erase(key));
                (void)lab_must(device.absorb(now));
                if (before == after) continue;
                intent made = edit(key, before, after, base.version);
                made.edited_at = now;
                lab_must(log.record_change(made));
            } else if (draw < 7) {
                const auto batch = lab_must(device.freeze(2, false, random, now));
                std::size_t at = 0;
                const auto items = lab_must(log.freeze(2, [&] { return batch ? batch->items[at++].id : mutation_id{"none"}; }));
                REQUIRE(items.size() == (batch ? batch->items.size() : 0));
                for (std::size_t i = 0; i < items.size(); ++i) {
                    CHECK(items[i].id == batch->items[i].id);
                    CHECK(items[i].what.key == batch->items[i].what.key);
                    CHECK(items[i].what.changes == batch->items[i].what.changes);
                    CHECK(items[i].what.base == batch->items[i].what.base);
                }
            } else if (draw < 9 && !log.in_flight().empty()) {
                const auto items = log.in_flight();
                const auto id = lab_must(device.freeze(1, false, random, now))->head.id;
                std::vector<outcome> said;
                for (const auto& item : items) {
                    if (random.chance(1, 5)) continue;
                    outcome o = answer(item.id, static_cast<outcome_kind>(1 + random.below(5)), ++version);
                    o.carries_row = o.kind == outcome_kind::superseded || (o.kind == outcome_kind::applied && random.chance(1, 3));
                    if (o.carries_row && random.chance(4, 5)) o.row = row(static_cast<std::int64_t>(random.below(9)));
                    said.push_back(o);
                }
                const auto theirs = lab_must(device.settle(id, said, now));
                const auto ours = log.settle(said);
                CHECK(ours.applied == theirs.applied);
                CHECK(ours.refused == theirs.refused);
                CHECK(ours.errors == theirs.errors);
            } else if (draw == 9) {
                const bool give_up = random.chance(1, 2);
                const auto theirs = give_up ? device.discard(key, now) : device.retry(key, now);
                const auto ours = give_up ? log.discard(key) : log.retry(key);
                REQUIRE(ours.has_value() == theirs.has_value());
            }
            for (const auto& name : names) {
                const record_key each = key_named(name);
                CAPTURE(step, name);
                const auto open = simulation::open_of(store, each);
                const auto mine = log.open().find(each);
                REQUIRE((mine != log.open().end()) == open.has_value());
                if (open) {
                    CHECK(mine->second.op == open->op);
                    CHECK(mine->second.changes == open->changes);
                    CHECK(mine->second.before == open->before);
                    CHECK(mine->second.base == open->base);
                    CHECK(mine->second.waiting == open->waiting);
                }
                REQUIRE(log.visible(each, simulation::base_of(store, each).row) == store.row(each));
            }
        }
    }
}

}  // namespace mutation_log_test
