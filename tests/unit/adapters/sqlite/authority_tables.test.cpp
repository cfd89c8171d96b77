#include <syncline/adapters/sqlite/authority_tables.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/older_layouts.hpp"
#include "support/scratch_folder.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace authority_tables_test {

using namespace file_sync;
using store_contract::fault_of;

namespace {

const std::vector<std::string> tables{"t"};
const std::string app = "CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b TEXT)";

std::string schema_of(const std::string& path) { return ask(path, "SELECT group_concat(sql,';') FROM (SELECT sql FROM sqlite_schema WHERE type<>'trigger' ORDER BY name)"); }

}  // namespace

TEST_CASE("authority tables: a server of format 1 is brought up to date with what lies in it, and goes on where it was") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool with_labels : {false, true}) {
            CAPTURE(static_cast<int>(by), with_labels);
            const scratch_folder dir;
            const std::string path = dir.file("server.db");
            run(path, app + "; INSERT INTO t VALUES('old','1','2')");
            for (const char* device : {"a.db", "b.db"}) run(dir.file(device), app);
            std::string epoch;
            {
                server with{path, tables};
                CHECK(sync(dir.file("a.db"), tables, with, by).ok());
                run(dir.file("a.db"), "INSERT INTO t VALUES('mine','x','y')");
                CHECK(sync(dir.file("a.db"), tables, with, by).pushed == 1);
                CHECK(sync(dir.file("b.db"), tables, with, by).ok());
                auto t = must(with.store.begin("main", access::write));
                must(t.set_labelled_by("rules"));
                must(t.put_note("ann", "n", "body"));
                must(t.commit());
            }
            // Nobody is there to see these.
            run(path, "UPDATE t SET a='server' WHERE id='old'");
            run(dir.file("a.db"), "UPDATE t SET b='device' WHERE id='old'");
            const std::string as_made = schema_of(path);
            const std::string history = ask(path, "SELECT group_concat(tenant||model||key||seq||stamp) FROM syncline_authority_changes");
            {
                auto db = must(sqlite_database::open(path));
                older_layouts::authority_to(db, 1, with_labels);
            }
            CHECK((schema_of(path) == as_made) == with_labels);

            server with{path, tables};
            CHECK(ask(path, "SELECT value FROM syncline_authority_meta WHERE name='format'") == std::to_string(sqlite_authority_format));
            CHECK(ask(path, "SELECT count(*) FROM syncline_authority_meta WHERE name='scopes_format'") == "0");
            CHECK(schema_of(path) == as_made);
            CHECK(ask(path, "SELECT group_concat(tenant||model||key||seq||stamp) FROM syncline_authority_changes") == history);
            {
                auto t = must(with.store.begin("main", access::snapshot));
                CHECK(must(t.labelled_by()) == (with_labels ? "rules" : ""));
                CHECK(must(t.find_note("ann", "n")).has_value() == with_labels);
            }
            for (const char* device : {"a.db", "b.db", "a.db"}) {
                const auto done = sync(dir.file(device), tables, with, by);
                CHECK(done.ok());
                CHECK_FALSE(done.hydrated);
                CHECK(done.failed == 0);
            }
            for (const char* file : {"server.db", "a.db", "b.db"})
                CHECK(ask(dir.file(file), "SELECT group_concat(id||a||b) FROM (SELECT * FROM t ORDER BY id)") == "minexy,oldserverdevice");
        }
}

TEST_CASE("authority tables: a server of format 2 forgets what it had noted of devices that send no base, and nothing else") {
    const scratch_folder dir;
    const std::string path = dir.file("server.db");
    run(path, app);
    {
        server with{path, tables};
        auto t = must(with.store.begin("main", access::write));
        for (const char* name : {"legacy/device/a", "legacy/record/a", "legacz", "other"}) must(t.put_note("ann", name, "body"));
        must(t.commit());
    }
    run(path, "UPDATE syncline_authority_meta SET value=2 WHERE name='format'");
    server with{path, tables};
    CHECK(ask(path, "SELECT value FROM syncline_authority_meta WHERE name='format'") == std::to_string(sqlite_authority_format));
    auto t = must(with.store.begin("main", access::snapshot));
    CHECK(must(t.notes("ann", "legacy/")).empty());
    CHECK(must(t.notes("ann", "")).size() == 2);
}

TEST_CASE("authority tables: bookkeeping of a format that is not known is left alone, also by a server that is running") {
    for (const char* change : {"UPDATE syncline_authority_meta SET value=0 WHERE name='format'", "UPDATE syncline_authority_meta SET value=4 WHERE name='format'",
                               "UPDATE syncline_authority_meta SET value=99 WHERE name='format'", "DELETE FROM syncline_authority_meta WHERE name='format'",
                               "UPDATE syncline_authority_meta SET value=1 WHERE name='format'; INSERT INTO syncline_authority_meta VALUES('scopes_format',2)"}) {
        CAPTURE(change);
        const scratch_folder dir;
        const std::string path = dir.file("server.db");
        run(path, app);
        {
            const server with{path, tables};
        }
        run(path, change);
        const std::string was = schema_of(path) + ask(path, "SELECT group_concat(name||value) FROM syncline_authority_meta");
        CHECK(fault_of(sqlite_authority_store::open(path, models_in(path, tables))) == errc::unsupported);
        CHECK(schema_of(path) + ask(path, "SELECT group_concat(name||value) FROM syncline_authority_meta") == was);
    }
    const scratch_folder dir;
    const std::string path = dir.file("server.db");
    run(path, app);
    server with{path, tables};
    run(path, "UPDATE syncline_authority_meta SET value=4 WHERE name='format'; CREATE TABLE syncline_authority_more(x)");
    CHECK(fault_of(with.store.begin("main", access::write)) == errc::unsupported);
}

TEST_CASE("authority tables: the tenants that have history") {
    const scratch_folder dir;
    const std::string path = dir.file("server.db");
    run(path, "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, who TEXT NOT NULL, a TEXT, b TEXT); INSERT INTO t VALUES('1','ann','x','y'),('2','ben','x','y')");
    auto db = must(sqlite_database::open(path));
    auto model = must(read_model_schema(db, "t"));
    std::erase_if(model.fields, [](const field_schema& f) { return f.name == "who"; });
    schema_set models;
    must(models.add(model));
    sqlite_authority_options options;
    options.owner_column = "who";
    auto store = must(sqlite_authority_store::open(path, models, options));
    CHECK(must(sqlite_authority_tenants(db)).empty());
    authority<sqlite_authority_store> engine{store};
    for (const char* tenant : {"ben", "ann"}) must(engine.retain(tenant, 0, timestamp{}));
    auto tenants = must(sqlite_authority_tenants(db));
    std::sort(tenants.begin(), tenants.end());
    CHECK(tenants == std::vector<std::string>{"ann", "ben"});
}

}  // namespace authority_tables_test
