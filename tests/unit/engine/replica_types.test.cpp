#include <syncline/engine/replica_types.hpp>

#include "support/catch.hpp"

namespace replica_types_test {

using namespace syncline;

TEST_CASE("replica types: a report says nothing happened until something did") {
    const apply_report applied;
    CHECK((!applied.stale && !applied.hydrated && applied.applied + applied.skipped + applied.quarantined == 0));
    const settle_report settled;
    CHECK((!settled.stale && settled.applied + settled.superseded + settled.refused + settled.errors == 0 && settled.waiting.empty()));
    CHECK(frozen_batch{}.items.empty());
    CHECK(replica_status{}.counts.open == 0);
}

}  // namespace replica_types_test
