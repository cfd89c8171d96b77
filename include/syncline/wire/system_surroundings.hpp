#ifndef SYNCLINE_WIRE_SYSTEM_SURROUNDINGS_HPP
#define SYNCLINE_WIRE_SYSTEM_SURROUNDINGS_HPP

#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/sync_client.hpp>

#include <cstdint>
#include <thread>  // sleeps, starts none

SYNCLINE_NAMESPACE_BEGIN

/// 64 random bits of the operating system: what a program hands to `sync_client` and `sync_server`.
[[nodiscard]] inline std::uint64_t system_random_bits() {
    system_random source;
    return source();
}

/// The operating system's clock and randomness, and a sleep of the calling thread for back-off.
[[nodiscard]] inline sync_surroundings system_surroundings() {
    return {system_now, system_random_bits, [](timestamp t) { std::this_thread::sleep_until(t); }};
}

SYNCLINE_NAMESPACE_END

#endif
