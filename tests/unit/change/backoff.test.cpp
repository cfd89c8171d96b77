#include <syncline/change/backoff.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>

namespace backoff_test {

namespace {

using namespace syncline;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr timestamp start = from_microseconds(1'000'000);

/// A source that gives the same number for ever.
struct fixed_draw {
    std::uint64_t bits = 0;
    std::uint64_t operator()() { return bits; }
};

duration longest_wait(backoff& waits, std::uint64_t seed, int draws, duration& shortest) {
    duration longest{0};
    shortest = (duration::max)();
    for (int i = 0; i < draws; ++i) {
        backoff same = waits;
        seeded_random random{seed + static_cast<std::uint64_t>(i)};
        random_source source{random};
        const auto at = same.failed(start, source);
        if (!at) return duration{-1};
        longest = (std::max)(longest, *at - start);
        shortest = (std::min)(shortest, *at - start);
    }
    return longest;
}

}  // namespace

TEST_CASE("backoff: the wait before attempt n + 1 covers zero to first times 2^(n-1), and no more than the ceiling") {
    const backoff_policy policy{milliseconds{500}, seconds{3}, 10};
    backoff waits{policy};
    fixed_draw zero;
    random_source source{zero};
    for (int failure = 1; failure < 9; ++failure) {
        duration bound = milliseconds{500};
        for (int i = 1; i < failure; ++i) bound *= 2;
        bound = (std::min<duration>)(bound, seconds{3});
        duration shortest{};
        const duration longest = longest_wait(waits, 7, 400, shortest);
        CAPTURE(failure);
        CHECK(longest <= bound);
        CHECK(longest > bound * 9 / 10);
        CHECK(shortest >= duration{0});
        CHECK(shortest < bound / 10);
        REQUIRE(waits.failed(start, source) == start);
    }
}

TEST_CASE("backoff: both ends of the range are drawn") {
    const backoff_policy policy{duration{100}, duration{100}, 2};
    for (const std::uint64_t bits : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{101}}) {
        fixed_draw draw{bits};
        random_source source{draw};
        backoff waits{policy};
        CHECK(waits.failed(start, source) == start + duration{static_cast<std::int64_t>(bits % 101)});
    }
}

TEST_CASE("backoff: what the peer asks for is kept, above the ceiling too, and never shortens the wait") {
    const backoff_policy policy{seconds{1}, seconds{2}, 5};
    fixed_draw draw{1'000'000};
    random_source source{draw};
    backoff waits{policy};
    CHECK(waits.failed(start, source, seconds{120}) == start + seconds{120});
    CHECK(waits.failed(start, source, duration{5}) == start + seconds{1});
    CHECK(waits.failed(start, source, duration{-5}) == start + seconds{1});
}

TEST_CASE("backoff: gives up after the attempts that the policy allows, and starts anew after a success") {
    for (const std::uint32_t attempts : {0u, 1u, 2u, 5u}) {
        fixed_draw draw;
        random_source source{draw};
        backoff waits{backoff_policy{seconds{1}, seconds{2}, attempts}};
        for (int life = 0; life < 2; ++life) {
            CHECK(waits.failures() == 0);
            for (std::uint32_t failure = 1; failure < (std::max)(attempts, 1u); ++failure) CHECK(waits.failed(start, source));
            CHECK(!waits.failed(start, source));
            CHECK(!waits.failed(start, source, seconds{1}));
            waits.succeeded();
        }
    }
}

TEST_CASE("backoff: absurd policies and requests wait long, never overflow") {
    const duration most = (duration::max)();
    for (const duration first : {duration{1}, most / 2 + duration{1}, most, duration{0}, duration{-1}, (duration::min)()})
        for (const duration ceiling : {most, most - duration{1}, duration{0}, duration{-1}})
            for (const std::uint64_t bits : {std::uint64_t{0}, (std::numeric_limits<std::uint64_t>::max)(), std::uint64_t{1} << 62}) {
                backoff waits{backoff_policy{first, ceiling, 1000}};
                fixed_draw draw{bits};
                random_source source{draw};
                for (int failure = 0; failure < 200; ++failure) {
                    const auto at = waits.failed(start, source);
                    REQUIRE(at);
                    REQUIRE(*at >= start);
                }
                const auto asked = waits.failed(start, source, most);
                REQUIRE(asked);
                CHECK(*asked > start);
            }
}

}  // namespace backoff_test
