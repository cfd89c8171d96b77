#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_LEASE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_LEASE_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/version.hpp>

#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// The lease of the data in a file: a table of its own with at most one row, so that processes which share the file exclude each other.
/// A process that dies leaves its row behind, and its time runs out.
inline constexpr const char* sqlite_replica_lease_ddl = R"sql(
CREATE TABLE syncline_replica_lease(one INTEGER PRIMARY KEY CHECK(one=1), owner TEXT NOT NULL, fence INTEGER NOT NULL,
  expires_us INTEGER NOT NULL, length_us INTEGER NOT NULL);
)sql";

/// Reads it; for `sqlite_replica_lease_of`.
inline constexpr const char* sqlite_replica_lease_select = "SELECT owner,fence,expires_us,length_us FROM main.syncline_replica_lease";

/// Writes it; for `bind_sqlite_replica_lease`.
inline constexpr const char* sqlite_replica_lease_upsert =
    "INSERT INTO main.syncline_replica_lease(one,owner,fence,expires_us,length_us) VALUES(1,?1,?2,?3,?4) ON CONFLICT(one) DO UPDATE SET "
    "owner=excluded.owner,fence=excluded.fence,expires_us=excluded.expires_us,length_us=excluded.length_us";

/// The lease in the row that @p s stands on.
[[nodiscard]] inline sync_lease sqlite_replica_lease_of(const sqlite_statement& s) {
    return sync_lease{std::string{s.column_text(0)}, s.column_integer(1), s.column_integer(2), s.column_integer(3)};
}

/// Binds @p l to `sqlite_replica_lease_upsert`.
inline void bind_sqlite_replica_lease(sqlite_statement& s, const sync_lease& l) {
    s.bind_text(1, l.owner).bind(2, l.fence).bind(3, l.expires_us).bind(4, l.length_us);
}

SYNCLINE_NAMESPACE_END

#endif
