#ifndef SYNCLINE_ADAPTERS_SQLITE_UTF16_HPP
#define SYNCLINE_ADAPTERS_SQLITE_UTF16_HPP

#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// @p text, which is UTF-8, as SQLite takes it for a database that keeps text in UTF-16: in this machine's order of octets, behind a mark of that order,
/// which SQLite takes away. SQLite's own way from UTF-8 makes U+FFFD of U+FFFE and U+FFFF. Each octet that is not part of well-formed UTF-8 becomes U+FFFD.
[[nodiscard]] inline std::u16string sqlite_utf16(std::string_view text) {
    std::u16string out(1, u'\xfeff');
    out.reserve(text.size() + 1);
    for (std::size_t at = 0; at < text.size();) {
        const auto octet = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
        const std::size_t length = utf8_sequence_length(text, at);
        char32_t point = octet(0) & (length < 2 ? 0x7fU : 0xffU >> (length + 1));
        for (std::size_t i = 1; i < length; ++i) point = point << 6 | (octet(i) & 0x3fU);
        if (length == 0) point = 0xfffd;
        at += length == 0 ? 1 : length;
        if (point > 0xffff) {
            point -= 0x10000;
            out.push_back(static_cast<char16_t>(0xd800 + (point >> 10)));
            point = 0xdc00 + (point & 0x3ffU);
        }
        out.push_back(static_cast<char16_t>(point));
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
