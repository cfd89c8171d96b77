#ifndef SYNCLINE_TESTS_SIMULATION_GRAPH_LAB_HPP
#define SYNCLINE_TESTS_SIMULATION_GRAPH_LAB_HPP

// What the runs with references of every kind work on. Models: `folder`, which refers to a folder, with a cascade; `left` and `right`, which refer to
// each other, one way with a cascade and the other way with SET NULL. Labs make stores, write to the app's tables as an app would, copy a device's
// data and put a backup in the place of what is there.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>

#include "simulation/lab.hpp"
#include "support/scratch_folder.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace graph_simulation {

using namespace syncline;
using simulation::lab_must;

inline constexpr model_id folder_model = 0;
inline constexpr model_id left_model = 1;
inline constexpr model_id right_model = 2;
/// The fields of every model.
inline constexpr field_index name_field = 0;
inline constexpr field_index note_field = 1;
inline constexpr field_index reference_field = 2;

inline schema_set graph_models(overlap_policy overlap) {
    const auto model = [&](std::string name, std::string to, reference_action on_erase) {
        model_schema m;
        m.name = std::move(name);
        m.fields = {{"name", value_kind::text, true, nullptr}, {"note", value_kind::text, true, nullptr}, {"refers", value_kind::text, true, nullptr}};
        m.references.push_back({reference_field, std::move(to), on_erase});
        m.overlap = overlap;
        return m;
    };
    schema_set out;
    lab_must(out.add(model("folder", "folder", reference_action::cascade)));
    lab_must(out.add(model("left", "right", reference_action::cascade)));
    lab_must(out.add(model("right", "left", reference_action::set_null)));
    return out;
}

/// A table of an app, by key.
using graph_rows = std::map<record_key, record>;

/// Stores in memory.
class memory_graph_lab {
public:
    using replica_store = memory_replica_store;
    using authority_store = memory_authority_store;

    explicit memory_graph_lab(overlap_policy overlap) : schemas_(graph_models(overlap)) {}

    std::unique_ptr<authority_store> make_authority() { return std::make_unique<authority_store>(schemas_); }
    std::unique_ptr<replica_store> make_replica(const std::string&) { return std::make_unique<replica_store>(schemas_); }
    void crash(std::unique_ptr<replica_store>&, const std::string&) {}
    void crash_server(std::unique_ptr<authority_store>&) {}

    /// A second device with what @p from holds now.
    std::unique_ptr<replica_store> copy(replica_store& from, const std::string&, const std::string&) { return std::make_unique<replica_store>(from.copy()); }
    void back_up(replica_store& s, const std::string& name) { replicas_.insert_or_assign(name, s.copy()); }
    void restore(std::unique_ptr<replica_store>& s, const std::string& name) { s = std::make_unique<replica_store>(replicas_.at(name).copy()); }
    void back_up_server(authority_store& s) { backup_.emplace(s.copy()); }
    void restore_server(std::unique_ptr<authority_store>& s) { s = std::make_unique<authority_store>(backup_->copy()); }

    /// One transaction of an app: rows to write, then records to erase.
    void app(replica_store& s, const std::string&, const graph_rows& rows, const std::vector<record_key>& erased) {
        for (const auto& [key, row] : rows) lab_must(s.app_write(key, row));
        for (const auto& key : erased) lab_must(s.app_erase(key));
    }
    void server_app(authority_store& s, const graph_rows& rows, const std::vector<record_key>& erased) {
        for (const auto& [key, row] : rows) lab_must(s.app_write("main", key, row));
        for (const auto& key : erased) lab_must(s.app_erase("main", key));
    }
    graph_rows rows(replica_store& s, const std::string&) {
        return all_rows([&](model_id m) { return s.rows(m); });
    }
    graph_rows server_rows(authority_store& s) {
        return all_rows([&](model_id m) { return s.rows("main", m); });
    }

private:
    template <class Read>
    static graph_rows all_rows(Read read) {
        graph_rows out;
        for (const model_id m : {folder_model, left_model, right_model})
            for (auto& [key, row] : read(m)) out.emplace(record_key{m, key}, row);
        return out;
    }

    schema_set schemas_;
    std::map<std::string, replica_store> replicas_;
    std::optional<authority_store> backup_;
};

/// Stores in SQLite files of a directory of their own; apps write plain SQL on connections of their own, with foreign keys on.
class sqlite_graph_lab {
public:
    using replica_store = sqlite_replica_store;
    using authority_store = sqlite_authority_store;

    explicit sqlite_graph_lab(overlap_policy overlap) : schemas_(graph_models(overlap)) {}
    sqlite_graph_lab(const sqlite_graph_lab&) = delete;
    sqlite_graph_lab& operator=(const sqlite_graph_lab&) = delete;
    ~sqlite_graph_lab() {
        apps_.clear();
        connections_.clear();
    }

    std::unique_ptr<authority_store> make_authority() {
        make_tables("server");
        return open_authority();
    }
    std::unique_ptr<replica_store> make_replica(const std::string& name) {
        make_tables(name);
        return open_replica(name);
    }
    void crash(std::unique_ptr<replica_store>& store, const std::string& name) {
        store.reset();
        connections_.erase(name);
        store = open_replica(name);
    }
    void crash_server(std::unique_ptr<authority_store>& store) {
        store.reset();
        store = open_authority();
    }

    std::unique_ptr<replica_store> copy(replica_store&, const std::string& name, const std::string& to) {
        lab_must(apps_.at(name).execute("VACUUM INTO '" + file(to) + "'"));
        apps_.insert_or_assign(to, connect(file(to)));
        return open_replica(to);
    }
    void back_up(replica_store&, const std::string& name) { set_aside(name); }
    void restore(std::unique_ptr<replica_store>& store, const std::string& name) {
        store.reset();
        connections_.erase(name);
        put_back(name);
        store = open_replica(name);
    }
    void back_up_server(authority_store&) { set_aside("server"); }
    void restore_server(std::unique_ptr<authority_store>& store) {
        store.reset();
        put_back("server");
        store = open_authority();
    }

    void app(replica_store&, const std::string& name, const graph_rows& rows, const std::vector<record_key>& erased) { run(name, rows, erased); }
    void server_app(authority_store&, const graph_rows& rows, const std::vector<record_key>& erased) { run("server", rows, erased); }
    graph_rows rows(replica_store&, const std::string& name) { return read(name); }
    graph_rows server_rows(authority_store&) { return read("server"); }

private:
    [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(std::string{name}.append(".db")); }
    static sqlite_database connect(const std::string& path) {
        sqlite_open_options how;
        how.busy_timeout = std::chrono::milliseconds{1000};
        auto db = lab_must(sqlite_database::open(path, how));
        lab_must(db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0"));
        return db;
    }
    void make_tables(const std::string& name) {
        auto db = connect(file(name));
        const std::string fields = "(id TEXT PRIMARY KEY NOT NULL, name TEXT, note TEXT, refers TEXT REFERENCES ";
        const std::string late = " DEFERRABLE INITIALLY DEFERRED);";
        std::string sql = "CREATE TABLE folder" + fields + "folder ON DELETE CASCADE" + late;
        sql.append("CREATE TABLE \"left\"").append(fields).append("\"right\" ON DELETE CASCADE").append(late);
        sql.append("CREATE TABLE \"right\"").append(fields).append("\"left\" ON DELETE SET NULL").append(late);
        lab_must(db.execute(sql));
        apps_.insert_or_assign(name, std::move(db));
    }
    std::unique_ptr<replica_store> open_replica(const std::string& name) {
        auto& db = connections_.insert_or_assign(name, connect(file(name))).first->second;
        return std::make_unique<replica_store>(lab_must(replica_store::open(db.handle(), schemas_)));
    }
    std::unique_ptr<authority_store> open_authority() {
        sqlite_authority_options options;
        options.durability = sqlite_durability::normal;
        options.epoch = "simulated";
        return std::make_unique<authority_store>(lab_must(authority_store::open(file("server"), schemas_, options)));
    }
    void set_aside(const std::string& name) {
        std::filesystem::remove(file(name + " aside"));
        lab_must(apps_.at(name).execute("VACUUM INTO '" + file(name + " aside") + "'"));
    }
    void put_back(const std::string& name) {
        apps_.erase(name);
        for (const char* rest : {"", "-wal", "-shm"}) std::filesystem::remove(file(name) + rest);
        std::filesystem::copy_file(file(name + " aside"), file(name));
        apps_.emplace(name, connect(file(name)));
    }

    [[nodiscard]] static std::string table_of(model_id m) { return m == folder_model ? "folder" : m == left_model ? "\"left\"" : "\"right\""; }
    static void bind(sqlite_statement& s, const record_key& key, const record& row) {
        s.bind_text(1, key.key);
        for (int f = 0; f < 3; ++f) {
            const value& v = row.fields[static_cast<std::size_t>(f)];
            if (v.is_null())
                s.bind_null(f + 2);
            else
                s.bind_text(f + 2, v.as_string());
        }
    }
    void run(const std::string& name, const graph_rows& rows, const std::vector<record_key>& erased) {
        auto& db = apps_.at(name);
        lab_must(db.execute("BEGIN IMMEDIATE"));
        for (const auto& [key, row] : rows) {
            // The reference is set only where it changes: setting it makes SQLite look for a record that somebody else may have erased.
            auto insert = lab_must(db.cached("INSERT INTO " + table_of(key.model) + "(id,name,note,refers) VALUES(?1,?2,?3,?4) ON CONFLICT(id) DO UPDATE SET name=?2,note=?3"));
            bind(*insert, key, row);
            lab_must(insert->run());
            auto refer = lab_must(db.cached("UPDATE " + table_of(key.model) + " SET refers=?4 WHERE id=?1 AND ?2 IS NOT ?3 AND refers IS NOT ?4"));
            bind(*refer, key, row);
            lab_must(refer->run());
        }
        for (const auto& key : erased) {
            auto s = lab_must(db.cached("DELETE FROM " + table_of(key.model) + " WHERE id=?1"));
            s->bind_text(1, key.key);
            lab_must(s->run());
        }
        lab_must(db.execute("COMMIT"));
    }
    graph_rows read(const std::string& name) {
        graph_rows out;
        for (const model_id m : {folder_model, left_model, right_model}) {
            auto s = lab_must(apps_.at(name).cached("SELECT id,name,note,refers FROM " + table_of(m)));
            while (lab_must(s->step())) {
                record r;
                for (int f = 1; f < 4; ++f) r.fields.push_back(s->column_is_null(f) ? value{} : value::text(std::string{s->column_text(f)}));
                out.emplace(record_key{m, std::string{s->column_text(0)}}, std::move(r));
            }
        }
        return out;
    }

    schema_set schemas_;
    scratch_folder folder_;
    std::map<std::string, sqlite_database> apps_;
    std::map<std::string, sqlite_database> connections_;
};

}  // namespace graph_simulation

#endif
