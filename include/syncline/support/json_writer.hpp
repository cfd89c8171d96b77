#ifndef SYNCLINE_SUPPORT_JSON_WRITER_HPP
#define SYNCLINE_SUPPORT_JSON_WRITER_HPP

#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Appends @p text to @p out as a JSON string with its quotes.
///
/// Escaped are `"`, `\` and the control characters below U+0020; everything else stays raw UTF-8. Each byte that is not
/// part of well-formed UTF-8 becomes `\ufffd`, so the output is valid whatever comes in.
inline void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;  // start of the run not copied yet
    std::size_t at = 0;
    while (at < text.size()) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x20U && byte < 0x80U && byte != '"' && byte != '\\') {
            ++at;
            continue;
        }
        const std::size_t length = byte < 0x80U ? 0 : utf8_sequence_length(text, at);
        if (length != 0) {
            at += length;
            continue;
        }
        out.append(text, plain, at - plain);
        switch (byte) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\b': out += "\\b"; break;
        case '\f': out += "\\f"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (byte >= 0x80U) {
                out += "\\ufffd";
            } else {
                out += "\\u00";
                out += digits[byte >> 4];
                out += digits[byte & 15U];
            }
        }
        plain = ++at;
    }
    out.append(text, plain, text.size() - plain);
    out += '"';
}

/// Writes JSON without white space to the end of a string, value by value, and puts the commas and colons itself.
///
/// It does not check grammar: the caller balances begin and end, gives each object member a key and then one value,
/// and writes one value at the top. It holds a reference to the string, which must outlive it, and allocates nothing
/// but the string's own growth. Invalid UTF-8 cannot make the output invalid; see `append_json_string`.
class json_writer {
public:
    /// Writes to the end of @p out; what is already there stays.
    explicit json_writer(std::string& out) noexcept : out_(&out) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }

    /// The name of the next member; its value must follow.
    void key(std::string_view name) {
        separate();
        append_json_string(*out_, name);
        *out_ += ':';
        needs_comma_ = false;
    }

    /// A string; escapes as `append_json_string`.
    void string(std::string_view text) {
        separate();
        append_json_string(*out_, text);
    }

    /// An integer, in full digits.
    void integer(std::int64_t number) {
        separate();
        std::array<char, 24> text{};
        const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
        out_->append(text.data(), static_cast<std::size_t>(end.ptr - text.data()));
    }

    /// A double, in the fewest digits that read back as the same double.
    ///
    /// Integral values carry `.0` or an exponent, so that they read back as real and not as integer: 1.0 is `1.0`,
    /// minus zero `-0.0`. JSON has no infinity and no NaN: the caller must not pass them, and gets `null` for them.
    void real(double number) {
        if (!std::isfinite(number)) return null();
        separate();
        std::array<char, 40> text{};
        const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
        const std::string_view digits(text.data(), static_cast<std::size_t>(end.ptr - text.data()));
        *out_ += digits;
        if (digits.find_first_of(".e") == std::string_view::npos) *out_ += ".0";
    }

    void boolean(bool truth) {
        separate();
        *out_ += truth ? "true" : "false";
    }

    void null() {
        separate();
        *out_ += "null";
    }

    /// A value that is JSON text already; it is copied unchecked.
    void raw(std::string_view json) {
        separate();
        *out_ += json;
    }

private:
    // What was written last says whether a comma comes next; no stack of open containers is needed for it.
    void separate() {
        if (needs_comma_) *out_ += ',';
        needs_comma_ = true;
    }
    void open(char bracket) {
        separate();
        *out_ += bracket;
        needs_comma_ = false;
    }
    void close(char bracket) {
        *out_ += bracket;
        needs_comma_ = true;
    }

    std::string* out_;
    bool needs_comma_ = false;
};

SYNCLINE_NAMESPACE_END

#endif
