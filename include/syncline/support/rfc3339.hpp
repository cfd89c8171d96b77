#ifndef SYNCLINE_SUPPORT_RFC3339_HPP
#define SYNCLINE_SUPPORT_RFC3339_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <date/date.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

// Text is read and printed by hand, on date's civil calendar alone: its stream-based parsing depends on locale and on
// build options, and cannot be used at compile time.

/// The first instant RFC 3339 can write: 0000-01-01T00:00:00Z.
inline constexpr timestamp rfc3339_first = date::sys_days{date::year{0} / 1 / 1};

/// The last microsecond RFC 3339 can write: 9999-12-31T23:59:59.999999Z.
inline constexpr timestamp rfc3339_last = date::sys_days{date::year{10000} / 1 / 1} - duration{1};

/// What `scan_rfc3339` found: an instant, or what is wrong and where.
struct rfc3339_scan {
    timestamp at{};                 ///< meaningful only without a problem
    const char* problem = nullptr;  ///< null on success; a static text otherwise
    std::size_t position = 0;       ///< byte offset of the problem
    bool leap_second = false;       ///< the problem is a second numbered 60
};

/// Reads an RFC 3339 date-time at compile time or run time; `parse_rfc3339` says what is accepted.
[[nodiscard]] constexpr rfc3339_scan scan_rfc3339(std::string_view text) noexcept {
    constexpr auto failed = [](std::size_t position, const char* problem) {
        return rfc3339_scan{timestamp{}, problem, position, false};
    };
    constexpr auto is_digit = [](char c) { return c >= '0' && c <= '9'; };

    // Every character has its place until the fraction, so shape comes first and numbers after it.
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
    if (text.size() < shape.size() + 1) return failed(text.size(), "text ends too early");
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 'd') {
            if (!is_digit(text[i])) return failed(i, "expected a digit");
        } else if (shape[i] == 'T') {
            if (text[i] != 'T' && text[i] != 't') return failed(i, "expected T between date and time");
        } else if (text[i] != shape[i]) {
            return failed(i, shape[i] == '-' ? "expected -" : "expected :");
        }
    }
    const auto two = [text](std::size_t i) { return (text[i] - '0') * 10 + (text[i + 1] - '0'); };

    const date::year_month_day day = date::year{two(0) * 100 + two(2)} / two(5) / two(8);
    if (!day.month().ok()) return failed(5, "month is not 01 to 12");
    if (!day.ok()) return failed(8, "the month has no such day");
    const int hour = two(11);
    const int minute = two(14);
    const int second = two(17);
    if (hour > 23) return failed(11, "hour is above 23");
    if (minute > 59) return failed(14, "minute is above 59");
    if (second == 60) return rfc3339_scan{timestamp{}, "a leap second cannot be kept as Unix time", 17, true};
    if (second > 60) return failed(17, "second is above 59");

    std::size_t at = shape.size();
    std::int64_t micros = 0;
    if (text[at] == '.') {
        const std::size_t first = ++at;
        std::int64_t weight = 100'000;
        for (; at < text.size() && is_digit(text[at]); ++at) {
            // Digits beyond the sixth weigh nothing: the instant is rounded to the earlier microsecond.
            micros += weight * (text[at] - '0');
            weight /= 10;
        }
        if (at == first) return failed(at, "expected a digit after the point");
        if (at - first > 9) return failed(first + 9, "more than nine digits of a second");
        if (at == text.size()) return failed(at, "expected Z or an offset such as +02:00");
    }

    std::int64_t offset_minutes = 0;
    if (text[at] == 'Z' || text[at] == 'z') {
        ++at;
    } else if (text[at] == '+' || text[at] == '-') {
        if (text.size() - at < 6) return failed(text.size(), "an offset has the form +hh:mm");
        for (const std::size_t i : {at + 1, at + 2, at + 4, at + 5}) {
            if (!is_digit(text[i])) return failed(i, "expected a digit of the offset");
        }
        if (text[at + 3] != ':') return failed(at + 3, "an offset has the form +hh:mm");
        if (two(at + 1) > 23) return failed(at + 1, "hour of the offset is above 23");
        if (two(at + 4) > 59) return failed(at + 4, "minute of the offset is above 59");
        offset_minutes = (two(at + 1) * 60 + two(at + 4)) * (text[at] == '-' ? -1 : 1);
        at += 6;
    } else {
        return failed(at, "expected Z or an offset such as +02:00");
    }
    if (at != text.size()) return failed(at, "text goes on after the time");

    const timestamp local = date::sys_days{day} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
                            std::chrono::seconds{second} + duration{micros};
    const timestamp utc = local - std::chrono::minutes{offset_minutes};
    if (utc < rfc3339_first || utc > rfc3339_last) return failed(0, "outside the years 0000 to 9999 in UTC");
    return rfc3339_scan{utc, nullptr, 0, false};
}

/// Reads an RFC 3339 date-time such as `2024-02-29T12:30:00.5+02:00`.
///
/// Accepted: years 0000 to 9999, days checked against month and leap year, `T` or `t`, no fraction or 1 to 9 digits of
/// it (digits beyond the microsecond are dropped, which rounds to the earlier microsecond), `Z`, `z` or an offset up to
/// 23:59 either way (`-00:00` counts as `Z`). A blank instead of `T`, a missing offset and anything after the time are
/// refused, as is an instant that leaves the years 0000 to 9999 in UTC: what was read can be printed.
/// @return the instant, or
///         - `errc::unsupported` for a second numbered 60, which Unix time cannot hold
///         - `errc::malformed_value` for everything else
[[nodiscard]] inline result<timestamp> parse_rfc3339(std::string_view text) {
    const rfc3339_scan scan = scan_rfc3339(text);
    if (scan.problem == nullptr) return scan.at;
    return make_fault(scan.leap_second ? errc::unsupported : errc::malformed_value, "not an RFC 3339 time: ",
                      scan.problem, " (byte ", std::to_string(scan.position), ")");
}

/// Reads what `parse_rfc3339` does, and the form in which SQLite says times, `2024-02-29 12:30:00`, with or without a fraction: with a blank, and in UTC
/// where no zone is named. A `T` without a zone is refused, since by ISO 8601 that is somebody's local time.
/// @return the instant, or the faults of `parse_rfc3339`
[[nodiscard]] inline result<timestamp> parse_date_time(std::string_view text) {
    constexpr std::size_t longest = 35;  // nine digits of a second, and an offset
    if (text.size() < 19 || text.size() > longest || text[10] != ' ') return parse_rfc3339(text);
    std::string full{text};
    full[10] = 'T';
    if (full.find_first_of("Zz+-", 19) == std::string::npos) full.push_back('Z');
    return parse_rfc3339(full);
}

/// Prints @p t in UTC with `Z` and exactly @p fraction_digits digits of a second (no point when 0).
///
/// Fewer than six digits round to the earlier instant; the seventh to ninth are zero.
/// @return the text, or `errc::invalid_argument` when @p t is outside the years 0000 to 9999, which RFC 3339 cannot
///         write, or when @p fraction_digits is not 0 to 9
[[nodiscard]] inline result<std::string> format_rfc3339(timestamp t, int fraction_digits = 6) {
    if (fraction_digits < 0 || fraction_digits > 9) {
        return make_fault(errc::invalid_argument, "an RFC 3339 time is printed with 0 to 9 digits of a second");
    }
    if (t < rfc3339_first || t > rfc3339_last) {
        return make_fault(errc::invalid_argument, "the time is outside the years 0000 to 9999 of RFC 3339");
    }
    const auto midnight = std::chrono::floor<date::days>(t);
    const date::year_month_day day{midnight};
    const std::int64_t micros = (t - midnight).count();
    const std::int64_t seconds = micros / 1'000'000;

    std::string out;
    const auto append = [&out](std::int64_t number, int width) {
        std::int64_t weight = 1;
        for (int i = 1; i < width; ++i) weight *= 10;
        for (; weight > 0; weight /= 10) out += static_cast<char>('0' + number / weight % 10);
    };
    append(static_cast<int>(day.year()), 4);
    out += '-';
    append(static_cast<unsigned>(day.month()), 2);
    out += '-';
    append(static_cast<unsigned>(day.day()), 2);
    out += 'T';
    append(seconds / 3600, 2);
    out += ':';
    append(seconds / 60 % 60, 2);
    out += ':';
    append(seconds % 60, 2);
    if (fraction_digits > 0) {
        out += '.';
        append(micros % 1'000'000 * 1000, 9);
        out.resize(out.size() - static_cast<std::size_t>(9 - fraction_digits));
    }
    out += 'Z';
    return out;
}

/// Prints @p t in UTC with as few digits of a second as keep it exact: none for a whole second, at most six.
/// @return the text, or `errc::invalid_argument` when @p t is outside the years 0000 to 9999
[[nodiscard]] inline result<std::string> format_rfc3339_shortest(timestamp t) {
    std::int64_t micros = to_microseconds(t) % 1'000'000;
    int digits = micros == 0 ? 0 : 6;
    for (; micros != 0 && micros % 10 == 0; micros /= 10) --digits;
    return format_rfc3339(t, digits);
}

SYNCLINE_NAMESPACE_END

#endif
