#ifndef SYNCLINE_TRANSPORT_MESSAGE_HPP
#define SYNCLINE_TRANSPORT_MESSAGE_HPP

#include <syncline/support/hex.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The methods the wires use, and those a server must be able to refuse by name.
enum class http_method : std::uint8_t {
    get,
    head,
    post,
    put,
    patch,
    erase,    ///< `DELETE`; that word is a macro on some platforms
    options,
};

/// @p method as it stands in a request line: upper case.
[[nodiscard]] constexpr std::string_view name_of(http_method method) noexcept {
    switch (method) {
    case http_method::get: return "GET";
    case http_method::head: return "HEAD";
    case http_method::post: return "POST";
    case http_method::put: return "PUT";
    case http_method::patch: return "PATCH";
    case http_method::erase: return "DELETE";
    case http_method::options: return "OPTIONS";
    }
    return "GET";
}

/// The method called @p name (upper case, RFC 9110 9.1), or nothing for any other.
[[nodiscard]] constexpr std::optional<http_method> parse_http_method(std::string_view name) noexcept {
    for (const http_method method : {http_method::get, http_method::head, http_method::post, http_method::put,
                                     http_method::patch, http_method::erase, http_method::options}) {
        if (name_of(method) == name) return method;
    }
    return std::nullopt;
}

/// One header field. Names are compared without regard to ASCII case, values are opaque.
struct header {
    std::string name;
    std::string value;

    friend bool operator==(const header&, const header&) = default;
};

/// A request, on its way out of a wire's client or into a wire's server. Bodies are never compressed here: that is the
/// transport's business.
struct request {
    http_method method = http_method::get;
    /// Origin form: a path that starts with `/`, and a query already percent-encoded, e.g.
    /// `/sync/pull?after_bundle_seq=0`.
    std::string path;
    std::vector<header> headers;
    std::string body;
    /// When its first byte came in, in nanoseconds of the steady clock, where the adapter that received it knows. Tells a server that shuts down what
    /// came before. No part of what is asked.
    std::optional<std::int64_t> began = std::nullopt;

    friend bool operator==(const request& a, const request& b) {
        return a.method == b.method && a.path == b.path && a.headers == b.headers && a.body == b.body;
    }
};

class event_stream;

/// An answer. Any status is an answer; only a request that got none is a fault.
struct response {
    int status = 200;
    std::vector<header> headers;
    std::string body;
    /// Where the body goes on after the head: what produces it, instead of `body` (`event_stream.hpp`). From a handler to the adapter that called
    /// it; everything in between passes it on. A transport never gives one out.
    std::shared_ptr<event_stream> stream = nullptr;

    /// Whether the status is 200 to 299.
    [[nodiscard]] constexpr bool ok() const noexcept { return status >= 200 && status < 300; }

    friend bool operator==(const response&, const response&) = default;
};

/// Whether two header names are the same: ASCII letters in either case.
[[nodiscard]] constexpr bool same_header_name(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

/// The value of the first header called @p name in any case, or nothing. Refers into @p headers.
[[nodiscard]] inline std::optional<std::string_view> find_header(const std::vector<header>& headers,
                                                                std::string_view name) {
    for (const header& h : headers) {
        if (same_header_name(h.name, name)) return std::string_view{h.value};
    }
    return std::nullopt;
}
std::optional<std::string_view> find_header(std::vector<header>&&, std::string_view) = delete;

/// Gives the header @p name this one @p value, whatever stood there.
inline void set_header(std::vector<header>& headers, std::string_view name, std::string_view value) {
    std::erase_if(headers, [&](const header& h) { return same_header_name(h.name, name); });
    headers.push_back({std::string{name}, std::string{value}});
}

/// @p target without its query: everything before the first `?`.
[[nodiscard]] constexpr std::string_view path_without_query(std::string_view target) noexcept {
    return target.substr(0, target.find('?'));
}

/// @p text with every byte but letters, digits and `-._~` as `%XX` (RFC 3986 2.1): fit for a path segment, a query's
/// name and a query's value.
[[nodiscard]] inline std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15U];
    }
    return out;
}

/// What `+` stands for: itself in a path, a space in a query (where forms and most libraries write it so).
enum class plus_sign : std::uint8_t { itself, space };

/// Undoes `percent_encode`. The bytes may be anything; whoever reads them as text checks that they are UTF-8.
/// @return the bytes, or `errc::malformed_message` where a `%` is not followed by two hexadecimal digits
[[nodiscard]] inline result<std::string> percent_decode(std::string_view text, plus_sign plus = plus_sign::itself) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == plus_sign::space) {
            out += ' ';
            continue;
        }
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return make_fault(errc::malformed_message, "character ", std::to_string(i + 1),
                              " of an encoded text is a % that two hexadecimal digits do not follow");
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

/// One `name=value` of a query, decoded.
struct query_field {
    std::string name;
    std::string value;

    friend bool operator==(const query_field&, const query_field&) = default;
};

/// The fields of @p target's query in their order, names and values decoded; none without a query.
/// A piece without `=` is a name with an empty value; empty pieces are skipped.
/// @return the fields, or `errc::malformed_message` where a `%` is not followed by two hexadecimal digits
[[nodiscard]] inline result<std::vector<query_field>> query_fields(std::string_view target) {
    std::vector<query_field> out;
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return out;
    std::string_view rest = target.substr(mark + 1);
    rest = rest.substr(0, rest.find('#'));
    while (!rest.empty()) {
        const std::size_t end = rest.find('&');
        const std::string_view piece = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        if (piece.empty()) continue;
        const std::size_t equals = piece.find('=');
        auto name = percent_decode(piece.substr(0, equals), plus_sign::space);
        if (!name) return std::move(name).error();
        auto value = percent_decode(
            equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1), plus_sign::space);
        if (!value) return std::move(value).error();
        out.push_back({*std::move(name), *std::move(value)});
    }
    return out;
}

/// The value of the field @p name of @p target's query, or nothing when it is not there.
/// @return the value, or `errc::malformed_message` where the query is badly encoded or has @p name twice
[[nodiscard]] inline result<std::optional<std::string>> query_parameter(std::string_view target,
                                                                       std::string_view name) {
    auto fields = query_fields(target);
    if (!fields) return std::move(fields).error();
    std::optional<std::string> found;
    for (query_field& field : *fields) {
        if (field.name != name) continue;
        if (found) return make_fault(errc::malformed_message, "query parameter '", name, "' is given twice");
        found = std::move(field.value);
    }
    return found;
}

/// Adds `name=value`, both encoded, to the query of @p target.
inline void append_query(std::string& target, std::string_view name, std::string_view value) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += percent_encode(name);
    target += '=';
    target += percent_encode(value);
}

SYNCLINE_NAMESPACE_END

#endif
