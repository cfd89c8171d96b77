#include <syncline/wire/authority_time.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>

namespace authority_time_test {

using namespace syncline;

TEST_CASE("authority time: what is told is heard, to the microsecond, over all 64 bits") {
    for (const std::int64_t us : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'700'000'000'123'456}, (std::numeric_limits<std::int64_t>::min)(),
                                  (std::numeric_limits<std::int64_t>::max)()}) {
        response r{204, {{"Content-Type", "text/plain"}}, {}};
        tell_authority_time(r, from_microseconds(5));
        tell_authority_time(r, from_microseconds(us));
        CHECK(r.headers.size() == 2);
        CHECK(told_authority_time(r) == from_microseconds(us));
    }
    CHECK(told_authority_time(response{200, {{"syncline-time", "17"}}, {}}) == from_microseconds(17));
}

TEST_CASE("authority time: an answer that tells none, or no number, tells nothing") {
    CHECK(!told_authority_time(response{}));
    for (const char* text : {"", "x", "1x", " 1", "1.5", "+1", "99999999999999999999"}) CHECK(!told_authority_time(response{200, {{"Syncline-Time", text}}, {}}));
}

}  // namespace authority_time_test
