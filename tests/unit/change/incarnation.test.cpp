#include <syncline/change/incarnation.hpp>

#include "support/catch.hpp"

namespace incarnation_test {

using namespace syncline;

TEST_CASE("incarnation: numbers between a backup and the incarnation that began with it are lost, both ends are not") {
    const lost_intervals lost{{10, 20, 100, 200}, {25, 40, 250, 400}};
    for (std::int64_t n = 0; n < 50; ++n) {
        INFO(n);
        CHECK(is_lost_seq(lost, n) == ((n > 10 && n < 20) || (n > 25 && n < 40)));
        CHECK(is_lost_stamp(lost, n * 10) == ((n > 10 && n < 20) || (n > 25 && n < 40)));
        CHECK_FALSE(is_lost_seq({}, n));
    }
}

TEST_CASE("incarnation: a bundle follows the one before it, over a lost interval too") {
    const lost_intervals lost{{10, 20, 0, 0}};
    CHECK(follows({}, 0, 1));
    CHECK_FALSE(follows({}, 0, 2));
    CHECK(follows(lost, 10, 20));
    CHECK(follows(lost, 10, 11));
    CHECK_FALSE(follows(lost, 9, 20));
    CHECK_FALSE(follows(lost, 10, 21));
}

TEST_CASE("incarnation: its numbers lie above everything that was given, and far below what JSON readers round") {
    constexpr std::int64_t year_us = 31'557'600'000'000;
    first_numbers at{5, 1'700'000'000'000'000};
    for (int restores = 0; restores < 1000; ++restores) {
        const first_numbers next = numbers_after_restore(at, 1'700'000'000'000'000 + restores * year_us / 1000);
        CHECK(next.seq > at.seq + 999'999'999);
        CHECK(next.stamp > at.stamp);
        at = next;
    }
    CHECK(at.seq < (std::int64_t{1} << 53));
    CHECK(at.stamp < (std::int64_t{1} << 53));
    STATIC_REQUIRE(numbers_after_restore({7, 50}, 40) == first_numbers{1'000'000'007, 86'400'000'050});
}

TEST_CASE("incarnation: a backup that is restored a second time gives no number that was given after the first time") {
    constexpr std::int64_t first_time = 1'700'000'000'000'000;
    constexpr std::int64_t minute = 60'000'000;
    const first_numbers backup{5, 1'600'000'000'000'000};
    const first_numbers one = numbers_after_restore(backup, first_time);
    const first_numbers two = numbers_after_restore(backup, first_time + minute);
    const std::int64_t given_meanwhile = 1'000'000;
    CHECK(two.seq > one.seq + given_meanwhile);
    CHECK(two.stamp > one.stamp + given_meanwhile);
}

}  // namespace incarnation_test
