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

}  // namespace attachment_test
