#include <syncline/adapters/sqlite/table_schema.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

namespace table_schema_test {

using namespace syncline;

namespace {

sqlite_database with(const std::string& sql) {
    auto db = sqlite_database::open(":memory:");
    REQUIRE(db.has_value());
    const auto done = db->execute(sql);
    INFO((done ? std::string{} : done.error().detail));
    REQUIRE(done.has_value());
    return std::move(*db);
}

model_schema model_of(sqlite_database& db, const std::string& table) {
    auto m = read_model_schema(db, table);
    INFO((m ? std::string{} : m.error().detail));
    REQUIRE(m.has_value());
    return std::move(*m);
}

}  // namespace

TEST_CASE("table_schema: columns become fields with the kind that their type declares") {
    auto db = with("CREATE TABLE t(a INTEGER NOT NULL, id TEXT PRIMARY KEY, b VARCHAR(9), c DOUBLE, d BOOLEAN, e DATETIME, f JSON, g BLOB, h, i DECIMAL(9,2), j AS (a+1), k AS (a) STORED)");
    const auto m = model_of(db, "t");
    CHECK(m.key_name == "id");
    CHECK(m.key_kind == value_kind::text);
    const std::pair<const char*, value_kind> fields[] = {{"a", value_kind::integer}, {"b", value_kind::text}, {"c", value_kind::real},
                                                         {"d", value_kind::boolean}, {"e", value_kind::time}, {"f", value_kind::json},
                                                         {"g", value_kind::bytes},   {"h", value_kind::text}, {"i", value_kind::real}};
    REQUIRE(m.fields.size() == std::size(fields));
    for (std::size_t i = 0; i < m.fields.size(); ++i) {
        CHECK(m.fields[i].name == fields[i].first);
        CHECK(m.fields[i].kind == fields[i].second);
    }
    CHECK_FALSE(m.fields[0].nullable);
    CHECK(m.fields[1].nullable);
}

TEST_CASE("table_schema: foreign keys of one column become references with their action") {
    auto db = with("CREATE TABLE p(id TEXT PRIMARY KEY, x, y, UNIQUE(x,y));"
                   "CREATE TABLE t(id TEXT PRIMARY KEY, a REFERENCES p ON DELETE CASCADE, b REFERENCES p(id) ON DELETE SET NULL, c REFERENCES p(id), "
                   "d, e, FOREIGN KEY(d,e) REFERENCES p(x,y) ON DELETE CASCADE)");
    const auto m = model_of(db, "t");
    REQUIRE(m.references.size() == 3);
    CHECK(m.references[0].field == 0);
    CHECK(m.references[0].model == "p");
    CHECK(m.references[0].on_erase == reference_action::cascade);
    CHECK(m.references[1].on_erase == reference_action::set_null);
    CHECK(m.references[2].on_erase == reference_action::none);
}

TEST_CASE("table_schema: a foreign key to a column that is not the key names no record; a table's name may be spelled in any case") {
    auto db = with("CREATE TABLE p(id TEXT PRIMARY KEY, slug TEXT UNIQUE); CREATE TABLE q(Code TEXT NOT NULL UNIQUE);"
                   "CREATE TABLE t(id TEXT PRIMARY KEY, a REFERENCES p(slug) ON DELETE CASCADE, b REFERENCES P(ID), c REFERENCES Q(code), d REFERENCES nowhere)");
    const auto m = model_of(db, "t");
    REQUIRE(m.references.size() == 3);
    CHECK(m.references[0].field == 1);
    CHECK(m.references[0].model == "p");
    CHECK(m.references[1].field == 2);
    CHECK(m.references[1].model == "q");
    CHECK(m.references[2].model == "nowhere");
}

TEST_CASE("table_schema: the key is the primary key, or the one UNIQUE NOT NULL column") {
    auto db = with("CREATE TABLE a(id INTEGER PRIMARY KEY, v); CREATE TABLE b(v, code TEXT NOT NULL UNIQUE); CREATE TABLE c(id BLOB PRIMARY KEY) WITHOUT ROWID;"
                   "CREATE TABLE d(id INT PRIMARY KEY, v); CREATE TABLE e(id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE)");
    CHECK(model_of(db, "a").key_kind == value_kind::integer);
    CHECK(model_of(db, "b").key_name == "code");
    CHECK(model_of(db, "c").key_kind == value_kind::bytes);
    CHECK(model_of(db, "d").key_kind == value_kind::integer);
    CHECK(read_sqlite_table(db, "a")->rowid_column == "id");
    CHECK(read_sqlite_table(db, "d")->rowid_column.empty());
    CHECK(read_sqlite_table(db, "c")->without_rowid);
    model_schema by_uid = model_of(db, "e");
    by_uid.key_name = "uid";
    by_uid.key_kind = value_kind::text;
    by_uid.fields.clear();
    CHECK(check_sqlite_model(*read_sqlite_table(db, "e"), by_uid).has_value());
}

TEST_CASE("table_schema: unique indexes are read with their collations") {
    auto db = with("CREATE TABLE t(id TEXT PRIMARY KEY, a COLLATE NOCASE UNIQUE, b, UNIQUE(b, a)); CREATE UNIQUE INDEX i ON t(b COLLATE RTRIM); CREATE INDEX plain ON t(b)");
    const auto t = read_sqlite_table(db, "T");
    REQUIRE(t.has_value());
    CHECK(t->name == "t");
    REQUIRE(t->unique_indexes.size() == 4);
    bool rtrim = false;
    for (const auto& i : t->unique_indexes)
        for (const auto& p : i.parts) {
            if (p.column == "a") CHECK(p.collation == "NOCASE");
            if (p.collation == "RTRIM") rtrim = true;
        }
    CHECK(rtrim);
}

TEST_CASE("table_schema: a name by which the rowid is reached is one that no column hides") {
    auto db = with("CREATE TABLE t(id TEXT PRIMARY KEY, RowID, oid); CREATE TABLE u(id TEXT PRIMARY KEY, rowid, oid, _rowid_); CREATE TABLE w(id TEXT PRIMARY KEY) WITHOUT ROWID");
    CHECK(read_sqlite_table(db, "t")->rowid_name == "_rowid_");
    CHECK(read_sqlite_table(db, "u")->rowid_name.empty());
    CHECK(read_sqlite_table(db, "w")->rowid_name.empty());
}

TEST_CASE("table_schema: hostile names are read like any other") {
    auto db = with(R"(CREATE TABLE "it's ""; DROP TABLE x; --"("group" TEXT PRIMARY KEY, "a ""b""" REFERENCES "select"); CREATE TABLE "select"("order" TEXT PRIMARY KEY))");
    const auto m = model_of(db, "it's \"; DROP TABLE x; --");
    CHECK(m.key_name == "group");
    CHECK(m.fields[0].name == "a \"b\"");
    REQUIRE(m.references.size() == 1);
    CHECK(m.references[0].model == "select");
}

TEST_CASE("table_schema: a virtual table is refused") {
    auto db = with("CREATE TABLE t(id TEXT PRIMARY KEY)");
    if (!db.execute("CREATE VIRTUAL TABLE v USING fts5(a)").has_value()) return;
    const auto v = read_sqlite_table(db, "v");
    REQUIRE_FALSE(v.has_value());
    CHECK(v.error().code == errc::unsupported);
}

TEST_CASE("table_schema: AUTOINCREMENT is what SQLite makes of the table, not a word in its text") {
    for (const auto& [counts, sql] : std::vector<std::pair<bool, const char*>>{
             {true, "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a)"},
             {true, "CREATE TABLE t(a, \"Id\" integer constraint c primary key /* up */ asc on conflict abort autoincrement)"},
             {false, "CREATE TABLE t(id INTEGER PRIMARY KEY, a) -- no AUTOINCREMENT here"},
             {false, "CREATE TABLE t(id INTEGER PRIMARY KEY /* AUTOINCREMENT */, a)"},
             {false, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT DEFAULT 'AUTOINCREMENT')"},
             {false, "CREATE TABLE t(id INTEGER PRIMARY KEY, \"AUTOINCREMENT\" TEXT, [autoincrement2], `autoincrement3`)"},
             {false, "CREATE TABLE t(id INTEGER PRIMARY KEY, a CHECK(a<>'x' AND \"id\"<>'PRIMARY KEY AUTOINCREMENT'))"},
             {false, "CREATE TABLE t(id TEXT PRIMARY KEY, a) WITHOUT ROWID"}}) {
        CAPTURE(sql);
        auto db = with(sql);
        const auto table = read_sqlite_table(db, "t");
        REQUIRE(table);
        CHECK(table->counts_rows == counts);
    }
}

}  // namespace table_schema_test
