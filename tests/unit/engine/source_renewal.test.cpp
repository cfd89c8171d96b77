#include <syncline/engine/source_renewal.hpp>

#include "unit/engine/fixture.hpp"

#include <chrono>
#include <string>

namespace source_renewal_test {

using namespace engine_tests;

TEST_CASE("source renewal: bases of a lost timeline are marked, page by page, and no others") {
    device d;
    std::vector<row_image> rows;
    for (int i = 0; i < 1200; ++i) rows.push_back(image("T" + std::to_string(i), 5 + i % 3, node_row(i)));
    d.take(rows);
    {
        auto t = lab_must(d.store.begin());
        CHECK(lab_must(mark_lost_bases(t, {{5, 7, 0, 0}})));
        CHECK_FALSE(lab_must(mark_lost_bases(t, {{7, 100, 0, 0}, {0, 5, 0, 0}})));
        lab_must(t.commit());
    }
    for (int i = 0; i < 1200; ++i) REQUIRE(d.kept("T" + std::to_string(i)).lost == (i % 3 == 1));
    CHECK(d.take({image("T1", 2, node_row(7))}).applied == 1);  // any row replaces it, and then it is not lost any more
    CHECK(d.base("T1").version == 2);
    CHECK_FALSE(d.kept("T1").lost);
    CHECK(d.take({image("T0", 2, node_row(7))}).skipped == 1);
}

TEST_CASE("source renewal: a numbered batch goes back to open, one with ids only stays as it is") {
    for (const bool numbered : {false, true}) {
        device d;
        d.write("T", node_row(1));
        const auto frozen = d.freeze(10, numbered);
        d.write("T", node_row(2));
        CHECK(lab_must(d.engine.note_epoch("one", {}, d.random, d.now)) == false);
        d.take({});
        const auto before = d.status().state;
        {
            auto t = lab_must(d.store.begin());
            row_placement<memory_replica_store::transaction> rows{t, d.engine.schemas()};
            auto state = lab_must(t.state());
            hybrid_clock clock{std::chrono::hours{1}};
            lab_must(rows.absorb(state, clock, d.now));
            lab_must(take_new_source(t, rows, state, d.random, std::nullopt));
            lab_must(t.put_state(state));
            lab_must(t.commit());
        }
        const auto after = d.status();
        CHECK(after.state.source_id != before.source_id);
        CHECK(after.state.next_source_bundle_id == 1);
        CHECK(after.counts.frozen == (numbered ? 0 : 1));
        CHECK(after.counts.open == 1);
        CHECK(d.row("T") == node_row(2));
        if (!numbered) CHECK(d.freeze()->items.front().id == frozen->items.front().id);
        d.check();
    }
}

TEST_CASE("source renewal: a quarantined row of a lost timeline never becomes a base, and is kept as lost where nothing else of it was seen") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    device d{resolver_set{}, tables};
    CHECK_FALSE(lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
    d.take({image("T", 3, node_row(1)), image("T2", 8, node_row(3)), image("P", 4, node_row(2)), image("N", 5, node_row(4))});
    d.take({image("T", 8, node_row(2)), image("T2", 9, node_row(2)), image("N", 6, node_row(2))});
    REQUIRE(d.status().counts.quarantined == 3);
    const auto source = d.status().state.source_id;
    CHECK(lab_must(d.engine.note_epoch("two", {{6, 1000, 6, 1000}}, d.random, d.now)));
    CHECK(d.status().state.source_id != source);
    CHECK(d.status().counts.quarantined == 1);  // N's is in what the backup had
    const auto report = lab_must(d.engine.stage("walk", 0, 1, 6, {image("T", 3, node_row(1)), image("T2", 2, node_row(0)), image("P", 6, node_row(7)), image("N", 6, node_row(2))},
                                                cursor{40}, d.now));
    CHECK(report.hydrated);
    CHECK(d.row("T") == node_row(1));
    CHECK(d.base("T").version == 3);
    CHECK(d.row("T2") == node_row(0));
    CHECK(d.row("N") == node_row(2));
    const auto lost = lab_must(d.engine.lost_by_restore(10, d.now));
    REQUIRE(lost.size() == 2);
    CHECK(lost[0].row == node_row(2));
    CHECK(lost[0].version == 8);
    CHECK(lost[1].row == node_row(3));
}

TEST_CASE("source renewal: the authority hears of the source that it knows, and of the one that took its place, until it was told") {
    device d;
    d.write("T", node_row(1));
    REQUIRE(d.freeze(10, true));
    const std::string first = d.status().state.source_id;
    lab_must(d.engine.renew_source(d.random, false, d.now, "history_pruned"));
    const auto second = d.status();
    CHECK(second.state.source_id != first);
    CHECK(second.state.replaced_source == first);
    CHECK(second.state.replacement_reason == "history_pruned");
    CHECK(second.counts.frozen == 0);

    // Nothing was numbered under it: it stays.
    lab_must(d.engine.renew_source(d.random, false, d.now, "source_retired"));
    CHECK(d.status().state == second.state);

    // A bundle of it may be on its way: it is the one that the authority may know now.
    REQUIRE(d.freeze(10, true)->head.source_bundle_id == 1);
    lab_must(d.engine.renew_source(d.random, false, d.now, "source_retired"));
    const auto third = d.status();
    CHECK(third.state.source_id != second.state.source_id);
    CHECK(third.state.replaced_source == second.state.source_id);
    CHECK(third.state.replacement_reason == "source_retired");
    CHECK(third.counts.frozen == 0);

    // So it is when it has arrived.
    const auto sent = d.freeze(10, true);
    REQUIRE(lab_must(d.engine.committed(sent->head.id, 3, "hash", d.now)));
    const auto rows = std::vector{image("T", 3, node_row(1))};
    lab_must(d.engine.replay(sent->head.id, 3, &rows, d.now));
    REQUIRE(d.status().state.next_source_bundle_id == 2);
    lab_must(d.engine.renew_source(d.random, false, d.now, "history_pruned"));
    CHECK(d.status().state.replaced_source == third.state.source_id);

    // Told, it is over: the next one begins anew.
    lab_must(d.engine.replacement_told(false, d.random, d.now));
    const std::string fourth = d.status().state.source_id;
    CHECK(d.status().state.replaced_source.empty());
    lab_must(d.engine.renew_source(d.random, false, d.now, "history_pruned"));
    CHECK(d.status().state.source_id != fourth);
    CHECK(d.status().state.replaced_source == fourth);
    d.check();
}

TEST_CASE("source renewal: a source that stays lets go of everything else like a new one") {
    for (const bool suspect : {false, true}) {
        device d;
        d.write("T", node_row(1));
        lab_must(d.engine.renew_source(d.random, false, d.now, "history_pruned"));
        REQUIRE(d.freeze(10, false));  // of the mutation wire
        d.write("U", node_row(2));
        const auto before = d.status().state.source_id;
        lab_must(d.engine.renew_source(d.random, suspect, d.now, "history_pruned"));
        CHECK(d.status().state.source_id == before);
        CHECK(d.status().counts.waiting == (suspect ? 2 : 0));
        CHECK(d.status().counts.frozen == (suspect ? 0 : 1));
        CHECK(d.status().state.needs_hydration);
        d.check();
    }
}

TEST_CASE("source renewal: an erase that waited in quarantine is given up with its timeline, and is no row that could be lost") {
    device d;
    CHECK_FALSE(lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
    d.take({image("T", 3, node_row(1))});
    {
        auto t = lab_must(d.store.begin());
        lab_must(t.quarantine({image("T", 8, std::nullopt), wait_reason{errc::constraint, "a trigger raised"}}));
        lab_must(t.commit());
    }
    CHECK(lab_must(d.engine.note_epoch("two", {{5, 1000, 5, 1000}}, d.random, d.now)));
    CHECK(d.status().counts.quarantined == 0);
    CHECK(lab_must(d.engine.lost_by_restore(10, d.now)).empty());
    CHECK(d.row("T") == node_row(1));
}

TEST_CASE("source renewal: a commit that was acknowledged, or a row that waited, in a timeline that is gone is reason enough for a new source") {
    const std::int64_t seq = GENERATE(5, 8);
    CAPTURE(seq);
    const bool commits = GENERATE(true, false);
    device d;
    CHECK_FALSE(lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
    if (commits) {
        d.write("T", node_row(1));
        REQUIRE(lab_must(d.engine.committed(d.freeze(10, true)->head.id, seq, "h", d.now)));
    } else {
        d.take({image("C1", seq, child_row(1, "P"))});
    }
    const auto source = d.status().state.source_id;
    CHECK(lab_must(d.engine.note_epoch("two", {{5, 1000, 5, 1000}}, d.random, d.now)));
    const bool lost = seq == 8;
    CHECK((d.status().state.source_id != source) == lost);
    CHECK(d.status().counts.frozen == (commits && !lost ? 1 : 0));
    CHECK(d.status().counts.open == (commits && lost ? 1 : 0));
    CHECK(d.status().counts.quarantined == (!commits && !lost ? 1 : 0));
}

}  // namespace source_renewal_test
