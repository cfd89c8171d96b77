#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_FOREIGN_SERVER_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_FOREIGN_SERVER_WORLD_HPP

// Syncline devices with SQLite files, and clients of go-oversync beside them, at a server of go-oversync v0.2.1. The app writes its tables with SQL.

#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/make_sync.hpp>

#include "support/read_double.hpp"
#include "support/scratch_folder.hpp"
#include "wire/bundle/oversync_world.hpp"

#include <chrono>
#include <memory>

namespace foreign_server {

using namespace oversync_tests;
using namespace std::chrono_literals;
using oversync::client;  // Syncline has clients and conflicts of its own
using syncline::errc;
using syncline::sync_result;
using syncline::timestamp;

template <class T>
T must(syncline::result<T> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
    return std::move(*r);
}
inline void must(syncline::result<void> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
}

struct device_options {
    syncline::bundle_client_options wire{};
    syncline::resolver_set resolvers{};
    std::function<void(const std::string& file)> before_sync;  ///< what the app did before it had a sync
};

/// A Syncline device: one file, one program on it.
class device {
public:
    using carrier = std::function<syncline::result<response>(const request&)>;

    device(world& of, std::string whose, std::uint64_t seed, device_options how = {}) : user(std::move(whose)), of_(of), options_(std::move(how)), random_(seed) {
        options_.wire.schema_name = "business";
        {
            auto db = must(syncline::sqlite_database::open(file()));
            must(db.execute("CREATE TABLE users(id TEXT PRIMARY KEY NOT NULL, name TEXT, email TEXT);"
                            "CREATE TABLE posts(id TEXT PRIMARY KEY NOT NULL, title TEXT, author_id TEXT REFERENCES users(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);"
                            "CREATE TABLE categories(id TEXT PRIMARY KEY NOT NULL, name TEXT, parent_id TEXT REFERENCES categories(id) ON DELETE CASCADE "
                            "DEFERRABLE INITIALLY DEFERRED);"
                            "CREATE TABLE files(id TEXT PRIMARY KEY NOT NULL, name TEXT, size INTEGER, rating REAL, data BLOB, done BOOLEAN, made_at TEXT);"
                            "CREATE TABLE notes(code TEXT PRIMARY KEY NOT NULL, body TEXT)"));
        }
        if (options_.before_sync) options_.before_sync(file());
        start();
    }
    ~device() { stop(); }
    device(const device&) = delete;

    std::string user;
    /// What happens to a request instead of going through; nothing: it goes.
    std::function<std::optional<syncline::result<response>>(const request&)> instead;
    std::function<void(const request&)> after;

    /// The program ends and starts again.
    void restart() { stop(), start(); }
    void stop() { sync_.reset(), store_.reset(); }
    void start() {
        options_.wire.user = user;
        store_ = std::make_unique<syncline::sqlite_replica_store>(must(syncline::sqlite_replica_store::open(file(), std::vector<std::string>{"users", "posts", "categories", "files", "notes"})));
        syncline::sync_surroundings around{[this] { return clock(); }, [this] { return random_(); },
                                           [this](timestamp until) {
                                               if (until > clock()) of_.center.now += std::chrono::duration_cast<std::chrono::microseconds>(until - clock()).count();
                                           }};
        sync_ = std::make_unique<sync_type>(*store_, carrier{[this](const request& r) { return carry(r); }}, options_.wire, std::move(around), options_.resolvers);
    }

    [[nodiscard]] auto& client() { return *sync_; }
    sync_result sync() { return sync_->sync(); }
    /// A sync that must end well.
    sync_result synced() {
        auto out = sync_->sync();
        INFO((out.why ? std::string{name_of(out.why->code)} + ": " + out.why->detail : std::string{"skipped"}));
        REQUIRE(out.ok());
        REQUIRE_FALSE(out.skipped);
        return out;
    }
    syncline::replica_status status() { return must(sync_->status()); }
    [[nodiscard]] std::string source() { return status().state.source_id; }

    /// A person looks at what waits and sends it again. How many there were.
    std::size_t retry_what_waits() {
        const auto all = must(sync_->waiting());
        for (const auto& what : all) must(sync_->retry(what.key));
        return all.size();
    }

    void sql(const std::string& text) {
        auto db = must(syncline::sqlite_database::open(file()));
        must(db.execute("PRAGMA foreign_keys=ON; " + text));
    }
    void add_user(std::uint64_t n, const std::string& name) { sql("INSERT INTO users VALUES('" + id(n) + "','" + name + "','" + name + "@example.com')"); }
    void set_user(std::uint64_t n, const std::string& column, const std::string& to) { sql("UPDATE users SET " + column + "='" + to + "' WHERE id='" + id(n) + "'"); }
    void erase_user(std::uint64_t n) { sql("DELETE FROM users WHERE id='" + id(n) + "'"); }
    std::string cell(const std::string& table, const std::string& key, const std::string& column) {
        auto db = must(syncline::sqlite_database::open(file()));
        auto s = must(db.prepare("SELECT " + column + " FROM " + table + " WHERE " + (table == "notes" ? "code" : "id") + "='" + key + "'"));
        return must(s.step()) ? std::string{s.column_text(0)} : "gone";
    }
    /// The first cell of what a query gives, of any table of the file.
    std::string cell_of(const std::string& query) {
        auto db = must(syncline::sqlite_database::open(file()));
        return must(db.query_text(query));
    }
    std::string name(std::uint64_t n) { return cell("users", id(n), "name"); }
    std::size_t count(const std::string& table) {
        auto db = must(syncline::sqlite_database::open(file()));
        return static_cast<std::size_t>(must(db.query_integer("SELECT count(*) FROM " + table)));
    }

    /// All rows as text, in the form that the server answers with; times as instants.
    std::string rows_here() {
        std::string out;
        auto db = must(syncline::sqlite_database::open(file()));
        for (const auto& t : of_.center.registered()) {
            std::string columns;
            for (const auto& c : sorted(t))
                columns += (columns.empty() ? "" : ",") + (c.type == kind::blob ? "CASE WHEN " + c.name + " IS NULL THEN NULL ELSE lower(hex(" + c.name + ")) END" : c.name);
            auto s = must(db.prepare("SELECT " + columns + " FROM " + t.name + " ORDER BY " + t.key));
            while (must(s.step())) {
                out += t.name;
                int i = 0;
                for (const auto& c : sorted(t)) {
                    const bool null = sqlite3_column_type(s.handle(), i) == SQLITE_NULL;
                    const std::string v{s.column_text(i++)};
                    out += "|" + (null ? std::string{"null"} : shown(c, wire_value(c, v)));
                }
                out += "\n";
            }
        }
        return out;
    }
    std::string rows_there() {
        std::string out;
        for (const auto& t : of_.center.registered())
            for (const auto& [n, r] : of_.center.user(user).data.all()) {
                if (n.table != t.name) continue;
                out += t.name;
                for (const auto& c : sorted(t)) out += "|" + (r.at(c.name).is_null() ? "null" : shown(c, r.at(c.name)));
                out += "\n";
            }
        return out;
    }

private:
    using sync_type = syncline::sync_client<syncline::sqlite_replica_store, syncline::bundle_client, carrier>;

    [[nodiscard]] std::string file() const { return dir_.file("device.db"); }
    [[nodiscard]] timestamp clock() const { return syncline::from_microseconds(of_.center.now); }
    syncline::result<response> carry(request r) {
        if (instead)
            if (auto out = instead(r)) return std::move(*out);
        r.headers.push_back({"Authorization", "Bearer " + user});
        auto out = of_.center.call(r);
        if (after) after(r);
        if (!out) return syncline::make_fault(errc::unavailable, "the connection broke");
        return std::move(*out);
    }
    static std::vector<column> sorted(const table& t) {
        auto out = t.columns;
        std::sort(out.begin(), out.end(), [](const column& a, const column& b) { return a.name < b.name; });
        return out;
    }
    static json wire_value(const column& c, const std::string& text) {
        switch (c.type) {
        case kind::blob: return to_base64(from_hex(text));
        case kind::boolean: return text == "1";
        case kind::integer: return std::stoll(text);
        case kind::real: return read_double(text);
        default: return text;
        }
    }
    static std::string shown(const column& c, const json& v) {
        if (c.type == kind::timestamptz) return std::to_string(instant(v.get<std::string>()).value_or(-1));
        return canonical(v);
    }

    world& of_;
    device_options options_;
    scratch_folder dir_;
    syncline::seeded_random random_;
    std::unique_ptr<syncline::sqlite_replica_store> store_;
    std::unique_ptr<sync_type> sync_;
};

/// A Syncline device and a client of go-oversync, both attached as alice, both with user 1.
struct mixed : world {
    explicit mixed(server_options how = {}, device_options of_device = {}) : world(how), there(attached()), here(*this, "alice", 11, std::move(of_device)) {
        there.insert("users", id(1), person("one"));
        there.push();
        here.synced();
        REQUIRE(here.name(1) == "one");
    }
    client there;
    device here;

    void converge() {
        here.synced();
        there.sync();
        here.synced();
        there.sync();
        CHECK(here.rows_here() == here.rows_there());
        CHECK(here.status().counts.open == 0);
        CHECK(there.pending() == 0);
        for (const auto& [n, r] : center.user("alice").data.all())
            CHECK(there.disk.data.find(n) != nullptr);
        CHECK(there.disk.data.all().size() == center.user("alice").data.all().size());
    }
};

inline std::string why(const sync_result& r) { return r.why ? std::string{name_of(r.why->code)} : ""; }

}  // namespace foreign_server

#endif
