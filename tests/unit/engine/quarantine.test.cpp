// Rows that the app's table refuses, or that its triggers change: corners of `row_intake` and `row_placement` that need an odd table.

#include <syncline/engine/row_intake.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quarantine_test {

namespace {

using namespace engine_tests;

memory_table_options unique_a(model_id model = node_model) {
    memory_table_options tables;
    tables.unique = {{model, field_a}};
    return tables;
}

/// A transaction whose app edits and triggers the test says.
struct scripted : memory_replica_store::transaction {
    explicit scripted(memory_replica_store& store) : memory_replica_store::transaction{lab_must(store.begin())} {}
    result<std::vector<captured_edit>> take_captured() { return std::exchange(captured, {}); }
    result<std::vector<diverted_row>> take_diverted() { return std::exchange(diverted, std::exchange(diverted_next, {})); }
    result<void> write(const record_key& key, const record& row) { return refuses.contains(key) ? fault_of() : memory_replica_store::transaction::write(key, row); }
    result<void> erase(const record_key& key) { return refuses.contains(key) ? fault_of() : memory_replica_store::transaction::erase(key); }
    result<void> fault_of() const { return make_fault(why, "the trigger raises"); }

    std::vector<captured_edit> captured;
    std::vector<diverted_row> diverted;
    std::vector<diverted_row> diverted_next;
    std::set<record_key> refuses;
    errc why = errc::constraint;
};

}  // namespace

TEST_CASE("quarantine: a row over a base of a lost timeline is tried again though its number is below the base's") {
    device d{resolver_set{}, unique_a()};
    CHECK_FALSE(lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
    d.take({image("T", 8, node_row(1))});
    CHECK(lab_must(d.engine.note_epoch("two", {{5, 1000, 5, 1000}}, d.random, d.now)));
    d.write("N", node_row(2));
    const auto report = lab_must(d.engine.stage("walk", 0, 1, 5, {image("T", 4, node_row(2))}, cursor{40}, d.now));
    CHECK(report.quarantined == 1);
    CHECK(d.kept("T").lost);
    CHECK(d.row("T") == node_row(1));
    d.write("N", node_row(9));
    CHECK(d.take({}).applied == 1);
    CHECK(d.row("T") == node_row(2));
    CHECK(d.base("T").version == 4);
    CHECK_FALSE(d.kept("T").lost);
    CHECK(d.status().counts.quarantined == 0);
    const auto lost = lab_must(d.engine.lost_by_restore(10, d.now));
    REQUIRE(lost.size() == 1);
    CHECK(lost[0] == image("T", 8, node_row(1)));
    d.check();
}

TEST_CASE("quarantine: an erase that the table refused takes the record away when it is tried again") {
    device d;
    d.take({image("T", 3, node_row(1))});
    {
        auto t = lab_must(d.store.begin());
        lab_must(t.quarantine({image("T", 5, std::nullopt), wait_reason{errc::constraint, "a trigger raised"}}));
        lab_must(t.commit());
    }
    CHECK(d.take({}).applied == 1);
    CHECK_FALSE(d.row("T"));
    CHECK(d.kept("T").version == 5);
    CHECK(d.status().counts.quarantined == 0);
}

TEST_CASE("quarantine: a row that several missing records keep waiting is left once, and comes when the last of them has come") {
    device d;
    schema_set schemas;
    model_schema item;
    item.name = "item";
    item.fields = {{"p", value_kind::text, true, nullptr}, {"q", value_kind::text, true, nullptr}};
    item.references = {{0, "item", reference_action::none}, {1, "item", reference_action::none}};
    lab_must(schemas.add(item));
    memory_replica_store store{schemas};
    replica<memory_replica_store> engine{store};
    lab_must(engine.open(d.random, d.now));
    const auto take = [&](std::int64_t seq, const std::string& key, value p, value q) {
        page next;
        next.from = seq - 1;
        next.next = seq;
        next.rows = {row_image{{0, key}, seq, record{{std::move(p), std::move(q)}}, {}}};
        return lab_must(engine.apply(next, d.now));
    };
    CHECK(take(1, "x", value::text("y"), value::text("z")).quarantined == 1);
    CHECK(take(2, "w", {}, {}).applied == 1);
    CHECK(take(3, "y", {}, {}).applied == 1);
    CHECK(take(4, "z", {}, {}).applied == 2);
    CHECK(store.row({0, "x"}));
}

TEST_CASE("hydration: an acknowledged erase that the picture knows nothing of is forgotten, unlike a known tombstone") {
    device d;
    d.take({image("T", 3, node_row(1)), image("P", 4, std::nullopt)});
    d.erase("T");
    d.settle({answer(d.freeze()->items[0].id, outcome_kind::applied, 5)});
    REQUIRE(d.kept("T").provisional);
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("s", 0, 1, 8, {}, cursor{8}, d.now)).hydrated);
    CHECK(d.kept("T") == base_row{});
    CHECK(d.kept("P").version == 4);
}

TEST_CASE("taking rows in: a row that claims to contain a mutation settles nothing where none of its record is in flight") {
    device d;
    CHECK(d.take({image("T", 1, node_row(1), "somebody's")}).applied == 1);
    d.write("P", node_row(5));
    REQUIRE(d.freeze());
    CHECK(d.take({image("T", 2, node_row(2), "somebody's")}).applied == 1);
    CHECK(d.row("T") == node_row(2));
    CHECK(d.status().counts.frozen == 1);
    d.check();
}

TEST_CASE("quarantine: where the table refuses both the new row and the one before, the record stands as it is until there is room") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("P", 1, node_row(3))});
    d.write("T", node_row(2));
    const auto id = d.freeze()->items[0].id;
    d.write("T2", node_row(1));
    d.settle({answer_with_row(id, outcome_kind::superseded, 4, node_row(3))});
    CHECK(d.status().counts.quarantined == 1);
    CHECK(d.status().counts.frozen == 0);
    CHECK(d.row("T") == node_row(2));
    d.take({image("P", 5, node_row(7))});
    CHECK(d.row("T") == node_row(3));
    CHECK(d.base("T").version == 4);
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("hidden rows: one that the table has no room for when its parent is back stays hidden until there is room") {
    device d{resolver_set{}, unique_a(child_model)};
    d.take({image("P", 1, node_row(1)), image("T", 1, node_row(1))});
    d.erase("P");
    d.take({image("C1", 2, child_row(5, "P"))});
    REQUIRE_FALSE(d.row("C1"));
    const auto id = d.freeze()->items[0].id;
    d.write("C2", child_row(5, "T"));
    d.settle({answer_with_row(id, outcome_kind::superseded, 2, node_row(1))});
    CHECK(d.row("P"));
    CHECK_FALSE(d.row("C1"));
    CHECK(d.base("C1").row == child_row(5, "P"));
    d.write("C2", child_row(6, "T"));
    (void)d.status();
    CHECK(d.row("C1") == child_row(5, "P"));
    d.check();
}

TEST_CASE("references: a row that dangles goes altogether where another one has taken the place of the row before it") {
    device d{resolver_set{}, unique_a(child_model)};
    d.take({image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    CHECK(d.take({image("C1", 2, child_row(2, "T")), image("C2", 2, child_row(1, "P"))}).quarantined == 1);
    CHECK_FALSE(d.row("C1"));
    CHECK(d.kept("C1") == base_row{});
    CHECK(d.row("C2") == child_row(1, "P"));
    d.take({image("T", 3, node_row(1))});
    CHECK(d.row("C1") == child_row(2, "T"));
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("references: a change in flight of a record that has left the view makes it no parent") {
    device d;
    d.take({image("P", 1, node_row(1))});
    d.write("P", node_row(2));
    REQUIRE(d.freeze());
    d.take({image("P", 0, std::nullopt)});
    REQUIRE_FALSE(d.row("P"));
    CHECK(d.take({image("C1", 3, child_row(1, "P"))}).quarantined == 1);
    CHECK_FALSE(d.row("C1"));
    d.take({image("P", 4, node_row(1, 4))});
    CHECK(d.row("P") == node_row(2, 4));
    CHECK(d.row("C1") == child_row(1, "P"));
    d.check();
}

TEST_CASE("row placement: what the app made of nothing, or left as it was, is no edit, though a store names it") {
    device d;
    d.take({image("T", 1, node_row(1))});
    scripted t{d.store};
    t.captured = {captured_edit{key_named("N"), std::nullopt, std::nullopt}, captured_edit{key_named("T"), node_row(1), node_row(1)}};
    row_placement<scripted> rows{t, d.engine.schemas()};
    auto state = lab_must(t.state());
    const auto before = state;
    hybrid_clock clock{std::chrono::hours{1}};
    CHECK(lab_must(rows.absorb(state, clock, d.now)) == 0);
    CHECK(state == before);
    CHECK_FALSE(lab_must(t.presence()).intents);
}

TEST_CASE("triggers: a record that a trigger brings back is erased once more, and a row that cannot be put back is quarantined") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("P", 1, node_row(2))});
    const auto finish = [&](scripted& t) {
        row_placement<scripted> rows{t, d.engine.schemas()};
        return rows.finish();
    };
    {
        scripted t{d.store};
        t.diverted = {diverted_row{key_named("T"), std::nullopt}, diverted_row{key_named("P"), node_row(3)}};
        t.refuses = {key_named("P")};
        REQUIRE(finish(t));
        CHECK_FALSE(lab_must(t.visible(key_named("T"))));
        const auto kept = lab_must(t.quarantined(10));
        REQUIRE(kept.size() == 1);
        CHECK(kept[0].image == image("P", 1, node_row(3)));
        CHECK(kept[0].why == wait_reason{errc::constraint, "the trigger raises"});
    }
    for (const bool gone : {false, true}) {
        scripted t{d.store};
        t.diverted = {diverted_row{key_named("P"), gone ? std::optional<record>{} : node_row(3)}};
        t.refuses = {key_named("P")};
        t.why = errc::busy;
        const auto failed = finish(t);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == errc::busy);
        CHECK(lab_must(t.quarantined(10)).empty());
    }
}

TEST_CASE("references: a row that dangles and that the app's table keeps from going stays, in quarantine") {
    device d;
    d.take({image("P", 1, node_row(1))});
    scripted t{d.store};
    row_placement<scripted> rows{t, d.engine.schemas()};
    auto state = lab_must(t.state());
    hybrid_clock clock{std::chrono::hours{1}};
    lab_must(rows.absorb(state, clock, d.now));
    row_intake<scripted> intake{t, rows, state};
    apply_report report;
    lab_must(intake.take({image("C1", 2, child_row(1, "T"))}, true, report));
    t.refuses = {key_named("C1")};
    SECTION("refused") {
        REQUIRE(intake.settle_references(true, &report));
        CHECK(report.quarantined == 1);
        CHECK(lab_must(t.visible(key_named("C1"))) == child_row(1, "T"));
    }
    SECTION("a fault of the store") {
        t.why = errc::io_error;
        const auto failed = intake.settle_references(true, &report);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == errc::io_error);
    }
}

TEST_CASE("triggers: a row that a trigger of the app insists on changing stays in quarantine, and shows when the trigger is gone") {
    bool insists = true;
    memory_table_options tables;
    tables.trigger = [&insists](const record_key&, record& r) {
        if (insists && r.fields[field_a] == value::integer(42)) r.fields[field_b] = value::integer(-1);
    };
    device d{resolver_set{}, tables};
    d.take({image("T", 1, node_row(42, 5)), image("P", 1, node_row(42, 6))});
    CHECK(d.status().counts.quarantined == 2);
    d.write("P", node_row(42, -1, 3));
    for (int pages = 0; pages < 2; ++pages) {
        CHECK(d.take({}).applied == 0);
        CHECK(d.row("T") == node_row(42, -1));
        CHECK(d.kept("T").version == 1);
        CHECK(d.status().counts.open == 1);
    }
    auto waits = lab_must(d.engine.quarantined(10, d.now));
    REQUIRE(!waits.empty());
    CHECK(waits.back().image == image("T", 1, node_row(42, 5)));
    CHECK(waits.back().why.detail.find("a trigger of the app changes the row") == 0);
    insists = false;
    d.take({});
    CHECK(d.row("T") == node_row(42, 5));
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.row("P")->fields[field_n] == value::integer(3));
    d.check();
}

TEST_CASE("triggers: what a trigger made of an acknowledged change does not pass for the authority's own row, which is still taken when it comes") {
    bool insists = false;
    memory_table_options tables;
    tables.trigger = [&insists](const record_key&, record& r) {
        if (insists) r.fields[field_b] = value::integer(r.fields[field_b].as_integer() + 100);
    };
    device d{resolver_set{}, tables};
    d.take({image("T", 1, node_row(1))});
    d.write("T", node_row(2));
    d.settle({answer(d.freeze()->items[0].id, outcome_kind::applied, 3)});
    REQUIRE(d.kept("T").provisional);
    d.write("T", node_row(7));
    const auto id = d.freeze()->items[0].id;
    d.settle({answer(id, outcome_kind::refused)});
    insists = true;
    REQUIRE(d.engine.discard(key_named("T"), d.now));
    CHECK(d.status().counts.quarantined == 1);
    insists = false;
    d.take({image("P", 2, node_row(1))});
    CHECK(d.kept("T").provisional);
    d.take({image("T", 3, node_row(2, 4))});
    CHECK(d.row("T") == node_row(2, 4));
    CHECK_FALSE(d.kept("T").provisional);
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("hydration: of a record that the user made by fields which nobody had told of, the picture's row tells nothing more") {
    device d;
    intent made;
    made.key = key_named("T");
    made.op = operation::create;
    for (field_index f = 0; f < 5; ++f) made.changes.set(f, node_row(1).fields[f]);
    made.unseen.insert(field_b);
    {
        auto t = lab_must(d.store.begin());
        row_placement<memory_replica_store::transaction> rows{t, d.engine.schemas()};
        lab_must(rows.put_open(made));
        lab_must(t.write(made.key, node_row(1)));
        lab_must(t.commit());
    }
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("s", 0, 1, 8, {image("T", 8, node_row(1, 7))}, cursor{8}, d.now)).hydrated);
    REQUIRE(d.open("T"));
    CHECK(d.open("T")->unseen == made.unseen);
}

TEST_CASE("triggers: a store that fails when such a row is tried again fails the call") {
    device d;
    d.take({image("T", 1, node_row(1))});
    scripted t{d.store};
    lab_must(t.quarantine({image("T", 1, node_row(9)), wait_reason{errc::constraint, "a trigger"}}));
    row_placement<scripted> rows{t, d.engine.schemas()};
    auto state = lab_must(t.state());
    hybrid_clock clock{std::chrono::hours{1}};
    lab_must(rows.absorb(state, clock, d.now));
    row_intake<scripted> intake{t, rows, state};
    t.refuses = {key_named("T")};
    t.why = errc::storage_full;
    apply_report report;
    const auto failed = intake.retry_quarantined(report);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == errc::storage_full);
}

TEST_CASE("quarantine: the authority's own row of an acknowledged change waits for its place like any other, and is no provisional one then") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("P", 1, node_row(3))});
    d.write("T", node_row(1, 5));
    d.settle({answer(d.freeze()->items[0].id, outcome_kind::applied, 6)});
    CHECK(d.take({image("T", 6, node_row(3, 5))}).quarantined == 1);  // the server's trigger gave it another value
    CHECK(d.kept("T").provisional);
    d.take({image("P", 7, node_row(4))});
    CHECK(d.row("T") == node_row(3, 5));
    CHECK_FALSE(d.kept("T").provisional);
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("quarantine: a row that waited is given up where a conflict has told a newer one") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("P", 1, node_row(3))});
    CHECK(d.take({image("T", 5, node_row(3))}).quarantined == 1);
    d.write("T", node_row(1, 5));
    commit_obstacle met;
    met.key = key_named("T");
    met.server_version = 8;
    met.server_row = node_row(7, 7);
    REQUIRE(d.engine.obstructed(d.freeze(10, true)->head.id, {met}, d.now));
    CHECK(d.base("T").version == 8);
    d.take({image("P", 9, node_row(4))});
    CHECK(d.base("T").version == 8);
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("triggers: a row that finds its place taken when the trigger is gone goes on waiting") {
    bool insists = true;
    memory_table_options tables;
    tables.unique = {{node_model, field_b}};
    tables.trigger = [&insists](const record_key&, record& r) {
        if (insists && r.fields[field_a] == value::integer(42)) r.fields[field_b] = value::integer(-1);
    };
    device d{resolver_set{}, tables};
    d.take({image("T", 1, node_row(42, 5))});
    d.write("N", node_row(1, 5));
    insists = false;
    d.take({});
    CHECK(d.row("T") == node_row(42, -1));
    CHECK(d.status().counts.quarantined == 1);
    d.write("N", node_row(1, 6));
    d.take({});
    CHECK(d.row("T") == node_row(42, 5));
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

}  // namespace quarantine_test
