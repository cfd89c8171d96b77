#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_OPTIONS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_OPTIONS_HPP

#include <syncline/adapters/sqlite/file_token.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/version.hpp>

#include <chrono>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// How a replica's store uses its database.
struct sqlite_replica_options {
    /// Write-ahead log: readers and the app's writers go on while the device syncs. Kept by the file. Where the file cannot have one, opening is refused; a
    /// database in memory needs none. Off: left as it is, and without such a log a reader may have to wait.
    bool write_ahead_log = true;
    /// `PRAGMA synchronous=NORMAL` on the store's own connection: with the log, a power cut may lose the last commits but
    /// never breaks the file. Off: SQLite's default. Never touched on a connection of the app's.
    bool synchronous_normal = true;
    /// For tables that are given by name: the column of the sync key, `tether_id` say, where the app's primary key shall stay local (`read_model_schema`).
    /// Empty: the primary key is the sync key.
    std::string sync_key{};
    /// How long `begin` waits for another writer. A connection of the app's keeps its own.
    std::chrono::milliseconds busy_timeout{100};
    /// Of tables that are opened by name: the columns in which they note their rows' times, where they have them. A column that no table has is an error.
    app_times times;
    /// By which the program notices a file that was copied or restored (`sqlite_replica_store::is_copy`).
    sqlite_file_token token{};
};

SYNCLINE_NAMESPACE_END

#endif
