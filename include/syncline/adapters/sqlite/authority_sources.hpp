#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_SOURCES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_SOURCES_HPP

#include <syncline/adapters/sqlite/authority_log.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The devices that presented a cursor to one tenant, in an SQLite database.
class sqlite_authority_sources {
public:
    explicit sqlite_authority_sources(sqlite_authority_scope scope) : in_(scope) {}

    [[nodiscard]] result<void> put(const source_mark& m) {
        return run_sqlite(*in_.db, "INSERT OR REPLACE INTO syncline_authority_sources VALUES(?1,?2,?3,?4,?5,?6)", [&](sqlite_statement& s) {
            s.bind(1, in_.tenant).bind_text(2, m.principal).bind_text(3, m.source);
            if (m.seq) s.bind(4, *m.seq);
            if (m.stamp) s.bind(5, *m.stamp);
            s.bind(6, to_microseconds(m.seen));
        });
    }

    [[nodiscard]] result<std::optional<source_mark>> find(std::string_view principal, std::string_view source) const {
        auto found = read("tenant = ?1 AND principal = ?2 AND source = ?3",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, principal).bind_text(3, source); });
        if (!found) return std::move(found).error();
        if (found->empty()) return std::optional<source_mark>{};
        return std::optional<source_mark>{std::move(found->front())};
    }

    [[nodiscard]] result<void> drop(std::string_view principal, std::string_view source) {
        return run_sqlite(*in_.db, "DELETE FROM syncline_authority_sources WHERE tenant = ?1 AND principal = ?2 AND source = ?3",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, principal).bind_text(3, source); });
    }

    [[nodiscard]] result<std::vector<source_mark>> all() const {
        return read("tenant = ?1", [&](sqlite_statement& s) { s.bind(1, in_.tenant); });
    }

private:
    template <class Bind>
    [[nodiscard]] result<std::vector<source_mark>> read(std::string_view which, Bind bind) const {
        std::vector<source_mark> out;
        std::string sql{"SELECT principal, source, seq, stamp, seen FROM syncline_authority_sources WHERE "};
        auto r = each_sqlite_row(*in_.db, sql.append(which).append(" ORDER BY principal, source"), bind, [&](sqlite_statement& s) {
            source_mark m;
            m.principal = std::string{s.column_text(0)};
            m.source = std::string{s.column_text(1)};
            if (!s.column_is_null(2)) m.seq = s.column_integer(2);
            if (!s.column_is_null(3)) m.stamp = s.column_integer(3);
            m.seen = from_microseconds(s.column_integer(4));
            out.push_back(std::move(m));
            return true;
        });
        if (!r) return std::move(r).error();
        return out;
    }

    sqlite_authority_scope in_;
};

SYNCLINE_NAMESPACE_END

#endif
