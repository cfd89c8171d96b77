#ifndef SYNCLINE_SUPPORT_UTF8_HPP
#define SYNCLINE_SUPPORT_UTF8_HPP

#include <syncline/support/version.hpp>

#include <cstddef>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// The length of the well-formed UTF-8 sequence that starts at @p at: 1 to 4, or 0 when there is none.
///
/// Well-formed as in table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
/// @pre `at < text.size()`
[[nodiscard]] constexpr std::size_t utf8_sequence_length(std::string_view text, std::size_t at) noexcept {
    const auto byte = [text](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto is_tail = [byte](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned lead = byte(at);
    if (lead < 0x80U) return 1;
    if (lead < 0xc2U) return 0;
    const unsigned second = byte(at + 1);
    if (!is_tail(at + 1)) return 0;
    if (lead < 0xe0U) return 2;
    if (!is_tail(at + 2)) return 0;
    if (lead < 0xf0U) {
        if (lead == 0xe0U && second < 0xa0U) return 0;
        if (lead == 0xedU && second > 0x9fU) return 0;
        return 3;
    }
    if (lead > 0xf4U || !is_tail(at + 3)) return 0;
    if (lead == 0xf0U && second < 0x90U) return 0;
    if (lead == 0xf4U && second > 0x8fU) return 0;
    return 4;
}

/// Whether all of @p text is well-formed UTF-8. Empty text and NUL bytes are.
[[nodiscard]] constexpr bool is_valid_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80U) {
            ++at;
            continue;
        }
        const std::size_t length = utf8_sequence_length(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

/// Whether @p text holds a NUL byte, which many stores cannot keep.
[[nodiscard]] constexpr bool has_nul(std::string_view text) noexcept {
    return text.find('\0') != std::string_view::npos;
}

SYNCLINE_NAMESPACE_END

#endif
