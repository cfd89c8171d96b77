#ifndef SYNCLINE_WIRE_AUTHORITY_TIME_HPP
#define SYNCLINE_WIRE_AUTHORITY_TIME_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

SYNCLINE_NAMESPACE_BEGIN

/// The header of an answer, on either wire, that tells the authority's clock: microseconds since 1970 as a decimal number, at least the time of
/// every row in the answer. A header, since every answer can carry one: errors, answers without a body and streams too. Peers that do not know
/// it pass over it.
inline constexpr std::string_view authority_time_header = "Syncline-Time";

/// Tells @p time with @p answer.
inline void tell_authority_time(response& answer, timestamp time) {
    set_header(answer.headers, authority_time_header, std::to_string(to_microseconds(time)));
}

/// The time that @p answer tells. Nothing: it tells none, or what it tells is no number.
[[nodiscard]] inline std::optional<timestamp> told_authority_time(const response& answer) {
    const auto text = find_header(answer.headers, authority_time_header);
    if (!text) return std::nullopt;
    std::int64_t us = 0;
    const auto end = std::from_chars(text->data(), text->data() + text->size(), us);
    if (end.ec != std::errc{} || end.ptr != text->data() + text->size()) return std::nullopt;
    return from_microseconds(us);
}

SYNCLINE_NAMESPACE_END

#endif
