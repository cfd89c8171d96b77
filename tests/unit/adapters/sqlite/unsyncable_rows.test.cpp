#include <syncline/adapters/sqlite/unsyncable_rows.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace unsyncable_rows_test {

using namespace file_sync;

namespace {

// What tables that are older than any thought of sync have in their keys, beside good rows.
const std::string legacy = "CREATE TABLE name(id TEXT PRIMARY KEY, note TEXT);"
                           "CREATE TABLE number(id INT NOT NULL UNIQUE, note TEXT);"
                           "CREATE TABLE octets(id BLOB PRIMARY KEY, note TEXT) WITHOUT ROWID;";
const std::string bad_rows = "INSERT INTO name(rowid,id,note) VALUES(11,NULL,'n'),(12,NULL,'n'),(13,'','n'),(14,x'00','n'),(15,'a'||char(0)||'b','n'),"
                             "(16,CAST(x'61ff' AS TEXT),'n'),(17,printf('%.*c',256,'k'),'n');"
                             "INSERT INTO number(rowid,id,note) VALUES(21,'seven','n'),(22,x'07','n'),(23,7.5,'n');"
                             "INSERT INTO octets VALUES('text','n'),(5,'n'),(x'0102','n');";
const std::string good_rows = "INSERT INTO name(rowid,id,note) VALUES(1,'it''s','y'),(2,printf('%.*c',255,'k'),'y'); INSERT INTO number(rowid,id,note) VALUES(1,-7,'y');"
                              "INSERT INTO octets VALUES(x'000102030405060708090a0b0c0d0e0f','y');";
const std::vector<std::string> tables{"name", "number", "octets"};

std::vector<unsyncable_row> told() {
    return {{"name", 11, "NULL", "the key is NULL"},
            {"name", 12, "NULL", "the key is NULL"},
            {"name", 13, "''", "the key is empty"},
            {"name", 15, "CAST(x'610062' AS TEXT)", "the key contains a NUL"},
            {"name", 16, "CAST(x'61ff' AS TEXT)", "the key is not UTF-8"},
            {"name", 17, "'" + std::string(64, 'k') + "...", "the key is longer than 255 octets"},
            {"name", 14, "x'00'", "the key is a blob of 1 octets, and not text"},
            {"number", 23, "7.5", "the key is a real number, and not an integer"},
            {"number", 21, "'seven'", "the key is text, and not an integer"},
            {"number", 22, "x'07'", "the key is a blob of 1 octets, and not an integer"},
            {"octets", std::nullopt, "5", "the key is an integer, and not a blob of 16 octets"},
            {"octets", std::nullopt, "'text'", "the key is text, and not a blob of 16 octets"},
            {"octets", std::nullopt, "x'0102'", "the key is a blob of 2 octets, and not a blob of 16 octets"}};
}

std::string dump(const std::string& path) {
    std::string out;
    for (const auto& table : tables) out += ask(path, "SELECT group_concat(quote(id)||quote(note)||';') FROM (SELECT * FROM " + table + " ORDER BY id,note)") + "\n";
    return out;
}

template <class Store>
void check_told(Store& store) {
    const auto all = must(store.unsyncable(100));
    CHECK(all.count == told().size());
    REQUIRE(all.rows.size() == told().size());
    for (std::size_t i = 0; i < all.rows.size(); ++i) {
        CAPTURE(i, all.rows[i].key, all.rows[i].why);
        CHECK(all.rows[i] == told()[i]);
    }
    const auto some = must(store.unsyncable(2));
    CHECK(some.count == told().size());
    CHECK(some.rows.size() == 2);
}

}  // namespace

TEST_CASE("unsyncable rows: a device passes over rows whose key can name no record, says which and why, and syncs the others") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool before : {true, false}) {  // they were there, or come by the app's SQL
            CAPTURE(static_cast<int>(by), before);
            const scratch_folder dir;
            const std::string path = dir.file("device.db");
            run(path, legacy + (before ? bad_rows + good_rows : ""));
            run(dir.file("server.db"), legacy);
            server with{dir.file("server.db"), tables};
            {
                auto device = must(sqlite_replica_store::open(path, tables));
                if (!before) run(path, bad_rows + good_rows);
                const std::string was = dump(path);
                const auto done = sync(device, with, by);
                CHECK(done.ok());
                CHECK(done.pushed == 4);
                CHECK(done.failed + done.conflicts + done.pull_errors == 0);
                CHECK(dump(path) == was);
                check_told(device);
                // What is done to them is not noticed either, and disturbs nothing.
                run(path, "UPDATE name SET note='m' WHERE rowid>10; UPDATE name SET note='z' WHERE id='it''s'; DELETE FROM number WHERE rowid=22; UPDATE octets SET note='m'");
                CHECK(sync(device, with, by).pushed == 2);
                // A row that gets a key is a record from then on, and one that loses it is erased.
                run(path, "UPDATE name SET id='found' WHERE rowid=13; UPDATE name SET id='' WHERE rowid=1; UPDATE number SET id=8 WHERE rowid=21");
                CHECK(sync(device, with, by).ok());
                CHECK(must(device.unsyncable(0)).count == told().size() - 2);
            }
            CHECK(ask(dir.file("server.db"), "SELECT group_concat(id||note) FROM (SELECT * FROM name ORDER BY id)") == "foundm," + std::string(255, 'k') + "y");
            CHECK(ask(dir.file("server.db"), "SELECT group_concat(id||note) FROM (SELECT * FROM number ORDER BY id)") == "-7y,8n");
            CHECK(ask(dir.file("server.db"), "SELECT note FROM octets") == "m");
            // Neither does a table that was made anew.
            run(path, "CREATE TABLE n(id TEXT PRIMARY KEY, note TEXT); INSERT INTO n SELECT * FROM name; DROP TABLE name; ALTER TABLE n RENAME TO name");
            const auto again = sync(path, tables, with, by);
            CHECK(again.ok());
            CHECK(again.pushed == 0);
        }
}

TEST_CASE("unsyncable rows: a server passes over them, says which and why, and serves the others") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool before : {true, false}) {
            CAPTURE(static_cast<int>(by), before);
            const scratch_folder dir;
            const std::string path = dir.file("server.db");
            run(path, legacy + (before ? bad_rows + good_rows : ""));
            run(dir.file("device.db"), legacy);
            server with{path, tables};
            if (!before) run(path, bad_rows + good_rows);
            const std::string was = dump(path);
            const auto done = sync(dir.file("device.db"), tables, with, by);
            CHECK(done.ok());
            CHECK(done.pull_errors == 0);
            CHECK(dump(path) == was);
            check_told(with.store);
            for (const auto& table : tables)
                CHECK(ask(dir.file("device.db"), "SELECT group_concat(quote(id)) FROM (SELECT * FROM " + table + " ORDER BY id)") ==
                      ask(path, "SELECT group_concat(quote(id)) FROM (SELECT * FROM " + table + " WHERE note='y' ORDER BY id)"));
            run(path, "UPDATE name SET id='found' WHERE rowid=13; UPDATE name SET id='' WHERE rowid=1");
            CHECK(sync(dir.file("device.db"), tables, with, by).ok());
            CHECK(ask(dir.file("device.db"), "SELECT group_concat(id) FROM (SELECT id FROM name ORDER BY id)") == "found," + std::string(255, 'k'));
        }
}

TEST_CASE("unsyncable rows: a row in the trash is none") {
    const scratch_folder dir;
    run(dir.file("a.db"), "CREATE TABLE t(id TEXT PRIMARY KEY, note TEXT, gone DATETIME); INSERT INTO t VALUES(NULL,'a',NULL),('','b','x')");
    sqlite_replica_options options;
    options.times.deleted_at = "gone";
    auto store = must(sqlite_replica_store::open(dir.file("a.db"), std::vector<std::string>{"t"}, options));
    const auto all = must(store.unsyncable(10));
    CHECK(all.count == 1);
    CHECK(all.rows.at(0).key == "NULL");
}

}  // namespace unsyncable_rows_test
