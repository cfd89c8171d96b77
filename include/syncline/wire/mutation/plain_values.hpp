#ifndef SYNCLINE_WIRE_MUTATION_PLAIN_VALUES_HPP
#define SYNCLINE_WIRE_MUTATION_PLAIN_VALUES_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/value_json.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// How a server that does not know our optional members holds values that JSON has no form for (sheet `mutation` 2.1: whatever the PHP model
/// holds at that moment).
struct plain_values {
    /// JSON fields are sent as encoded text, as a raw column holds them. Off: nested, for a model that casts the column, which would encode
    /// the text once more (W17). Either is read.
    bool json_as_text = true;
    /// The zone of times that name none, east of UTC. Times are sent in it as `Y-m-d H:i:s`, with a fraction only where there is one.
    std::chrono::minutes zone{0};
};

/// Writes @p v as a foreign server of the mutation wire takes it.
inline void write_plain_value(json_writer& out, const value& v, const plain_values& as) {
    if (v.kind() == value_kind::time && format_rfc3339(v.as_time())) {  // far outside the calendar no zone could be added
        const timestamp there = v.as_time() + as.zone;
        const bool whole = to_microseconds(there) % 1'000'000 == 0;
        if (auto text = format_rfc3339(there, whole ? 0 : 6)) {
            (*text)[10] = ' ';
            text->pop_back();
            return out.string(*text);
        }
    }
    if (v.kind() == value_kind::json && as.json_as_text && is_valid_utf8(v.as_string())) return out.string(v.as_string());
    write_untagged(out, v);
}

namespace detail {

// A time with a zone, or without one in @p zone; a date alone is its midnight.
[[nodiscard]] inline std::optional<timestamp> plain_time(std::string_view from, std::chrono::minutes zone) {
    std::string text{from};
    if (text.size() == 10) text.append("T00:00:00");
    if (text.size() < 19) return std::nullopt;
    if (text[10] == ' ') text[10] = 'T';
    const auto offset = text.find_first_of("+-Zz", 19);
    const bool zoned = offset != std::string::npos;
    if (!zoned) text.push_back('Z');
    if (zoned && text.size() == offset + 3) text.append(":00");  // PostgreSQL writes `+00`
    const auto t = parse_rfc3339(text);
    if (!t) return std::nullopt;
    return zoned ? *t : *t - zone;
}

}  // namespace detail

/// Reads what a foreign server of the mutation wire sends: what `read_value` takes, and reals as text, an empty text for false, times
/// without a zone, dates, and JSON columns as encoded text.
/// @return `errc::malformed_value`, naming the field and what it takes
[[nodiscard]] inline result<value> read_plain_value(json_view v, const field_schema& field, const plain_values& as) {
    if (v.is_string()) {
        const std::string_view text = v.as_string();
        if (field.kind == value_kind::boolean && text.empty()) return value::boolean(false);
        if (field.kind == value_kind::real) {
            const auto number = json_tape::parse(text);
            if (number && number->root().is_number()) return value::real(number->root().as_real());
        }
        if (field.kind == value_kind::time) {
            if (const auto t = detail::plain_time(text, as.zone)) return value::time(*t);
            return detail::not_a(field, "a time such as 2026-01-31 12:00:00");
        }
        if (field.kind == value_kind::json) {
            const auto inside = json_tape::parse(text);
            if (inside && !inside->root().is_null()) {
                std::string document;
                json_writer w{document};
                inside->root().write_to(w);
                return value::json(std::move(document));
            }
        }
    }
    return read_value(v, field);
}

SYNCLINE_NAMESPACE_END

#endif
