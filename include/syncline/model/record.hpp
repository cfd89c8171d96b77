#ifndef SYNCLINE_MODEL_RECORD_HPP
#define SYNCLINE_MODEL_RECORD_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The position of a model in its `schema_set`.
using model_id = std::uint32_t;

/// Names one record: its model, and its sync key as text. A store maps the text to the app's own key column
/// (integer keys print as decimal digits, UUID blobs in the dashed form).
struct record_key {
    model_id model = 0;
    std::string key;

    friend auto operator<=>(const record_key&, const record_key&) = default;
    friend bool operator==(const record_key&, const record_key&) = default;
};

/// The longest key of a record that travels, in octets.
inline constexpr std::size_t max_key_length = 255;

/// Why @p key can name no record, whatever its model, to be put behind the name of what holds it; empty: it can, being UTF-8 of 1 to 255 octets without
/// NUL.
[[nodiscard]] constexpr std::string_view why_no_key(std::string_view key) noexcept {
    if (key.empty()) return "is empty";
    if (key.size() > max_key_length) return "is longer than 255 octets";
    if (has_nul(key)) return "contains a NUL";
    if (!is_valid_utf8(key)) return "is not UTF-8";
    return {};
}

/// The fields of one record in the order of its schema; the key stands beside it, not in it.
struct record {
    std::vector<value> fields;

    friend bool operator==(const record&, const record&) = default;
};

/// The fields in which two records of one model differ. @pre both have the same number of fields
[[nodiscard]] inline field_set differing_fields(const record& a, const record& b) {
    field_set out;
    const std::size_t n = a.fields.size() < b.fields.size() ? a.fields.size() : b.fields.size();
    for (std::size_t i = 0; i < n; ++i)
        if (!(a.fields[i] == b.fields[i])) out.insert(static_cast<field_index>(i));
    return out;
}

/// Hash of a record key, for unordered containers.
struct record_key_hash {
    [[nodiscard]] std::size_t operator()(const record_key& k) const noexcept {
        return std::hash<std::string>{}(k.key) * 31u + k.model;
    }
};

SYNCLINE_NAMESPACE_END

#endif
