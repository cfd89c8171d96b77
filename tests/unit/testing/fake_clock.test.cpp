#include <syncline/testing/fake_clock.hpp>

#include "support/catch.hpp"

#include <chrono>

namespace fake_clock_test {

using namespace std::chrono_literals;
using syncline::from_microseconds;
using syncline::testing::fake_clock;

TEST_CASE("fake_clock: stands still until it is moved, to either side") {
    fake_clock clock{from_microseconds(100)};
    const auto read = clock.reader();
    CHECK(read() == from_microseconds(100));
    CHECK(read() == clock.now());
    clock.advance(5us);
    CHECK(read() == from_microseconds(105));
    clock.advance(-10us);
    CHECK(read() == from_microseconds(95));
    clock.set(from_microseconds(7));
    CHECK(clock.now() == from_microseconds(7));
}

TEST_CASE("fake_clock: ticks with each reading where that is wanted") {
    fake_clock clock{from_microseconds(100), 1us};
    const auto read = clock.reader();
    CHECK(read() == from_microseconds(100));
    CHECK(read() == from_microseconds(101));
    CHECK(clock.now() == from_microseconds(102));
    CHECK(clock.now() == from_microseconds(102));
}

TEST_CASE("fake_clock: each party reads it wrongly in its own way, and waiting moves it for all") {
    fake_clock clock{from_microseconds(1000)};
    const auto ahead = clock.skewed(300us);
    const auto behind = clock.skewed(-300us);
    CHECK(ahead() == from_microseconds(1300));
    CHECK(behind() == from_microseconds(700));
    clock.waiter(300us)(from_microseconds(1500));
    CHECK(clock.now() == from_microseconds(1200));
    CHECK(ahead() == from_microseconds(1500));
    clock.waiter()(from_microseconds(900));
    CHECK(clock.now() == from_microseconds(1200));
}

TEST_CASE("fake_clock: frozen it shows one time, and thawed what came meanwhile") {
    fake_clock clock{from_microseconds(1000)};
    clock.freeze();
    clock.advance(50us);
    CHECK(clock.now() == from_microseconds(1000));
    clock.freeze();
    CHECK(clock.now() == from_microseconds(1000));
    clock.thaw();
    CHECK(clock.now() == from_microseconds(1050));
}

}  // namespace fake_clock_test
