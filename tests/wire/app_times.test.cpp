// Times that apps write as text into their tables, through both wires: compared as instants, and refused by name where they are no times.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/conflict/instant_merges.hpp>
#include <syncline/conflict/resolvers.hpp>
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
    app() : db(must(sqlite_database::open(dir.file()))) {
        must(db.execute("PRAGMA synchronous = OFF; CREATE TABLE event(id TEXT PRIMARY KEY NOT NULL, title TEXT, at DATETIME, seen TEXT)"));
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
    response operator()(const request& r) { return (*handler)(r); }
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
    device(office& to, bool bundles) : store_(must(sqlite_replica_store::open(own.dir.file(), std::vector<model_schema>{own.model()}))) {
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

TEST_CASE("app times: on the bundle wire a text that is no time is refused by name, and stops nobody else", "[wire]") {
    office o;
    device a{o, true};
    const std::string column = GENERATE("at", "seen");
    a.own.sql("INSERT INTO event(id, title) VALUES('e', 'x'), ('f', 'x')");
    a.own.sql("UPDATE event SET " + column + " = '2026:05:02 09:00:00' WHERE id = 'e'");
    static_cast<void>(a.sync());
    CHECK(o.own.ask("title", "f") == "x");
    CHECK(o.own.ask("title", "e") == "none");
    const auto waiting = a.waiting();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].key.key == "e");
    REQUIRE(waiting[0].waiting);
    CHECK(waiting[0].waiting->code == errc::malformed_value);
    INFO(waiting[0].waiting->detail);
    for (const std::string& word : {"`" + column + "` of `event`", std::string{"`2026:05:02 09:00:00`"}, std::string{"RFC 3339"}})
        CHECK(waiting[0].waiting->detail.find(word) != std::string::npos);
    // Mended, it goes.
    a.own.sql("UPDATE event SET " + column + " = '2026-05-02T09:00:00Z' WHERE id = 'e'");
    a.settled();
    CHECK(o.own.ask(column) == "2026-05-02T09:00:00Z");
    if (column == "at") {  // SQLite's own form, which is in UTC
        a.own.sql("UPDATE event SET at = '2026-05-02 10:00:00' WHERE id = 'e'");
        a.settled();
        CHECK(o.own.ask("strftime('%H:%M', at)") == "10:00");
    }
}

}  // namespace app_times_wire_test
