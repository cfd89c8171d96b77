// What `sqlite3_blob_write` does, which changes a row's octets in place: no trigger runs for it.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>

#include <sqlite3.h>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <optional>
#include <string>
#include <vector>

namespace blob_write_test {

using namespace file_sync;

namespace {

const std::vector<std::string> tables{"t"};
const std::string app = "CREATE TABLE t(id TEXT PRIMARY KEY, a BLOB, b TEXT)";

// Runs @p sql and writes `ff` into the first octet of a row's column a, in one transaction.
void write_in_place(const std::string& path, const std::string& sql, const std::string& id) {
    auto db = must(sqlite_database::open(path));
    must(db.execute("BEGIN IMMEDIATE;" + sql));
    sqlite3_blob* blob = nullptr;
    REQUIRE(sqlite3_blob_open(db.handle(), "main", "t", "a", must(db.query_integer("SELECT rowid FROM t WHERE id='" + id + "'")), 1, &blob) == SQLITE_OK);
    REQUIRE(sqlite3_blob_write(blob, "\xff", 1, 0) == SQLITE_OK);
    REQUIRE(sqlite3_blob_close(blob) == SQLITE_OK);
    must(db.execute("COMMIT"));
}

struct office {
    explicit office(wire_kind wire) : by(wire) {
        for (const auto& path : {on_server, device, other}) run(path, app);
        run(on_server, "INSERT INTO t VALUES('x',x'0000','1')");
        with.emplace(on_server, tables);
        meet();
    }
    void meet() {
        for (const auto& path : {device, other, device}) {
            const auto done = sync(path, tables, *with, by);
            CHECK(done.ok());
            CHECK(done.failed + done.conflicts + done.pull_errors == 0);
        }
    }
    std::string row(const std::string& path, const std::string& id = "x") { return ask(path, "SELECT hex(a)||b FROM t WHERE id='" + id + "'"); }
    std::string rows() { return row(on_server) + " " + row(device) + " " + row(other); }

    wire_kind by;
    scratch_folder dir;
    std::string on_server = dir.file("server.db"), device = dir.file("device.db"), other = dir.file("other.db");
    std::optional<server> with;
};

}  // namespace

TEST_CASE("blob writes: octets that are written into what the same transaction inserted or set are synced") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle}) {
        CAPTURE(static_cast<int>(by));
        office o{by};
        write_in_place(o.device, "INSERT INTO t VALUES('n',zeroblob(2),'new')", "n");
        write_in_place(o.device, "UPDATE t SET a=zeroblob(3) WHERE id='x'", "x");
        o.meet();
        CHECK(o.rows() == "FF00001 FF00001 FF00001");
        for (const auto& path : {o.on_server, o.other}) CHECK(o.row(path, "n") == "FF00new");
        write_in_place(o.on_server, "UPDATE t SET a=zeroblob(1) WHERE id='x'", "x");
        o.meet();
        CHECK(o.rows() == "FF1 FF1 FF1");
    }
}

TEST_CASE("blob writes: by themselves they are not seen on a device, stay until the row comes from the server or goes there whole, and break nothing") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle}) {
        CAPTURE(static_cast<int>(by));
        office o{by};
        write_in_place(o.device, "", "x");
        o.meet();
        CHECK(o.rows() == "00001 FF001 00001");
        // The mutation wire sends what the statement changed, the bundle wire the row.
        const std::string sent = by == wire_kind::mutation ? "0000" : "FF00";
        run(o.device, "UPDATE t SET b='2'");
        o.meet();
        CHECK(o.row(o.on_server) == sent + "2");
        CHECK(o.row(o.other) == sent + "2");
        run(o.other, "UPDATE t SET b='3'");
        o.meet();
        CHECK(o.rows() == sent + "3 " + sent + "3 " + sent + "3");
        // The digests tell, where the store has a reason to compare: a table that was made anew.
        write_in_place(o.device, "", "x");
        run(o.device, "CREATE TABLE n(id TEXT PRIMARY KEY, a BLOB, b TEXT); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t");
        o.meet();
        CHECK(o.rows() == "FF003 FF003 FF003");
        CHECK(ask(o.device, "PRAGMA integrity_check") == "ok");
    }
}

TEST_CASE("blob writes: by themselves they are not seen on a server until the row is touched, and then reach everybody, unless a whole row replaced them") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool by_device : {false, true}) {
            CAPTURE(static_cast<int>(by), by_device);
            office o{by};
            write_in_place(o.on_server, "", "x");
            o.meet();
            CHECK(o.rows() == "FF001 00001 00001");
            run(by_device ? o.device : o.on_server, by_device ? "UPDATE t SET b='2'" : "UPDATE t SET a=a");
            o.meet();
            const bool replaced = by_device && by == wire_kind::bundle;
            CHECK(o.rows() == (replaced ? "00002 00002 00002" : by_device ? "FF002 FF002 FF002" : "FF001 FF001 FF001"));
        }
}

}  // namespace blob_write_test
