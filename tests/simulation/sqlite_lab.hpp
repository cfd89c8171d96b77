#ifndef SYNCLINE_TESTS_SIMULATION_SQLITE_LAB_HPP
#define SYNCLINE_TESTS_SIMULATION_SQLITE_LAB_HPP

// Stores in SQLite files of a directory of their own. The app and the server's other programs write plain SQL on connections of their own. Where a
// party has soft deletes, its programs put rows into the trash, take them out, and empty it at times; where not, they delete. Where a party numbers its
// rows itself, the records' keys stand beside, and children hold their parents' numbers.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>

#include "simulation/lab.hpp"
#include "support/scratch_folder.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <stdlib.h>

namespace simulation {

class sqlite_lab {
public:
    using replica_store = sqlite_replica_store;
    using authority_store = sqlite_authority_store;
    static constexpr bool has_trash = true;
    static constexpr bool can_migrate = true;

    /// @param device_checks_keys  whether foreign keys are on where a device's store works, as on a connection that an app gives it; switching
    ///                            them off around each transaction makes SQLite compile every statement anew
    /// @param numbers  whether every party numbers its rows itself
    explicit sqlite_lab(overlap_policy overlap, bool device_checks_keys = true, bool numbers = false)
        : overlap_(overlap), device_checks_keys_(device_checks_keys), all_number_(numbers) {}
    sqlite_lab(const settings& s, statistics& counts) : sqlite_lab(s.overlap) {
        counts_ = &counts;
        random_ = seeded_random{s.seed};
        trash_["server"] = s.server_trash;
        for (std::size_t i = 0; i < s.device_trash.size(); ++i) trash_[ledger_name(i)] = s.device_trash[i];
        for (std::size_t i = 0; i < s.old_model.size(); ++i)
            if (s.old_model[i]) old_model_.insert(ledger_name(i));
        if (s.server_numbers) numbering_.insert("server");
        for (std::size_t i = 0; i < s.device_numbers.size(); ++i)
            if (s.device_numbers[i]) numbering_.insert(ledger_name(i));
    }
    sqlite_lab(const sqlite_lab&) = delete;
    sqlite_lab& operator=(const sqlite_lab&) = delete;
    ~sqlite_lab() {
        apps_.clear();
        connections_.clear();
    }

    std::unique_ptr<authority_store> make_authority() {
        static std::map<std::string, std::string> images;
        ready_made("server", images, [this](sqlite_database& db) {
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
        static std::map<std::string, std::string> images;
        ready_made(name, images, [&](sqlite_database&) {
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

    /// The app's next version adds the column. Its program is to be started anew.
    void migrate(const std::string& name) {
        lab_must(apps_.at(name).execute("ALTER TABLE node ADD COLUMN b INTEGER; ALTER TABLE child ADD COLUMN b INTEGER"));
        old_model_.erase(name);
    }

    void device_write(replica_store& s, const record_key& k, const record& r) { write(by_store_.at(&s), k, r); }
    void device_erase(replica_store& s, const record_key& k) { erase(by_store_.at(&s), k); }
    /// An erase with foreign keys off: what refers to the record stays.
    void device_erase_alone(replica_store& s, const record_key& k) {
        lab_must(app_of(s).execute("PRAGMA foreign_keys=OFF"));
        erase_row(app_of(s), k);
        lab_must(app_of(s).execute("PRAGMA foreign_keys=ON"));
    }
    std::optional<record> device_row(replica_store& s, const record_key& k) { return row(by_store_.at(&s), k); }
    void server_write(authority_store&, const record_key& k, const record& r) { write("server", k, r); }
    void server_erase(authority_store&, const record_key& k) { erase("server", k); }
    std::optional<record> server_row(authority_store&, const record_key& k) { return row("server", k); }

private:
    static std::string ledger_name(std::size_t device) { return std::string(1, static_cast<char>('A' + device)); }
    [[nodiscard]] trash_of trash(const std::string& name) const {
        const auto at = trash_.find(name);
        return at == trash_.end() ? trash_of{} : at->second;
    }
    [[nodiscard]] bool lacks_b(const std::string& name) const { return old_model_.contains(name); }
    [[nodiscard]] bool numbers(const std::string& name) const { return all_number_ || numbering_.contains(name); }
    /// SQL for what a child holds of the node whose key is @p parameter.
    [[nodiscard]] std::string held(const std::string& name, const std::string& parameter) const {
        return numbers(name) ? "(SELECT nr FROM node WHERE id=" + parameter + ")" : parameter;
    }
    [[nodiscard]] bool is_soft(const std::string& name, const record_key& k) const {
        return k.model == child_model ? trash(name).child : trash(name).node;
    }
    [[nodiscard]] schema_set schemas_of(const std::string& name) const {
        schema_set out;
        for (auto& m : lacks_b(name) ? older_models(overlap_) : models(overlap_)) {
            m.key_assigned = numbers(name);
            m.times.created_at = "made";
            m.times.updated_at = time_column{"touched", time_form::microseconds};
            if (m.name == "child" ? trash(name).child : trash(name).node) m.times.deleted_at = "gone";
            lab_must(out.add(std::move(m)));
        }
        return out;
    }
    [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(std::string{name}.append(".db")); }

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
    void ready_made(const std::string& name, std::map<std::string, std::string>& images, Attach attach) {
        const bool numbered = numbers(name);
        const std::string b = lacks_b(name) ? "" : " b INTEGER,";
        std::string& image = images[std::string{lacks_b(name) ? "older " : ""} + std::string{trash(name).node ? "soft " : "hard "}.append(trash(name).child ? "soft" : "hard").append(numbered ? " numbered" : "")];
        if (image.empty()) {
            {
                auto db = connect(file(name));
                const std::string keys = "id TEXT PRIMARY KEY NOT NULL", rest = "a INTEGER," + b + " n INTEGER, m INTEGER, s TEXT, made DATETIME, touched INTEGER, gone DATETIME";
                lab_must(db.execute("CREATE TABLE node(" + (numbered ? "nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT" : keys) + "," + rest + ");"
                                    "CREATE TABLE child(" + (numbered ? "nr INTEGER PRIMARY KEY, id TEXT, parent INTEGER" : keys + ", parent TEXT") +
                                    " REFERENCES node ON DELETE CASCADE," + rest + ")"));
                // Numbers that are nobody's, so that no two parties' are the same.
                if (numbered) lab_must(db.execute("INSERT INTO sqlite_sequence VALUES('node'," + std::to_string(10 * name.size() + static_cast<std::size_t>(name.front())) + ")"));
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
        auto store = std::make_unique<replica_store>(lab_must(replica_store::open(db.handle(), schemas_of(name))));
        by_store_[store.get()] = name;
        return store;
    }
    std::unique_ptr<authority_store> open_authority() {
        sqlite_authority_options options;
        options.durability = sqlite_durability::normal;
        options.epoch = "simulated";
        return std::make_unique<authority_store>(lab_must(authority_store::open(file("server"), schemas_of("server"), options)));
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
    static void run(sqlite_database& db, const std::string& sql, const record_key& k) {
        auto s = lab_must(db.cached(sql));
        s->bind_text(1, k.key);
        lab_must(s->run());
    }
    void write(const std::string& name, const record_key& k, const record& r) {
        auto& db = apps_.at(name);
        const bool child = k.model == child_model;
        lab_must(db.execute("BEGIN IMMEDIATE"));
        const bool soft = is_soft(name, k);
        if (soft) {
            run(db, child ? "UPDATE child SET a=a WHERE id=?1 AND gone IS NOT NULL" : "UPDATE node SET a=a WHERE id=?1 AND gone IS NOT NULL", k);
            if (db.changes() != 0) {
                ++counts_->restores;
                // Out of the trash and then edited, both at once, or made anew in its place.
                const auto how = random_.below(child ? 3 : 2);
                if (how == 0) run(db, child ? "UPDATE child SET gone=NULL WHERE id=?1" : "UPDATE node SET gone=NULL WHERE id=?1", k);
                if (how == 2) run(db, "DELETE FROM child WHERE id=?1", k);
            }
        }
        // The parent never changes; setting it would make SQLite look for a parent that somebody else may have erased.
        const std::string b = lacks_b(name) ? "" : "b=?2,";
        auto update = lab_must(db.cached(child ? "UPDATE child SET a=?1," + b + "n=?3,m=?4,s=?5,gone=NULL WHERE id=?7 AND ?6 IS NOT NULL"
                                               : "UPDATE node SET a=?1," + b + "n=?3,m=?4,s=?5,gone=NULL WHERE id=?6"));
        bind(*update, k, r);
        lab_must(update->run());
        if (db.changes() == 0) {
            auto insert = lab_must(db.cached(std::string{"INSERT INTO "} + (lacks_b(name) ? child ? "child(a,n,m,s,parent,id) VALUES(?1,?3" : "node(a,n,m,s,id) VALUES(?1,?3" : child ? "child(a,b,n,m,s,parent,id) VALUES(?1,?2,?3" : "node(a,b,n,m,s,id) VALUES(?1,?2,?3") +
                                               std::string{",?4,?5,"} + (child ? held(name, "?6") + ",?7)" : "?6)")));
            bind(*insert, k, r);
            lab_must(insert->run());
        }
        if (soft && random_.chance(1, 4)) empty_trash(name);
        lab_must(db.execute("COMMIT"));
    }
    // What was synced as erased, or never, goes for good; a parent only when no child of it is there: the user may have kept one.
    void empty_trash(const std::string& name) {
        auto& db = apps_.at(name);
        lab_must(db.execute("DELETE FROM child WHERE gone IS NOT NULL"));
        const auto purged = db.changes();
        lab_must(db.execute("DELETE FROM node WHERE gone IS NOT NULL AND NOT EXISTS(SELECT 1 FROM child WHERE parent=" + held(name, "node.id") + ")"));
        if (purged + db.changes() != 0) ++counts_->purges;
    }
    void erase(const std::string& name, const record_key& k) {
        auto& db = apps_.at(name);
        if (!is_soft(name, k) || random_.chance(1, 12)) return erase_row(db, k);
        ++counts_->soft_deletes;
        lab_must(db.execute("BEGIN IMMEDIATE"));
        if (k.model == node_model)
            run(db, (trash(name).child ? "UPDATE child SET gone='in the trash' WHERE gone IS NULL AND parent=" : "DELETE FROM child WHERE parent=") + held(name, "?1"), k);
        run(db, k.model == child_model ? "UPDATE child SET gone='in the trash' WHERE id=?1" : "UPDATE node SET gone='in the trash' WHERE id=?1", k);
        if (random_.chance(1, 6)) erase_row(db, k);
        if (random_.chance(1, 6)) empty_trash(name);
        lab_must(db.execute("COMMIT"));
    }
    static void erase_row(sqlite_database& db, const record_key& k) {
        auto s = lab_must(db.cached(k.model == child_model ? "DELETE FROM child WHERE id=?1" : "DELETE FROM node WHERE id=?1"));
        s->bind_text(1, k.key);
        lab_must(s->run());
    }
    std::optional<record> row(const std::string& name, const record_key& k) {
        const bool child = k.model == child_model;
        // A number that no node has any more is told by what the store remembers of it.
        const std::string parent = !numbers(name) ? "parent" : "coalesce((SELECT p.id FROM node p WHERE p.nr=child.parent),(SELECT sync FROM " +
                                   std::string{name == "server" ? "syncline_authority_keys_node" : "syncline_replica_keys_0"} + " WHERE local=child.parent))";
        auto s = lab_must(apps_.at(name).cached((lacks_b(name) ? "SELECT a,NULL,n,m,s" : "SELECT a,b,n,m,s") + (child ? "," + parent + " FROM child" : std::string{" FROM node"}) + " WHERE id=?1 AND gone IS NULL"));
        s->bind_text(1, k.key);
        if (!lab_must(s->step())) return std::nullopt;
        record r;
        for (int i = 0; i < (child ? 6 : 5); ++i)
            r.fields.push_back(s->column_is_null(i) ? value{} : i < 4 ? value::integer(s->column_integer(i)) : value::text(std::string{s->column_text(i)}));
        return r;
    }

    overlap_policy overlap_;
    bool device_checks_keys_;
    bool all_number_ = false;
    std::set<std::string> numbering_;  ///< the parties whose rows have numbers of their own
    statistics none_;
    statistics* counts_ = &none_;
    seeded_random random_{1};
    std::set<std::string> old_model_;  ///< the parties whose tables lack column b
    std::map<std::string, trash_of> trash_;  ///< by party; who is not in it deletes
    scratch_folder folder_;
    std::map<std::string, sqlite_database> apps_;
    std::map<std::string, sqlite_database> connections_;
    std::map<const replica_store*, std::string> by_store_;
};

/// The same where every party numbers its rows itself.
struct numbering_sqlite_lab : sqlite_lab {
    explicit numbering_sqlite_lab(overlap_policy overlap) : sqlite_lab(overlap, true, true) {}
};

}  // namespace simulation

#endif
