#ifndef SYNCLINE_SUPPORT_BASE64_HPP
#define SYNCLINE_SUPPORT_BASE64_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// The standard alphabet of RFC 4648, section 4.
inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// @p octets in base 64, padded with `=`, without line breaks.
[[nodiscard]] inline std::string base64_encode(std::string_view octets) {
    std::string out;
    out.reserve((octets.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        const std::size_t count = octets.size() - i < 3 ? octets.size() - i : 3;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = (group << 8) | (k < count ? static_cast<unsigned char>(octets[i + k]) : 0U);
        }
        out += base64_alphabet[(group >> 18) & 63U];
        out += base64_alphabet[(group >> 12) & 63U];
        out += count > 1 ? base64_alphabet[(group >> 6) & 63U] : '=';
        out += count > 2 ? base64_alphabet[group & 63U] : '=';
    }
    return out;
}

/// The bytes that @p text writes in base 64.
///
/// Strict, so that bytes have one spelling: standard alphabet, padding required, no white space, and the bits of the
/// last character that carry nothing must be zero.
/// @return the bytes, or `errc::malformed_value`
[[nodiscard]] inline result<std::string> base64_decode(std::string_view text) {
    constexpr auto values = [] {
        std::array<std::int8_t, 256> table{};
        for (auto& entry : table) entry = -1;
        for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
            table[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::int8_t>(i);
        }
        return table;
    }();
    if (text.size() % 4 != 0) {
        return make_fault(errc::malformed_value, "base 64 text has a multiple of four characters, not ",
                          std::to_string(text.size()), "; is the padding missing?");
    }
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::size_t digits = 4;
        if (i + 4 == text.size() && text[i + 3] == '=') digits = text[i + 2] == '=' ? 2 : 3;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const int value = k < digits ? values[static_cast<unsigned char>(text[i + k])] : 0;
            if (value < 0) {
                return make_fault(errc::malformed_value, "not a base 64 character at byte ", std::to_string(i + k));
            }
            group = (group << 6) | static_cast<std::uint32_t>(value);
        }
        if ((digits == 2 && (group & 0xffffU) != 0) || (digits == 3 && (group & 0xffU) != 0)) {
            return make_fault(errc::malformed_value, "the last base 64 character carries bits that belong to no byte");
        }
        for (std::size_t k = 0; k + 1 < digits; ++k) {
            out += static_cast<char>(static_cast<unsigned char>((group >> (16 - 8 * k)) & 0xffU));
        }
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
