#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/device_tables_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

// Each case tries its operations with a fault at every call of SQLite and of the file system, a death at every change of a file, a disk that is full
// at every page, and another connection that writes or reads.

namespace device_tables_test {

using namespace faults;

TEST_CASE("device: tables that changed, whatever fails") { try_everything(changed_tables_of_a_device()); }

TEST_CASE("device: bookkeeping of an older layout, whatever fails") { try_everything(older_layouts_of_a_device()); }

TEST_CASE("device: keys beside the app's own, whatever fails") { try_everything(keyed_tables_of_a_device()); }

TEST_CASE("device: soft deletes and the trash, whatever fails") { try_everything(trash_of_a_device()); }

}  // namespace device_tables_test
