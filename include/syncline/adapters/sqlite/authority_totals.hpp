#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_TOTALS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_TOTALS_HPP

#include <syncline/adapters/sqlite/authority_connection.hpp>
#include <syncline/adapters/sqlite/authority_incarnation.hpp>
#include <syncline/adapters/sqlite/authority_options.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/storage/authority_totals.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The totals of an authority's bookkeeping in @p db. Complexity: reads one row for each tenant, and what restores skipped.
[[nodiscard]] inline result<authority_totals> read_sqlite_authority_totals(sqlite_database& db) {
    authority_totals out;
    std::vector<std::array<std::int64_t, 3>> tenants;
    auto read = each_sqlite_row(
        db, "SELECT id, seq, floor_seq FROM syncline_authority_tenants", [](sqlite_statement&) {},
        [&](sqlite_statement& s) {
            tenants.push_back({s.column_integer(0), s.column_integer(1), s.column_integer(2)});
            return true;
        });
    if (!read) return std::move(read).error();
    auto restores = db.query_integer("SELECT EXISTS(SELECT 1 FROM syncline_authority_incarnations)");
    if (!restores) return std::move(restores).error();
    for (const auto& [id, seq, floor] : tenants) {
        lost_intervals lost;
        if (*restores != 0) {
            auto known = read_sqlite_lost_intervals(db, id);
            if (!known) return std::move(known).error();
            lost = std::move(*known);
        }
        out.add(seq, floor, lost);
    }
    return out;
}

/// A look at a file from a connection of its own, on which nothing is ever written. Opened by the first look. Any thread.
class sqlite_authority_look {
public:
    /// `PRAGMA data_version`: another number after every commit by any other connection.
    [[nodiscard]] result<std::int64_t> data_version(const std::string& path, const sqlite_authority_options& options) {
        const std::lock_guard lock{mutex_};
        if (auto r = open(path, options); !r) return std::move(r).error();
        return db_->query_integer("PRAGMA data_version");
    }
    /// See `read_sqlite_authority_totals`.
    [[nodiscard]] result<authority_totals> totals(const std::string& path, const sqlite_authority_options& options) {
        const std::lock_guard lock{mutex_};
        if (auto r = open(path, options); !r) return std::move(r).error();
        return read_sqlite_authority_totals(*db_);
    }

private:
    [[nodiscard]] result<void> open(const std::string& path, const sqlite_authority_options& options) {
        if (db_) return {};
        auto opened = open_sqlite_authority_connection(path, options);
        if (!opened) return std::move(opened).error();
        db_ = std::move(*opened);
        return {};
    }

    std::mutex mutex_;
    std::unique_ptr<sqlite_database> db_;
};

SYNCLINE_NAMESPACE_END

#endif
