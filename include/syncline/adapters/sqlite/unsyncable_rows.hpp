#ifndef SYNCLINE_ADAPTERS_SQLITE_UNSYNCABLE_ROWS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_UNSYNCABLE_ROWS_HPP

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/hex.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A row of an app's table that is not synced, since what its key column holds can name no record.
struct unsyncable_row {
    std::string model;
    std::optional<std::int64_t> rowid;  ///< by which SQL reaches it, where the table has one
    std::string key;                    ///< what the key column holds, as an SQL literal; long ones are cut, with `...` behind
    std::string why;                    ///< such as "the key is NULL"

    friend bool operator==(const unsyncable_row&, const unsyncable_row&) = default;
};

/// The rows of a store's tables that are not synced for their keys.
struct unsyncable_rows {
    std::uint64_t count = 0;
    std::vector<unsyncable_row> rows;  ///< the first of them by model and, as a rule, key; at most as many as were asked for
};

namespace detail {

// Octets as an SQL literal: text in quotes where it is plain text, else in hexadecimal digits.
[[nodiscard]] inline std::string sqlite_literal(std::string_view octets, bool text) {
    constexpr std::size_t most = 64;
    const bool cut = octets.size() > most;
    std::string_view shown = octets.substr(0, most);
    while (cut && text && !shown.empty() && (static_cast<unsigned char>(octets[shown.size()]) & 0xc0U) == 0x80U) shown.remove_suffix(1);
    const bool plain = text && is_valid_utf8(shown) && !has_nul(shown);
    std::string out = plain ? "'" : text ? "CAST(x'" : "x'";
    if (plain)
        for (const char c : shown) out.append(c == '\'' ? 2U : 1U, c);
    else
        out.append(hex_encode(shown));
    return out.append(cut ? "..." : text && !plain ? "' AS TEXT)" : "'");
}

// Why the key in column @p at names no record, and the key as a literal; nothing: it does.
[[nodiscard]] inline std::optional<std::pair<std::string, std::string>> sqlite_bad_key(const sqlite_statement& s, int at, value_kind kind) {
    const std::string wanted = kind == value_kind::text ? "text" : kind == value_kind::integer ? "an integer" : "a blob of 16 octets";
    switch (s.column_type(at)) {
    case SQLITE_NULL: return std::pair{std::string{"the key is NULL"}, std::string{"NULL"}};
    case SQLITE_TEXT: {
        const std::string_view text = s.column_text(at);
        const std::string_view why = kind == value_kind::text ? why_no_key(text) : std::string_view{};
        if (kind == value_kind::text && why.empty()) return std::nullopt;
        return std::pair{why.empty() ? "the key is text, and not " + wanted : std::string{"the key "}.append(why), sqlite_literal(text, true)};
    }
    case SQLITE_BLOB: {
        const std::string_view octets = s.column_blob(at);
        if (kind == value_kind::bytes && octets.size() == 16) return std::nullopt;
        return std::pair{"the key is a blob of " + std::to_string(octets.size()) + " octets, and not " + wanted, sqlite_literal(octets, false)};
    }
    default: break;
    }
    const bool whole = s.column_type(at) == SQLITE_INTEGER;
    if (whole && kind == value_kind::integer) return std::nullopt;
    return std::pair{std::string{whole ? "the key is an integer" : "the key is a real number"}.append(", and not ").append(wanted), std::string{s.column_text(at)}};
}

}  // namespace detail

/// Adds to @p out the rows of @p table that are not synced for their keys: NULL, of another type than the column's, and text that is no key (`why_no_key`).
/// Rows in the trash are no rows. Complexity: reads every row's key.
/// @param limit  how many rows `out.rows` is to have at most
[[nodiscard]] inline result<void> find_unsyncable_rows(sqlite_database& db, const sqlite_table& table, const model_schema& model, std::size_t limit,
                                                       unsyncable_rows& out) {
    const std::string rowid = table.rowid_column.empty() ? table.rowid_name : sqlite_quoted(table.rowid_column);
    const bool numbered = !table.without_rowid && !rowid.empty();
    std::string sql{"SELECT "};
    sql.append(sqlite_quoted(model.key_name)).append(",").append(numbered ? rowid : "NULL").append(" FROM main.").append(sqlite_quoted(table.name));
    if (model.times.deleted_at.is_there()) sql.append(" WHERE ").append(sqlite_quoted(model.times.deleted_at.name)).append(" IS NULL");
    auto s = db.prepare(sql);
    if (!s) return s.error();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.error();
        if (!*row) return {};
        auto bad = detail::sqlite_bad_key(*s, 0, model.key_kind);
        if (auto ok = s->row_read(); !ok) return ok;
        if (!bad) continue;
        ++out.count;
        if (out.rows.size() >= limit) continue;
        out.rows.push_back({model.name, numbered ? std::optional{s->column_integer(1)} : std::nullopt, std::move(bad->second), std::move(bad->first)});
    }
}

SYNCLINE_NAMESPACE_END

#endif
