#ifndef SYNCLINE_SUPPORT_SYSTEM_RANDOM_HPP
#define SYNCLINE_SUPPORT_SYSTEM_RANDOM_HPP

#include <syncline/support/version.hpp>

#include <cstdint>
#include <random>

SYNCLINE_NAMESPACE_BEGIN

/// Random bits from the operating system, for programs to hand to the library as a `random_source`.
///
/// Each call asks the system: no state that a copied process would share. One object is used by one thread at a time.
/// If the system has no source of randomness, `std::random_device` throws (or ends a program built without exceptions).
class system_random {
public:
    /// 64 fresh bits.
    std::uint64_t operator()() {
        const std::uint64_t high = device_();
        return (high << 32) | device_();
    }

private:
    static_assert((std::random_device::max)() == 0xffffffffU, "std::random_device must give 32 bits a call");
    std::random_device device_;
};

SYNCLINE_NAMESPACE_END

#endif
