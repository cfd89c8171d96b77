#ifndef SYNCLINE_SUPPORT_UUID_HPP
#define SYNCLINE_SUPPORT_UUID_HPP

#include <syncline/support/hex.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// A UUID (RFC 9562) of any version: 16 bytes, in the order of its text. The default value is the nil UUID.
struct uuid {
    std::array<std::uint8_t, 16> bytes{};

    friend constexpr bool operator==(const uuid&, const uuid&) = default;
    friend constexpr std::strong_ordering operator<=>(const uuid& a, const uuid& b) noexcept {
        for (std::size_t i = 0; i < 16; ++i) {
            if (a.bytes[i] != b.bytes[i]) return a.bytes[i] <=> b.bytes[i];
        }
        return std::strong_ordering::equal;
    }
};

/// The 36 characters of @p id: lower case, dashes after 8, 12, 16 and 20 digits.
[[nodiscard]] inline std::string to_string(const uuid& id) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(36);
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += digits[id.bytes[i] >> 4];
        out += digits[id.bytes[i] & 15U];
    }
    return out;
}

/// Reads a UUID of exactly 36 characters with dashes, either case; no braces, no `urn:` in front.
/// @return the UUID of whatever version, or `errc::malformed_value`
[[nodiscard]] inline result<uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36) {
        return make_fault(errc::malformed_value, "a UUID has 36 characters, this text has ",
                          std::to_string(text.size()));
    }
    uuid id;
    std::size_t digit = 0;
    for (std::size_t i = 0; i < 36; ++i) {
        const char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') {
                return make_fault(errc::malformed_value, "character ", std::to_string(i + 1), " of a UUID is a dash");
            }
            continue;
        }
        const int value = hex_digit_value(c);
        if (value < 0) {
            return make_fault(errc::malformed_value, "character ", std::to_string(i + 1),
                              " of a UUID is a hexadecimal digit");
        }
        std::uint8_t& byte = id.bytes[digit / 2];
        byte = static_cast<std::uint8_t>((byte << 4) | value);
        ++digit;
    }
    return id;
}

/// A random UUID: version 4, 122 bits drawn from @p random.
[[nodiscard]] inline uuid make_uuid_v4(random_source& random) {
    uuid id;
    for (std::size_t half = 0; half < 2; ++half) {
        const std::uint64_t bits = random.next();
        for (std::size_t i = 0; i < 8; ++i) id.bytes[8 * half + i] = static_cast<std::uint8_t>(bits >> (8 * i));
    }
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0fU) | 0x40U);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3fU) | 0x80U);
    return id;
}

SYNCLINE_NAMESPACE_END

#endif
