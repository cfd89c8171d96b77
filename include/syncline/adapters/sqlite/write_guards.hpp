#ifndef SYNCLINE_ADAPTERS_SQLITE_WRITE_GUARDS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_WRITE_GUARDS_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// How an authority's store keeps other writers off its tables. A table of ours has a row exactly while a transaction of the store writes: put there after
// BEGIN IMMEDIATE and taken away before COMMIT, so that no other connection ever sees it and a rollback or a crash leaves none behind. It is a row of the
// database rather than a temporary table or a function of the connection, since a trigger must be compiled by programs that know nothing of ours.

/// The triggers by which writes of the table called @p table are refused outside the store's own transactions. BEFORE triggers, so that REPLACE, UPSERT and
/// OR IGNORE meet them as well, and so do cascades of foreign keys and what the app's triggers do.
[[nodiscard]] inline std::vector<sqlite_trigger> make_sqlite_write_guards(const std::string& table) {
    std::string body{"SELECT RAISE(ABORT,'"};
    std::string text{"syncline: table "};
    text.append(table).append(" is synced, and its server refuses writes of other programs; write through the server, or let it open the database with foreign_writes = seal");
    for (const char c : text) body.append(c == '\'' ? 2U : 1U, c);
    body.append("'); ");
    std::vector<sqlite_trigger> out;
    for (const auto& [suffix, when] : {std::pair<std::string_view, std::string_view>{"gi", "BEFORE INSERT"}, {"gu", "BEFORE UPDATE"}, {"gd", "BEFORE DELETE"}}) {
        std::string name{sqlite_authority_prefix};
        name.append(table).append("_").append(suffix);
        out.push_back(make_sqlite_trigger(std::move(name), when, sqlite_quoted(table), "NOT EXISTS(SELECT 1 FROM \"syncline_authority_writing\")", body));
    }
    return out;
}

/// Makes the table by which the triggers know the store's own transactions, or drops it. Inside a write transaction, before the triggers are made and after
/// they are dropped.
[[nodiscard]] inline result<void> keep_sqlite_writing_mark(sqlite_database& db, bool wanted) {
    return db.execute(wanted ? "CREATE TABLE IF NOT EXISTS main.syncline_authority_writing(own INTEGER PRIMARY KEY)"
                             : "DROP TABLE IF EXISTS main.syncline_authority_writing");
}

SYNCLINE_NAMESPACE_END

#endif
