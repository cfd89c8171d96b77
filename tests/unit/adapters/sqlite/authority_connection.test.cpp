#include <syncline/adapters/sqlite/authority_connection.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"

#include <syncline/adapters/sqlite/authority_store.hpp>

#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace authority_connection_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

void twice(sqlite3_context* out, int, sqlite3_value** in) { sqlite3_result_int64(out, 2 * sqlite3_value_int64(in[0])); }
int backwards(void*, int a_size, const void* a, int b_size, const void* b) {
    return -std::string{static_cast<const char*>(a), static_cast<std::size_t>(a_size)}.compare(std::string{static_cast<const char*>(b), static_cast<std::size_t>(b_size)});
}

// What the app's schema needs: a function, a collation.
result<void> like_the_app(sqlite_database& db) {
    if (const int code = sqlite3_create_function_v2(db.handle(), "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, twice, nullptr, nullptr, nullptr); code != SQLITE_OK)
        return sqlite_fault(db.handle(), code, "registering");
    if (const int code = sqlite3_create_collation_v2(db.handle(), "backwards", SQLITE_UTF8, nullptr, backwards, nullptr); code != SQLITE_OK)
        return sqlite_fault(db.handle(), code, "registering");
    return {};
}

// A table that cannot be written without them.
struct app_with_functions {
    app_with_functions() : app(dir.file()) {
        ok(like_the_app(app.db()));
        app.run("CREATE TABLE task(id TEXT PRIMARY KEY, n INTEGER, double INTEGER AS (twice(n)) STORED, title TEXT UNIQUE COLLATE backwards, told INTEGER);"
                "CREATE TRIGGER tells AFTER INSERT ON task BEGIN UPDATE task SET told=twice(NEW.n)+1 WHERE id=NEW.id; END;"
                "INSERT INTO task(id,n,title) VALUES('a',1,'x')");
        ok(models.add(ok(read_model_schema(app.db(), "task"))));
    }
    scratch dir;
    stranger app;
    schema_set models;
};

}  // namespace

TEST_CASE("authority connection: an app whose triggers, indexes and generated columns call functions of its own is served by connections that have them") {
    app_with_functions w;
    const auto without = sqlite_authority_store::open(w.dir.file(), w.models);
    REQUIRE_FALSE(without);
    INFO(without.error().detail);
    CHECK(without.error().code == errc::unsupported);
    for (const char* word : {"`task`", "prepare_connection"}) CHECK(without.error().detail.find(word) != std::string::npos);

    int called = 0;
    sqlite_authority_options options;
    options.prepare_connection = [&](sqlite_database& db) -> result<void> {
        ++called;
        int misses = -1;
        int most = 0;
        sqlite3_db_status(db.handle(), SQLITE_DBSTATUS_CACHE_MISS, &misses, &most, 0);
        CHECK(misses == 0);  // no page of the file was read
        return like_the_app(db);
    };
    auto store = open_store(w.dir.file(), w.models, options);
    CHECK(called == 1);
    CHECK(seal_now(store) == 1);
    CHECK(called == 1);
    auto t = ok(store.begin("main", access::write));
    auto reader = ok(store.begin("main", access::snapshot));
    CHECK(called == 2);
    ok(t.write({0, "b"}, record{{value::integer(5), value::text("y"), value::null()}}));
    CHECK(ok(t.current({0, "b"})) == record{{value::integer(5), value::text("y"), value::integer(11)}});
    ok(t.commit());
    CHECK_FALSE(ok(reader.current({0, "b"})));
    CHECK(w.app.number("SELECT double FROM task WHERE id='b'") == 10);
    w.app.run("UPDATE OR REPLACE task SET title='x' WHERE id='b'");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "b"}, {0, "a"}});
}

TEST_CASE("authority connection: what the store promises is set after the hook, whatever that set") {
    app_with_functions w;
    sqlite_authority_options options;
    options.prepare_connection = [](sqlite_database& db) -> result<void> {
        if (auto r = like_the_app(db); !r) return r;
        return db.execute("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF; PRAGMA journal_mode=DELETE; PRAGMA cache_size=-4321");
    };
    auto db = ok(open_sqlite_authority_connection(w.dir.file(), options));
    CHECK(ok(db->query_integer("PRAGMA foreign_keys")) == 1);
    CHECK(ok(db->query_integer("PRAGMA synchronous")) == 2);
    CHECK(ok(db->query_text("PRAGMA journal_mode")) == "wal");
    CHECK(ok(db->query_integer("PRAGMA cache_size")) == -4321);
}

TEST_CASE("authority connection: where the hook fails, leaves a transaction open or keeps others out, what needed the connection fails and says so") {
    app_with_functions w;
    const auto refused = [](const auto& r, errc code, const std::string& word) {
        REQUIRE_FALSE(r);
        INFO(r.error().detail);
        CHECK(r.error().code == code);
        CHECK(r.error().detail.find(word) != std::string::npos);
    };
    bool works = false;
    sqlite_authority_options options;
    options.prepare_connection = [&](sqlite_database& db) { return works ? like_the_app(db) : result<void>{make_fault(errc::io_error, "no key for this file")}; };
    refused(sqlite_authority_store::open(w.dir.file(), w.models, options), errc::io_error, "no key for this file");
    works = true;
    auto store = open_store(w.dir.file(), w.models, options);
    auto t = ok(store.begin("main", access::write));
    works = false;
    refused(store.begin("main", access::snapshot), errc::io_error, "no key for this file");
    options.prepare_connection = [](sqlite_database& db) { return db.execute("BEGIN"); };
    refused(sqlite_authority_store::open(w.dir.file(), w.models, options), errc::invalid_argument, "prepare_connection");
    options.prepare_connection = [](sqlite_database& db) { return db.execute("PRAGMA locking_mode=EXCLUSIVE"); };
    refused(sqlite_authority_store::open(w.dir.file(), w.models, options), errc::unsupported, "`exclusive`");
    CHECK(w.app.number("SELECT count(*) FROM task") == 1);
}

}  // namespace authority_connection_test
