#ifndef SYNCLINE_TESTS_WIRE_SOFT_DELETES_PARTIES_HPP
#define SYNCLINE_TESTS_WIRE_SOFT_DELETES_PARTIES_HPP

// A server and devices over SQLite files of one table, each with soft deletes or without; their apps write plain SQL on connections of their own.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace soft_deletes {

using namespace syncline;
using store_contract::must;

/// How a party deletes.
enum class deletes : std::uint8_t { hard, soft };
enum class wire_kind : std::uint8_t { mutation, bundle };

inline app_times times_of(deletes how) {
    app_times t;
    t.created_at = "created_at";
    t.updated_at = "updated_at";
    if (how == deletes::soft) t.deleted_at = "deleted_at";
    return t;
}

/// The app of one party: a table `task`, and the SQL that an app would send.
class app_tables {
public:
    explicit app_tables(deletes how) : how_(how), db_(connect(dir_.file())) {
        std::string sql{"CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, created_at DATETIME, updated_at INTEGER"};
        must(db_.execute(sql.append(how == deletes::soft ? ", deleted_at DATETIME)" : ")")));
    }
    [[nodiscard]] std::string path() const { return dir_.file(); }
    [[nodiscard]] model_schema model() { return must(read_model_schema(db_, "task", times_of(how_))); }
    [[nodiscard]] deletes how() const { return how_; }

    void sql(const std::string& text) {
        INFO(text);
        must(db_.execute(text));
    }
    std::string ask(const std::string& text) { return must(db_.query_text(text)); }

    void create(const std::string& id, const std::string& title) {
        sql("INSERT INTO task(id,title,body) VALUES('" + id + "','" + title + "','')");
    }
    void update(const std::string& id, const std::string& title) { sql("UPDATE task SET title='" + title + "' WHERE id='" + id + "'"); }
    /// A soft delete where there are such; else a delete.
    void trash(const std::string& id) {
        if (how_ == deletes::hard) return remove(id);
        sql("UPDATE task SET deleted_at='2026-01-01 00:00:00' WHERE id='" + id + "'");
    }
    /// A delete, whether the row is in the trash or not.
    void remove(const std::string& id) { sql("DELETE FROM task WHERE id='" + id + "'"); }
    /// Takes the row out of the trash; where there is none, makes it again.
    void restore(const std::string& id, const std::string& title) {
        if (how_ == deletes::hard) return sql("INSERT OR REPLACE INTO task(id,title,body) VALUES('" + id + "','" + title + "','')");
        sql("UPDATE task SET deleted_at=NULL WHERE id='" + id + "'");
    }

    /// The rows that are there, as text.
    std::string live() {
        std::string sql{"SELECT ifnull(group_concat(id||'='||ifnull(title,'-')||'/'||ifnull(body,'-'),';'),'') FROM (SELECT * FROM task"};
        return ask(sql.append(how_ == deletes::soft ? " WHERE deleted_at IS NULL" : "").append(" ORDER BY id)"));
    }
    /// The ids in the trash.
    std::string trashed() {
        return how_ == deletes::hard ? "" : ask("SELECT ifnull(group_concat(id,';'),'') FROM (SELECT id FROM task WHERE deleted_at IS NOT NULL ORDER BY id)");
    }

private:
    static sqlite_database connect(const std::string& path) {
        auto db = must(sqlite_database::open(path));
        must(db.execute("PRAGMA synchronous=OFF"));
        return db;
    }

    deletes how_;
    scratch_folder dir_;
    sqlite_database db_;
};

/// The time of the whole world, in microseconds; every look moves it on.
struct common_clock {
    std::int64_t now_us = 1'700'000'000'000'000;
    timestamp operator()() { return from_microseconds(now_us += 1'000'000); }
};

class office {
public:
    office(deletes how, resolver decides, common_clock& clock)
        : app(how), store_(open(app)), server_(*store_, options(std::move(decides)), [&clock] { return clock(); }, [this] { return random_.next(); }) {
        server_.mount_mutation_wire();
        REQUIRE(server_.mount_bundle_wire());
    }
    app_tables app;

    response operator()(const request& r) {
        requests.push_back(r);
        return handler_(r);
    }
    std::vector<request> requests;  ///< as they came
    [[nodiscard]] sqlite_authority_store& store() { return *store_; }
    [[nodiscard]] sync_server<sqlite_authority_store>& server() { return server_; }

private:
    static std::unique_ptr<sqlite_authority_store> open(app_tables& of) {
        schema_set models;
        must(models.add(of.model()));
        sqlite_authority_options o;
        o.durability = sqlite_durability::normal;
        return std::make_unique<sqlite_authority_store>(must(sqlite_authority_store::open(of.path(), std::move(models), o)));
    }
    static authority_options options(resolver decides) {
        authority_options o;
        o.resolvers = resolver_set{std::move(decides)};
        return o;
    }

    std::unique_ptr<sqlite_authority_store> store_;
    seeded_random random_{7};
    sync_server<sqlite_authority_store> server_;
    authenticated<allow_anonymous, sync_server<sqlite_authority_store>> handler_{allow_anonymous{{"anyone", "main"}}, server_};
};

class device {
public:
    device(deletes how, wire_kind wire, const resolver& decides, office& to, common_clock& clock, std::uint64_t seed) : app(how), random_(seed) {
        sqlite_replica_options quick;
        quick.busy_timeout = std::chrono::milliseconds{0};
        store_ = std::make_unique<sqlite_replica_store>(must(sqlite_replica_store::open(app.path(), std::vector<model_schema>{app.model()}, quick)));
        sync_surroundings around{[&clock] { return clock(); }, [this] { return random_.next(); }, [](timestamp) {}};
        if (wire == wire_kind::bundle)
            bundle_ = std::make_unique<bundle_type>(*store_, loopback{to}, bundle_client_options{}, around, resolver_set{decides});
        else
            mutation_ = std::make_unique<mutation_type>(*store_, loopback{to}, mutation_client_options{}, around, resolver_set{decides});
    }
    app_tables app;

    sync_result sync() { return bundle_ ? bundle_->sync() : mutation_->sync(); }
    sync_result pull() { return bundle_ ? bundle_->pull() : mutation_->pull(); }
    [[nodiscard]] replica_status status() { return bundle_ ? must(bundle_->status()) : must(mutation_->status()); }

private:
    using mutation_type = sync_client<sqlite_replica_store, mutation_client, loopback<office>>;
    using bundle_type = sync_client<sqlite_replica_store, bundle_client, loopback<office>>;

    seeded_random random_;
    std::unique_ptr<sqlite_replica_store> store_;
    std::unique_ptr<mutation_type> mutation_;
    std::unique_ptr<bundle_type> bundle_;
};

/// The sync went through.
inline void done(const sync_result& r) {
    INFO((r.why ? r.why->detail : std::string{}));
    REQUIRE(r.ok());
}

}  // namespace soft_deletes

#endif
