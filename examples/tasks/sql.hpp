#ifndef SYNCLINE_EXAMPLES_TASKS_SQL_HPP
#define SYNCLINE_EXAMPLES_TASKS_SQL_HPP

// The app's own way to its SQLite file, as an app without Syncline would have it; failures become messages.

#include "answer.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// A prepared statement. Parameters count from 1, columns from 0.
class sql_statement {
public:
    sql_statement(sqlite3* db, std::string_view sql);

    sql_statement& bind(int at, std::string_view text);
    sql_statement& bind(int at, std::int64_t n);
    sql_statement& bind_optional(int at, const std::optional<std::string>& text);
    /// Runs to the next row. @return whether there is one
    bool step();
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::optional<std::string> text_or_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

private:
    struct finalizer {
        void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
    };
    std::unique_ptr<sqlite3_stmt, finalizer> statement_;
};

/// A connection to the file at @p path.
class sql_file {
public:
    /// @param make  makes the file where there is none
    sql_file(const std::string& path, bool make);

    [[nodiscard]] sql_statement prepare(std::string_view sql) { return sql_statement{db_.get(), sql}; }
    void execute(const char* sql);
    /// Whether there is a table or view called @p name.
    [[nodiscard]] bool has_table(std::string_view name);

private:
    struct closer {
        void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
    };
    std::unique_ptr<sqlite3, closer> db_;
};

/// Everything between its construction and `commit` happens as one, or not at all.
class sql_transaction {
public:
    explicit sql_transaction(sql_file& file) : file_(&file) { file.execute("BEGIN IMMEDIATE"); }
    sql_transaction(const sql_transaction&) = delete;
    sql_transaction& operator=(const sql_transaction&) = delete;
    ~sql_transaction();
    void commit();

private:
    sql_file* file_;
};

#endif
