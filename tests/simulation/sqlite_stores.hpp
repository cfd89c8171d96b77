#ifndef SYNCLINE_TESTS_SIMULATION_SQLITE_STORES_HPP
#define SYNCLINE_TESTS_SIMULATION_SQLITE_STORES_HPP

// Stores of the simulation for users in SQLite files, for any models whose keys are texts: each store has a file of its own, in which the app writes by
// SQL on a connection of its own. A commit in which power fails is torn where the write-ahead log was written.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>

#include "simulation/lab.hpp"
#include "support/scratch_folder.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace simulation {

/// A store's file, and the app that writes its tables.
struct app_file {
    explicit app_file(std::string at) : path(std::move(at)), app(lab_must(sqlite_database::open(path))) {
        lab_must(app.execute("PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON"));
    }
    [[nodiscard]] result<void> write(const model_schema& m, const record_key& key, const record& row) {
        std::string names{m.key_name}, places{"?1"}, sets{m.key_name + "=" + m.key_name};
        for (std::size_t i = 0; i < m.fields.size(); ++i) {
            names.append(",").append(m.fields[i].name);
            places.append(",?").append(std::to_string(i + 2));
            sets.append(",").append(m.fields[i].name).append("=excluded.").append(m.fields[i].name);
        }
        auto s = app.cached("INSERT INTO " + m.name + "(" + names + ") VALUES(" + places + ") ON CONFLICT(" + m.key_name + ") DO UPDATE SET " + sets);
        if (!s) return std::move(s).error();
        (*s)->bind_text(1, key.key);
        for (std::size_t i = 0; i < m.fields.size(); ++i) bind_sqlite_value(**s, static_cast<int>(i) + 2, row.fields[i]);
        return (*s)->run();
    }
    [[nodiscard]] result<void> erase(const model_schema& m, const record_key& key) {
        auto s = app.cached("DELETE FROM " + m.name + " WHERE " + m.key_name + "=?1");
        if (!s) return std::move(s).error();
        (*s)->bind_text(1, key.key);
        return (*s)->run();
    }
    [[nodiscard]] std::optional<record> row(const model_schema& m, const record_key& key) {
        std::string names;
        for (const auto& f : m.fields) names.append(names.empty() ? "" : ",").append(f.name);
        auto s = lab_must(app.cached("SELECT " + names + " FROM " + m.name + " WHERE " + m.key_name + "=?1"));
        s->bind_text(1, key.key);
        if (!lab_must(s->step())) return std::nullopt;
        return read_sqlite_fields(*s, 0, m);
    }

    std::string path;
    sqlite_database app;
    std::string began_with;  ///< the log of the file from which this one was copied, as it was then
};

template <class Store>
struct store_on_file : app_file, Store {
    store_on_file(app_file file, Store store) : app_file(std::move(file)), Store(std::move(store)) {}
};

class sqlite_stores {
public:
    using replica_store = store_on_file<sqlite_replica_store>;
    using authority_store = store_on_file<sqlite_authority_store>;

    explicit sqlite_stores(const schema_set& schemas) : schemas_(schemas) {}

    [[nodiscard]] std::unique_ptr<replica_store> make_replica(const std::string& name) { return make_replica(name, schemas_); }
    [[nodiscard]] std::unique_ptr<replica_store> make_replica(const std::string& name, const schema_set& known) {
        const std::string at = fresh(name);
        make_tables(at, known);
        return opened(at, known);
    }
    [[nodiscard]] result<std::unique_ptr<replica_store>> grown(replica_store& from, const std::string& name, const schema_set& known) {
        const schema_set had = std::as_const(from).schemas();
        const std::string at = copied(from, name);
        {
            app_file file{at};
            for (std::size_t m = 0; m < known.size(); ++m) {
                const auto& is = known[static_cast<model_id>(m)];
                for (std::size_t f = had[static_cast<model_id>(m)].fields.size(); f < is.fields.size(); ++f)
                    if (auto r = file.app.execute("ALTER TABLE " + is.name + " ADD COLUMN " + column(is, f)); !r) return std::move(r).error();
            }
        }
        return opened(at, known);
    }
    [[nodiscard]] std::unique_ptr<authority_store> make_authority() {
        const std::string at = fresh("server");
        make_tables(at, schemas_);
        return opened_server(at);
    }
    [[nodiscard]] std::unique_ptr<replica_store> copy(replica_store& from, const std::string& name) {
        auto out = opened(copied(from, name), std::as_const(from).schemas());
        out->began_with = octets(from.path + "-wal");
        return out;
    }
    [[nodiscard]] std::unique_ptr<authority_store> copy_server(authority_store& from) { return opened_server(copied(from, "server")); }
    /// What @p after has more than @p before is the end of its log, of which a part has arrived, perhaps with a sector that has not.
    [[nodiscard]] std::unique_ptr<replica_store> torn(replica_store& before, replica_store& after, const std::string& name, std::uint32_t die) {
        const std::string log = octets(after.path + "-wal");
        if (octets(before.path) != octets(after.path) || log.compare(0, before.began_with.size(), before.began_with) != 0)
            return copy(die % 2 == 0 ? before : after, name);  // the log was written back meanwhile
        ++torn_;
        std::string arrived = log.substr(0, before.began_with.size() + die % (log.size() - before.began_with.size() + 1));
        const std::size_t tail = arrived.size() - before.began_with.size();
        if ((die >> 16) % 2 == 0 && tail > 512) arrived.replace(before.began_with.size() + (die >> 17) % (tail - 512), 512, 512, '\0');
        return opened_torn(after, name, arrived);
    }
    /// The file of @p of, with @p log in the place of its own.
    [[nodiscard]] std::unique_ptr<replica_store> opened_torn(replica_store& of, const std::string& name, const std::string& log) {
        const std::string at = fresh(name);
        put(at, octets(of.path));
        put(at + "-wal", log);
        return opened(at, std::as_const(of).schemas());
    }
    [[nodiscard]] static std::string log_of(const replica_store& s) { return octets(s.path + "-wal"); }
    /// How often a commit was torn.
    [[nodiscard]] static std::uint64_t torn_commits() { return torn_; }

    template <class Store>
    [[nodiscard]] result<void> write(Store& s, const record_key& key, const record& row) { return s.app_file::write(std::as_const(s).schemas()[key.model], key, row); }
    template <class Store>
    [[nodiscard]] result<void> erase(Store& s, const record_key& key) { return s.app_file::erase(std::as_const(s).schemas()[key.model], key); }
    template <class Store>
    [[nodiscard]] std::optional<record> row(Store& s, const record_key& key) { return s.app_file::row(std::as_const(s).schemas()[key.model], key); }

private:
    [[nodiscard]] static std::string octets(const std::string& path) {
        std::ifstream in{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    static void put(const std::string& path, const std::string& what) { std::ofstream{path, std::ios::binary} << what; }
    [[nodiscard]] static std::string column(const model_schema& m, std::size_t f) {
        const auto& field = m.fields[f];
        std::string out = field.name + (field.kind == value_kind::integer ? " INTEGER" : " TEXT") + (field.nullable ? "" : " NOT NULL");
        for (const auto& r : m.references)
            if (r.field == f) out.append(" REFERENCES ").append(r.model).append(r.on_erase == reference_action::cascade ? " ON DELETE CASCADE" : " ON DELETE SET NULL");
        return out;
    }
    [[nodiscard]] std::string fresh(const std::string& name) { return folder_.file(name + "." + std::to_string(++files_) + ".db"); }
    // DDL takes as long as a short run: a file with the tables is made once in a process.
    void make_tables(const std::string& at, const schema_set& known) {
        static std::map<std::string, std::string> images;
        std::string ddl;
        for (std::size_t m = 0; m < known.size(); ++m) {
            const auto& is = known[static_cast<model_id>(m)];
            ddl.append("CREATE TABLE ").append(is.name).append("(").append(is.key_name).append(" TEXT PRIMARY KEY NOT NULL");
            for (std::size_t f = 0; f < is.fields.size(); ++f) ddl.append(",").append(column(is, f));
            ddl.append(");");
        }
        std::string& image = images[ddl];
        if (image.empty()) {
            lab_must(app_file{at}.app.execute("PRAGMA journal_mode=DELETE;" + ddl));
            image = octets(at);
        }
        put(at, image);
    }
    /// The files of @p from, under a name of their own.
    [[nodiscard]] std::string copied(const app_file& from, const std::string& name) {
        const std::string at = fresh(name);
        put(at, octets(from.path));
        put(at + "-wal", octets(from.path + "-wal"));
        return at;
    }
    [[nodiscard]] static std::unique_ptr<replica_store> opened(const std::string& at, const schema_set& known) {
        auto store = lab_must(sqlite_replica_store::open(at, known));
        return std::make_unique<replica_store>(app_file{at}, std::move(store));
    }
    [[nodiscard]] std::unique_ptr<authority_store> opened_server(const std::string& at) {
        sqlite_authority_options options;
        options.durability = sqlite_durability::normal;
        options.epoch = "simulated";
        auto store = lab_must(sqlite_authority_store::open(at, schemas_, options));
        return std::make_unique<authority_store>(app_file{at}, std::move(store));
    }

    schema_set schemas_;
    scratch_folder folder_;
    int files_ = 0;
    static inline std::uint64_t torn_ = 0;
};

}  // namespace simulation

#endif
