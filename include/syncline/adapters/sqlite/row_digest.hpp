#ifndef SYNCLINE_ADAPTERS_SQLITE_ROW_DIGEST_HPP
#define SYNCLINE_ADAPTERS_SQLITE_ROW_DIGEST_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

// What a device keeps of a row whose image lies nowhere but in the app's table: eight octets for each field. Enough to tell afterwards which fields
// somebody changed where no trigger saw it, not to tell what they were.

/// How many octets of a row's digest stand for one field.
inline constexpr std::size_t sqlite_field_digest_size = 8;

/// A digest of kind and content of @p v: FNV-1a over their octets, its bits mixed as in MurmurHash3. Never 0, which stands for "not known".
[[nodiscard]] inline std::uint64_t sqlite_value_digest(const value& v) noexcept {
    std::uint64_t h = 0xcbf29ce484222325u;
    const auto add = [&h](unsigned char octet) { h = (h ^ octet) * 0x100000001b3u; };
    add(static_cast<unsigned char>(v.kind()));
    std::uint64_t number = 0;
    switch (v.kind()) {
    case value_kind::boolean: number = v.as_boolean() ? 1 : 0; break;
    case value_kind::integer: number = static_cast<std::uint64_t>(v.as_integer()); break;
    case value_kind::real: number = std::bit_cast<std::uint64_t>(v.as_real()); break;
    case value_kind::time: number = static_cast<std::uint64_t>(to_microseconds(v.as_time())); break;
    default: break;
    }
    for (int i = 0; i < 8; ++i, number >>= 8) add(static_cast<unsigned char>(number));
    for (const char c : v.as_string()) add(static_cast<unsigned char>(c));
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    h ^= h >> 33;
    return h == 0 ? 1 : h;
}

/// Appends one field's digest to a row's.
inline void append_sqlite_digest(std::string& row_digest, std::uint64_t field) {
    for (std::size_t i = 0; i < sqlite_field_digest_size; ++i, field >>= 8) row_digest.push_back(static_cast<char>(static_cast<unsigned char>(field)));
}

/// The digest of a row before those of its fields: a row without fields is there, too.
[[nodiscard]] inline std::string begin_sqlite_digest() { return std::string(1, '\x01'); }

/// The digest of @p row: its beginning, then field by field; empty where there is no row.
[[nodiscard]] inline std::string sqlite_row_digest(const std::optional<record>& row) {
    if (!row) return {};
    std::string out = begin_sqlite_digest();
    for (const auto& v : row->fields) append_sqlite_digest(out, sqlite_value_digest(v));
    return out;
}

/// The digest of field number @p at in a row's; 0: not known.
[[nodiscard]] inline std::uint64_t sqlite_field_digest(std::string_view row_digest, std::size_t at) noexcept {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sqlite_field_digest_size; ++i) {
        const std::size_t octet = 1 + at * sqlite_field_digest_size + i;
        if (octet >= row_digest.size()) return 0;
        out |= static_cast<std::uint64_t>(static_cast<unsigned char>(row_digest[octet])) << (8 * i);
    }
    return out;
}

/// The fields of @p row that are not what @p row_digest was made of. A field whose digest is not known counts as unchanged.
[[nodiscard]] inline field_set fields_unlike_sqlite_digest(const record& row, std::string_view row_digest) {
    field_set out;
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
        const std::uint64_t known = sqlite_field_digest(row_digest, i);
        if (known != 0 && known != sqlite_value_digest(row.fields[i])) out.insert(static_cast<field_index>(i));
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
