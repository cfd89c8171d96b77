#include <syncline/support/hlc.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>

using syncline::duration;
using syncline::from_microseconds;
using syncline::hybrid_clock;
using syncline::seeded_random;
using syncline::timestamp;

TEST_CASE("hybrid clock: follows the wall clock while it rises") {
    hybrid_clock clock(duration{100});
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(10));
    CHECK(clock.tick(from_microseconds(20)) == from_microseconds(20));
    CHECK(clock.last() == from_microseconds(20));
}

TEST_CASE("hybrid clock: counts up while the wall clock stands still or goes back") {
    hybrid_clock clock(duration{100});
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(10));
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(11));
    CHECK(clock.tick(from_microseconds(-500)) == from_microseconds(12));
}

TEST_CASE("hybrid clock: comes after a remote stamp within the drift") {
    hybrid_clock clock(duration{100});
    CHECK(clock.observe(from_microseconds(10), from_microseconds(110)) == from_microseconds(111));
    CHECK(clock.clamped() == 0);
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(112));
}

TEST_CASE("hybrid clock: bends and counts a remote stamp beyond the drift") {
    hybrid_clock clock(duration{100});
    CHECK(clock.observe(from_microseconds(10), from_microseconds(111)) == from_microseconds(111));
    CHECK(clock.clamped() == 1);
    CHECK(clock.observe(from_microseconds(10), (timestamp::max)()) == from_microseconds(112));
    CHECK(clock.clamped() == 2);
}

TEST_CASE("hybrid clock: a drift below zero counts as none") {
    hybrid_clock clock(duration{-5});
    CHECK(clock.observe(from_microseconds(10), from_microseconds(10)) == from_microseconds(11));
    CHECK(clock.clamped() == 0);
    static_cast<void>(clock.observe(from_microseconds(10), from_microseconds(11)));
    CHECK(clock.clamped() == 1);
}

TEST_CASE("hybrid clock: continues after the last stamp of an earlier run") {
    hybrid_clock clock(duration{100}, from_microseconds(50));
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(51));
}

TEST_CASE("hybrid clock: does not overflow at the ends of time") {
    hybrid_clock clock((duration::max)());
    CHECK(clock.tick((timestamp::min)()) > (timestamp::min)());
    CHECK(clock.observe((timestamp::max)(), (timestamp::max)()) == (timestamp::max)());
    CHECK(clock.tick(from_microseconds(0)) == (timestamp::max)());
    CHECK(clock.clamped() == 0);
}

TEST_CASE("hybrid clock: keeps its bounds over random histories") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        seeded_random random(seed);
        const duration drift{static_cast<std::int64_t>(random.below(1000))};
        hybrid_clock clock(drift);
        std::int64_t wall_us = 1'000'000;
        std::uint64_t beyond = 0;
        timestamp last = clock.tick(from_microseconds(wall_us));
        for (int i = 0; i < 2000; ++i) {
            wall_us += static_cast<std::int64_t>(random.below(200)) - 60;
            const timestamp wall = from_microseconds(wall_us);
            timestamp stamp;
            timestamp ceiling = (std::max)(last, wall);
            if (random.chance(1, 2)) {
                const timestamp remote = wall + duration{static_cast<std::int64_t>(random.below(3000)) - 1500};
                stamp = clock.observe(wall, remote);
                if (remote > wall + drift) {
                    ++beyond;
                } else if (stamp <= remote) {
                    FAIL("not after the remote stamp");
                }
                ceiling = (std::max)(ceiling, wall + drift);
            } else {
                stamp = clock.tick(wall);
            }
            if (stamp <= last) FAIL("did not rise");
            if (stamp < wall) FAIL("behind the wall clock");
            if (stamp > ceiling + duration{1}) FAIL("dragged beyond the drift");
            last = stamp;
        }
        CHECK(clock.clamped() == beyond);
        CHECK(clock.last() == last);
    }
}

TEST_CASE("hybrid clock: replicas that exchange stamps order every message after its cause") {
    seeded_random random(4);
    hybrid_clock clocks[3] = {hybrid_clock(duration{1000}), hybrid_clock(duration{1000}), hybrid_clock(duration{1000})};
    const std::int64_t skew[3] = {0, 400, -400};
    std::int64_t now = 1'000'000;
    for (int i = 0; i < 3000; ++i) {
        now += static_cast<std::int64_t>(random.below(20));
        const auto from = static_cast<std::size_t>(random.below(3));
        const auto to = static_cast<std::size_t>(random.below(3));
        const timestamp sent = clocks[from].tick(from_microseconds(now + skew[from]));
        const timestamp received = clocks[to].observe(from_microseconds(now + skew[to]), sent);
        if (received <= sent) FAIL("received before it was sent, message " << i);
    }
    for (const hybrid_clock& clock : clocks) CHECK(clock.clamped() == 0);
}
