#ifndef SYNCLINE_ADAPTERS_SQLITE_COLUMN_VALUE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_COLUMN_VALUE_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What SQLite does to a value that is put into a column.
enum class sqlite_affinity : std::uint8_t {
    blob,     ///< kept as it is
    text,     ///< numbers become text
    integer,  ///< as numeric
    real,     ///< as numeric, and integers become real
    numeric,  ///< text that reads as a number becomes one; reals without fraction become integers
};

/// @p c in lower case, ASCII letters only.
[[nodiscard]] constexpr char sqlite_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether @p declared contains @p word (given in lower case), letters without case.
[[nodiscard]] inline bool sqlite_declares(std::string_view declared, std::string_view word) {
    for (std::size_t at = 0; at + word.size() <= declared.size(); ++at) {
        std::size_t i = 0;
        while (i < word.size() && sqlite_lower(declared[at + i]) == word[i]) ++i;
        if (i == word.size()) return true;
    }
    return false;
}

/// The affinity of a column declared as @p declared, by SQLite's rules (sqlite.org/datatype3.html, section 3.1).
[[nodiscard]] inline sqlite_affinity sqlite_affinity_of(std::string_view declared) {
    const auto has = [&](std::string_view word) { return sqlite_declares(declared, word); };
    if (has("int")) return sqlite_affinity::integer;
    if (has("char") || has("clob") || has("text")) return sqlite_affinity::text;
    if (declared.empty() || has("blob")) return sqlite_affinity::blob;
    if (has("real") || has("floa") || has("doub")) return sqlite_affinity::real;
    return sqlite_affinity::numeric;
}

/// The natural kind of the values in a column declared as @p declared: boolean for BOOL, time for DATETIME and TIMESTAMP,
/// json for JSON, else by affinity (numeric ones count as real, those without a type as text).
[[nodiscard]] inline value_kind sqlite_kind_of(std::string_view declared) {
    const auto has = [&](std::string_view word) { return sqlite_declares(declared, word); };
    if (has("bool")) return value_kind::boolean;
    if (has("datetime") || has("timestamp")) return value_kind::time;
    if (has("json")) return value_kind::json;
    switch (sqlite_affinity_of(declared)) {
    case sqlite_affinity::integer: return value_kind::integer;
    case sqlite_affinity::real:
    case sqlite_affinity::numeric: return value_kind::real;
    case sqlite_affinity::blob: return declared.empty() ? value_kind::text : value_kind::bytes;
    case sqlite_affinity::text: break;
    }
    return value_kind::text;
}

/// The text that a time column holds for @p t: RFC 3339 in UTC, as short as is exact (`format_rfc3339_shortest`). Nothing
/// for years outside 0 to 9999, which that form cannot say.
[[nodiscard]] inline std::optional<std::string> sqlite_time_text(timestamp t) {
    auto text = format_rfc3339_shortest(t);
    if (!text) return std::nullopt;
    return std::move(*text);
}

/// The instant that @p text says, where it is a time in RFC 3339, in whatever zone and with as many decimals as it may have, or as SQLite's own functions
/// write it (`2026-05-02 09:00:00`, in UTC): two spellings of one instant are one value, so that writing it otherwise is no change and no conflict.
/// Nothing for other texts, which stay what they are.
/// What is finer than a microsecond is cut off, as everywhere (`timestamp`); a field of text keeps every digit.
[[nodiscard]] inline std::optional<timestamp> sqlite_time_of(std::string_view text) {
    if (text.size() < 19 || text.size() > 35) return std::nullopt;
    const auto t = parse_date_time(text);
    if (!t) return std::nullopt;
    return *t;
}

/// Whether @p text is a plain decimal number: sign, digits, fraction; no exponent.
[[nodiscard]] inline bool sqlite_is_decimal(std::string_view text) {
    std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
    const auto digits = [&] {
        const std::size_t from = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        return at > from;
    };
    if (!digits()) return false;
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (!digits()) return false;
    }
    return at == text.size();
}

/// Whether a numeric column would turn @p text into a number: sign, digits with a point, exponent. A date or a time (`2026-05-02`) is none.
[[nodiscard]] inline bool sqlite_is_numeric_text(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    // Wider than SQLite's own grammar on purpose, where digits may be missing: what is refused here could not have been kept for certain.
    std::size_t at = 0;
    bool digit = false;
    const auto one_of = [&](std::string_view any) { return at < text.size() && any.find(text[at]) != std::string_view::npos && ++at != 0; };
    const auto digits = [&] {
        while (one_of("0123456789")) digit = true;
    };
    one_of("+-");
    digits();
    if (one_of(".")) digits();
    if (one_of("eE")) {
        one_of("+-");
        digits();
    }
    return digit && at == text.size();
}

/// Whether a column of @p affinity, read as a field of @p kind, gives back exactly @p v after it was put there.
///
/// What it cannot hold: numbers in text columns, numeric text in numeric columns, whole reals in integer columns, NaN,
/// -0.0 outside columns without a type, kinds that the field's kind does not distinguish (a boolean in a plain integer column).
/// @param wide  the database keeps text in UTF-16: no text that is not well-formed UTF-8
[[nodiscard]] inline bool sqlite_can_hold(const value& v, value_kind kind, sqlite_affinity affinity, bool wide = false) {
    if (wide && v.kind() != value_kind::bytes && !is_valid_utf8(v.as_string())) return false;
    const bool numeric = affinity != sqlite_affinity::blob && affinity != sqlite_affinity::text;
    switch (v.kind()) {
    case value_kind::null:
    case value_kind::bytes: return true;
    case value_kind::boolean:
        return kind == value_kind::boolean && affinity != sqlite_affinity::text && affinity != sqlite_affinity::real;
    case value_kind::integer:
        if (kind == value_kind::boolean && (v.as_integer() == 0 || v.as_integer() == 1)) return false;
        return affinity != sqlite_affinity::text && affinity != sqlite_affinity::real;
    case value_kind::real: {
        const double d = v.as_real();
        if (d != d || affinity == sqlite_affinity::text) return false;
        if (affinity == sqlite_affinity::blob) return true;
        if (d == 0) return affinity == sqlite_affinity::real && !std::signbit(d);
        if (affinity == sqlite_affinity::real) return true;
        // Whole numbers in the range of an integer are turned into one.
        return !(d >= -9223372036854775808.0 && d <= 9223372036854775808.0 && d == std::trunc(d));
    }
    case value_kind::decimal:
        return kind == value_kind::decimal && sqlite_is_decimal(v.as_string()) && !numeric;
    case value_kind::text:
        if (kind == value_kind::json || (kind == value_kind::decimal && sqlite_is_decimal(v.as_string()))) return false;
        if (kind == value_kind::time && sqlite_time_of(v.as_string())) return false;
        return !numeric || !sqlite_is_numeric_text(v.as_string());
    case value_kind::json:
        return kind == value_kind::json && (!numeric || !sqlite_is_numeric_text(v.as_string()));
    case value_kind::time: return kind == value_kind::time && sqlite_time_text(v.as_time()).has_value();
    }
    return false;
}

/// Binds @p v to parameter @p at, in the form that a column holds: booleans as 0 and 1, times as `sqlite_time_text` (null
/// where there is none; see `sqlite_can_hold`), decimals and JSON as text. Its text is lent: @p v must outlive the run.
inline void bind_sqlite_value(sqlite_statement& s, int at, const value& v) {
    switch (v.kind()) {
    case value_kind::null: s.bind_null(at); return;
    case value_kind::boolean: s.bind(at, v.as_boolean() ? 1 : 0); return;
    case value_kind::integer: s.bind(at, v.as_integer()); return;
    case value_kind::real: s.bind_real(at, v.as_real()); return;
    case value_kind::decimal:
    case value_kind::text:
    case value_kind::json: s.lend_text(at, v.as_string()); return;
    case value_kind::bytes: s.lend_blob(at, v.as_string()); return;
    case value_kind::time:
        if (const auto text = sqlite_time_text(v.as_time())) s.bind_text(at, *text);
        else s.bind_null(at);
        return;
    }
}

/// The value in column @p at as a field of @p kind. Content that is not of that kind keeps its own: nothing is changed by
/// reading a row and writing it back, but for how a time is spelt.
[[nodiscard]] inline value read_sqlite_value(const sqlite_statement& s, int at, value_kind kind) {
    switch (s.column_type(at)) {
    case SQLITE_INTEGER: {
        const std::int64_t n = s.column_integer(at);
        if (kind == value_kind::boolean && (n == 0 || n == 1)) return value::boolean(n == 1);
        return value::integer(n);
    }
    case SQLITE_FLOAT: return value::real(s.column_real(at));
    case SQLITE_TEXT: {
        const std::string_view text = s.column_text(at);
        if (kind == value_kind::json) return value::json(std::string{text});
        if (kind == value_kind::time)
            if (const auto t = sqlite_time_of(text)) return value::time(*t);
        if (kind == value_kind::decimal && sqlite_is_decimal(text)) return value::decimal(std::string{text});
        return value::text(std::string{text});
    }
    case SQLITE_BLOB: return value::bytes(std::string{s.column_blob(at)});
    default: return value::null();
    }
}

/// Binds the sync key @p key as a key column of @p kind (text, integer, bytes) stores it. It is lent: it must outlive the run.
/// @return false when it is not of that kind's form: canonical decimal digits, a lower-case UUID with dashes.
inline bool bind_sqlite_key(sqlite_statement& s, int at, const std::string& key, value_kind kind) {
    switch (kind) {
    case value_kind::text: s.lend_text(at, key); return true;
    case value_kind::integer: {
        std::int64_t n = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), n);
        if (error != std::errc{} || end != key.data() + key.size() || std::to_string(n) != key) return false;
        s.bind(at, n);
        return true;
    }
    case value_kind::bytes: {
        const auto id = parse_uuid(key);
        if (!id || to_string(*id) != key) return false;
        s.bind_blob(at, std::string_view{reinterpret_cast<const char*>(id->bytes.data()), id->bytes.size()});
        return true;
    }
    default: return false;
    }
}

bool bind_sqlite_key(sqlite_statement& s, int at, const std::string&& gone, value_kind kind) = delete;

/// The sync key in column @p at; nothing where the content cannot name a record: null, not of @p kind, or a text that is no key (`why_no_key`).
[[nodiscard]] inline std::optional<std::string> read_sqlite_key(const sqlite_statement& s, int at, value_kind kind) {
    const int type = s.column_type(at);
    if (kind == value_kind::text && type == SQLITE_TEXT) {
        const std::string_view text = s.column_text(at);
        if (!why_no_key(text).empty()) return std::nullopt;
        return std::string{text};
    }
    if (kind == value_kind::integer && type == SQLITE_INTEGER) return std::to_string(s.column_integer(at));
    if (kind == value_kind::bytes && type == SQLITE_BLOB) {
        const std::string_view octets = s.column_blob(at);
        uuid id;
        if (octets.size() != id.bytes.size()) return std::nullopt;
        std::memcpy(id.bytes.data(), octets.data(), id.bytes.size());
        return to_string(id);
    }
    return std::nullopt;
}

SYNCLINE_NAMESPACE_END

#endif
