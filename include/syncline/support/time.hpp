#ifndef SYNCLINE_SUPPORT_TIME_HPP
#define SYNCLINE_SUPPORT_TIME_HPP

#include <syncline/support/version.hpp>

#include <chrono>
#include <cstdint>

SYNCLINE_NAMESPACE_BEGIN

/// A point in time: UTC, integer microseconds since 1970-01-01T00:00:00Z. The only time type of the library.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// A length of time in microseconds.
using duration = std::chrono::microseconds;

/// @p t as a count of microseconds since 1970-01-01T00:00:00Z.
[[nodiscard]] constexpr std::int64_t to_microseconds(timestamp t) noexcept { return t.time_since_epoch().count(); }

/// The time @p us microseconds after 1970-01-01T00:00:00Z.
[[nodiscard]] constexpr timestamp from_microseconds(std::int64_t us) noexcept { return timestamp{duration{us}}; }

/// The time @p length after @p t; one that a timestamp cannot hold is the last that it can.
[[nodiscard]] constexpr timestamp later(timestamp t, duration length) noexcept {
    const timestamp from = t > timestamp{} ? t : timestamp{};
    return length > (timestamp::max)() - from ? (timestamp::max)() : t + length;
}

SYNCLINE_NAMESPACE_END

#endif
