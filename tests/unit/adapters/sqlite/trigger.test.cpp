#include <syncline/adapters/sqlite/trigger.hpp>

#include <syncline/adapters/sqlite/authority_capture.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <string>
#include <vector>

namespace trigger_test {

using namespace file_sync;
using store_contract::fault_of;

namespace {

const std::vector<std::string> one{"t"};

std::string all_of(const std::string& path) { return ask(path, "SELECT group_concat(name||ifnull(sql,'')) FROM (SELECT name,sql FROM sqlite_schema ORDER BY name)"); }

template <class T>
void check_refused(const result<T>& opened, const std::string& what_to_do) {
    REQUIRE_FALSE(opened);
    CAPTURE(opened.error().detail);
    CHECK(opened.error().code == errc::unsupported);
    CHECK(opened.error().detail.find("`t`") != std::string::npos);
    CHECK(opened.error().detail.find(what_to_do) != std::string::npos);
}

}  // namespace

TEST_CASE("sides of a database: a table that is served is no device's, and one of a device is not served; nothing is left behind") {
    for (const char* keys : {"id TEXT PRIMARY KEY", "id INTEGER PRIMARY KEY, tether_id TEXT UNIQUE"}) {
        CAPTURE(keys);
        const scratch_folder dir;
        const std::string path = dir.file("a.db");
        run(path, std::string{"CREATE TABLE t("} + keys + ", a TEXT)");
        {
            const server with{path, one};
            const std::string was = all_of(path);
            check_refused(sqlite_replica_store::open(path, one), "detach_sqlite_authority");
            sqlite_replica_options numbered;
            numbered.sync_key = "tether_id";
            check_refused(sqlite_replica_store::open(path, one, numbered), "detach_sqlite_authority");
            CHECK(all_of(path) == was);
        }
        auto db = must(sqlite_database::open(path));
        must(detach_sqlite_authority(db, true));
        {
            const auto device = must(sqlite_replica_store::open(path, one));
            const std::string was = all_of(path);
            check_refused(sqlite_authority_store::open(path, models_in(path, one)), "sqlite_replica_store::uninstall");
            CHECK(all_of(path) == was);
        }
        must(sqlite_replica_store::uninstall(path));
        CHECK(sqlite_authority_store::open(path, models_in(path, one)));
    }
}

TEST_CASE("sides of a database: a device whose capture was away notices that its table is served now, and so does a server that is running") {
    const scratch_folder dir;
    const std::string path = dir.file("a.db");
    run(path, "CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)");
    must(sqlite_replica_store::open(path, one));
    must(sqlite_replica_store::suspend_capture(path));
    {
        server with{path, one};
        check_refused(sqlite_replica_store::open(path, one), "detach_sqlite_authority");
        auto db = must(sqlite_database::open(path));
        must(detach_sqlite_authority(db, false));
        const auto device = must(sqlite_replica_store::open(path, one));
        check_refused(with.store.begin("main", access::write), "sqlite_replica_store::uninstall");
    }
}

TEST_CASE("sides of a database: a program is a server for some tables of a file and a device for others") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle}) {
        CAPTURE(static_cast<int>(by));
        const scratch_folder dir;
        const std::string gateway = dir.file("gateway.db");
        run(gateway, "CREATE TABLE above(id TEXT PRIMARY KEY, a TEXT); CREATE TABLE below(id TEXT PRIMARY KEY, a TEXT)");
        run(dir.file("top.db"), "CREATE TABLE above(id TEXT PRIMARY KEY, a TEXT); INSERT INTO above VALUES('t','top')");
        run(dir.file("leaf.db"), "CREATE TABLE below(id TEXT PRIMARY KEY, a TEXT); INSERT INTO below VALUES('l','leaf')");
        server top{dir.file("top.db"), std::vector<std::string>{"above"}};
        server middle{gateway, std::vector<std::string>{"below"}};
        auto device = must(sqlite_replica_store::open(gateway, std::vector<std::string>{"above"}));
        run(gateway, "INSERT INTO above VALUES('g','gateway'); INSERT INTO below VALUES('g','gateway')");
        for (int round = 0; round < 2; ++round) {
            CHECK(sync(device, top, by).ok());
            CHECK(sync(dir.file("leaf.db"), {"below"}, middle, by).ok());
        }
        for (const char* file : {"gateway.db", "top.db"}) CHECK(ask(dir.file(file), "SELECT group_concat(a) FROM (SELECT a FROM above ORDER BY a)") == "gateway,top");
        for (const char* file : {"gateway.db", "leaf.db"}) CHECK(ask(dir.file(file), "SELECT group_concat(a) FROM (SELECT a FROM below ORDER BY a)") == "gateway,leaf");
        CHECK(ask(gateway, "SELECT count(*) FROM syncline_authority_stage") == "0");
        CHECK(ask(gateway, "SELECT count(*) FROM syncline_replica_open") == "0");
    }
}

}  // namespace trigger_test
