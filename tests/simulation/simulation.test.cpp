#include "simulation/campaign.hpp"

#include "simulation/lab.hpp"
#include "support/catch.hpp"

using namespace simulation;

TEST_CASE("simulation: seeds on the mutation wire keep every promise", "[simulation]") { campaign<memory_lab>("mutation wire", wire_mix::mutation, 40); }
TEST_CASE("simulation: seeds on the bundle wire keep every promise", "[simulation]") { campaign<memory_lab>("bundle wire", wire_mix::bundle, 30); }
TEST_CASE("simulation: seeds with both wires on one server keep every promise", "[simulation]") { campaign<memory_lab>("both wires", wire_mix::mixed, 30); }
