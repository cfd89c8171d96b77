// A device whose program learns of a field while it holds rows that tell nothing of it: what the user does to that field before the state was
// fetched anew overwrites nothing that was not seen, and what was on its way goes out again as it was.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/bundle/server.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"
#include "unit/adapters/sqlite/authority_fixture.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace new_field_test {

namespace {

using namespace syncline;
using namespace authority_fixture;

const timestamp noon = from_microseconds(1'700'000'000'000'000);
const std::vector<std::string> tables{"task"};
using server_engine = authority<sqlite_authority_store>;
using device_engine = replica<sqlite_replica_store>;

// A server that knows the field, and a device's file of which the program does not know it yet.
struct world {
    // @param rank  the server's default; the device's is 0
    explicit world(authority_options options = {}, const std::string& rank = "0") {
        app.run("CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, rank INTEGER NOT NULL DEFAULT " + rank + ")");
        local.run("CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT)");
        store.emplace(open_store(files.file("server.db"), models_of(files.file("server.db"), tables)));
        engine.emplace(*store, std::move(options));
        mutation_wire.emplace(*engine);
        bundle_wire.emplace(*engine);
    }
    void upgrade() { local.run("ALTER TABLE task ADD COLUMN rank INTEGER NOT NULL DEFAULT 0"); }
    std::string server_has(const std::string& id) { return ok(app.db().query_text("SELECT title||' '||rank FROM task WHERE id='" + id + "'")); }
    std::string device_has(const std::string& id) { return ok(local.db().query_text("SELECT title||' '||rank FROM task WHERE id='" + id + "'")); }

    // @param answers  so many requests are answered; of the next the answer is lost, and the program ends there
    sync_result sync(bool bundles = false, int answers = 1000) {
        auto on_device = ok(sqlite_replica_store::open(files.file("device.db"), tables));
        device_engine device{on_device, wins};
        ok(device.open(random, noon));
        if (bundles) {
            bundle_client<device_engine> client{device};
            return run(client, answers, [&](const request& r) { return bundle_wire->handle(r, principal{"ann", "main"}, noon, random); });
        }
        mutation_client<device_engine> client{device};
        return run(client, answers, [&](const request& r) { return mutation_wire->handle(r, principal{"ann", "main"}, noon); });
    }
    // The program takes in what the app did, and asks nobody.
    void look() {
        auto on_device = ok(sqlite_replica_store::open(files.file("device.db"), tables));
        device_engine device{on_device};
        ok(device.open(random, noon));
    }
    sync_result only(sync_mode mode) {
        auto on_device = ok(sqlite_replica_store::open(files.file("device.db"), tables));
        device_engine device{on_device};
        ok(device.open(random, noon));
        mutation_client<device_engine> client{device};
        return run(client, 1000, [&](const request& r) { return mutation_wire->handle(r, principal{"ann", "main"}, noon); }, mode);
    }
    template <class Client, class Handle>
    sync_result run(Client& client, int answers, Handle handle, sync_mode mode = sync_mode::push_then_pull) {
        client.start(mode);
        for (int steps = 0; steps < 1000; ++steps) {
            auto step = ok(client.next(noon, random));
            if (auto* done = std::get_if<done_step>(&step)) return done->report;
            auto& send = std::get<send_step>(step);
            auto answer = handle(send.what);
            if (answers-- == 0) return {};
            ok(client.on(send.token, std::move(answer), noon, random));
        }
        FAIL("the sync does not end");
        return {};
    }

    scratch files;
    stranger app{files.file("server.db")};
    stranger local{files.file("device.db")};
    std::optional<sqlite_authority_store> store;
    std::optional<server_engine> engine;
    std::optional<mutation_server<server_engine>> mutation_wire;
    std::optional<bundle_server<server_engine>> bundle_wire;
    resolver_set wins{};
    seeded_random random{3};
};

}  // namespace

TEST_CASE("new field: an edit of it before the state was fetched meets what others had set, and only that", "[wire]") {
    const bool bundles = GENERATE(false, true);
    CAPTURE(bundles);
    world w;
    w.app.run("INSERT INTO task VALUES('set','one',5),('not','two',0),('other','three',7)");
    REQUIRE(w.sync(bundles).ok());
    w.upgrade();
    w.local.run("UPDATE task SET title=title||' mine', rank=3 WHERE id IN('set','not'); UPDATE task SET title='three mine' WHERE id='other'");
    const auto done = w.sync(bundles);
    CHECK(done.ok());
    CHECK(done.hydrated);
    CHECK(done.conflicts == 1);
    CHECK(w.server_has("set") == "one mine 5");
    CHECK(w.server_has("not") == "two mine 3");
    CHECK(w.server_has("other") == "three mine 7");
    for (const char* id : {"set", "not", "other"}) CHECK(w.device_has(id) == w.server_has(id));
    // From then on it is a field like the others.
    w.local.run("UPDATE task SET rank=9");
    const auto after = w.sync(bundles);
    CHECK(after.pushed == 3);
    CHECK(after.conflicts == 0);
    CHECK(w.server_has("set") == "one mine 9");
}

TEST_CASE("new field: a change whose answer was lost goes out again as it was sent, and takes nothing of the field along", "[wire]") {
    const bool bundles = GENERATE(false, true);
    CAPTURE(bundles);
    const int answers = GENERATE(range(0, 5));
    CAPTURE(answers);
    world w;
    w.app.run("INSERT INTO task VALUES('old','one',5)");
    REQUIRE(w.sync(bundles).ok());
    w.local.run("UPDATE task SET title='edited'; INSERT INTO task VALUES('new','two')");
    static_cast<void>(w.sync(bundles, answers));
    w.app.run("UPDATE task SET rank=8 WHERE id='new'");
    w.upgrade();
    const auto done = w.sync(bundles);
    CHECK(done.ok());
    CHECK(done.failed == 0);
    CHECK(done.pull_errors == 0);
    CHECK(w.server_has("old") == "edited 5");
    CHECK((w.server_has("new") == "two 8" || w.server_has("new") == "two 0"));
    for (const char* id : {"old", "new"}) CHECK(w.device_has(id) == w.server_has(id));
    CHECK(w.sync(bundles).pushed == 0);
}

TEST_CASE("new field: a record that was erased and made again before the state was fetched covers nothing unseen", "[wire]") {
    const bool fetched = GENERATE(false, true);  // before it was made again
    CAPTURE(fetched);
    world w;
    w.app.run("INSERT INTO task VALUES('x','one',5)");
    REQUIRE(w.sync().ok());
    w.upgrade();
    w.local.run("DELETE FROM task");
    if (fetched)
        REQUIRE(w.only(sync_mode::pull_only).hydrated);
    else
        w.look();
    w.local.run("INSERT INTO task VALUES('x','mine',3)");
    const auto done = w.sync();
    CHECK(done.conflicts == 1);
    CHECK(w.server_has("x") == "mine 5");
    CHECK(w.device_has("x") == "mine 5");
}

TEST_CASE("new field: what was edited again while the first edit was on its way is judged like that", "[wire]") {
    world w;
    w.app.run("INSERT INTO task VALUES('x','one',5)");
    REQUIRE(w.sync().ok());
    w.upgrade();
    w.local.run("UPDATE task SET rank=3");
    static_cast<void>(w.sync(false, 1));  // fetched; its push was decided and the answer lost
    REQUIRE(w.server_has("x") == "one 5");
    w.local.run("UPDATE task SET rank=4");
    CHECK(w.sync().conflicts == 2);
    CHECK(w.server_has("x") == "one 5");
    CHECK(w.device_has("x") == "one 5");
}

TEST_CASE("new field: a creation that waits when the field comes takes nothing away from a record of that key", "[wire]") {
    const bool bundles = GENERATE(false, true);
    const bool looked = GENERATE(false, true);
    CAPTURE(bundles, looked);
    authority_options options;
    options.resolvers = resolver_set{resolvers::client_wins()};
    world w{std::move(options)};
    w.wins = resolver_set{resolvers::client_wins()};
    REQUIRE(w.sync(bundles).ok());
    w.local.run("INSERT INTO task VALUES('x','mine')");
    if (looked) w.look();
    w.app.run("INSERT INTO task VALUES('x','one',5)");
    w.upgrade();
    CHECK(w.sync(bundles).ok());
    CHECK(w.server_has("x") == "mine 5");
    CHECK(w.device_has("x") == "mine 5");
}

TEST_CASE("new field: a device that only pushes sets it on its records", "[wire]") {
    world w;
    w.local.run("INSERT INTO task VALUES('x','one')");
    REQUIRE(w.only(sync_mode::push_only).ok());
    w.upgrade();
    w.local.run("UPDATE task SET rank=3");
    const auto done = w.only(sync_mode::push_only);
    CHECK(done.ok());
    CHECK(done.conflicts == 0);
    CHECK(w.server_has("x") == "one 3");
}

TEST_CASE("new field: what a Tether client makes has the column's default where the client does not know it", "[wire]") {
    world w;
    request r;
    r.method = http_method::post;
    r.path = "/tether/push";
    r.body = R"({"client_id":"c","mutations":[{"mutation_id":"m","entity_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","model":"task","operation":"create",)"
             R"("payload":{"title":"one"},"version":1,"timestamp":1700000000000}]})";
    const auto answer = w.mutation_wire->handle(r, principal{"ann", "main"}, noon);
    CHECK(answer.status == 200);
    CHECK(w.server_has("01ARZ3NDEKTSV4RRFFQ69G5FAV") == "one 0");
}

TEST_CASE("new field: a device that has pushed and never pulled learns its values too", "[wire]") {
    world w{{}, "7"};
    w.local.run("INSERT INTO task VALUES('x','one'),('y','two')");
    REQUIRE(w.only(sync_mode::push_only).ok());
    w.app.run("UPDATE task SET rank=4 WHERE id='x'");
    w.upgrade();
    w.local.run("UPDATE task SET rank=3 WHERE id='x'");
    const auto done = w.sync();
    CHECK(done.ok());
    CHECK(done.conflicts == 1);
    CHECK(w.server_has("x") == "one 4");
    CHECK(w.device_has("x") == "one 4");
    CHECK(w.device_has("y") == "two 7");
}

}  // namespace new_field_test
