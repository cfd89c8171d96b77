#ifndef SYNCLINE_CONFLICT_TIME_TEXTS_HPP
#define SYNCLINE_CONFLICT_TIME_TEXTS_HPP

#include <syncline/change/intent.hpp>
#include <syncline/conflict/instant_merges.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Whether a text in @p field stands for a time: in a field of times, and in one whose merge compares instants.
[[nodiscard]] inline bool takes_times(const field_schema& field) noexcept {
    return field.kind == value_kind::time || field.merge == &merges::later::erased || field.merge == &merges::earlier::erased;
}

/// Checks that @p v is no text of an ad hoc form, such as `2026:05:02 09:00:00`, where a time belongs (`takes_times`). In a field of times any text is
/// one: what says a time is a time there (`parse_date_time`), and a text would compare as letters and go to foreign peers as an object.
/// @return `errc::malformed_value`, naming model, record, field and text, and what to write
[[nodiscard]] inline result<void> check_time_text(const model_schema& schema, std::string_view key, const field_schema& field, const value& v) {
    if (v.kind() != value_kind::text || !takes_times(field)) return {};
    const bool typed = field.kind == value_kind::time;
    const auto read = typed ? parse_date_time(v.as_string()) : parse_rfc3339(v.as_string());
    if (read && !typed) return {};
    std::string text{"the field `"};
    text.append(field.name).append("` of `").append(schema.name).append("` `").append(key).append("` holds `").append(text_of(value::decimal(v.as_string()), 64)).append("`");  // cut as a decimal is: without quotes
    if (read) return fault{errc::malformed_value, text.append(" as text, and takes a time: give it as one (`value::time`)")};
    text.append(", which is no time; write it in RFC 3339 and UTC, such as 2026-01-31T12:00:00Z");
    if (typed) text.append(", or as SQLite does, 2026-01-31 12:00:00");
    return fault{errc::malformed_value, text.append(" (").append(read.error().detail).append(")")};
}

/// The same for those of @p fields of a row.
[[nodiscard]] inline result<void> check_time_texts(const model_schema& schema, std::string_view key, const record& row, const field_set& fields) {
    for (std::size_t f = 0; f < schema.fields.size() && f < row.fields.size(); ++f)
        if (fields.contains(static_cast<field_index>(f)))
            if (auto r = check_time_text(schema, key, schema.fields[f], row.fields[f]); !r) return r;
    return {};
}

/// The same for what @p after has otherwise than @p before. A field that the host's own SQL left with such a text may come back as it is, since a write of
/// the bundle wire names every column.
[[nodiscard]] inline result<void> check_time_texts(const model_schema& schema, std::string_view key, const std::optional<record>& before, const record& after) {
    return check_time_texts(schema, key, after, before ? differing_fields(*before, after) : schema.all_fields());
}

/// The same for what @p what sends. What it leaves as it was is not looked at: the other side has that already.
[[nodiscard]] inline result<void> check_time_texts(const schema_set& schemas, const intent& what) {
    const model_schema& schema = schemas[what.key.model];
    for (const auto& change : what.changes)
        if (change.field < schema.fields.size() && !schema.fields[change.field].read_only)
            if (auto r = check_time_text(schema, what.key.key, schema.fields[change.field], change.to); !r) return r;
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
