#ifndef SYNCLINE_SUPPORT_CANONICAL_JSON_HPP
#define SYNCLINE_SUPPORT_CANONICAL_JSON_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// The canonical form of the bundle wire: what Go's encoding/json writes after reading numbers as float64. Close to
// RFC 8785 and not the same: members are ordered by UTF-8 bytes, `<`, `>`, `&`, U+2028 and U+2029 are escaped, and
// minus zero keeps its sign.

/// Appends @p text to @p out as Go writes a JSON string: also `<`, `>`, `&`, U+2028 and U+2029 are escaped, and each
/// byte that is not part of well-formed UTF-8 becomes `\ufffd`.
inline void append_canonical_string(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;  // start of the run not copied yet
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        std::size_t length = 1;
        std::string_view escaped;
        if (byte >= 0x80U) {
            length = utf8_sequence_length(text, at);
            const std::string_view sequence = text.substr(at, length);
            if (length == 0) {
                escaped = "\\ufffd";
                length = 1;
            } else if (sequence == "\xe2\x80\xa8") {
                escaped = "\\u2028";
            } else if (sequence == "\xe2\x80\xa9") {
                escaped = "\\u2029";
            }
        } else if (byte < 0x20U || byte == '"' || byte == '\\' || byte == '<' || byte == '>' || byte == '&') {
            switch (byte) {
            case '"': escaped = "\\\""; break;
            case '\\': escaped = "\\\\"; break;
            case '\b': escaped = "\\b"; break;
            case '\f': escaped = "\\f"; break;
            case '\n': escaped = "\\n"; break;
            case '\r': escaped = "\\r"; break;
            case '\t': escaped = "\\t"; break;
            default: escaped = "\\u00"; break;
            }
        }
        if (!escaped.empty()) {
            out.append(text, plain, at - plain);
            out += escaped;
            if (escaped == "\\u00") {
                out += digits[byte >> 4];
                out += digits[byte & 15U];
            }
            plain = at + length;
        }
        at += length;
    }
    out.append(text, plain, text.size() - plain);
    out += '"';
}

/// Appends @p number to @p out as Go writes a float64: shortest digits that read back, plain from 1e-6 up to below
/// 1e21, otherwise with an exponent that has a sign and no leading zero.
/// @return success, or `errc::malformed_value` for infinity and NaN, with nothing appended
inline result<void> append_canonical_number(std::string& out, double number) {
    if (!std::isfinite(number)) return make_fault(errc::malformed_value, "JSON has no infinity and no NaN");
    // Always ask for the exponent form: the plain one prints large numbers in full, where Go fills up with zeros.
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific);
    std::string_view written(text.data(), static_cast<std::size_t>(end.ptr - text.data()));
    if (written[0] == '-') {
        out += '-';
        written.remove_prefix(1);
    }
    const std::size_t e = written.find('e');
    std::string digits(written.substr(0, 1));
    if (e > 1) digits.append(written.substr(2, e - 2));
    int exponent = 0;
    for (const char c : written.substr(e + 2)) exponent = exponent * 10 + (c - '0');
    if (written[e + 1] == '-') exponent = -exponent;

    if (exponent < -6 || exponent >= 21) {
        out.append(digits, 0, 1);
        if (digits.size() > 1) out.append(1, '.').append(digits, 1);
        out += exponent < 0 ? "e-" : "e+";
        out += std::to_string(exponent < 0 ? -exponent : exponent);
    } else if (exponent < 0) {
        out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    } else {
        const auto whole = static_cast<std::size_t>(exponent) + 1;
        if (digits.size() <= whole) {
            out.append(digits).append(whole - digits.size(), '0');
        } else {
            out.append(digits, 0, whole).append(1, '.').append(digits, whole);
        }
    }
    return {};
}

/// The canonical form of @p root: no white space, members ordered by the bytes of their names, numbers as doubles.
///
/// Integers above 2^53 are rounded to the nearest double, as the protocol's reference does.
/// @return the text, or the fault of `append_canonical_number`, which a parsed document cannot cause
/// @par Complexity  O(n log n) in the members of one object, linear otherwise; no recursion
[[nodiscard]] inline result<std::string> canonical_json(json_view root) {
    // A container being written: its children lie in `pending` from `next` on, the last container's at the very end.
    struct open_container {
        bool is_object;
        std::size_t first;
        std::size_t next;
        std::size_t end;
    };
    std::string out;
    std::vector<json_member> pending{json_member{{}, root}};
    std::vector<open_container> open{open_container{false, 0, 0, 1}};

    while (!open.empty()) {
        open_container& here = open.back();
        const bool outermost = open.size() == 1;
        if (here.next == here.end) {
            if (!outermost) out += here.is_object ? '}' : ']';
            pending.resize(here.first);
            open.pop_back();
            continue;
        }
        if (here.next != here.first) out += ',';
        const json_member member = pending[here.next++];
        if (here.is_object) {
            append_canonical_string(out, member.key);
            out += ':';
        }
        const json_view value = member.value;
        switch (value.kind()) {
        case json_kind::null: out += "null"; break;
        case json_kind::boolean: out += value.as_bool().value_or(false) ? "true" : "false"; break;
        case json_kind::integer:
        case json_kind::real:
            if (const result<void> added = append_canonical_number(out, value.as_real()); !added) return added.error();
            break;
        case json_kind::string: append_canonical_string(out, value.as_string()); break;
        case json_kind::array:
        case json_kind::object: {
            const std::size_t first = pending.size();
            out += value.is_object() ? '{' : '[';
            for (const json_view element : value) pending.push_back({{}, element});
            for (const json_member child : value.members()) pending.push_back(child);
            if (value.is_object()) {
                std::sort(pending.begin() + static_cast<std::ptrdiff_t>(first), pending.end(),
                          [](const json_member& a, const json_member& b) { return a.key < b.key; });
            }
            open.push_back({value.is_object(), first, first, pending.size()});
            break;
        }
        }
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
