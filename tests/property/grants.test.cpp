// Promise 8: grants that come and go, records that change their bucket, several principals, lost and repeated messages.

#include "property/grants_world.hpp"
#include "simulation/campaign.hpp"
#include "simulation/sqlite_lab.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"

#include <cstdint>
#include <exception>
#include <string>

namespace grants_test {

namespace {

using namespace grants_tests;

template <class Lab>
void check_seeds(std::uint64_t count, grant_counts& counts) {
    const auto only = test_support::number_from_environment("SYNCLINE_SEED");
    std::uint64_t failed = 0;
    for (std::uint64_t seed = only.value_or(1); seed < only.value_or(1) + (only ? 1 : count); ++seed) {
        std::string why;
        try {
            grants_world<Lab>{seed, counts}.run();
        } catch (const std::exception& x) {
            why = x.what();
        }
        INFO("SYNCLINE_SEED=" << seed);
        if (!why.empty() && ++failed > 5) continue;
        CHECK(why == "");
    }
    CHECK(failed == 0);
}

}  // namespace

TEST_CASE("W12 W13: a device has just what its principal may see, whatever comes and goes, and no edit is lost") {
    grant_counts counts;
    check_seeds<simulation::memory_lab>(300, counts);
    if (test_support::number_from_environment("SYNCLINE_SEED")) return;
    // A run in which too little happened shows nothing.
    CHECK(counts.removals > 300);
    CHECK(counts.waits > 30);
    CHECK(counts.returns > 30);
    CHECK(counts.absent > 30);
    CHECK(counts.grants_in_a_pull > 300);
    CHECK(counts.hydrations > 10);
}

TEST_CASE("W12 W13: the same over SQLite") {
    grant_counts counts;
    check_seeds<simulation::sqlite_lab>(25, counts);
    if (test_support::number_from_environment("SYNCLINE_SEED")) return;
    CHECK(counts.removals > 20);
}

TEST_CASE("W12 W13 W23: the same over SQLite where every party numbers its rows itself") {
    grant_counts counts;
    check_seeds<simulation::numbering_sqlite_lab>(25, counts);
    if (test_support::number_from_environment("SYNCLINE_SEED")) return;
    CHECK(counts.removals > 20);
}

}  // namespace grants_test
