#include <syncline/adapters/sqlite/local_keys.hpp>

#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/local_key_fixture.hpp"
#include "unit/adapters/sqlite/replica_contract_tables.hpp"
#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// A device whose app names its rows by numbers of its own: the same contract, and what is particular to it.

namespace local_keys_test {

namespace {

using namespace syncline;
using namespace store_contract;
using namespace replica_fixture;

constexpr const char* office = "PRAGMA foreign_keys=ON; CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT);"
                               "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id) ON DELETE CASCADE ON UPDATE CASCADE);";
constexpr model_id projects = 0;
constexpr model_id tasks = 1;
constexpr field_index field_project = 1;

// Opened, with two projects and a task of the second, all of them sent and decided: every row is a base row.
struct settled_office : device {
    explicit settled_office(const std::string& tables = office) : device(tables) {
        open(with_tether_id(*this, {"project", "task"}));
        take({{{projects, "A"}, 1, texts({"a"}), {}}, {{projects, "B"}, 1, texts({"b"}), {}}, {{tasks, "T"}, 1, texts({"t", "B"}), {}}});
    }
    std::string number(const std::string& project) { return ask("SELECT id FROM project WHERE tether_id='" + project + "'"); }
};

// The same, where both tables have times, and a trash that the app can see into.
struct trashing_office : device {
    explicit trashing_office(const std::string& key_of_task = {}) : device("PRAGMA foreign_keys=ON;" + of("project(id INTEGER PRIMARY KEY, name TEXT") +
                                 of("task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id) ON DELETE CASCADE" + key_of_task)) {
        open(with_tether_id(*this, {"project", "task"}, {time_column{"created_at"}, time_column{"updated_at"}, time_column{"deleted_at"}}));
        now = from_microseconds(1'700'000'000'000'000);
        take({{{projects, "A"}, 1, texts({"a"}), {}}, {{projects, "B"}, 1, texts({"b"}), {}}, {{tasks, "T"}, 1, texts({"t", "B"}), {}}});
    }
    /// Number, times, and where the task belongs, of project B and task T.
    std::string columns() {
        return ask("SELECT p.id||' '||p.created_at||' '||p.updated_at||' '||ifnull(p.deleted_at,'-')||' / '||t.id||' '||t.created_at||' '||t.updated_at||' '||ifnull(t.deleted_at,'-') "
                   "FROM project p JOIN task t ON t.project_id=p.id WHERE p.tether_id='B' AND t.tether_id='T'");
    }

private:
    static std::string of(const std::string& table) {
        const auto at = table.find(", UNIQUE");
        return "CREATE TABLE " + table.substr(0, at) + ", created_at INTEGER, updated_at INTEGER, deleted_at DATETIME" + (at == std::string::npos ? "" : table.substr(at)) + ");";
    }
};

}  // namespace

TEST_CASE("sqlite_replica_store: keeps the replica store's contract on tables with primary keys of their own") {
    testing::report r;
    testing::check_replica_store(r, [] { return contract_tables<false, true>{}; });
    store_contract::passed(r);
}

TEST_CASE("sqlite_replica_store: keeps it with a trash as well") {
    testing::report r;
    testing::check_replica_store(r, [] { return contract_tables<true, true>{}; });
    store_contract::passed(r);
}

TEST_CASE("W23: what refers to a record says its sync key, and holds its number here") {
    settled_office d;
    CHECK(d.store().schemas()[tasks].fields[field_project].kind == value_kind::text);
    CHECK(d.ask("SELECT p.name FROM task JOIN project p ON p.id=project_id") == "b");
    d.sql("INSERT INTO project(id,name) VALUES(17,'new'); INSERT INTO task(title,project_id) VALUES('of new',17)");
    const auto edits = d.edits();
    REQUIRE(edits.size() == 2);
    CHECK(d.row(edits[1].key)->fields[field_project] == value::text(edits[0].key.key));
    d.sql("UPDATE task SET project_id=(SELECT id FROM project WHERE tether_id='A') WHERE tether_id='T'");
    d.absorb();
    const auto moved = d.open_intent({tasks, "T"});
    REQUIRE(moved);
    REQUIRE(moved->changes.find(field_project) != nullptr);
    CHECK(*moved->changes.find(field_project) == value::text("A"));
    CHECK(moved->before->fields[field_project] == value::text("B"));
}

TEST_CASE("W23: numbers of other devices never come into play") {
    settled_office d;
    const auto b = d.number("B");
    d.take({{{projects, "C"}, 2, texts({"c"}), {}}, {{tasks, "U"}, 2, texts({"u", "C"}), {}}, {{tasks, "T"}, 2, texts({"t2", "A"}), {}}});
    CHECK(d.ask("SELECT p.name FROM task t JOIN project p ON p.id=t.project_id WHERE t.tether_id='U'") == "c");
    CHECK(d.ask("SELECT p.name FROM task t JOIN project p ON p.id=t.project_id WHERE t.tether_id='T'") == "a");
    CHECK(d.number("B") == b);
    CHECK(d.ask("SELECT count(*) FROM pragma_foreign_key_check") == "0");
}

TEST_CASE("W23: a cascade states what its rows referred to, though that is gone when it runs") {
    SECTION("delete") {
        settled_office d;
        d.sql("DELETE FROM project WHERE tether_id='B'");
        const auto edits = d.edits();
        REQUIRE(edits.size() == 2);
        CHECK(edits[1].key == record_key{tasks, "T"});
        CHECK(edits[1].before == texts({"t", "B"}));
    }
    SECTION("set null") {
        settled_office d{"PRAGMA foreign_keys=ON; CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT);"
                         "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id) ON DELETE SET NULL)"};
        d.sql("DELETE FROM project WHERE tether_id='B'");
        const auto edits = d.edits();
        REQUIRE(edits.size() == 2);
        CHECK(edits[1].before == texts({"t", "B"}));
        CHECK(d.row({tasks, "T"}) == texts({"t", ""}));
    }
    SECTION("a new number is no change") {
        settled_office d;
        d.sql("UPDATE project SET id=id+100");
        CHECK(d.edits().empty());
        CHECK(d.row({tasks, "T"}) == texts({"t", "B"}));
        CHECK(d.ask("SELECT project_id FROM task") == d.number("B"));
    }
    SECTION("REPLACE under one's own number takes the tasks along, and the record stays the same") {
        settled_office d;
        d.sql("REPLACE INTO project(id,name) VALUES(" + d.number("B") + ",'b2')");
        const auto edits = d.edits();
        REQUIRE(edits.size() == 2);
        CHECK(edits[0].before == texts({"b"}));
        CHECK(edits[1].before == texts({"t", "B"}));
        CHECK(d.row({projects, "B"}) == texts({"b2"}));
        CHECK_FALSE(d.row({tasks, "T"}));
    }
    SECTION("a tree of one table") {
        device d{"PRAGMA foreign_keys=ON; CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node ON DELETE CASCADE)"};
        d.open(with_tether_id(d, {"node"}));
        d.take({{{0, "root"}, 1, texts({""}), {}}, {{0, "mid"}, 1, texts({"root"}), {}}, {{0, "leaf"}, 1, texts({"mid"}), {}}});
        d.sql("DELETE FROM node WHERE tether_id='root'");
        auto t = must(d.store().begin());
        const auto edits = must(t.take_captured());
        REQUIRE(edits.size() == 3);
        for (const auto& e : edits) CHECK(e.before == texts({e.key.key == "leaf" ? "mid" : e.key.key == "mid" ? "root" : ""}));
    }
}

TEST_CASE("W23: without foreign keys a number that is given again means the new row, and that is a change of what holds it") {
    settled_office d{"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT);"
                     "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id))"};
    const auto b = d.number("B");
    d.sql("DELETE FROM project WHERE tether_id='B'");
    CHECK(d.edits().size() == 1);
    CHECK(d.row({tasks, "T"}) == texts({"t", "B"}));  // it refers to what is gone, as before
    d.sql("INSERT INTO project(name) VALUES('again')");
    REQUIRE(d.ask("SELECT id FROM project WHERE name='again'") == b);
    const auto again = d.ask("SELECT tether_id FROM project WHERE name='again'");
    REQUIRE(again != "B");
    SECTION("it is captured, from what was true before") {
        const auto edits = d.edits();
        REQUIRE(edits.size() == 2);
        CHECK(edits[1].before == texts({"t", "B"}));
        CHECK(d.row({tasks, "T"}) == texts({"t", again}));
        CHECK(d.edits().empty());
    }
    SECTION("also where the task is changed after that") {
        d.sql("UPDATE task SET title='x'; UPDATE task SET project_id=(SELECT id FROM project WHERE tether_id='A')");
        const auto edits = d.edits();
        REQUIRE(edits.size() == 2);
        CHECK(edits[1].before == texts({"t", "B"}));
        CHECK(d.row({tasks, "T"}) == texts({"x", "A"}));
    }
    SECTION("and where it is deleted") {
        d.sql("DELETE FROM task");
        const auto edits = d.edits();
        REQUIRE(edits.size() == 2);
        CHECK(edits[1].before == texts({"t", "B"}));
    }
}

TEST_CASE("W23: a row that comes from elsewhere never gets a number that something dangling holds") {
    settled_office d{"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT);"
                     "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id))"};
    const auto b = d.number("B");
    d.sql("DELETE FROM project WHERE tether_id='B'");
    d.absorb();
    d.take({{{projects, "C"}, 2, texts({"c"}), {}}});
    CHECK(d.number("C") != b);
    CHECK(d.row({tasks, "T"}) == texts({"t", "B"}));
    CHECK(d.edits().empty());
    // The record itself comes back under its number.
    auto t = must(d.store().begin());
    must(t.write({projects, "B"}, texts({"b"})));
    must(t.commit());
    CHECK(d.number("B") == b);
    CHECK(d.edits().empty());
}

TEST_CASE("W23: a number that no row has is kept as it is, and becomes a reference when a row has it") {
    settled_office d{"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT);"
                     "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id))"};
    d.sql("INSERT INTO task(tether_id,title,project_id) VALUES('D','d',99)");
    CHECK(d.absorb() == 1);
    CHECK(d.row({tasks, "D"})->fields[field_project] == value::integer(99));
    d.sql("INSERT INTO project(id,tether_id,name) VALUES(99,'N','n')");
    CHECK(d.absorb() == 2);
    CHECK(d.row({tasks, "D"}) == texts({"d", "N"}));
    CHECK(*d.open_intent({tasks, "D"})->changes.find(field_project) == value::text("N"));
    // Such a number from elsewhere is not taken for a row that has it here.
    auto t = must(d.store().begin());
    CHECK(store_contract::fault_of(t.write({tasks, "E"}, record{{value::text("e"), value::integer(99)}})) == errc::constraint);
    must(t.write({tasks, "E"}, record{{value::text("e"), value::integer(98)}}));
    CHECK(must(t.visible({tasks, "E"}))->fields[field_project] == value::integer(98));
}

TEST_CASE("W23: a row whose referenced record has not come waits in quarantine, and a cycle that comes whole is shown") {
    settled_office d;
    CHECK(d.take({{{tasks, "U"}, 2, texts({"u", "missing"}), {}}}).quarantined == 1);
    CHECK_FALSE(d.row({tasks, "U"}));
    CHECK(d.take({{{projects, "missing"}, 3, texts({"m"}), {}}}).quarantined == 0);
    CHECK(d.row({tasks, "U"}) == texts({"u", "missing"}));
    CHECK(d.ask("SELECT count(*) FROM pragma_foreign_key_check") == "0");

    device n{"CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node)"};
    n.open(with_tether_id(n, {"node"}));
    n.take({{{0, "x"}, 1, texts({"y"}), {}}, {{0, "y"}, 1, texts({"x"}), {}}, {{0, "self"}, 1, texts({"self"}), {}}});
    for (const auto& [key, up] : {std::pair{"x", "y"}, std::pair{"y", "x"}, std::pair{"self", "self"}}) CHECK(n.row({0, key}) == texts({up}));
    CHECK(n.ask("SELECT count(*) FROM node a JOIN node b ON a.up=b.id") == "3");
    CHECK(n.ask("SELECT id>0 FROM node WHERE tether_id='self'") == "1");
}

TEST_CASE("W23: what the app puts into the trash is erased with what it referred to, and comes back under its number") {
    trashing_office d;
    const auto as_it_was = d.columns();
    d.sql("UPDATE task SET deleted_at='x'; UPDATE project SET deleted_at='x' WHERE tether_id='B'");
    auto edits = d.edits();
    REQUIRE(edits.size() == 2);
    CHECK(edits[0].before == texts({"t", "B"}));
    CHECK(edits[1].before == texts({"b"}));
    CHECK_FALSE(d.row({tasks, "T"}));
    CHECK_FALSE(d.row({projects, "B"}));
    SECTION("taken out again") {
        d.sql("UPDATE project SET deleted_at=NULL; UPDATE task SET deleted_at=NULL");
        edits = d.edits();
        REQUIRE(edits.size() == 2);
        for (const auto& e : edits) CHECK_FALSE(e.before);
        CHECK(d.columns() == as_it_was);
    }
    SECTION("replaced under its number, without a key") {
        d.sql("PRAGMA foreign_keys=OFF; REPLACE INTO project(id,name) VALUES(" + d.ask("SELECT id FROM project WHERE tether_id='B'") + ",'b2')");
        edits = d.edits();
        REQUIRE(edits.size() == 1);
        CHECK(edits[0].key == record_key{projects, "B"});
        CHECK_FALSE(edits[0].before);
        CHECK(d.row({projects, "B"}) == texts({"b2"}));
        d.sql("UPDATE task SET deleted_at=NULL");
        CHECK(d.edits().size() == 1);
    }
    CHECK(d.row({tasks, "T"}) == texts({"t", "B"}));
}

TEST_CASE("W23: what sync erases and brings again is the same row, with its number, the time it was made, and its children") {
    trashing_office d;
    const std::string made = "1700000000";
    const auto numbers = d.ask("SELECT id FROM project WHERE tether_id='B'") + " " + made;
    CHECK(d.columns() == numbers + " 1700000000 - / 1 " + made + " 1700000000 -");
    d.now += std::chrono::seconds{5};
    d.take({{{tasks, "T"}, 2, std::nullopt, {}}, {{projects, "B"}, 2, std::nullopt, {}}});
    CHECK(d.columns() == numbers + " 1700000005 2023-11-14 22:13:25 / 1 " + made + " 1700000005 2023-11-14 22:13:25");
    d.now += std::chrono::seconds{5};
    d.take({{{projects, "B"}, 3, texts({"b"}), {}}, {{tasks, "T"}, 3, texts({"t", "B"}), {}}});
    CHECK(d.columns() == numbers + " 1700000010 - / 1 " + made + " 1700000010 -");
    CHECK(d.absorb() == 0);
    CHECK(d.ask("SELECT count(*) FROM task") == "1");
}

TEST_CASE("W23: a row whose parent lies in the trash waits for it, and finds it under its number") {
    trashing_office d;
    const auto b = d.ask("SELECT id FROM project WHERE tether_id='B'");
    d.take({{{tasks, "T"}, 2, std::nullopt, {}}, {{projects, "B"}, 2, std::nullopt, {}}});
    CHECK(d.take({{{tasks, "U"}, 3, texts({"u", "B"}), {}}}).quarantined == 1);
    CHECK_FALSE(d.row({tasks, "U"}));
    CHECK(d.take({{{projects, "B"}, 4, texts({"b"}), {}}}).quarantined == 0);
    CHECK(d.row({tasks, "U"}) == texts({"u", "B"}));
    CHECK(d.ask("SELECT project_id FROM task WHERE tether_id='U'") == b);
    // The app sees into the trash, and may refer to what lies there: the authority decides.
    d.sql("UPDATE project SET deleted_at='x' WHERE tether_id='A'; INSERT INTO task(title,project_id) SELECT 'mine',id FROM project WHERE tether_id='A'");
    d.absorb();
    CHECK(d.row({tasks, d.ask("SELECT tether_id FROM task WHERE title='mine'")}) == texts({"mine", "A"}));
}

TEST_CASE("W23: a row in the trash gives way where a unique index with a reference would keep a row out") {
    trashing_office d{", UNIQUE(title,project_id)"};
    d.sql("UPDATE task SET deleted_at='x'");
    d.absorb();
    CHECK(d.take({{{tasks, "U"}, 2, texts({"t", "A"}), {}}}).quarantined == 0);
    CHECK(d.ask("SELECT count(*) FROM task WHERE tether_id='T'") == "1");
    CHECK(d.take({{{tasks, "V"}, 3, texts({"t", "B"}), {}}}).quarantined == 0);
    CHECK(d.row({tasks, "V"}) == texts({"t", "B"}));
    CHECK(d.ask("SELECT count(*) FROM task WHERE tether_id='T'") == "0");
    CHECK(d.open_intent({tasks, "T"})->op == operation::erase);
}

TEST_CASE("W21: rows that lie in the trash when the store is attached get keys, and are not sent") {
    device d{"CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT, deleted_at DATETIME); INSERT INTO project(name,deleted_at) VALUES('there','x'),('here',NULL)"};
    app_times times;
    times.deleted_at = "deleted_at";
    d.open({must(read_model_schema(d.app, "project", times, "tether_id"))});
    CHECK(d.ask("SELECT count(*) FROM project WHERE length(tether_id)=26") == "2");
    CHECK(d.status().counts.open == 1);
    d.sql("INSERT INTO project(name,deleted_at) VALUES('born there','x')");
    CHECK(d.absorb() == 0);
    d.sql("UPDATE project SET deleted_at=NULL");
    CHECK(d.absorb() == 2);
}

TEST_CASE("local keys: tables that refer to each other can be rebuilt while our triggers stand, and a gap is closed") {
    settled_office d;
    d.sql("PRAGMA foreign_keys=OFF");
    SECTION("the referring one") {
        d.sql("BEGIN; CREATE TABLE n(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id) ON DELETE CASCADE, tether_id TEXT UNIQUE);"
              "INSERT INTO n SELECT * FROM task; DROP TABLE task; ALTER TABLE n RENAME TO task; COMMIT");
        CHECK(d.absorb() == 0);
        d.sql("UPDATE task SET title='x'");
        CHECK(d.absorb() == 1);
    }
    SECTION("the one that is referred to, with other numbers for the same records") {
        d.sql("BEGIN; CREATE TABLE n(id INTEGER PRIMARY KEY, name TEXT, tether_id TEXT UNIQUE); INSERT INTO n SELECT id+50,name,tether_id FROM project;"
              "UPDATE task SET project_id=project_id+50; DROP TABLE project; ALTER TABLE n RENAME TO project; COMMIT");
        CHECK(d.absorb() == 0);
        CHECK(d.row({tasks, "T"}) == texts({"t", "B"}));
    }
    SECTION("with one row's number given to another record meanwhile") {
        d.sql("BEGIN; CREATE TABLE n(id INTEGER PRIMARY KEY, name TEXT, tether_id TEXT UNIQUE); INSERT INTO n SELECT id,name,'Z' FROM project WHERE tether_id='B';"
              "INSERT INTO n SELECT id,name,tether_id FROM project WHERE tether_id='A'; DROP TABLE project; ALTER TABLE n RENAME TO project; COMMIT");
        d.absorb();
        CHECK(d.row({tasks, "T"}) == texts({"t", "Z"}));
        REQUIRE(d.open_intent({tasks, "T"}));
        CHECK(d.open_intent({tasks, "T"})->before == texts({"t", "B"}));
        CHECK(d.open_intent({projects, "Z"})->op == operation::create);
    }
    SECTION("rows that came without a key while no trigger stood get one") {
        must(sqlite_replica_store::suspend_capture(d.dir.file()));
        d.sql("INSERT INTO project(name) VALUES('late'); INSERT INTO task(title,project_id) SELECT 'of late',id FROM project WHERE name='late'");
        d.open(with_tether_id(d, {"project", "task"}));
        const auto key = d.ask("SELECT tether_id FROM project WHERE name='late'");
        CHECK(key.size() == 26);
        const auto late = d.ask("SELECT tether_id FROM task WHERE title='of late'");
        REQUIRE(d.open_intent({tasks, late}));
        CHECK(*d.open_intent({tasks, late})->changes.find(field_project) == value::text(key));
    }
    SECTION("tables that come back empty are filled again where that is known") {
        d.sql("UPDATE project SET name='mine' WHERE tether_id='B'; UPDATE task SET title='mine'");
        d.absorb();
        d.sql("BEGIN; DROP TABLE task; DROP TABLE project; CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT);"
              "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, project_id INTEGER REFERENCES project(id) ON DELETE CASCADE); COMMIT");
        d.open(with_tether_id(d, {"project", "task"}));
        CHECK(d.row({tasks, "T"}) == texts({"mine", "B"}));
        CHECK(d.ask("SELECT p.name FROM task JOIN project p ON p.id=project_id") == "mine");
    }
}

TEST_CASE("local keys: the model follows its columns: a reference is renamed, a field is added") {
    settled_office d;
    d.sql("UPDATE task SET project_id=(SELECT id FROM project WHERE tether_id='A')");
    d.sql("ALTER TABLE task RENAME COLUMN project_id TO belongs_to; ALTER TABLE task ADD COLUMN more TEXT DEFAULT 'm'; ALTER TABLE project RENAME COLUMN id TO number");
    d.open(with_tether_id(d, {"project", "task"}));
    CHECK(d.store().schemas()[tasks].fields[field_project].name == "belongs_to");
    REQUIRE(d.open_intent({tasks, "T"}));
    CHECK(d.open_intent({tasks, "T"})->before == texts({"t", "B", "m"}));
    CHECK(*d.open_intent({tasks, "T"})->changes.find(field_project) == value::text("A"));
    CHECK(d.row({tasks, "T"}) == texts({"t", "A", "m"}));
}

TEST_CASE("local keys: a foreign key that the model does not describe as a reference is refused by name") {
    device d{office};
    auto models = with_tether_id(d, {"project", "task"});
    models[tasks].references.clear();
    const auto opened = sqlite_replica_store::open(d.dir.file(), models, quick());
    REQUIRE(store_contract::fault_of(opened) == errc::schema_mismatch);
    CHECK(opened.error().detail.find("`project_id` holds the local key of `project`") != std::string::npos);
}

TEST_CASE("local keys: what refers to the sync key itself is no translation, and a column without a foreign key goes by its type") {
    device d{"CREATE TABLE project(id INTEGER PRIMARY KEY, tether_id TEXT UNIQUE, name TEXT);"
             "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, by_name TEXT REFERENCES project(tether_id), by_type TEXT, by_number INTEGER)"};
    auto models = with_tether_id(d, {"project", "task"});
    models[tasks].references.push_back({2, "project", reference_action::none});
    models[tasks].references.push_back({3, "project", reference_action::none});
    d.open(models);
    d.sql("INSERT INTO project VALUES(5,'P','p'); INSERT INTO task(tether_id,by_name,by_type,by_number) VALUES('T','P','P',5)");
    CHECK(d.row({tasks, "T"}) == texts({"", "P", "P", "P"}));
}

TEST_CASE("W28: a second row of one natural key is kept apart by name, whatever the numbers") {
    device d{"CREATE TABLE customer(id INTEGER PRIMARY KEY, mail TEXT UNIQUE)"};
    d.open(with_tether_id(d, {"customer"}));
    d.sql("INSERT INTO customer(tether_id,mail) VALUES('mine','x@y.z')");
    CHECK(d.absorb() == 1);
    // Another device's customer of the same address is not shown, not lost, and comes when the way is free.
    CHECK(d.take({{{0, "theirs"}, 1, texts({"x@y.z"}), {}}}).quarantined == 1);
    CHECK(d.row({0, "mine"}) == texts({"x@y.z"}));
    CHECK_FALSE(d.row({0, "theirs"}));
    d.sql("UPDATE customer SET mail='z@y.z'");
    d.take({});
    CHECK(d.row({0, "theirs"}) == texts({"x@y.z"}));
    CHECK(d.ask("SELECT count(*) FROM customer") == "2");
}

}  // namespace local_keys_test
