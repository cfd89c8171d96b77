#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_CONNECTION_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_CONNECTION_HPP

#include <syncline/adapters/sqlite/authority_options.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/write_ahead_log.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <memory>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Opens a connection for the transactions of an authority. The host's hook comes first, so that nothing of the app's schema is looked at without the
/// functions that it calls, nor a file without its key; then what the store promises is set, whatever the hook did.
/// @return the connection; the hook's fault; `errc::invalid_argument` where the hook leaves a transaction open; `errc::unsupported` where it keeps the file
///         to itself, or the file cannot be put into WAL mode (`use_sqlite_write_ahead_log`); or a fault of the database
[[nodiscard]] inline result<std::unique_ptr<sqlite_database>> open_sqlite_authority_connection(const std::string& path,
                                                                                              const sqlite_authority_options& options) {
    sqlite_open_options how;
    how.busy_timeout = options.busy_timeout;
    auto opened = sqlite_database::open(path, how);
    if (!opened) return std::move(opened).error();
    auto db = std::make_unique<sqlite_database>(std::move(*opened));
    if (auto r = db->execute("PRAGMA temp_store = MEMORY"); !r) return std::move(r).error();  // later it would take the hook's temporary tables away
    if (options.prepare_connection) {
        if (auto r = options.prepare_connection(*db); !r) return std::move(r).error();
        if (db->in_transaction())
            return make_fault(errc::invalid_argument, "`prepare_connection` left a transaction open on the database `", path, "`; end it there");
    }
    const auto locking = db->query_text("PRAGMA main.locking_mode");
    if (!locking) return locking.error();
    if (*locking != "normal" && !sqlite_is_private(*db))
        return make_fault(errc::unsupported, "a connection to the database `", path, "` has the locking mode `", *locking,
                          "`, which keeps every other one out; an authority has several: leave it at NORMAL");
    if (auto r = use_sqlite_write_ahead_log(*db, path, "an authority needs a file on a local file system, opened with a VFS that has shared memory"); !r)
        return std::move(r).error();
    std::string setup{"PRAGMA foreign_keys = ON; PRAGMA synchronous = "};
    setup.append(options.durability == sqlite_durability::full ? "FULL" : "NORMAL");
    if (auto r = db->execute(setup); !r) return std::move(r).error();
    if (auto r = db->learn_encoding(); !r) return std::move(r).error();
    return db;
}

SYNCLINE_NAMESPACE_END

#endif
