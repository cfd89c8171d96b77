#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/device_upkeep_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

// Each case tries its operations with a fault at every call of SQLite and of the file system, a death at every change of a file, a disk that is full
// at every page, and another connection that writes or reads.

namespace device_upkeep_test {

using namespace faults;

TEST_CASE("device: the connect lifecycle, whatever fails") { try_everything(connections_of_a_device()); }
TEST_CASE("device: accounts, whatever fails") { try_everything(accounts_of_a_device()); }

TEST_CASE("device: leases, whatever fails") { try_everything(leases_of_a_device()); }

TEST_CASE("device: copies and tokens, whatever fails") { try_everything(copies_of_a_device()); }

TEST_CASE("device: upkeep, whatever fails") { try_everything(upkeep_of_a_device()); }

}  // namespace device_upkeep_test
