#include <syncline/adapters/sqlite/database.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace database_test {

using namespace syncline;

namespace {

template <class T>
T must(result<T> r) {
    REQUIRE(r.has_value());
    return std::move(*r);
}

sqlite_database memory() {
    const std::string path = ":memory:";
    return must(sqlite_database::open(path));
}

}  // namespace

TEST_CASE("sqlite_database: failures map to the code that says what to do") {
    CHECK(sqlite_errc(SQLITE_BUSY_SNAPSHOT) == errc::busy);
    CHECK(sqlite_errc(SQLITE_LOCKED) == errc::busy);
    CHECK(sqlite_errc(SQLITE_FULL) == errc::storage_full);
    CHECK(sqlite_errc(SQLITE_CONSTRAINT_UNIQUE) == errc::constraint);
    CHECK(sqlite_errc(SQLITE_CORRUPT_INDEX) == errc::corrupt);
    CHECK(sqlite_errc(SQLITE_NOTADB) == errc::corrupt);
    CHECK(sqlite_errc(SQLITE_IOERR_WRITE) == errc::io_error);
    CHECK(sqlite_errc(SQLITE_TOOBIG) == errc::too_large);
}

TEST_CASE("sqlite_database: a broken constraint is named") {
    auto db = memory();
    REQUIRE(db.execute("CREATE TABLE t(a UNIQUE, b NOT NULL, CONSTRAINT positive CHECK(b>0))").has_value());
    REQUIRE(db.execute("INSERT INTO t VALUES(1,1)").has_value());
    for (const auto& [sql, name] : {std::pair{"INSERT INTO t VALUES(1,2)", "t.a"}, {"INSERT INTO t VALUES(2,NULL)", "t.b"}, {"INSERT INTO t VALUES(2,0)", "positive"}}) {
        auto s = db.cached(sql);
        REQUIRE(s.has_value());
        const auto done = (*s)->run();
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().code == errc::constraint);
        CHECK(done.error().detail.find(name) != std::string::npos);
    }
}

TEST_CASE("sqlite_database: a file that is no database is corrupt, a directory cannot be opened") {
    const auto here = sqlite_database::open(std::filesystem::temp_directory_path().string());
    REQUIRE_FALSE(here.has_value());
    CHECK(here.error().detail.find(std::filesystem::temp_directory_path().string()) != std::string::npos);
    const scratch_folder folder;
    const std::string file = folder.file("a.db");
    std::ofstream{file} << std::string(5000, 'x');
    auto db = sqlite_database::open(file);
    REQUIRE(db.has_value());
    const auto n = db->query_integer("SELECT count(*) FROM sqlite_schema");
    REQUIRE_FALSE(n.has_value());
    CHECK(n.error().code == errc::corrupt);
    sqlite_open_options existing;
    existing.create = false;
    CHECK_FALSE(sqlite_database::open("/nonexistent/a.db", existing).has_value());
}

TEST_CASE("sqlite_database: texts and blobs come back with every octet, empty ones are not null") {
    auto db = memory();
    const std::string octets("a\0b\xff", 4);
    for (const auto& s : {octets, std::string{}}) {
        auto q = db.cached("SELECT ?1, ?2, ?3");
        REQUIRE(q.has_value());
        (*q)->bind_text(1, s).bind_blob(2, s);
        REQUIRE((*q)->step().has_value());
        CHECK((*q)->column_type(0) == SQLITE_TEXT);
        CHECK((*q)->column_text(0) == s);
        CHECK((*q)->column_type(1) == SQLITE_BLOB);
        CHECK((*q)->column_blob(1) == s);
        CHECK((*q)->column_is_null(2));
    }
}

TEST_CASE("sqlite_database: a cached statement comes back reset, and a second use at the same time gets its own") {
    auto db = memory();
    REQUIRE(db.execute("CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)").has_value());
    sqlite3_stmt* first = nullptr;
    {
        auto outer = db.cached("SELECT a FROM t WHERE a>=ifnull(?1,0)");
        first = (*outer)->handle();
        (*outer)->bind(1, 2);
        REQUIRE(*(*outer)->step());
        auto inner = db.cached("SELECT a FROM t WHERE a>=ifnull(?1,0)");
        CHECK((*inner)->handle() != first);
        REQUIRE(*(*inner)->step());
        CHECK((*inner)->column_integer(0) == 1);
        CHECK((*outer)->column_integer(0) == 2);
    }
    auto again = db.cached("SELECT a FROM t WHERE a>=ifnull(?1,0)");
    CHECK((*again)->handle() == first);
    REQUIRE(*(*again)->step());
    CHECK((*again)->column_integer(0) == 1);
}

TEST_CASE("sqlite_database: a statement is found by its text, wherever that stands") {
    auto db = memory();
    std::string text;
    for (int round = 0; round < 3; ++round)
        for (int n = 0; n < 1000; ++n) {  // at the same place, of the same length
            text = "SELECT " + std::to_string(1000 + n);
            auto s = must(db.cached(text));
            REQUIRE(must(s->step()));
            REQUIRE(s->column_integer(0) == 1000 + n);
        }
    db.clear_cache();
    auto s = must(db.cached(text));
    REQUIRE(must(s->step()));
    CHECK(s->column_integer(0) == 1999);
}

TEST_CASE("sqlite_database: what is lent is read when the statement runs, is octets like what is bound, and is let go with the reset") {
    auto db = memory();
    REQUIRE(db.execute("CREATE TABLE t(n INTEGER PRIMARY KEY, a TEXT, b BLOB)").has_value());
    {
        auto s = must(db.cached("INSERT INTO t VALUES(?1,?2,?3)"));
        const std::string a("x\0y", 3);
        const std::string b(400, '\xff');
        REQUIRE(s->bind(1, 1).lend_text(2, a).lend_blob(3, b).run().has_value());
        REQUIRE(s->bind(1, 2).run().has_value());  // nothing of it is left
        const std::string none;
        REQUIRE(s->bind(1, 3).lend_text(2, none).lend_blob(3, none).run().has_value());
    }
    CHECK(must(db.query_integer("SELECT length(CAST(a AS BLOB))=3 AND typeof(a)='text' AND length(b)=400 AND typeof(b)='blob' FROM t WHERE n=1")) == 1);
    CHECK(must(db.query_integer("SELECT a IS NULL AND b IS NULL FROM t WHERE n=2")) == 1);
    CHECK(must(db.query_integer("SELECT a='' AND b=x'' FROM t WHERE n=3")) == 1);
}

TEST_CASE("sqlite_database: a binding that cannot be is reported, not lost") {
    auto db = memory();
    auto s = db.prepare("SELECT ?1");
    REQUIRE(s.has_value());
    s->bind(2, 1);
    CHECK_FALSE(s->step().has_value());
    s->bind(1, 1);
    CHECK(*s->step());
}

TEST_CASE("sqlite_database: an adopted connection stays open and an owned one moves") {
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(":memory:", &raw) == SQLITE_OK);
    {
        auto db = sqlite_database::adopt(raw);
        REQUIRE(db.execute("CREATE TABLE t(a)").has_value());
        auto moved = std::move(db);
        CHECK(moved.query_integer("SELECT count(*) FROM t", -1).value_or(-2) == 0);
        CHECK_FALSE(moved.is_owned());
    }
    CHECK(sqlite3_exec(raw, "INSERT INTO t VALUES(1)", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(sqlite3_close(raw) == SQLITE_OK);  // refused while a statement is left
}

TEST_CASE("sqlite_quoted: any name becomes one identifier") {
    auto db = memory();
    for (const char* name : {"a", "select", "a b", "a\"b", "\"", "'; DROP TABLE x; --", "[x]", "`y`", "%s", "\xC3\xA9"}) {
        INFO(name);
        std::string sql = "CREATE TABLE ";
        REQUIRE(db.execute(sql.append(sqlite_quoted(name)).append("(a)")).has_value());
        auto s = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name=?1");
        s->bind_text(1, name);
        REQUIRE(*s->step());
        CHECK(s->column_integer(0) == 1);
    }
}

}  // namespace database_test
