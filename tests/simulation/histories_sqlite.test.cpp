#include "simulation/history_driver.hpp"

#include "simulation/sqlite_lab.hpp"
#include "support/catch.hpp"

namespace histories_sqlite_test {

using simulation::expect_as_in_the_model;

namespace {

struct quick_lab : simulation::sqlite_lab {
    explicit quick_lab(syncline::overlap_policy overlap) : sqlite_lab(overlap, false) {}
};

}  // namespace

TEST_CASE("histories on SQLite: the minimal interleavings end on the engines as in the model", "[histories][sqlite]") { expect_as_in_the_model<quick_lab>({"minimal.json"}); }
TEST_CASE("histories on SQLite: mutation wire devices end as in the model", "[histories][sqlite]") {
    expect_as_in_the_model<quick_lab>({"mutation-server_wins.json", "mutation-client_wins.json", "mutation-field_merge.json", "mutation-park.json"});
}
TEST_CASE("histories on SQLite: bundle wire devices end as in the model", "[histories][sqlite]") {
    expect_as_in_the_model<quick_lab>({"bundle-server_wins.json", "bundle-client_wins.json", "bundle-field_merge.json", "bundle-park.json"});
}
TEST_CASE("histories on SQLite: both wires on one authority end as in the model", "[histories][sqlite]") {
    expect_as_in_the_model<quick_lab>({"mixed-server_wins.json", "mixed-client_wins.json", "mixed-field_merge.json", "mixed-park.json"});
}
TEST_CASE("histories on SQLite: those that notice a rarely needed rule end as in the model", "[histories][sqlite]") { expect_as_in_the_model<quick_lab>({"guards.json"}); }
TEST_CASE("histories on SQLite: children that lost their parent end as in the model", "[histories][sqlite]") { expect_as_in_the_model<quick_lab>({"orphans.json"}); }
TEST_CASE("histories on SQLite: devices of the mutation wire that rehydrate end as in the model", "[histories][sqlite]") {
    expect_as_in_the_model<quick_lab>({"rehydration-mutation.json"});
}
TEST_CASE("histories on SQLite: long ones end as in the model", "[histories][sqlite]") { expect_as_in_the_model<quick_lab>({"long.json"}); }

}  // namespace histories_sqlite_test
