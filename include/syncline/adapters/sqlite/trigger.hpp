#ifndef SYNCLINE_ADAPTERS_SQLITE_TRIGGER_HPP
#define SYNCLINE_ADAPTERS_SQLITE_TRIGGER_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What every name of a replica's bookkeeping begins with.
inline constexpr std::string_view sqlite_replica_prefix = "syncline_replica_";

/// What every name of the authority's bookkeeping in a database begins with.
inline constexpr std::string_view sqlite_authority_prefix = "syncline_authority_";

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

/// Checks that the other side's capture does not stand on the table called @p table: what one side takes in would look like the app's own edits to the
/// other. Tables of one database may be on different sides.
/// @param own  `sqlite_replica_prefix` or `sqlite_authority_prefix`: the side that attaches
/// @return `errc::unsupported`, naming the table and what to do
[[nodiscard]] inline result<void> check_sqlite_side(sqlite_database& db, std::string_view table, std::string_view own) {
    const bool device = own == sqlite_replica_prefix;
    auto s = db.prepare("SELECT 1 FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE AND substr(name,1,length(?2))=?2");
    if (!s) return s.error();
    s->bind_text(1, table).bind_text(2, device ? sqlite_authority_prefix : sqlite_replica_prefix);
    const auto there = s->step();
    if (!there) return there.error();
    if (!*there) return {};
    return make_fault(errc::unsupported, "table `", table, device ? "` is served by an authority in this database, and cannot be a device's as well; open the device's own file, "
                                                                    "or take the authority out with `detach_sqlite_authority` first"
                                                                  : "` is a device's in this database, and cannot be served as well; open the server's own file, or take the "
                                                                    "device out with `sqlite_replica_store::uninstall` first");
}

SYNCLINE_NAMESPACE_END

#endif
