#include <syncline/adapters/sqlite/authority_renames.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"
#include "support/file_sync.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace authority_renames_test {

using namespace syncline;
using namespace authority_fixture;

TEST_CASE("authority renames: devices whose column was renamed too are sent what was edited and nothing else, and keep what they had not sent") {
    const auto wire = GENERATE(file_sync::wire_kind::mutation, file_sync::wire_kind::bundle);
    const scratch dir;
    const std::string office = dir.file("office.db");
    const std::string van = dir.file("van.db");
    const std::vector<std::string> tables{"task"};
    for (const auto& path : {office, van}) file_sync::run(path, "CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, body TEXT)");
    file_sync::run(office, "INSERT INTO task VALUES('a','1','x'),('b','1','x'),('c','1','x'),('d','1','x')");
    {
        file_sync::server server{office, tables};
        CHECK(file_sync::sync(van, tables, server, wire).pulled == 4);
        file_sync::run(van, "UPDATE task SET title='mine' WHERE id='a'");
        file_sync::run(office, "UPDATE task SET title='sealed' WHERE id='b'");
        CHECK(seal_now(server.store) == 1);
    }
    file_sync::run(office, "UPDATE task SET title='before' WHERE id='c'; ALTER TABLE task RENAME COLUMN title TO heading; UPDATE task SET heading='after' WHERE id='d'");
    file_sync::run(van, "ALTER TABLE task RENAME COLUMN title TO heading");
    file_sync::server server{office, tables};
    const auto done = file_sync::sync(van, tables, server, wire);
    CHECK(done.pushed == 1);
    CHECK(done.conflicts == 0);
    CHECK(done.pulled == 3);
    for (const auto& path : {office, van})
        CHECK(file_sync::ask(path, "SELECT group_concat(id||heading||body) FROM (SELECT * FROM task ORDER BY id)") == "aminex,bsealedx,cbeforex,dafterx");
}

TEST_CASE("authority renames: a device that syncs under the old name in the meantime has all values once its column is renamed too") {
    const auto wire = GENERATE(file_sync::wire_kind::mutation, file_sync::wire_kind::bundle);
    const scratch dir;
    const std::string office = dir.file("office.db");
    const std::string van = dir.file("van.db");
    const std::vector<std::string> tables{"task"};
    for (const auto& path : {office, van}) file_sync::run(path, "CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, body TEXT)");
    file_sync::run(office, "INSERT INTO task VALUES('a','1','x'),('b','1','x'),('c','1','x'),('d','1','x')");
    {
        file_sync::server server{office, tables};
        CHECK(file_sync::sync(van, tables, server, wire).pulled == 4);
    }
    file_sync::run(office, "ALTER TABLE task RENAME COLUMN title TO heading; UPDATE task SET heading='2' WHERE id='b'; UPDATE task SET body='y' WHERE id='c'; "
                           "UPDATE task SET body='z' WHERE id='d'");
    file_sync::server server{office, tables};
    CHECK(file_sync::sync(van, tables, server, wire).pulled == 3);
    file_sync::run(van, "ALTER TABLE task RENAME COLUMN title TO heading; UPDATE task SET heading='mine' WHERE id='d'");
    const auto done = file_sync::sync(van, tables, server, wire);
    CHECK(done.conflicts == 1);  // what d had was never seen here
    CHECK(file_sync::sync(van, tables, server, wire).pulled == 0);
    for (const auto& path : {office, van})
        CHECK(file_sync::ask(path, "SELECT group_concat(id||heading||body) FROM (SELECT * FROM task ORDER BY id)") == "a1x,b2x,c1y,d1z");
}

namespace {

// A server whose rows were sealed under several orders of fields.
struct old_server {
    explicit old_server(const std::string& make = "CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, b TEXT); INSERT INTO task VALUES('k','1','2'),('l','1','2')")
        : app(dir.file()) {
        app.run(make);
        open();
        CHECK(seal_now(*store) == 2);
    }
    void open(const std::string& table = "task") {
        store.reset();
        store.emplace(open_store(dir.file(), models_of(dir.file(), {table})));
    }
    std::optional<record> sealed(const std::string& key) {
        auto t = ok(store->begin("main", access::snapshot));
        return ok(t.sealed({0, key}))->row;
    }
    scratch dir;
    stranger app;
    std::optional<sqlite_authority_store> store;
};

}  // namespace

TEST_CASE("authority renames: history, snapshots and uploads in progress go by the new name") {
    old_server s;
    s.app.run("UPDATE task SET b='3' WHERE id='k'");
    CHECK(seal_now(*s.store) == 1);
    {
        auto t = ok(s.store->begin("main", access::write));
        snapshot_head wanted;
        wanted.id = "s";
        (void)ok(t.make_snapshot(wanted));
        ok(t.put_session(push_session{"up", "p", "dev", 1, 1, 0, {}}));
        ok(t.commit());
    }
    s.app.run("ALTER TABLE task RENAME COLUMN b TO \"the \"\"b\"\", (2)\"");
    s.open();
    auto t = ok(s.store->begin("main", access::write));
    CHECK(ok(t.take_staged()).empty());
    CHECK(ok(t.sealed({0, "k"}))->row == texts({"1", "3"}));
    const auto marks = ok(t.changes_of({0, "k"}, 0));
    REQUIRE(marks.size() == 2);
    field_set b;
    b.insert(1);
    CHECK(marks[1].fields == b);
    const auto rows = ok(t.snapshot_rows("s", 0, 9));
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].row == texts({"1", "3"}));
    CHECK(ok(t.find_session("up")));
}

TEST_CASE("authority renames: two columns that change names, one that takes the name of a column that is gone, and one that is renamed again") {
    old_server s;
    SECTION("each other's") {
        s.app.run("ALTER TABLE task RENAME COLUMN a TO c; ALTER TABLE task RENAME COLUMN b TO a; ALTER TABLE task RENAME COLUMN c TO b");
        s.open();
        CHECK(staged_now(*s.store).empty());
        CHECK(s.sealed("k") == texts({"1", "2"}));
    }
    SECTION("whatever the order of fields was before") {
        auto models = schema_set{};
        auto other = s.store->schemas()[0];
        std::swap(other.fields[0], other.fields[1]);
        ok(models.add(other));
        s.store.emplace(open_store(s.dir.file(), models));
        CHECK(seal_now(*s.store) == 0);
        s.app.run("UPDATE task SET a='9' WHERE id='l'");
        CHECK(seal_now(*s.store) == 1);
        s.app.run("ALTER TABLE task RENAME COLUMN a TO c; ALTER TABLE task RENAME COLUMN b TO a; ALTER TABLE task RENAME COLUMN c TO b");
        s.open();
        CHECK(seal_now(*s.store) == 0);
        CHECK(s.sealed("k") == texts({"1", "2"}));
        CHECK(s.sealed("l") == texts({"9", "2"}));
    }
    SECTION("a name that is free again, in rows that were sealed when both columns were there") {
        ok(detach_sqlite_authority(s.app.db(), false));
        s.app.run("ALTER TABLE task DROP COLUMN b");
        s.open();
        CHECK(seal_now(*s.store) == 0);
        s.app.run("ALTER TABLE task RENAME COLUMN a TO b; UPDATE task SET b='new' WHERE id='l'");
        s.open();
        CHECK(staged_now(*s.store) == std::vector<record_key>{{0, "l"}});
        CHECK(s.sealed("k") == texts({"1"}));
        s.app.run("ALTER TABLE task RENAME COLUMN b TO a; ALTER TABLE task ADD COLUMN b TEXT");
        s.open();
        CHECK(s.sealed("k") == record{{value::text("1"), value::null()}});
        CHECK(seal_now(*s.store) == 1);
    }
    SECTION("again, with the table") {
        s.app.run("ALTER TABLE task RENAME COLUMN b TO c");
        s.open();
        s.app.run("ALTER TABLE task RENAME COLUMN c TO d; ALTER TABLE task RENAME TO job; ALTER TABLE job RENAME COLUMN a TO e");
        auto model = models_of(s.dir.file(), {"job"})[0];
        model.name = "task";
        model.table = "job";
        schema_set models;
        ok(models.add(model));
        s.store.emplace(open_store(s.dir.file(), models));
        CHECK(s.sealed("k") == texts({"1", "2"}));
        CHECK(seal_now(*s.store) == 0);
    }
}

TEST_CASE("authority renames: a column that takes the place of another is told from one that is renamed") {
    old_server s;
    SECTION("none is dropped while our trigger stands, and behind its back the rows are compared") {
        CHECK_FALSE(s.app.attempt("ALTER TABLE task DROP COLUMN b"));
        ok(detach_sqlite_authority(s.app.db(), false));
        s.app.run("ALTER TABLE task DROP COLUMN b; ALTER TABLE task ADD COLUMN b TEXT");
        s.open();
        CHECK(seal_now(*s.store) == 2);
        CHECK(s.sealed("k") == record{{value::text("1"), value::null()}});
    }
    SECTION("in a table that is made anew a column of another name is another column") {
        s.app.run("BEGIN; CREATE TABLE fresh(id TEXT PRIMARY KEY, a TEXT, c TEXT); INSERT INTO fresh SELECT * FROM task; DROP TABLE task; ALTER TABLE fresh RENAME "
                  "TO task; COMMIT; UPDATE task SET a='7' WHERE id='l'");
        s.open();
        CHECK(s.sealed("k") == record{{value::text("1"), value::null()}});
        CHECK(seal_now(*s.store) == 2);
        CHECK(s.sealed("l") == texts({"7", "2"}));
    }
    SECTION("while the store is open: it refuses by name, and what is done meanwhile is sealed when it is opened again") {
        s.app.run("ALTER TABLE task RENAME COLUMN b TO c; UPDATE task SET c='8' WHERE id='k'");
        const auto refused = s.store->begin("main", access::write);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::schema_mismatch);
        CHECK(refused.error().detail.find("`b`") != std::string::npos);
        s.open();
        CHECK(staged_now(*s.store) == std::vector<record_key>{{0, "k"}});
    }
    SECTION("while the store is open, with another column under the old name") {
        s.app.run("ALTER TABLE task RENAME COLUMN b TO c; ALTER TABLE task ADD COLUMN b TEXT");
        CHECK(seal_now(*s.store) == 2);
        CHECK(s.sealed("k") == record{{value::text("1"), value::null()}});
    }
}

TEST_CASE("authority renames: a soft-delete column that is renamed takes nothing out of the trash") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, gone TEXT); INSERT INTO task VALUES('k','1',NULL),('t','1','2026-01-01')");
    const auto served = [&](const std::string& column) {
        auto db = ok(sqlite_database::open(dir.file()));
        schema_set models;
        ok(models.add(ok(read_model_schema(db, "task", app_times{{}, {}, {column}}))));
        return open_store(dir.file(), models);
    };
    {
        auto store = served("gone");
        CHECK(seal_now(store) == 1);
    }
    CHECK_FALSE(app.attempt("ALTER TABLE task DROP COLUMN gone"));
    app.run("ALTER TABLE task RENAME COLUMN gone TO removed; ALTER TABLE task RENAME COLUMN a TO c");
    auto store = served("removed");
    CHECK(seal_now(store) == 0);
    app.run("UPDATE task SET removed=NULL WHERE id='t'");
    CHECK(seal_now(store) == 1);
}

TEST_CASE("authority renames: key, owner and columns of times may change their names too, and a program that does not know it is refused by name") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, who TEXT NOT NULL, made TEXT, touched TEXT); INSERT INTO task VALUES('k','1','ann',NULL,NULL),('l','2','bob',NULL,NULL)");
    const auto models = [&](const std::string& owner, const std::string& made, const std::string& touched) {
        auto db = ok(sqlite_database::open(dir.file()));
        auto model = ok(read_model_schema(db, "task", app_times{{made}, {touched}, {}}));
        std::erase_if(model.fields, [&](const field_schema& f) { return f.name == owner; });
        schema_set out;
        ok(out.add(model));
        return out;
    };
    sqlite_authority_options options;
    options.owner_column = "who";
    const auto before = models("who", "made", "touched");
    {
        auto store = open_store(dir.file(), before, options);
        CHECK(seal_now(store, "ann") + seal_now(store, "bob") == 2);
    }
    app.run("ALTER TABLE task RENAME COLUMN id TO uid; ALTER TABLE task RENAME COLUMN who TO whose; ALTER TABLE task RENAME COLUMN made TO created; ALTER TABLE task RENAME COLUMN "
            "touched TO updated; UPDATE task SET a='3' WHERE uid='l'");
    const auto refused = sqlite_authority_store::open(dir.file(), before, options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("`id`") != std::string::npos);
    options.owner_column = "whose";
    told_store store{open_store(dir.file(), models("whose", "created", "updated"), options), from_microseconds(1'800'000'000'000'000)};
    {
        auto t = ok(store.begin("ann", access::write));
        CHECK(ok(seal(t, store.schemas(), bundle_source{}, {}, timestamp{})).empty());
        CHECK(ok(t.sealed({0, "k"}))->row == texts({"1"}));
        ok(t.write({0, "new"}, texts({"4"})));
        ok(t.commit());
    }
    CHECK(app.number("SELECT count(*) FROM task WHERE uid='new' AND whose='ann' AND created LIKE '2027%' AND updated=created") == 1);
    auto t = ok(store.begin("bob", access::write));
    CHECK(ok(seal(t, store.schemas(), bundle_source{}, {}, timestamp{})).size() == 1);
    CHECK(ok(t.sealed({0, "l"}))->row == texts({"3"}));
}

TEST_CASE("authority renames: a server of an older version of the library compares no row when it is opened first") {
    old_server s;
    s.app.run("DROP TRIGGER syncline_authority_task_fields");
    s.open();
    CHECK(staged_now(*s.store).empty());
    CHECK(s.app.number("SELECT count(*) FROM sqlite_schema WHERE name='syncline_authority_task_fields'") == 1);
}

TEST_CASE("authority renames: what is noted of a device that sends no base goes by the new name, and other models' notes stay") {
    old_server s;
    const auto note = [](const std::string& client, const std::string& model) { return "legacy/record/" + client + std::string(1, '\0') + model + std::string(1, '\0') + "k"; };
    legacy_record known;
    known.last = "m1";
    known.version = 4;
    known.sent.emplace();
    known.sent->set(1, value::text("sent"));
    const std::string body = encode_legacy_record(s.store->schemas()[0], known);
    {
        auto t = ok(s.store->begin("main", access::write));
        ok(t.put_note("ann", note("phone", "task"), body));
        ok(t.put_note("ann", note("task", "other"), body));
        ok(t.commit());
    }
    s.app.run("ALTER TABLE task RENAME COLUMN b TO c; ALTER TABLE task ADD COLUMN b TEXT");
    s.open();
    auto t = ok(s.store->begin("main", access::snapshot));
    CHECK(ok(decode_legacy_record(s.store->schemas()[0], *ok(t.find_note("ann", note("phone", "task"))))) == known);
    CHECK(ok(t.find_note("ann", note("task", "other"))) == body);
}

TEST_CASE("authority renames: other statements are not taken for our trigger") {
    const auto read = [](const std::string& sql) { return read_sqlite_rename_trace(sql).has_value(); };
    const auto table = [] {
        sqlite_table t;
        t.name = "odd \"(\" name";
        return t;
    }();
    model_schema model;
    model.fields.resize(2);
    model.fields[0].name = "a\"b";
    model.fields[1].name = "c) BEGIN SELECT ";
    const std::string ours = make_sqlite_rename_trace(table, model, 12).sql;
    const auto trace = read_sqlite_rename_trace(ours);
    REQUIRE(trace);
    CHECK(trace->columns == std::vector<std::string>{"a\"b", "c) BEGIN SELECT "});
    CHECK(trace->layout == 12);
    for (std::size_t n = 0; n + 6 < ours.size(); ++n) CHECK_FALSE(read(ours.substr(0, n)));
    CHECK_FALSE(read("CREATE TRIGGER \"x\" BEFORE DELETE ON \"t\" WHEN 0 AND 0 IN(OLD.a) BEGIN SELECT 1; END"));
    CHECK_FALSE(read("CREATE TRIGGER \"x\" BEFORE DELETE ON \"t\" WHEN 0 AND 0 IN(OLD.\"a\") BEGIN SELECT x; END"));
}

}  // namespace authority_renames_test
