#ifndef SYNCLINE_TESTS_SUPPORT_OLDER_LAYOUTS_HPP
#define SYNCLINE_TESTS_SUPPORT_OLDER_LAYOUTS_HPP

// Puts what lies in today's bookkeeping into tables as earlier versions of the library made them. The oldest ones stand as they were in
// unit/adapters/sqlite/layouts/.

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace older_layouts {

using namespace syncline;

/// The tables of one of the files in unit/adapters/sqlite/layouts/.
inline std::string tables_of(const std::string& name) {
    const char* const tests = std::getenv("SYNCLINE_TEST_DIR");
    if (tests == nullptr) throw std::runtime_error("SYNCLINE_TEST_DIR does not say where the tests' files are");
    std::ifstream in{std::string{tests} + "/unit/adapters/sqlite/layouts/" + name};
    if (!in) throw std::runtime_error("cannot read the tables of " + name);
    return {std::istreambuf_iterator<char>{in}, {}};
}

namespace detail {

inline void execute(sqlite_database& db, const std::string& sql) {
    if (auto r = db.execute(sql); !r) throw std::runtime_error(r.error().detail + ": " + sql);
}
inline std::string text(sqlite_database& db, const std::string& sql) {
    auto r = db.query_text(sql);
    if (!r) throw std::runtime_error(r.error().detail + ": " + sql);
    return *r;
}

}  // namespace detail

/// Makes a device's bookkeeping one of @p layout, 2 to 7.
inline void replica_to(sqlite_database& db, int layout) {
    std::string move;
    if (layout == 2) {
        move = tables_of("replica_2.sql");
        std::string back;
        for (const std::string table : {"state", "model", "turn", "base", "open", "batch", "frozen", "hidden", "quarantine", "unread", "lost", "stage"}) {
            const std::string name = "syncline_replica_" + table;
            const std::string columns = detail::text(db, "SELECT group_concat('\"'||name||'\"') FROM pragma_table_info('" + name +
                                                             "') WHERE name NOT IN('digest','kinds','account','unseen','last_run_us','token','attachment','user','initialization_id','replaced_source','replacement_reason','give_up_below')");
            back += "CREATE TABLE keep_" + table + " AS SELECT " + columns + " FROM " + name + "; DROP TABLE " + name + ";";
            move += "INSERT INTO " + name + "(" + columns + ") SELECT * FROM keep_" + table + "; DROP TABLE keep_" + table + ";";
        }
        move = back + move + "DROP TABLE syncline_replica_lease;";
    } else {
        for (const std::string column : {"attachment", "user", "initialization_id", "replaced_source", "replacement_reason", "give_up_below"})
            move += "ALTER TABLE syncline_replica_state DROP COLUMN " + column + ";";
        if (layout < 7) move += "ALTER TABLE syncline_replica_state DROP COLUMN last_run_us; ALTER TABLE syncline_replica_batch DROP COLUMN token;";
        if (layout < 6)
            move += "CREATE TABLE f AS SELECT * FROM syncline_replica_frozen; DROP TABLE syncline_replica_frozen; CREATE TABLE syncline_replica_frozen(model INTEGER NOT "
                    "NULL, \"key\" TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(model,\"key\")) WITHOUT ROWID; CREATE "
                    "UNIQUE INDEX syncline_replica_frozen_id ON syncline_replica_frozen(id); CREATE INDEX syncline_replica_frozen_position ON "
                    "syncline_replica_frozen(position); INSERT INTO syncline_replica_frozen SELECT model,\"key\",id,position,body FROM f; DROP TABLE f;";
        if (layout < 5) move += "ALTER TABLE syncline_replica_model DROP COLUMN unseen;";
        if (layout < 4) move += "ALTER TABLE syncline_replica_state DROP COLUMN account;";
    }
    detail::execute(db, move + "UPDATE syncline_replica_state SET layout=" + std::to_string(layout));
}

/// Makes a server's bookkeeping one of @p format, 1 or 2.
/// @param with_labels  format 1: a program made the tables of labels when it needed them
inline void authority_to(sqlite_database& db, int format, bool with_labels) {
    std::string back;
    std::string away;
    if (format == 1) {
        back = tables_of("authority_1.sql");
        std::vector<std::string> names;
        {
            auto s = db.prepare("SELECT name FROM sqlite_schema WHERE type='table' AND name LIKE 'syncline_authority_%'");
            if (!s) throw std::runtime_error(s.error().detail);
            for (auto row = s->step(); row && *row; row = s->step()) names.emplace_back(s->column_text(0));
        }
        for (const auto& name : names) {
            const bool of_format_1 = back.find("TABLE " + name + "(") != std::string::npos;
            if (!of_format_1 && with_labels) continue;
            if (of_format_1) {
                away += "CREATE TABLE keep_" + name + " AS SELECT * FROM " + name + ";";
                back += "INSERT INTO " + name + " SELECT * FROM keep_" + name + "; DROP TABLE keep_" + name + ";";
            }
            away += "DROP TABLE " + name + ";";
        }
        if (with_labels) back += "INSERT INTO syncline_authority_meta VALUES('scopes_format',1);";
    }
    detail::execute(db, away + back + "UPDATE syncline_authority_meta SET value=" + std::to_string(format) + " WHERE name='format'");
}

}  // namespace older_layouts

#endif
