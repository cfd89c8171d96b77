// Tables that a client of go-oversync v0.2.1 does not take (sheet `bundle`, 8.2.17): with numbers of the app's own for primary keys, and with foreign keys
// of several columns.

#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bundle_local_keys_test {

using namespace syncline;
using file_sync::ask;
using file_sync::wire_kind;
using store_contract::must;

namespace {

const std::string tables =
    "CREATE TABLE team(nr INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE person(nr INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, team INTEGER REFERENCES team ON DELETE CASCADE,"
    " boss INTEGER REFERENCES person(nr) ON DELETE SET NULL);"
    "CREATE TABLE plan(nr INTEGER PRIMARY KEY, day TEXT NOT NULL, place TEXT NOT NULL, UNIQUE(day,place));"
    "CREATE TABLE shift(nr INTEGER PRIMARY KEY, worker TEXT, day TEXT, place TEXT, FOREIGN KEY(day,place) REFERENCES plan(day,place));";

/// What anybody sees: every reference by the name of the row that it means.
const std::string everything =
    "SELECT (SELECT group_concat(line,';') FROM (SELECT p.name||'@'||coalesce(t.name,'-')||'<'||coalesce(b.name,'-') AS line FROM person p LEFT JOIN team t ON t.nr=p.team "
    "LEFT JOIN person b ON b.nr=p.boss ORDER BY 1))||' '||coalesce((SELECT group_concat(line,';') FROM (SELECT s.worker||'@'||l.day||'/'||l.place AS line FROM shift s "
    "JOIN plan l ON l.day=s.day AND l.place=s.place ORDER BY 1)),'')";

std::vector<model_schema> models_in(const std::string& path) {
    auto db = must(sqlite_database::open(path));
    std::vector<model_schema> out;
    for (const char* name : {"team", "person", "plan", "shift"}) out.push_back(must(read_model_schema(db, name, "sync_id")));
    return out;
}

struct company {
    scratch_folder dir;
    std::string office = dir.file("office.db"), van = dir.file("van.db"), bus = dir.file("bus.db");
    std::optional<file_sync::server> server;

    company() {
        for (const auto& path : {office, van, bus}) file_sync::run(path, tables);
        // The same numbers for other rows everywhere.
        file_sync::run(office, "INSERT INTO team VALUES(1,'drivers'); INSERT INTO person VALUES(1,'ann',1,NULL)");
        file_sync::run(van, "INSERT INTO team VALUES(1,'cooks'); INSERT INTO person VALUES(1,'bob',1,NULL),(2,'cid',1,1)");
        file_sync::run(bus, "INSERT INTO plan VALUES(1,'mon','port'),(2,'tue','port'); INSERT INTO shift VALUES(1,'dee','tue','port')");
        schema_set served;
        for (auto& m : models_in(office)) must(served.add(std::move(m)));
        server.emplace(office, served);
    }
    sync_result sync(const std::string& path) {
        auto store = must(sqlite_replica_store::open(path, models_in(path)));
        return file_sync::sync(store, *server, wire_kind::bundle);
    }
    void meet() {
        for (const auto& path : {van, bus, van, bus}) {
            const auto done = sync(path);
            INFO((done.why ? done.why->detail : std::string{}));
            REQUIRE(done.ok());
            REQUIRE(done.failed + done.pull_errors == 0);
        }
    }
};

}  // namespace

TEST_CASE("bundle wire: integer primary keys stay each device's own, references follow their rows, and foreign keys of several columns are carried (8.2.17)", "[wire]") {
    company c;
    c.meet();
    const std::string all = "ann@drivers<-;bob@cooks<-;cid@cooks<bob dee@tue/port";
    for (const auto& path : {c.office, c.van, c.bus}) CHECK(ask(path, everything) == all);
    // Nobody's numbers were changed.
    CHECK(ask(c.office, "SELECT name FROM team WHERE nr=1") == "drivers");
    CHECK(ask(c.van, "SELECT name FROM team WHERE nr=1") == "cooks");
    CHECK(ask(c.van, "SELECT name FROM person WHERE nr=2") == "cid");

    // Edits of references, of both parts of a foreign key, and a delete that takes rows along, by whatever SQL an app runs.
    file_sync::run(c.bus, "UPDATE person SET team=(SELECT nr FROM team WHERE name='drivers'), boss=(SELECT nr FROM person WHERE name='ann') WHERE name='cid';"
                          "UPDATE shift SET day='mon'");
    c.meet();
    for (const auto& path : {c.office, c.van, c.bus}) CHECK(ask(path, everything) == "ann@drivers<-;bob@cooks<-;cid@drivers<ann dee@mon/port");
    file_sync::run(c.van, "PRAGMA foreign_keys=ON; DELETE FROM team WHERE name='cooks'; DELETE FROM person WHERE name='ann'");
    c.meet();
    for (const auto& path : {c.office, c.van, c.bus}) CHECK(ask(path, everything) == "cid@drivers<- dee@mon/port");

    // On the wire stand the records' keys, never the numbers.
    const auto told = c.server->handle(wire_kind::bundle, {http_method::get, "/sync/pull?after_bundle_seq=0", {{"Oversync-Source-ID", "foreign"}}, {}}, {"ann", "main"});
    REQUIRE(told.status == 200);
    CHECK(told.body.find("\"nr\"") == std::string::npos);
    CHECK(told.body.find(R"("team":")" + ask(c.office, "SELECT sync_id FROM team WHERE name='drivers'") + "\"") != std::string::npos);
    CHECK(told.body.find(R"("day":"mon","place":"port")") != std::string::npos);
}

}  // namespace bundle_local_keys_test
