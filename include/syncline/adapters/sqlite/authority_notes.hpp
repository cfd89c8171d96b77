#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_NOTES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_NOTES_HPP

#include <syncline/adapters/sqlite/authority_log.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What the engine notes of one tenant's principals, in an SQLite database.
class sqlite_authority_notes {
public:
    explicit sqlite_authority_notes(sqlite_authority_scope scope) : in_(scope) {}

    [[nodiscard]] result<void> put(std::string_view principal, std::string_view name, std::string_view body) {
        return run_sqlite(*in_.db, "INSERT OR REPLACE INTO syncline_authority_notes VALUES(?1,?2,?3,?4)", [&](sqlite_statement& s) {
            bind(s, principal, name);
            s.bind_blob(4, body);
        });
    }

    [[nodiscard]] result<std::optional<std::string>> find(std::string_view principal, std::string_view name) const {
        std::optional<std::string> out;
        auto r = each_sqlite_row(
            *in_.db, "SELECT body FROM syncline_authority_notes WHERE tenant = ?1 AND principal = ?2 AND name = ?3",
            [&](sqlite_statement& s) { bind(s, principal, name); },
            [&](sqlite_statement& s) {
                out = std::string{s.column_blob(0)};
                return false;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<std::vector<std::pair<std::string, std::string>>> all(std::string_view principal, std::string_view prefix) const {
        std::vector<std::pair<std::string, std::string>> out;
        auto r = each_sqlite_row(
            *in_.db, "SELECT name, body FROM syncline_authority_notes WHERE tenant = ?1 AND principal = ?2 AND name >= ?3 ORDER BY name",
            [&](sqlite_statement& s) { bind(s, principal, prefix); },
            [&](sqlite_statement& s) {
                if (!s.column_blob(0).starts_with(prefix)) return false;
                out.emplace_back(s.column_blob(0), s.column_blob(1));
                return true;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<void> drop(std::string_view principal, std::string_view prefix) {
        return run_sqlite(*in_.db,
                          "DELETE FROM syncline_authority_notes WHERE tenant = ?1 AND principal = ?2 AND name >= ?3 AND "
                          "substr(name, 1, length(?3)) = ?3",
                          [&](sqlite_statement& s) { bind(s, principal, prefix); });
    }

private:
    void bind(sqlite_statement& s, std::string_view principal, std::string_view name) const {
        s.bind(1, in_.tenant).bind_blob(2, principal).bind_blob(3, name);
    }

    sqlite_authority_scope in_;
};

SYNCLINE_NAMESPACE_END

#endif
