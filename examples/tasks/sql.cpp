#include "sql.hpp"

#include <filesystem>
#include <system_error>

namespace {

[[noreturn]] void fail(sqlite3* db, const std::string& doing) {
    const char* file = sqlite3_db_filename(db, "main");
    const std::string why = doing + " in " + (file == nullptr ? "the file" : file) + ": " + sqlite3_errmsg(db);
    switch (sqlite3_errcode(db)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: throw failure{exit_code::try_later, "busy", why + "; another program writes to it for long, try again"};
    case SQLITE_CONSTRAINT: throw failure{exit_code::waits, "constraint", why};
    case SQLITE_FULL:
    case SQLITE_IOERR: throw failure{exit_code::try_later, "io_error", why + "; make room or see to the disk, then try again"};
    case SQLITE_READONLY:
    case SQLITE_PERM: throw failure{exit_code::wrong_use, "read_only", why + "; you need the right to write to the file and its folder"};
    case SQLITE_CANTOPEN: throw failure{exit_code::wrong_use, "cannot_open", why + "; you need the right to write to the file and its folder"};
    case SQLITE_NOTADB: throw failure{exit_code::wrong_use, "not_a_list", why + "; name an SQLite file, or one that is not there yet"};
    case SQLITE_CORRUPT: throw failure{exit_code::broken, "corrupt", why + "; " + how_to_mend_a_list};
    default: throw failure{exit_code::broken, "database", why};
    }
}

}  // namespace

sql_statement::sql_statement(sqlite3* db, std::string_view sql) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &made, nullptr) != SQLITE_OK) fail(db, "preparing SQL");
    statement_.reset(made);
}

sql_statement& sql_statement::bind(int at, std::string_view text) {
    const char* start = text.data() == nullptr ? "" : text.data();
    if (sqlite3_bind_text64(statement_.get(), at, start, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
        fail(sqlite3_db_handle(statement_.get()), "binding a text");
    return *this;
}

sql_statement& sql_statement::bind(int at, std::int64_t n) {
    sqlite3_bind_int64(statement_.get(), at, n);
    return *this;
}

sql_statement& sql_statement::bind_optional(int at, const std::optional<std::string>& text) {
    if (text) return bind(at, std::string_view{*text});
    sqlite3_bind_null(statement_.get(), at);
    return *this;
}

bool sql_statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail(sqlite3_db_handle(statement_.get()), "running SQL");
    return code == SQLITE_ROW;
}

std::string sql_statement::text(int column) const { return text_or_null(column).value_or(std::string{}); }

std::optional<std::string> sql_statement::text_or_null(int column) const {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (start == nullptr) return std::nullopt;
    return std::string{start, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

sql_file::sql_file(const std::string& path, bool make) {
    if (std::error_code unknown; !make && !path.empty() && !std::filesystem::exists(path, unknown) && !unknown)
        throw failure{exit_code::wrong_use, "no_list",
                      "there is no list of tasks at " + path + "; `tasks add` or `tasks sync` makes one, and --db or TASKS_DB names another"};
    if (path.empty() || path == ":memory:")  // with which SQLite would forget everything at the end
        throw failure{exit_code::wrong_use, "cannot_open", "a list lies in a file, and `" + path + "` names none; name one with --db or TASKS_DB"};
    std::error_code unknown;
    if (const auto status = std::filesystem::status(path, unknown); std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
        throw failure{exit_code::wrong_use, "cannot_open", path + " is no file" + (std::filesystem::is_directory(status) ? " but a folder" : "") + "; name a file in it, or another"};
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | (make ? SQLITE_OPEN_CREATE : 0), nullptr);
    db_.reset(db);
    if (code != SQLITE_OK)
        throw failure{exit_code::wrong_use, "cannot_open",
                      "the file " + path + " cannot be opened: " + sqlite3_errstr(code) + "; does its folder exist, and may you write there?"};
    // Long enough to wait for a page of a sync.
    sqlite3_busy_timeout(db, 5000);
}

void sql_file::execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_.get(), "running SQL");
}

bool sql_file::has_table(std::string_view name) {
    return prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1").bind(1, name).step();
}

sql_transaction::~sql_transaction() {
    if (file_ == nullptr) return;
    try {
        file_->execute("ROLLBACK");
    } catch (const failure&) {
        // SQLite rolled back by itself.
    }
}

void sql_transaction::commit() {
    file_->execute("COMMIT");
    file_ = nullptr;
}
