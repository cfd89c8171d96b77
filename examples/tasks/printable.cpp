#include "printable.hpp"

#include <syncline/support/utf8.hpp>

#include <cstddef>
#include <cstdint>

namespace {

void write_out(std::string& out, char kind, int digits, std::uint32_t code) {
    out += '\\';
    out += kind;
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[(code >> shift) & 0xfU];
}

// Of a character of two or three octets; the others steer nothing.
std::uint32_t code_of(std::string_view character) {
    const auto bits = [character](std::size_t i, unsigned mask) { return static_cast<unsigned char>(character[i]) & mask; };
    if (character.size() == 2) return (bits(0, 0x1fU) << 6U) | bits(1, 0x3fU);
    if (character.size() == 3) return (bits(0, 0x0fU) << 12U) | (bits(1, 0x3fU) << 6U) | bits(2, 0x3fU);
    return 0;
}

bool steers(std::uint32_t code) {
    const auto within = [code](std::uint32_t first, std::uint32_t last) { return first <= code && code <= last; };
    return within(0x80, 0x9f) || code == 0x061c || within(0x200e, 0x200f) || within(0x2028, 0x202e) || within(0x2066, 0x2069);
}

std::string shown(std::string_view text, bool breaks) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto octet = static_cast<unsigned char>(text[at]);
        const std::size_t length = syncline::utf8_sequence_length(text, at);
        const auto character = text.substr(at, length == 0 ? 1 : length);
        const auto code = code_of(character);
        at += character.size();
        if (octet == '\n' && !breaks) out += "\\n";
        else if (length == 0 || (octet < 0x20U && octet != '\n') || octet == 0x7fU) write_out(out, 'x', 2, octet);
        else if (steers(code)) write_out(out, 'u', 4, code);
        else out += character;
    }
    return out;
}

}  // namespace

std::string one_line(std::string_view text) { return shown(text, false); }

std::string printable(std::string_view text) { return shown(text, true); }
