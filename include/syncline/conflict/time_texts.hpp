#ifndef SYNCLINE_CONFLICT_TIME_TEXTS_HPP
#define SYNCLINE_CONFLICT_TIME_TEXTS_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Whether a text in @p field stands for a time: in a field of times, and in one whose merge compares instants (`field_merge::is_time`).
[[nodiscard]] inline bool takes_times(const field_schema& field) noexcept {
    return field.kind == value_kind::time || (field.merge != nullptr && field.merge->is_time != nullptr);
}

/// Checks that @p v is no text of an ad hoc form, such as `2026:05:02 09:00:00`, where a time belongs (`takes_times`). In a field of times any text is
/// one: what reads a row makes a time of what says one, and a text would compare as letters and go to foreign peers as an object.
/// @return `errc::malformed_value`, naming model, record, field and text, and what to write
[[nodiscard]] inline result<void> check_time_text(const model_schema& schema, std::string_view key, const field_schema& field, const value& v) {
    if (v.kind() != value_kind::text || !takes_times(field)) return {};
    const bool typed = field.kind == value_kind::time;
    if (!typed && field.merge->is_time(v.as_string())) return {};
    const std::string shown = text_of(value::decimal(v.as_string()), 64);  // cut as a text is, without quotes
    return make_fault(errc::malformed_value, "the field `", field.name, "` of `", schema.name, "` `", key, "` holds `", shown,
                      "`, which is no time; write it in RFC 3339 and UTC, such as 2026-01-31T12:00:00Z",
                      typed ? ", or as SQLite does, 2026-01-31 12:00:00; a program gives a `value::time`" : "");
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
