#ifndef SYNCLINE_ADAPTERS_SQLITE_TIME_COLUMNS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_TIME_COLUMNS_HPP

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/app_times.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// A column of an app's table that we set to the time of a write.
struct sqlite_time_column {
    std::string name;  ///< quoted
    time_form form = time_form::date_time;
    std::string otherwise;  ///< SQL for a new row's content where no time was told
    int at = 0;             ///< the parameter that the time is bound to
};

/// The columns for times of one app's table, with the SQL that they add to that of its rows.
struct sqlite_time_columns {
    std::optional<sqlite_time_column> created;
    std::optional<sqlite_time_column> updated;
    std::optional<sqlite_time_column> deleted;

    /// Whether erases set a column and leave the row.
    [[nodiscard]] bool soft() const noexcept { return deleted.has_value(); }

    /// A condition that only rows which are there fulfil, to be put behind others.
    /// @param row  what the row is called, with its point; empty: there is one table only
    [[nodiscard]] std::string and_live(std::string_view row = {}) const {
        if (!deleted) return {};
        std::string out{" AND "};
        return out.append(row).append(deleted->name).append(" IS NULL");
    }
    /// For an INSERT: the columns, and what they get. A row that comes is there, whatever the column's default says.
    [[nodiscard]] std::string insert_columns() const {
        std::string out;
        for (const auto* c : {&updated, &created, &deleted})
            if (*c) out.append(",").append((*c)->name);
        return out;
    }
    [[nodiscard]] std::string insert_values() const {
        std::string out;
        for (const auto* c : {&updated, &created})
            if (*c) out.append(",").append(told(**c, (*c)->otherwise));
        return deleted ? out.append(",NULL") : out;
    }
    /// For the SET of an UPDATE that writes the row's fields: a row in the trash comes back.
    [[nodiscard]] std::string update_sets() const {
        std::string out;
        if (updated) out.append(",").append(updated->name).append("=").append(told(*updated, updated->name));
        if (deleted) out.append(",").append(deleted->name).append("=NULL");
        return out;
    }
    /// For the SET of the UPDATE that puts a row into the trash. @pre `soft()`
    [[nodiscard]] std::string erase_sets() const {
        std::string out{deleted->name};
        out.append("=?").append(std::to_string(deleted->at));
        if (updated) out.append(",").append(updated->name).append("=?").append(std::to_string(updated->at));
        return out;
    }

private:
    [[nodiscard]] static std::string told(const sqlite_time_column& column, const std::string& otherwise) {
        std::string out{"coalesce(?"};
        return out.append(std::to_string(column.at)).append(",").append(otherwise).append(")");
    }
};

/// How @p column holds a time.
[[nodiscard]] inline time_form sqlite_time_form(const sqlite_column& column, time_form wanted) noexcept {
    if (wanted != time_form::by_type) return wanted;
    return column.affinity == sqlite_affinity::integer ? time_form::seconds : time_form::date_time;
}

/// What of `model.times` we set in @p table. @pre `check_sqlite_model(table, model)`
/// @param first  the first parameter that is free in the SQL of the table's rows
[[nodiscard]] inline sqlite_time_columns make_sqlite_time_columns(const sqlite_table& table, const model_schema& model, int first) {
    sqlite_time_columns out;
    const auto note = [&](const time_column& wanted, std::optional<sqlite_time_column>& column) {
        if (!model.notes_time(wanted)) return;
        const sqlite_column& c = *table.find(wanted.name);
        column = sqlite_time_column{sqlite_quoted(c.name), sqlite_time_form(c, wanted.form), "NULL", first++};
        if (!c.default_sql.empty()) column->otherwise = std::string{"("}.append(sqlite_default_expression(c.default_sql)).append(")");
    };
    note(model.times.updated_at, out.updated);
    note(model.times.created_at, out.created);
    note(model.times.deleted_at, out.deleted);
    return out;
}

/// SQL that deletes for good what lies in the trash of @p table and has the values of a row in a unique index other than the key's. Parameters: the
/// row's key, then its fields. Empty: no such index is made of fields alone, or there is no trash.
[[nodiscard]] inline std::string purge_sqlite_trash(const sqlite_table& table, const model_schema& model, const sqlite_time_columns& times) {
    if (!times.soft()) return {};
    std::string any;
    for (const auto& index : table.unique_indexes) {
        std::string same;
        bool of_fields = true;
        for (const auto& part : index.parts) {
            const auto field = model.find_field(part.column);
            of_fields = of_fields && field.has_value();
            if (!of_fields) break;
            same.append(same.empty() ? "" : " AND ").append(sqlite_quoted(part.column)).append("=?").append(std::to_string(*field + 2));
            same.append(" COLLATE ").append(sqlite_quoted(part.collation));
        }
        if (of_fields) any.append(any.empty() ? "(" : " OR (").append(same).append(")");
    }
    if (any.empty()) return {};
    std::string out{"DELETE FROM main."};
    out.append(sqlite_quoted(table.name)).append(" WHERE ").append(times.deleted->name).append(" IS NOT NULL AND ").append(sqlite_quoted(model.key_name));
    return out.append(" IS NOT ?1 AND (").append(any).append(")");
}

/// Binds @p when in the form of @p column; nothing where the statement has no such parameter, NULL where there is no time.
inline void bind_sqlite_time(sqlite_statement& s, const std::optional<sqlite_time_column>& column, std::optional<timestamp> when) {
    if (!column || column->at > sqlite3_bind_parameter_count(s.handle())) return;
    if (!when) {
        s.bind_null(column->at);
        return;
    }
    const auto number = [&](auto unit) { s.bind(column->at, std::chrono::floor<decltype(unit)>(when->time_since_epoch()).count()); };
    const timestamp sayable = (std::min)((std::max)(*when, rfc3339_first), rfc3339_last);
    switch (column->form) {
    case time_form::seconds: number(std::chrono::seconds{}); return;
    case time_form::milliseconds: number(std::chrono::milliseconds{}); return;
    case time_form::microseconds: number(std::chrono::microseconds{}); return;
    case time_form::rfc3339: s.bind_text(column->at, format_rfc3339_shortest(sayable).value_or(std::string{})); return;
    case time_form::by_type:
    case time_form::date_time: break;
    }
    std::string text = format_rfc3339(sayable, 0).value_or(std::string{});
    std::replace(text.begin(), text.end(), 'T', ' ');
    if (!text.empty()) text.pop_back();  // the Z
    s.bind_text(column->at, text);
}

/// Binds @p when to every parameter for a time that @p s has.
inline void bind_sqlite_times(sqlite_statement& s, const sqlite_time_columns& columns, std::optional<timestamp> when) {
    for (const auto* c : {&columns.updated, &columns.created, &columns.deleted}) bind_sqlite_time(s, *c, when);
}

SYNCLINE_NAMESPACE_END

#endif
