#ifndef SYNCLINE_ADAPTERS_SQLITE_FILE_TOKEN_HPP
#define SYNCLINE_ADAPTERS_SQLITE_FILE_TOKEN_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// How a program notices, before it syncs, that a device's file is a copy or came back from a backup. The file and a place outside of it that is not
/// copied along (a keychain, the registry, a file that backups leave out) hold the same token, which every opening changes.
///
/// Before it opens the store the program draws a new token, writes it down outside as `next`, beside the one in use, and gives both; once the store is
/// open `next` is the one in use. A crash in between leaves the file with one of the two, and both are good.
struct sqlite_file_token {
    std::string last;  ///< the one in use; empty: there is none yet
    std::string next;  ///< the new one, of at least 128 random bits; empty: nothing is looked at
};

/// Looks whether the file holds the token that the program kept. Inside a write transaction.
/// @param take  `token.next` is the file's from now on, whatever it held
/// @return whether the file is the one that was opened last; if so `token.next` is its token now
[[nodiscard]] inline result<bool> check_sqlite_file_token(sqlite_database& db, const sqlite_file_token& token, bool take) {
    if (token.next.empty()) return true;
    if (auto ok = db.execute("CREATE TABLE IF NOT EXISTS main.syncline_replica_token(one INTEGER PRIMARY KEY CHECK(one=1), token TEXT NOT NULL)"); !ok) return std::move(ok).error();
    const auto held = db.query_text("SELECT token FROM main.syncline_replica_token");
    if (!held) return held.error();
    const bool same = *held == token.last || *held == token.next;
    if (!same && !take) return false;
    auto s = db.prepare("INSERT INTO main.syncline_replica_token VALUES(1,?1) ON CONFLICT(one) DO UPDATE SET token=excluded.token");
    if (!s) return s.error();
    if (auto ok = s->bind_text(1, token.next).run(); !ok) return std::move(ok).error();
    return true;
}

SYNCLINE_NAMESPACE_END

#endif
