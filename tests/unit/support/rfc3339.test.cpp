#include <syncline/support/rfc3339.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>

namespace rfc3339_test {

using syncline::errc;
using syncline::format_rfc3339;
using syncline::format_rfc3339_shortest;
using syncline::from_microseconds;
using syncline::parse_date_time;
using syncline::parse_rfc3339;
using syncline::scan_rfc3339;
using syncline::timestamp;
using syncline::to_microseconds;

namespace {

constexpr std::int64_t micros_of(std::string_view text) {
    return scan_rfc3339(text).problem == nullptr ? to_microseconds(scan_rfc3339(text).at) : -999;
}

std::string two_digits(int n) { return std::to_string(n / 10).append(std::to_string(n % 10)); }

}  // namespace

// The compiler reads these.
static_assert(micros_of("1970-01-01T00:00:00Z") == 0);
static_assert(micros_of("1970-01-01t00:00:00z") == 0);
static_assert(micros_of("1969-12-31T23:59:59.999999Z") == -1);
static_assert(micros_of("1985-04-12T23:20:50.52Z") == 482196050520000);
static_assert(micros_of("1996-12-19T16:39:57-08:00") == 851042397000000);
static_assert(micros_of("1937-01-01T12:00:27.87+00:20") == -1041337172130000);
static_assert(micros_of("2000-02-29T00:00:00Z") == 951782400000000);
static_assert(micros_of("0000-01-01T00:00:00Z") == -62167219200000000);
static_assert(micros_of("9999-12-31T23:59:59.999999Z") == 253402300799999999);
static_assert(scan_rfc3339("1900-02-29T00:00:00Z").problem != nullptr);
static_assert(scan_rfc3339("1990-12-31T23:59:60Z").leap_second);

TEST_CASE("rfc 3339: fractions of 1 to 9 digits round to the earlier microsecond, before 1970 too") {
    struct fraction {
        const char* digits;
        std::int64_t micros;
    };
    for (const fraction& f : {fraction{"1", 100000}, {"12", 120000}, {"123", 123000}, {"1234", 123400},
                              {"12345", 123450}, {"123456", 123456}, {"1234567", 123456}, {"12345678", 123456},
                              {"123456789", 123456}, {"999999999", 999999}, {"000000999", 0}, {"0", 0}}) {
        CAPTURE(f.digits);
        for (const char* second : {"1970-01-01T00:00:00", "1969-12-31T23:59:59", "0000-01-01T00:00:00"}) {
            const std::string whole = std::string(second).append("Z");
            const std::string text = std::string(second).append(".").append(f.digits).append("Z");
            CHECK(micros_of(text) == micros_of(whole) + f.micros);
        }
    }
    CHECK_FALSE(parse_rfc3339("1970-01-01T00:00:00.Z").has_value());
    CHECK_FALSE(parse_rfc3339("1970-01-01T00:00:00.1234567890Z").has_value());
}

TEST_CASE("rfc 3339: exactly the days of the calendar are accepted") {
    // An independent rule for the length of months.
    const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    std::int64_t days = -719528;  // 0000-01-01
    for (int year = 0; year <= 9999; ++year) {
        const bool interesting = year < 10 || year % 100 == 0 || year % 4 == 0 || (year > 1960 && year < 2040);
        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 0; month <= 13; ++month) {
            const bool real = month >= 1 && month <= 12;
            const int length = real ? lengths[month - 1] + (month == 2 && leap ? 1 : 0) : 0;
            for (int day = 0; day <= 32 && interesting; ++day) {
                const std::string text = two_digits(year / 100)
                                             .append(two_digits(year % 100))
                                             .append("-")
                                             .append(two_digits(month))
                                             .append("-")
                                             .append(two_digits(day))
                                             .append("T00:00:00Z");
                const auto scan = scan_rfc3339(text);
                const bool right = real && day >= 1 && day <= length;
                if ((scan.problem == nullptr) != right) FAIL(text);
                if (right && to_microseconds(scan.at) != (days + day - 1) * 86'400'000'000) FAIL(text);
            }
            days += length;
        }
    }
    CHECK(days == 2932897);  // 10000-01-01
}

TEST_CASE("rfc 3339: exactly the hours, minutes and seconds of a day are accepted") {
    for (int n = 0; n < 100; ++n) {
        const std::string digits = two_digits(n);
        CAPTURE(digits);
        CHECK(parse_rfc3339(std::string("2024-05-06T").append(digits).append(":00:00Z")).has_value() == (n < 24));
        CHECK(parse_rfc3339(std::string("2024-05-06T00:").append(digits).append(":00Z")).has_value() == (n < 60));
        CHECK(parse_rfc3339(std::string("2024-05-06T00:00:").append(digits).append("Z")).has_value() == (n < 60));
        CHECK(parse_rfc3339(std::string("2024-05-06T00:00:00+").append(digits).append(":00")).has_value() == (n < 24));
        CHECK(parse_rfc3339(std::string("2024-05-06T00:00:00-00:").append(digits)).has_value() == (n < 60));
    }
}

TEST_CASE("rfc 3339: a leap second is refused under its own code") {
    const auto leap = parse_rfc3339("2016-12-31T23:59:60Z");
    REQUIRE_FALSE(leap.has_value());
    CHECK(leap.error().code == errc::unsupported);
    CHECK(parse_rfc3339("2016-12-31T23:59:61Z").error().code == errc::malformed_value);
}

TEST_CASE("rfc 3339: offsets count from UTC and never leave the four-digit years") {
    CHECK(micros_of("1970-01-01T02:00:00+02:00") == 0);
    CHECK(micros_of("1969-12-31T18:30:00-05:30") == 0);
    CHECK(micros_of("1970-01-01T00:00:00-00:00") == 0);
    CHECK(micros_of("1970-01-01T00:00:00-23:59") == 86'340'000'000);
    CHECK(micros_of("0000-01-01T01:00:00+01:00") == -62167219200000000);
    CHECK_FALSE(parse_rfc3339("0000-01-01T00:59:59+01:00").has_value());
    CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:59-00:01").has_value());
}

TEST_CASE("rfc 3339: neighbours of the form are refused, and the fault says where") {
    for (const char* text : {
             "", "2024", "2024-05-06", "2024-05-06T07:08", "2024-05-06T07:08:09", "2024-05-06T07:08:09.5",
             "2024-05-06 07:08:09Z", "2024-05-06_07:08:09Z", "20240506T070809Z", "2024-5-06T07:08:09Z",
             "2024-05-06T07:08:09Z ", " 2024-05-06T07:08:09Z", "2024-05-06T07:08:09ZZ", "2024-05-06T07:08:09+0200",
             "2024-05-06T07:08:09+02", "2024-05-06T07:08:09+2:00", "2024-05-06T07:08:09+02:0", "+2024-05-06T07:08:09Z",
             "-001-05-06T07:08:09Z", "2024-05-06T07:08:09,5Z", "2024/05/06T07:08:09Z", "2024-05-06T07.08.09Z",
             "2024-05-06T07:08:09.5 Z", "2024-05-06T07:08:09.+02:00", "2024-05-06T07:08:09.5+02:00x",
             "2024-05-06T07:08:09+02:00Z", "20a4-05-06T07:08:09Z", "2024-05-06T07:08:09UTC", "2024-W05-6T07:08:09Z"}) {
        CAPTURE(text);
        const auto read = parse_rfc3339(text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::malformed_value);
    }
    CHECK(parse_rfc3339("2024-05-06 07:08:09Z").error().detail ==
          "not an RFC 3339 time: expected T between date and time (byte 10)");
    const std::string nul("2024-05-06T07:08:09Z\0", 21);
    CHECK_FALSE(parse_rfc3339(nul).has_value());
}

TEST_CASE("rfc 3339: changing any one character never makes the reader read past the end") {
    const std::string good = "2024-05-06T07:08:09.123456+02:00";
    for (std::size_t length = 0; length <= good.size(); ++length) {
        const std::string cut = good.substr(0, length);
        CHECK(parse_rfc3339(cut).has_value() == (length == good.size()));
        for (std::size_t at = 0; at < length; ++at) {
            for (int c = 0; c < 256; ++c) {
                std::string text = cut;
                text[at] = static_cast<char>(c);
                const auto scan = scan_rfc3339(text);
                if (scan.problem != nullptr && scan.position > text.size()) FAIL(text);
            }
        }
    }
    SUCCEED();
}

TEST_CASE("rfc 3339: the form in which SQLite says times is read beside it, in UTC where it names no zone") {
    const auto noon = *parse_rfc3339("2026-05-02T12:00:00.5Z");
    for (const char* same : {"2026-05-02 12:00:00.5", "2026-05-02 12:00:00.500000000", "2026-05-02 12:00:00.5Z", "2026-05-02 14:00:00.5+02:00", "2026-05-02T12:00:00.5Z"}) {
        INFO(same);
        REQUIRE(parse_date_time(same));
        CHECK(*parse_date_time(same) == noon);
    }
    CHECK(parse_date_time("2026-05-02 12:00:00"));
    for (const char* other : {"2026-05-02T12:00:00", "2026-05-02 12:00", "2026-05-02", "2026:05:02 12:00:00", "2026-05-02 24:00:00", "2026-02-30 12:00:00", "2026-05-02 12:00:00 ", "",
                              "2026-05-02 12:00:00.5000000000", "2026-05-02 12:00:00.000000000+02:000"}) {
        INFO(other);
        CHECK_FALSE(parse_date_time(other));
    }
}

TEST_CASE("rfc 3339: prints UTC with the digits asked for") {
    const timestamp t = from_microseconds(482196050520001);
    CHECK(*format_rfc3339(t) == "1985-04-12T23:20:50.520001Z");
    CHECK(*format_rfc3339(t, 0) == "1985-04-12T23:20:50Z");
    CHECK(*format_rfc3339(t, 1) == "1985-04-12T23:20:50.5Z");
    CHECK(*format_rfc3339(t, 3) == "1985-04-12T23:20:50.520Z");
    CHECK(*format_rfc3339(t, 9) == "1985-04-12T23:20:50.520001000Z");
    CHECK(*format_rfc3339(from_microseconds(-1), 0) == "1969-12-31T23:59:59Z");
    CHECK(*format_rfc3339(from_microseconds(-1), 3) == "1969-12-31T23:59:59.999Z");
    CHECK(format_rfc3339(t, -1).error().code == errc::invalid_argument);
    CHECK(format_rfc3339(t, 10).error().code == errc::invalid_argument);
}

TEST_CASE("rfc 3339: the shortest form drops zeros and the point") {
    CHECK(*format_rfc3339_shortest(from_microseconds(0)) == "1970-01-01T00:00:00Z");
    CHECK(*format_rfc3339_shortest(from_microseconds(500'000)) == "1970-01-01T00:00:00.5Z");
    CHECK(*format_rfc3339_shortest(from_microseconds(1)) == "1970-01-01T00:00:00.000001Z");
    CHECK(*format_rfc3339_shortest(from_microseconds(10)) == "1970-01-01T00:00:00.00001Z");
    CHECK(*format_rfc3339_shortest(from_microseconds(-1'000'000)) == "1969-12-31T23:59:59Z");
    CHECK(*format_rfc3339_shortest(from_microseconds(-100'000)) == "1969-12-31T23:59:59.9Z");
}

TEST_CASE("rfc 3339: times outside the four-digit years are refused, not bent") {
    CHECK(*format_rfc3339(syncline::rfc3339_first) == "0000-01-01T00:00:00.000000Z");
    CHECK(*format_rfc3339(syncline::rfc3339_last) == "9999-12-31T23:59:59.999999Z");
    for (const timestamp t : {syncline::rfc3339_first - syncline::duration{1}, syncline::rfc3339_last + syncline::duration{1},
                              (timestamp::min)(), (timestamp::max)()}) {
        CHECK(format_rfc3339(t).error().code == errc::invalid_argument);
        CHECK(format_rfc3339_shortest(t).error().code == errc::invalid_argument);
    }
}

TEST_CASE("rfc 3339: what was printed reads back as the same instant") {
    const std::uint64_t seed = 17;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    const auto span = static_cast<std::uint64_t>((syncline::rfc3339_last - syncline::rfc3339_first).count());
    for (int i = 0; i < 20'000; ++i) {
        std::int64_t offset = static_cast<std::int64_t>(random.below(span + 1));
        if (random.chance(1, 2)) offset -= offset % 1'000'000;
        const timestamp t = syncline::rfc3339_first + syncline::duration{offset};
        const std::string full = *format_rfc3339(t);
        if (full.size() != 27 || *parse_rfc3339(full) != t) FAIL(full);
        const std::string shortest = *format_rfc3339_shortest(t);
        if (shortest.size() > 27 || *parse_rfc3339(shortest) != t) FAIL(shortest);
    }
    SUCCEED();
}

}  // namespace rfc3339_test
