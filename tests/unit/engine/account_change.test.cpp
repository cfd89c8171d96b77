#include <syncline/engine/account_change.hpp>

#include "unit/engine/fixture.hpp"

#include <string>

namespace account_change_test {

using namespace engine_tests;

TEST_CASE("account change: nothing that the device had of the account before is left anywhere (W36)") {
    for (const auto unsent : {unsent_changes::discard, unsent_changes::keep_new_records})
        for (const bool in_flight : {false, true}) {
            const bool kept = unsent == unsent_changes::keep_new_records;
            INFO((kept ? "new records are kept" : "all is discarded") << (in_flight ? ", a batch is in flight" : ""));
            memory_table_options tables;
            tables.unique = {{node_model, field_b}};
            device d{resolver_set{}, tables};
            CHECK_FALSE(lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
            CHECK(lab_must(d.engine.note_account("ann", d.now)));
            lab_must(d.engine.note_synced(d.now, true));
            d.take({image("P", 1, node_row(1, 1)), image("T", 1, node_row(1, 2)), image("C1", 1, child_row(1, "P")), image("Tx", 1, node_row(1, 2))});
            CHECK(d.status().counts.quarantined == 1);
            d.write("T", node_row(7, 2));       // a change of a record of theirs
            d.write("T2", node_row(8, 3));      // a record that nobody has yet
            d.erase("P");                       // hides the child that comes next
            if (in_flight) CHECK(d.freeze());
            d.take({image("C2", 2, child_row(2, "P"))});
            {
                auto t = lab_must(d.store.begin());
                lab_must(t.put_lost(image("T", 1, node_row(5))));
                lab_must(t.put_unread({{"node", "Tz"}, 1, "{}", {errc::malformed_value, "odd"}}));
                lab_must(t.stage({image("T", 9, node_row(9))}));
                lab_must(t.commit());
            }
            const auto before = d.status().state;
            lab_must(d.engine.change_account(unsent, d.random, d.now));

            const auto after = d.status();
            CHECK(after.counts.frozen == 0);
            CHECK(after.counts.waiting == 0);
            CHECK(after.counts.open == (kept ? 1 : 0));
            CHECK(after.counts.quarantined == 0);
            CHECK(after.counts.unread == 0);
            CHECK(after.counts.lost == 0);
            CHECK(after.state.account.empty());
            CHECK(after.state.epoch.empty());
            CHECK(after.state.checkpoint == 0);
            CHECK(after.state.needs_hydration);
            CHECK(after.state.last_sync_us == 0);
            CHECK(after.state.source_id != before.source_id);
            CHECK(after.state.next_source_bundle_id == 1);
            CHECK(d.store.rows(node_model).size() == (kept ? 1 : 0));
            CHECK(d.store.rows(child_model).empty());
            CHECK(d.row("T2") == (kept ? std::optional{node_row(8, 3)} : std::nullopt));
            {
                auto t = lab_must(d.store.begin());
                CHECK(lab_must(t.hidden()).empty());
                CHECK(lab_must(t.staged(nullptr, 10)).empty());
                CHECK(lab_must(t.bases_within(-1, 100, nullptr, 10)).empty());
            }
            d.check();
            CHECK(lab_must(d.engine.note_account("bob", d.now)));
            CHECK_FALSE(lab_must(d.engine.note_account("ann", d.now)));
        }
}

TEST_CASE("account change: a record that the old account may have already counts as theirs once it was acknowledged") {
    device d;
    d.write("T", node_row(1));
    const auto batch = d.freeze();
    d.write("T", node_row(2));
    CHECK(d.settle({answer(batch->items[0].id, outcome_kind::applied, 1)}).applied == 1);
    lab_must(d.engine.change_account(unsent_changes::keep_new_records, d.random, d.now));
    CHECK(d.status().counts.open == 0);
    CHECK(d.store.rows(node_model).empty());
    d.check();
}

TEST_CASE("account change: a record that is made again over one that the old account has erased is theirs") {
    device d;
    d.take({image("T", 1, node_row(1))});
    d.write("T", node_row(2));
    d.write("T2", node_row(3));
    std::vector<outcome> said;
    const auto batch = *d.freeze();
    for (const auto& item : batch.items) said.push_back(answer_with_row(item.id, outcome_kind::refused, item.what.key == key_named("T") ? 4 : 0, std::nullopt));
    d.settle(said);
    lab_must(d.engine.take_client(key_named("T"), d.now));
    REQUIRE(d.open("T")->op == operation::create);
    REQUIRE(d.open("T")->base.row_version == 4);
    lab_must(d.engine.change_account(unsent_changes::keep_new_records, d.random, d.now));
    CHECK_FALSE(d.open("T"));
    CHECK_FALSE(d.row("T"));
    CHECK(d.row("T2") == node_row(3));
    d.check();
}

}  // namespace account_change_test
