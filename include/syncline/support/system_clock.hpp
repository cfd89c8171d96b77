#ifndef SYNCLINE_SUPPORT_SYSTEM_CLOCK_HPP
#define SYNCLINE_SUPPORT_SYSTEM_CLOCK_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <chrono>

SYNCLINE_NAMESPACE_BEGIN

/// The system's wall clock, rounded down to a microsecond. It may jump either way between two calls.
///
/// For programs to hand to the library: the engines and the wire clients read no clock.
[[nodiscard]] inline timestamp system_now() {
    return std::chrono::floor<duration>(std::chrono::system_clock::now());
}

SYNCLINE_NAMESPACE_END

#endif
