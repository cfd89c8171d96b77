// One SQLite authority with both wires mounted, and devices of both kinds that edit the same records by any SQL: foreign keys with cascades, to the table
// itself and in a cycle, erases and restores, a client of Laravel Tether, and the host's own program beside them.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"
#include "wire/mutation/legacy_client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace both_wires_test {

namespace {

using namespace syncline;
using store_contract::must;

constexpr std::size_t device_count = 4;  // two of each wire

// `list.first` and `task.list` are a cycle, `task.parent` is the table itself. In `tally` each device writes its own column alone, so that no edit of it can
// be given up for another one.
constexpr const char* tables_sql =
    "CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL, name TEXT, first TEXT REFERENCES task(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, n INTEGER, list TEXT REFERENCES list(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,"
    " parent TEXT REFERENCES task(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE tally(id TEXT PRIMARY KEY NOT NULL, d0 INTEGER, d1 INTEGER, d2 INTEGER, d3 INTEGER, tether INTEGER, host INTEGER);";
const std::array<std::string, 3> tables{"list", "task", "tally"};

/// One party's database, with a connection that knows nothing of ours.
class app {
public:
    app() : db_(must(sqlite_database::open(dir_.file()))) {
        must(db_.execute("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON"));
        must(db_.execute(tables_sql));
    }
    [[nodiscard]] std::string path() const { return dir_.file(); }
    [[nodiscard]] std::vector<model_schema> models() {
        std::vector<model_schema> out;
        for (const auto& t : tables) out.push_back(must(read_model_schema(db_, t)));
        return out;
    }
    /// What the app may not do, it does not do.
    void attempt(const std::string& sql) {
        if (!db_.execute("BEGIN IMMEDIATE;" + sql + ";COMMIT") && db_.in_transaction()) must(db_.execute("ROLLBACK"));
    }
    std::string content() {
        return must(db_.query_text("SELECT (SELECT ifnull(group_concat(id||ifnull(name,'-')||ifnull(first,'-'),';'),'') FROM (SELECT * FROM list ORDER BY id))||' | '||"
                                   "(SELECT ifnull(group_concat(id||ifnull(title,'-')||ifnull(n,'-')||ifnull(list,'-')||ifnull(parent,'-'),';'),'') FROM (SELECT * FROM task ORDER BY id))"
                                   "||' | '||(SELECT group_concat(id||':'||ifnull(d0,'-')||ifnull(d1,'-')||ifnull(d2,'-')||ifnull(d3,'-')||ifnull(tether,'-')||ifnull(host,'-'),';')"
                                   " FROM (SELECT * FROM tally ORDER BY id))"));
    }
    std::int64_t number(const std::string& sql) { return must(db_.query_integer(sql)); }
    /// Rows whose foreign keys hold nothing.
    std::int64_t orphans() { return number("SELECT count(*) FROM pragma_foreign_key_check"); }

private:
    scratch_folder dir_;
    sqlite_database db_;
};

struct world {
    explicit world(std::uint64_t seed) : random(seed) {
        schema_set models;
        for (auto& m : host.models()) must(models.add(std::move(m)));
        sqlite_authority_options o;
        o.durability = sqlite_durability::normal;
        store = std::make_unique<sqlite_authority_store>(must(sqlite_authority_store::open(host.path(), std::move(models), o)));
        authority_options rules;
        rules.resolvers = decide();
        server = std::make_unique<sync_server<sqlite_authority_store>>(*store, rules, [this] { return tick(); }, [this] { return random.next(); });
        server->mount_mutation_wire();
        REQUIRE(server->mount_bundle_wire());
        handler = std::make_unique<authenticated<allow_anonymous, sync_server<sqlite_authority_store>>>(allow_anonymous{{"anyone", "main"}}, *server);
        host.attempt("INSERT INTO tally(id) VALUES('t0'), ('t1')");
    }
    timestamp tick() { return from_microseconds(now_us += 1'000'000); }
    resolver_set decide() { return seeded_random{random}.next() % 2 == 0 ? resolver_set{resolvers::client_wins{}} : resolver_set{resolvers::server_wins{}}; }
    std::uint64_t pick(std::uint64_t n) { return random.next() % n; }
    response operator()(const request& r) { return (*handler)(r); }

    seeded_random random;
    std::int64_t now_us = 1'700'000'000'000'000;
    app host;
    std::unique_ptr<sqlite_authority_store> store;
    std::unique_ptr<sync_server<sqlite_authority_store>> server;
    std::unique_ptr<authenticated<allow_anonymous, sync_server<sqlite_authority_store>>> handler;
};

class device {
    using by_mutations = sync_client<sqlite_replica_store, mutation_client, loopback<world>>;
    using by_bundles = sync_client<sqlite_replica_store, bundle_client, loopback<world>>;

public:
    device(world& to, bool bundles) : store_(must(sqlite_replica_store::open(own.path(), own.models()))) {
        sync_surroundings around{[&to] { return to.tick(); }, [&to] { return to.random.next(); }, [](timestamp) {}};
        if (bundles) client_ = std::make_unique<by_bundles>(store_, loopback{to}, bundle_client_options{}, around, to.decide());
        else client_ = std::make_unique<by_mutations>(store_, loopback{to}, mutation_client_options{}, around, to.decide());
    }
    app own;

    sync_result sync() {
        return std::visit([](auto& c) { return c->sync(); }, client_);
    }
    replica_counts counts() {
        return std::visit([](auto& c) { return must(c->status()).counts; }, client_);
    }
    /// What a person does in the end with changes that wait: the server's rows stand.
    void give_up() {
        std::visit(
            [](auto& c) {
                for (const auto& change : must(c->waiting()))
                    if (!c->take_server(change.key)) static_cast<void>(c->discard(change.key));
            },
            client_);
    }

private:
    sqlite_replica_store store_;
    std::variant<std::unique_ptr<by_mutations>, std::unique_ptr<by_bundles>> client_;
};

/// A client of Laravel Tether (`tether::client`): it sends whole rows without a base, over the mutation wire. Its users make records under keys of their own,
/// as ULIDs are.
class tether_client {
public:
    explicit tether_client(world& to) : world_(&to) {
        own_.batch = std::size_t{1} << to.pick(4);
        own_.page = to.pick(4);
        own_.foreign_keys = foreign_keys();
    }
    void sync() {
        tether::sync_counts met;
        REQUIRE(own_.sync([this](const request& r) { return std::optional{(*world_)(r)}; }, &met));
        conflicts += met.conflicts;
    }
    void count(std::int64_t n) {
        const std::string key = "t" + std::to_string(world_->pick(2));
        if (own_.row("tally", key) == nullptr) return;
        own_.update("tally", key, {{"tether", std::to_string(n)}});
        ++edits;
    }
    void edit() {
        const std::string text = "\"v" + std::to_string(world_->pick(1000)) + "\"";
        const auto task = any("task");
        const auto list = any("list");
        const auto id_of = [](const std::optional<std::string>& key) { return key ? "\"" + *key + "\"" : std::string{"null"}; };
        ++edits;
        switch (world_->pick(6)) {
        case 0: return own_.create("task", "kt" + std::to_string(++made_), {{"title", text}, {"n", "1"}, {"list", id_of(list)}, {"parent", id_of(task)}});
        case 1:
            if (list) return own_.update("list", *list, {{"name", text}, {"first", id_of(task)}});
            break;
        case 2:
            if (task) return own_.update("task", *task, {{"list", id_of(list)}});
            break;
        case 3:
            if (task) return own_.erase("task", *task);
            break;
        default:
            if (task) return own_.update("task", *task, {{"title", text}});
        }
        --edits;
    }
    /// The count that its newest edit of `tally` has that the server took.
    [[nodiscard]] std::int64_t acknowledged() const {
        std::int64_t out = acknowledged_before_;
        for (const auto& e : own_.entries())
            if (e.row.model == "tally" && e.status == "synced") out = (std::max)(out, std::int64_t{std::stoll(e.payload.at("tether"))});
        return out;
    }
    [[nodiscard]] std::size_t pending() const { return own_.count("pending"); }
    [[nodiscard]] std::size_t refused() const { return own_.count("failed"); }
    /// What is left to a person whose changes the server refused for good: such a client keeps its rows as they are, and has no other way to the server's.
    void install_anew() {
        acknowledged_before_ = acknowledged();
        own_ = tether::client{"tea again"};
        own_.foreign_keys = foreign_keys();
    }
    /// As `app::content` tells it.
    [[nodiscard]] std::string content() const {
        std::string out;
        const auto cell = [&](const tether::columns& row, const char* column) {
            std::string v = row.at(column);
            std::erase(v, '"');
            out.append(v == "null" ? "-" : v);
        };
        const auto rows = [&](const char* model, const char* between, std::initializer_list<const char*> columns) {
            bool first = true;
            for (const auto& [name, row] : own_.rows()) {
                if (name.model != model) continue;
                out.append(std::exchange(first, false) ? "" : ";").append(name.id).append(between);
                for (const char* column : columns) cell(row, column);
            }
        };
        rows("list", "", {"name", "first"});
        out.append(" | ");
        rows("task", "", {"title", "n", "list", "parent"});
        out.append(" | ");
        rows("tally", ":", {"d0", "d1", "d2", "d3", "tether", "host"});
        return out;
    }
    std::size_t edits = 0;
    std::size_t conflicts = 0;

private:
    static std::vector<tether::client::foreign_key> foreign_keys() { return {{"task", "list", "list"}, {"task", "parent", "task"}}; }
    std::optional<std::string> any(const std::string& model) {
        std::vector<std::string> keys;
        for (const auto& [name, row] : own_.rows())
            if (name.model == model) keys.push_back(name.id);
        if (keys.empty()) return std::nullopt;
        return keys[world_->pick(keys.size())];
    }

    world* world_;
    tether::client own_{"tea"};
    int made_ = 0;
    std::int64_t acknowledged_before_ = 0;
};

/// A statement of an app's, over so few keys that the parties meet all the time.
std::string statement(world& w) {
    const auto one = [&](const char* of) { return std::string{"'"}.append(of).append(std::to_string(w.pick(4))).append("'"); };
    const auto some = [&](const char* of) { return w.pick(3) == 0 ? std::string{"NULL"} : one(of); };
    const std::string text = "'w" + std::to_string(w.pick(1000)) + "'";
    switch (w.pick(12)) {
    case 0: return "INSERT INTO list VALUES(" + one("l") + "," + text + "," + some("k") + ")";
    case 1:
    case 2: return "INSERT INTO task VALUES(" + one("k") + "," + text + "," + std::to_string(w.pick(9)) + "," + some("l") + "," + some("k") + ")";
    case 3: return "INSERT INTO task VALUES(" + one("k") + "," + text + ",0,NULL,NULL) ON CONFLICT(id) DO UPDATE SET title = excluded.title";
    case 4: return "UPDATE task SET title = " + text + " WHERE id = " + one("k");
    case 5: return "UPDATE task SET list = " + some("l") + " WHERE id = " + one("k");
    case 6: return "UPDATE task SET parent = " + some("k") + " WHERE id = " + one("k");
    case 7: return "UPDATE list SET first = " + some("k") + ", name = " + text + " WHERE id = " + one("l");
    case 8: return "DELETE FROM task WHERE id = " + one("k");
    case 9: return "UPDATE task SET n = n + 1, parent = " + some("k") + " WHERE id = 'kt" + std::to_string(w.pick(3) + 1) + "'";  // made by the client of Tether
    case 10: return "DELETE FROM list WHERE id = " + one("l");
    default: return "REPLACE INTO list VALUES(" + one("l") + "," + text + ",NULL)";  // a restore, where it was erased
    }
}

/// A quarter of the simulation's: each seed here is as long as ten of those.
std::uint64_t seeds() {
    return test_support::number_from_environment("SYNCLINE_SEEDS").value_or(236) / 4 + 1;
}

}  // namespace

TEST_CASE("devices of both wires and a client of Tether converge on one SQLite authority, whatever they and its host write, and no acknowledged write is lost") {
    std::size_t rows = 0;
    std::size_t conflicts = 0;
    std::size_t tether_edits = 0;
    std::size_t tether_conflicts = 0;
    std::size_t refused_for_good = 0;  // seeds in which it kept a row that the server refused
    std::size_t counted = 0;  // seeds in which the client of Tether had a count acknowledged
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        CAPTURE(seed);
        world w{seed};
        std::vector<std::unique_ptr<device>> devices;
        for (std::size_t i = 0; i < device_count; ++i) devices.push_back(std::make_unique<device>(w, i % 2 == 1));
        std::array<std::int64_t, device_count> written{};  // the count that a device wrote last into its column of `tally`
        std::array<std::int64_t, device_count> acknowledged{};
        std::int64_t by_host = 0;
        std::int64_t by_tether = 0;
        tether_client tea{w};
        const auto check_acknowledged = [&] {
            for (std::size_t i = 0; i < device_count; ++i) {
                INFO("device " << i);
                REQUIRE(w.host.number("SELECT ifnull(max(d" + std::to_string(i) + "), 0) FROM tally") >= acknowledged[i]);
            }
            REQUIRE(w.host.number("SELECT ifnull(max(host), 0) FROM tally") == by_host);
            REQUIRE(w.host.number("SELECT ifnull(max(tether), 0) FROM tally") >= tea.acknowledged());
        };
        const auto sync = [&](std::size_t i) {
            const auto done = devices[i]->sync();
            INFO("device " << i << ": " << (done.why ? done.why->detail : std::string{}));
            REQUIRE((done.ok() || done.rejections.size() + done.pull_errors > 0));
            conflicts += done.decisions.size();
            const auto left = devices[i]->counts();
            if (left.open + left.frozen + left.waiting == 0) acknowledged[i] = written[i];
            check_acknowledged();
        };
        for (std::size_t i = 0; i < device_count; ++i) sync(i);

        for (int step = 0; step < 60; ++step) {
            const std::size_t who = w.pick(device_count + 2);
            if (who > device_count) {
                switch (w.pick(4)) {
                case 0: tea.count(++by_tether); break;
                case 1:
                    tea.sync();
                    check_acknowledged();
                    break;
                default: tea.edit();
                }
                continue;
            }
            app& at = who == device_count ? w.host : devices[who]->own;
            switch (w.pick(4)) {
            case 0: {
                auto& count = who == device_count ? by_host : written[who];
                const std::string column = who == device_count ? "host" : "d" + std::to_string(who);
                at.attempt("UPDATE tally SET " + column + " = " + std::to_string(++count) + " WHERE id = 't" + std::to_string(w.pick(2)) + "'");
                break;
            }
            case 1:
                if (who != device_count) sync(who);
                break;
            default: at.attempt(statement(w));
            }
        }

        // Until nothing moves any more; what waits for a person is given up on the way.
        for (int round = 0; round < 4; ++round) {
            tea.sync();
            for (std::size_t i = 0; i < device_count; ++i) {
                if (round >= 1) devices[i]->give_up();
                sync(i);
            }
        }
        tea.sync();
        CHECK(tea.pending() == 0);
        if (tea.refused() != 0 && tea.content() != w.host.content()) {
            ++refused_for_good;
            tea.install_anew();
            tea.sync();
        }
        REQUIRE(tea.content() == w.host.content());
        tether_edits += tea.edits;
        tether_conflicts += tea.conflicts;
        counted += tea.acknowledged() != 0 ? 1U : 0U;
        for (std::size_t i = 0; i < device_count; ++i) {
            INFO("device " << i << (i % 2 == 1 ? " (bundle wire)" : " (mutation wire)"));
            const auto left = devices[i]->counts();
            CHECK(left.open + left.frozen + left.waiting + left.quarantined + left.unread == 0);
            REQUIRE(devices[i]->own.content() == w.host.content());
            CHECK(devices[i]->own.orphans() == 0);
            CHECK(acknowledged[i] == written[i]);
        }
        CHECK(w.host.orphans() == 0);
        rows += static_cast<std::size_t>(w.host.number("SELECT (SELECT count(*) FROM list) + (SELECT count(*) FROM task)"));
    }
    // The dice meet each other.
    CHECK(rows > seeds());
    CHECK(conflicts > seeds());
    CHECK(tether_edits > seeds());
    CHECK(tether_conflicts > 0);
    CHECK(2 * counted > seeds());
    CHECK(50 * refused_for_good <= seeds());
}

}  // namespace both_wires_test
