#include <syncline/change/cursor.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <vector>

namespace cursor_test {

using syncline::check_cursor;
using syncline::continues;
using syncline::cursor;
using syncline::errc;
using syncline::next_stamp;
using syncline::reachable;
using syncline::seeded_random;

TEST_CASE("cursor: stamps rise strictly under a clock that stands still, jumps and goes back") {
    const std::uint64_t seed = 18;
    CAPTURE(seed);
    seeded_random random(seed);
    std::int64_t last = 0;
    std::int64_t now = 1'700'000'000'000'000;
    for (int round = 0; round < 20000; ++round) {
        switch (random.below(4)) {
        case 0: now += static_cast<std::int64_t>(random.below(1'000'000)); break;
        case 1: now -= static_cast<std::int64_t>(random.below(1'000'000)); break;
        case 2: now = static_cast<std::int64_t>(random.below(2)) - 1; break;
        default: break;
        }
        const std::int64_t stamp = next_stamp(last, now);
        REQUIRE(stamp > last);
        REQUIRE(stamp >= now);
        REQUIRE((stamp == now || stamp == last + 1));
        last = stamp;
        if (now <= 0) now = last - 1000;
    }
    static_assert(next_stamp(5, 3) == 6 && next_stamp(5, 6) == 6 && next_stamp(5, 7) == 7);
}

TEST_CASE("cursor: pages delivered late, twice or out of order move a device through each position once, and never back") {
    struct step {
        cursor from;
        cursor next;
    };
    const std::uint64_t seed = 19;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 300; ++round) {
        std::vector<step> pages;
        cursor end = 0;
        for (int n = 0; n < 6; ++n) {
            const cursor next = end + 1 + static_cast<cursor>(random.below(5));
            pages.push_back({end, next});
            end = next;
        }
        cursor checkpoint = 0;
        std::vector<int> applied(pages.size(), 0);
        for (int delivery = 0; delivery < 400 && checkpoint < end; ++delivery) {
            const auto at = static_cast<std::size_t>(random.below(pages.size()));
            if (!continues(checkpoint, pages[at].from, pages[at].next)) continue;
            REQUIRE(pages[at].next > checkpoint);
            checkpoint = pages[at].next;
            ++applied[at];
        }
        REQUIRE(checkpoint == end);
        for (const int times : applied) REQUIRE(times == 1);
    }
}

TEST_CASE("cursor: a page that would take the device back is never applied, an empty one may be") {
    static_assert(continues(5, 5, 5));
    static_assert(continues(5, 5, 6));
    static_assert(!continues(5, 5, 4));
    static_assert(!continues(5, 4, 6));
    static_assert(!continues(5, 6, 7));
    SUCCEED();
}

TEST_CASE("cursor: what lies below the floor cannot be reached, the floor itself can") {
    static_assert(reachable(0, 0) && reachable(5, 5) && reachable(6, 5));
    static_assert(!reachable(4, 5) && !reachable(0, 1));
    SUCCEED();
}

TEST_CASE("cursor: a negative one and one from the future are refused by name") {
    for (const cursor given : {cursor{0}, cursor{1}, cursor{7}}) CHECK(check_cursor(given, 7));
    for (const cursor given : {cursor{-1}, cursor{8}, (std::numeric_limits<cursor>::lowest)(), (std::numeric_limits<cursor>::max)()}) {
        const auto refused = check_cursor(given, 7);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_cursor);
        CHECK_FALSE(refused.error().detail.empty());
    }
}

}  // namespace cursor_test
