// Times that apps write as text into their tables, through both wires: compared as instants, and refused by name where they are no times.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/conflict/instant_merges.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/support/base64.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace app_times_wire_test {

using namespace syncline;
using store_contract::must;

namespace {

/// `at` is a time by its column's type; `seen` is text whose merge compares instants.
struct app {
    explicit app(const std::string& rows = {}) : db(must(sqlite_database::open(dir.file()))) {
        must(db.execute("PRAGMA synchronous = OFF; CREATE TABLE event(id TEXT PRIMARY KEY NOT NULL, title TEXT, at DATETIME, seen TEXT, part TEXT REFERENCES event(id))"));
        must(db.execute(rows));
    }
    model_schema model() {
        auto m = must(read_model_schema(db, "event"));
        m.fields[*m.find_field("seen")].merge = &merges::later::erased;
        return m;
    }
    void sql(const std::string& text) { must(db.execute(text)); }
    std::string ask(const std::string& column, const std::string& id = "e") { return must(db.query_text("SELECT ifnull(max(" + column + "), 'none') FROM event WHERE id = '" + id + "'")); }
    scratch_folder dir;
    sqlite_database db;
};

struct office {
    office() {
        schema_set models;
        must(models.add(own.model()));
        sqlite_authority_options o;
        o.durability = sqlite_durability::normal;
        store = std::make_unique<sqlite_authority_store>(must(sqlite_authority_store::open(own.dir.file(), std::move(models), o)));
        authority_options rules;
        rules.resolvers = resolver_set{resolvers::server_wins{}};
        server = std::make_unique<sync_server<sqlite_authority_store>>(*store, rules, [this] { return tick(); }, [this] { return random.next(); });
        server->mount_mutation_wire();
        REQUIRE(server->mount_bundle_wire());
        handler = std::make_unique<authenticated<allow_anonymous, sync_server<sqlite_authority_store>>>(allow_anonymous{{"anyone", "main"}}, *server);
    }
    timestamp tick() { return from_microseconds(now += 1'000'000); }
    response operator()(request r) {
        const std::string spelt = "\"2026-05-02T09:00:00.000000Z\"";
        if (const auto at = r.body.find(spelt); !instead.empty() && at != std::string::npos) r.body.replace(at, spelt.size(), instead);
        auto answer = (*handler)(r);
        sent.append(r.body);
        answered.append(answer.body);
        return answer;
    }
    std::string instead;  ///< what a device of another make would send for that time
    std::string sent;
    std::string answered;
    std::int64_t now = 1'700'000'000'000'000;
    seeded_random random{5};
    app own;
    std::unique_ptr<sqlite_authority_store> store;
    std::unique_ptr<sync_server<sqlite_authority_store>> server;
    std::unique_ptr<authenticated<allow_anonymous, sync_server<sqlite_authority_store>>> handler;
};

class device {
    using by_mutations = sync_client<sqlite_replica_store, mutation_client, loopback<office>>;
    using by_bundles = sync_client<sqlite_replica_store, bundle_client, loopback<office>>;

public:
    device(office& to, bool bundles, const std::string& before = {}) : own(before), store_(must(sqlite_replica_store::open(own.dir.file(), std::vector<model_schema>{own.model()}))) {
        sync_surroundings around{[&to] { return to.tick(); }, [&to] { return to.random.next(); }, [](timestamp) {}};
        resolver_set rules{resolvers::server_wins{}};
        if (bundles) client_ = std::make_unique<by_bundles>(store_, loopback{to}, bundle_client_options{}, around, rules);
        else client_ = std::make_unique<by_mutations>(store_, loopback{to}, mutation_client_options{}, around, rules);
    }
    app own;
    sync_result sync() {
        return std::visit([](auto& c) { return c->sync(); }, client_);
    }
    sync_result settled() {
        auto done = sync();
        INFO((done.why ? done.why->detail : std::string{}));
        REQUIRE(done.ok());
        const auto counts = std::visit([](auto& c) { return must(c->status()).counts; }, client_);
        CHECK(counts.open + counts.frozen + counts.waiting == 0);
        return done;
    }
    sync_result hydrate() {
        return std::visit([](auto& c) { return c->hydrate(); }, client_);
    }
    /// Why a row is left out; empty: none is.
    std::string left_out() {
        const auto told = must(store_.unsyncable(1));
        return told.rows.empty() ? std::string{} : told.rows[0].why;
    }
    std::vector<intent> waiting() {
        return std::visit([](auto& c) { return must(c->waiting()); }, client_);
    }

private:
    sqlite_replica_store store_;
    std::variant<std::unique_ptr<by_mutations>, std::unique_ptr<by_bundles>> client_;
};

}  // namespace

TEST_CASE("app times: an instant is the same however it is spelt: no change, no conflict, on both wires", "[wire]") {
    const bool first = GENERATE(false, true);
    const bool second = GENERATE(false, true);
    office o;
    device a{o, first};
    device b{o, second};
    a.own.sql("INSERT INTO event(id, title, at) VALUES('e', 'x', '2026-05-02T11:00:00.25+02:00')");
    CHECK(a.settled().pushed == 1);
    b.settled();
    CHECK(b.own.ask("at") == "2026-05-02T09:00:00.25Z");

    // Spelt otherwise, it is no change.
    b.own.sql("UPDATE event SET at = '2026-05-02T10:00:00.250+01:00'");
    CHECK(b.settled().pushed == 0);
    o.own.sql("UPDATE event SET at = '2026-05-02T09:00:00.250000Z'");
    const auto pulled = a.settled();
    CHECK(pulled.decisions.empty());

    // Another field beside it is.
    a.own.sql("UPDATE event SET title = 'y', at = '2026-05-02T09:00:00.2500Z'");
    b.own.sql("UPDATE event SET at = '2026-05-02T12:00:00+02:00'");
    CHECK(a.settled().pushed == 1);
    const auto met = b.settled();
    CHECK(met.pushed == 1);
    for (const auto& decision : met.decisions) CHECK(decision.find("winner: both") != std::string::npos);  // `title` and `at`: two fields
    a.settled();
    for (auto* d : {&a, &b}) CHECK(d->own.ask("title || ' ' || strftime('%H:%M:%S', at)") == "y 10:00:00");

    // What is finer than a microsecond is cut off, alike for all.
    a.own.sql("UPDATE event SET at = '2026-05-02T09:00:00.123456789Z'");
    a.settled();
    b.settled();
    CHECK(b.own.ask("at") == "2026-05-02T09:00:00.123456Z");
    CHECK(a.settled().pushed == 0);
}

TEST_CASE("app times: a merge of instants compares texts of any zone to the nanosecond and keeps their digits, on both wires", "[wire]") {
    const bool first = GENERATE(false, true);
    const bool second = GENERATE(false, true);
    office o;
    device a{o, first};
    device b{o, second};
    o.own.sql("INSERT INTO event(id, seen) VALUES('e', '2026-05-02T08:00:00Z')");
    a.settled();
    b.settled();
    a.own.sql("UPDATE event SET seen = '2026-05-02T11:00:00.000000002+02:00'");
    b.own.sql("UPDATE event SET seen = '2026-05-02T09:00:00.000000001Z'");  // greater as text, and written later
    a.settled();
    b.settled();
    a.settled();
    for (auto* d : {&a, &b}) CHECK(d->own.ask("seen") == "2026-05-02T11:00:00.000000002+02:00");
    CHECK(o.own.ask("seen") == "2026-05-02T11:00:00.000000002+02:00");
}

TEST_CASE("app times: a text that is no time waits by name, on both wires, and stops nobody else", "[wire]") {
    const bool bundles = GENERATE(false, true);
    const std::string column = GENERATE("at", "seen");
    office o;
    device a{o, bundles};
    const bool parent_first = GENERATE(true, false);
    a.own.sql(std::string{"INSERT INTO event(id, title, part) VALUES"} + (parent_first ? "('e', 'x', NULL), ('f', 'x', NULL), ('g', 'x', 'e')" : "('g', 'x', 'e'), ('e', 'x', NULL), ('f', 'x', NULL)"));
    a.own.sql("UPDATE event SET " + column + " = '2026:05:02 09:00:00' WHERE id = 'e'");
    const auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.failed == 1);
    REQUIRE(done.rejections_for(errc::malformed_value).size() == 1);
    CHECK(done.rejections[0].key.key == "e");
    CHECK(done.rejections[0].id.empty());
    CHECK(o.own.ask("title", "f") == "x");
    CHECK(o.own.ask("title", "e") == "none");
    CHECK(o.own.ask("title", "g") == "none");  // it refers to `e`
    const auto waiting = a.waiting();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].key.key == "e");
    REQUIRE(waiting[0].waiting);
    CHECK(waiting[0].waiting->code == errc::malformed_value);
    INFO(waiting[0].waiting->detail);
    for (const std::string& word : {"`" + column + "` of `event` `e`", std::string{"`2026:05:02 09:00:00`"}, std::string{"RFC 3339"}})
        CHECK(waiting[0].waiting->detail.find(word) != std::string::npos);
    CHECK(a.left_out() == waiting[0].waiting->detail);
    CHECK(a.own.ask(column) == "2026:05:02 09:00:00");
    CHECK_FALSE(a.sync().has_rejections());  // told once
    // Mended, it goes.
    a.own.sql("UPDATE event SET " + column + " = '2026-05-02T09:00:00Z' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask(column) == "2026-05-02T09:00:00Z");
    CHECK(o.own.ask("part", "g") == "e");
    CHECK(a.left_out().empty());
}

TEST_CASE("app times: an edit that is no time stays in the app's row through pulls and a hydration, and its record takes what others change", "[wire]") {
    const bool bundles = GENERATE(false, true);
    const std::string text = GENERATE("02.05.2026", "2026-05-02", "noon");  // the first two are made of what numbers are made of
    office o;
    device a{o, bundles};
    o.own.sql("INSERT INTO event(id, title, at) VALUES('e', 'x', '2026-05-02T09:00:00Z')");
    a.settled();
    a.own.sql("UPDATE event SET at = '" + text + "'");
    CHECK(a.sync().failed == 1);
    o.own.sql("UPDATE event SET title = 'y'; INSERT INTO event(id, title) VALUES('f', 'z')");
    const auto pulled = a.sync();
    INFO((pulled.why ? pulled.why->detail : std::string{}));
    CHECK(pulled.ok());
    CHECK(pulled.pull_errors == 0);
    CHECK(a.hydrate().ok());
    CHECK(a.own.ask("at || title") == text + "y");
    CHECK(a.own.ask("title", "f") == "z");
    CHECK(o.own.ask("at") == "2026-05-02T09:00:00Z");
    a.own.sql("UPDATE event SET at = '2026-05-03T09:00:00Z' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask("at || title") == "2026-05-03T09:00:00Zy");
}

TEST_CASE("app times: rows that are there when a device attaches go, but for one with a text that is no time", "[wire]") {
    const bool bundles = GENERATE(false, true);
    office o;
    device a{o, bundles, "INSERT INTO event(id, title, at) VALUES('e', 'x', '2026:05:02 09:00:00'), ('f', 'x', '2026-05-02 09:00:00')"};
    CHECK(a.sync().ok());
    CHECK(a.waiting().size() == 1);
    CHECK(o.own.ask("at", "f") == "2026-05-02T09:00:00Z");
    CHECK(o.own.ask("title", "e") == "none");
    a.own.sql("UPDATE event SET at = '2026-05-02T09:00:00Z' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask("at") == "2026-05-02T09:00:00Z");
}

TEST_CASE("app times: what SQLite itself writes is an instant in UTC: RFC 3339 on the wires and elsewhere, and the app's text where it stands", "[wire]") {
    const bool first = GENERATE(false, true);
    const bool second = GENERATE(false, true);
    office o;
    device a{o, first};
    device b{o, second};
    a.own.sql("INSERT INTO event(id, title, at) VALUES('e', 'x', strftime('%Y-%m-%d %H:%M:%S', 1777712400, 'unixepoch')), ('f', 'x', CURRENT_TIMESTAMP)");
    CHECK(a.settled().pushed == 2);
    CHECK(o.sent.find("\"2026-05-02T09:00:00.000000Z\"") != std::string::npos);
    b.settled();
    CHECK(o.sent.find("$syncline") == std::string::npos);
    CHECK(o.own.ask("at") == "2026-05-02T09:00:00Z");
    CHECK(b.own.ask("at") == "2026-05-02T09:00:00Z");
    CHECK(a.own.ask("at") == "2026-05-02 09:00:00");
    a.settled();
    CHECK(a.hydrate().ok());
    CHECK(a.own.ask("at") == "2026-05-02 09:00:00");

    // One instant, in whichever form somebody writes it.
    b.own.sql("UPDATE event SET at = '2026-05-02 09:00:00.000' WHERE id = 'e'");
    CHECK(b.settled().pushed == 0);
    o.own.sql("UPDATE event SET at = '2026-05-02 09:00:00' WHERE id = 'e'");
    CHECK(a.settled().pulled == 0);
    a.own.sql("UPDATE event SET at = '2026-05-02 11:00:00.25' WHERE id = 'e'");
    CHECK(a.settled().pushed == 1);
    b.settled();
    CHECK(b.own.ask("at") == "2026-05-02T11:00:00.25Z");
    // A zone is read where one is named; without one only the form with a blank is SQLite's, and in UTC.
    a.own.sql("UPDATE event SET at = '2026-05-02 11:00:00+02:00' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask("at") == "2026-05-02T09:00:00Z");
    a.own.sql("UPDATE event SET at = '2026-05-02T11:00:00' WHERE id = 'e'");
    CHECK(a.sync().failed == 1);
}

TEST_CASE("app times: a server refuses a text that is no time by name, whatever device sends it, and takes the rest", "[wire]") {
    const bool bundles = GENERATE(false, true);
    const bool tagged = GENERATE(false, true);
    office o;
    device a{o, bundles};
    a.settled();
    a.own.sql("INSERT INTO event(id, title, at) VALUES('e', 'x', '2026-05-02T09:00:00Z'), ('f', 'x', NULL)");
    o.instead = tagged ? R"({"$syncline":"text","value":")" + base64_encode("2026:05:02 09:00:00") + "\"}" : "\"2026:05:02 09:00:00\"";
    static_cast<void>(a.sync());
    if (tagged) {
        const auto waiting = a.waiting();
        REQUIRE(waiting.size() == 1);
        CHECK(waiting[0].key.key == "e");
        CHECK(waiting[0].waiting->code == errc::malformed_value);
        INFO(waiting[0].waiting->detail);
        CHECK(waiting[0].waiting->detail.find("`at` of `event` `e` holds `2026:05:02 09:00:00`") != std::string::npos);
        CHECK(o.own.ask("title", "f") == "x");
    }
    CHECK(o.answered.find(tagged ? "2026:05:02 09:00:00" : "field `at` takes a time in RFC 3339") != std::string::npos);
    CHECK(o.own.ask("title") == "none");
}

TEST_CASE("app times: the host's own write with a text that is no time is refused; what other programs leave is named, and devices have it as it is", "[wire]") {
    const bool bundles = GENERATE(false, true);
    office o;
    device a{o, bundles};
    o.own.sql("INSERT INTO event(id, title, at) VALUES('e', 'x', '2026-05-02T09:00:00Z')");
    a.settled();
    const auto write = [&](const std::string& at) {
        return o.server->engine().write_as("main", "clock", [&](auto& t) -> result<void> {
            return t.write(record_key{0, "e"}, record{{value::text("y"), value::text(at), value::null(), value::null()}});
        }, o.tick());
    };
    const auto refused = write("2026:05:02 09:00:00");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::malformed_value);
    CHECK(refused.error().detail.find("`at` of `event` `e` holds `2026:05:02 09:00:00`") != std::string::npos);
    CHECK(o.own.ask("title") == "x");

    o.own.sql("UPDATE event SET at = '2026:05:02 09:00:00'; INSERT INTO event(id, title) VALUES('f', 'z')");
    const auto named = must(o.store->unsyncable(10));
    CHECK(named.count == 1);
    REQUIRE(named.rows.size() == 1);
    CHECK(named.rows[0].key == "'e'");
    CHECK(named.rows[0].why.find("`at` of `event` `e` holds `2026:05:02 09:00:00`") != std::string::npos);
    a.settled();
    CHECK(a.own.ask("title", "f") == "z");
    CHECK(a.own.ask("at") == "2026:05:02 09:00:00");
    // An edit of another field leaves it be, and one of it mends it.
    a.own.sql("UPDATE event SET title = 'z' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask("title || at") == "z2026:05:02 09:00:00");
    a.own.sql("UPDATE event SET at = '2026-05-04T09:00:00Z' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask("at") == "2026-05-04T09:00:00Z");
    CHECK(must(o.store->unsyncable(10)).count == 0);
}

}  // namespace app_times_wire_test
