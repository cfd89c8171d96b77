#ifndef SYNCLINE_ADAPTERS_SQLITE_WRITE_AHEAD_LOG_HPP
#define SYNCLINE_ADAPTERS_SQLITE_WRITE_AHEAD_LOG_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <sqlite3.h>

#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Whether the main database is in memory or a temporary file, which no other connection can open.
[[nodiscard]] inline bool sqlite_is_private(sqlite_database& db) {
    const char* const name = sqlite3_db_filename(db.handle(), "main");
    return name == nullptr || *name == '\0';
}

/// Why SQLite does not give the main database a write-ahead log; empty: nothing about its file tells.
[[nodiscard]] inline std::string why_no_sqlite_write_ahead_log(sqlite_database& db) {
    if (sqlite_is_private(db)) return "it is in memory or a temporary file, which no other connection can open";
    sqlite3_file* file = nullptr;
    sqlite3_vfs* vfs = nullptr;
    sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (file == nullptr || file->pMethods == nullptr || (file->pMethods->iVersion >= 2 && file->pMethods->xShmMap != nullptr)) return {};
    std::string out{"SQLite's way to this file, the VFS `"};
    return out.append(vfs != nullptr && vfs->zName != nullptr ? vfs->zName : "?").append("`, has no shared memory, which such a log is read by");
}

/// Puts the main database into WAL mode, where it is not: readers go on while somebody writes.
/// @param path       what the caller calls the database
/// @param otherwise  what a person can do who cannot have that
/// @return `errc::unsupported`, naming the database, the mode that it stays in, and why; `errc::busy` while another connection keeps it from being
///         switched; or a fault of the database, which names it too
[[nodiscard]] inline result<void> use_sqlite_write_ahead_log(sqlite_database& db, std::string_view path, std::string_view otherwise) {
    auto mode = db.query_text("PRAGMA main.journal_mode=WAL");
    if (mode && *mode == "wal") return {};
    if (!mode && mode.error().code == errc::busy)
        return make_fault(errc::busy, "the database `", path, "` is not in WAL mode, and cannot be put into it while another connection uses it; try again when it has ended");
    const std::string why = why_no_sqlite_write_ahead_log(db);
    if (!mode && why.empty())
        return make_fault(mode.error().code, "the database `", path, "` cannot be put into WAL mode (", mode.error().detail,
                          "); the program needs to read and write the file, its folder, and the -wal and -shm files beside it");
    return make_fault(errc::unsupported, "the database `", path, "` cannot be put into WAL mode, so that readers would wait for writers (SQLite says `",
                      mode ? *mode : mode.error().detail, "`)", why.empty() ? "" : ": ", why, "; ", otherwise);
}

SYNCLINE_NAMESPACE_END

#endif
