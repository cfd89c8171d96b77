#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_OPTIONS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_OPTIONS_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

class sqlite_database;

/// How a commit of an SQLite authority reaches the disk.
enum class sqlite_durability : std::uint8_t {
    full,    ///< a commit that was answered survives a power cut (the default: devices rely on it)
    normal,  ///< it survives a crash of the program; a power cut may take the last commits back, which devices cannot know
};

/// What becomes of a write of a synced table that is not made in a transaction of the store: by another program, or by this one on a connection of its own.
enum class sqlite_foreign_writes : std::uint8_t {
    seal,    ///< it is let through, and devices receive it as a bundle (the default)
    refuse,  ///< its statement fails, with a text that says why, and changes nothing
};

/// How an SQLite database serves as an authority.
struct sqlite_authority_options {
    /// The tenant that all rows belong to. Not used where there is an owner column.
    std::string tenant = "main";
    /// The column that holds a row's tenant, in every model's table: NOT NULL, text or integer, and not a field. It cannot be
    /// changed from then on. Empty: one tenant.
    std::string owner_column;
    /// Where a model's owner column has another name: pairs of model and column. Needs `owner_column` or an entry per model.
    std::vector<std::pair<std::string, std::string>> owner_columns;
    /// How long `begin` for writing waits for another writer, in this process or another, before `errc::busy`.
    std::chrono::milliseconds busy_timeout{1000};
    sqlite_durability durability = sqlite_durability::full;
    /// What becomes of writes by others. Where it is `refuse`, the host writes in a transaction of the store. It may differ from the last time, and is the
    /// same in every store on the file: the one that opened it or wrote last decides.
    ///
    /// It guards against mistakes, not against malice: a program can drop the triggers, switch triggers off on its connection, or rebuild the table, and
    /// what it writes then is sealed where it can be noticed.
    sqlite_foreign_writes foreign_writes = sqlite_foreign_writes::seal;
    /// Names this incarnation of the data when the bookkeeping is created. Empty: SQLite draws 128 random bits.
    std::string epoch;
    /// Called with each connection that the store opens, before anything is read of the database: here the host registers the functions and collations that its
    /// triggers, indexes and generated columns call, and sets pragmas of its own. Where it fails, so does what needed the connection (`open`, `begin`).
    ///
    /// The store sets `foreign_keys`, `synchronous` and WAL mode itself afterwards. A transaction must not stay open, and the locking mode is NORMAL.
    /// Several threads call it at the same time if they use the store so. What it calls on the connection ends with it: `sqlite3_create_function_v2(db.handle(), ...)`.
    std::function<result<void>(sqlite_database& db)> prepare_connection;
    /// How many idle connections are kept for the next transactions.
    std::size_t idle_connections = 4;

    /// The owner column of the model called @p name; empty: none.
    [[nodiscard]] const std::string& owner_column_of(const std::string& name) const noexcept {
        for (const auto& [model, column] : owner_columns)
            if (model == name) return column;
        return owner_column;
    }
};

SYNCLINE_NAMESPACE_END

#endif
