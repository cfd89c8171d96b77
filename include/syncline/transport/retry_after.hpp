#ifndef SYNCLINE_TRANSPORT_RETRY_AFTER_HPP
#define SYNCLINE_TRANSPORT_RETRY_AFTER_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/http_date.hpp>
#include <syncline/transport/message.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

SYNCLINE_NAMESPACE_BEGIN

/// How long the peer asks us to wait (`Retry-After`, RFC 9110 10.2.3): a whole number of seconds of at most nine digits, or a date. A date is
/// the peer's: it is taken from the answer's own `Date` where there is one, so that a clock that differs does not matter, otherwise from @p now.
/// One that is past asks for no wait. Nothing: it does not ask, or cannot be read.
[[nodiscard]] inline std::optional<duration> retry_after(const response& answer, timestamp now) {
    const auto text = find_header(answer.headers, "Retry-After");
    if (!text || text->empty()) return std::nullopt;
    if (const auto until = parse_http_date(*text)) {
        const timestamp from = told_date(answer).value_or(now);
        return *until > from ? *until - from : duration{0};
    }
    if (text->size() > 9) return std::nullopt;
    std::int64_t seconds = 0;
    for (const char c : *text) {
        if (c < '0' || c > '9') return std::nullopt;
        seconds = seconds * 10 + (c - '0');
    }
    return std::chrono::seconds{seconds};
}

SYNCLINE_NAMESPACE_END

#endif
