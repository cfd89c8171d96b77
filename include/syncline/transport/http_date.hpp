#ifndef SYNCLINE_TRANSPORT_HTTP_DATE_HPP
#define SYNCLINE_TRANSPORT_HTTP_DATE_HPP

#include <syncline/support/rfc3339.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Reads a date as HTTP servers write it today, such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7, IMF-fixdate). The day of the week is
/// not checked. Nothing: it is none, or in one of the obsolete forms.
[[nodiscard]] inline std::optional<timestamp> parse_http_date(std::string_view text) {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text.substr(25) != " GMT")
        return std::nullopt;
    const auto at = months.find(text.substr(8, 3));
    if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    const std::size_t month = at / 3 + 1;
    std::string exact{text.substr(12, 4)};
    exact.append(month < 10 ? "-0" : "-1").push_back(static_cast<char>('0' + month % 10));
    exact.append("-").append(text.substr(5, 2)).append("T").append(text.substr(17, 8)).append("Z");
    const auto t = parse_rfc3339(exact);
    return t ? std::optional{*t} : std::nullopt;
}

/// The time at which the peer says that it made @p answer, by its own clock, to the second below. Nothing: it does not say.
[[nodiscard]] inline std::optional<timestamp> told_date(const response& answer) {
    const auto text = find_header(answer.headers, "Date");
    return text ? parse_http_date(*text) : std::nullopt;
}

SYNCLINE_NAMESPACE_END

#endif
