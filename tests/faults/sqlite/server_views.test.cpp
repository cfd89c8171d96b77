#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/server_views_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

// Each case tries its operations with a fault at every call of SQLite and of the file system, a death at every change of a file, a disk that is full
// at every page, and another connection that writes or reads.

namespace server_views_test {

using namespace faults;

TEST_CASE("server: devices that send no bases, whatever fails") { try_everything(devices_without_bases()); }

TEST_CASE("server: buckets and grants, whatever fails") { try_everything(views_of_devices()); }

}  // namespace server_views_test
