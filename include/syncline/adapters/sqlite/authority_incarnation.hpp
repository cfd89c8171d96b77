#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_INCARNATION_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_INCARNATION_HPP

#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// What restores from backups undid for the tenant numbered @p tenant (0: one that nothing was ever stored for), oldest first.
[[nodiscard]] inline result<lost_intervals> read_sqlite_lost_intervals(sqlite_database& db, std::int64_t tenant) {
    lost_intervals out;
    auto r = each_sqlite_row(
        db,
        "SELECT coalesce(l.seq, 0), i.seq, coalesce(l.stamp, 0), i.stamp FROM syncline_authority_incarnations i LEFT JOIN "
        "syncline_authority_lost l ON l.incarnation = i.number AND l.tenant = ?1 ORDER BY i.number",
        [&](sqlite_statement& s) { s.bind(1, tenant); },
        [&](sqlite_statement& s) {
            out.push_back({s.column_integer(0), s.column_integer(1), s.column_integer(2), s.column_integer(3)});
            return true;
        });
    if (!r) return std::move(r).error();
    return out;
}

/// Begins a new incarnation named @p epoch over data that were restored from a backup. To be called inside a write transaction.
/// @return `errc::invalid_argument` for an empty epoch or the current one
[[nodiscard]] inline result<void> begin_sqlite_incarnation(sqlite_database& db, const std::string& epoch, timestamp now) {
    auto current = db.query_text("SELECT value FROM syncline_authority_meta WHERE name = 'epoch'");
    if (!current) return std::move(current).error();
    if (epoch.empty() || epoch == *current)
        return make_fault(errc::invalid_argument, "a new incarnation needs a name of its own, not empty and not the current one");
    first_numbers newest;
    if (auto r = each_sqlite_row(
            db,
            "SELECT max((SELECT coalesce(max(seq), 0) FROM syncline_authority_tenants), (SELECT coalesce(max(seq), 0) FROM "
            "syncline_authority_incarnations)), max((SELECT coalesce(max(stamp), 0) FROM syncline_authority_tenants), (SELECT "
            "coalesce(max(stamp), 0) FROM syncline_authority_incarnations))",
            [](sqlite_statement&) {},
            [&](sqlite_statement& s) {
                newest = {s.column_integer(0), s.column_integer(1)};
                return false;
            });
        !r)
        return r;
    const first_numbers first = numbers_after_restore(newest, to_microseconds(now));
    if (auto r = run_sqlite(db, "INSERT INTO syncline_authority_incarnations(seq, stamp) VALUES(?1, ?2)",
                            [&](sqlite_statement& s) { s.bind(1, first.seq).bind(2, first.stamp); });
        !r)
        return r;
    for (const char* sql :
         {"INSERT INTO syncline_authority_lost SELECT (SELECT max(number) FROM syncline_authority_incarnations), id, seq, stamp FROM "
          "syncline_authority_tenants",
          "DELETE FROM syncline_authority_session_mutations", "DELETE FROM syncline_authority_sessions",
          "DELETE FROM syncline_authority_snapshot_rows", "DELETE FROM syncline_authority_snapshots"})
        if (auto r = run_sqlite(db, sql); !r) return r;
    return run_sqlite(db, "UPDATE syncline_authority_meta SET value = ?1 WHERE name = 'epoch'", [&](sqlite_statement& s) { s.bind_text(1, epoch); });
}

SYNCLINE_NAMESPACE_END

#endif
