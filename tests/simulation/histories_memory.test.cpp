#include "simulation/history_driver.hpp"

#include "support/catch.hpp"

namespace histories_memory_test {

using simulation::expect_as_in_the_model;
using simulation::memory_lab;

TEST_CASE("histories: the minimal interleavings end on the engines as in the model", "[histories]") { expect_as_in_the_model<memory_lab>({"minimal.json"}); }
TEST_CASE("histories: mutation wire devices end as in the model", "[histories]") {
    expect_as_in_the_model<memory_lab>({"mutation-server_wins.json", "mutation-client_wins.json", "mutation-field_merge.json", "mutation-park.json"});
}
TEST_CASE("histories: bundle wire devices end as in the model", "[histories]") {
    expect_as_in_the_model<memory_lab>({"bundle-server_wins.json", "bundle-client_wins.json", "bundle-field_merge.json", "bundle-park.json"});
}
TEST_CASE("histories: both wires on one authority end as in the model", "[histories]") {
    expect_as_in_the_model<memory_lab>({"mixed-server_wins.json", "mixed-client_wins.json", "mixed-field_merge.json", "mixed-park.json"});
}
TEST_CASE("histories: those that notice a rarely needed rule end as in the model", "[histories]") { expect_as_in_the_model<memory_lab>({"guards.json"}); }
TEST_CASE("histories: children that lost their parent end as in the model", "[histories]") { expect_as_in_the_model<memory_lab>({"orphans.json"}); }
TEST_CASE("histories: devices of the mutation wire that rehydrate end as in the model", "[histories]") {
    expect_as_in_the_model<memory_lab>({"rehydration-mutation.json"});
}
TEST_CASE("histories: long ones end as in the model", "[histories]") { expect_as_in_the_model<memory_lab>({"long.json"}); }

}  // namespace histories_memory_test
