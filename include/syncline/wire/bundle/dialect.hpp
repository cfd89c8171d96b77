#ifndef SYNCLINE_WIRE_BUNDLE_DIALECT_HPP
#define SYNCLINE_WIRE_BUNDLE_DIALECT_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/canonical_json.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/value_json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// What differs between the generations of the protocol (sheet `bundle`, 0), and nothing else: paths, members, codes and flows are the same in
/// all. Server and device take it from their `table_names`, so one more generation is one more constant of this type.
struct dialect {
    /// What capabilities say as `protocol_version`.
    std::string_view protocol_version;
    /// A member that a create must carry as a string, beside those that every generation has; empty: none.
    std::string_view needed_in_create;
    /// Writes the fields of a row into the payload that is open, but for those that are left out.
    void (*write_fields)(json_writer& w, const model_schema& schema, const record& row, const field_set& left_out);
    /// Reads a field of a payload. @return `errc::malformed_value`
    result<value> (*read_field)(json_view v, const field_schema& field);
    /// Appends what a row of a bundle adds to the text that the bundle's hash is of: one element of a JSON array.
    /// @param row      as it stands on the wire
    /// @param ordinal  of the row in its bundle, from 0
    result<void> (*append_hashed)(std::string& text, json_view row, std::size_t ordinal);
};

namespace detail {

// Sheet 2.11: canonical JSON with every number rounded to a double, so that a peer that knows no others computes the same.
[[nodiscard]] inline result<void> append_hashed_g0(std::string& text, json_view row, std::size_t ordinal) {
    const auto key = row.find("key");
    const auto version = row.find("row_version");
    if (!key || !version) return make_fault(errc::malformed_message, "a row of a bundle has `key` and `row_version`");
    const auto member = [&](std::string_view name) {
        const auto v = row.find(name);
        return v ? v->as_string() : std::string_view{};
    };
    auto canonical = canonical_json(*key);
    if (!canonical) return std::move(canonical).error();
    text.append("{\"key\":").append(*canonical).append(",\"op\":");
    append_canonical_string(text, member("op"));
    text.append(",\"payload\":");
    const auto payload = row.find("payload");
    canonical = payload ? canonical_json(*payload) : result<std::string>{std::string{"null"}};
    if (!canonical) return std::move(canonical).error();
    text.append(*canonical).append(",\"row_ordinal\":");
    if (auto r = append_canonical_number(text, static_cast<double>(ordinal)); !r) return r;
    text.append(",\"row_version\":");
    if (auto r = append_canonical_number(text, version->as_real()); !r) return r;
    text.append(",\"schema\":");
    append_canonical_string(text, member("schema"));
    text.append(",\"table\":");
    append_canonical_string(text, member("table"));
    text.append("}");
    return {};
}

inline void write_fields_g0(json_writer& w, const model_schema& schema, const record& row, const field_set& left_out) {
    write_fields(w, schema, row, left_out);
}
[[nodiscard]] inline result<value> read_field_g0(json_view v, const field_schema& field) { return read_value(v, field); }

}  // namespace detail

/// The generation of go-oversync v0.2.1: numbers are JSON numbers. This side writes them with all their digits, which a peer that rounds to
/// doubles reads as it always did; only the hash is over the rounded ones.
inline constexpr dialect g0{"v1", {}, &detail::write_fields_g0, &detail::read_field_g0, &detail::append_hashed_g0};

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
