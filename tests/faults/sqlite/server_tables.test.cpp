#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/server_tables_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

// Each case tries its operations with a fault at every call of SQLite and of the file system, a death at every change of a file, a disk that is full
// at every page, and another connection that writes or reads.

namespace server_tables_test {

using namespace faults;

TEST_CASE("server: tables that changed and older formats, whatever fails") { try_everything(changed_tables_of_a_server()); }

TEST_CASE("server: tables of several owners, whatever fails") { try_everything(owned_tables_of_a_server()); }

TEST_CASE("server: keys beside the app's own, whatever fails") { try_everything(keyed_tables_of_a_server()); }

TEST_CASE("server: soft deletes and the trash, whatever fails") { try_everything(trash_of_a_server()); }

}  // namespace server_tables_test
