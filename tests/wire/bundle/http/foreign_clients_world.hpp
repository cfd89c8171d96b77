#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_HTTP_FOREIGN_CLIENTS_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_HTTP_FOREIGN_CLIENTS_WORLD_HPP

// Clients of go-oversync v0.2.1 at a Syncline server: an SQLite database whose tables the server's app writes itself, behind HTTP on a port of this
// machine. One user is one tenant. Between each client and the server lies a line on which statuses can be injected and answers lost.

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/scratch_folder.hpp"
#include "wire/bundle/oversync_world.hpp"

#include <chrono>
#include <memory>
#include <mutex>

namespace foreign_clients {

using namespace oversync_tests;
using namespace std::chrono_literals;
using oversync::client;  // Syncline has a client of its own
using syncline::timestamp;

template <class T>
T must(syncline::result<T> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
    return std::move(*r);
}
inline void must(syncline::result<void> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
}

/// The endpoint that a request asks, by the peers' names.
inline std::string endpoint_of(const request& r) {
    const std::string path{syncline::path_without_query(r.path)};
    if (path.ends_with("/chunks")) return "push_chunk";
    if (path.ends_with("/commit")) return "push_commit";
    if (path.ends_with("/rows")) return "committed_rows";
    if (path == "/sync/push-sessions") return "push_create";
    if (path == "/sync/snapshot-sessions") return "snapshot_create";
    if (path.starts_with("/sync/push-sessions/")) return "push_delete";
    if (path.starts_with("/sync/snapshot-sessions/")) return r.method == http_method::get ? "snapshot_chunk" : "snapshot_delete";
    return path.substr(6);
}

/// What may happen on the way, and what was asked.
struct weather {
    std::vector<std::string> seen;
    std::map<std::string, std::vector<int>> statuses;  ///< 0: the request is lost
    std::map<std::string, int> lost;                   ///< answers
    std::function<void(const std::string&)> before, after;

    [[nodiscard]] std::ptrdiff_t asked(const std::string& endpoint) const { return std::count(seen.begin(), seen.end(), endpoint); }
    std::optional<response> through(const request& r, const std::function<std::optional<response>(const request&)>& send) {
        const std::string endpoint = endpoint_of(r);
        seen.push_back(endpoint);
        if (before) before(endpoint);
        if (auto& q = statuses[endpoint]; !q.empty()) {
            const int s = q.front();
            q.erase(q.begin());
            if (s == 0) return std::nullopt;
            return response{s, {}, "{\"error\":\"injected\",\"message\":\"injected\"}"};
        }
        auto out = send(r);
        if (after) after(endpoint);
        if (lost[endpoint]-- > 0) return std::nullopt;
        lost[endpoint] = (std::max)(0, lost[endpoint]);
        return out;
    }
};

struct world_options {
    syncline::authority_options authority{};
    syncline::bundle_server_options wire{};
    std::string flags = "BOOLEAN";  ///< how the server declares `files.done`
};

class syncline_world {
public:
    explicit syncline_world(world_options how = {}) : options_(std::move(how)) {
        options_.wire.schema_name = "business";
        {
            auto db = must(syncline::sqlite_database::open(file(), {}));
            must(db.execute("CREATE TABLE users(id TEXT PRIMARY KEY NOT NULL, name TEXT, email TEXT, owner TEXT NOT NULL);"
                            "CREATE TABLE posts(id TEXT PRIMARY KEY NOT NULL, title TEXT, author_id TEXT REFERENCES users(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, "
                            "owner TEXT NOT NULL);"
                            "CREATE TABLE categories(id TEXT PRIMARY KEY NOT NULL, name TEXT, parent_id TEXT REFERENCES categories(id) ON DELETE CASCADE "
                            "DEFERRABLE INITIALLY DEFERRED, owner TEXT NOT NULL);"
                            "CREATE TABLE files(id TEXT PRIMARY KEY NOT NULL, name TEXT, size INTEGER, rating REAL, data BLOB, done " + options_.flags + ", made_at TEXT, owner TEXT NOT NULL);"
                            "CREATE TABLE notes(code TEXT PRIMARY KEY NOT NULL, body TEXT, owner TEXT NOT NULL)"));
            for (const auto& t : business()) {
                auto m = must(syncline::read_model_schema(db, t.name));
                const auto owner = *m.find_field("owner");
                m.fields.erase(m.fields.begin() + owner);
                must(models_.add(std::move(m)));
            }
        }
        syncline::sqlite_authority_options o;
        o.owner_column = "owner";
        store_.emplace(must(syncline::sqlite_authority_store::open(file(), models_, o)));
        server_.emplace(*store_, options_.authority, [this] { return now += 1ms; }, [this] { return random_(); });
        must(server_->mount_bundle_wire(options_.wire));
        handler_ = [this](const request& r, const syncline::principal& who) {
            const std::scoped_lock alone{mutex_};
            return (*server_)(r, who);
        };
        must(http_.authenticate_with([](const request& r) -> syncline::result<syncline::principal> {
            auto token = syncline::bearer_credentials(r);
            if (!token) return token.error();
            return syncline::principal{std::string{*token}, std::string{*token}};
        }));
        must(http_.mount("", handler_));
        must(http_.start());
    }

    timestamp now = syncline::from_microseconds(1'700'000'000'000'000);
    weather sky;  ///< over all lines
    std::uint64_t spaces = 0x100;

    [[nodiscard]] std::string file() const { return dir_.file("server.db"); }
    template <class F>
    auto host(F what) {
        const std::scoped_lock alone{mutex_};
        return what(server_->engine());
    }
    void pass(syncline::duration d) {
        const std::scoped_lock alone{mutex_};
        now += d;
    }
    /// What the app on the server writes into its own tables.
    void sql(const std::string& text) {
        auto db = must(syncline::sqlite_database::open(file(), {}));
        must(db.execute("PRAGMA foreign_keys=ON; " + text));
    }
    std::string cell(const std::string& table, const std::string& key, const std::string& column) {
        auto db = must(syncline::sqlite_database::open(file(), {}));
        auto s = must(db.prepare("SELECT " + column + " FROM " + table + " WHERE " + (table == "notes" ? "code" : "id") + "='" + key + "'"));
        return must(s.step()) ? std::string{s.column_text(0)} : "gone";
    }
    std::int64_t number(const std::string& query) {
        auto db = must(syncline::sqlite_database::open(file(), {}));
        return must(db.query_integer(query));
    }

    [[nodiscard]] wire line() {
        syncline::httplib_transport_options o;
        o.base = "http://127.0.0.1:" + std::to_string(http_.port());
        auto to = std::make_shared<syncline::httplib_transport>(must(syncline::httplib_transport::open(std::move(o))));
        return [this, to](const request& r) {
            return sky.through(r, [&](const request& q) -> std::optional<response> {
                auto out = (*to)(q);
                if (!out) return std::nullopt;
                return std::move(*out);
            });
        };
    }
    client fresh(const std::string& user = "alice") {
        client c(business(), line(), of_user(user, ++spaces));
        c.open();
        return c;
    }
    client attached(const std::string& user = "alice") {
        client c = fresh(user);
        const auto out = c.attach(user);
        REQUIRE(out.status == "connected");
        return c;
    }
    /// A raw request, past the weather.
    response raw(http_method m, const std::string& path, const json& body = {}, const std::string& source = "raw", const std::string& user = "alice") {
        syncline::httplib_transport_options o;
        o.base = "http://127.0.0.1:" + std::to_string(http_.port());
        o.bearer_token = user;
        auto to = must(syncline::httplib_transport::open(std::move(o)));
        return must(to(request{m, path, {{"Oversync-Source-ID", source}, {"Content-Type", "application/json"}}, body.is_null() ? "" : go_text(body)}));
    }

private:
    world_options options_;
    scratch_folder dir_;
    syncline::schema_set models_;
    syncline::seeded_random random_{7};
    std::mutex mutex_;
    std::optional<syncline::sqlite_authority_store> store_;
    std::optional<syncline::sync_server<syncline::sqlite_authority_store>> server_;
    std::function<response(const request&, const syncline::principal&)> handler_;
    syncline::httplib_server http_;
};

/// Two clients of one user: the first has pushed user 1, both hold it.
struct two : syncline_world {
    explicit two(world_options how = {}) : syncline_world(std::move(how)), a(attached()), b(attached()) {
        a.insert("users", id(1), person("one"));
        a.sync();
        b.sync();
        REQUIRE(same(a, b));
    }
    client a, b;

    void converge() {
        for (client* c : {&a, &b, &a}) c->sync();
        CHECK(same(a, b));
    }
};

}  // namespace foreign_clients

#endif
