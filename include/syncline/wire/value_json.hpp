#ifndef SYNCLINE_WIRE_VALUE_JSON_HPP
#define SYNCLINE_WIRE_VALUE_JSON_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/base64.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The member that marks a value whose kind is not its field's natural one; its content stands beside it in `value`.
inline constexpr std::string_view tagged_value_member = "$syncline";

namespace detail {

// A whole number as text from a foreign peer or a tagged value: digits with an optional sign, nothing else.
[[nodiscard]] inline std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

inline void write_tagged(json_writer& out, std::string_view kind, std::string_view content) {
    out.begin_object();
    out.key(tagged_value_member);
    out.string(kind);
    out.key("value");
    out.string(content);
    out.end_object();
}

[[nodiscard]] inline bool is_tagged(json_view v) {
    return v.is_object() && v.size() == 2 && v.find(tagged_value_member) && v.find("value");
}

// A document that comes out of a parser and our writer byte for byte can stand in the message as it is. It must leave room for the depth of
// the message around it, and `null` would read back as the absence of a document.
[[nodiscard]] inline bool survives_embedding(const std::string& document) {
    json_limits limits;
    limits.max_depth /= 2;
    const auto tape = json_tape::parse(document, limits);
    if (!tape || tape->root().is_null() || detail::is_tagged(tape->root())) return false;
    std::string again;
    json_writer w{again};
    tape->root().write_to(w);
    return again == document;
}

[[nodiscard]] inline fault not_a(const field_schema& field, std::string_view wanted) {
    return make_fault(errc::malformed_value, "field `", field.name, "` takes ", wanted);
}

[[nodiscard]] inline result<value> read_tagged(json_view v, const field_schema& field) {
    const auto kind = v.find(tagged_value_member)->as_string();
    const auto content = v.find("value")->as_string();
    const auto octets = [&]() -> result<std::string> {
        auto decoded = base64_decode(content);
        if (!decoded) return not_a(field, "base64 in a tagged value");
        return decoded;
    };
    if (kind == name_of(value_kind::boolean)) {
        if (content == "1" || content == "0") return value::boolean(content == "1");
        return not_a(field, "1 or 0 in a tagged boolean");
    }
    if (kind == name_of(value_kind::integer) || kind == name_of(value_kind::time)) {
        const auto n = whole_number(content);
        if (!n) return not_a(field, "a whole number in a tagged value");
        return kind == name_of(value_kind::time) ? value::time(from_microseconds(*n)) : value::integer(*n);
    }
    auto text = octets();
    if (!text) return std::move(text).error();
    if (kind == name_of(value_kind::real)) {
        if (text->size() != 8) return not_a(field, "eight octets in a tagged real");
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | static_cast<unsigned char>((*text)[i]);
        return value::real(std::bit_cast<double>(bits));
    }
    if (kind == name_of(value_kind::decimal)) return value::decimal(std::move(*text));
    if (kind == name_of(value_kind::text)) return value::text(std::move(*text));
    if (kind == name_of(value_kind::bytes)) return value::bytes(std::move(*text));
    if (kind == name_of(value_kind::json)) return value::json(std::move(*text));
    return not_a(field, "a tagged value of a known kind");
}

}  // namespace detail

/// Writes @p v as JSON: in the plain form of its field's kind (sheet `mutation` 2.1: booleans, numbers and strings; bytes as base64,
/// times as RFC 3339, JSON columns nested), or tagged with its own kind where that would not bring it back exactly.
inline void write_value(json_writer& out, const field_schema& field, const value& v) {
    if (v.is_null()) return out.null();
    if (v.kind() == field.kind) {
        switch (v.kind()) {
        case value_kind::boolean: return out.boolean(v.as_boolean());
        case value_kind::integer: return out.integer(v.as_integer());
        case value_kind::real:
            if (std::isfinite(v.as_real())) return out.real(v.as_real());
            break;
        case value_kind::decimal:
        case value_kind::text:
            if (is_valid_utf8(v.as_string())) return out.string(v.as_string());
            break;
        case value_kind::bytes: return out.string(base64_encode(v.as_string()));
        case value_kind::time:
            if (const auto text = format_rfc3339(v.as_time())) return out.string(*text);
            break;
        case value_kind::json:
            if (detail::survives_embedding(v.as_string())) return out.raw(v.as_string());
            break;
        case value_kind::null: break;
        }
    }
    switch (v.kind()) {
    case value_kind::boolean: return detail::write_tagged(out, name_of(v.kind()), v.as_boolean() ? "1" : "0");
    case value_kind::integer: return detail::write_tagged(out, name_of(v.kind()), std::to_string(v.as_integer()));
    case value_kind::time: return detail::write_tagged(out, name_of(v.kind()), std::to_string(to_microseconds(v.as_time())));
    case value_kind::real: {
        std::string octets;
        const auto bits = std::bit_cast<std::uint64_t>(v.as_real());
        for (int shift = 56; shift >= 0; shift -= 8) octets.push_back(static_cast<char>(static_cast<unsigned char>(bits >> shift)));
        return detail::write_tagged(out, name_of(v.kind()), base64_encode(octets));
    }
    case value_kind::null:
    case value_kind::decimal:
    case value_kind::text:
    case value_kind::bytes:
    case value_kind::json: return detail::write_tagged(out, name_of(v.kind()), base64_encode(v.as_string()));
    }
}

/// Writes @p v for a peer that knows no tagged values, in the plain form of its own kind whatever its field's is. What JSON cannot hold is
/// null (a real that is no number), or base64 (text that is not UTF-8), or text (a document that cannot stand within another one).
inline void write_untagged(json_writer& out, const value& v) {
    field_schema own;
    own.kind = v.kind();
    switch (v.kind()) {
    case value_kind::real:
        if (!std::isfinite(v.as_real())) return out.null();
        break;
    case value_kind::decimal:
    case value_kind::text:
    case value_kind::json:
        if (!is_valid_utf8(v.as_string())) return out.string(base64_encode(v.as_string()));
        if (v.kind() == value_kind::json && !detail::survives_embedding(v.as_string())) return out.string(v.as_string());
        break;
    case value_kind::time:
        if (!format_rfc3339(v.as_time())) return out.integer(to_microseconds(v.as_time()));
        break;
    case value_kind::null:
    case value_kind::boolean:
    case value_kind::integer:
    case value_kind::bytes: break;
    }
    write_value(out, own, v);
}

/// Reads what `write_value` wrote, and what foreign peers write: booleans as 0 and 1 or text, numbers as text, decimals as numbers, times
/// as SQLite says them (`parse_date_time`).
/// @return `errc::malformed_value`, naming the field and what it takes
[[nodiscard]] inline result<value> read_value(json_view v, const field_schema& field) {
    if (v.is_null()) return value::null();
    if (detail::is_tagged(v)) return detail::read_tagged(v, field);
    switch (field.kind) {
    case value_kind::null: break;
    case value_kind::boolean: {
        if (v.is_boolean()) return value::boolean(*v.as_bool());
        const auto text = v.is_string() ? v.as_string() : v.number_text();
        if (text == "1" || text == "true") return value::boolean(true);
        if (text == "0" || text == "false") return value::boolean(false);
        return detail::not_a(field, "true or false");
    }
    case value_kind::integer: {
        if (v.is_boolean()) return value::integer(*v.as_bool() ? 1 : 0);
        const auto n = v.is_string() ? detail::whole_number(v.as_string())
                       : v.is_number() ? integral_json_number(v.number_text()) : std::nullopt;
        if (n) return value::integer(*n);
        return detail::not_a(field, "a whole number of 64 bits");
    }
    case value_kind::real:
        if (v.is_number()) return value::real(v.as_real());
        return detail::not_a(field, "a number");
    case value_kind::decimal:
        if (v.is_string()) return value::decimal(std::string{v.as_string()});
        if (v.is_number()) return value::decimal(std::string{v.number_text()});
        return detail::not_a(field, "a decimal number");
    case value_kind::text:
        if (v.is_string()) return value::text(std::string{v.as_string()});
        if (v.is_number()) return value::text(std::string{v.number_text()});
        return detail::not_a(field, "text");
    case value_kind::bytes:
        if (v.is_string())
            if (auto octets = base64_decode(v.as_string())) return value::bytes(std::move(*octets));
        return detail::not_a(field, "octets as base64");
    case value_kind::time: {
        if (!v.is_string()) return detail::not_a(field, "a time in RFC 3339");
        if (auto t = parse_date_time(v.as_string())) return value::time(*t);
        return detail::not_a(field, "a time in RFC 3339, such as 2026-01-31T12:00:00Z");
    }
    case value_kind::json: {
        std::string document;
        json_writer w{document};
        v.write_to(w);
        return value::json(std::move(document));
    }
    }
    return detail::not_a(field, "nothing that JSON can hold");
}

/// Writes the fields of @p row as the members of an object that the caller has opened, for a peer that knows no tagged values.
inline void write_untagged_fields(json_writer& out, const model_schema& schema, const record& row) {
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
        out.key(schema.fields[f].name);
        write_untagged(out, f < row.fields.size() ? row.fields[f] : value{});
    }
}

/// Writes the fields of @p row but those in @p left_out as the members of an object that the caller has opened.
inline void write_fields(json_writer& out, const model_schema& schema, const record& row, const field_set& left_out = {}) {
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
        if (left_out.contains(static_cast<field_index>(f))) continue;
        out.key(schema.fields[f].name);
        write_value(out, schema.fields[f], f < row.fields.size() ? row.fields[f] : value{});
    }
}

SYNCLINE_NAMESPACE_END

#endif
