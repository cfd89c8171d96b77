#include <syncline/engine/sync_result.hpp>

#include "support/catch.hpp"

using namespace syncline;

TEST_CASE("sync result: tells what was settled and what ended it, together (W34)") {
    sync_result r;
    CHECK(r.ok());
    r.pushed = 3;
    r.failed = 1;
    r.rejections.push_back({"m", {0, "t"}, outcome_kind::held, {errc::held, "waits"}, {}});
    // What was refused is an outcome, not a failure of the sync.
    CHECK(r.ok());
    r.why = fault{errc::unavailable, "the network went away"};
    CHECK(!r.ok());
    CHECK(r.pushed == 3);
    CHECK(r.rejections.front().kind == outcome_kind::held);
}
