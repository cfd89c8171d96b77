#include <syncline/adapters/sqlite/write_guards.hpp>

#include <syncline/adapters/sqlite/authority_store.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace write_guards_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

sqlite_authority_options with(sqlite_foreign_writes how) {
    sqlite_authority_options o;
    o.foreign_writes = how;
    return o;
}

const std::vector<std::string> names{"task", "child", "it's \"odd\""};

struct world {
    scratch dir;
    std::string path = dir.file();
    world() {
        stranger app{path};
        app.run("PRAGMA journal_mode = WAL;"
                "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE, title TEXT);"
                "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, task_id TEXT REFERENCES task(id) ON DELETE CASCADE, list_id TEXT REFERENCES list(id) ON DELETE CASCADE);"
                "CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL);"
                "CREATE TABLE \"it's \"\"odd\"\"\"(id TEXT PRIMARY KEY NOT NULL, v TEXT);"
                "CREATE TABLE inbox(v TEXT);"
                "CREATE TRIGGER app_inbox AFTER INSERT ON inbox BEGIN INSERT INTO task VALUES(NEW.v, NULL, 'from the inbox'); END;"
                "INSERT INTO list VALUES('l'); INSERT INTO task VALUES('a','sa','A'), ('b','sb','B'); INSERT INTO child VALUES('c','a','l');"
                "INSERT INTO \"it's \"\"odd\"\"\" VALUES('o','1')");
    }
    sqlite_authority_store open(sqlite_foreign_writes how) { return open_store(path, models(), with(how)); }
    schema_set models() {
        // A foreign key to a table that is not synced: the model does not have it.
        schema_set out;
        for (auto m : models_of(path, names)) {
            std::erase_if(m.references, [](const reference_schema& r) { return r.model == "list"; });
            ok(out.add(std::move(m)));
        }
        return out;
    }
};

std::string everything(stranger& app) {
    return ok(app.db().query_text("SELECT (SELECT coalesce(group_concat(id || coalesce(slug,'-') || coalesce(title,'-'), ';'), '') FROM (SELECT * FROM task ORDER BY id)) || '|' || "
                                  "(SELECT coalesce(group_concat(id || coalesce(task_id,'-'), ';'), '') FROM (SELECT * FROM child ORDER BY id)) || '|' || "
                                  "(SELECT coalesce(group_concat(id || v, ';'), '') FROM \"it's \"\"odd\"\"\")"));
}

// Every way to write that a program has, each of which would change something.
const char* const writes[] = {
    "INSERT INTO task VALUES('n','sn','N')",
    "INSERT OR REPLACE INTO task VALUES('a','sa','X')",
    "REPLACE INTO task VALUES('n','sb','X')",  // would remove `b`, of which no trigger tells
    "INSERT OR IGNORE INTO task VALUES('n','sn','N')",
    "INSERT OR FAIL INTO task VALUES('n','sn','N')",
    "INSERT OR ROLLBACK INTO task VALUES('n','sn','N')",
    "INSERT INTO task VALUES('a','sa','X') ON CONFLICT(id) DO UPDATE SET title = excluded.title",
    "INSERT INTO task SELECT 'n', 'sn', title FROM task WHERE id = 'a'",
    "UPDATE task SET title = 'X' WHERE id = 'a'",
    "UPDATE OR IGNORE task SET title = 'X'",
    "UPDATE OR REPLACE task SET slug = 'sa' WHERE id = 'b'",
    "UPDATE task SET id = 'z' WHERE id = 'b'",
    "DELETE FROM task WHERE id = 'b'",
    "DELETE FROM task",
    "DELETE FROM child",
    "DELETE FROM list WHERE id = 'l'",             // cascades into a synced table
    "DELETE FROM list",
    "INSERT INTO inbox VALUES('n')",               // a trigger of the app's writes a synced table
    "BEGIN; UPDATE task SET title = 'X'; COMMIT",
    "UPDATE \"it's \"\"odd\"\"\" SET v = '2'",
    "WITH x AS (SELECT 1) UPDATE task SET title = 'X' RETURNING id",
};

}  // namespace

TEST_CASE("where writes of others are refused, every statement of another connection that writes a synced table fails and changes nothing") {
    world w;
    auto store = w.open(sqlite_foreign_writes::refuse);
    seal_now(store);
    stranger app{w.path};
    const bool recursive = GENERATE(false, true);
    app.run(recursive ? "PRAGMA recursive_triggers = ON; PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = ON");
    const std::string before = everything(app);
    for (const char* sql : writes) {
        INFO(sql);
        const auto r = app.db().execute(sql);
        if (app.db().in_transaction()) app.run("ROLLBACK");
        REQUIRE_FALSE(r.has_value());
        CHECK(r.error().code == errc::constraint);
        CHECK(r.error().detail.find("is synced, and its server refuses writes of other programs; write through the server") != std::string::npos);
        CHECK(everything(app) == before);
    }
    // What is not synced is nobody's business.
    app.run("INSERT INTO list VALUES('m'); UPDATE list SET id = 'k' WHERE id = 'm'; DELETE FROM list WHERE id = 'k'");
    CHECK(app.number("SELECT count(*) FROM task") == 2);
    CHECK(staged_now(store).empty());
}

TEST_CASE("where writes of others are refused, the store's own transactions write, and nobody else gains by one that is open, rolled back or failed") {
    world w;
    auto store = w.open(sqlite_foreign_writes::refuse);
    seal_now(store);
    stranger app{w.path};
    const auto refused = [&] {
        CHECK_FALSE(app.attempt("UPDATE task SET title = 'X'"));
        CHECK(app.number("SELECT count(*) FROM syncline_authority_writing") == 0);
    };
    {
        auto t = ok(store.begin("main", access::write));
        ok(t.write({0, "a"}, texts({"sa", "engine"})));
        ok(t.erase({0, "b"}));
        // The host's own SQL, with a cascade and a trigger of the app's.
        ok(t.connection().execute("INSERT INTO inbox VALUES('i'); UPDATE task SET title = 'host' WHERE id = 'i'; DELETE FROM list"));
        CHECK_FALSE(app.attempt("UPDATE task SET title = 'X'"));  // the file is locked as well
        CHECK(app.number("SELECT count(*) FROM syncline_authority_writing") == 0);
        ok(t.commit());
    }
    refused();
    CHECK(everything(app) == "asaengine;i-host||o1");
    CHECK(seal_now(store) == 4);  // a, b, i and the child that the cascade took
    {
        auto t = ok(store.begin("main", access::write));
        ok(t.write({0, "a"}, texts({"sa", "dropped"})));
    }
    refused();
    {
        // A commit that fails at a foreign key which waits for it.
        auto t = ok(store.begin("main", access::write));
        ok(t.connection().execute("PRAGMA defer_foreign_keys = ON; INSERT INTO child VALUES('q','nobody',NULL)"));
        CHECK_FALSE(t.commit().has_value());
    }
    refused();
    {
        auto t = ok(store.begin("main", access::snapshot));
        CHECK(ok(t.current({0, "a"})) == texts({"sa", "engine"}));
    }
    refused();
}

TEST_CASE("where writes of others are refused, another process is refused, as sqlite3's shell would be") {
    world w;
    auto store = w.open(sqlite_foreign_writes::refuse);
    seal_now(store);
    for (const bool refuse : {true, false}) {
        if (!refuse) {
            auto other = w.open(sqlite_foreign_writes::seal);
            (void)seal_now(other);
        }
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            // It knows SQLite and nothing of ours.
            sqlite3* db = nullptr;
            int rc = sqlite3_open(w.path.c_str(), &db);
            if (rc == SQLITE_OK) rc = sqlite3_exec(db, "DELETE FROM task", nullptr, nullptr, nullptr);
            const bool says = std::string{sqlite3_errmsg(db)}.find("refuses writes of other programs") != std::string::npos;
            ::_exit(rc == SQLITE_OK ? 0 : rc == SQLITE_CONSTRAINT && says ? 1 : 2);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == (refuse ? 1 : 0));
    }
}

TEST_CASE("whether writes of others are sealed or refused can be chosen anew each time, and nothing is staged that nobody wrote") {
    world w;
    {
        auto store = w.open(sqlite_foreign_writes::seal);
        CHECK(seal_now(store) == 4);
        stranger{w.path}.run("UPDATE task SET title = 'sealed' WHERE id = 'a'");
        CHECK(seal_now(store) == 1);
    }
    {
        auto store = w.open(sqlite_foreign_writes::refuse);
        CHECK(staged_now(store).empty());
        CHECK_FALSE(stranger{w.path}.attempt("UPDATE task SET title = 'no' WHERE id = 'a'"));
    }
    {
        auto store = w.open(sqlite_foreign_writes::refuse);
        CHECK(staged_now(store).empty());
        CHECK_FALSE(stranger{w.path}.attempt("DELETE FROM child"));
    }
    {
        auto store = w.open(sqlite_foreign_writes::seal);
        CHECK(staged_now(store).empty());
        stranger app{w.path};
        CHECK(app.number("SELECT count(*) FROM sqlite_schema WHERE name = 'syncline_authority_writing' OR sql LIKE '%refuses writes%'") == 0);
        app.run("UPDATE task SET title = 'sealed again' WHERE id = 'a'");
        CHECK(staged_now(store) == std::vector<record_key>{{0, "a"}});
    }
    {
        auto store = w.open(sqlite_foreign_writes::refuse);
        stranger app{w.path};
        // A table that was rebuilt lost our triggers: what was written meanwhile is sealed, and the guards stand again.
        app.run("PRAGMA foreign_keys = OFF; DROP TRIGGER app_inbox; CREATE TABLE t2(id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE, title TEXT); INSERT INTO t2 SELECT id, slug, 'rebuilt' FROM task;"
                "DROP TABLE task; ALTER TABLE t2 RENAME TO task");
        CHECK(seal_now(store) == 2);
        CHECK_FALSE(app.attempt("DELETE FROM task"));
    }
    stranger app{w.path};
    ok(detach_sqlite_authority(app.db(), true));
    app.run("DELETE FROM task");
}

TEST_CASE("a DELETE without WHERE, which SQLite may do by truncating, is captured row by row and refused where writes of others are") {
    world w;
    const bool refuse = GENERATE(false, true);
    auto store = w.open(refuse ? sqlite_foreign_writes::refuse : sqlite_foreign_writes::seal);
    seal_now(store);
    stranger app{w.path};
    app.run("PRAGMA foreign_keys = ON");
    CHECK(app.attempt("DELETE FROM task") == !refuse);
    CHECK(app.number("SELECT count(*) FROM task") == (refuse ? 2 : 0));
    if (refuse) return;
    auto t = ok(store.begin("main", access::write));
    const auto sealed = ok(seal(t, store.schemas(), bundle_source{}, {}, timestamp{}));
    REQUIRE(sealed.size() == 3);  // both tasks, and the child that went with one of them
    for (const auto& row : sealed) CHECK(row.op == operation::erase);
}

}  // namespace write_guards_test
