#include <syncline/support/time.hpp>

#include "support/catch.hpp"

#include <limits>
#include <ratio>
#include <type_traits>

namespace time_test {

using namespace std::chrono_literals;

TEST_CASE("time: counts microseconds since 1970 in 64 bits") {
    static_assert(std::is_same_v<syncline::timestamp::duration, syncline::duration>);
    static_assert(std::is_same_v<syncline::duration::period, std::micro>);
    static_assert(syncline::to_microseconds(syncline::timestamp{}) == 0);
    static_assert(syncline::to_microseconds(syncline::from_microseconds(-1)) == -1);
    static_assert(syncline::from_microseconds(1'500'000) - syncline::from_microseconds(0) == 1500ms);
    CHECK(sizeof(syncline::timestamp) == 8);
}

TEST_CASE("time: the whole range survives the way there and back") {
    for (const std::int64_t us : {(std::numeric_limits<std::int64_t>::min)(), std::int64_t{-1}, std::int64_t{0},
                                  std::int64_t{1}, (std::numeric_limits<std::int64_t>::max)()}) {
        CHECK(syncline::to_microseconds(syncline::from_microseconds(us)) == us);
    }
}

TEST_CASE("time: later ends at the last time that there is, and before 1970 it is as any other") {
    using syncline::from_microseconds;
    CHECK(syncline::later(from_microseconds(5), 3us) == from_microseconds(8));
    CHECK(syncline::later(from_microseconds(-5), 3us) == from_microseconds(-2));
    CHECK(syncline::later((syncline::timestamp::min)(), 3us) == (syncline::timestamp::min)() + 3us);
    CHECK(syncline::later((syncline::timestamp::max)() - 2us, 3us) == (syncline::timestamp::max)());
}

}  // namespace time_test
