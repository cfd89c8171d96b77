#include <syncline/adapters/sqlite/write_watch.hpp>

#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace write_watch_test {

using namespace syncline;
using store_contract::must;

namespace {

// A file with two synced tables and one that is not, the app's connection, the device's engine and a watch.
struct bench {
    bench() {
        app = std::make_unique<sqlite_database>(must(sqlite_database::open(path())));
        sql("CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, text TEXT); CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, text TEXT);"
            "CREATE TABLE other(id TEXT)");
        store = std::make_unique<sqlite_replica_store>(must(sqlite_replica_store::open(path(), std::vector<std::string>{"note", "tag"})));
        engine = std::make_unique<replica<sqlite_replica_store>>(*store);
        must(engine->open(random, now));
        watch = std::make_unique<sqlite_write_watch>(must(sqlite_write_watch::open(path())));
    }
    bench(const bench&) = delete;
    bench& operator=(const bench&) = delete;
    std::string path() const { return folder.file(); }
    void sql(const std::string& text) { must(app->execute(text)); }
    bool look() { return must(watch->look()); }
    // A page of the server's with a row.
    void pulled(const std::string& key, const std::string& text) {
        page p;
        p.from = must(engine->status(now)).state.checkpoint;
        p.next = p.from + 1;
        p.rows = {row_image{{0, key}, p.next, record{{value::text(text)}}, {}}};
        CHECK(must(engine->apply(p, now)).applied == 1);
    }

    scratch_folder folder;
    std::unique_ptr<sqlite_database> app;
    std::unique_ptr<sqlite_replica_store> store;
    std::unique_ptr<replica<sqlite_replica_store>> engine;
    std::unique_ptr<sqlite_write_watch> watch;
    seeded_random random{1};
    timestamp now = from_microseconds(1000);
};

}  // namespace

TEST_CASE("sqlite_write_watch: tells of each committed write to a synced table once, and of no other") {
    bench b;
    CHECK_FALSE(b.look());
    b.sql("INSERT INTO note VALUES('n','1')");
    CHECK(b.look());
    CHECK_FALSE(b.look());
    b.sql("INSERT INTO other VALUES('x')");
    CHECK_FALSE(b.look());
    b.sql("UPDATE note SET text='2'");
    b.sql("INSERT INTO tag VALUES('t','1')");
    CHECK(b.look());
    CHECK_FALSE(b.look());
    b.sql("DELETE FROM tag");
    CHECK(b.look());
    b.sql("BEGIN; UPDATE note SET text='3'");
    CHECK_FALSE(b.look());
    b.sql("ROLLBACK");
    CHECK_FALSE(b.look());
    b.sql("BEGIN; UPDATE note SET text='4'");
    CHECK_FALSE(b.look());
    b.sql("COMMIT");
    CHECK(b.look());
    CHECK_FALSE(b.look());
}

TEST_CASE("sqlite_write_watch: rows that a sync applied are no local writes, with the app's own triggers too") {
    bench b;
    CHECK_FALSE(b.look());
    b.pulled("n", "1");
    CHECK_FALSE(b.look());
    b.sql("CREATE TRIGGER loud AFTER UPDATE ON note BEGIN UPDATE tag SET text=NEW.text; END");
    b.pulled("n", "2");
    CHECK_FALSE(b.look());
}

TEST_CASE("sqlite_write_watch: a write that was taken in before the look is told until it is pushed") {
    bench b;
    CHECK_FALSE(b.look());
    b.sql("INSERT INTO note VALUES('n','1')");
    CHECK(must(b.engine->absorb(b.now)) == 1);
    CHECK(b.look());
    CHECK_FALSE(b.look());
    b.sql("UPDATE note SET text='2'");
    const auto batch = must(b.engine->freeze(10, false, b.random, b.now));
    REQUIRE(batch);
    CHECK(b.look());  // it is on its way, and may not arrive
    CHECK_FALSE(b.look());
    b.sql("UPDATE note SET text='3'");
    CHECK(b.look());
}

TEST_CASE("sqlite_write_watch: the first look tells of what was left over, and a file that is not synced is refused") {
    bench b;
    b.sql("INSERT INTO note VALUES('n','1')");
    CHECK(b.look());
    auto second = must(sqlite_write_watch::open(b.path()));
    CHECK(must(second.look()));
    const auto plain = b.folder.file("plain.db");
    must(must(sqlite_database::open(plain)).execute("CREATE TABLE t(id TEXT)"));
    CHECK(sqlite_write_watch::open(plain).error().code == errc::absent);
    CHECK_FALSE(sqlite_write_watch::open(b.folder.file("none.db")));
}

}  // namespace write_watch_test
