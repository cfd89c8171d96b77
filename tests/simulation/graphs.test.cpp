#include "simulation/graph_world.hpp"

#include "simulation/campaign.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace graphs_test {

using namespace graph_simulation;
using simulation::number_from_environment;

namespace {

template <class Lab>
std::string run_seed(std::uint64_t seed, wire_mix mix, graph_statistics& counts, bool trace, std::vector<std::string>& log) {
    std::optional<graph_world<Lab>> w;
    std::string why;
    try {
        w.emplace(seed, mix, counts, trace);
        w->run();
    } catch (const std::exception& x) {
        why = x.what();
    }
    if (w) log = w->log();
    return why;
}

template <class Lab>
void graph_campaign(const char* name, wire_mix mix, std::uint64_t share, std::uint64_t most) {
    const auto only = number_from_environment("SYNCLINE_SEED");
    const std::uint64_t all = number_from_environment("SYNCLINE_SEEDS").value_or(2000);
    const std::uint64_t first = only.value_or(number_from_environment("SYNCLINE_FIRST_SEED").value_or(1));
    const std::uint64_t count = only ? 1 : (std::min)((all * share + 99) / 100, most);
    graph_statistics counts;
    std::map<std::string, std::uint64_t> kinds;
    std::size_t failures = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        graph_statistics of_run;
        std::vector<std::string> log;
        const std::string why = run_seed<Lab>(seed, mix, of_run, only.has_value(), log);
        counts.add(of_run);
        if (only)
            for (const auto& line : log) std::printf("    %s\n", line.c_str());
        if (why.empty()) continue;
        ++failures;
        std::string kind;
        for (const char c : why) kind.push_back(c >= '0' && c <= '9' ? '#' : c);
        if (kinds.emplace(kind.substr(0, 60), seed).second || only)
            std::printf("%s: seed %llu: %s (replay with SYNCLINE_SEED=%llu)\n", name, static_cast<unsigned long long>(seed), why.c_str(), static_cast<unsigned long long>(seed));
    }
    std::printf("%s, seeds %llu to %llu:", name, static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1));
    counts.each([](const char* what, std::uint64_t n) { std::printf(" %s %llu,", what, static_cast<unsigned long long>(n)); });
    std::printf(" failed %llu\n", static_cast<unsigned long long>(failures));
    CHECK(failures == 0);
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

constexpr auto all_of_them = (std::numeric_limits<std::uint64_t>::max)();

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

}  // namespace graphs_test
