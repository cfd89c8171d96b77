#include <syncline/adapters/sqlite/time_columns.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace time_columns_test {

using namespace syncline;
using store_contract::must;

namespace {

sqlite_database with(const std::string& sql) {
    auto db = must(sqlite_database::open(":memory:"));
    must(db.execute(sql));
    return db;
}

// What a column declared @p declared gets for @p at in the form @p wanted.
std::string written(const std::string& declared, time_form wanted, timestamp at) {
    auto db = with("CREATE TABLE t(id TEXT PRIMARY KEY, v, gone " + declared + ")");
    app_times times;
    times.deleted_at = time_column{"gone", wanted};
    const auto model = must(read_model_schema(db, "t", times));
    const auto columns = make_sqlite_time_columns(must(read_sqlite_table(db, "t")), model, 2);
    REQUIRE(columns.soft());
    must(db.execute("INSERT INTO t(id) VALUES('a')"));
    auto s = must(db.prepare("UPDATE t SET " + columns.erase_sets() + " WHERE id=?1" + columns.and_live()));
    s.bind_text(1, "a");
    bind_sqlite_times(s, columns, at);
    must(s.run());
    return must(db.query_text("SELECT typeof(gone)||' '||gone FROM t"));
}

errc refused(const std::string& table, const app_times& times) {
    auto db = with(table);
    const auto model = read_model_schema(db, "t", times);
    REQUIRE_FALSE(model.has_value());
    return model.error().code;
}

}  // namespace

TEST_CASE("time_columns: a time is written in the form of its column") {
    const timestamp at = from_microseconds(1'777'712'400'123'456);  // 2026-05-02 09:00:00.123456
    CHECK(written("DATETIME", time_form::by_type, at) == "text 2026-05-02 09:00:00");
    CHECK(written("TIMESTAMP", time_form::by_type, at) == "text 2026-05-02 09:00:00");
    CHECK(written("TEXT", time_form::by_type, at) == "text 2026-05-02 09:00:00");
    CHECK(written("", time_form::by_type, at) == "text 2026-05-02 09:00:00");
    CHECK(written("INTEGER", time_form::by_type, at) == "integer 1777712400");
    CHECK(written("BIGINT", time_form::milliseconds, at) == "integer 1777712400123");
    CHECK(written("DATETIME", time_form::microseconds, at) == "integer 1777712400123456");
    CHECK(written("NUMERIC", time_form::seconds, at) == "integer 1777712400");
    CHECK(written("TEXT", time_form::rfc3339, at) == "text 2026-05-02T09:00:00.123456Z");
    CHECK(written("TEXT", time_form::date_time, at) == "text 2026-05-02 09:00:00");
    // Before 1970 a fraction belongs to the second that it lies in; what no calendar says is as near as can be.
    CHECK(written("INTEGER", time_form::seconds, from_microseconds(-1)) == "integer -1");
    CHECK(written("TEXT", time_form::date_time, from_microseconds(-1)) == "text 1969-12-31 23:59:59");
    CHECK(written("TEXT", time_form::date_time, (timestamp::max)()) == "text 9999-12-31 23:59:59");
    CHECK(written("TEXT", time_form::date_time, (timestamp::min)()) == "text 0000-01-01 00:00:00");
}

TEST_CASE("time_columns: a column that cannot hold what it is to note is refused by name") {
    app_times times;
    times.deleted_at = time_column{"gone"};
    CHECK(refused("CREATE TABLE t(id TEXT PRIMARY KEY, v)", times) == errc::schema_mismatch);
    CHECK(refused("CREATE TABLE t(id TEXT PRIMARY KEY, v, gone TEXT NOT NULL DEFAULT '')", times) == errc::unsupported);
    CHECK(refused("CREATE TABLE t(id TEXT PRIMARY KEY, v, gone AS (v))", times) == errc::unsupported);
    times.deleted_at.form = time_form::seconds;
    CHECK(refused("CREATE TABLE t(id TEXT PRIMARY KEY, v, gone TEXT)", times) == errc::unsupported);
    times.deleted_at.form = time_form::rfc3339;
    CHECK(refused("CREATE TABLE t(id TEXT PRIMARY KEY, v, gone INTEGER)", times) == errc::unsupported);
    app_times made;
    made.created_at = time_column{"made", time_form::milliseconds};
    CHECK(refused("CREATE TABLE t(id TEXT PRIMARY KEY, v, made VARCHAR)", made) == errc::unsupported);
}

TEST_CASE("time_columns: what is named for times becomes no field; what is a field all the same is not ours to set") {
    auto db = with("CREATE TABLE t(id TEXT PRIMARY KEY, made INTEGER NOT NULL, v, touched DATETIME, gone DATETIME)");
    app_times times{time_column{"made"}, time_column{"touched"}, time_column{"gone"}};
    auto model = must(read_model_schema(db, "t", times));
    REQUIRE(model.fields.size() == 1);
    CHECK(model.fields[0].name == "v");
    model.fields.push_back({"touched", value_kind::time, true, nullptr});
    const auto columns = make_sqlite_time_columns(must(read_sqlite_table(db, "t")), model, 4);
    CHECK(columns.created);
    CHECK_FALSE(columns.updated);
    CHECK(columns.deleted);
}

TEST_CASE("time_columns: options name columns for several tables, and one that no table has is an error") {
    auto db = with("CREATE TABLE a(id TEXT PRIMARY KEY, v, gone DATETIME); CREATE TABLE b(id TEXT PRIMARY KEY, v)");
    app_times times;
    times.deleted_at = time_column{"gone"};
    const auto models = must(read_model_schemas(db, {"a", "b"}, times));
    CHECK(models[0].times.deleted_at.name == "gone");
    CHECK_FALSE(models[1].times.deleted_at.is_there());
    times.updated_at = time_column{"touched"};
    const auto wrong = read_model_schemas(db, {"a", "b"}, times);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == errc::schema_mismatch);
    CHECK(wrong.error().detail.find("touched") != std::string::npos);
}

}  // namespace time_columns_test
