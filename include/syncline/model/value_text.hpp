#ifndef SYNCLINE_MODEL_VALUE_TEXT_HPP
#define SYNCLINE_MODEL_VALUE_TEXT_HPP

#include <syncline/model/value.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

namespace detail {

/// @p n in decimal digits, with leading zeros up to @p width.
inline void append_padded(std::string& out, std::int64_t n, std::size_t width) {
    const std::string digits = std::to_string(n < 0 ? -n : n);
    if (n < 0) out.push_back('-');
    if (digits.size() < width) out.append(width - digits.size(), '0');
    out.append(digits);
}

/// A time as `2024-05-02 09:00:00.000000 UTC`, without the fraction where it is zero; outside the years that the calendar has, its
/// microseconds.
inline void append_time(std::string& out, timestamp t) {
    const auto day = std::chrono::floor<std::chrono::days>(t);
    constexpr std::int64_t most = 11'000'000;  // days from 1970: about the year 32000, where the standard calendar ends
    if (day.time_since_epoch().count() > most || day.time_since_epoch().count() < -most) {
        out.append(std::to_string(to_microseconds(t))).append(" microseconds after 1970");
        return;
    }
    const std::chrono::year_month_day date{day};
    append_padded(out, static_cast<int>(date.year()), 4);
    out.push_back('-');
    append_padded(out, static_cast<unsigned>(date.month()), 2);
    out.push_back('-');
    append_padded(out, static_cast<unsigned>(date.day()), 2);
    const std::int64_t us = (t - day).count();
    const std::int64_t second = us / 1'000'000;
    out.push_back(' ');
    append_padded(out, second / 3600, 2);
    out.push_back(':');
    append_padded(out, second / 60 % 60, 2);
    out.push_back(':');
    append_padded(out, second % 60, 2);
    if (us % 1'000'000 != 0) {
        out.push_back('.');
        append_padded(out, us % 1'000'000, 6);
    }
    out.append(" UTC");
}

}  // namespace detail

/// @p v for a person to read, not to be read back: texts in quotes and cut after @p longest octets, at a character's end; bytes by their
/// number.
[[nodiscard]] inline std::string text_of(const value& v, std::size_t longest = 80) {
    std::string out;
    switch (v.kind()) {
    case value_kind::null: return "nothing";
    case value_kind::boolean: return v.as_boolean() ? "true" : "false";
    case value_kind::integer: return std::to_string(v.as_integer());
    case value_kind::real: {
        std::array<char, 64> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), v.as_real());
        return std::string{digits.data(), end.ptr};
    }
    case value_kind::time: detail::append_time(out, v.as_time()); return out;
    case value_kind::bytes: return out.append(std::to_string(v.as_string().size())).append(" octets");
    case value_kind::decimal:
    case value_kind::text:
    case value_kind::json: break;
    }
    const std::string& whole = v.as_string();
    std::string_view shown{whole};
    if (whole.size() > longest) {
        std::size_t at = 0;
        while (at < whole.size()) {
            const std::size_t length = utf8_sequence_length(whole, at);
            if (at + (length == 0 ? 1 : length) > longest) break;
            at += length == 0 ? 1 : length;
        }
        shown = shown.substr(0, at);
    }
    const bool bare = v.kind() == value_kind::decimal;
    if (!bare) out.push_back('"');
    out.append(shown);
    if (!bare) out.push_back('"');
    if (shown.size() != whole.size()) out.append("... (").append(std::to_string(whole.size())).append(" octets)");
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
