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

}  // namespace source_renewal_test
