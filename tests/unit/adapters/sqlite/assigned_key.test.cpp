#include <syncline/adapters/sqlite/assigned_key.hpp>

#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/support/ulid.hpp>

#include "support/catch.hpp"
#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

// Sync keys that the store assigns beside an app's own primary key (wire/mutation.md W21, W26).

namespace assigned_key_test {

namespace {

using namespace syncline;
using namespace replica_fixture;

std::vector<std::string> column(sqlite_database& db, const std::string& sql) {
    auto s = must(db.prepare(sql));
    std::vector<std::string> out;
    while (must(s.step())) out.emplace_back(s.column_text(0));
    return out;
}

intent must_have(std::optional<intent> what) {
    REQUIRE(what);
    return std::move(*what);
}

bool all_ulids(const std::vector<std::string>& keys) {
    for (const auto& k : keys)
        if (k.size() != 26 || k[0] < '0' || k[0] > '7' || k.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") != std::string::npos || !parse_ulid(k)) return false;
    return true;
}

}  // namespace

TEST_CASE("assigned keys: 10,000 rows of one statement get as many valid ULIDs, of this time") {
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"};
    d.open(with_tether_id(d, {"t"}));
    d.sql("INSERT INTO t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10000) SELECT i FROM n");
    const auto keys = column(d.app, "SELECT tether_id FROM t");
    REQUIRE(keys.size() == 10000);
    CHECK(all_ulids(keys));
    CHECK(std::set<std::string>(keys.begin(), keys.end()).size() == 10000);
    // The same time as SQLite's own clock says, whatever that is.
    const auto ms = must(d.app.query_integer("SELECT CAST((julianday('now')-2440587.5)*86400000 AS INTEGER)"));
    const auto then = parse_ulid(keys.front())->milliseconds();
    CHECK(ms - static_cast<std::int64_t>(then) < 600'000);
    CHECK(static_cast<std::int64_t>(then) <= ms);
    CHECK(d.absorb() == 10000);
}

TEST_CASE("W21: rows that were there before get their sync keys on attach, in one transaction") {
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) SELECT i FROM n;"
             "CREATE TABLE touched(n); CREATE TRIGGER app_touch AFTER UPDATE ON t BEGIN INSERT INTO touched VALUES(NEW.id); END"};
    SECTION("the column is added, filled and unique; the app's triggers do not run for it") {
        d.open(with_tether_id(d, {"t"}));
        const auto keys = column(d.app, "SELECT tether_id FROM t");
        REQUIRE(keys.size() == 500);
        CHECK(all_ulids(keys));
        CHECK(std::set<std::string>(keys.begin(), keys.end()).size() == 500);
        CHECK(d.ask("SELECT count(*) FROM touched") == "0");
        CHECK_FALSE(d.app.execute("INSERT INTO t(v,tether_id) SELECT 1,tether_id FROM t WHERE id=1").has_value());
        const auto waiting = [&] { return must(must(d.store().begin()).counts()).open; };
        CHECK(waiting() == 500);  // they count as the app's creations
        d.close();
        d.open(with_tether_id(d, {"t"}));
        CHECK(column(d.app, "SELECT tether_id FROM t") == keys);
        CHECK(waiting() == 500);
    }
    SECTION("a column that is there keeps what it holds, and an empty text is no key") {
        d.sql("ALTER TABLE t ADD COLUMN tether_id char(26); UPDATE t SET tether_id='' WHERE id<10; UPDATE t SET tether_id='kept' WHERE id=20");
        d.open(with_tether_id(d, {"t"}));
        CHECK(d.ask("SELECT tether_id FROM t WHERE id=20") == "kept");
        CHECK(d.ask("SELECT count(DISTINCT tether_id) FROM t WHERE length(tether_id)=26") == "499");
    }
    SECTION("an attach that fails leaves the table as it was") {
        d.sql("ALTER TABLE t ADD COLUMN tether_id TEXT; UPDATE t SET tether_id='twice' WHERE id IN(1,2)");
        const auto opened = sqlite_replica_store::open(d.dir.file(), with_tether_id(d, {"t"}), quick());
        REQUIRE(store_contract::fault_of(opened) == errc::unsupported);
        CHECK(opened.error().detail.find("two rows have one key in `tether_id`") != std::string::npos);
        CHECK(d.ask("SELECT count(*) FROM t WHERE tether_id IS NULL") == "498");
        CHECK(d.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == "0");
    }
}

TEST_CASE("W21: whatever SQL of whatever program inserts a row, it has its sync key in the same transaction") {
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE, v)"};
    d.open(with_tether_id(d, {"t"}));
    const auto key = [&](const std::string& where) { return d.ask("SELECT tether_id FROM t WHERE " + where); };
    auto other = connect(d.dir.file());  // another program
    for (const char* recursive : {"0", "1"}) {
        CAPTURE(recursive);
        must(other.execute(std::string{"PRAGMA recursive_triggers="} + recursive));
        must(other.execute("DELETE FROM t"));
        d.absorb();

        must(other.execute("BEGIN; INSERT INTO t(v) VALUES(1),(2)"));
        CHECK(must(other.query_integer("SELECT count(DISTINCT tether_id) FROM t WHERE length(tether_id)=26")) == 2);
        must(other.execute("ROLLBACK"));
        CHECK(d.absorb() == 0);

        must(other.execute("INSERT INTO t(id,code,v) VALUES(5,'a',1); INSERT INTO t(id,tether_id,v) VALUES(6,'mine',1); INSERT INTO t(id,tether_id) VALUES(7,'')"));
        CHECK(key("id=6") == "mine");
        CHECK(key("id=7").size() == 26);
        const std::string five = key("id=5");
        CHECK(five.size() == 26);
        CHECK(d.absorb() == 3);

        // A row that replaces the one under its primary key is the same record.
        must(other.execute("REPLACE INTO t(id,code,v) VALUES(5,'a',2)"));
        CHECK(key("id=5") == five);
        CHECK(d.absorb() == 1);
        CHECK(d.row({0, five}) == record{{value::text("a"), value::integer(2)}});
        CHECK(must_have(d.open_intent({0, five})).op == operation::create);

        // One that replaces it by another unique column is another.
        must(other.execute("REPLACE INTO t(id,code,v) VALUES(9,'a',3)"));
        CHECK(key("id=9") != five);
        CHECK(key("id=5").empty());
        CHECK(d.absorb() == 2);
        CHECK_FALSE(d.row({0, five}));

        const std::string nine = key("id=9");
        must(other.execute("INSERT OR IGNORE INTO t(id,v) VALUES(9,4); INSERT OR IGNORE INTO t(code,v) VALUES('a',4)"));
        CHECK(d.absorb() == 0);
        must(other.execute("INSERT INTO t(id,v) VALUES(9,4) ON CONFLICT(id) DO UPDATE SET v=excluded.v"));
        CHECK(key("id=9") == nine);
        CHECK(d.absorb() == 1);

        // The primary key is the app's own affair.
        must(other.execute("UPDATE t SET id=100 WHERE id=9"));
        CHECK(key("id=100") == nine);
        CHECK(d.absorb() == 0);
        must(other.execute("INSERT INTO t(id,v) VALUES(9,5)"));
        CHECK(key("id=9") != nine);
        CHECK(d.absorb() == 1);
    }
}

TEST_CASE("assigned keys: a sync key that a row has cannot be changed; a missing one may be given") {
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"};
    d.open(with_tether_id(d, {"t"}));
    d.sql("INSERT INTO t(id,tether_id) VALUES(1,'one'),(2,'two')");
    for (const char* sql : {"UPDATE t SET tether_id='other' WHERE id=1", "UPDATE t SET tether_id=NULL WHERE id=1", "UPDATE t SET tether_id='' WHERE id=1",
                            "UPDATE OR IGNORE t SET tether_id='other'", "INSERT INTO t(id,tether_id) VALUES(1,'other') ON CONFLICT(id) DO UPDATE SET tether_id=excluded.tether_id"}) {
        CAPTURE(sql);
        const auto done = d.app.execute(sql);
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().detail.find("the sync key") != std::string::npos);
    }
    d.sql("UPDATE t SET tether_id=tether_id, v=7 WHERE id=1");
    CHECK(d.ask("SELECT group_concat(tether_id) FROM t") == "one,two");
    // REPLACE with another key takes the record away and brings another.
    d.absorb();
    d.sql("REPLACE INTO t(id,tether_id,v) VALUES(1,'other',8)");
    CHECK(d.absorb() == 2);
    CHECK_FALSE(d.row({0, "one"}));
    CHECK(d.row({0, "other"}) == record{{value::integer(8)}});
}

TEST_CASE("assigned keys: triggers of the app that insert, update and delete in the same table leave no row without a key") {
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"};
    d.open(with_tether_id(d, {"t"}));
    // Made after ours, so it runs first; with recursive triggers off ours is not called again inside itself.
    d.sql("CREATE TRIGGER app_more AFTER INSERT ON t WHEN NEW.v<5 BEGIN INSERT INTO t(v) VALUES(NEW.v+1); UPDATE t SET v=v+10 WHERE id=NEW.id; END;"
          "CREATE TRIGGER app_named AFTER UPDATE OF tether_id ON t WHEN NEW.v=20 BEGIN INSERT INTO t(v) VALUES(30); END;"
          "CREATE TRIGGER app_gone AFTER INSERT ON t WHEN NEW.v=40 BEGIN DELETE FROM t WHERE id=NEW.id; END");
    d.sql("INSERT INTO t(v) VALUES(1); INSERT INTO t(v) VALUES(20); INSERT INTO t(v) VALUES(40)");
    const auto rows = must(d.app.query_integer("SELECT count(*) FROM t"));
    CHECK(d.absorb() == static_cast<std::size_t>(rows));
    CHECK(d.ask("SELECT count(DISTINCT tether_id) FROM t WHERE length(tether_id)=26") == std::to_string(rows));
    CHECK(d.absorb() == 0);
}

TEST_CASE("assigned keys: tables of every shape") {
    struct shape {
        const char* table;
        const char* insert;
    };
    for (const auto& s : {shape{"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)", "INSERT INTO t(v) VALUES(1)"},
                          shape{"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(8)))), v)", "INSERT INTO t(v) VALUES(1)"},
                          shape{"CREATE TABLE t(id BLOB PRIMARY KEY NOT NULL DEFAULT (randomblob(16)), v) WITHOUT ROWID", "INSERT INTO t(v) VALUES(1)"},
                          shape{"CREATE TABLE t(a INTEGER, b TEXT, v, PRIMARY KEY(a,b))", "INSERT INTO t(a,b,v) VALUES(1,'x',1)"},
                          shape{"CREATE TABLE t(a INTEGER, b TEXT, v, PRIMARY KEY(a,b)) WITHOUT ROWID", "INSERT INTO t(a,b,v) VALUES(1,'x',1)"},
                          shape{"CREATE TABLE t(v, rowid TEXT)", "INSERT INTO t(v) VALUES(1)"}, shape{"CREATE TABLE t(id INTEGER PRIMARY KEY, v INT) STRICT", "INSERT INTO t(v) VALUES(1)"}}) {
        CAPTURE(s.table);
        device d{s.table};
        d.open(with_tether_id(d, {"t"}));
        d.sql(s.insert);
        CHECK(d.absorb() == 1);
        CHECK(all_ulids(column(d.app, "SELECT tether_id FROM t")));
        // What comes from elsewhere finds its place beside it.
        auto t = must(d.store().begin());
        const auto& model = d.store().schemas()[0];
        record row;
        for (const auto& f : model.fields) row.fields.push_back(f.name == "b" || f.name == "rowid" ? value::text("y") : value::integer(2));
        must(t.write({0, "far"}, row));
        CHECK(must(t.visible({0, "far"})) == row);
        must(t.write({0, "far"}, row));
        must(t.commit());
        CHECK(d.ask("SELECT count(*) FROM t") == "2");
        CHECK(d.absorb() == 0);
    }
}

TEST_CASE("assigned keys: what cannot work is refused by name, and nothing is left behind") {
    struct refusal {
        const char* sql;
        const char* names;
    };
    for (const auto& r : {refusal{"CREATE TABLE t(id TEXT PRIMARY KEY, v)", "primary key `id` has no default"},
                          refusal{"CREATE TABLE t(id BLOB PRIMARY KEY NOT NULL, v) WITHOUT ROWID", "primary key `id` has no default"},
                          refusal{"CREATE TABLE t(id INTEGER PRIMARY KEY, tether_id INTEGER)", "declare it TEXT"},
                          refusal{"CREATE TABLE t(id INTEGER PRIMARY KEY, tether_id TEXT COLLATE NOCASE UNIQUE)", "NOCASE"}}) {
        CAPTURE(r.sql);
        device d{r.sql};
        const auto opened = sqlite_replica_store::open(d.dir.file(), with_tether_id(d, {"t"}), quick());
        REQUIRE(store_contract::fault_of(opened) == errc::unsupported);
        INFO(opened.error().detail);
        CHECK(opened.error().detail.find(r.names) != std::string::npos);
        CHECK(d.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%' OR sql LIKE '%tether_id_unique%'") == "0");
    }
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"};
    auto model = with_tether_id(d, {"t"}).front();
    model.fields.push_back({"id", value_kind::integer, false, nullptr});
    const auto opened = sqlite_replica_store::open(d.dir.file(), std::vector<model_schema>{model}, quick());
    REQUIRE(store_contract::fault_of(opened) == errc::schema_mismatch);
    CHECK(opened.error().detail.find("`id` is the table's own primary key") != std::string::npos);
}

TEST_CASE("assigned keys: detaching leaves the app's table as it is, the column and its index included") {
    device d{"CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t(v) VALUES(1)"};
    d.open(with_tether_id(d, {"t"}));
    const auto keys = column(d.app, "SELECT tether_id FROM t");
    d.close();
    must(sqlite_replica_store::uninstall(d.dir.file()));
    CHECK(d.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == "0");
    CHECK(column(d.app, "SELECT tether_id FROM t") == keys);
    CHECK(d.ask("SELECT count(*) FROM sqlite_schema WHERE type='index' AND name='t_tether_id_unique'") == "1");
    d.sql("INSERT INTO t(v) VALUES(2)");
    CHECK(d.ask("SELECT tether_id FROM t WHERE v=2").empty());
    d.open(with_tether_id(d, {"t"}));
    CHECK(d.ask("SELECT length(tether_id) FROM t WHERE v=2") == "26");
    CHECK(d.ask("SELECT tether_id FROM t WHERE v=1") == keys.front());
}

TEST_CASE("W26: every model names its own sync key, the primary key or a column of any name, and each is used both ways") {
    device d{"CREATE TABLE a(id INTEGER PRIMARY KEY, v); CREATE TABLE b(id TEXT PRIMARY KEY NOT NULL, v); CREATE TABLE c(id INTEGER PRIMARY KEY, v)"};
    const std::vector<model_schema> models{must(read_model_schema(d.app, "a", "sync_id")), must(read_model_schema(d.app, "b")), must(read_model_schema(d.app, "c", "tether_id"))};
    CHECK(models[0].key_name == "sync_id");
    CHECK(models[1].key_name == "id");
    CHECK_FALSE(models[1].key_assigned);
    d.open(models);
    d.sql("INSERT INTO a(v) VALUES(1); INSERT INTO b VALUES('k',1); INSERT INTO c(v) VALUES(1)");
    CHECK(d.absorb() == 3);
    CHECK(must_have(d.open_intent({0, d.ask("SELECT sync_id FROM a")})).op == operation::create);
    CHECK(must_have(d.open_intent({1, "k"})).op == operation::create);
    CHECK(must_have(d.open_intent({2, d.ask("SELECT tether_id FROM c")})).op == operation::create);
    d.take({{{0, "x"}, 1, record{{value::integer(7)}}, {}}, {{1, "x"}, 1, record{{value::integer(8)}}, {}}, {{2, "x"}, 1, record{{value::integer(9)}}, {}}});
    CHECK(d.ask("SELECT v FROM a WHERE sync_id='x'") == "7");
    CHECK(d.ask("SELECT v FROM b WHERE id='x'") == "8");
    CHECK(d.ask("SELECT v FROM c WHERE tether_id='x'") == "9");
    CHECK(must(read_model_schema(d.app, "b", "id")).key_assigned == false);
}

namespace {
struct note {
    std::string tether_id;
    std::string text;
    struct syncline_model {
        static constexpr std::string_view name() { return "note"; }
        static constexpr auto key() { return assigned_key<"tether_id", &note::tether_id>(); }
        static constexpr auto fields() { return std::tuple{field<"text", &note::text>()}; }
    };
};
static_assert(check_model<note>());
}  // namespace

TEST_CASE("W26: a struct names its sync key beside the table's primary key") {
    device d{"CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)"};
    const auto models = must(schemas_of<note>());
    CHECK(models[0].key_assigned);
    d.open(std::vector<model_schema>{models[0]});
    d.sql("INSERT INTO note(text) VALUES('a')");
    CHECK(d.absorb() == 1);
    const auto key = d.ask("SELECT tether_id FROM note");
    const auto x = must(from_record<note>(key, *d.row({0, key})));
    CHECK(x.tether_id == key);
    CHECK(x.text == "a");
}

}  // namespace assigned_key_test
