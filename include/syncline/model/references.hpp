#ifndef SYNCLINE_MODEL_REFERENCES_HPP
#define SYNCLINE_MODEL_REFERENCES_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The key of the record that @p v refers to, as a store's text form of keys; nothing where it can name none.
[[nodiscard]] inline std::optional<std::string> referenced_key(const value& v) {
    if (v.kind() == value_kind::text) return v.as_string();
    if (v.kind() == value_kind::integer) return std::to_string(v.as_integer());
    uuid id;
    if (v.kind() != value_kind::bytes || v.as_string().size() != id.bytes.size()) return std::nullopt;
    std::memcpy(id.bytes.data(), v.as_string().data(), id.bytes.size());
    return to_string(id);
}

/// The names of the records that a row refers to; references to models that are not registered are passed over.
/// @param only  the reference fields to look at
[[nodiscard]] inline std::vector<record_key> references_of(const schema_set& schemas, model_id model, const record& row, const field_set& only) {
    std::vector<record_key> out;
    for (const auto& reference : schemas[model].references) {
        if (!only.contains(reference.field) || reference.field >= row.fields.size()) continue;
        const auto target = schemas.find(reference.model);
        if (!target) continue;
        if (auto key = referenced_key(row.fields[reference.field])) out.push_back({*target, std::move(*key)});
    }
    return out;
}

/// The same for all reference fields.
[[nodiscard]] inline std::vector<record_key> references_of(const schema_set& schemas, model_id model, const record& row) {
    return references_of(schemas, model, row, schemas[model].all_fields());
}

/// Orders records so that each stands after those of them that it refers to, and otherwise as given; within a cycle as the walk meets them.
/// @param keys        the records, each once
/// @param references  what each of them refers to, by the same positions
/// @return positions in @p keys. Complexity: linear in records and references
[[nodiscard]] inline std::vector<std::size_t> referenced_first(const std::vector<record_key>& keys,
                                                               const std::vector<std::vector<record_key>>& references) {
    std::vector<std::size_t> out(keys.size());
    std::iota(out.begin(), out.end(), std::size_t{0});
    if (std::all_of(references.begin(), references.end(), [](const auto& r) { return r.empty(); })) return out;
    out.clear();
    std::unordered_map<record_key, std::size_t, record_key_hash> at;
    for (std::size_t i = 0; i < keys.size(); ++i) at.emplace(keys[i], i);
    std::vector<bool> met(keys.size(), false);
    // An explicit stack: a chain of self-references may be as long as the table.
    std::vector<std::pair<std::size_t, std::size_t>> stack;  // a record, and which of its references is next
    for (std::size_t start = 0; start < keys.size(); ++start) {
        if (met[start]) continue;
        met[start] = true;
        stack.emplace_back(start, 0);
        while (!stack.empty()) {
            const std::size_t i = stack.back().first;
            if (stack.back().second == references[i].size()) {
                out.push_back(i);
                stack.pop_back();
                continue;
            }
            const auto next = at.find(references[i][stack.back().second++]);
            if (next == at.end() || met[next->second]) continue;
            met[next->second] = true;
            stack.emplace_back(next->second, 0);
        }
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
