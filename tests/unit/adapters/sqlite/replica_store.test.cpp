#include <syncline/adapters/sqlite/replica_store.hpp>

#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/replica_contract_tables.hpp"
#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace replica_store_test {

namespace {

using namespace syncline;
using namespace store_contract;
using namespace replica_fixture;

}  // namespace

static_assert(leasing_store<sqlite_replica_store>);

TEST_CASE("sqlite_replica_store: keeps the replica store's contract") {
    testing::report r;
    testing::check_replica_store(r, [] { return contract_tables<false, false>{}; });
    store_contract::passed(r);
}

TEST_CASE("sqlite_replica_store: what cannot be synced is refused by name, and nothing is left behind") {
    struct refusal {
        const char* sql;
        const char* names;
        errc code;
    };
    const refusal refusals[] = {
        {"CREATE TABLE other(id TEXT PRIMARY KEY)", "no table `t`", errc::unsupported},
        {"CREATE VIEW t AS SELECT 1 AS id", "view", errc::unsupported},
        {"CREATE TABLE t(id TEXT, v)", "PRIMARY KEY", errc::unsupported},
        {"CREATE TABLE t(id TEXT UNIQUE, v)", "UNIQUE NOT NULL", errc::unsupported},
        {"CREATE TABLE t(a TEXT, b TEXT, v, PRIMARY KEY(a,b))", "composite", errc::unsupported},
        {"CREATE TABLE t(id REAL PRIMARY KEY, v)", "`id` is declared `REAL`", errc::unsupported},
        {"CREATE TABLE t(id PRIMARY KEY, v)", "`id` is declared ``", errc::unsupported},
        {"CREATE TABLE t(id TEXT PRIMARY KEY COLLATE NOCASE, v)", "NOCASE", errc::unsupported},
        {"CREATE TABLE t(id TEXT NOT NULL, v); CREATE UNIQUE INDEX folded ON t(id COLLATE NOCASE)", "UNIQUE NOT NULL", errc::unsupported},
        {"CREATE TABLE t(id TEXT PRIMARY KEY, v); CREATE UNIQUE INDEX some ON t(v) WHERE v>1", "`some` is partial", errc::unsupported},
        {"CREATE TABLE t(id TEXT PRIMARY KEY, v); CREATE UNIQUE INDEX some ON t(lower(v))", "`some` is on an expression", errc::unsupported},
    };
    for (const auto& r : refusals) {
        INFO(r.sql);
        const scratch_folder dir;
        auto app = connect(dir.file());
        must(app.execute(r.sql));
        const auto opened = sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}, quick());
        REQUIRE(fault_of(opened) == r.code);
        INFO(opened.error().detail);
        CHECK(opened.error().detail.find(r.names) != std::string::npos);
        CHECK(must(app.query_integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'")) == 0);
    }
}

TEST_CASE("sqlite_replica_store: a table that only the app's own connection can write is refused by name, and works on that one") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    const auto compare = [](void*, int, const void*, int, const void*) { return 0; };
    const auto shout = [](sqlite3_context* c, int, sqlite3_value** v) { sqlite3_result_value(c, v[0]); };
    REQUIRE(sqlite3_create_collation(app.handle(), "mine", SQLITE_UTF8, nullptr, compare) == SQLITE_OK);
    REQUIRE(sqlite3_create_function(app.handle(), "shout", 1, SQLITE_UTF8, nullptr, shout, nullptr, nullptr) == SQLITE_OK);
    must(app.execute("CREATE TABLE a(id TEXT PRIMARY KEY, v TEXT); CREATE INDEX of_v ON a(v COLLATE mine); CREATE TABLE b(id TEXT PRIMARY KEY, v);"
                     "CREATE TRIGGER loud AFTER UPDATE ON b BEGIN SELECT shout(NEW.v); END"));
    for (const auto& [table, what] : {std::pair{"a", "mine"}, std::pair{"b", "shout"}}) {
        const auto opened = sqlite_replica_store::open(dir.file(), std::vector<std::string>{table}, quick());
        REQUIRE(fault_of(opened) == errc::unsupported);
        CHECK(opened.error().detail.find(what) != std::string::npos);
        CHECK(must(app.query_integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'")) == 0);
    }
    auto store = must(sqlite_replica_store::open(app.handle(), std::vector<std::string>{"a", "b"}, quick()));
    auto t = must(store.begin());
    must(t.write({0, "k"}, record{{value::text("x")}}));
    must(t.commit());
    CHECK(must(app.query_integer("SELECT count(*) FROM a")) == 1);
}

TEST_CASE("sqlite_replica_store: a model that does not fit its table is refused by name") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v, g AS (v+1))"));
    model_schema m;
    m.name = "t";
    m.fields = {{"absent", value_kind::text, true, nullptr}};
    CHECK(fault_of(sqlite_replica_store::open(dir.file(), std::vector<model_schema>{m})) == errc::schema_mismatch);
    m.fields = {{"g", value_kind::text, true, nullptr}};
    CHECK(fault_of(sqlite_replica_store::open(dir.file(), std::vector<model_schema>{m})) == errc::unsupported);
    m.fields = {{"v", value_kind::text, true, nullptr}};
    m.key_kind = value_kind::integer;
    CHECK(fault_of(sqlite_replica_store::open(dir.file(), std::vector<model_schema>{m})) == errc::schema_mismatch);
    m.key_kind = value_kind::text;
    CHECK(sqlite_replica_store::open(dir.file(), std::vector<model_schema>{m}).has_value());
}

TEST_CASE("sqlite_replica_store: opening again changes nothing; models keep their ids and may not be left out") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE a(id TEXT PRIMARY KEY, v); CREATE TABLE b(id TEXT PRIMARY KEY, v); CREATE TABLE c(id TEXT PRIMARY KEY, v)"));
    must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"b", "a"}));
    const auto version = must(app.query_integer("PRAGMA schema_version"));
    {
        const auto again = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"a", "b"}));
        CHECK(again.schemas()[0].name == "b");
        CHECK(must(app.query_integer("PRAGMA schema_version")) == version);
    }
    CHECK(fault_of(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"a"})) == errc::schema_mismatch);
    CHECK(must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"a", "c", "b"})).schemas()[2].name == "c");
    must(app.execute("UPDATE syncline_replica_state SET layout=99"));
    CHECK(fault_of(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"a", "c", "b"})) == errc::unsupported);
}

TEST_CASE("sqlite_replica_store: follows the app's changes of its tables") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1)"));
    const auto edits_of = [](sqlite_replica_store& store) {
        auto t = must(store.begin());
        auto edits = must(t.take_captured());
        must(t.commit());
        return edits;
    };
    {
        auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
        CHECK(edits_of(store).size() == 1);
        must(app.execute("ALTER TABLE t ADD COLUMN w DEFAULT 5"));
        must(app.execute("CREATE UNIQUE INDEX later ON t(v)"));
        CHECK(edits_of(store).empty());
        must(app.execute("INSERT INTO t VALUES('b',2,2)"));
        CHECK(edits_of(store).size() == 1);
        must(app.execute("REPLACE INTO t VALUES('c',2,3)"));  // takes 'b' along by an index that is newer than the store
        CHECK(edits_of(store).size() == 2);
        // The twelve steps of altering a table lose its triggers.
        must(app.execute("BEGIN; CREATE TABLE n(id TEXT PRIMARY KEY, v UNIQUE, w); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; COMMIT"));
        CHECK(edits_of(store).size() == 2);  // without an engine no row has a base, so all are unknown
        must(app.execute("UPDATE t SET v=9 WHERE id='a'"));
        CHECK(edits_of(store).size() == 1);
        must(app.execute("DROP TABLE t"));
        CHECK(fault_of(store.begin()) == errc::unsupported);
        must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v, w)"));
        must(store.begin());
    }
    auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
    CHECK(store.schemas()[0].fields.size() == 2);
    must(app.execute("INSERT INTO t VALUES('z',1,2)"));
    CHECK(edits_of(store).size() == 1);
    must(app.execute("UPDATE t SET w=7"));
    const auto edits = edits_of(store);
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].before->fields[1] == value::integer(2));
}

TEST_CASE("sqlite_replica_store: rows that came between a table's rebuild and the next look are the app's creations") {
    struct kind {
        const char* column;
        const char* known;
        const char* added;
        const char* name;
    };
    for (const auto& k : {kind{"TEXT PRIMARY KEY", "'a'", "'b'", "b"}, kind{"INTEGER PRIMARY KEY", "1", "-7", "-7"},
                          kind{"BLOB PRIMARY KEY NOT NULL", "x'000102030405060708090a0b0c0d0e0f'", "x'A00102030405060708090a0b0c0d0e0f'",
                               "a0010203-0405-0607-0809-0a0b0c0d0e0f"}}) {
        CAPTURE(k.column);
        const scratch_folder dir;
        auto app = connect(dir.file());
        const std::string columns = std::string{"(id "} + k.column + ", v)";
        must(app.execute("CREATE TABLE t" + columns + "; CREATE TABLE u(id TEXT PRIMARY KEY, v)"));
        const auto opened = [&] { return must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t", "u"})); };
        auto store = opened();
        seeded_random random{1};
        replica engine{store};
        must(engine.open(random, timestamp{}));
        must(app.execute(std::string{"INSERT INTO t VALUES("} + k.known + ",1)"));
        CHECK(must(engine.absorb(timestamp{})) == 1);
        must(app.execute("BEGIN; CREATE TABLE n" + columns + "; INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; COMMIT;"
                         "INSERT INTO t VALUES(" + k.added + ",2)"));
        const bool reopen = k.name[0] == 'b';
        if (reopen) store = opened();
        CHECK(must(engine.absorb(timestamp{})) == 1);
        CHECK(must(engine.absorb(timestamp{})) == 0);
        auto t = must(store.begin());
        const auto made = must(t.open_intent({0, k.name}));
        REQUIRE(made);
        CHECK(made->op == operation::create);
        CHECK(made->changes.find(0)->as_integer() == 2);
    }
}

TEST_CASE("sqlite_replica_store: rows that came to a table of the same name while the renamed one has our triggers are the app's creations") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v)"));
    auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
    must(app.execute("ALTER TABLE t RENAME TO old; CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1)"));
    auto t = must(store.begin());
    CHECK(must(t.take_captured()).size() == 1);
}

TEST_CASE("sqlite_replica_store: triggers that a rolled-back transaction put back are put back again") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v)"));
    auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
    const auto version = [&] { return must(app.query_integer("PRAGMA schema_version")); };
    const auto rebuild = [&] { must(app.execute("DROP TABLE t; CREATE TABLE t(id TEXT PRIMARY KEY, v)")); };
    rebuild();
    const auto before = version();
    must(must(store.begin()).commit());
    const auto steps = version() - before;
    REQUIRE(steps > 0);
    rebuild();
    { const auto dropped = must(store.begin()); }
    // The app changes its schema as often as that transaction did, so the schema's number is the one that it saw.
    for (int i = 0; i < steps; ++i) must(app.execute("CREATE TABLE unrelated" + std::to_string(i) + "(x)"));
    must(must(store.begin()).commit());
    must(app.execute("INSERT INTO t VALUES('a',1)"));
    auto t = must(store.begin());
    CHECK(must(t.take_captured()).size() == 1);
}

TEST_CASE("sqlite_replica_store: a temporary table of the same name on the app's connection is not the table that is synced") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v); CREATE TEMP TABLE t(id TEXT PRIMARY KEY, v)"));
    auto store = must(sqlite_replica_store::open(app.handle(), std::vector<std::string>{"t"}));
    CHECK(must(app.query_integer("SELECT count(*) FROM temp.sqlite_schema WHERE type='trigger'")) == 0);
    must(app.execute("INSERT INTO temp.t VALUES('x',1); INSERT INTO main.t VALUES('a',1)"));
    auto t = must(store.begin());
    const auto edits = must(t.take_captured());
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == "a");
}

TEST_CASE("sqlite_replica_store: two models on one table are refused by name") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v, w)"));
    std::vector<model_schema> models(2);
    models[0].name = "t";
    models[0].fields = {{"v", value_kind::text, true, nullptr}};
    models[1].name = "other";
    models[1].table = "T";
    models[1].fields = {{"w", value_kind::text, true, nullptr}};
    const auto opened = sqlite_replica_store::open(dir.file(), models);
    REQUIRE(fault_of(opened) == errc::unsupported);
    CHECK(opened.error().detail.find("`t`") != std::string::npos);
}

TEST_CASE("sqlite_replica_store: uninstall leaves the app's tables alone and takes everything of ours away") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v, w); INSERT INTO t VALUES('a',1,2)"));
    must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
    CHECK_FALSE(app.execute("ALTER TABLE t DROP COLUMN w").has_value());
    must(sqlite_replica_store::uninstall(dir.file()));
    CHECK(must(app.query_integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'")) == 0);
    CHECK(must(app.query_integer("SELECT count(*) FROM t")) == 1);
    must(app.execute("ALTER TABLE t DROP COLUMN w"));
}

TEST_CASE("sqlite_replica_store: installed again after that, it is a new device over the rows that are there") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1)"));
    std::string before;
    seeded_random random{1};
    for (const bool again : {false, true}) {
        auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
        replica engine{store};
        must(engine.open(random, timestamp{}));
        const auto status = must(engine.status(timestamp{}));
        const auto& state = status.state;
        CHECK(status.counts.open == (again ? 2 : 1));
        CHECK(state.source_id != before);
        CHECK(state.next_source_bundle_id == 1);
        CHECK(state.checkpoint == 0);
        before = state.source_id;
        if (!again) {
            must(sqlite_replica_store::uninstall(dir.file()));
            must(app.execute("INSERT INTO t VALUES('b',2)"));
        }
    }
}

TEST_CASE("sqlite_replica_store: an app's connection keeps its settings, on every way out") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    auto second = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, v UNIQUE); PRAGMA foreign_keys=ON"));
    const auto settings = [&] {
        int triggers = -1;
        sqlite3_db_config(app.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &triggers);
        return std::pair{must(app.query_integer("PRAGMA foreign_keys")), triggers};
    };
    const auto as_they_were = std::pair<std::int64_t, int>{1, 1};
    auto store = must(sqlite_replica_store::open(app.handle(), std::vector<std::string>{"t"}));
    CHECK(settings() == as_they_were);
    const record one{{value::text("x")}};
    {
        auto t = must(store.begin());
        must(t.write({0, "a"}, one));
        CHECK(settings() == std::pair<std::int64_t, int>{0, 0});
        must(t.commit());
    }
    CHECK(settings() == as_they_were);
    {
        auto t = must(store.begin());
        must(t.write({0, "b"}, record{{value::text("y")}}));
        CHECK(fault_of(t.write({0, "c"}, one)) == errc::constraint);
    }
    CHECK(settings() == as_they_were);
    must(second.execute("BEGIN IMMEDIATE"));
    CHECK(fault_of(store.begin()) == errc::busy);
    CHECK(settings() == as_they_were);
    must(second.execute("COMMIT"));
    must(app.execute("BEGIN"));
    CHECK(fault_of(store.begin()) == errc::bug);
    must(app.execute("COMMIT"));
    CHECK(settings() == as_they_were);
    must(app.execute("INSERT INTO t VALUES('z','z')"));
    auto t = must(store.begin());
    const auto edits = must(t.take_captured());
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == "z");
}

TEST_CASE("sqlite_replica_store: a table that says ON CONFLICT REPLACE still refuses a second owner of a unique value") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY ON CONFLICT REPLACE, v UNIQUE ON CONFLICT REPLACE, w NOT NULL ON CONFLICT IGNORE DEFAULT 3)"));
    auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"t"}));
    auto t = must(store.begin());
    must(t.write({0, "a"}, record{{value::text("x"), value::integer(1)}}));
    must(t.write({0, "b"}, record{{value::text("y"), value::integer(1)}}));
    CHECK(fault_of(t.write({0, "c"}, record{{value::text("x"), value::integer(1)}})) == errc::constraint);
    CHECK(fault_of(t.write({0, "b"}, record{{value::text("x"), value::integer(1)}})) == errc::constraint);
    CHECK(fault_of(t.write({0, "b"}, record{{value::text("z"), value::null()}})) == errc::constraint);
    CHECK(must(t.visible({0, "a"})).has_value());
    CHECK(must(t.visible({0, "b"})) == record{{value::text("y"), value::integer(1)}});
}

TEST_CASE("sqlite_replica_store: a trigger's writes to other tables are diverted, a trigger that ends the transaction is reported") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE a(id TEXT PRIMARY KEY, v); CREATE TABLE b(id TEXT PRIMARY KEY, v); INSERT INTO b VALUES('x',1)"));
    auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"a", "b"}));
    must(app.execute("CREATE TRIGGER spread AFTER INSERT ON a BEGIN UPDATE b SET v=v+1; INSERT INTO b VALUES(NEW.id,0); END;"
                     "CREATE TRIGGER veto BEFORE INSERT ON a WHEN NEW.v='veto' BEGIN SELECT RAISE(IGNORE); END;"
                     "CREATE TRIGGER over BEFORE INSERT ON a WHEN NEW.v='over' BEGIN SELECT RAISE(ROLLBACK,'over'); END;"));
    const auto text = [](const char* s) { return record{{value::text(s)}}; };
    {
        auto t = must(store.begin());
        must(t.take_captured());
        must(t.write({0, "k"}, text("v")));
        const record one{{value::integer(1)}};
        CHECK(must(t.take_diverted()) == std::vector<diverted_row>{{{1, "k"}, std::nullopt}, {{1, "x"}, one}});
        must(t.write({1, "k"}, text("ours")));
        CHECK(must(t.take_diverted()).empty());
        must(t.write({0, "l"}, text("veto")));
        CHECK(must(t.take_diverted()) == std::vector<diverted_row>{{{0, "l"}, text("veto")}});
        must(t.commit());
    }
    auto t = must(store.begin());
    CHECK(must(t.take_captured()).empty());
    CHECK(fault_of(t.write({0, "m"}, text("over"))) == errc::io_error);
    CHECK(fault_of(t.write({0, "m"}, text("fine"))) == errc::io_error);
    CHECK(fault_of(t.commit()) == errc::io_error);
    CHECK(must(app.query_integer("SELECT count(*) FROM a WHERE id='m'")) == 0);
    must(store.begin());
}

TEST_CASE("sqlite_replica_store: integer and UUID keys are named as text, and a key of another form is no record") {
    const scratch_folder dir;
    auto app = connect(dir.file());
    must(app.execute("CREATE TABLE n(id INTEGER PRIMARY KEY, v); CREATE TABLE u(id BLOB PRIMARY KEY NOT NULL, v); INSERT INTO n(v) VALUES(1);"
                     "INSERT INTO u VALUES(x'00112233445566778899aabbccddeeff',1)"));
    auto store = must(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"n", "u"}));
    auto t = must(store.begin());
    const auto edits = must(t.take_captured());
    REQUIRE(edits.size() == 2);
    CHECK(edits[0].key.key == "1");
    CHECK(edits[1].key.key == "00112233-4455-6677-8899-aabbccddeeff");
    const record row{{value::text("v")}};
    must(t.write({0, "-7"}, row));
    CHECK(must(t.visible({0, "-7"})) == row);
    must(t.write({1, "00000000-0000-0000-0000-000000000001"}, row));
    CHECK(must(t.visible({1, "00000000-0000-0000-0000-000000000001"})) == row);
    for (const char* key : {"", "01", "+1", "1 ", "x", "9223372036854775808", "1.0"}) {
        CHECK(fault_of(t.write({0, key}, row)) == errc::invalid_key);
        CHECK_FALSE(must(t.visible({0, key})).has_value());
        must(t.erase({0, key}));
    }
    CHECK(fault_of(t.write({1, "00112233-4455-6677-8899-AABBCCDDEEFF"}, row)) == errc::invalid_key);
    CHECK(fault_of(t.write({9, "a"}, row)) == errc::unknown_model);
    CHECK(fault_of(t.write({0, "1"}, record{})) == errc::schema_mismatch);
}

}  // namespace replica_store_test
