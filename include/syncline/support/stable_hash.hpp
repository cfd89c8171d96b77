#ifndef SYNCLINE_SUPPORT_STABLE_HASH_HPP
#define SYNCLINE_SUPPORT_STABLE_HASH_HPP

#include <syncline/support/version.hpp>

#include <cstdint>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// FNV-1a over the bytes of @p text, 64 bits: the same on every platform and in every version, so it may be stored.
///
/// Pass an earlier result as @p seed to hash several pieces one after the other. An adversary can make collisions at
/// will: nothing may be believed equal, nor any work bounded, because of it.
[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view text,
                                                  std::uint64_t seed = 0xcbf29ce484222325ULL) noexcept {
    std::uint64_t hash = seed;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

SYNCLINE_NAMESPACE_END

#endif
