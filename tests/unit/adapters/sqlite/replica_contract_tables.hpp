#ifndef SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_REPLICA_CONTRACT_TABLES_HPP
#define SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_REPLICA_CONTRACT_TABLES_HPP

// The tables of the replica store's contract in a file, and an app that writes them by SQL; the app and the device each have a connection of their own.

#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/local_key_fixture.hpp"
#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace replica_fixture {

/// @tparam Trash     erased rows stay and are marked; the app trashes, and takes out of the trash what it writes
/// @tparam Numbered  the app's primary keys are numbers of its own, and the records' keys stand beside
/// @tparam Wide      the database keeps text in UTF-16
template <bool Trash, bool Numbered, bool Wide = false>
class contract_tables {
public:
    /// A store that marks what is erased has to be told the time.
    using store_type = std::conditional_t<Trash, told_store, sqlite_replica_store>;

    contract_tables() {
        if (Wide) must(app_->execute("PRAGMA encoding='UTF-16le'"));
        const std::string more = Trash ? ", gone DATETIME" : "";
        must(app_->execute(Numbered ? local_key_fixture::contract_tables({}, more)
                                    : "CREATE TABLE project(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, note TEXT" + more +
                                          "); CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, slug TEXT UNIQUE, project TEXT REFERENCES project(id) "
                                          "ON DELETE CASCADE, reviewer TEXT REFERENCES project(id) ON DELETE SET NULL" + more +
                                          "); CREATE TABLE sample(id TEXT PRIMARY KEY NOT NULL, flag BOOLEAN, count INTEGER, " +
                                          (bare ? "ratio, price TEXT, body TEXT, data BLOB, at TEXT, doc TEXT"
                                                : "ratio REAL, price TEXT, body TEXT, data BLOB, at DATETIME, doc JSON") + more + ")"));
        begin_app();
        reopen();
    }
    /// Which of two names comes first: by octets, of which UTF-16 has others.
    bool is_before(const std::string& a, const std::string& b) requires Wide {
        auto s = must(app_->cached("SELECT ?1<?2"));
        s->bind_text(1, a).bind_text(2, b);
        REQUIRE(must(s->step()));
        return s->column_integer(0) != 0;
    }
    store_type& store() { return *store_; }
    store_type& other_store() { return *other_; }
    void reopen() {
        store_.reset();
        other_.reset();
        std::vector<model_schema> models;
        for (model_schema m : models_) {
            if (Trash) m.times.deleted_at = "gone";
            m.key_assigned = Numbered;
            models.push_back(std::move(m));
        }
        store_ = told(must(sqlite_replica_store::open(dir_->file(), models, quick())));
        other_ = told(must(sqlite_replica_store::open(connection_for_other_->handle(), models, quick())));
    }
    /// The program ends here: what lies in the files now is what the next one finds. Transactions that are open stay valid until the next crash.
    void crash() {
        ended_ = std::make_unique<program>(program{dir_, app_, connection_for_other_, std::move(store_), std::move(other_)});
        dir_ = std::make_shared<scratch_folder>();
        for (const char* more : {"", "-journal", "-wal"})
            if (const std::string from = ended_->dir->file() + more; std::filesystem::exists(from)) std::filesystem::copy_file(from, dir_->file() + more);
        app_ = std::make_shared<sqlite_database>(connect(dir_->file()));
        connection_for_other_ = std::make_shared<sqlite_database>(connect(dir_->file()));
        begin_app();
        reopen();
    }
    result<void> app_write(const record_key& key, const record& row) {
        const model_schema& m = std::as_const(*store_).schemas()[key.model];
        if (Trash && key.model == store_contract::task) {  // the app has a place of its own for what is in its way
            auto purge = app_->cached("DELETE FROM task WHERE gone IS NOT NULL AND slug=?1 AND id<>?2");
            if (!purge) return purge.error();
            bind_sqlite_value(**purge, 1, row.fields[1]);
            (*purge)->bind_text(2, key.key);
            if (auto r = (*purge)->run(); !r) return r;
        }
        std::string names{"id"};
        std::string places{"?1"};
        std::string sets{Trash ? "gone=NULL" : "id=id"};
        for (std::size_t i = 0; i < m.fields.size(); ++i) {
            const std::string place = "?" + std::to_string(i + 2);
            names.append(",").append(m.fields[i].name);
            places.append(",").append(Numbered ? local_key_fixture::written(m, m.fields[i], place) : place);
            sets.append(",").append(m.fields[i].name).append("=excluded.").append(m.fields[i].name);
        }
        auto s = app_->cached("INSERT INTO " + m.name + "(" + names + ") VALUES(" + places + ") ON CONFLICT(id) DO UPDATE SET " + sets);
        if (!s) return s.error();
        (*s)->bind_text(1, key.key);
        for (std::size_t i = 0; i < m.fields.size(); ++i) bind_sqlite_value(**s, static_cast<int>(i) + 2, row.fields[i]);
        return (*s)->run();
    }
    result<void> app_erase(const record_key& key) {
        const std::string& table = std::as_const(*store_).schemas()[key.model].name;
        std::vector<std::string> all{Trash ? "UPDATE " + table + " SET gone='x' WHERE id=?1" : "DELETE FROM " + table + " WHERE id=?1"};
        if (Trash && key.model == store_contract::project) {  // SQLite does nothing for them
            const std::string parent = Numbered ? "(SELECT nr FROM project WHERE id=?1)" : "?1";
            all.emplace_back("UPDATE task SET gone='x' WHERE project=" + parent);
            all.emplace_back("UPDATE task SET reviewer=NULL WHERE reviewer=" + parent);
        }
        for (const auto& sql : all) {
            auto s = app_->cached(sql);
            if (!s) return s.error();
            (*s)->bind_text(1, key.key);
            if (auto r = (*s)->run(); !r) return r;
        }
        return {};
    }
    std::optional<record> row(const record_key& key) {
        const schema_set& schemas = std::as_const(*store_).schemas();
        const model_schema& m = schemas[key.model];
        std::string names;
        if (Numbered) names = local_key_fixture::read(m, sqlite_replica_map_name(*schemas.find("project")));
        else for (const auto& f : m.fields) names.append(names.empty() ? "" : ",").append(f.name);
        auto s = must(app_->prepare("SELECT " + names + " FROM " + m.name + " WHERE id=?1" + (Trash ? " AND gone IS NULL" : "")));
        s.bind_text(1, key.key);
        if (!must(s.step())) return std::nullopt;
        return read_sqlite_fields(s, 0, m);
    }
    std::optional<record> read_apart(const record_key& key) { return row(key); }  // the app's connection is its own
    void install_trigger() {
        for (const char* when : {"INSERT", "UPDATE"})
            must(app_->execute(std::string{"CREATE TRIGGER shout_"} + when + " AFTER " + when + " ON task WHEN NEW.title='shout' BEGIN UPDATE task SET title='SHOUT' WHERE " +
                               (Numbered ? "nr=NEW.nr" : "id=NEW.id") + "; END"));
    }
    /// The next version of the app brings its tables up to its models first.
    void learn(const schema_set& models) {
        store_.reset();
        other_.reset();
        for (std::size_t m = 0; m < models.size(); ++m) {
            const model_schema& is = models[static_cast<model_id>(m)];
            for (std::size_t f = models_[static_cast<model_id>(m)].fields.size(); f < is.fields.size(); ++f) {
                REQUIRE(is.fields[f].kind == value_kind::text);
                must(app_->execute("ALTER TABLE " + is.name + " ADD COLUMN " + is.fields[f].name + " TEXT"));
            }
        }
        models_ = models;
        reopen();
    }
    bool holds(value_kind kind, const value& v) const {
        const bool numeric = kind == value_kind::boolean || (!bare && (kind == value_kind::time || kind == value_kind::json));
        const auto affinity = numeric                                                        ? sqlite_affinity::numeric
                              : kind == value_kind::integer                                  ? sqlite_affinity::integer
                              : kind == value_kind::bytes || (bare && kind == value_kind::real) ? sqlite_affinity::blob
                              : kind == value_kind::real                                     ? sqlite_affinity::real
                                                                                             : sqlite_affinity::text;
        return sqlite_can_hold(v, kind, affinity, Wide);
    }

private:
    static constexpr bool bare = Trash && !Numbered;  // columns of other types, too

    struct program {
        std::shared_ptr<scratch_folder> dir;
        std::shared_ptr<sqlite_database> app;
        std::shared_ptr<sqlite_database> connection_for_other;
        std::unique_ptr<store_type> store;
        std::unique_ptr<store_type> other;
    };

    void begin_app() {
        must(app_->execute("PRAGMA foreign_keys=ON"));
        must(app_->learn_encoding());
    }
    static std::unique_ptr<store_type> told(sqlite_replica_store store) {
        if constexpr (Trash) return std::make_unique<store_type>(std::move(store), from_microseconds(1'700'000'000'000'000));
        else return std::make_unique<store_type>(std::move(store));
    }

    schema_set models_ = store_contract::schemas();
    std::shared_ptr<scratch_folder> dir_ = std::make_shared<scratch_folder>();
    std::shared_ptr<sqlite_database> app_ = std::make_shared<sqlite_database>(connect(dir_->file()));
    std::shared_ptr<sqlite_database> connection_for_other_ = std::make_shared<sqlite_database>(connect(dir_->file()));
    std::unique_ptr<store_type> store_;
    std::unique_ptr<store_type> other_;
    std::unique_ptr<program> ended_;
};

}  // namespace replica_fixture

#endif
