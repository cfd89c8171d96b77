#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_HPP

// A server's program: the real engine over the real store on a file, and another program that writes plain SQL to the same tables.

#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/rows.hpp"
#include "faults/sqlite/watched.hpp"

#include <syncline/adapters/sqlite/authority_options.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace faults {

/// What the servers of a scenario are: the tables, the models on them, how the store is opened, and how the engine is set up.
struct server_world {
    std::string tables = app_tables;
    schema_set (*models)() = faults::models;
    sqlite_authority_options options{};
    scope_rules scopes{};
    std::vector<std::string> tenants{"main"};
};

class server {
public:
    using world_type = server_world;
    using engine_type = watched_authority;

    server(std::string path, bool) : path_(std::move(path)) {}

    void create() { lab_must(lab_must(sqlite_database::open(path_)).execute(world.tables)); }

    result<void> attach() {
        close();
        sqlite_authority_options how = world.options;
        how.epoch = "e1";
        auto opened = watched_authority_store::open(path_, world.models(), how);
        if (!opened) return std::move(opened).error();
        store_.emplace(std::move(*opened));
        authority_options options;
        options.max_rows_per_page = 100;
        options.scopes = world.scopes;
        options.validate = [](const proposed_change& c) -> std::optional<rejection> {
            if (c.after == nullptr || c.after->fields[1] != value::integer(13)) return std::nullopt;
            return rejection{{errc::validation_failed, "b is 13"}, {{"b", "not that"}}};
        };
        engine_.emplace(*store_, std::move(options));
        return {};
    }
    result<void> start() { return attach(); }
    void close() {
        engine_.reset();
        store_.reset();
    }

    /// The other program writes, in one transaction.
    result<void> other(const std::vector<std::string>& statements) {
        if (!other_) {
            auto db = sqlite_database::open(path_);
            if (!db) return std::move(db).error();
            if (auto r = db->execute("PRAGMA foreign_keys=ON"); !r) return r;
            other_.emplace(std::move(*db));
        }
        if (other_->in_transaction())
            if (auto r = other_->execute("ROLLBACK"); !r) return r;  // the last time it did not get so far
        auto done = other_->execute("BEGIN IMMEDIATE");
        for (const auto& sql : statements)
            if (done) done = other_->execute(sql);
        if (done) done = other_->execute("COMMIT");
        if (!done && other_->in_transaction()) (void)other_->execute("ROLLBACK");
        return done;
    }
    void must_other(const std::vector<std::string>& statements) { lab_must(other(statements)); }

    [[nodiscard]] engine_type& engine() { return *engine_; }
    [[nodiscard]] watched_authority_store& store() { return *store_; }
    [[nodiscard]] const std::string& path() const { return path_; }

    /// Started, with the tables' rows sealed as bundle 1, and a change of T's field b by somebody else as bundle 2.
    void sealed() {
        lab_must(attach());
        lab_must(engine().seal_foreign("main", at(1000)));
        must_other({"UPDATE node SET b=5 WHERE id='T'"});
        lab_must(engine().seal_foreign("main", at(1001)));
    }

    void cool() {}
    void settled() {}
    /// Looks whether the log is what it must be: bundles without a gap and as long as they say, stamps that rise, each record's last change its own,
    /// and live rows as they were sealed, once nothing is staged.
    void check() {
        lab_must(attach());
        for (const auto& tenant : world.tenants) lab_must(engine().seal_foreign(tenant, now));
        auto db = lab_must(sqlite_database::open(path_));
        const auto none = [&](const std::string& sql) {
            if (lab_must(db.query_integer(sql)) != 0) throw std::runtime_error(std::string{"the log is broken: "}.append(sql));
        };
        none("SELECT count(*) FROM syncline_authority_stage");
        none("SELECT count(*) FROM syncline_authority_bundles b WHERE row_count <> (SELECT count(*) FROM syncline_authority_changes c WHERE c.tenant = b.tenant AND "
             "c.seq = b.seq) AND seq > (SELECT floor_seq FROM syncline_authority_tenants t WHERE t.id = b.tenant)");
        none("SELECT count(*) FROM syncline_authority_changes a JOIN syncline_authority_changes b ON a.tenant = b.tenant AND a.id < b.id AND a.stamp >= b.stamp");
        none("SELECT count(*) FROM syncline_authority_rows r LEFT JOIN syncline_authority_changes c ON c.id = r.change WHERE c.key IS NOT r.key OR c.seq <> r.version");
        std::string live{"SELECT (SELECT count(*) FROM syncline_authority_rows WHERE deleted = 0)"};
        for (const auto& m : store_->schemas()) {
            std::string rows{m.table_name()};
            rows.append(" n WHERE typeof(n.").append(m.key_name).append(") = 'text' AND n.").append(m.key_name).append(" <> ''");
            if (m.times.deleted_at.is_there()) rows.append(" AND n.").append(m.times.deleted_at.name).append(" IS NULL");
            none("SELECT count(*) FROM " + rows + " AND NOT EXISTS (SELECT 1 FROM syncline_authority_rows r JOIN syncline_authority_models m ON m.id = r.model JOIN "
                 "syncline_authority_tenants t ON t.id = r.tenant WHERE m.name = '" + m.name + "' AND r.key = n." + m.key_name + " AND r.deleted = 0 AND t.name = " +
                 (world.options.owner_column.empty() ? "'main'" : "n." + world.options.owner_column) + ")");
            live.append(" - (SELECT count(*) FROM ").append(rows).append(")");
        }
        none(live);
        none("SELECT count(*) FROM syncline_authority_session_mutations WHERE session NOT IN (SELECT number FROM syncline_authority_sessions)");
        none("SELECT count(*) FROM syncline_authority_snapshot_rows WHERE snapshot NOT IN (SELECT number FROM syncline_authority_snapshots)");
    }

    server_world world{};
    caller ann{"main", "ann", "device"};
    timestamp now = at(2000);

private:
    std::string path_;
    std::optional<sqlite_database> other_;
    std::optional<watched_authority_store> store_;
    std::optional<engine_type> engine_;
};

}  // namespace faults

#endif
