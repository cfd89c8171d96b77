#ifndef SYNCLINE_MODEL_REFERENCES_HPP
#define SYNCLINE_MODEL_REFERENCES_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/version.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The key of the record that @p v refers to, as a store's text form of keys; nothing for null and for what is no key.
[[nodiscard]] inline std::optional<std::string> referenced_key(const value& v) {
    if (v.kind() == value_kind::text) return v.as_string();
    if (v.kind() == value_kind::integer) return std::to_string(v.as_integer());
    return std::nullopt;
}

/// The names of the records of registered models that a row refers to, in the order of the schema's references.
/// @param only  the fields to look at
[[nodiscard]] inline std::vector<record_key> references_of(const schema_set& schemas, model_id model, const record& row,
                                                           const field_set& only) {
    std::vector<record_key> out;
    for (const auto& reference : schemas[model].references) {
        if (!only.contains(reference.field) || reference.field >= row.fields.size()) continue;
        const auto target = schemas.find(reference.model);
        if (!target) continue;
        if (auto key = referenced_key(row.fields[reference.field])) out.push_back({*target, *std::move(key)});
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
