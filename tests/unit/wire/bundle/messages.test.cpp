#include <syncline/wire/bundle/messages.hpp>

#include "support/catch.hpp"

namespace messages_test {

using namespace syncline;

TEST_CASE("bundle messages: one header brings all messages of the wire") {
    CHECK(bundle_wire::wire_name_of(operation::create) == "INSERT");
    CHECK(bundle_wire::write_create(1, 1).size() > 0);
    CHECK(bundle_wire::errc_of("history_pruned") == errc::history_pruned);
    CHECK(!bundle_wire::offered_features().empty());
    CHECK(bundle_wire::read_snapshot_request("", json_limits{}));
}

}  // namespace messages_test
