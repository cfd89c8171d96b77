#include <syncline/wire/sync_listeners.hpp>

#include "support/catch.hpp"

#include <stdexcept>

namespace sync_listeners_test {

using namespace syncline;

TEST_CASE("sync listeners: an empty one is passed over, and an exception is counted and goes no further") {
    sync_listeners none;
    CHECK(tell(none.started, sync_mode::push_only) == 0);
    sync_listeners some;
    std::size_t pushed = 0;
    some.completed = [&](const sync_result& r) { pushed = r.pushed; };
    some.conflict = [](const sync_conflict&) { throw std::runtime_error("of the host"); };
    sync_result report;
    report.pushed = 4;
    CHECK(tell(some.completed, report) == 0);
    CHECK(pushed == 4);
    CHECK(tell(some.conflict, sync_conflict{}) == 1);
}

}  // namespace sync_listeners_test
