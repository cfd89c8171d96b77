#include "simulation/campaign.hpp"

#include "simulation/sqlite_lab.hpp"
#include "support/catch.hpp"

namespace simulation_sqlite_test {

using namespace simulation;

TEST_CASE("simulation: seeds on SQLite files keep every promise", "[simulation][sqlite]") {
    campaign<sqlite_lab>("mutation wire on SQLite", wire_mix::mutation, 2, 300);
    campaign<sqlite_lab>("bundle wire on SQLite", wire_mix::bundle, 2, 300);
    campaign<sqlite_lab>("both wires on SQLite", wire_mix::mixed, 2, 300);
    campaign<sqlite_lab>("buckets and grants on SQLite", wire_mix::grants, 2, 300);
    campaign<sqlite_lab>("with Tether's clients on SQLite", wire_mix::legacy, 2, 300);
    campaign<sqlite_lab>("older programs on SQLite", wire_mix::skew, 2, 300);
}

}  // namespace simulation_sqlite_test
