// Records beside an app's own primary keys (wire/mutation.md W21, W23, W26): whatever SQL the apps run, each with numbers of its own.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace local_keys_test {

namespace {

using namespace syncline;
using store_contract::must;

// The columns that the records have are the same everywhere; the primary keys are not.
constexpr const char* numbered = "CREATE TABLE team(id INTEGER PRIMARY KEY, name TEXT, code TEXT UNIQUE);"
                                 "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, team INTEGER REFERENCES team ON DELETE CASCADE ON UPDATE CASCADE,"
                                 " boss INTEGER REFERENCES person(id) ON DELETE SET NULL ON UPDATE CASCADE);"
                                 "CREATE TABLE note(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, person INTEGER REFERENCES person(id) ON DELETE CASCADE ON UPDATE CASCADE);";
constexpr const char* lettered = "CREATE TABLE team(code TEXT UNIQUE, name TEXT, id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(8)))));"
                                 "CREATE TABLE person(id BLOB PRIMARY KEY NOT NULL DEFAULT (randomblob(16)), name TEXT, team TEXT REFERENCES team ON DELETE CASCADE ON UPDATE CASCADE,"
                                 " boss BLOB REFERENCES person(id) ON DELETE SET NULL ON UPDATE CASCADE) WITHOUT ROWID;"
                                 "CREATE TABLE note(id INTEGER PRIMARY KEY, person BLOB REFERENCES person(id) ON DELETE CASCADE ON UPDATE CASCADE, name TEXT);";

// Two records of one natural key are W28's question, and would only wait here.
std::string without_unique(std::string sql) {
    for (std::size_t at = 0; (at = sql.find(" UNIQUE", at)) != std::string::npos;) sql.erase(at, std::string_view{" UNIQUE"}.size());
    return sql;
}

const std::vector<std::string> tables{"team", "person", "note"};

std::vector<model_schema> models_in(sqlite_database& db) {
    std::vector<model_schema> out;
    for (const auto& t : tables) {
        auto m = must(read_model_schema(db, t, "tether_id"));
        // In one order everywhere, so that the records can be compared.
        const auto moved = m;
        std::vector<std::string> order = t == "team" ? std::vector<std::string>{"name", "code"} : t == "person" ? std::vector<std::string>{"name", "team", "boss"} : std::vector<std::string>{"name", "person"};
        m.fields.clear();
        for (const auto& name : order) m.fields.push_back(moved.fields[*moved.find_field(name)]);
        for (auto& r : m.references) r.field = *m.find_field(moved.fields[r.field].name);
        out.push_back(std::move(m));
    }
    return out;
}

sqlite_database connect(const std::string& path) {
    auto db = must(sqlite_database::open(path, {true, std::chrono::milliseconds{0}}));
    must(db.execute("PRAGMA synchronous=OFF"));
    return db;
}

// One statement, or a few in a transaction, of an app that knows nothing of us. Many of them do nothing or are refused.
class random_sql {
public:
    random_sql(seeded_random& random, bool numbers) : random_(random), numbers_(numbers) {}

    std::string next() {
        if (!random_.chance(1, 8)) return one();
        std::string out{"BEGIN;"};
        for (std::uint64_t n = 1 + random_.below(4); n > 0; --n) out.append(one()).append(";");
        return out.append(random_.chance(1, 3) ? "ROLLBACK" : "COMMIT");
    }

private:
    std::string any(const std::string& table) {
        std::string out{"(SELECT id FROM "};
        return out.append(table).append(" ORDER BY name,tether_id LIMIT 1 OFFSET ").append(std::to_string(random_.below(5))).append(")");
    }
    std::string number(const std::string& table) {
        // A number of a row, or the next, or one that is free.
        if (!numbers_ || random_.chance(1, 2)) return any(table);
        return std::to_string(1 + random_.below(9));
    }
    std::string name() { return "'n" + std::to_string(random_.below(30)) + "'"; }
    std::string code() { return random_.chance(1, 3) ? "NULL" : "'c" + std::to_string(random_.below(6)) + "'"; }
    std::string how() {
        const char* const ways[] = {"INSERT", "INSERT", "INSERT", "REPLACE", "INSERT OR IGNORE"};
        return ways[random_.below(5)];
    }
    std::string one() {
        switch (random_.below(14)) {
        case 0: return how() + " INTO team(name,code) VALUES(" + name() + "," + code() + ")";
        case 1: return how() + " INTO team(id,name,code) VALUES(" + number("team") + "," + name() + "," + code() + ")";
        case 2:
        case 3: return how() + " INTO person(name,team,boss) VALUES(" + name() + "," + any("team") + "," + any("person") + ")";
        case 4: return how() + " INTO person(id,name,team) VALUES(" + number("person") + "," + name() + "," + any("team") + ")";
        case 5: return how() + " INTO note(name,person) VALUES(" + name() + "," + any("person") + ")";
        case 6: return "INSERT INTO note(name,person) SELECT name||'!',id FROM person";
        case 7: return "DELETE FROM team WHERE id=" + any("team");
        case 8: return "DELETE FROM person WHERE id=" + number("person");
        case 9: return "UPDATE person SET team=" + any("team") + ",boss=" + any("person") + " WHERE id=" + any("person");
        case 10: return "UPDATE team SET name=" + name() + ",code=" + code() + " WHERE id=" + any("team");
        case 11:
            if (!numbers_) return "UPDATE team SET id=lower(hex(randomblob(8))) WHERE id=" + any("team");
            return std::string{"UPDATE "} + (random_.chance(1, 2) ? "OR REPLACE " : "OR IGNORE ") + (random_.chance(1, 2) ? "team" : "person") + " SET id=id+" + std::to_string(random_.below(3)) + " WHERE id=" + number("team");
        case 12: return "INSERT INTO team(id,name) VALUES(" + number("team") + "," + name() + ") ON CONFLICT(id) DO UPDATE SET name=excluded.name";
        default: return "DELETE FROM note WHERE name LIKE '%!'";
        }
    }

    seeded_random& random_;
    bool numbers_;
};

using content = std::map<record_key, record>;

// What the app has, as records: every reference by the key of the row that it means.
content content_of(sqlite_replica_store::transaction& t, sqlite_database& db) {
    content out;
    for (model_id m = 0; m < tables.size(); ++m) {
        auto s = must(db.prepare("SELECT tether_id FROM " + tables[m]));
        while (must(s.step())) {
            const record_key key{m, std::string{s.column_text(0)}};
            out.emplace(key, must(t.visible(key)).value());
        }
    }
    return out;
}

// The same by the app's own joins; nothing where a reference dangles.
content joined(sqlite_database& db) {
    content out;
    const char* const sql[] = {"SELECT tether_id,name,code FROM team",
                               "SELECT p.tether_id,p.name,(SELECT t.tether_id FROM team t WHERE t.id=p.team),(SELECT b.tether_id FROM person b WHERE b.id=p.boss) FROM person p",
                               "SELECT n.tether_id,n.name,(SELECT p.tether_id FROM person p WHERE p.id=n.person) FROM note n"};
    for (model_id m = 0; m < tables.size(); ++m) {
        auto s = must(db.prepare(sql[m]));
        while (must(s.step())) {
            record r;
            for (int i = 1; i < (m == 1 ? 4 : 3); ++i) r.fields.push_back(read_sqlite_value(s, i, value_kind::text));
            out.emplace(record_key{m, std::string{s.column_text(0)}}, std::move(r));
        }
    }
    return out;
}

}  // namespace

TEST_CASE("W23: what is captured of any SQL, cascades and numbers given again included, says what was there before") {
    std::size_t edits_seen = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        seeded_random random{seed};
        const bool foreign_keys = random.chance(1, 2);
        const bool numbers = random.chance(3, 4);
        const bool recursive = random.chance(1, 2);
        CAPTURE(foreign_keys, numbers, recursive);
        const scratch_folder dir;
        auto app = connect(dir.file());
        must(app.execute(numbers ? numbered : lettered));
        must(app.execute(std::string{"PRAGMA foreign_keys="} + (foreign_keys ? "1" : "0") + "; PRAGMA recursive_triggers=" + (recursive ? "1" : "0")));
        sqlite_replica_options quick;
        quick.busy_timeout = std::chrono::milliseconds{0};
        auto store = must(sqlite_replica_store::open(dir.file(), models_in(app), quick));
        random_sql sql{random, numbers};
        content before;
        std::string ran;
        for (int round = 0; round < 25; ++round) {
            ran.clear();
            for (std::uint64_t n = 1 + random.below(6); n > 0; --n) {
                const std::string text = sql.next();
                ran.append(text).append(";\n");
                if (!app.execute(text) && app.in_transaction()) must(app.execute("ROLLBACK"));
            }
            INFO(ran);
            auto t = must(store.begin());
            const auto edits = must(t.take_captured());
            const content now = content_of(t, app);
            if (foreign_keys) REQUIRE(now == joined(app));
            content undone = now;
            for (const auto& e : edits) {
                INFO("edit of " << e.key.model << " " << e.key.key);
                if (e.before) undone.insert_or_assign(e.key, *e.before);
                else undone.erase(e.key);
            }
            edits_seen += edits.size();
            REQUIRE(undone == before);
            // A store that writes on the way changes nothing of what the app sees of its references.
            if (!now.empty() && random.chance(1, 3)) {
                auto at = now.begin();
                std::advance(at, static_cast<std::ptrdiff_t>(random.below(now.size())));
                must(t.write(at->first, at->second));
                must(t.write({0, "pulled" + std::to_string(round)}, record{{value::text("p"), value{}}}));
            }
            before = content_of(t, app);
            must(t.commit());
            if (foreign_keys) REQUIRE(before.size() >= now.size());
            before = [&] {
                auto again = must(store.begin());
                CHECK(must(again.take_captured()).empty());
                return content_of(again, app);
            }();
        }
    }
    CHECK(edits_seen > 1000);
}

TEST_CASE("W23: two devices with numbers and a server with other keys agree, and every reference means the same record everywhere") {
    std::size_t rows_seen = 0;
    bool other_numbers = false;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        seeded_random random{seed * 7919};
        timestamp now = from_microseconds(1'700'000'000'000'000);
        const auto bits = [&] { return random.next(); };
        const auto clock = [&] { return now += std::chrono::milliseconds{1}; };

        const scratch_folder dir;
        auto server_app = connect((std::string{dir.file()} + "-server"));
        must(server_app.execute(without_unique(seed % 2 == 0 ? numbered : lettered)));
        must(server_app.execute("PRAGMA foreign_keys=ON; INSERT INTO team(name) VALUES('there before'); INSERT INTO person(name,team) SELECT 'p',id FROM team"));
        schema_set served;
        for (auto& m : models_in(server_app)) must(served.add(std::move(m)));
        sqlite_authority_options how;
        how.durability = sqlite_durability::normal;
        auto server_store = must(sqlite_authority_store::open(std::string{dir.file()} + "-server", served, how));
        sync_server<sqlite_authority_store> server{server_store, authority_options{}, clock, bits};
        server.mount_mutation_wire();
        authenticated endpoint{allow_anonymous{{"anyone", "main"}}, server};

        struct device {
            device(const std::string& path, std::uint64_t first, authenticated<allow_anonymous, sync_server<sqlite_authority_store>>& to, sync_surroundings around)
                : app(connect(path)) {
                must(app.execute(without_unique(numbered)));
                must(app.execute("PRAGMA foreign_keys=ON"));
                // Rows before us, so that the numbers are others than elsewhere.
                for (std::uint64_t i = 0; i < first; ++i) must(app.execute("INSERT INTO team(name) VALUES('x'); INSERT INTO person(name) VALUES('x')"));
                sqlite_replica_options quick;
                quick.busy_timeout = std::chrono::milliseconds{0};
                store.emplace(must(sqlite_replica_store::open(path, models_in(app), quick)));
                client.emplace(*store, loopback{to}, mutation_client_options{}, std::move(around), resolver_set{}, replica_options{}, sync_client_options{});
            }
            sqlite_database app;
            std::optional<sqlite_replica_store> store;
            std::optional<sync_client<sqlite_replica_store, mutation_client, loopback<authenticated<allow_anonymous, sync_server<sqlite_authority_store>>>>> client;
        };
        const sync_surroundings around{clock, bits, [&](timestamp until) { now = until; }};
        std::vector<std::unique_ptr<device>> devices;
        for (int i = 0; i < 2; ++i)
            devices.push_back(std::make_unique<device>(std::string{dir.file()} + "-" + std::to_string(i), static_cast<std::uint64_t>(i) * 3, endpoint, around));

        random_sql numbers{random, true};
        random_sql letters{random, seed % 2 == 0};
        for (int round = 0; round < 12; ++round) {
            for (std::uint64_t n = random.below(5); n > 0; --n) {
                const std::uint64_t who = random.below(3);
                sqlite_database& db = who == 2 ? server_app : devices[who]->app;
                const std::string text = who == 2 ? letters.next() : numbers.next();
                if (!db.execute(text) && db.in_transaction()) must(db.execute("ROLLBACK"));
            }
            (void)devices[random.below(2)]->client->sync();
        }
        // What waits for a person is given up; then nobody may differ.
        for (int round = 0; round < 8; ++round)
            for (auto& d : devices) {
                const auto synced = d->client->sync();
                for (const auto& what : must(d->client->waiting())) must(d->client->discard(what.key));
                (void)synced;
            }
        const content truth = joined(server_app);
        rows_seen += truth.size();
        for (std::size_t i = 0; i < devices.size(); ++i) {
            CAPTURE(i);
            const auto status = must(devices[i]->client->status());
            for (const auto& q : must(devices[i]->client->quarantined())) UNSCOPED_INFO("in quarantine: " << q.image.key.model << " " << q.image.key.key << ": " << q.why.detail);
            CHECK(status.counts.open + status.counts.frozen + status.counts.waiting + status.counts.quarantined == 0);
            REQUIRE(joined(devices[i]->app) == truth);
            CHECK(must(devices[i]->app.query_integer("SELECT count(*) FROM pragma_foreign_key_check")) == 0);
        }
        const std::string ids = "SELECT group_concat(tether_id||id) FROM (SELECT tether_id,id FROM person ORDER BY tether_id)";
        other_numbers = other_numbers || must(devices[0]->app.query_text(ids)) != must(devices[1]->app.query_text(ids));
        CHECK(must(server_app.query_integer("SELECT count(*) FROM pragma_foreign_key_check")) == 0);
    }
    CHECK(rows_seen > 100);
    CHECK(other_numbers);
}

}  // namespace local_keys_test
