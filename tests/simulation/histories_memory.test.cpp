#include "simulation/history_driver.hpp"

#include "support/catch.hpp"

using simulation::memory_lab;
using simulation::replay_histories;

namespace {

void replay(const std::string& file) {
    std::size_t count = 0;
    const auto failures = replay_histories<memory_lab>(file, count);
    std::size_t shown = 0;
    for (const auto& f : failures)
        if (++shown <= 3) WARN(f);
    CHECK(count > 0);
    CHECK(failures.size() == 0);
}

}  // namespace

TEST_CASE("histories: the minimal interleavings end on the engines as in the model", "[histories]") { replay("minimal.json"); }
TEST_CASE("histories: mutation wire devices end as in the model", "[histories]") {
    for (const char* how : {"server_wins", "client_wins", "field_merge", "park"}) replay(std::string{"mutation-"} + how + ".json");
}
TEST_CASE("histories: bundle wire devices end as in the model", "[histories]") {
    for (const char* how : {"server_wins", "client_wins", "field_merge", "park"}) replay(std::string{"bundle-"} + how + ".json");
}
TEST_CASE("histories: both wires on one authority end as in the model", "[histories]") {
    for (const char* how : {"server_wins", "client_wins", "field_merge", "park"}) replay(std::string{"mixed-"} + how + ".json");
}
TEST_CASE("histories: those that notice a rarely needed rule end as in the model", "[histories]") { replay("guards.json"); }
TEST_CASE("histories: children that lost their parent end as in the model", "[histories]") { replay("orphans.json"); }
TEST_CASE("histories: devices of the mutation wire that rehydrate end as in the model", "[histories]") { replay("rehydration-mutation.json"); }
TEST_CASE("histories: long ones end as in the model", "[histories]") { replay("long.json"); }
