#include <syncline/transport/http_date.hpp>

#include "support/catch.hpp"

#include <string>

namespace http_date_test {

using namespace syncline;

TEST_CASE("http date: the form that servers write today is read, to the second", "[transport]") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == *parse_rfc3339("1994-11-06T08:49:37Z"));
    CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == timestamp{});
    CHECK(parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT") == *parse_rfc3339("2024-02-29T23:59:59Z"));
    const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int m = 0; m < 12; ++m) {
        const std::string two{m < 9 ? std::string{"0"} + std::to_string(m + 1) : std::to_string(m + 1)};
        CHECK(parse_http_date(std::string{"Xxx, 15 "} + months[m] + " 2026 01:02:03 GMT") == *parse_rfc3339("2026-" + two + "-15T01:02:03Z"));
    }
}

TEST_CASE("http date: anything else is none", "[transport]") {
    for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 anF 1994 08:49:37 GMT",
                             "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, xx Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "})
        CHECK_FALSE(parse_http_date(text));
    CHECK_FALSE(told_date(response{}));
    CHECK(told_date(response{200, {{"date", "Thu, 01 Jan 1970 00:00:01 GMT"}}, {}}) == from_microseconds(1'000'000));
}

}  // namespace http_date_test
