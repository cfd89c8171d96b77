#include "simulation/campaign.hpp"

#include "simulation/lab.hpp"
#include "support/catch.hpp"

namespace simulation_test {

using namespace simulation;

TEST_CASE("simulation: seeds on the mutation wire keep every promise", "[simulation]") { campaign<memory_lab>("mutation wire", wire_mix::mutation, 20); }
TEST_CASE("simulation: seeds on the bundle wire keep every promise", "[simulation]") { campaign<memory_lab>("bundle wire", wire_mix::bundle, 15); }
TEST_CASE("simulation: seeds with both wires on one server keep every promise", "[simulation]") { campaign<memory_lab>("both wires", wire_mix::mixed, 20); }
TEST_CASE("simulation: W12 W13: seeds at a server where not everybody sees everything keep every promise", "[simulation]") { campaign<memory_lab>("buckets and grants", wire_mix::grants, 20); }
TEST_CASE("simulation: W01 to W07: seeds with Tether's clients keep every promise but those that docs/parity.md takes back", "[simulation]") {
    campaign<memory_lab>("with Tether's clients", wire_mix::legacy, 15);
}
TEST_CASE("simulation: seeds with programs that lack a field which the server has keep every promise", "[simulation]") {
    campaign<memory_lab>("older programs", wire_mix::skew, 10);
}

namespace {

// Seeds that found something, kept by what they found.
void replay(std::uint64_t seed, wire_mix mix) {
    statistics counts;
    std::vector<std::string> log;
    INFO("seed " << seed);
    CHECK(run_seed<world<memory_lab>>(seed, mix, counts, false, log).empty());
}

}  // namespace

TEST_CASE("simulation: a refused commit whose late copy commits before the session is deleted takes effect once", "[simulation]") { replay(3123, wire_mix::bundle); }
TEST_CASE("simulation: a row that contains the frozen mutation settles it when a picture is swapped in, too", "[simulation]") { replay(881, wire_mix::mutation); }
TEST_CASE("simulation: numbers named in the answer to a refused commit are not given again", "[simulation]") {
    replay(35, wire_mix::bundle);
    replay(34, wire_mix::mixed);
}
TEST_CASE("simulation: a row that an answer brought early is no broken one when the user uncovers it", "[simulation]") { replay(17296, wire_mix::mutation); }
TEST_CASE("simulation: what a user makes of the key of a row that is kept but not shown overwrites nothing unseen", "[simulation]") { replay(3842, wire_mix::mixed); }

TEST_CASE("simulation: W13: what the answer to a push took out of view comes again with its label", "[simulation]") { replay(4455, wire_mix::grants); }
TEST_CASE("simulation: a creation on a key that exists leaves the fields alone that its program does not know", "[simulation]") { replay(1, wire_mix::skew); }
TEST_CASE("simulation: what went with a parent that the same request made again went with it", "[simulation]") { replay(26335, wire_mix::legacy); }
TEST_CASE("simulation: W13: of a change that comes back refused only what its author changed is kept, where the record left the view meanwhile", "[simulation]") {
    replay(889, wire_mix::grants);
}

}  // namespace simulation_test
