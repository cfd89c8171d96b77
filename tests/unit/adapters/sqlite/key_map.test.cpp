#include <syncline/adapters/sqlite/key_map.hpp>

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/engine/labelling.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_conformance.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/authority_contract_tables.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// An authority whose app names its rows by numbers of its own: the same contract, and what is particular to it.

namespace key_map_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

constexpr model_id projects = 0;
constexpr model_id tasks = 1;

// A server's own tables with rows in them, and another program's connection.
struct office {
    explicit office(const std::string& tables = "CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, "
                                                "project_id INTEGER REFERENCES project(id) ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO project(id,name) VALUES(7,'a'),(9,'b');"
                                                "INSERT INTO task(title,project_id) VALUES('t',9)",
                    app_times times_of_rows = {})
        : app(dir.file()), times(std::move(times_of_rows)) {
        app.run("PRAGMA foreign_keys = ON");
        app.run(tables);
        reopen();
    }
    void reopen() {
        store.reset();
        schema_set models;
        for (const char* name : {"project", "task"}) ok(models.add(ok(read_model_schema(app.db(), name, times, "tether_id"))));
        store.emplace(open_store(dir.file(), models));
    }
    std::string ask(const std::string& sql) { return ok(app.db().query_text(sql)); }
    std::string key(const std::string& project) { return ask("SELECT tether_id FROM project WHERE name='" + project + "'"); }
    std::optional<record> row(const record_key& k) {
        auto t = ok(store->begin("main", access::snapshot));
        return ok(t.current(k));
    }
    result<void> write(const record_key& k, const record& r) {
        return in_savepoint([&](auto& t) { return t.write(k, r); });
    }
    result<void> erase(const record_key& k) {
        return in_savepoint([&](auto& t) { return t.erase(k); });
    }
    template <class Change>
    result<void> in_savepoint(Change change) {
        auto t = ok(store->begin("main", access::write));
        t.tell_time(noon);
        ok(t.savepoint());
        auto done = change(t);
        if (!done) return done;
        ok(t.release_savepoint());
        return t.commit();
    }

    scratch dir;
    stranger app;
    app_times times;
    std::optional<sqlite_authority_store> store;
};

}  // namespace

TEST_CASE("sqlite_authority_store: keeps the authority store's contract on tables with primary keys of their own") {
    testing::report r;
    testing::check_authority_store(r, [] { return contract_tables<false, true>{}; });
    store_contract::passed(r);
}

TEST_CASE("sqlite_authority_store: keeps it with a trash as well") {
    testing::report r;
    testing::check_authority_store(r, [] { return contract_tables<true, true>{}; });
    store_contract::passed(r);
}

TEST_CASE("W21: a server's rows get their sync keys on attach, and rows that any program inserts in the same transaction; all are sealed") {
    office o;
    CHECK(o.key("a").size() == 26);
    CHECK(o.key("a") != o.key("b"));
    CHECK(seal_now(*o.store) == 3);
    o.app.run("INSERT INTO project(name) VALUES('c')");
    CHECK(o.key("c").size() == 26);
    CHECK(staged_now(*o.store) == std::vector<record_key>{{projects, o.key("c")}});
    CHECK(seal_now(*o.store) == 1);
    o.app.run("REPLACE INTO project(id,name) SELECT id,'c2' FROM project WHERE name='c'");
    CHECK(staged_now(*o.store) == std::vector<record_key>{{projects, o.key("c2")}});
    CHECK(seal_now(*o.store) == 1);
    CHECK_FALSE(o.app.attempt("UPDATE project SET tether_id='other'"));
    const auto c = o.key("c2");
    o.reopen();
    CHECK(o.key("c2") == c);
    CHECK(seal_now(*o.store) == 0);
}

TEST_CASE("W23: an authority reads and writes references by sync key, and its own numbers stay its own") {
    office o;
    const auto task = o.ask("SELECT tether_id FROM task");
    CHECK(o.row({tasks, task}) == texts({"t", o.key("b")}));
    ok(o.write({tasks, "far"}, texts({"far", o.key("a")})));
    CHECK(o.ask("SELECT project_id FROM task WHERE tether_id='far'") == "7");
    CHECK(o.row({tasks, "far"}) == texts({"far", o.key("a")}));
    ok(o.write({tasks, "far"}, texts({"far", o.key("b")})));
    CHECK(o.ask("SELECT project_id FROM task WHERE tether_id='far'") == "9");
    SECTION("a record that is not there is refused by name, and nothing stays") {
        const auto refused = o.write({tasks, "other"}, texts({"other", "nobody"}));
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == errc::constraint);
        CHECK(refused.error().detail.find("`nobody` of model `project`, a record that does not exist") != std::string::npos);
        CHECK_FALSE(o.row({tasks, "other"}));
        CHECK(o.ask("SELECT count(*) FROM syncline_authority_keys_project WHERE sync='nobody'") == "0");
    }
    SECTION("what a cascade takes along is known before, and sealed after") {
        CHECK(seal_now(*o.store) > 0);
        {
            auto t = ok(o.store->begin("main", access::write));
            CHECK(ok(t.referencing({projects, o.key("b")}, 10)).size() == 2);
        }
        o.app.run("DELETE FROM project WHERE name='b'");
        CHECK(seal_now(*o.store) == 3);
    }
    SECTION("another number of the parent is no change of the children") {
        CHECK(seal_now(*o.store) > 0);
        o.app.run("UPDATE project SET id=id+100");
        CHECK(seal_now(*o.store) == 0);
        CHECK(o.row({tasks, "far"}) == texts({"far", o.key("b")}));
    }
}

TEST_CASE("W23: without foreign keys a number that is given again changes what holds it, and that is sealed") {
    office o;
    CHECK(seal_now(*o.store) == 3);
    o.app.run("PRAGMA foreign_keys=OFF; DELETE FROM project WHERE name='b'");
    const auto task = o.ask("SELECT tether_id FROM task");
    CHECK(seal_now(*o.store) == 1);
    o.app.run("INSERT INTO project(name) VALUES('again')");
    REQUIRE(o.ask("SELECT id FROM project WHERE name='again'") == "8");
    CHECK(seal_now(*o.store) == 1);
    o.app.run("INSERT INTO project(name) VALUES('once more')");
    REQUIRE(o.ask("SELECT id FROM project WHERE name='once more'") == "9");
    CHECK(seal_now(*o.store) == 2);
    CHECK(o.row({tasks, task}) == texts({"t", o.key("once more")}));
    // A row that a device sends never gets such a number.
    o.app.run("DELETE FROM project WHERE id=9");
    ok(o.write({projects, "sent"}, texts({"sent"})));
    CHECK(o.ask("SELECT id>9 FROM project WHERE tether_id='sent'") == "1");
}

TEST_CASE("W23: a record may refer to itself, and records of one bundle to each other") {
    office o{"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT, up INTEGER REFERENCES project DEFERRABLE INITIALLY DEFERRED); CREATE TABLE task(id INTEGER PRIMARY KEY)"};
    ok(o.write({projects, "self"}, texts({"s", "self"})));
    CHECK(o.row({projects, "self"}) == texts({"s", "self"}));
    CHECK(o.ask("SELECT id=up AND id>0 FROM project") == "1");
    auto t = ok(o.store->begin("main", access::write));
    ok(t.write({projects, "x"}, texts({"x", "y"})));
    ok(t.write({projects, "y"}, texts({"y", "x"})));
    ok(t.commit());
    CHECK(o.row({projects, "x"}) == texts({"x", "y"}));
    CHECK(o.row({projects, "y"}) == texts({"y", "x"}));
    CHECK(o.app.number("SELECT count(*) FROM pragma_foreign_key_check") == 0);
}

TEST_CASE("W23: what refers by number to a row that sync puts into the trash goes along, or is let go, as the table's keys say") {
    office o{"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT, tether_id TEXT UNIQUE, created_at INTEGER, updated_at INTEGER, deleted_at DATETIME);"
             "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id) ON DELETE CASCADE, reviewed_in INTEGER REFERENCES project ON DELETE SET NULL,"
             " up INTEGER REFERENCES task ON DELETE CASCADE, held_by TEXT REFERENCES project(tether_id), created_at INTEGER, updated_at INTEGER, deleted_at DATETIME);"
             "INSERT INTO project(id,name) VALUES(7,'a'),(9,'b');"
             "INSERT INTO task(id,title,project_id,reviewed_in,up) VALUES(1,'t',9,NULL,NULL),(2,'of t',7,NULL,1),(3,'reviewed',7,9,NULL),(4,'other',7,7,NULL)",
             {time_column{"created_at"}, time_column{"updated_at"}, time_column{"deleted_at"}}};
    CHECK(seal_now(*o.store) == 6);
    const auto b = o.key("b");
    const auto of = [&](const char* title) { return o.ask(std::string{"SELECT tether_id FROM task WHERE title='"} + title + "'"); };
    const auto seen = [&] { return o.ask("SELECT group_concat(id||ifnull(deleted_at,'-')||ifnull(reviewed_in,'-')) FROM (SELECT * FROM task ORDER BY id)"); };
    SECTION("erased") {
        ok(o.erase({projects, b}));
        CHECK(seen() == "12026-05-02 09:00:00-,22026-05-02 09:00:00-,3--,4-7");
        CHECK(seal_now(*o.store) == 4);
        CHECK_FALSE(o.row({projects, b}));
        CHECK(o.row({tasks, of("reviewed")}) == record{{value::text("reviewed"), value::text(o.key("a")), value{}, value{}, value{}}});
    }
    SECTION("and written again: the same rows under their numbers") {
        ok(o.erase({projects, b}));
        CHECK(seal_now(*o.store) == 4);
        ok(o.write({projects, b}, texts({"b again"})));
        record t{{value::text("t"), value::text(b), value{}, value{}, value{}}};
        ok(o.write({tasks, of("t")}, t));
        CHECK(o.ask("SELECT p.id||t.id FROM project p JOIN task t ON t.project_id=p.id WHERE p.name='b again' AND p.deleted_at IS NULL AND t.deleted_at IS NULL") == "91");
        CHECK(o.row({tasks, of("t")}) == t);
        CHECK(seal_now(*o.store) == 2);
    }
    SECTION("what holds the sync key itself without an action keeps it, with all that would have gone along") {
        o.app.run("UPDATE task SET held_by='" + b + "' WHERE id=4");
        const auto refused = o.erase({projects, b});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == errc::constraint);
        CHECK(seen() == "1--,2--,3-9,4-7");
    }
    SECTION("the app's own column is a delete and a restore") {
        o.app.run("UPDATE task SET deleted_at='x'; UPDATE project SET deleted_at='x'");
        CHECK(seal_now(*o.store) == 6);
        CHECK_FALSE(o.row({tasks, of("t")}));
        o.app.run("UPDATE task SET deleted_at=NULL; UPDATE project SET deleted_at=NULL");
        CHECK(seal_now(*o.store) == 6);
        CHECK(o.row({tasks, of("t")})->fields[1] == value::text(b));
    }
}

TEST_CASE("W12: who may see a record is told by records, whatever numbers their rows have, also where what it refers to is gone") {
    office o;
    scope_rules rules;
    rules.buckets["project"] = [](const model_schema&, std::string_view key, const record&) { return label_set{std::string{key}}; };
    const scope_map scopes{o.store->schemas(), rules};
    const auto seal_labels = [&] {
        auto t = ok(o.store->begin("main", access::write));
        ok(seal_labelled(t, o.store->schemas(), scopes, bundle_source{}, {}, from_microseconds(0)));
        ok(t.commit());
    };
    const auto task = o.ask("SELECT tether_id FROM task");
    const auto admits = [&](const std::string& label) {
        auto t = ok(o.store->begin("main", access::snapshot));
        return ok(t.audience_of({tasks, task})).value().admits(label_set{label});
    };
    seal_labels();
    const auto a = o.key("a");
    const auto b = o.key("b");
    CHECK(admits(b));
    CHECK_FALSE(admits(a));
    SECTION("another number is no other audience, another project is") {
        o.app.run("UPDATE project SET id=id+100");
        seal_labels();
        CHECK(admits(b));
        o.app.run("UPDATE task SET project_id=107");
        seal_labels();
        CHECK(admits(a));
        CHECK_FALSE(admits(b));
    }
    SECTION("nobody sees what refers to a record that is gone; who sees the one that gets its number sees it") {
        o.app.run("PRAGMA foreign_keys=OFF; DELETE FROM project WHERE name='b'");
        seal_labels();
        CHECK_FALSE(admits(b));
        {
            auto t = ok(o.store->begin("main", access::snapshot));
            CHECK(ok(t.referring({projects, b}, 9)) == std::vector<record_key>{{tasks, task}});
        }
        o.app.run("INSERT INTO project(id,name) VALUES(9,'again')");
        seal_labels();
        CHECK(admits(o.key("again")));
        CHECK_FALSE(admits(b));
    }
}

TEST_CASE("W23: a reference never reaches another tenant's record, however it is written") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE project(owner TEXT NOT NULL, id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE task(owner TEXT NOT NULL, id INTEGER PRIMARY KEY, title TEXT, "
            "project_id INTEGER REFERENCES project(id) DEFERRABLE INITIALLY DEFERRED)");
    schema_set models;
    for (const char* name : {"project", "task"}) {
        auto m = ok(read_model_schema(app.db(), name, "tether_id"));
        m.fields.erase(m.fields.begin());  // the owner
        for (auto& r : m.references) --r.field;
        ok(models.add(std::move(m)));
    }
    sqlite_authority_options options;
    options.owner_column = "owner";
    auto store = open_store(dir.file(), models, options);
    app.run("INSERT INTO project(owner,tether_id,name) VALUES('ann','hers','p')");
    for (const bool at_once : {true, false}) {
        CAPTURE(at_once);
        auto t = ok(store.begin("bob", access::write));
        if (at_once) ok(t.savepoint());
        const auto written = t.write({tasks, "T"}, texts({"t", "hers"}));
        if (at_once) CHECK(store_contract::fault_of(written) == errc::constraint);
        else CHECK(store_contract::fault_of(t.commit()) == errc::constraint);
    }
    CHECK(app.number("SELECT count(*) FROM task") == 0);
    auto t = ok(store.begin("ann", access::write));
    ok(t.write({tasks, "T"}, texts({"t", "hers"})));
    ok(t.commit());
    CHECK(app.number("SELECT project_id FROM task") == app.number("SELECT id FROM project"));
}

TEST_CASE("local keys: detaching an authority leaves the app's tables as they are") {
    office o;
    const auto a = o.key("a");
    ok(detach_sqlite_authority(o.app.db(), true));
    CHECK(o.app.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == 0);
    CHECK(o.key("a") == a);
    o.reopen();
    CHECK(o.key("a") == a);
}

}  // namespace key_map_test
