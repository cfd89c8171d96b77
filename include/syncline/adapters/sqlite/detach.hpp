#ifndef SYNCLINE_ADAPTERS_SQLITE_DETACH_HPP
#define SYNCLINE_ADAPTERS_SQLITE_DETACH_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Drops the triggers, and the bookkeeping tables if wanted, whose names begin with @p prefix; the app's tables stay as they are. All or nothing, inside
/// the caller's transaction or one of its own.
/// @param tables_too  false: only the triggers
[[nodiscard]] inline result<void> detach_sqlite(sqlite_database& db, std::string_view prefix, bool tables_too) {
    std::string drop{"SAVEPOINT syncline_detach;"};
    {
        auto s = db.prepare("SELECT type, name FROM main.sqlite_schema WHERE substr(name,1,length(?1))=?1 AND (type='trigger' OR (type='table' AND ?2)) "
                            "ORDER BY type DESC");  // triggers before the tables that they name
        if (!s) return s.error();
        s->bind_text(1, prefix).bind(2, tables_too ? 1 : 0);
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            drop.append("DROP ").append(s->column_text(0)).append(" main.").append(sqlite_quoted(s->column_text(1))).append(";");
        }
    }
    auto done = db.execute(drop.append("RELEASE syncline_detach"));
    if (!done && db.in_transaction()) (void)db.execute("ROLLBACK TO syncline_detach; RELEASE syncline_detach");
    return done;
}

SYNCLINE_NAMESPACE_END

#endif
