#ifndef SYNCLINE_ADAPTERS_SQLITE_UNSYNCABLE_ROWS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_UNSYNCABLE_ROWS_HPP

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/conflict/time_texts.hpp>
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

/// A row of an app's table that is not synced, since what its key column holds can name no record; or not as it should be, since one of its columns
/// holds a text where a time belongs.
struct unsyncable_row {
    std::string model;
    std::optional<std::int64_t> rowid;  ///< by which SQL reaches it, where the table has one
    std::string key;                    ///< what the key column holds, as an SQL literal; long ones are cut, with `...` behind
    std::string why;                    ///< such as "the key is NULL", or what `check_time_text` says

    friend bool operator==(const unsyncable_row&, const unsyncable_row&) = default;
};

/// The rows of a store's tables that are not synced, or not as they should be.
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

// Adds the rows that have a text where a time belongs (`check_time_text`): the first such field of each is told.
// @param from  the table, with the condition that the row is there
[[nodiscard]] inline result<void> find_sqlite_time_texts(sqlite_database& db, const model_schema& model, const std::string& rowid, const std::string& from,
                                                         std::size_t limit, unsyncable_rows& out) {
    std::vector<const field_schema*> fields;
    std::string sql{"SELECT "};
    std::string any;
    sql.append(sqlite_quoted(model.key_name)).append(",").append(rowid);
    for (const auto& field : model.fields) {
        if (!takes_times(field)) continue;
        fields.push_back(&field);
        sql.append(",").append(sqlite_quoted(field.name));
        any.append(any.empty() ? "(" : " OR ").append("typeof(").append(sqlite_quoted(field.name)).append(")='text'");
    }
    if (fields.empty()) return {};
    auto s = db.prepare(sql.append(from).append(" AND ").append(any).append(")"));
    if (!s) return s.error();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.error();
        if (!*row) return {};
        const auto key = read_sqlite_key(*s, 0, model.key_kind);
        std::optional<fault> why;
        for (std::size_t f = 0; key && !why && f < fields.size(); ++f)
            if (auto fit = check_time_text(model, *key, *fields[f], read_sqlite_value(*s, static_cast<int>(f) + 2, fields[f]->kind)); !fit) why = fit.error();
        const bool numbered = s->column_type(1) == SQLITE_INTEGER;
        const std::int64_t number = s->column_integer(1);
        if (auto ok = s->row_read(); !ok) return ok;
        if (!why) continue;
        ++out.count;
        if (out.rows.size() >= limit) continue;
        const std::string name = model.key_kind == value_kind::integer ? *key : sqlite_literal(*key, true);
        out.rows.push_back({model.name, numbered ? std::optional{number} : std::nullopt, name, std::move(why->detail)});
    }
}

}  // namespace detail

/// Adds to @p out the rows of @p table that are not synced for their keys: NULL, of another type than the column's, and text that is no key (`why_no_key`);
/// then those that hold a text where a time belongs: on a device such a change waits, and on a server, where other programs wrote it, it goes to devices
/// as the text that it is. Rows in the trash are no rows. Complexity: reads every row's key and times.
/// @param limit  how many rows `out.rows` is to have at most
[[nodiscard]] inline result<void> find_unsyncable_rows(sqlite_database& db, const sqlite_table& table, const model_schema& model, std::size_t limit,
                                                       unsyncable_rows& out) {
    const std::string rowid = table.rowid_column.empty() ? table.rowid_name : sqlite_quoted(table.rowid_column);
    const bool numbered = !table.without_rowid && !rowid.empty();
    const std::string place = numbered ? rowid : "NULL";
    std::string from{" FROM main."};
    from.append(sqlite_quoted(table.name)).append(" WHERE ");
    if (model.times.deleted_at.is_there()) from.append(sqlite_quoted(model.times.deleted_at.name)).append(" IS NULL");
    else from.append("1");
    std::string sql{"SELECT "};
    sql.append(sqlite_quoted(model.key_name)).append(",").append(place).append(from);
    auto s = db.prepare(sql);
    if (!s) return s.error();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.error();
        if (!*row) return detail::find_sqlite_time_texts(db, model, place, from, limit, out);
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
