#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "unit/adapters/sqlite/authority_fixture.hpp"

#include <string>
#include <utility>
#include <vector>

namespace kinds_of_tables_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

const std::vector<std::string> tables{"task"};
const std::string rows = "SELECT count(*)||':'||group_concat(id||'|'||quote(a)||'|'||quote(b)) FROM (SELECT * FROM task ORDER BY id)";

}  // namespace

TEST_CASE("kinds of tables: strict ones, those without rowid and those with generated columns are synced, whatever SQL runs on either side") {
    const auto wire = GENERATE(file_sync::wire_kind::mutation, file_sync::wire_kind::bundle);
    const std::string make = GENERATE(
        std::string{"CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b ANY) STRICT"},
        std::string{"CREATE TABLE task(id TEXT PRIMARY KEY, a INTEGER UNIQUE, b TEXT) WITHOUT ROWID"},
        std::string{"CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, a INT UNIQUE, b BLOB) STRICT, WITHOUT ROWID"},
        std::string{"CREATE TABLE task(id TEXT PRIMARY KEY, twice INTEGER AS (a*2) STORED UNIQUE, a INTEGER, b TEXT, said TEXT GENERATED ALWAYS AS (id||b) VIRTUAL); "
                    "CREATE INDEX by_said ON task(said)"},
        std::string{"CREATE TABLE task(id INTEGER PRIMARY KEY, a INTEGER UNIQUE, b TEXT) STRICT"});
    INFO(make);
    const bool numbered = make.find("id INTEGER") != std::string::npos;
    const bool octets = make.find("BLOB") != std::string::npos;
    const auto key = [&](int n) { return numbered ? std::to_string(n) : "'k" + std::to_string(n) + "'"; };
    const auto b = [&](const std::string& text) { return (octets ? "x'" : "'") + text + "'"; };
    const scratch dir;
    const std::string office = dir.file("office.db");
    const std::string van = dir.file("van.db");
    for (const auto& path : {office, van}) file_sync::run(path, make);
    file_sync::run(office, "INSERT INTO task(id,a,b) VALUES(" + key(1) + ",1," + b("11") + "),(" + key(2) + ",2," + b("12") + "),(" + key(3) + ",3,NULL)");
    file_sync::server server{office, tables};
    CHECK(file_sync::sync(van, tables, server, wire).pulled == 3);
    CHECK(file_sync::ask(van, rows) == file_sync::ask(office, rows));
    file_sync::run(office, "UPDATE task SET a=a+10 WHERE id=" + key(1) + "; INSERT INTO task(id,a,b) VALUES(" + key(2) + ",2,NULL) ON CONFLICT(id) DO UPDATE SET b=" + b("22"));
    file_sync::run(van, "REPLACE INTO task(id,a,b) VALUES(" + key(4) + ",4," + b("44") + "); DELETE FROM task WHERE id=" + key(3));
    const auto done = file_sync::sync(van, tables, server, wire);
    CHECK(done.conflicts + done.failed + done.pull_errors == 0);
    const std::string expected = file_sync::ask(office, rows);
    CHECK(file_sync::ask(van, rows) == expected);
    CHECK(expected.substr(0, 2) == "3:");
    CHECK(expected.find(octets ? "X'22'" : "'22'") != std::string::npos);
    CHECK(expected.find("|11|") != std::string::npos);
    // A row of the server that another takes the place of, by a unique column where there is one.
    file_sync::run(office, "UPDATE OR REPLACE task SET a=2, b=NULL WHERE id=" + key(1));
    CHECK(file_sync::sync(van, tables, server, wire).pulled >= 1);
    CHECK(file_sync::ask(van, rows) == file_sync::ask(office, rows));
    CHECK(file_sync::ask(office, rows).substr(0, 2) == (make.find("UNIQUE") == std::string::npos ? "3:" : "2:"));
}

TEST_CASE("kinds of tables: a strict table of a server refuses what it cannot hold, and names the column") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b ANY) STRICT");
    auto store = open_store(dir.file(), models_of(dir.file(), tables));
    auto t = ok(store.begin("main", access::write));
    ok(t.write({0, "k"}, record{{value::integer(1), value::text("7")}}));
    CHECK(ok(t.current({0, "k"})) == record{{value::integer(1), value::text("7")}});
    check_refused(t.write({0, "k"}, record{{value::text("one"), value::null()}}), errc::constraint, {"`k`", "task.a", "INTEGER"});
    ok(t.commit());
    CHECK(app.number("SELECT typeof(b)='text' FROM task") == 1);
}

TEST_CASE("kinds of tables: generated columns are no fields, and a model that names one is refused on either side") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, s TEXT AS (a||'!') STORED, v TEXT AS (a||'?'))");
    auto models = models_of(dir.file(), tables);
    REQUIRE(models[0].fields.size() == 1);
    const std::string column = GENERATE("s", "v");
    model_schema other = models[0];
    other.fields.push_back(other.fields[0]);
    other.fields[1].name = column;
    schema_set wrong;
    ok(wrong.add(other));
    check_refused(sqlite_authority_store::open(dir.file(), wrong), errc::unsupported, {"`task`", "`" + column + "`", "generated"});
    check_refused(sqlite_replica_store::open(dir.file(), wrong), errc::unsupported, {"`task`", "`" + column + "`", "generated"});
}

TEST_CASE("kinds of tables: composite keys, partial and expression unique indexes are refused by name on either side") {
    struct refusal {
        const char* sql;
        std::vector<std::string> words;
    };
    const auto c = GENERATE(refusal{"CREATE TABLE task(id TEXT, a TEXT, PRIMARY KEY(id, a))", {"`task`", "`id`", "composite"}},
                            refusal{"CREATE TABLE task(id TEXT, a TEXT, PRIMARY KEY(id, a)) WITHOUT ROWID", {"`task`", "`id`", "composite"}},
                            refusal{"CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT); CREATE UNIQUE INDEX live ON task(a) WHERE a<>''", {"`task`", "`live`", "partial"}},
                            refusal{"CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT); CREATE UNIQUE INDEX folded ON task(lower(a))", {"`task`", "`folded`", "expression"}},
                            refusal{"CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT); CREATE UNIQUE INDEX half ON task(a, lower(a))", {"`task`", "`half`", "expression"}});
    const scratch dir;
    stranger app{dir.file()};
    app.run(c.sql);
    model_schema model;
    model.name = "task";
    model.key_name = "id";
    model.fields.resize(1);
    model.fields[0].name = "a";
    schema_set models;
    ok(models.add(model));
    check_refused(sqlite_authority_store::open(dir.file(), models), errc::unsupported, c.words);
    check_refused(sqlite_replica_store::open(dir.file(), models), errc::unsupported, c.words);
    CHECK(app.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == 0);
}

TEST_CASE("kinds of tables: those unique indexes that come while a store is open stop it by name, and what is done meanwhile is taken in once they are gone") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT); CREATE INDEX plain ON task(a) WHERE a<>''; CREATE INDEX folded ON task(lower(a))");
    const std::string index = GENERATE("ON task(a) WHERE a<>''", "ON task(lower(a))");
    const std::string word = index.find("WHERE") != std::string::npos ? "partial" : "expression";
    const auto replaced = [&] {
        app.run("INSERT INTO task VALUES('b','x')");
        app.run("CREATE UNIQUE INDEX late " + index);
        app.run("REPLACE INTO task VALUES('c','x')");  // removes the row, which no trigger sees
    };
    SECTION("of a server") {
        auto store = open_store(dir.file(), models_of(dir.file(), tables));
        app.run("INSERT INTO task VALUES('a','1')");
        CHECK(seal_now(store) == 1);
        replaced();
        check_refused(store.begin("main", access::write), errc::unsupported, {"`task`", "`late`", word});
        app.run("DROP INDEX late");
        CHECK(seal_now(store) == 1);
    }
    SECTION("of a device") {
        auto store = ok(sqlite_replica_store::open(dir.file(), tables));
        app.run("INSERT INTO task VALUES('a','1')");
        replaced();
        check_refused(store.begin(), errc::unsupported, {"`task`", "`late`", word});
        app.run("DROP INDEX late");
        auto t = ok(store.begin());
        std::vector<std::string> keys;
        for (const auto& edit : ok(t.take_captured()))
            if (edit.after) keys.push_back(edit.key.key);
        CHECK(keys == std::vector<std::string>{"a", "c"});
    }
}

TEST_CASE("kinds of tables: a column that is dropped on a server takes its values along, no row is sent again, and devices that have it keep theirs") {
    const auto wire = GENERATE(file_sync::wire_kind::mutation, file_sync::wire_kind::bundle);
    const scratch dir;
    const std::string office = dir.file("office.db");
    const std::string van = dir.file("van.db");
    for (const auto& path : {office, van}) file_sync::run(path, "CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, b TEXT)");
    file_sync::run(office, "INSERT INTO task VALUES('k','1','2'),('l','1','2')");
    {
        file_sync::server server{office, tables};
        CHECK(file_sync::sync(van, tables, server, wire).pulled == 2);
    }
    stranger app{office};
    CHECK_FALSE(app.attempt("ALTER TABLE task DROP COLUMN a"));
    ok(detach_sqlite_authority(app.db(), false));
    app.run("ALTER TABLE task DROP COLUMN a; UPDATE task SET b='3' WHERE id='l'");
    ok(sqlite_replica_store::suspend_capture(van));
    file_sync::run(van, "ALTER TABLE task DROP COLUMN a; UPDATE task SET b='4' WHERE id='k'");
    file_sync::server server{office, tables};
    const auto done = file_sync::sync(van, tables, server, wire);
    CHECK(done.pushed == 1);
    CHECK(done.conflicts == 0);
    for (const auto& path : {office, van}) CHECK(file_sync::ask(path, "SELECT group_concat(id||b) FROM (SELECT * FROM task ORDER BY id)") == "k4,l3");
    CHECK(done.pulled <= 2);
    app.run("UPDATE task SET b='5' WHERE id='l'");
    CHECK(file_sync::sync(van, tables, server, wire).pulled == 1);
}

TEST_CASE("kinds of tables: what is written through a file that is attached under another name is captured, beside tables of the same name") {
    const scratch dir;
    stranger{dir.file("synced.db")}.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT UNIQUE)");
    stranger app{dir.file("app.db")};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT UNIQUE); CREATE TEMP TABLE task(id TEXT PRIMARY KEY, a TEXT UNIQUE); INSERT INTO main.task VALUES('m','x'); INSERT INTO "
            "temp.task VALUES('t','x')");
    const auto write = [&] {
        app.run("ATTACH '" + dir.file("synced.db") + "' AS \"the other\"");
        app.run("INSERT INTO \"the other\".task VALUES('a','x'),('b','y'); REPLACE INTO \"the other\".task VALUES('c','x'); UPDATE \"the other\".task SET a='z' WHERE id='b'; "
                "UPDATE main.task SET a='n'; UPDATE temp.task SET a='n'");
    };
    SECTION("of a server") {
        auto store = open_store(dir.file("synced.db"), models_of(dir.file("synced.db"), tables));
        write();
        CHECK(staged_now(store) == std::vector<record_key>{{0, "a"}, {0, "b"}, {0, "c"}});
        CHECK(seal_now(store) == 2);
    }
    SECTION("of a device") {
        auto store = ok(sqlite_replica_store::open(dir.file("synced.db"), tables));
        write();
        auto t = ok(store.begin());
        std::vector<std::string> rows_now;
        for (const auto& edit : ok(t.take_captured()))
            if (edit.after) rows_now.push_back(edit.key.key + edit.after->fields[0].as_string());
        CHECK(rows_now == std::vector<std::string>{"bz", "cx"});
    }
}

TEST_CASE("kinds of tables: a table of an attached file or a temporary one is refused by name, and the store works beside them") {
    const scratch dir;
    stranger{dir.file("other.db")}.run("CREATE TABLE job(id TEXT PRIMARY KEY, a TEXT)");
    stranger app{dir.file()};
    const std::string path = dir.file();
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT)");
    const auto attach = [&](sqlite_database& db) -> result<void> {
        std::string sql{"ATTACH '"};
        return db.execute(sql.append(dir.file("other.db")).append("' AS aux; CREATE TEMP TABLE note(id TEXT PRIMARY KEY, a TEXT)"));
    };
    ok(attach(app.db()));
    const auto named = [](const std::string& table) {
        model_schema model;
        model.name = table;
        model.key_name = "id";
        model.fields.resize(1);
        model.fields[0].name = "a";
        schema_set models;
        ok(models.add(model));
        return models;
    };
    sqlite_authority_options options;
    options.prepare_connection = attach;
    for (const std::string table : {"job", "aux.job", "note"}) {
        const std::vector<std::string> words = table == "note" ? std::vector<std::string>{"`note`", "temporary"} : std::vector<std::string>{"`" + table + "`", "`aux`", "other.db"};
        check_refused(sqlite_authority_store::open(path, named(table), options), errc::unsupported, words);
        check_refused(sqlite_replica_store::open(app.db().handle(), named(table)), errc::unsupported, words);
        check_refused(sqlite_replica_store::open(app.db().handle(), std::vector<std::string>{table}), errc::unsupported, words);
    }
    check_refused(sqlite_authority_store::open(path, named("nothing"), options), errc::unsupported, {"no table `nothing`", "create it"});
    SECTION("beside them a server works") {
        auto store = open_store(path, named("task"), options);
        app.run("INSERT INTO task VALUES('a','1')");
        CHECK(seal_now(store) == 1);
    }
    SECTION("and a device, also where a temporary table has the synced one's name") {
        app.run("CREATE TEMP TABLE task(id TEXT PRIMARY KEY, a TEXT)");
        auto store = ok(sqlite_replica_store::open(app.db().handle(), named("task")));
        app.run("INSERT INTO main.task VALUES('a','1'); INSERT INTO temp.task VALUES('b','2')");
        auto t = ok(store.begin());
        CHECK(ok(t.take_captured()).size() == 1);
    }
    SECTION("but not a server, which would read the temporary one") {
        options.prepare_connection = [](sqlite_database& db) { return db.execute("CREATE TEMP VIEW task AS SELECT 1 AS id, 2 AS a"); };
        check_refused(sqlite_authority_store::open(path, named("task"), options), errc::unsupported, {"`task`", "temporary", "prepare_connection"});
    }
}

}  // namespace kinds_of_tables_test
