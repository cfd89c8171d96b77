#include <syncline/engine/row_placement.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace row_placement_test {

namespace {

using namespace engine_tests;

constexpr auto applied = outcome_kind::applied;

/// The device holds T as the server sent it, at version 5.
device with_row() {
    device d;
    d.take({image("T", 5, node_row(1, 1, 10))});
    return d;
}

}  // namespace

TEST_CASE("absorb: a create, an update and an erase become the record's open intent, on the base that the user saw") {
    device d = with_row();
    d.write("T2", node_row(3));
    d.write("T", node_row(2, 1, 12));
    CHECK(lab_must(d.engine.absorb(d.now)) == 2);
    CHECK(lab_must(d.engine.absorb(d.now)) == 0);

    const auto created = d.open("T2");
    REQUIRE(created);
    CHECK(created->op == operation::create);
    CHECK(!created->before);
    CHECK(created->base == base_ref{});
    CHECK(created->changes.size() == 5);

    const auto updated = d.open("T");
    REQUIRE(updated);
    CHECK(updated->op == operation::update);
    CHECK(updated->before == node_row(1, 1, 10));
    CHECK(updated->base == base_ref{5, {}});
    CHECK(updated->changes.size() == 2);
    CHECK(created->edited_at == d.now);
    CHECK(updated->edited_at == d.now + duration{1});
    CHECK(updated->ordinal == created->ordinal + 1);
    CHECK(d.base("T").row == node_row(1, 1, 10));

    d.erase("T");
    (void)d.status();
    CHECK(d.open("T")->op == operation::erase);
    CHECK(d.open("T")->base == base_ref{5, {}});
    CHECK(d.base("T").row == node_row(1, 1, 10));
    d.check();
}

TEST_CASE("absorb: a record that was created and erased again leaves nothing, one erased and created again is an update of all fields") {
    device d = with_row();
    d.write("T2", node_row(3));
    (void)d.status();
    d.erase("T2");
    (void)d.status();
    CHECK(!d.open("T2"));
    CHECK(d.kept("T2") == base_row{});

    // Between two looks, and across them.
    const bool look_between = GENERATE(true, false);
    d.erase("T");
    if (look_between) (void)d.status();
    d.write("T", node_row(4, 1, 10));
    (void)d.status();
    const auto again = d.open("T");
    REQUIRE(again);
    CHECK(again->op == operation::update);
    CHECK(again->changes.size() == 5);
    CHECK(again->base == base_ref{5, {}});
    d.check();
}

TEST_CASE("absorb: an edit over a frozen change names that mutation, and leaves it as it was sent") {
    device d = with_row();
    d.write("T", node_row(2, 1, 10));
    const auto batch = d.freeze();
    REQUIRE(batch);
    d.write("T", node_row(2, 7, 10));
    (void)d.status();
    const auto above = d.open("T");
    REQUIRE(above);
    CHECK(above->base == base_ref{5, batch->items.front().id});
    CHECK(above->before == node_row(2, 1, 10));
    CHECK(above->changes.size() == 1);
    CHECK(d.freeze()->items == batch->items);
    d.check();
}

TEST_CASE("absorb: edits on an acknowledged row name that mutation until the authority's own row has arrived (W02)") {
    device d = with_row();
    d.write("T", node_row(2, 1, 10));
    const auto id = d.freeze()->items.front().id;
    d.settle({answer(id, applied, 6)});
    CHECK(d.kept("T").provisional == provisional_base{5, id});
    d.write("T", node_row(3, 1, 10));
    const auto second = d.freeze()->items.front();
    CHECK(second.what.base == base_ref{5, id});
    d.settle({answer(second.id, applied, 7)});
    CHECK(d.kept("T").provisional == provisional_base{5, second.id});

    CHECK(d.take({image("T", 7, node_row(3, 1, 10))}).skipped == 1);
    CHECK(!d.kept("T").provisional);
    d.write("T", node_row(4, 1, 10));
    (void)d.status();
    CHECK(d.open("T")->base == base_ref{7, {}});
    d.check();
}

TEST_CASE("rebase: what arrives goes under what the user did, and moves no base") {
    device d = with_row();
    d.write("T", node_row(2, 1, 12));
    (void)d.freeze();
    d.write("T", node_row(2, 1, 15));
    (void)d.status();
    // Others changed b and counted 4 up.
    CHECK(d.take({image("T", 9, node_row(1, 8, 14))}).applied == 1);
    CHECK(d.row("T") == node_row(2, 8, 19));
    CHECK(d.base("T").version == 9);
    CHECK(d.open("T")->base.row_version == 5);
    CHECK(d.freeze()->items.front().what.base == base_ref{5, {}});
    d.check();

    // Gone at the authority: the user's change still shows, whole.
    d.take({image("T", 10, std::nullopt)});
    CHECK(d.row("T"));
    d.check();
}

TEST_CASE("rebase: a row that the user erased stays erased, whatever arrives") {
    device d = with_row();
    d.erase("T");
    d.take({image("T", 9, node_row(7))});
    CHECK(!d.row("T"));
    CHECK(d.base("T").row == node_row(7));
    d.check();
}

TEST_CASE("hidden rows: a child that arrives under a parent which a pending intent erases is kept but not shown (rule 5)") {
    device d;
    d.take({image("P", 1, node_row(1))});
    d.erase("P");
    d.take({image("C1", 2, child_row(1, "P"))});
    CHECK(!d.row("C1"));
    CHECK(d.base("C1").row == child_row(1, "P"));
    CHECK(d.status().counts.open == 1);
    const auto id = d.freeze()->items.front().id;

    SECTION("when the erase is given up the row appears") {
        d.settle({answer(id, outcome_kind::refused)});
        CHECK(!d.row("C1"));
        REQUIRE(d.engine.discard(key_named("P"), d.now));
        CHECK(d.row("P") == node_row(1));
        CHECK(d.row("C1") == child_row(1, "P"));
        CHECK(!d.kept("C1").image_kept);
    }
    SECTION("when the erase is superseded the row appears") {
        d.settle({answer_with_row(id, outcome_kind::superseded, 1, node_row(1))});
        CHECK(d.row("P") == node_row(1));
        CHECK(d.row("C1") == child_row(1, "P"));
    }
    SECTION("when the erase is applied the authority's removal of the row goes unseen") {
        d.settle({answer(id, applied, 3)});
        CHECK(!d.row("C1"));
        CHECK(d.status().counts.quarantined == 0);
        d.take({image("P", 3, std::nullopt), image("C1", 3, std::nullopt)});
        CHECK(!d.row("C1"));
        CHECK(d.base("C1").version == 3);
    }
    SECTION("when it moves to another parent it is shown") {
        d.take({image("T", 3, node_row(1)), image("C1", 3, child_row(1, "T"))});
        CHECK(d.row("C1") == child_row(1, "T"));
    }
    SECTION("when the parent is made again it is shown") {
        d.write("P", node_row(5));
        (void)d.status();
        CHECK(d.row("C1") == child_row(1, "P"));
    }
    d.check();
}

TEST_CASE("hidden rows: a child whose parent is known to be erased later is kept but not shown, until its own erase comes or the parent again") {
    device d;
    const auto take = [&](std::int64_t seq, std::vector<row_image> rows) { return lab_must(d.engine.apply_bundle(seq - 1, seq, rows, d.now)); };
    take(1, {image("P", 1, node_row(1))});
    d.write("P", node_row(2));
    // The conflict shows P as bundle 4 left it.
    commit_obstacle met;
    met.key = key_named("P");
    met.op = operation::update;
    met.base_version = 1;
    met.server_version = 4;
    met.server_deleted = true;
    REQUIRE(d.engine.obstructed(d.freeze(10, true)->head.id, {met}, d.now));
    CHECK(!d.row("P"));
    CHECK(take(2, {image("C1", 2, child_row(1, "P")), image("C2", 2, child_row(2, "P"))}).applied == 2);
    CHECK(!d.row("C1"));
    CHECK(d.base("C1").row == child_row(1, "P"));
    CHECK(take(3, {image("C1", 3, std::nullopt)}).applied == 1);
    take(4, {image("P", 4, std::nullopt)});
    CHECK(!d.row("C2"));
    take(5, {image("P", 5, node_row(5))});
    CHECK(!d.row("C1"));
    CHECK(d.row("C2") == child_row(2, "P"));
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("cascades: what the app's own foreign keys took along is captured as erases, in the order that the authority needs") {
    device d;
    d.take({image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    d.erase("P");
    const auto batch = d.freeze();
    REQUIRE(batch->items.size() == 2);
    CHECK(batch->items[0].what.key == key_named("C1"));
    CHECK(batch->items[1].what.key == key_named("P"));
    d.check();
}

TEST_CASE("triggers: what the app's trigger makes of an applied row is put right once, and quarantined when it insists") {
    for (const bool insists : {false, true}) {
        CAPTURE(insists);
        memory_table_options tables;
        int fired = 0;
        tables.trigger = [&fired, insists](const record_key&, record& r) {
            if (r.fields[0] == value::integer(42) && (insists || ++fired == 1)) r.fields[1] = value::integer(-1);
        };
        device d{resolver_set{}, tables};
        d.take({image("T", 1, node_row(42, 5))});
        CHECK(d.row("T") == node_row(42, insists ? -1 : 5));
        CHECK(d.status().counts.quarantined == (insists ? 1u : 0u));
        CHECK(d.status().counts.open == 0);
    }
}

TEST_CASE("row placement: what the app writes to a read-only field is put back, with a new record it stays until the authority's row comes") {
    schema_set schemas;
    for (auto& m : simulation::models(overlap_policy::by_field)) {
        m.fields[field_b].read_only = true;
        lab_must(schemas.add(std::move(m)));
    }
    memory_replica_store store{schemas};
    replica<memory_replica_store> engine{store};
    seeded_random random{1};
    lab_must(engine.open(random, at(1)));
    const auto key = key_named("T");
    const auto write = [&](const record& r) {
        lab_must(store.app_write(key, r));
        return lab_must(engine.absorb(at(2)));
    };
    page p;
    p.next = 1;
    p.rows.push_back(image("T", 1, node_row(1, 7)));
    lab_must(engine.apply(p, at(2)));
    CHECK(write(node_row(1, 9)) == 0);  // no edit at all
    CHECK(store.row(key) == node_row(1, 7));
    CHECK_FALSE(open_of(store, key));
    CHECK(write(node_row(2, 9)) == 1);
    CHECK(store.row(key) == node_row(2, 7));
    REQUIRE(open_of(store, key));
    CHECK(open_of(store, key)->changes.size() == 1);
    CHECK(write(node_row(2, 5)) == 0);  // over a layer
    CHECK(store.row(key) == node_row(2, 7));
    simulation::check_visible(store, schemas, "device");
    const auto fresh = key_named("P");
    lab_must(store.app_write(fresh, node_row(3, 4)));
    CHECK(lab_must(engine.absorb(at(3))) == 1);
    CHECK(store.row(fresh) == node_row(3, 4));
    simulation::check_visible(store, schemas, "device");
}

}  // namespace row_placement_test
