#ifndef SYNCLINE_TESTS_SIMULATION_SEEDS_HPP
#define SYNCLINE_TESTS_SIMULATION_SEEDS_HPP

// Runs many seeds of any world. Environment: SYNCLINE_SEEDS (how many in all), SYNCLINE_FIRST_SEED, SYNCLINE_SEED (this one alone, with its log).


#include "support/environment.hpp"
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

constexpr auto all_of_them = (std::numeric_limits<std::uint64_t>::max)();

/// Runs one seed. @return what went wrong; empty: nothing
/// @tparam World  made of a seed, a mix of wires, what is counted, and whether to keep a log; has `run()` and `log()`
template <class World, class Mix, class Statistics>
std::string run_seed(std::uint64_t seed, Mix mix, Statistics& counts, bool trace, std::vector<std::string>& log) {
    std::optional<World> w;
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

/// What became of many seeds.
template <class Statistics>
struct seeds_run {
    Statistics counts;            ///< of those that kept every promise
    std::uint64_t count = 0;
    std::size_t failures = 0;
    bool one_alone = false;       ///< SYNCLINE_SEED chose it
};

/// Runs a campaign's share of the seeds and prints what happened: the first failures with their logs, of others one of each kind.
/// @param share  percent of SYNCLINE_SEEDS
/// @param most   never more seeds than this
template <class World, class Statistics, class Mix>
seeds_run<Statistics> run_seeds(const char* name, Mix mix, std::uint64_t share, std::uint64_t most = all_of_them) {
    using test_support::number_from_environment;
    const auto only = number_from_environment("SYNCLINE_SEED");
    const std::uint64_t all = test_support::wanted_seeds();
    const std::uint64_t first = only.value_or(number_from_environment("SYNCLINE_FIRST_SEED").value_or(1));
    seeds_run<Statistics> out;
    out.count = only ? 1 : (std::min)((all * share + 99) / 100, most);
    out.one_alone = only.has_value();
    std::map<std::string, std::uint64_t> kinds;
    for (std::uint64_t seed = first; seed < first + out.count; ++seed) {
        Statistics of_run;
        std::vector<std::string> log;
        std::string why = run_seed<World>(seed, mix, of_run, only.has_value(), log);
        if (why.empty()) {
            out.counts.add(of_run);
            if (!only) continue;
        }
        if (!why.empty() && ++out.failures <= 3 && !only) {
            Statistics again;
            run_seed<World>(seed, mix, again, true, log);
        }
        if (only || out.failures <= 3) {
            std::printf("%s: seed %llu: %s\n", name, static_cast<unsigned long long>(seed), why.empty() ? "kept every promise" : why.c_str());
            for (const auto& line : log) std::printf("    %s\n", line.c_str());
            if (!why.empty()) std::printf("%s: replay with SYNCLINE_SEED=%llu\n", name, static_cast<unsigned long long>(seed));
        }
        if (!why.empty()) {
            std::string kind;
            for (const char c : why) kind.push_back(c >= '0' && c <= '9' ? '#' : c);
            if (kinds.emplace(kind.substr(0, 90), seed).second && out.failures > 3) std::printf("%s: seed %llu: %s\n", name, static_cast<unsigned long long>(seed), why.c_str());
        }
    }
    std::printf("%s, seeds %llu to %llu:", name, static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + out.count - 1));
    out.counts.each([](std::string_view what, std::uint64_t n) { std::printf(" %s %llu,", std::string{what}.c_str(), static_cast<unsigned long long>(n)); });
    std::printf(" failed %llu\n", static_cast<unsigned long long>(out.failures));
    return out;
}

}  // namespace simulation

#endif
