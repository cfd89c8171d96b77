#ifndef SYNCLINE_TESTS_SIMULATION_SQLITE_LAB_HPP
#define SYNCLINE_TESTS_SIMULATION_SQLITE_LAB_HPP

// Stores in SQLite files of a directory of their own. The app and the server's other programs write plain SQL on connections of their own.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>

#include "simulation/lab.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <stdlib.h>

namespace simulation {

class sqlite_lab {
public:
    using replica_store = sqlite_replica_store;
    using authority_store = sqlite_authority_store;

    /// @param device_checks_keys  whether foreign keys are on where a device's store works, as on a connection that an app gives it; switching
    ///                            them off around each transaction makes SQLite compile every statement anew
    explicit sqlite_lab(overlap_policy overlap, bool device_checks_keys = true) : device_checks_keys_(device_checks_keys) {
        for (auto& m : models(overlap)) lab_must(schemas_.add(std::move(m)));
        // Memory where there is some: what a power cut does to a disk is not the question here.
        std::error_code none;
        const char* chosen = std::getenv("TMPDIR");
        std::string base{chosen != nullptr ? chosen : std::filesystem::is_directory("/dev/shm", none) ? "/dev/shm" : "/tmp"};
        folder_ = base.append("/syncline-simulation-XXXXXX");
        if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("cannot make a directory for databases");
    }
    sqlite_lab(const sqlite_lab&) = delete;
    sqlite_lab& operator=(const sqlite_lab&) = delete;
    ~sqlite_lab() {
        apps_.clear();
        connections_.clear();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::unique_ptr<authority_store> make_authority() {
        static std::string image;
        ready_made("server", image, [this](sqlite_database& db) {
            // The server's trigger sets s.
            for (const std::string table : {"node", "child"})
                lab_must(db.execute(std::string{"CREATE TRIGGER made_"}.append(table).append(" AFTER INSERT ON ").append(table)
                                        .append(" BEGIN UPDATE ").append(table).append(" SET s='s'||NEW.a WHERE id=NEW.id; END;")
                                        .append("CREATE TRIGGER changed_").append(table).append(" AFTER UPDATE ON ").append(table)
                                        .append(" WHEN NEW.s IS NOT 's'||NEW.a BEGIN UPDATE ").append(table).append(" SET s='s'||NEW.a WHERE id=NEW.id; END")));
            open_authority();
        });
        return open_authority();
    }
    std::unique_ptr<replica_store> make_replica(const std::string& name) {
        static std::string image;
        ready_made(name, image, [&](sqlite_database&) {
            open_replica(name);
            connections_.erase(name);
        });
        return open_replica(name);
    }
    /// The program's connections are gone, and with them what was not committed.
    void crash(std::unique_ptr<replica_store>& store, const std::string& name) {
        store.reset();
        connections_.erase(name);
        store = open_replica(name);
        by_store_[store.get()] = name;
    }
    void crash_server(std::unique_ptr<authority_store>& store) {
        store.reset();
        store = open_authority();
    }

    void device_write(replica_store& s, const record_key& k, const record& r) { write(app_of(s), k, r); }
    void device_erase(replica_store& s, const record_key& k) { erase(app_of(s), k); }
    /// An erase with foreign keys off: what refers to the record stays.
    void device_erase_alone(replica_store& s, const record_key& k) {
        lab_must(app_of(s).execute("PRAGMA foreign_keys=OFF"));
        erase(app_of(s), k);
        lab_must(app_of(s).execute("PRAGMA foreign_keys=ON"));
    }
    std::optional<record> device_row(replica_store& s, const record_key& k) { return row(app_of(s), k); }
    void server_write(authority_store&, const record_key& k, const record& r) { write(apps_.at("server"), k, r); }
    void server_erase(authority_store&, const record_key& k) { erase(apps_.at("server"), k); }
    std::optional<record> server_row(authority_store&, const record_key& k) { return row(apps_.at("server"), k); }

private:
    [[nodiscard]] std::string file(const std::string& name) const { return std::string{folder_}.append("/").append(name).append(".db"); }

    static sqlite_database connect(const std::string& path) {
        sqlite_open_options how;
        how.busy_timeout = std::chrono::milliseconds{1000};
        auto db = lab_must(sqlite_database::open(path, how));
        lab_must(db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0"));
        return db;
    }
    /// Makes the database @p name and connects its app. What @p attach makes of the tables is made once in a process and copied from then on:
    /// DDL takes as long as a short history.
    template <class Attach>
    void ready_made(const std::string& name, std::string& image, Attach attach) {
        if (image.empty()) {
            {
                auto db = connect(file(name));
                lab_must(db.execute("CREATE TABLE node(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, n INTEGER, m INTEGER, s TEXT);"
                                    "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, n INTEGER, m INTEGER, s TEXT,"
                                    " parent TEXT REFERENCES node(id) ON DELETE CASCADE)"));
                attach(db);
            }
            std::ifstream in{file(name), std::ios::binary};
            image.assign(std::istreambuf_iterator<char>{in}, {});
        } else {
            std::ofstream{file(name), std::ios::binary} << image;
        }
        apps_.insert_or_assign(name, connect(file(name)));
    }
    std::unique_ptr<replica_store> open_replica(const std::string& name) {
        auto& db = connections_.insert_or_assign(name, connect(file(name))).first->second;
        if (!device_checks_keys_) lab_must(db.execute("PRAGMA foreign_keys=OFF"));
        auto store = std::make_unique<replica_store>(lab_must(replica_store::open(db.handle(), schemas_)));
        by_store_[store.get()] = name;
        return store;
    }
    std::unique_ptr<authority_store> open_authority() {
        sqlite_authority_options options;
        options.durability = sqlite_durability::normal;
        options.epoch = "simulated";
        return std::make_unique<authority_store>(lab_must(authority_store::open(file("server"), schemas_, options)));
    }
    sqlite_database& app_of(replica_store& s) { return apps_.at(by_store_.at(&s)); }

    static void bind(sqlite_statement& s, const record_key& k, const record& r) {
        int at = 1;
        for (const auto& v : r.fields) {
            if (v.is_null())
                s.bind_null(at);
            else if (v.kind() == value_kind::integer)
                s.bind(at, v.as_integer());
            else
                s.bind_text(at, v.as_string());
            ++at;
        }
        s.bind_text(at, k.key);
    }
    static void write(sqlite_database& db, const record_key& k, const record& r) {
        const bool child = k.model == child_model;
        // The parent never changes; setting it would make SQLite look for a parent that somebody else may have erased.
        auto update = lab_must(db.cached(child ? "UPDATE child SET a=?1,b=?2,n=?3,m=?4,s=?5 WHERE id=?7 AND parent=?6" : "UPDATE node SET a=?1,b=?2,n=?3,m=?4,s=?5 WHERE id=?6"));
        bind(*update, k, r);
        lab_must(update->run());
        if (db.changes() != 0) return;
        auto insert = lab_must(db.cached(child ? "INSERT INTO child(a,b,n,m,s,parent,id) VALUES(?1,?2,?3,?4,?5,?6,?7)" : "INSERT INTO node(a,b,n,m,s,id) VALUES(?1,?2,?3,?4,?5,?6)"));
        bind(*insert, k, r);
        lab_must(insert->run());
    }
    static void erase(sqlite_database& db, const record_key& k) {
        auto s = lab_must(db.cached(k.model == child_model ? "DELETE FROM child WHERE id=?1" : "DELETE FROM node WHERE id=?1"));
        s->bind_text(1, k.key);
        lab_must(s->run());
    }
    static std::optional<record> row(sqlite_database& db, const record_key& k) {
        const bool child = k.model == child_model;
        auto s = lab_must(db.cached(child ? "SELECT a,b,n,m,s,parent FROM child WHERE id=?1" : "SELECT a,b,n,m,s FROM node WHERE id=?1"));
        s->bind_text(1, k.key);
        if (!lab_must(s->step())) return std::nullopt;
        record r;
        for (int i = 0; i < (child ? 6 : 5); ++i)
            r.fields.push_back(s->column_is_null(i) ? value{} : i < 4 ? value::integer(s->column_integer(i)) : value::text(std::string{s->column_text(i)}));
        return r;
    }

    schema_set schemas_;
    bool device_checks_keys_;
    std::string folder_;
    std::map<std::string, sqlite_database> apps_;
    std::map<std::string, sqlite_database> connections_;
    std::map<const replica_store*, std::string> by_store_;
};

}  // namespace simulation

#endif
