#include <syncline/support/hlc.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>

namespace hlc_test {

using syncline::clamped_time;
using syncline::duration;
using syncline::from_microseconds;
using syncline::hybrid_clock;
using syncline::later_by;
using syncline::seeded_random;
using syncline::timestamp;

TEST_CASE("clamped time: what is claimed is believed up to the drift ahead of the own clock") {
    const timestamp now = from_microseconds(1000);
    for (const std::int64_t claimed : {-5'000, 0, 999, 1000, 1099, 1100}) CHECK(clamped_time(from_microseconds(claimed), now, duration{100}) == from_microseconds(claimed));
    CHECK(clamped_time(from_microseconds(1101), now, duration{100}) == from_microseconds(1100));
    CHECK(clamped_time((timestamp::max)(), now, duration{0}) == now);
    CHECK(clamped_time((timestamp::max)(), now, duration{-7}) == now);
    CHECK(clamped_time((timestamp::max)(), (timestamp::max)(), (duration::max)()) == (timestamp::max)());
}

TEST_CASE("clamped time: what claims to come after a row stays behind it though the own clock went back, and no further") {
    const timestamp now = from_microseconds(1000);
    const timestamp row = from_microseconds(5000);
    CHECK(clamped_time(from_microseconds(4999), now, duration{0}, row) == from_microseconds(4999));
    CHECK(clamped_time(from_microseconds(5000), now, duration{0}, row) == from_microseconds(5000));
    CHECK(clamped_time(from_microseconds(5001), now, duration{0}, row) == from_microseconds(5001));
    CHECK(clamped_time(from_microseconds(9999), now, duration{0}, row) == from_microseconds(5001));
    CHECK(clamped_time(from_microseconds(9999), now, duration{0}, from_microseconds(10)) == now);
    CHECK(clamped_time((timestamp::max)(), now, duration{0}, (timestamp::max)()) == (timestamp::max)());
}

TEST_CASE("clamped time: keeps the order of claims, over random times") {
    seeded_random random(3);
    const auto any = [&] { return from_microseconds(static_cast<std::int64_t>(random.below(2000)) - 1000); };
    for (int i = 0; i < 5000; ++i) {
        const timestamp now = any(), row = any(), claimed = any();
        const duration drift{static_cast<std::int64_t>(random.below(500))};
        const timestamp believed = clamped_time(claimed, now, drift, row);
        CAPTURE(i);
        REQUIRE(believed <= claimed);
        REQUIRE(believed <= (std::max)(now + drift, row + duration{1}));
        REQUIRE((believed > row) == (claimed > row));
        REQUIRE(clamped_time(claimed + duration{1}, now, drift, row) >= believed);
    }
}

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

TEST_CASE("hybrid clock: comes after an observed time within the drift, and only so far after one beyond it") {
    hybrid_clock clock(duration{100});
    clock.observe(from_microseconds(10), from_microseconds(110));
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(111));
    clock.observe(from_microseconds(20), (timestamp::max)());
    CHECK(clock.tick(from_microseconds(20)) == from_microseconds(121));
    clock.observe(from_microseconds(20), from_microseconds(5));
    CHECK(clock.tick(from_microseconds(20)) == from_microseconds(122));
}

TEST_CASE("hybrid clock: to hear the same time again changes nothing") {
    hybrid_clock clock(duration{100});
    for (int i = 0; i < 3; ++i) clock.observe(from_microseconds(10), from_microseconds(50));
    CHECK(clock.last() == from_microseconds(50));
}

TEST_CASE("hybrid clock: a drift below zero counts as none") {
    hybrid_clock clock(duration{-5});
    clock.observe(from_microseconds(10), from_microseconds(11));
    CHECK(clock.last() == from_microseconds(10));
}

TEST_CASE("hybrid clock: continues after the last reading of an earlier run") {
    hybrid_clock clock(duration{100}, from_microseconds(50));
    CHECK(clock.tick(from_microseconds(10)) == from_microseconds(51));
}

TEST_CASE("hybrid clock: does not overflow at the ends of time") {
    hybrid_clock clock((duration::max)());
    CHECK(clock.tick((timestamp::min)()) > (timestamp::min)());
    clock.observe((timestamp::max)(), (timestamp::max)());
    CHECK(clock.tick(from_microseconds(0)) == (timestamp::max)());
    CHECK(later_by((timestamp::max)(), (duration::max)()) == (timestamp::max)());
}

TEST_CASE("hybrid clock: keeps its bounds over random histories") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        seeded_random random(seed);
        const duration drift{static_cast<std::int64_t>(random.below(1000))};
        hybrid_clock clock(drift);
        std::int64_t wall_us = 1'000'000;
        timestamp last = clock.tick(from_microseconds(wall_us));
        timestamp heard = last;
        for (int i = 0; i < 2000; ++i) {
            wall_us += static_cast<std::int64_t>(random.below(200)) - 60;
            const timestamp wall = from_microseconds(wall_us);
            timestamp ceiling = (std::max)(last, wall);
            if (random.chance(1, 2)) {
                const timestamp remote = wall + duration{static_cast<std::int64_t>(random.below(3000)) - 1500};
                clock.observe(wall, remote);
                if (remote <= wall + drift) heard = (std::max)(heard, remote);
                ceiling = (std::max)(ceiling, wall + drift);
            }
            const timestamp reading = clock.tick(wall);
            if (reading <= last) FAIL("did not rise");
            if (reading < wall) FAIL("behind the wall clock");
            if (reading <= heard) FAIL("not after a time that was within the drift");
            if (reading > ceiling + duration{1}) FAIL("dragged beyond the drift");
            last = reading;
        }
        CHECK(clock.last() == last);
    }
}

TEST_CASE("hybrid clock: replicas that exchange readings order every message after its cause") {
    seeded_random random(4);
    hybrid_clock clocks[3] = {hybrid_clock(duration{1000}), hybrid_clock(duration{1000}), hybrid_clock(duration{1000})};
    const std::int64_t skew[3] = {0, 400, -400};
    std::int64_t now = 1'000'000;
    for (int i = 0; i < 3000; ++i) {
        now += static_cast<std::int64_t>(random.below(20));
        const auto from = static_cast<std::size_t>(random.below(3));
        const auto to = static_cast<std::size_t>(random.below(3));
        const timestamp sent = clocks[from].tick(from_microseconds(now + skew[from]));
        const timestamp wall = from_microseconds(now + skew[to]);
        clocks[to].observe(wall, sent);
        INFO("message " << i);
        REQUIRE(clocks[to].tick(wall) > sent);
    }
}

}  // namespace hlc_test
