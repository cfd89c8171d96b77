#ifndef SYNCLINE_TESTS_SIMULATION_RANDOM_CRASH_HPP
#define SYNCLINE_TESTS_SIMULATION_RANDOM_CRASH_HPP

// A crash within a store, at a call and on a side of the commit that dice tell.

#include <syncline/support/random.hpp>
#include <syncline/testing/simulation/store_faults.hpp>

#include <cstdint>

namespace simulation {

/// One of the next @p most calls ends the program. The dice are thrown one after the other: as arguments of one call, their order
/// would be the compiler's, and a seed another run with each.
inline void crash_within(std::uint64_t most, syncline::testing::store_faults& power, syncline::seeded_random& random) {
    const bool after_commit = random.chance(1, 2);
    power.arm(1 + random.below(most), after_commit);
}

}  // namespace simulation

#endif
