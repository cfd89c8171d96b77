#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_TEXT_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_TEXT_HPP

// How go-oversync v0.2.1 writes: Go's JSON, its canonical form and bundle hash (sheet `bundle` 1.1 and 2.11), and the few texts that both of its
// sides read. From the sheet alone: nothing here is the library's but SHA-256 itself, whose vectors the tests check first.

#include <syncline/support/sha256.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace oversync {

using json = nlohmann::ordered_json;  ///< members keep the order that they came in

/// Text as Go's encoder escapes it: `<`, `>`, `&`, U+2028 and U+2029 too.
inline void go_string(std::string& out, std::string_view s) {
    static constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto c = static_cast<unsigned char>(s[i]);
        switch (c) {
        case '"': out += "\\\""; continue;
        case '\\': out += "\\\\"; continue;
        case '\n': out += "\\n"; continue;
        case '\r': out += "\\r"; continue;
        case '\t': out += "\\t"; continue;
        case '\b': out += "\\b"; continue;
        case '\f': out += "\\f"; continue;
        default: break;
        }
        if (c < 0x20 || c == '<' || c == '>' || c == '&') {
            out += "\\u00";
            out += digits[c >> 4U];
            out += digits[c & 15U];
        } else if (s.substr(i, 3) == "\xE2\x80\xA8" || s.substr(i, 3) == "\xE2\x80\xA9") {
            out += s[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            out += s[i];
        }
    }
    out += '"';
}

/// A double in Go's style: plain between 1e-6 and 1e21, with an exponent without leading zeros outside.
inline std::string go_number(double d) {
    if (!std::isfinite(d)) throw std::runtime_error("a number overflows double");
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), d, std::chars_format::scientific).ptr;  // the shortest digits that come back
    std::string out{text.data(), end};
    const auto e = out.find('e');
    const int exponent = std::stoi(out.substr(e + 1));
    const double size = std::fabs(d);
    if (size != 0 && (size < 1e-6 || size >= 1e21)) {
        if (out.size() == e + 4 && out[e + 2] == '0') out.erase(e + 2, 1);
        return out;
    }
    const bool minus = out[0] == '-';
    std::string digits;
    for (const char c : out.substr(0, e))
        if (c >= '0' && c <= '9') digits += c;
    if (exponent < 0) {
        out = "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    } else {
        const auto whole = static_cast<std::size_t>(exponent) + 1;
        if (digits.size() < whole) digits.append(whole - digits.size(), '0');
        out = digits.substr(0, whole) + (digits.size() > whole ? "." + digits.substr(whole) : "");
    }
    return minus ? "-" + out : out;
}

inline double as_double(const json& v) {
    if (v.is_number_unsigned()) return static_cast<double>(v.get<std::uint64_t>());
    if (v.is_number_integer()) return static_cast<double>(v.get<std::int64_t>());
    return v.get<double>();
}

enum class form { as_it_stands, canonical };

/// @p v without white space. `as_it_stands` keeps the order of members and whole numbers exact; `canonical` is sheet 2.11.
inline void go_write(std::string& out, const json& v, form f) {
    switch (v.type()) {
    case json::value_t::object: {
        out += '{';
        bool first = true;
        const auto put = [&](const std::string& name, const json& member) {
            if (!first) out += ',';
            first = false;
            go_string(out, name);
            out += ':';
            go_write(out, member, f);
        };
        if (f == form::canonical) {
            std::map<std::string, const json*> sorted;  // compares octets as unsigned, which is the sheet's order
            for (const auto& [name, member] : v.items()) sorted[name] = &member;
            for (const auto& [name, member] : sorted) put(name, *member);
        } else {
            for (const auto& [name, member] : v.items()) put(name, member);
        }
        out += '}';
        return;
    }
    case json::value_t::array: {
        out += '[';
        bool first = true;
        for (const auto& item : v) {
            if (!first) out += ',';
            first = false;
            go_write(out, item, f);
        }
        out += ']';
        return;
    }
    case json::value_t::string: return go_string(out, v.get_ref<const std::string&>());
    case json::value_t::boolean: out += v.get<bool>() ? "true" : "false"; return;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
        out += f == form::canonical ? go_number(as_double(v)) : v.dump();
        return;
    case json::value_t::number_float: out += go_number(v.get<double>()); return;
    default: out += "null";
    }
}
inline std::string go_text(const json& v) {
    std::string out;
    go_write(out, v, form::as_it_stands);
    return out;
}
inline std::string canonical(const json& v) {
    std::string out;
    go_write(out, v, form::canonical);
    return out;
}
/// @p v as it comes back after its numbers went through double.
inline json through_double(const json& v) { return json::parse(canonical(v)); }

/// One row of a bundle, as committed rows and pull carry it (sheet 1.8).
struct bundle_row {
    std::string schema, table, key_column, key, op;
    std::int64_t row_version = 0;
    json payload;  ///< null for DELETE
};

/// The text that is hashed (sheet 2.11).
inline std::string hash_input(const std::vector<bundle_row>& rows) {
    json all = json::array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& r = rows[i];
        all.push_back({{"key", {{r.key_column, r.key}}}, {"op", r.op}, {"payload", r.op == "DELETE" ? json{} : r.payload}, {"row_ordinal", i},
                       {"row_version", r.row_version}, {"schema", r.schema}, {"table", r.table}});
    }
    return canonical(all);
}
inline std::string hash_of(const std::vector<bundle_row>& rows) { return syncline::sha256_hex(hash_input(rows)); }

/// The first JSON value of @p text, whatever stands behind it; nothing: none. (The real decoders stop there as well.)
inline std::optional<json> read_json(const std::string& text) {
    std::istringstream in{text};
    json out;
    try {
        in >> out;
    } catch (const json::exception&) {
        return std::nullopt;
    }
    return out;
}

inline std::string lower(std::string s) {
    for (char& c : s)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return s;
}
inline std::string trim(std::string_view s) {
    constexpr std::string_view blank = " \t\r\n\v\f";
    const auto from = s.find_first_not_of(blank);
    return from == std::string_view::npos ? std::string{} : std::string{s.substr(from, s.find_last_not_of(blank) - from + 1)};
}

/// A member as Go's decoder finds it: whatever its case, the last one of several. Null when there is none.
inline const json* member(const json& object, std::string_view name) {
    const json* found = nullptr;
    if (object.is_object())
        for (const auto& [n, v] : object.items())
            if (lower(n) == name) found = &v;
    return found;
}

inline bool is_uuid(std::string_view s) {
    if (s.size() != 36) return false;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) return false;
    }
    return true;
}

/// Ids in the shape of a UUID, counted up: tests can be repeated.
inline std::string uuid_number(std::uint64_t space, std::uint64_t n) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%08llx-0000-4000-8000-%012llx", static_cast<unsigned long long>(space), static_cast<unsigned long long>(n));
    return text.data();
}

inline std::string to_base64(std::string_view in) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < in.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k) bits = (bits << 8U) | (i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out += i + k <= in.size() ? digits[(bits >> (18 - 6 * k)) & 63U] : '=';
    }
    return out;
}
inline std::optional<std::string> from_base64(std::string_view in) {
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (in.size() % 4 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < in.size(); i += 4) {
        std::uint32_t bits = 0;
        std::size_t pad = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const char c = in[i + k];
            const auto at = digits.find(c);
            if (c == '=' && k >= 2 && i + 4 == in.size()) ++pad;
            else if (at == std::string_view::npos || pad > 0) return std::nullopt;
            bits = (bits << 6U) | (c == '=' ? 0U : static_cast<std::uint32_t>(at));
        }
        for (std::size_t k = 0; k < 3 - pad; ++k) out += static_cast<char>((bits >> (16 - 8 * k)) & 255U);
    }
    return out;
}
inline std::string to_hex(std::string_view in) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : in) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 15U];
    }
    return out;
}
inline std::string from_hex(std::string_view in) {
    std::string out;
    for (std::size_t i = 0; i + 1 < in.size(); i += 2) {
        unsigned v = 0;
        std::from_chars(in.data() + i, in.data() + i + 2, v, 16);
        out += static_cast<char>(v);
    }
    return out;
}

/// An instant, in microseconds since 1970, from RFC 3339 text (or with a space for the `T`). Without an offset: nothing, it is no instant.
inline std::optional<std::int64_t> instant(std::string_view s) {
    const auto digits = [&](std::size_t at, std::size_t n) -> std::int64_t {
        std::int64_t v = 0;
        for (std::size_t i = at; i < at + n; ++i) {
            if (i >= s.size() || s[i] < '0' || s[i] > '9') return -1;
            v = v * 10 + (s[i] - '0');
        }
        return v;
    };
    if (s.size() < 20 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != ' ') || s[13] != ':' || s[16] != ':') return std::nullopt;
    std::int64_t y = digits(0, 4), m = digits(5, 2), d = digits(8, 2), hour = digits(11, 2), minute = digits(14, 2), second = digits(17, 2);
    if (y < 0 || m < 1 || m > 12 || d < 1 || d > 31 || hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
    std::size_t i = 19;
    std::int64_t micros = 0;
    if (s[i] == '.') {
        std::int64_t unit = 100'000;
        for (++i; i < s.size() && s[i] >= '0' && s[i] <= '9'; ++i, unit /= 10) micros += (s[i] - '0') * unit;
    }
    std::int64_t offset = 0;
    if (i < s.size() && s[i] == 'Z') {
        ++i;
    } else if (i < s.size() && (s[i] == '+' || s[i] == '-')) {
        const std::int64_t h = digits(i + 1, 2);
        const bool minutes = s.size() > i + 3;
        const std::int64_t mm = minutes ? digits(i + (s[i + 3] == ':' ? 4 : 3), 2) : 0;
        if (h < 0 || mm < 0) return std::nullopt;
        offset = (s[i] == '-' ? -1 : 1) * (h * 60 + mm);
        i = s.size();
    } else {
        return std::nullopt;
    }
    if (i != s.size()) return std::nullopt;
    y -= m <= 2 ? 1 : 0;  // days from the civil date, by eras of 400 years
    const std::int64_t era = y / 400, of_era = y - era * 400;
    const std::int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    const std::int64_t days = era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
    return ((days * 24 + hour) * 60 + minute - offset) * 60'000'000 + second * 1'000'000 + micros;
}
/// @p micros as text, its fraction without trailing zeros, with @p zone behind: `Z` as Go writes, `+00:00` as PostgreSQL does.
inline std::string time_text(std::int64_t micros, std::string_view zone) {
    std::int64_t seconds = micros / 1'000'000, fraction = micros % 1'000'000;
    if (fraction < 0) fraction += 1'000'000, --seconds;
    std::int64_t days = seconds / 86'400, rest = seconds % 86'400;
    if (rest < 0) rest += 86'400, --days;
    days += 719'468;
    const std::int64_t era = days / 146'097, of_era = days % 146'097;
    const std::int64_t year = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
    const std::int64_t of_year = of_era - (365 * year + year / 4 - year / 100), mp = (5 * of_year + 2) / 153;
    const std::int64_t d = of_year - (153 * mp + 2) / 5 + 1, m = mp + (mp < 10 ? 3 : -9);
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", static_cast<long long>(year + era * 400 + (m <= 2 ? 1 : 0)),
                  static_cast<long long>(m), static_cast<long long>(d), static_cast<long long>(rest / 3600), static_cast<long long>(rest / 60 % 60),
                  static_cast<long long>(rest % 60));
    std::string out = text.data();
    if (fraction != 0) {
        std::string f = std::to_string(1'000'000 + fraction);
        f[0] = '.';
        while (f.back() == '0') f.pop_back();
        out += f;
    }
    return out.append(zone);
}

}  // namespace oversync

#endif
