#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_HPP

// A program on a device: the real engine over the real store on a file, and the app's own connection, which writes plain SQL.

#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/rows.hpp"
#include "faults/sqlite/watched.hpp"

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_options.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/utf8.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace faults {

/// What the devices of a scenario are: the app's tables, the models on them, and how the store is opened.
struct device_world {
    std::string tables = app_tables;
    schema_set (*models)() = faults::models;
    sqlite_replica_options options{};
};

class device {
public:
    using world_type = device_world;
    using engine_type = watched_replica<watched_replica_store>;

    device(std::string path, bool adopts) : path_(std::move(path)), adopts_(adopts) {}

    void create() { lab_must(lab_must(sqlite_database::open(path_)).execute(world.tables)); }

    result<void> start() {
        if (auto r = attach(); !r) return r;
        return engine_->open(drawn(), now);
    }
    /// The first half of a start: everything stands, and nothing of what the app did meanwhile is taken in.
    result<void> attach() {
        close();
        return store();
    }
    void close() {
        engine_.reset();
        store_.reset();
    }

    /// The app writes, in one transaction.
    result<void> app(const std::vector<std::string>& statements) {
        auto db = own();
        if (!db) return std::move(db).error();
        if ((*db)->in_transaction())
            if (auto r = (*db)->execute("ROLLBACK"); !r) return r;  // the last time it did not get so far
        auto done = (*db)->execute("BEGIN IMMEDIATE");
        for (const auto& sql : statements)
            if (done) done = (*db)->execute(sql);
        if (done) done = (*db)->execute("COMMIT");
        if (!done && (*db)->in_transaction()) (void)(*db)->execute("ROLLBACK");
        return done;
    }
    void must_app(const std::vector<std::string>& statements) { lab_must(app(statements)); }

    [[nodiscard]] engine_type& engine() { return *engine_; }
    [[nodiscard]] watched_replica_store& open_store() { return *store_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    /// The same numbers each time: a repetition draws what the first time drew.
    [[nodiscard]] random_source drawn() {
        random_ = seeded_random{7};
        return random_;
    }

    /// A page that continues the checkpoint.
    void take(std::vector<row_image> rows) {
        page p;
        p.from = lab_must(engine().status(now)).state.checkpoint;
        p.next = p.from + 10;
        p.rows = std::move(rows);
        lab_must(engine().apply(p, now));
    }
    frozen_batch freeze(bool numbered = false) { return lab_must(engine().freeze(100, numbered, drawn(), now, nullptr)).value(); }
    /// Started, with all of the app's rows known to the authority at version 5, and the checkpoint at 10.
    void synced() {
        lab_must(start());
        const auto first = freeze();
        outcomes all;
        for (const auto& item : first.items) all.push_back(answer(item.id, outcome_kind::applied, 5));
        lab_must(engine().settle(first.head.id, all, now));
        take({image("T", 5, node(1)), image("P", 5, node(1, 0, "p")), image("C1", 5, child(1, "P"))});
    }

    /// Forgets what was read of the file, where there is a way to.
    void cool() {
        if (adopts_ && app_) sqlite3_db_release_memory(app_->handle());
    }
    /// The app's connection is as the app left it.
    void settled() {
        if (!adopts_ || !app_) return;
        if (app_->in_transaction()) throw std::runtime_error("a transaction is open on the app's connection");
        if (lab_must(app_->query_integer("PRAGMA foreign_keys")) != 1) throw std::runtime_error("the app's foreign keys are off");
        int triggers = 0;
        sqlite3_db_config(app_->handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &triggers);
        if (triggers != 1) throw std::runtime_error("the app's triggers are off");
    }
    /// Starts, and looks whether visible = open(frozen(base)), of every record that anything is known of.
    void check() {
        lab_must(start());
        lab_must(engine().absorb(now));
        std::vector<record_key> keys;
        {
            auto db = lab_must(sqlite_database::open(path_));
            std::string sql{"SELECT model,\"key\" FROM syncline_replica_base UNION SELECT model,\"key\" FROM syncline_replica_open UNION SELECT model,\"key\" "
                            "FROM syncline_replica_frozen UNION SELECT model,\"key\" FROM syncline_replica_quarantine"};
            for (model_id id = 0; id < store_->schemas().size(); ++id) {
                const auto& m = store_->schemas()[id];
                sql.append(" UNION SELECT ").append(std::to_string(id)).append(",CAST(").append(m.key_name).append(" AS TEXT) FROM ").append(m.table_name());
                sql.append(" WHERE typeof(").append(m.key_name).append(")='text'");
            }
            auto s = lab_must(db.prepare(sql));
            while (lab_must(s.step())) keys.push_back({static_cast<model_id>(s.column_integer(0)), std::string{s.column_text(1)}});
        }
        std::erase_if(keys, [](const record_key& k) { return k.key.empty() || !is_valid_utf8(k.key); });  // those name no record
        simulation::check_visible(*store_, store_->schemas(), "device", keys);
    }

    device_world world{};
    timestamp now = at(2000);

private:
    result<sqlite_database*> own() {
        if (!app_) {
            auto db = sqlite_database::open(path_);
            if (!db) return std::move(db).error();
            if (auto r = db->execute("PRAGMA foreign_keys=ON"); !r) return std::move(r).error();
            app_.emplace(std::move(*db));
        }
        return &*app_;
    }
    result<void> store() {
        result<watched_replica_store> opened = make_fault(errc::bug, "not opened");
        if (adopts_) {
            auto db = own();
            if (!db) return std::move(db).error();
            opened = watched_replica_store::open((*db)->handle(), world.models(), world.options);
        } else {
            opened = watched_replica_store::open(path_, world.models(), world.options);
        }
        if (!opened) {
            // Not even a rollback works: what an app can do then is to close its connection.
            if (adopts_ && app_ && app_->in_transaction()) app_.reset();
            return std::move(opened).error();
        }
        store_.emplace(std::move(*opened));
        engine_.emplace(*store_, resolver_set{[](const conflict&, const resolver_context&) { return resolution::take_client(); }});
        return {};
    }

    std::string path_;
    bool adopts_;
    seeded_random random_{7};
    std::optional<sqlite_database> app_;
    std::optional<watched_replica_store> store_;
    std::optional<engine_type> engine_;
};

}  // namespace faults

#endif
