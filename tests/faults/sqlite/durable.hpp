#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_DURABLE_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_DURABLE_HPP

// What a database file durably holds, as text that can be compared; and a folder with one such file, whose content can be put back.

#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/files.hpp"

#include <syncline/adapters/sqlite/database.hpp>

#include "simulation/lab.hpp"
#include "support/scratch_folder.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace faults {

using namespace syncline;
using simulation::lab_must;

/// Appends column @p at of the row that @p s stands on, its type included.
inline void describe(const sqlite_statement& s, int at, std::string& out) {
    switch (s.column_type(at)) {
    case SQLITE_INTEGER: out.append(std::to_string(s.column_integer(at))); break;
    case SQLITE_FLOAT: out.append(std::to_string(s.column_real(at))).append("r"); break;
    case SQLITE_TEXT: out.append("'").append(s.column_text(at)).append("'"); break;
    case SQLITE_BLOB:
        out.append("x'");
        for (const char c : s.column_blob(at)) {
            constexpr std::string_view digits = "0123456789abcdef";
            const auto octet = static_cast<unsigned char>(c);
            out.push_back(digits[octet >> 4]);
            out.push_back(digits[octet & 15]);
        }
        out.append("'");
        break;
    default: out.append("null");
    }
    out.append(" ");
}

/// Of some tables only rows for which an SQL expression holds.
using compared_rows = std::map<std::string, std::string>;

/// A connection of somebody who only looks.
class observer {
public:
    explicit observer(const std::string& path) : db_(lab_must(sqlite_database::open(path))) {}

    /// Everything in the database: the schema, and the rows of every table, ours and the app's, in one order.
    [[nodiscard]] std::string all(const compared_rows& only = {}) {
        std::string out;
        std::vector<std::string> tables;
        {
            auto s = lab_must(db_.cached("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"));
            while (lab_must(s->step())) {
                if (s->column_text(0) == "table") tables.emplace_back(s->column_text(1));
                for (int i = 0; i < 3; ++i) describe(*s, i, out);
                out.append("\n");
            }
        }
        for (const auto& table : tables) {
            std::string sql{"SELECT * FROM "};
            sql.append(sqlite_quoted(table));
            if (const auto rows = only.find(table); rows != only.end()) sql.append(" WHERE ").append(rows->second);
            auto s = lab_must(db_.cached(sql));
            std::vector<std::string> rows;
            while (lab_must(s->step())) {
                std::string row{table};
                row.append(": ");
                const int columns = sqlite3_data_count(s->handle());  // of a statement made before the table changed only a row tells
                for (int i = 0; i < columns; ++i) describe(*s, i, row);
                rows.push_back(std::move(row));
            }
            std::sort(rows.begin(), rows.end());
            for (const auto& row : rows) out.append(row).append("\n");
        }
        return out;
    }
    /// Whether another connection has committed anything since this was asked last; true the first time.
    [[nodiscard]] bool has_changed() {
        auto s = lab_must(db_.cached("PRAGMA data_version"));
        lab_must(s->step());
        return std::exchange(version_, s->column_integer(0)) != version_;
    }
    /// Whether nobody holds the write lock.
    [[nodiscard]] bool can_write() {
        auto begin = lab_must(db_.cached("BEGIN IMMEDIATE"));
        return begin->run().has_value() && lab_must(db_.cached("ROLLBACK"))->run().has_value();
    }
    [[nodiscard]] bool is_sound() { return lab_must(db_.query_text("PRAGMA integrity_check")) == "ok"; }
    [[nodiscard]] sqlite_database& db() { return db_; }

private:
    sqlite_database db_;
    std::int64_t version_ = -1;
};

/// The lines in which two dumps differ, for a message.
inline std::string difference(const std::string& want, const std::string& have) {
    const auto lines = [](const std::string& text) {
        std::vector<std::string> out;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = (std::min)(text.find('\n', at), text.size());
            out.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        std::sort(out.begin(), out.end());
        return out;
    };
    const auto a = lines(want);
    const auto b = lines(have);
    std::vector<std::string> missing;
    std::vector<std::string> extra;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(missing));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(extra));
    std::string out;
    for (const auto& line : missing) out.append("\n  - ").append(line.substr(0, 300));
    for (const auto& line : extra) out.append("\n  + ").append(line.substr(0, 300));
    return out;
}

/// A folder of its own with one database in it; gone at the end.
class folder {
public:
    folder() {
        files::install();
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;

    [[nodiscard]] std::string database() const { return path_.file(); }
    /// Takes the file as it is. @pre nobody has it open
    void keep() {
        image_ = content();
    }
    /// Whether the file is, byte by byte, what it was when it was kept, once the next program has looked at it and recovered what it had to.
    /// @pre nobody has it open
    [[nodiscard]] bool is_as_kept() const {
        lab_must(lab_must(sqlite_database::open(database())).query_integer("PRAGMA schema_version"));
        std::error_code none;
        if (std::filesystem::exists(database().append("-wal"), none) || std::filesystem::exists(database().append("-journal"), none)) return false;
        return content() == image_;
    }
    /// Makes the file what it was when it was kept, and nothing beside it. @pre nobody has it open
    void put_back() const {
        std::error_code none;
        for (const char* beside : {"-wal", "-shm", "-journal"}) std::filesystem::remove(database().append(beside), none);
        std::ofstream{database(), std::ios::binary | std::ios::trunc}.write(image_.data(), static_cast<std::streamsize>(image_.size()));
    }

private:
    [[nodiscard]] std::string content() const {
        std::string out(static_cast<std::size_t>(std::filesystem::file_size(database())), '\0');
        std::ifstream{database(), std::ios::binary}.read(out.data(), static_cast<std::streamsize>(out.size()));
        return out;
    }

    scratch_folder path_;
    std::string image_;
};

}  // namespace faults

#endif
