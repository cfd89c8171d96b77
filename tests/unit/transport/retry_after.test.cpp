#include <syncline/transport/retry_after.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <optional>

namespace retry_after_test {

using namespace syncline;

const timestamp noon = *parse_rfc3339("2026-03-01T12:00:00Z");

std::optional<duration> wait(const char* asked, const char* date = nullptr) {
    response answer{429, {{"retry-after", asked}}, {}};
    if (date != nullptr) answer.headers.push_back({"date", date});
    return retry_after(answer, noon);
}

TEST_CASE("retry after: whole seconds", "[transport]") {
    CHECK(wait("0") == std::chrono::seconds{0});
    CHECK(wait("120") == std::chrono::seconds{120});
    CHECK(wait("999999999") == std::chrono::seconds{999999999});
    CHECK(wait("120", "Sun, 01 Mar 2026 11:00:00 GMT") == std::chrono::seconds{120});
    CHECK_FALSE(retry_after(response{}, noon));
}

TEST_CASE("retry after: a date is counted from the time that the answer tells, otherwise from ours", "[transport]") {
    CHECK(wait("Sun, 01 Mar 2026 12:02:00 GMT") == std::chrono::seconds{120});
    // The server's clock is an hour behind.
    CHECK(wait("Sun, 01 Mar 2026 11:02:00 GMT", "Sun, 01 Mar 2026 11:00:00 GMT") == std::chrono::seconds{120});
    CHECK(wait("Sun, 01 Mar 2026 13:02:00 GMT", "Sun, 01 Mar 2026 13:00:00 GMT") == std::chrono::seconds{120});
    CHECK(wait("Sun, 01 Mar 2026 12:02:00 GMT", "yesterday") == std::chrono::seconds{120});
    CHECK(wait("Wed, 21 Oct 2015 07:28:00 GMT") == duration{0});
    CHECK(wait("Fri, 31 Dec 9999 23:59:59 GMT") > std::chrono::hours{24 * 365 * 7000});
}

TEST_CASE("retry after: anything else asks for nothing", "[transport]") {
    for (const char* other : {"", "-1", "+1", "1.5", "1s", " 1", "9999999999", "Wed, 21 Oct 2015 07:28:00 CET", "soon"}) {
        INFO(other);
        CHECK_FALSE(wait(other));
    }
}

}  // namespace retry_after_test
