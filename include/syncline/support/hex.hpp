#ifndef SYNCLINE_SUPPORT_HEX_HPP
#define SYNCLINE_SUPPORT_HEX_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Two lower-case hexadecimal digits for each byte of @p octets.
[[nodiscard]] inline std::string hex_encode(std::string_view octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(octets.size() * 2);
    for (const char c : octets) {
        const auto byte = static_cast<unsigned char>(c);
        out += digits[byte >> 4];
        out += digits[byte & 15U];
    }
    return out;
}

/// The value of one hexadecimal digit of either case, or -1.
[[nodiscard]] constexpr int hex_digit_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The bytes that @p text writes as pairs of hexadecimal digits, either case, nothing between them.
/// @return the bytes, or `errc::malformed_value` for an odd length or another character
[[nodiscard]] inline result<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) {
        return make_fault(errc::malformed_value, "hexadecimal text has an even number of digits, not ",
                          std::to_string(text.size()));
    }
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit_value(text[i]);
        const int low = hex_digit_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return make_fault(errc::malformed_value, "not a hexadecimal digit at byte ",
                              std::to_string(high < 0 ? i : i + 1));
        }
        out += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
