#include <syncline/support/system_clock.hpp>

#include "support/catch.hpp"

#include <type_traits>

namespace system_clock_test {

TEST_CASE("system clock: gives the library's time type, in this century") {
    static_assert(std::is_same_v<decltype(syncline::system_now()), syncline::timestamp>);
    const std::int64_t us = syncline::to_microseconds(syncline::system_now());
    CHECK(us > 1'600'000'000'000'000);
    CHECK(us < 4'102'444'800'000'000);
}

}  // namespace system_clock_test
