#ifndef SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_AUTHORITY_CONTRACT_TABLES_HPP
#define SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_AUTHORITY_CONTRACT_TABLES_HPP

// The tables of the authority store's contract in a file of their own, with an owner column, and an app that writes them by SQL.

#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/authority_fixture.hpp"
#include "unit/adapters/sqlite/local_key_fixture.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace authority_fixture {

constexpr timestamp noon = from_microseconds(1'777'712'400'000'000);  // 2026-05-02 09:00:00

/// The time columns of tables whose erased rows stay and are marked.
inline app_times soft() {
    app_times t;
    t.updated_at = "touched";
    t.deleted_at = "gone";
    return t;
}

/// @tparam Trash     erased rows stay; the app trashes, and takes out of the trash what it writes
/// @tparam Numbered  the app's primary keys are numbers of its own, and the records' keys stand beside
/// @tparam Wide      the database keeps text in UTF-16
template <bool Trash, bool Numbered, bool Wide = false>
class contract_tables {
public:
    /// A store that marks what is erased has to be told the time.
    using store_type = std::conditional_t<Trash, told_store, sqlite_authority_store>;

    contract_tables() {
        if (Wide) app_->run("PRAGMA encoding='UTF-16be'");
        const std::string more = Trash ? ", gone DATETIME, touched INTEGER" : "";
        app_->run(Numbered ? local_key_fixture::contract_tables("owner TEXT NOT NULL, ", more)
                          : "CREATE TABLE project(owner TEXT NOT NULL, id TEXT PRIMARY KEY, name TEXT NOT NULL, note TEXT" + more +
                                "); CREATE TABLE task(owner TEXT NOT NULL, id TEXT PRIMARY KEY, title TEXT NOT NULL, slug TEXT, project TEXT REFERENCES project(id) ON "
                                "DELETE CASCADE, reviewer TEXT REFERENCES project(id) ON DELETE SET NULL" + more +
                                ", UNIQUE(owner, slug)); CREATE TABLE sample(owner TEXT NOT NULL, id TEXT PRIMARY KEY, flag BOOLEAN, count INTEGER, ratio, price TEXT, body TEXT, "
                                "data BLOB, at TEXT, doc TEXT" + more + ")");
        begin_app();
        reopen();
    }

    [[nodiscard]] store_type& store() { return *store_; }
    [[nodiscard]] store_type& other_store() { return *other_; }
    void reopen() {
        store_.reset();
        other_.reset();
        store_.emplace(attach());
        other_.emplace(attach());
    }
    /// The program ends here: what lies in the files now is what the next one finds. Transactions that are open stay valid until the next crash.
    void crash() {
        ended_ = std::make_unique<program>(program{std::move(dir_), std::move(app_), std::move(store_), std::move(other_)});
        dir_ = std::make_unique<scratch>();
        for (const char* more : {"", "-journal", "-wal"})
            if (const std::string from = ended_->dir->file() + more; std::filesystem::exists(from)) std::filesystem::copy_file(from, dir_->file() + more);
        app_ = std::make_unique<stranger>(dir_->file());
        begin_app();
        reopen();
    }
    [[nodiscard]] result<void> app_write(const std::string& tenant, const record_key& key, const record& row) {
        const auto& schema = store_->schemas()[key.model];
        std::string names{"id,owner"};
        std::string places{"?1,?2"};
        std::string sets{Trash ? "gone=NULL" : "id=id"};
        for (std::size_t f = 0; f < row.fields.size(); ++f) {
            const std::string place = "?" + std::to_string(f + 3);
            names.append(",").append(schema.fields[f].name);
            places.append(",").append(Numbered ? local_key_fixture::written(schema, schema.fields[f], place) : place);
            sets.append(",").append(schema.fields[f].name).append("=excluded.").append(schema.fields[f].name);
        }
        return run_sqlite(app_->db(), "INSERT INTO " + schema.name + "(" + names + ") VALUES(" + places + ") ON CONFLICT(id) DO UPDATE SET " + sets,
                          [&](sqlite_statement& s) {
                              s.bind_text(1, key.key).bind_text(2, tenant);
                              int at = 3;
                              for (const auto& v : row.fields) bind_sqlite_value(s, at++, v);
                          });
    }
    [[nodiscard]] result<void> app_erase(const std::string& tenant, const record_key& key) {
        const std::string& table = store_->schemas()[key.model].name;
        std::vector<std::string> all{Trash ? "UPDATE " + table + " SET gone='x' WHERE gone IS NULL AND id = ?1 AND owner = ?2"
                                           : "DELETE FROM " + table + " WHERE id = ?1 AND owner = ?2"};
        if (Trash && key.model == store_contract::project) {  // SQLite does nothing for them
            const std::string theirs = std::string{Numbered ? "(SELECT nr FROM project WHERE id = ?1)" : "?1"} + " AND owner = ?2 AND gone IS NULL";
            all.emplace_back("UPDATE task SET gone='x' WHERE project = " + theirs);
            all.emplace_back("UPDATE task SET reviewer=NULL WHERE reviewer = " + theirs);
        }
        for (const auto& sql : all)
            if (auto r = run_sqlite(app_->db(), sql, [&](sqlite_statement& s) { s.bind_text(1, key.key).bind_text(2, tenant); }); !r) return r;
        return {};
    }
    [[nodiscard]] std::optional<record> row(const std::string& tenant, const record_key& key) {
        const auto& schema = store_->schemas()[key.model];
        std::string names;
        if (Numbered) names = local_key_fixture::read(schema, "syncline_authority_keys_project");
        else for (const auto& f : schema.fields) names.append(names.empty() ? "" : ",").append(f.name);
        std::optional<record> out;
        ok(each_sqlite_row(
            app_->db(), "SELECT " + names + " FROM " + schema.name + " WHERE id = ?1 AND owner = ?2" + (Trash ? " AND gone IS NULL" : ""),
            [&](sqlite_statement& s) { s.bind_text(1, key.key).bind_text(2, tenant); },
            [&](sqlite_statement& s) {
                record r;
                for (std::size_t f = 0; f < schema.fields.size(); ++f) r.fields.push_back(read_sqlite_value(s, static_cast<int>(f), schema.fields[f].kind));
                out = std::move(r);
                return false;
            }));
        return out;
    }
    void install_trigger() {
        const std::string same = Numbered ? "nr = NEW.nr" : "id = NEW.id";
        for (const char* when : {"INSERT", "UPDATE"})
            app_->run(std::string{"CREATE TRIGGER app_loud_"} + when + " AFTER " + when + " ON task WHEN NEW.title = 'shout' BEGIN UPDATE task SET title = 'SHOUT' WHERE " +
                     same + "; END");
    }
    [[nodiscard]] bool holds(value_kind, const value& v) const { return !(Wide && v.kind() == value_kind::text && !is_valid_utf8(v.as_string())) && !(v.kind() == value_kind::real && v.as_real() != v.as_real()); }
    void attach_to(const std::string& tenant, const record_key& key, const record& row) {
        ok(detach_sqlite_authority(app_->db(), true));
        ok(app_write(tenant, key, row));
        reopen();
    }
    stranger& app() { return *app_; }
    [[nodiscard]] std::string path() const { return dir_->file(); }

private:
    struct program {
        std::unique_ptr<scratch> dir;
        std::unique_ptr<stranger> app;
        std::optional<store_type> store;
        std::optional<store_type> other;
    };

    void begin_app() {
        app_->run("PRAGMA foreign_keys = ON");
        sqlite3_busy_timeout(app_->db().handle(), 0);
        ok(app_->db().learn_encoding());
    }
    [[nodiscard]] store_type attach() const {
        schema_set models;
        for (model_schema m : store_contract::schemas()) {
            if (Trash) m.times = soft();
            m.key_assigned = Numbered;
            ok(models.add(std::move(m)));
        }
        sqlite_authority_options options;
        options.owner_column = "owner";
        auto opened = open_store(dir_->file(), std::move(models), options);
        if constexpr (Trash) return {std::move(opened), noon};
        else return opened;
    }

    std::unique_ptr<scratch> dir_ = std::make_unique<scratch>();
    std::unique_ptr<stranger> app_ = std::make_unique<stranger>(dir_->file());
    std::optional<store_type> store_;
    std::optional<store_type> other_;
    std::unique_ptr<program> ended_;
};

}  // namespace authority_fixture

#endif
