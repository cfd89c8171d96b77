#include <syncline/model/value_text.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>

namespace value_text_test {

using namespace syncline;

TEST_CASE("value text: every kind has words of its own") {
    CHECK(text_of(value::null()) == "nothing");
    CHECK(text_of(value::boolean(true)) == "true");
    CHECK(text_of(value::boolean(false)) == "false");
    CHECK(text_of(value::integer((std::numeric_limits<std::int64_t>::min)())) == "-9223372036854775808");
    CHECK(text_of(value::real(0.1)) == "0.1");
    CHECK(text_of(value::decimal("12.50")) == "12.50");
    CHECK(text_of(value::text("a \"b\"")) == "\"a \"b\"\"");
    CHECK(text_of(value::bytes(std::string(3, '\0'))) == "3 octets");
    CHECK(text_of(value::json("{}")) == "\"{}\"");
}

TEST_CASE("value text: times are told in UTC, also before 1970 and beyond the calendar") {
    CHECK(text_of(value::time(from_microseconds(0))) == "1970-01-01 00:00:00 UTC");
    CHECK(text_of(value::time(from_microseconds(1'700'000'000'000'042))) == "2023-11-14 22:13:20.000042 UTC");
    CHECK(text_of(value::time(from_microseconds(-1))) == "1969-12-31 23:59:59.999999 UTC");
    CHECK(text_of(value::time(from_microseconds(-62'198'755'200'000'000))) == "-0001-01-01 00:00:00 UTC");
    CHECK(text_of(value::time((timestamp::max)())) == "9223372036854775807 microseconds after 1970");
    CHECK(text_of(value::time((timestamp::min)())) == "-9223372036854775808 microseconds after 1970");
}

TEST_CASE("value text: a long text is cut at a character's end, and says so") {
    const std::string accents = "\xC3\xA9\xC3\xA9\xC3\xA9";
    CHECK(text_of(value::text(accents), 6) == "\"" + accents + "\"");
    CHECK(text_of(value::text(accents), 5) == "\"\xC3\xA9\xC3\xA9\"... (6 octets)");
    CHECK(text_of(value::text(accents), 0) == "\"\"... (6 octets)");
    CHECK(text_of(value::text("\xFF\xFF\xFF"), 2) == "\"\xFF\xFF\"... (3 octets)");
}

}  // namespace value_text_test
