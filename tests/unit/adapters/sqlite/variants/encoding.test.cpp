// Databases that keep text in UTF-16: octets that are passed to SQLite and come back go through it.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_conformance.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include <sqlite3.h>

#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/authority_contract_tables.hpp"
#include "unit/adapters/sqlite/replica_contract_tables.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace encoding_test {

using namespace file_sync;

namespace {

const std::vector<std::string> tables{"word", "octets", "number"};
const std::string app = "CREATE TABLE word(id TEXT PRIMARY KEY, a TEXT COLLATE NOCASE, b, c JSON, d REAL, slug TEXT UNIQUE);"
                        "CREATE TABLE octets(id BLOB PRIMARY KEY, word TEXT REFERENCES word(id), a BLOB) WITHOUT ROWID;"
                        "CREATE TABLE number(id INTEGER PRIMARY KEY, a TEXT)";
const std::string rows = "INSERT INTO word VALUES('a','Aa',x'00ff0061','{\"\u00e9\":1}',1.5,'s1'),(char(1082,1083),char(128512)||'x',1,'[]',-0.0,'s2'),"
                         "(char(65532),$,'1',NULL,NULL,NULL),($,'a'||char(0)||'b',1.0,NULL,9e99,NULL),(char(128512),char(65533),NULL,NULL,NULL,char(65279,97));"
                         "INSERT INTO octets VALUES(x'000102030405060708090a0b0c0d0eff',$,x'd800'),(x'ff0102030405060708090a0b0c0d0e00',NULL,x'');"
                         "INSERT INTO number VALUES(-5,'5'),(9223372036854775807,'9')";

// A `$` stands for U+FFFF, which SQLite's functions and literals do not bring into a wide text.
void tell(const std::string& path, const std::string& sql) {
    const std::string last = ask(path, "PRAGMA encoding") == "UTF-8" ? "CAST(x'efbfbf' AS TEXT)" : "CAST(x'ffff' AS TEXT)";
    std::string all;
    for (const char c : sql) all.append(c == '$' ? last : std::string(1, c));
    run(path, all);
}

// The same for the same rows, whatever the encoding. Read as they are: SQLite's functions would go through UTF-8.
std::string content(const std::string& path) {
    auto db = must(sqlite_database::open(path));
    std::string out;
    const auto add = [&](std::string_view octets) {  // as a report can hold them
        constexpr std::string_view digit = "0123456789abcdef";
        for (const char c : octets) {
            const auto octet = static_cast<unsigned char>(c);
            if (octet >= 0x20 && octet < 0x7f) out.push_back(c);
            else out.append({'\\', digit[octet >> 4], digit[octet & 0xfU]});
        }
    };
    for (const char* sql : {"SELECT id,a,typeof(b),b,c,d,slug FROM word ORDER BY unicode(id),length(a)", "SELECT id,word,a FROM octets ORDER BY id", "SELECT id,a FROM number ORDER BY id"}) {
        auto s = must(db.prepare(sql));
        while (must(s.step())) {
            for (int i = 0; i < sqlite3_column_count(s.handle()); ++i) {
                out.append(std::to_string(s.column_type(i))).append("<");
                add(s.column_type(i) == SQLITE_BLOB ? s.column_blob(i) : s.column_text(i));
                out.append(">");
            }
            out.append("\n");
        }
    }
    return out;
}

}  // namespace

TEST_CASE("UTF-16 databases: a device's store keeps its contract, also where rows have numbers of their own, and with a trash") {
    testing::report r;
    if (!test_support::is_slow()) testing::check_replica_store(r, [] { return replica_fixture::contract_tables<false, false, true>{}; });
    testing::check_replica_store(r, [] { return replica_fixture::contract_tables<true, true, true>{}; });
    store_contract::passed(r);
}

TEST_CASE("UTF-16 databases: an authority's store keeps its contract, also where rows have numbers of their own, and with a trash") {
    testing::report r;
    if (!test_support::is_slow()) testing::check_authority_store(r, [] { return authority_fixture::contract_tables<false, false, true>{}; });
    testing::check_authority_store(r, [] { return authority_fixture::contract_tables<true, true, true>{}; });
    store_contract::passed(r);
}

TEST_CASE("UTF-16 databases: devices and a server of any encoding end alike, whatever SQL writes them") {
    const std::array<const char*, 3> encodings{"UTF-16le", "UTF-16be", "UTF-8"};
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (std::size_t turn = 0; turn < encodings.size(); ++turn) {
            CAPTURE(static_cast<int>(by), encodings[turn]);
            const scratch_folder dir;
            const auto path = [&](std::size_t i) { return dir.file(std::to_string(i) + ".db"); };
            for (std::size_t i = 0; i < 3; ++i) {
                run(path(i), std::string{"PRAGMA encoding='"} + encodings[(turn + i) % 3] + "';" + app);
                if (i == turn) tell(path(i), rows);
            }
            server with{path(0), tables};
            const auto meet = [&] {
                for (const std::size_t i : {1U, 2U, 1U}) {
                    const auto done = sync(path(i), tables, with, by);
                    CAPTURE(i, done.why ? done.why->detail : std::string{});
                    CHECK(done.ok());
                    CHECK(done.failed + done.pull_errors == 0);
                }
                for (std::size_t i = 1; i < 3; ++i) CHECK(content(path(i)) == content(path(0)));
                CHECK(ask(path(0), "SELECT count(*) FROM word") == "5");
            };
            meet();
            tell(path(1), "UPDATE word SET a='aA', b=x'31' WHERE id='a'; UPDATE word SET a='!'||$ WHERE id=$; UPDATE number SET id=7 WHERE id=-5;"
                         "REPLACE INTO octets VALUES(x'ff0102030405060708090a0b0c0d0e00',char(65532),x'00')");
            tell(path(2), "UPDATE word SET d=0.5, b=1.0 WHERE id=char(1082,1083); UPDATE word SET slug=char(65279) WHERE id='a'");
            tell(path(0), "UPDATE word SET c='{}' WHERE id=$; UPDATE octets SET a=x'61' WHERE word=$");
            meet();
            // What no trigger saw is found by the digests.
            tell(path(1), "CREATE TABLE n(id TEXT PRIMARY KEY, a TEXT COLLATE NOCASE, b, c JSON, d REAL, slug TEXT UNIQUE); INSERT INTO n SELECT * FROM word; DROP TABLE word;"
                         "UPDATE n SET b=2 WHERE id=$; ALTER TABLE n RENAME TO word");
            CHECK(sync(path(1), tables, with, by).pushed == 1);
            meet();
            CHECK(ask(path(0), "SELECT count(*) FROM word WHERE b=2 AND unicode(id)=65533") == "1");
        }
}

TEST_CASE("UTF-16 databases: text that is not well-formed is refused by name where it could not be kept, and is no key") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle}) {
        CAPTURE(static_cast<int>(by));
        const scratch_folder dir;
        const std::string t = "CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)";
        run(dir.file("server.db"), "PRAGMA encoding='UTF-16be';" + t);
        run(dir.file("wide.db"), "PRAGMA encoding='UTF-16le';" + t + ";INSERT INTO t VALUES('a'||CAST(x'00d8' AS TEXT),'k'),('v',CAST(x'00d8' AS TEXT)),('good','g')");
        run(dir.file("narrow.db"), t + ";INSERT INTO t VALUES(CAST(x'ff' AS TEXT),'k'),('w',CAST(x'ff' AS TEXT)),('fine','f')");
        server with{dir.file("server.db"), std::vector<std::string>{"t"}};
        for (const char* device : {"wide.db", "narrow.db"}) {
            auto store = must(sqlite_replica_store::open(dir.file(device), std::vector<std::string>{"t"}));
            const auto done = sync(store, with, by);
            CHECK(done.pushed == 1);
            REQUIRE(done.rejections.size() == 1);
            CHECK(done.rejections[0].why.code == errc::unsupported);
            CHECK(done.rejections[0].why.detail.find("`a`") != std::string::npos);
            CHECK(must(store.unsyncable(10)).rows.at(0).why == "the key is not UTF-8");
        }
        CHECK(ask(dir.file("server.db"), "SELECT group_concat(id||a) FROM (SELECT * FROM t ORDER BY id)") == "finef,goodg");
    }
}

}  // namespace encoding_test
