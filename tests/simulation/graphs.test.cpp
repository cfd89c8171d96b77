#include "simulation/graph_world.hpp"

#include "simulation/seeds.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace graphs_test {

using namespace graph_simulation;
using simulation::all_of_them;

namespace {

template <class Lab>
void graph_campaign(const char* name, wire_mix mix, std::uint64_t share, std::uint64_t most) {
    const auto ran = simulation::run_seeds<graph_world<Lab>, graph_statistics>(name, mix, share, most);
    const graph_statistics& counts = ran.counts;
    const std::uint64_t count = ran.count;
    CHECK(ran.failures == 0);
    if (count < 200) return;
    // Per hundred seeds. A run in which too little happened shows nothing.
    const auto floor = [&](const char* what, std::uint64_t happened, std::uint64_t wanted) {
        INFO(name << ": " << what << " " << happened << ", wanted " << wanted * count / 100);
        CHECK(happened * 100 >= wanted * count);
    };
    floor("edits of several rows", counts.rows_of_many, 100);
    floor("rows gone by cascade", counts.cascades, 50);
    floor("conflicts", counts.conflicts, 100);
    floor("copies", counts.copies, 10);
    floor("restores", counts.restores, 5);
    floor("server restores", counts.server_restores, 5);
    floor("prunes", counts.prunes, 50);
    floor("commits that forgot history", counts.forgotten, 20);
    if (mix != wire_mix::mutation) floor("new sources", counts.renewals, 10);
    floor("hydrations", counts.hydrations, 30);
    floor("bundles of several rows", counts.many_row_bundles, 200);
}

}  // namespace

TEST_CASE("graphs: on the bundle wire, with copied devices, restored backups and pruned history, everybody agrees, nothing is lost untold and no number of a source names "
          "two bundles",
          "[simulation]") {
    graph_campaign<memory_graph_lab>("graphs, bundle wire", wire_mix::bundle, 50, all_of_them);
}
TEST_CASE("graphs: the same on the mutation wire", "[simulation]") { graph_campaign<memory_graph_lab>("graphs, mutation wire", wire_mix::mutation, 20, all_of_them); }
TEST_CASE("graphs: the same with both wires on one server", "[simulation]") { graph_campaign<memory_graph_lab>("graphs, both wires", wire_mix::mixed, 50, all_of_them); }
TEST_CASE("graphs: the same over SQLite, with foreign keys on", "[simulation]") {
    graph_campaign<sqlite_graph_lab>("graphs, SQLite, bundle wire", wire_mix::bundle, 2, 2000);
    graph_campaign<sqlite_graph_lab>("graphs, SQLite, both wires", wire_mix::mixed, 2, 2000);
}

TEST_CASE("graphs: a row of a lost timeline that refers to what went does not come back with it") {
    graph_statistics counts;
    std::vector<std::string> log;
    CHECK(simulation::run_seed<graph_world<memory_graph_lab>>(15476, wire_mix::bundle, counts, false, log) == "");
}

}  // namespace graphs_test
