#ifndef SYNCLINE_TESTS_SUPPORT_ENVIRONMENT_HPP
#define SYNCLINE_TESTS_SUPPORT_ENVIRONMENT_HPP

// How much a run is to do, from SYNCLINE_SEEDS: 2,000 in every run, more in a campaign, and few where nothing is optimised and a step costs
// several times as much (sanitizers).

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace test_support {

inline std::optional<std::uint64_t> number_from_environment(const char* name) {
    const char* const text = std::getenv(name);
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 10);
}

constexpr std::uint64_t seeds_of_every_run = 2000;

inline std::uint64_t wanted_seeds() { return number_from_environment("SYNCLINE_SEEDS").value_or(seeds_of_every_run); }
inline bool is_campaign() { return wanted_seeds() > seeds_of_every_run; }
inline bool is_slow() { return wanted_seeds() < seeds_of_every_run; }

// Of what a run does @p count times: a tenth where a step costs several times as much.
template <class Number>
Number tenth_if_slow(Number count) {
    return is_slow() ? static_cast<Number>((count + 9) / 10) : count;
}

}  // namespace test_support

#endif
