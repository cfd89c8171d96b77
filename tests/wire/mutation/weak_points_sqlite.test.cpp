// The weak points of the sheet's section 13 that need real files: each interleaving by its number.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
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

namespace weak_points_sqlite_test {

namespace {

using namespace syncline;
using namespace authority_fixture;

const timestamp noon = from_microseconds(1'700'000'000'000'000);
const std::string task = "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT);";
const std::string tag = "CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE);";
const std::string note = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, text TEXT);";

struct server {
    server(const std::string& path, const std::vector<std::string>& tables) : store(open_store(path, models_of(path, tables))), engine(store), wire(engine) {}
    sqlite_authority_store store;
    authority<sqlite_authority_store> engine;
    mutation_server<authority<sqlite_authority_store>> wire;
    seeded_random random{3};  // of the devices: goes on from sync to sync, so that no id comes twice
};

sync_result sync(const std::string& path, const std::vector<std::string>& tables, server& with, std::size_t page = 0) {
    auto& random = with.random;
    auto store = ok(sqlite_replica_store::open(path, tables));
    replica<sqlite_replica_store> engine{store};
    ok(engine.open(random, noon));
    mutation_client_options options;
    if (page != 0) options.page_size = page;
    mutation_client<replica<sqlite_replica_store>> wire{engine, options};
    wire.start(sync_mode::push_then_pull);
    for (int steps = 0; steps < 1000; ++steps) {
        auto step = ok(wire.next(noon, random));
        if (auto* done = std::get_if<done_step>(&step)) return done->report;
        auto& send = std::get<send_step>(step);
        ok(wire.on(send.token, with.wire.handle(send.what, principal{"ann", "main"}, noon), noon, random));
    }
    FAIL("the sync does not end");
    return {};
}

}  // namespace

TEST_CASE("weak points: a row whose transaction commits late is not behind anybody's cursor (W10)", "[wire]") {
    for (const bool other_row_first : {true, false}) {
        INFO((other_row_first ? "something was sealed before" : "nothing was sealed before"));
        scratch files;
        stranger app{files.file("server.db")};
        app.run(task);
        stranger local{files.file("device.db")};
        local.run(task);
        server s{files.file("server.db"), {"task"}};
        if (other_row_first) app.run("INSERT INTO task VALUES('y','early')");
        REQUIRE(sync(files.file("device.db"), {"task"}, s).ok());

        app.run("BEGIN; INSERT INTO task VALUES('x','long transaction')");
        const auto meanwhile = sync(files.file("device.db"), {"task"}, s);
        CHECK(meanwhile.ok());
        CHECK(local.number("SELECT count(*) FROM task WHERE id='x'") == 0);
        app.run("COMMIT");
        CHECK(sync(files.file("device.db"), {"task"}, s).ok());
        CHECK(local.number("SELECT count(*) FROM task WHERE id='x'") == 1);
    }
}

TEST_CASE("weak points: a model that a device, or the server, learns of later brings its old rows (W12)", "[wire]") {
    for (const bool server_knew : {true, false})
        for (const std::size_t page : {1u, 100u}) {
            INFO((server_knew ? "the server had it all along" : "the server gets it later, too") << ", pages of " << page);
            scratch files;
            stranger app{files.file("server.db")};
            app.run(task + note);
            for (int i = 0; i < 5; ++i) {
                app.run("INSERT INTO note VALUES('n" + std::to_string(i) + "','old')");
                app.run("INSERT INTO task VALUES('t" + std::to_string(i) + "','old')");
            }
            stranger local{files.file("device.db")};
            local.run(task + note);
            const std::vector<std::string> both{"task", "note"};
            std::optional<server> s;
            s.emplace(files.file("server.db"), server_knew ? both : std::vector<std::string>{"task"});
            REQUIRE(sync(files.file("device.db"), {"task"}, *s, page).ok());
            app.run("INSERT INTO task VALUES('later','moves the cursor')");
            REQUIRE(sync(files.file("device.db"), {"task"}, *s, page).ok());
            CHECK(local.number("SELECT count(*) FROM task") == 6);
            CHECK(local.number("SELECT count(*) FROM note") == 0);

            s.reset();
            s.emplace(files.file("server.db"), both);
            CHECK(sync(files.file("device.db"), both, *s, page).ok());
            CHECK(local.number("SELECT count(*) FROM note") == 5);
            CHECK(local.number("SELECT count(*) FROM task") == 6);
        }
}

TEST_CASE("weak points: whatever SQL writes, by whichever program, a write and its change are one transaction (W20)", "[wire]") {
    scratch files;
    stranger app{files.file("server.db")};
    app.run(task + tag);
    const std::vector<std::string> tables{"task", "tag"};
    server s{files.file("server.db"), tables};
    stranger local{files.file("device.db")};
    local.run(task + tag);
    REQUIRE(sync(files.file("device.db"), tables, s).ok());  // from here on the table is watched

    local.run("INSERT INTO tag VALUES('first','taken')");
    local.run("INSERT INTO task WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<50) SELECT 'bulk'||i,'b' FROM n");
    local.run("INSERT INTO task VALUES('bulk1','upserted') ON CONFLICT(id) DO UPDATE SET title=excluded.title");
    local.run("REPLACE INTO task VALUES('bulk2','replaced')");
    local.run("UPDATE task SET title='many' WHERE id IN ('bulk3','bulk4')");
    local.run("REPLACE INTO tag VALUES('second','taken')");  // takes the row with that name out of the way
    local.run("BEGIN; INSERT INTO task VALUES('phantom','p'); UPDATE task SET title='phantom'; ROLLBACK");
    {
        stranger crashed{files.file("device.db")};
        crashed.run("BEGIN; INSERT INTO task VALUES('never','n')");
    }
    const auto report = sync(files.file("device.db"), tables, s);
    CHECK(report.ok());
    CHECK(report.pushed == 51);
    CHECK(app.number("SELECT count(*) FROM task") == 50);
    CHECK(app.number("SELECT count(*) FROM tag WHERE id='second'") == 1);
    CHECK(app.number("SELECT count(*) FROM tag") == 1);
    CHECK(app.number("SELECT count(*) FROM task WHERE id='bulk1' AND title='upserted' OR id='bulk2' AND title='replaced' OR id IN ('bulk3','bulk4') AND title='many'") == 4);
    CHECK(app.number("SELECT count(*) FROM task WHERE id IN ('phantom','never') OR title='phantom'") == 0);
    CHECK(sync(files.file("device.db"), tables, s).pushed == 0);

    local.run("REPLACE INTO tag VALUES('third','taken')");  // and of one that the server has: its erase comes after the write
    const auto moved = sync(files.file("device.db"), tables, s);
    CHECK(moved.ok());
    CHECK(moved.pushed == 2);
    CHECK(moved.rejections.empty());
    CHECK(app.number("SELECT count(*) FROM tag WHERE id='third'") == 1);
    CHECK(app.number("SELECT count(*) FROM tag") == 1);
}

}  // namespace weak_points_sqlite_test
