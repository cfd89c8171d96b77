#ifndef SYNCLINE_TESTS_SIMULATION_CAMPAIGN_HPP
#define SYNCLINE_TESTS_SIMULATION_CAMPAIGN_HPP

// Runs many seeds. Environment: SYNCLINE_SEEDS (how many in all), SYNCLINE_FIRST_SEED, SYNCLINE_SEED (this one alone, with its log).

#include "simulation/settings.hpp"
#include "simulation/world.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace simulation {

inline std::optional<std::uint64_t> number_from_environment(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 10);
}

/// Runs one seed. @return what went wrong; empty: nothing
template <class Lab>
std::string run_seed(std::uint64_t seed, wire_mix mix, statistics& counts, bool trace, std::vector<std::string>& log) {
    std::optional<world<Lab>> w;
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

/// Runs this campaign's share of the seeds, prints what happened, and fails on a violation or when too little happened.
/// @param share  percent of SYNCLINE_SEEDS
/// @param most   never more seeds than this
template <class Lab>
void campaign(const char* name, wire_mix mix, std::uint64_t share, std::uint64_t most = (std::numeric_limits<std::uint64_t>::max)()) {
    const auto only = number_from_environment("SYNCLINE_SEED");
    const std::uint64_t all = number_from_environment("SYNCLINE_SEEDS").value_or(2000);
    const std::uint64_t first = only.value_or(number_from_environment("SYNCLINE_FIRST_SEED").value_or(1));
    const std::uint64_t count = only ? 1 : (std::min)((all * share + 99) / 100, most);
    statistics counts;
    std::size_t failures = 0;
    std::map<std::string, std::uint64_t> kinds;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        statistics of_run;
        std::vector<std::string> log;
        std::string why = run_seed<Lab>(seed, mix, of_run, only.has_value(), log);
        if (why.empty()) {
            counts.add(of_run);
            if (!only) continue;
        }
        if (!why.empty() && ++failures <= 3 && !only) {
            statistics again;
            run_seed<Lab>(seed, mix, again, true, log);
        }
        if (only || failures <= 3) {
            std::printf("%s: seed %llu: %s\n", name, static_cast<unsigned long long>(seed), why.empty() ? "kept every promise" : why.c_str());
            for (const auto& line : log) std::printf("    %s\n", line.c_str());
            if (!why.empty()) std::printf("%s: replay with SYNCLINE_SEED=%llu\n", name, static_cast<unsigned long long>(seed));
        }
        if (!why.empty()) {
            std::string kind;
            for (const char c : why) kind.push_back(c >= '0' && c <= '9' ? '#' : c);
            if (kinds.emplace(kind.substr(0, 90), seed).second && failures > 3) std::printf("%s: seed %llu: %s\n", name, static_cast<unsigned long long>(seed), why.c_str());
        }
    }
    std::printf("%s, seeds %llu to %llu:", name, static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1));
    counts.each([](std::string_view what, std::uint64_t n) { std::printf(" %s %llu,", std::string{what}.c_str(), static_cast<unsigned long long>(n)); });
    std::printf(" failed %llu\n", static_cast<unsigned long long>(failures));
    CHECK(failures == 0);
    if (only) return;
    if (Lab::has_trash && count >= 40) {
        const bool fewer = mix == wire_mix::legacy;  // half of the edits are made at Tether's clients
        CHECK((fewer ? 2 : 1) * counts.soft_deletes >= count);
        CHECK((fewer ? 8 : 2) * counts.restores >= count);
        CHECK(10 * counts.purges >= count);
    }
    if (Lab::can_migrate && mix == wire_mix::skew && count >= 40) CHECK(4 * counts.migrations >= count);
    if (count < 200) return;
    // Per hundred seeds. A run in which too little happened shows nothing.
    const bool mutation = mix != wire_mix::bundle, bundle = mix == wire_mix::bundle || mix == wire_mix::mixed;
    const auto floor = [&](const char* what, std::uint64_t happened, std::uint64_t wanted) {
        INFO(name << ": " << what << " " << happened << ", wanted " << wanted * count / 100);
        CHECK(happened * 100 >= wanted * count);
    };
    floor("edits", counts.edits, 1000);
    floor("conflicts", counts.conflicts, 200);
    floor("rebases under flight", counts.rebases_under_flight, mutation ? 12 : 3);
    floor("answers lost", counts.answers_lost, 150);
    floor("duplicates", counts.duplicates, 300);
    floor("device crashes", counts.device_crashes, 150);
    floor("server crashes", counts.server_crashes, 30);
    floor("crashes during hydration", counts.crashes_in_hydration, 15);
    floor("second copies after a refusal", counts.second_copies_after_refusal, 100);
    if (mutation) floor("answers lost, then a pull", counts.pulls_after_lost_answer, 50);
    if (bundle) floor("answers lost, then asked again", counts.asked_again_after_lost_answer, 4);
    floor("decisions of persons", counts.person_decisions, 3);
    if (mix == wire_mix::legacy) {
        floor("edits at Tether's clients", counts.tether_edits, 500);
        floor("their syncs", counts.tether_syncs, 500);
    }
    if (mix == wire_mix::grants) {
        floor("grants changed", counts.grant_changes, 300);
        floor("removals from view", counts.removals, 300);
        floor("changes that left the view", counts.out_of_view_waits, 30);
        floor("changes that returned", counts.returns_to_view, 15);
        floor("writes refused unseen", counts.writes_refused_unseen, 40);
        floor("views compared", counts.views_compared, 1000);
    }
}

}  // namespace simulation

#endif
