#ifndef SYNCLINE_ADAPTERS_SQLITE_TRIGGER_HPP
#define SYNCLINE_ADAPTERS_SQLITE_TRIGGER_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/version.hpp>

#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// A trigger of ours on a table of the app.
struct sqlite_trigger {
    std::string name;
    std::string sql;  ///< exactly as `sqlite_schema` keeps it

    friend bool operator==(const sqlite_trigger&, const sqlite_trigger&) = default;
};

/// @param when       such as `BEFORE INSERT`
/// @param table      quoted
/// @param condition  an expression; empty: for every row
/// @param body       statements, each ended by `; `
[[nodiscard]] inline sqlite_trigger make_sqlite_trigger(std::string name, std::string_view when, std::string_view table, std::string_view condition,
                                                        std::string_view body) {
    sqlite_trigger out{std::move(name), "CREATE TRIGGER "};
    out.sql.append(sqlite_quoted(out.name)).append(" ").append(when).append(" ON ").append(table);
    if (!condition.empty()) out.sql.append(" WHEN ").append(condition);
    out.sql.append(" BEGIN ").append(body).append("END");
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
