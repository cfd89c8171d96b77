#include <syncline/engine/row_intake.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace {

using namespace engine_tests;

/// A device on which no two nodes may have the same `a`.
memory_table_options unique_a() {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    return tables;
}

}  // namespace

TEST_CASE("taking rows in: older and equal ones are no news, newer ones are, deletions too") {
    device d;
    CHECK(d.take({image("T", 5, node_row(1))}).applied == 1);
    for (const std::int64_t old : {1, 4, 5}) CHECK(d.take({image("T", old, node_row(9))}).skipped == 1);
    CHECK(d.row("T") == node_row(1));
    CHECK(d.take({image("T", 6, std::nullopt)}).applied == 1);
    CHECK(!d.row("T"));
    // The tombstone stays known, so a late older row does not bring the record back.
    CHECK(d.take({image("T", 5, node_row(1))}).skipped == 1);
    CHECK(!d.row("T"));
}

TEST_CASE("taking rows in: over an acknowledged change the authority's copy is awaited, and older rows do not undo it") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    const auto id = d.freeze()->items.front().id;
    d.settle({answer(id, outcome_kind::applied, 7)});
    CHECK(d.row("T") == node_row(2));
    CHECK(d.take({image("T", 6, node_row(1, 4))}).skipped == 1);
    CHECK(d.row("T") == node_row(2));
    // The authority's own row is taken at the same version, because a trigger of its may have changed it.
    d.take({image("T", 7, node_row(2, 8))});
    CHECK(d.row("T") == node_row(2, 8));
    d.check();
}

TEST_CASE("taking rows in: a row that contains the mutation in flight settles it, though its answer was lost") {
    device d;
    d.take({image("T", 5, node_row(1, 0, 10))});
    d.write("T", node_row(1, 0, 12));
    const auto batch = *d.freeze();
    d.take({image("T", 7, node_row(1, 0, 15), batch.items.front().id)});
    // Counted once, not twice.
    CHECK(d.row("T") == node_row(1, 0, 15));
    CHECK(d.status().counts.frozen == 0);
    CHECK(!d.freeze());
    CHECK(lab_must(d.engine.settle(batch.head.id, {answer(batch.items.front().id, outcome_kind::applied, 7)}, d.now)).stale);
    d.check();
}

TEST_CASE("taking rows in: another mutation's id settles nothing") {
    device d;
    d.take({image("T", 5, node_row(1, 0, 10))});
    d.write("T", node_row(1, 0, 12));
    (void)d.freeze();
    d.take({image("T", 7, node_row(1, 0, 15), "somebody-elses")});
    CHECK(d.row("T") == node_row(1, 0, 17));
    CHECK(d.status().counts.frozen == 1);
}

TEST_CASE("quarantine: a row that the table refuses is kept and tried again, its neighbours and the cursor go on (W25)") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(7))});
    const auto report = d.take({image("T2", 2, node_row(7)), image("P", 2, node_row(8))});
    CHECK(report.quarantined == 1);
    CHECK(d.row("P") == node_row(8));
    CHECK(!d.row("T2"));
    CHECK(d.status().counts.quarantined == 1);
    CHECK(d.status().state.checkpoint == 2);
    {
        auto t = lab_must(d.store.begin());
        const auto kept = lab_must(t.quarantined(10));
        REQUIRE(kept.size() == 1);
        CHECK(kept.front().why.code == errc::constraint);
        CHECK(kept.front().image.row == node_row(7));
    }

    SECTION("what stood in its way goes: the next page lets it in") {
        CHECK(d.take({image("T", 3, node_row(9))}).applied == 2);
        CHECK(d.row("T2") == node_row(7));
        CHECK(d.status().counts.quarantined == 0);
    }
    SECTION("it is tried with every page, and stays where it cannot get in") {
        d.take({});
        CHECK(d.status().counts.quarantined == 1);
    }
    SECTION("a newer row of the record takes its place") {
        d.take({image("T2", 4, node_row(3))});
        CHECK(d.row("T2") == node_row(3));
        CHECK(d.status().counts.quarantined == 0);
        d.take({image("T", 5, node_row(1))});
        CHECK(d.row("T2") == node_row(3));
    }
    SECTION("an older row does not") {
        d.take({image("T2", 1, node_row(3))});
        CHECK(d.status().counts.quarantined == 1);
        d.take({image("T", 3, node_row(9))});
        CHECK(d.row("T2") == node_row(7));
    }
}

TEST_CASE("quarantine: a refused row leaves what was there, and the user's change over it") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(7)), image("T2", 1, node_row(5))});
    d.write("T2", node_row(5, 3));
    CHECK(d.take({image("T2", 2, node_row(7))}).quarantined == 1);
    CHECK(d.row("T2") == node_row(5, 3));
    CHECK(d.base("T2").version == 1);
    CHECK(d.open("T2"));
    d.take({image("T", 3, node_row(9))});
    CHECK(d.row("T2") == node_row(7, 3));
    d.check();
}

TEST_CASE("hydration: the picture replaces what was there; newer rows, known tombstones and the user's changes stay") {
    device d;
    d.take({image("T", 3, node_row(1)), image("T2", 3, node_row(2)), image("P", 9, node_row(3)), image("C1", 9, child_row(1, "P")), image("C2", 4, std::nullopt)});
    d.write("T2", node_row(2, 6));
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(d.take({image("T", 50, node_row(50))}).stale);
    const auto report = lab_must(d.engine.stage("walk", 0, 1, 8, {image("T2", 5, node_row(4)), image("P", 2, node_row(0)), image("N", 6, node_row(7))}, cursor{40}, d.now));
    CHECK(report.hydrated);
    CHECK(!d.row("T"));
    CHECK(d.row("T2") == node_row(4, 6));
    CHECK(d.row("P") == node_row(3));
    CHECK(d.row("C1"));
    CHECK(d.row("N") == node_row(7));
    CHECK(d.kept("C2").version == 4);
    CHECK(d.status().state.checkpoint == 40);
    CHECK(!d.status().state.needs_hydration);
    CHECK(d.open("T2")->base.row_version == 3);
    d.check();
}

TEST_CASE("hydration: is staged part by part and goes on where it stopped; parts that do not fit are dropped") {
    device d;
    d.take({image("T", 3, node_row(1))});
    const auto stage = [&](const std::string& session, std::int64_t from, std::int64_t next, const std::string& key, std::optional<cursor> end = std::nullopt) {
        return lab_must(d.engine.stage(session, from, next, 8, {image(key, 5, node_row(5))}, end, d.now));
    };
    CHECK(stage("s1", 0, 1, "T2").stale);
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(stage("s1", 1, 2, "T2").stale);
    CHECK(!stage("s1", 0, 1, "T2").stale);
    CHECK(stage("s1", 0, 1, "T2").stale);
    CHECK(d.row("T") == node_row(1));
    CHECK(!d.row("T2"));
    CHECK(d.status().state.hydration_position == 1);

    SECTION("the last part swaps") {
        CHECK(stage("s1", 1, 2, "P", 30).hydrated);
        CHECK(d.row("T2"));
        CHECK(d.row("P"));
        CHECK(!d.row("T"));
        CHECK(stage("s1", 2, 3, "N", 60).stale);
    }
    SECTION("another session begins from nothing") {
        CHECK(stage("s2", 1, 2, "P", 30).stale);
        CHECK(stage("s2", 0, 1, "P", 30).hydrated);
        CHECK(!d.row("T2"));
        CHECK(d.row("P"));
    }
    SECTION("starting again forgets what was staged") {
        REQUIRE(d.engine.begin_hydration(d.now));
        CHECK(stage("s1", 1, 2, "P", 30).stale);
        CHECK(stage("s1", 0, 1, "P", 30).hydrated);
        CHECK(!d.row("T2"));
    }
    d.check();
}

TEST_CASE("hydration: rows that can trade a unique value only one after the other do not block each other") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("T2", 1, node_row(2))});
    REQUIRE(d.engine.begin_hydration(d.now));
    const auto report = lab_must(d.engine.stage("s", 0, 1, 8, {image("T", 5, node_row(2)), image("T2", 5, node_row(3))}, cursor{40}, d.now));
    CHECK(report.hydrated);
    CHECK(d.row("T") == node_row(2));
    CHECK(d.row("T2") == node_row(3));
    CHECK(d.status().counts.quarantined == 0);
}
