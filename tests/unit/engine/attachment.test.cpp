#include <syncline/engine/attachment.hpp>

#include "unit/engine/fixture.hpp"

namespace attachment_test {

using namespace engine_tests;

TEST_CASE("attachment: a device that is told that it is not in its account is anonymous again if it was to fill it, and reconnects under a fresh source if it was in") {
    device d;
    lab_must(d.engine.connected(scope_connection{scope_resolution::initialize_local, "right", {}, 0}, false, d.now));
    CHECK(d.status().state.initialization_id == "right");
    const std::string source = d.status().state.source_id;
    lab_must(d.engine.disconnected(d.random, d.now));
    CHECK(d.status().state.attachment == scope_attachment::anonymous);
    CHECK(d.status().state.initialization_id.empty());
    CHECK(d.status().state.source_id == source);
    lab_must(d.engine.connected(scope_connection{scope_resolution::initialize_empty, {}, {}, 0}, false, d.now));
    CHECK_FALSE(d.status().state.needs_hydration);
    lab_must(d.engine.disconnected(d.random, d.now));
    CHECK(d.status().state.attachment == scope_attachment::reconnecting);
    CHECK(d.status().state.source_id != source);
    lab_must(d.engine.connected(scope_connection{scope_resolution::remote_authoritative, {}, {}, 0}, true, d.now));
    CHECK(d.status().state.needs_hydration);
    CHECK(d.status().state.give_up_below == 0);  // what a device did in its account is not anonymous
}

TEST_CASE("attachment: an account without data has no source to retire, so nothing is told of the one before") {
    for (const auto what : {scope_resolution::initialize_local, scope_resolution::initialize_empty, scope_resolution::remote_authoritative, scope_resolution::retry_later}) {
        device d;
        lab_must(d.engine.renew_source(d.random, false, d.now, "history_pruned"));
        const auto before = d.status().state;
        REQUIRE_FALSE(before.replaced_source.empty());
        lab_must(d.engine.connected(scope_connection{what, {}, {}, 0}, false, d.now));
        const auto after = d.status().state;
        CHECK(after.source_id == before.source_id);
        const bool empty = what == scope_resolution::initialize_local || what == scope_resolution::initialize_empty;
        CHECK(after.replaced_source == (empty ? std::string{} : before.replaced_source));
        CHECK(after.replacement_reason.empty() == empty);
    }
}

TEST_CASE("attachment: rows that wait for a place are of the account before too, though the device shows nothing of it") {
    device d;
    d.take({image("C1", 1, child_row(1, "P"))});
    REQUIRE(d.status().counts.quarantined == 1);
    lab_must(d.engine.connected(scope_connection{scope_resolution::initialize_empty, {}, {}, 0}, false, d.now));
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.status().state.needs_hydration);
    const auto lost = lab_must(d.engine.lost_by_restore(10, d.now));
    REQUIRE(lost.size() == 1);
    CHECK(lost[0] == image("C1", 1, child_row(1, "P")));
}

TEST_CASE("attachment: of the changes that were made before anybody signed in, those of records that an authority has acknowledged stay") {
    device d;
    d.take({image("T", 5, node_row(1)), image("T2", 5, node_row(1))});
    const auto answered = [&](outcome_kind kind, std::int64_t version) {
        std::vector<outcome> said;
        const auto batch = *d.freeze();
        for (const auto& item : batch.items) said.push_back(answer(item.id, kind, version));
        d.settle(said);
    };
    d.write("P", node_row(1));
    answered(outcome_kind::applied, 7);
    d.write("T2", node_row(2));
    d.write("N", node_row(2));
    answered(outcome_kind::refused, 0);
    d.write("P", node_row(3));  // over what was acknowledged
    d.write("T", node_row(4));
    d.write("T3", node_row(5));
    lab_must(d.engine.connected(scope_connection{scope_resolution::remote_authoritative, {}, {}, 0}, true, d.now));
    d.write("U", node_row(6));  // later
    const auto report = lab_must(d.engine.stage("s", 0, 1, 9, {image("T", 5, node_row(1)), image("T2", 5, node_row(1))}, cursor{9}, d.now));
    CHECK(report.given_up == std::vector<record_key>{key_named("T3"), key_named("N")});
    for (const char* key : {"P", "T", "T2", "U"}) CHECK(d.open(key));
    CHECK(d.row("P") == node_row(3));
    CHECK_FALSE(d.row("N"));
    CHECK_FALSE(d.row("T3"));
    d.check();
}

TEST_CASE("attachment: a batch that the account has acknowledged is not given up with the changes that were made before anybody signed in") {
    device d;
    lab_must(d.engine.connected(scope_connection{scope_resolution::initialize_local, "right", {}, 0}, false, d.now));
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    lab_must(d.engine.disconnected(d.random, d.now));
    // It was this device's own commit that filled the account, its answer being lost.
    lab_must(d.engine.connected(scope_connection{scope_resolution::remote_authoritative, {}, {}, 0}, true, d.now));
    REQUIRE(lab_must(d.engine.committed(batch.head.id, 1, "h", d.now)));
    const auto report = lab_must(d.engine.stage("s", 0, 1, 1, {image("T", 1, node_row(1))}, cursor{1}, d.now));
    CHECK(report.hydrated);
    CHECK(report.given_up.empty());
    CHECK(d.status().counts.frozen == 1);
    const std::vector<row_image> rows{image("T", 1, node_row(1))};
    lab_must(d.engine.replay(batch.head.id, 1, &rows, d.now));
    CHECK(d.status().counts.frozen == 0);
    CHECK(d.row("T") == node_row(1));
    d.check();
}

}  // namespace attachment_test
