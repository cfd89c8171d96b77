#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATE_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATE_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/memory_stores.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/script.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/shrink.hpp>
#include <syncline/testing/simulation/simulated_world.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A run that broke a promise.
struct failed_run {
    script whole;            ///< as the seed made it
    script smallest;         ///< what is left of it and breaks the same rule
    broken_promise promise;  ///< as the smallest one breaks it
    std::vector<std::pair<std::size_t, std::string>> log;  ///< of the smallest: events and what happened
};

/// What became of many seeds.
struct simulation_report {
    static constexpr std::size_t kept_failures = 3;

    std::optional<fault> problem;  ///< the setup cannot run
    std::uint64_t first_seed = 0;
    std::uint64_t seeds = 0;
    std::uint64_t operations = 0;  ///< edits, messages sent and taken, faults, decisions
    std::array<std::uint64_t, deeds> counts{};
    std::uint64_t failed = 0;
    std::vector<failed_run> failures;  ///< the first of each rule, `kept_failures` at most, shrunk

    [[nodiscard]] bool passed() const noexcept { return !problem && seeds != 0 && failed == 0; }

    /// What happened, and for each failure the script as a test case.
    [[nodiscard]] std::string text() const {
        if (problem) return "the simulation cannot run: " + problem->detail + "\n";
        std::string out = "seeds " + std::to_string(first_seed) + " to " + std::to_string(first_seed + seeds - 1) + ": " + std::to_string(operations) + " operations, " +
                          std::to_string(failed) + " failed\n";
        for (std::size_t i = 0; i < deeds; ++i) {
            out += i == 0 ? "  " : ", ";
            out += std::string(name_of(static_cast<deed>(i))) + " " + std::to_string(counts[i]);
        }
        out += "\n";
        for (const auto& f : failures) out += "\n" + as_test_case(f.smallest, f.promise, f.log, f.whole.events.size());
        return out;
    }
};

namespace detail {

/// The models of a setup; @p problem tells what keeps it from running.
template <class Stores>
[[nodiscard]] result<schema_set> models_of(const simulation_setup& setup, std::optional<fault>& problem) {
    problem = setup.problem();
    if (!problem && !setup.first_fields.empty() && !growing_stores<Stores>)
        problem = make_fault(errc::unsupported, "`first_fields` needs stores that an older program can have made: give yours `make_replica(name, known)` and `grown`");
    auto schemas = setup.schemas();
    if (!problem && !schemas) problem = schemas.error();
    return schemas;
}

/// One run. @return what was broken
template <class Stores>
[[nodiscard]] std::optional<broken_promise> run_script(const simulation_setup& setup, const schema_set& schemas, const script& s, simulation_report* counted,
                                                       std::vector<std::pair<std::size_t, std::string>>* log) {
    simulated_world<Stores> world(setup, schemas, s.seed, log != nullptr);
    auto broken = world.run(s);
    if (counted != nullptr) {
        counted->operations += world.operations();
        for (std::size_t i = 0; i < deeds; ++i) counted->counts[i] += world.counts()[i];
    }
    if (log != nullptr) *log = world.log();
    return broken;
}

}  // namespace detail

/// Runs @p count seeds from @p first on. Everything that happens depends on setup and seed alone. A run that breaks a promise is shrunk: events
/// are left out as long as the same rule is broken.
/// @tparam Stores  what to simulate over; see `simulated_stores`
template <simulated_stores Stores = memory_stores>
[[nodiscard]] simulation_report simulate(const simulation_setup& setup, std::uint64_t first, std::uint64_t count) {
    simulation_report out;
    const auto schemas = detail::models_of<Stores>(setup, out.problem);
    if (out.problem) return out;
    out.first_seed = first;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        ++out.seeds;
        script s = script::of(seed, setup.events, setup.weights);
        const auto broken = detail::run_script<Stores>(setup, *schemas, s, &out, nullptr);
        if (!broken) continue;
        ++out.failed;
        bool known = out.failures.size() >= simulation_report::kept_failures;
        for (const auto& f : out.failures) known = known || f.promise.rule == broken->rule;
        if (known) continue;
        failed_run f{s, {}, {}, {}};
        f.smallest = shrink(std::move(s), [&](const script& smaller) {
            const auto again = detail::run_script<Stores>(setup, *schemas, smaller, nullptr, nullptr);
            return again && again->rule == broken->rule;
        });
        if (auto again = detail::run_script<Stores>(setup, *schemas, f.smallest, nullptr, &f.log)) f.promise = std::move(*again);
        out.failures.push_back(std::move(f));
    }
    return out;
}

/// Runs one script again, as a failure printed it.
template <simulated_stores Stores = memory_stores>
[[nodiscard]] simulation_report replay(const simulation_setup& setup, const script& s) {
    simulation_report out;
    const auto schemas = detail::models_of<Stores>(setup, out.problem);
    if (out.problem) return out;
    out.first_seed = s.seed;
    out.seeds = 1;
    failed_run f{s, s, {}, {}};
    auto broken = detail::run_script<Stores>(setup, *schemas, s, &out, &f.log);
    if (!broken) return out;
    out.failed = 1;
    f.promise = std::move(*broken);
    out.failures.push_back(std::move(f));
    return out;
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
