#include <syncline/adapters/sqlite/replica_store.hpp>

#include "support/catch.hpp"
#include "support/replica_store_contract.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace syncline;
using namespace store_contract;

// A directory of its own for one test, gone afterwards.
class scratch {
public:
    scratch() {
        auto pattern = (std::filesystem::temp_directory_path() / "syncline-replica-XXXXXX").string();
        if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
        REQUIRE_FALSE(path_.empty());
    }
    ~scratch() { std::filesystem::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string file(const std::string& name = "app.db") const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

sqlite_database connect(const std::string& path) {
    auto db = must(sqlite_database::open(path, {true, std::chrono::milliseconds{0}}));
    must(db.execute("PRAGMA synchronous=OFF"));
    return db;
}

constexpr const char* contract_tables = R"(
CREATE TABLE project(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, note TEXT);
CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, slug TEXT UNIQUE,
  project TEXT REFERENCES project(id) ON DELETE CASCADE, reviewer TEXT REFERENCES project(id) ON DELETE SET NULL);
CREATE TABLE sample(id TEXT PRIMARY KEY NOT NULL, flag BOOLEAN, count INTEGER, ratio REAL, price TEXT, body TEXT, data BLOB, at DATETIME, doc JSON);
)";

sqlite_replica_options quick() {
    sqlite_replica_options o;
    o.busy_timeout = std::chrono::milliseconds{0};
    return o;
}

std::vector<model_schema> contract_models() {
    const schema_set set = schemas();
    return {set.begin(), set.end()};
}

// The contract's tables in a file; the app and the device each have a connection of their own.
struct harness {
    harness() {
        must(app->execute(contract_tables));
        must(app->execute("PRAGMA foreign_keys=ON"));
        reopen();
    }
    sqlite_replica_store& store() { return *kept; }
    void reopen() {
        kept.reset();
        kept = std::make_unique<sqlite_replica_store>(must(sqlite_replica_store::open(path, contract_models(), quick())));
    }
    sqlite_replica_store& other_store() {
        other = std::make_unique<sqlite_replica_store>(must(sqlite_replica_store::open(connection_for_other->handle(), contract_models(), quick())));
        return *other;
    }
    result<void> app_write(const record_key& key, const record& row) {
        const model_schema& m = kept->schemas()[key.model];
        std::string sql = "INSERT INTO ";
        std::string sets;
        sql.append(sqlite_quoted(m.name)).append(" VALUES(?1");
        for (std::size_t i = 0; i < m.fields.size(); ++i) {
            sql.append(",?").append(std::to_string(i + 2));
            sets.append(i == 0 ? "" : ",").append(sqlite_quoted(m.fields[i].name)).append("=excluded.").append(sqlite_quoted(m.fields[i].name));
        }
        sql.append(") ON CONFLICT(id) DO UPDATE SET ").append(sets);
        auto s = app->cached(sql);
        if (!s) return s.error();
        (*s)->bind_text(1, key.key);
        for (std::size_t i = 0; i < m.fields.size(); ++i) bind_sqlite_value(**s, static_cast<int>(i) + 2, row.fields[i]);
        return (*s)->run();
    }
    result<void> app_erase(const record_key& key) {
        std::string sql = "DELETE FROM ";
        sql.append(sqlite_quoted(kept->schemas()[key.model].name)).append(" WHERE id=?1");
        auto s = app->cached(sql);
        if (!s) return s.error();
        (*s)->bind_text(1, key.key);
        return (*s)->run();
    }
    std::optional<record> row(const record_key& key) {
        const model_schema& m = kept->schemas()[key.model];
        std::string sql = "SELECT * FROM ";
        sql.append(sqlite_quoted(m.name)).append(" WHERE id=?1");
        auto s = must(app->prepare(sql));
        s.bind_text(1, key.key);
        if (!must(s.step())) return std::nullopt;
        record r;
        for (std::size_t i = 0; i < m.fields.size(); ++i) r.fields.push_back(read_sqlite_value(s, static_cast<int>(i) + 1, m.fields[i].kind));
        return r;
    }
    void install_trigger() {
        must(app->execute("CREATE TRIGGER shout AFTER INSERT ON task WHEN NEW.title='shout' BEGIN UPDATE task SET title='SHOUT' WHERE id=NEW.id; END;"
                          "CREATE TRIGGER shout2 AFTER UPDATE ON task WHEN NEW.title='shout' BEGIN UPDATE task SET title='SHOUT' WHERE id=NEW.id; END;"));
    }
    bool holds(value_kind kind, const value& v) const {
        const auto affinity = kind == value_kind::boolean || kind == value_kind::time || kind == value_kind::json ? sqlite_affinity::numeric
                              : kind == value_kind::integer                                                       ? sqlite_affinity::integer
                              : kind == value_kind::real                                                          ? sqlite_affinity::real
                              : kind == value_kind::bytes                                                         ? sqlite_affinity::blob
                                                                                                                  : sqlite_affinity::text;
        return sqlite_can_hold(v, kind, affinity);
    }

    std::shared_ptr<scratch> dir = std::make_shared<scratch>();
    std::string path = dir->file();
    std::shared_ptr<sqlite_database> app = std::make_shared<sqlite_database>(connect(path));
    std::shared_ptr<sqlite_database> connection_for_other = std::make_shared<sqlite_database>(connect(path));
    std::unique_ptr<sqlite_replica_store> kept;
    std::unique_ptr<sqlite_replica_store> other;
};

}  // namespace

TEST_CASE("sqlite_replica_store: keeps the replica store's contract") {
    check_replica_store([] { return harness{}; });
}
