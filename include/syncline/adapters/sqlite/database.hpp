#ifndef SYNCLINE_ADAPTERS_SQLITE_DATABASE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_DATABASE_HPP

#include <syncline/adapters/sqlite/utf16.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The code that a failing SQLite call maps to.
/// @param code  a primary or extended SQLite result code
[[nodiscard]] inline errc sqlite_errc(int code) noexcept {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return errc::busy;
    case SQLITE_FULL: return errc::storage_full;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return errc::constraint;
    case SQLITE_TOOBIG: return errc::too_large;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return errc::corrupt;
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return errc::bug;
    default: return errc::io_error;
    }
}

/// The fault for a call on @p db that returned @p code. A broken constraint is named in the detail as SQLite names it
/// (`UNIQUE constraint failed: task.slug`).
/// @param doing  what was tried, e.g. "writing a row of `task`"
[[nodiscard]] inline fault sqlite_fault(sqlite3* db, int code, std::string_view doing) {
    const char* const message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    return make_fault(sqlite_errc(code), doing, ": ", std::string_view{message != nullptr ? message : "unknown"});
}

/// @p name as an SQL identifier: in double quotes, each inner one doubled. Safe for reserved words and metacharacters.
[[nodiscard]] inline std::string sqlite_quoted(std::string_view name) {
    std::string out;
    out.reserve(name.size() + 2);
    out.push_back('"');
    for (const char c : name) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    out.push_back('"');
    return out;
}

/// A prepared statement. Owns it; moves, does not copy. Parameters count from 1, columns from 0.
///
/// What is bound is copied, but for what is lent. A text or blob read from a column is valid until the next `step` or `reset`.
class sqlite_statement {
public:
    sqlite_statement() = default;
    /// Takes ownership of @p statement.
    /// @param wide  its database keeps text in UTF-16
    explicit sqlite_statement(sqlite3_stmt* statement, bool wide = false) : statement_(statement), wide_(wide) {}

    [[nodiscard]] explicit operator bool() const noexcept { return statement_ != nullptr; }
    [[nodiscard]] sqlite3_stmt* handle() const noexcept { return statement_.get(); }

    sqlite_statement& bind_null(int at) { return note(sqlite3_bind_null(handle(), at)); }
    sqlite_statement& bind(int at, std::int64_t n) { return note(sqlite3_bind_int64(handle(), at, n)); }
    sqlite_statement& bind_real(int at, double d) { return note(sqlite3_bind_double(handle(), at, d)); }
    sqlite_statement& bind_text(int at, std::string_view s) {
        if (wide_) {
            const std::u16string units = sqlite_utf16(s);
            return note(sqlite3_bind_text64(handle(), at, reinterpret_cast<const char*>(units.data()), units.size() * sizeof(char16_t), SQLITE_TRANSIENT, SQLITE_UTF16));
        }
        return note(sqlite3_bind_text64(handle(), at, s.data() != nullptr ? s.data() : "", s.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    }
    sqlite_statement& bind_blob(int at, std::string_view s) {
        return note(sqlite3_bind_blob64(handle(), at, s.data() != nullptr ? s.data() : "", s.size(), SQLITE_TRANSIENT));
    }
    /// As `bind_text` and `bind_blob`, without a copy: @p s must outlive the run and stay as it is until `reset`. SQLite asks the heap for every copy,
    /// which in a statement of the kind that runs once per row is a good part of it.
    sqlite_statement& lend_text(int at, const std::string& s) {
        return wide_ ? bind_text(at, s) : note(sqlite3_bind_text64(handle(), at, s.data(), s.size(), SQLITE_STATIC, SQLITE_UTF8));
    }
    sqlite_statement& lend_blob(int at, const std::string& s) { return note(sqlite3_bind_blob64(handle(), at, s.data(), s.size(), SQLITE_STATIC)); }
    sqlite_statement& lend_text(int at, const std::string&& gone) = delete;
    sqlite_statement& lend_blob(int at, const std::string&& gone) = delete;

    /// Runs to the next row.
    /// @return true: a row stands ready; false: done. Or the mapped fault (`sqlite_errc`), the statement's effect undone;
    ///         a binding that failed is reported here, and what `row_read` reports of the row before.
    result<bool> step() {
        if (bind_error_ != SQLITE_OK) {
            const int code = bind_error_;
            reset();
            return sqlite_fault(nullptr, code, "binding a parameter");
        }
        if (auto ok = row_read(); !ok) {
            reset();
            return std::move(ok).error();
        }
        fresh_ = false;
        const int code = sqlite3_step(handle());
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        sqlite3* const db = sqlite3_db_handle(handle());
        fault why = sqlite_fault(db, sqlite3_extended_errcode(db), "running SQL");
        sqlite3_reset(handle());
        return why;
    }

    /// Runs a statement to its end, ignoring rows, and resets it.
    result<void> run() {
        for (;;) {
            const auto row = step();
            if (!row) {
                reset();
                return row.error();
            }
            if (!*row) break;
        }
        reset();
        return {};
    }

    /// Makes it ready for another run, without bindings.
    void reset() noexcept {
        bind_error_ = SQLITE_OK;
        out_of_memory_ = false;
        if (std::exchange(fresh_, true) || statement_ == nullptr) return;
        sqlite3_reset(handle());
        sqlite3_clear_bindings(handle());
    }

    /// `SQLITE_INTEGER`, `SQLITE_FLOAT`, `SQLITE_TEXT`, `SQLITE_BLOB` or `SQLITE_NULL`; to be read before the content.
    [[nodiscard]] int column_type(int at) const noexcept { return sqlite3_column_type(handle(), at); }
    [[nodiscard]] bool column_is_null(int at) const noexcept { return column_type(at) == SQLITE_NULL; }
    [[nodiscard]] std::int64_t column_integer(int at) const noexcept { return sqlite3_column_int64(handle(), at); }
    [[nodiscard]] double column_real(int at) const noexcept { return sqlite3_column_double(handle(), at); }
    /// The text, with any NUL bytes in it; empty for null, and where memory fails (`row_read`).
    [[nodiscard]] std::string_view column_text(int at) const noexcept {
        const auto* const p = reinterpret_cast<const char*>(sqlite3_column_text(handle(), at));
        if (p == nullptr) note_nothing();
        return p == nullptr ? std::string_view{} : std::string_view{p, static_cast<std::size_t>(sqlite3_column_bytes(handle(), at))};
    }
    /// The octets; empty for null, and where memory fails (`row_read`).
    [[nodiscard]] std::string_view column_blob(int at) const noexcept {
        const auto* const p = static_cast<const char*>(sqlite3_column_blob(handle(), at));
        if (p == nullptr) note_nothing();
        return p == nullptr ? std::string_view{} : std::string_view{p, static_cast<std::size_t>(sqlite3_column_bytes(handle(), at))};
    }
    /// Whether the columns read so far were read. SQLite may need memory to hand out a text or a blob, and where it gets none the column looks
    /// empty. To be asked before anything is made of a row; the next `step` asks too.
    [[nodiscard]] result<void> row_read() const {
        if (out_of_memory_) return sqlite_fault(nullptr, SQLITE_NOMEM, "reading a column");
        return {};
    }

private:
    struct finalizer {
        void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
    };
    sqlite_statement& note(int code) noexcept {
        fresh_ = false;
        if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
        return *this;
    }
    void note_nothing() const noexcept {
        if (sqlite3_errcode(sqlite3_db_handle(handle())) == SQLITE_NOMEM) out_of_memory_ = true;
    }
    std::unique_ptr<sqlite3_stmt, finalizer> statement_;
    bool wide_ = false;
    bool fresh_ = true;  // nothing was bound or run since it was prepared or reset
    int bind_error_ = SQLITE_OK;
    mutable bool out_of_memory_ = false;
};

/// A statement on loan from a `sqlite_database`'s cache: used like a pointer, reset when the loan ends. Ends before the
/// database does.
class sqlite_cached_statement {
public:
    /// A loan of @p owner's statement; @p in_use is cleared when it ends.
    sqlite_cached_statement(sqlite_statement* cached, bool* in_use) : statement_(cached), in_use_(in_use) {}
    /// A statement of its own, finalized at the end.
    explicit sqlite_cached_statement(sqlite_statement own)
        : own_(std::make_unique<sqlite_statement>(std::move(own))), statement_(own_.get()) {}

    sqlite_cached_statement(sqlite_cached_statement&& other) noexcept
        : own_(std::move(other.own_)), statement_(std::exchange(other.statement_, nullptr)),
          in_use_(std::exchange(other.in_use_, nullptr)) {}
    sqlite_cached_statement(const sqlite_cached_statement&) = delete;
    sqlite_cached_statement& operator=(const sqlite_cached_statement&) = delete;
    sqlite_cached_statement& operator=(sqlite_cached_statement&&) = delete;
    ~sqlite_cached_statement() {
        if (statement_ == nullptr) return;
        statement_->reset();
        if (in_use_ != nullptr) *in_use_ = false;
    }

    sqlite_statement* operator->() const noexcept { return statement_; }
    sqlite_statement& operator*() const noexcept { return *statement_; }

private:
    std::unique_ptr<sqlite_statement> own_;
    sqlite_statement* statement_;
    bool* in_use_ = nullptr;
};

/// How a database file is opened.
struct sqlite_open_options {
    bool create = true;                             ///< makes the file where there is none
    std::chrono::milliseconds busy_timeout{100};    ///< how long a call waits for another writer before `errc::busy`
};

/// A connection to an SQLite database, with a cache of prepared statements. Moves, does not copy. Used by one thread at a
/// time.
class sqlite_database {
public:
    /// Opens the file at @p path (UTF-8).
    /// @return the connection, which is closed with this object; or a fault that names the path.
    [[nodiscard]] static result<sqlite_database> open(const std::string& path, const sqlite_open_options& options = {}) {
        sqlite3* raw = nullptr;
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (options.create ? SQLITE_OPEN_CREATE : 0);
        const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
        result<sqlite_database> out{sqlite_database{raw, true}};
        if (code != SQLITE_OK) {
            std::string doing = "opening the database `";
            doing.append(path).append("`");
            out = sqlite_fault(raw, code, doing);  // closes it
        } else {
            sqlite3_busy_timeout(raw, static_cast<int>(options.busy_timeout.count()));
        }
        return out;
    }

    /// Uses @p raw, which stays the caller's and outlives this object.
    [[nodiscard]] static sqlite_database adopt(sqlite3* raw) { return sqlite_database{raw, false}; }

    sqlite_database(sqlite_database&& other) noexcept
        : cache_(std::move(other.cache_)), raw_(std::exchange(other.raw_, nullptr)), owned_(other.owned_), wide_(other.wide_) {}
    sqlite_database& operator=(sqlite_database&& other) noexcept {
        if (this != &other) {
            close();
            cache_ = std::move(other.cache_);
            raw_ = std::exchange(other.raw_, nullptr);
            owned_ = other.owned_;
            wide_ = other.wide_;
        }
        return *this;
    }
    sqlite_database(const sqlite_database&) = delete;
    sqlite_database& operator=(const sqlite_database&) = delete;
    ~sqlite_database() { close(); }

    [[nodiscard]] sqlite3* handle() const noexcept { return raw_; }
    /// Whether this object closes the connection.
    [[nodiscard]] bool is_owned() const noexcept { return owned_; }
    /// Finds out how the database keeps text, which is settled once it has a table; to be called before a text is bound.
    [[nodiscard]] result<void> learn_encoding() {
        const auto encoding = query_text("PRAGMA encoding");
        if (!encoding) return encoding.error();
        wide_ = *encoding != "UTF-8";
        return {};
    }
    /// Whether the database keeps text in UTF-16, as `learn_encoding` found. Then it keeps only well-formed text as it is.
    [[nodiscard]] bool is_wide() const noexcept { return wide_; }
    /// Whether a transaction is open, whoever began it. SQLite itself ends one on some failures.
    [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(raw_) == 0; }
    /// How many rows the last statement changed, without those of triggers.
    [[nodiscard]] std::int64_t changes() const noexcept { return sqlite3_changes(raw_); }

    /// Runs SQL text, all its statements, ignoring rows.
    result<void> execute(const std::string& sql) {
        const int code = sqlite3_exec(raw_, sql.c_str(), nullptr, nullptr, nullptr);
        if (code != SQLITE_OK) return sqlite_fault(raw_, sqlite3_extended_errcode(raw_), "running SQL");
        return {};
    }

    /// Prepares one statement, outside the cache.
    [[nodiscard]] result<sqlite_statement> prepare(std::string_view sql, bool kept = false) {
        sqlite3_stmt* raw = nullptr;
        const int code = sqlite3_prepare_v3(raw_, sql.data(), static_cast<int>(sql.size()), kept ? SQLITE_PREPARE_PERSISTENT : 0,
                                            &raw, nullptr);
        if (code != SQLITE_OK) return sqlite_fault(raw_, sqlite3_extended_errcode(raw_), "preparing SQL");
        if (raw == nullptr) return make_fault(errc::bug, "preparing SQL: there is no statement in the text");
        return sqlite_statement{raw, wide_};
    }

    /// The statement for @p sql, prepared once per connection and reset. Where it is in use already, another one.
    [[nodiscard]] result<sqlite_cached_statement> cached(std::string_view sql) {
        entry*& asked_last = cache_->by_place[place_of(sql)];
        if (asked_last == nullptr || asked_last->sql != sql) {
            auto at = cache_->by_text.find(sql);
            if (at == cache_->by_text.end()) {
                auto made = prepare(sql, true);
                if (!made) return made.error();
                at = cache_->by_text.emplace(std::string{sql}, std::make_unique<entry>()).first;
                at->second->statement = std::move(*made);
                at->second->sql = at->first;
            }
            asked_last = at->second.get();
        }
        entry& e = *asked_last;
        if (e.in_use) {
            auto made = prepare(sql);
            if (!made) return made.error();
            return sqlite_cached_statement{std::move(*made)};
        }
        e.in_use = true;
        return sqlite_cached_statement{&e.statement, &e.in_use};
    }

    /// Finalizes every cached statement. None may be on loan.
    void clear_cache() { *cache_ = statements{}; }

    /// The first column of the first row of @p sql as an integer; @p otherwise where there is no row.
    [[nodiscard]] result<std::int64_t> query_integer(std::string_view sql, std::int64_t otherwise = 0) {
        auto made = prepare(sql);
        if (!made) return made.error();
        const auto row = made->step();
        if (!row) return row.error();
        return *row ? made->column_integer(0) : otherwise;
    }

    /// The first column of the first row of @p sql as text; empty where there is no row.
    [[nodiscard]] result<std::string> query_text(std::string_view sql) {
        auto made = prepare(sql);
        if (!made) return made.error();
        const auto row = made->step();
        if (!row) return row.error();
        std::string out{*row ? made->column_text(0) : std::string_view{}};
        if (auto ok = made->row_read(); !ok) return std::move(ok).error();
        return out;
    }

private:
    struct entry {
        std::string_view sql;
        sqlite_statement statement;
        bool in_use = false;
    };
    struct text_hash {
        using is_transparent = void;
        [[nodiscard]] std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };

    sqlite_database(sqlite3* raw, bool owned) : cache_(std::make_unique<statements>()), raw_(raw), owned_(owned) {}
    void close() noexcept {
        cache_.reset();  // statements go before their connection
        if (owned_ && raw_ != nullptr) sqlite3_close_v2(raw_);
        raw_ = nullptr;
    }

    // Most texts are literals and stand at one place: where the same text was asked for from there before, it need not be hashed.
    struct statements {
        std::unordered_map<std::string, std::unique_ptr<entry>, text_hash, std::equal_to<>> by_text;
        std::array<entry*, 256> by_place{};
    };
    [[nodiscard]] static std::size_t place_of(std::string_view sql) noexcept {
        const auto at = reinterpret_cast<std::uintptr_t>(sql.data());
        return static_cast<std::size_t>((at >> 4) ^ (at >> 12) ^ sql.size()) % 256;
    }
    // Behind a pointer: g++ 12 takes an empty map's bucket count inside a `result` for the fault's text and warns.
    std::unique_ptr<statements> cache_;
    sqlite3* raw_ = nullptr;
    bool owned_ = false;
    bool wide_ = false;
};

SYNCLINE_NAMESPACE_END

#endif
