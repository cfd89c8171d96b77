#ifndef SYNCLINE_ADAPTERS_SQLITE_WRITE_WATCH_HPP
#define SYNCLINE_ADAPTERS_SQLITE_WRITE_WATCH_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Tells whether the app, or any other program, wrote to the synced tables of a file: for `auto_sync::note_local_write`.
///
/// It looks when it is asked; SQLite tells nobody of a commit in another process. Ask after the app's own commits, on a timer, or when the
/// file changes. A look without news is one `PRAGMA data_version`, which reads a counter and no table. After news it reads the newest entry
/// of
/// each model's capture log, so what a sync applied is told from what the app wrote. (A hook on the app's connection would come before the
/// commit, know nothing of other processes, and replace the app's own hook: a connection has one of each kind.)
///
/// What it promises: every committed write is told by the first look after it, or has been pushed meanwhile. It may tell once too often,
/// when
/// a sync took the write in between two looks and has not pushed it yet. It sees no write before the commit, and none that only
/// changes what is not synced. One thread at a time.
class sqlite_write_watch {
public:
    /// Opens a connection of its own to the file at @p path, on which a `sqlite_replica_store` was opened before.
    /// @return `errc::absent` when the file has no bookkeeping of a replica; `errc::io_error` and the like
    [[nodiscard]] static result<sqlite_write_watch> open(const std::string& path) {
        auto db = sqlite_database::open(path, {false, sqlite_open_options{}.busy_timeout});
        if (!db) return db.error();
        const auto there = db->query_integer("SELECT count(*) FROM main.sqlite_schema WHERE type='table' AND "
                                             "name='syncline_replica_state'");
        if (!there) return there.error();
        if (*there == 0) return make_fault(errc::absent, "the database `", path, "` is not synced; open a replica's store on it first");
        return sqlite_write_watch{std::move(*db)};
    }

    /// Whether there is a write to tell of since the last look. The first look tells of what was left over from before.
    /// @return faults of the database, such as `errc::busy`; then the same is told by the next look
    [[nodiscard]] result<bool> look() {
        // The counter first: what is committed after it was read is told by the next look, if not by this one.
        const auto version = db_.query_integer("PRAGMA data_version");
        if (!version) return version.error();
        if (looked_ && *version == version_) return false;
        std::vector<std::string> logs;
        {
            auto s = db_.cached("SELECT name FROM main.sqlite_schema WHERE type='table' AND name GLOB 'syncline_replica_log_*'");
            if (!s) return s.error();
            for (;;) {
                const auto row = (*s)->step();
                if (!row) return row.error();
                if (!*row) break;
                logs.emplace_back((*s)->column_text(0));
            }
        }
        bool news = false;
        bool absorbed = false;
        std::map<std::string, std::int64_t> newest = newest_;
        for (const auto& log : logs) {
            std::string sql{"SELECT seq,kind FROM main."};
            sql.append(sqlite_quoted(log)).append(" ORDER BY seq DESC LIMIT 1");
            auto s = db_.cached(sql);
            if (!s) return s.error();
            const auto row = (*s)->step();
            if (!row) return row.error();
            if (!*row) continue;
            const std::int64_t seq = (*s)->column_integer(0);
            auto& known = newest[log];
            if (seq > known) ((*s)->column_integer(1) != 0 ? news : absorbed) = true;
            known = seq;
        }
        if (!news && absorbed) {
            // A sync, or a question such as `status`, took the entries out of the log: what is not pushed yet is an open or a frozen
            // intent.
            const auto open = db_.query_integer("SELECT EXISTS(SELECT 1 FROM main.syncline_replica_open WHERE waiting=0) OR "
                                                "EXISTS(SELECT 1 FROM main.syncline_replica_frozen)");
            if (!open) return open.error();
            news = *open != 0;
        }
        newest_ = std::move(newest);
        version_ = *version;
        looked_ = true;
        return news;
    }

private:
    explicit sqlite_write_watch(sqlite_database db) : db_(std::move(db)) {}

    sqlite_database db_;
    std::map<std::string, std::int64_t> newest_;  // by log
    std::int64_t version_ = 0;
    bool looked_ = false;
};

SYNCLINE_NAMESPACE_END

#endif
