#include <syncline/adapters/sqlite/capture.hpp>

#include <syncline/adapters/sqlite/replica_store.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/scratch_folder.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace capture_test {

namespace {

using namespace syncline;
using snapshot = std::map<std::string, record>;

void must(const result<void>& r) {
    INFO((r ? std::string{} : r.error().detail));
    REQUIRE(r.has_value());
}

sqlite_database stock(const std::string& path) {
    auto db = sqlite_database::open(path);
    REQUIRE(db.has_value());
    must(db->execute("PRAGMA synchronous=OFF"));
    return std::move(*db);
}

snapshot rows_of(sqlite_database& db, const model_schema& model) {
    std::string sql = "SELECT ";
    sql.append(sqlite_quoted(model.key_name));
    for (const auto& f : model.fields) sql.append(",").append(sqlite_quoted(f.name));
    sql.append(" FROM ").append(sqlite_quoted(model.table_name()));
    auto s = db.prepare(sql);
    REQUIRE(s.has_value());
    snapshot out;
    for (;;) {
        const auto row = s->step();
        REQUIRE(row.has_value());
        if (!*row) return out;
        const auto key = read_sqlite_key(*s, 0, model.key_kind);
        REQUIRE(key.has_value());
        record r;
        for (std::size_t i = 0; i < model.fields.size(); ++i) r.fields.push_back(read_sqlite_value(*s, static_cast<int>(i) + 1, model.fields[i].kind));
        out.emplace(*key, std::move(r));
    }
}

class dice {
public:
    explicit dice(std::uint64_t seed) : random_(seed) {}
    int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
    bool one_in(int n) { return below(n) == 0; }
    std::string of(std::initializer_list<const char*> choices) { return *(choices.begin() + below(static_cast<int>(choices.size()))); }

private:
    std::mt19937_64 random_;
};

std::string text_value(dice& d, const char* prefix, int n) { return "'" + std::string{prefix} + std::to_string(d.below(n)) + "'"; }

// Random statements against the four tables of `tables_sql`, as any program might send them.
std::string random_statement(dice& d) {
    const std::string policy = d.of({"", "", "OR REPLACE ", "OR IGNORE ", "OR ABORT ", "OR FAIL "});
    const auto task_key = [&] { return text_value(d, "t", 6); };
    const auto slug = [&] { return d.one_in(5) ? std::string{"NULL"} : d.one_in(3) ? text_value(d, "S", 5) : text_value(d, "s", 5); };
    const auto any = [&] { return d.of({"NULL", "0", "1", "1.0", "2.5", "'a'", "'A'", "x'00ff'", "''", "'b'"}); };
    const auto child_key = [&] { return text_value(d, "c", 8); };
    const auto number = [&] { return std::to_string(d.below(7) - 1); };
    switch (d.below(28)) {
    case 0:
    case 1: return "INSERT " + policy + "INTO task VALUES(" + task_key() + "," + slug() + "," + any() + "," + any() + "," + number() + ");";
    case 2: return "REPLACE INTO task VALUES(" + task_key() + "," + slug() + "," + any() + "," + any() + "," + number() + "),(" + task_key() + "," + slug() + "," + any() + ",3,4);";
    case 3: return "INSERT INTO task VALUES(" + task_key() + "," + slug() + "," + any() + ",1,2) ON CONFLICT(id) DO UPDATE SET title=excluded.title,slug=excluded.slug;";
    case 4: return "INSERT INTO task VALUES(" + task_key() + "," + slug() + "," + any() + ",1,2) ON CONFLICT(slug) DO UPDATE SET title=" + any() + ", id=excluded.id;";
    case 5: return "INSERT INTO task VALUES(" + task_key() + "," + slug() + "," + any() + ",1,2) ON CONFLICT DO NOTHING;";
    case 6: return "UPDATE " + policy + "task SET title=" + any() + " WHERE id=" + task_key() + ";";
    case 7: return "UPDATE " + policy + "task SET slug=" + slug() + ", pr=pr+1 WHERE id>=" + task_key() + ";";
    case 8: return "UPDATE " + policy + "task SET id=" + task_key() + " WHERE id=" + task_key() + ";";
    case 9: return "UPDATE " + policy + "task SET id=" + task_key() + ", slug=" + slug() + ", status=" + any() + " WHERE id=" + task_key() + ";";
    case 10: return "DELETE FROM task WHERE id=" + task_key() + ";";
    case 11: return "DELETE FROM task WHERE pr>" + number() + ";";
    case 12:
    case 13: return "INSERT " + policy + "INTO child VALUES(" + child_key() + "," + task_key() + "," + any() + ");";
    case 14: return "UPDATE " + policy + "child SET note=" + any() + ", task_id=" + task_key() + " WHERE id<=" + child_key() + ";";
    case 15: return "DELETE FROM child WHERE id=" + child_key() + ";";
    case 16: return "INSERT " + policy + "INTO item(name,a,b) VALUES(" + text_value(d, "n", 5) + "," + number() + "," + number() + ");";
    case 17: return "REPLACE INTO item(id,name,a,b) VALUES(" + d.of({"NULL", "-1", "1", "2", "3", "9"}) + "," + text_value(d, "n", 5) + "," + number() + "," + number() + ");";
    case 18: return "INSERT INTO item(id,name) VALUES(" + number() + "," + text_value(d, "n", 5) + ") ON CONFLICT(name) DO UPDATE SET a=" + number() + ";";
    case 19: return "UPDATE " + policy + "item SET " + d.of({"id", "rowid", "_rowid_"}) + "=" + number() + ", b=" + number() + " WHERE id=" + number() + ";";
    case 20: return "UPDATE " + policy + "item SET a=" + number() + ", b=" + number() + " WHERE id>" + number() + ";";
    case 21: return "DELETE FROM item WHERE id=" + number() + ";";
    case 22: return "INSERT " + policy + "INTO side(pk,id,v) VALUES(" + d.of({"NULL", "1", "2", "3", "-1"}) + ",x'000102030405060708090a0b0c0d0e0" + std::to_string(d.below(5)) + "'," + any() + ");";
    case 23: return "UPDATE " + policy + "side SET pk=" + number() + ", v=" + any() + " WHERE pk>=" + number() + ";";
    case 24:
    case 25: return d.one_in(3) ? "DELETE FROM side WHERE pk=" + number() + ";"
                                : "INSERT " + policy + "INTO plain(rowid,id,v) VALUES(" + d.of({"NULL", "1", "2", "3"}) + "," + text_value(d, "p", 4) + "," + any() + ");";
    default: return "UPDATE " + d.of({"", "OR REPLACE "}) + "plain SET rowid=" + number() + ", v=" + any() + " WHERE id=" + text_value(d, "p", 4) + ";";
    }
}

std::string tables_sql(dice& d) {
    const std::string wr = d.one_in(3) ? " WITHOUT ROWID" : "";
    const std::string nocase = d.one_in(2) ? " COLLATE NOCASE" : "";
    return "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, slug TEXT" + nocase + " UNIQUE, title, status TEXT" + nocase + ", pr INTEGER)" + wr +
           ";CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, task_id TEXT REFERENCES task(id) ON DELETE " + d.of({"CASCADE", "SET NULL"}) +
           " ON UPDATE CASCADE, note)" + wr +
           ";CREATE TABLE item(id INTEGER PRIMARY KEY" + d.of({"", " AUTOINCREMENT"}) + ", name TEXT" + d.of({" UNIQUE", " UNIQUE ON CONFLICT REPLACE"}) +
           ", a INTEGER, b INTEGER, UNIQUE(a,b));"
           "CREATE TABLE side(pk INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, v);"
           "CREATE TABLE plain(id TEXT PRIMARY KEY NOT NULL, v);";
}

// Triggers of the app that write to the captured tables while our own run.
std::string app_triggers(dice& d, int when) {
    const std::string n = std::to_string(when);
    std::string sql;
    if (d.one_in(2)) sql += "CREATE TRIGGER app_a" + n + " AFTER INSERT ON task BEGIN UPDATE task SET status='new' WHERE id=NEW.id; END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_b" + n + " AFTER INSERT ON task WHEN NEW.pr=3 BEGIN DELETE FROM task WHERE id=NEW.id; END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_c" + n + " AFTER UPDATE ON task BEGIN REPLACE INTO child VALUES('c1',NEW.id,'by trigger'); END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_d" + n + " BEFORE DELETE ON task BEGIN UPDATE child SET note='orphan' WHERE task_id=OLD.id; END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_e" + n + " BEFORE UPDATE OF title ON task BEGIN UPDATE task SET pr=pr+10 WHERE id=NEW.id AND pr<100; END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_f" + n + " AFTER INSERT ON item WHEN NEW.a>3 BEGIN DELETE FROM item WHERE id=NEW.id; END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_g" + n + " AFTER INSERT ON item BEGIN UPDATE item SET b=b+1 WHERE id=NEW.id AND b<2; END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_h" + n + " AFTER DELETE ON child BEGIN INSERT OR IGNORE INTO item(name,a) VALUES('gone',9); END;";
    if (d.one_in(3)) sql += "CREATE TRIGGER app_i" + n + " BEFORE INSERT ON side BEGIN DELETE FROM side WHERE pk=NEW.pk+1; END;";
    if (d.one_in(4)) sql += "CREATE TRIGGER app_j" + n + " BEFORE UPDATE ON child WHEN NEW.note='b' BEGIN SELECT RAISE(IGNORE); END;";
    if (d.one_in(4)) sql += "CREATE TRIGGER app_k" + n + " AFTER INSERT ON child WHEN NEW.note=1 BEGIN SELECT RAISE(ABORT,'no'); END;";
    return sql;
}

std::vector<std::string> random_script(dice& d, int statements) {
    std::vector<std::string> out;
    int depth = 0;
    bool in_transaction = false;
    for (int i = 0; i < statements; ++i) {
        if (!in_transaction && d.one_in(6)) {
            out.push_back("BEGIN;");
            in_transaction = true;
        } else if (in_transaction && depth < 3 && d.one_in(5)) {
            out.push_back("SAVEPOINT s" + std::to_string(depth++) + ";");
        } else if (depth > 0 && d.one_in(4)) {
            --depth;
            if (d.one_in(2)) out.push_back("ROLLBACK TO s" + std::to_string(depth) + ";");
            out.push_back("RELEASE s" + std::to_string(depth) + ";");
        } else if (in_transaction && depth == 0 && d.one_in(5)) {
            out.push_back(d.one_in(4) ? "ROLLBACK;" : "COMMIT;");
            in_transaction = false;
        } else {
            out.push_back(random_statement(d));
        }
    }
    for (; depth > 0; --depth) out.push_back("RELEASE s" + std::to_string(depth - 1) + ";");
    if (in_transaction) out.push_back("COMMIT;");
    return out;
}

// One database, several rounds of random SQL by a program that knows nothing of us; after each, the net edits undone must
// give the tables as they were.
void run_history(std::uint64_t seed, bool with_app_triggers, bool by_program) {
    CAPTURE(seed, with_app_triggers, by_program);
    dice d{seed};
    const scratch_folder dir;
    const std::string path = dir.file("app.db");
    auto app = stock(path);
    const std::string encodings[] = {"UTF-8", "UTF-16le", "UTF-8", "UTF-16be"};
    must(app.execute("PRAGMA encoding='" + encodings[seed % 4] + "'"));
    must(app.execute(tables_sql(d)));
    if (with_app_triggers && d.one_in(2)) must(app.execute(app_triggers(d, 0)));
    auto device = stock(path);
    sqlite_replica_options how;
    how.write_ahead_log = d.one_in(2);
    auto opened = sqlite_replica_store::open(device.handle(), std::vector<std::string>{"task", "child", "item", "plain", "side"}, how);
    INFO((opened ? std::string{} : opened.error().detail));
    REQUIRE(opened.has_value());
    auto& store = *opened;
    if (with_app_triggers) must(app.execute(app_triggers(d, 1)));  // made later, so they run before ours
    must(app.execute(d.one_in(2) ? "PRAGMA foreign_keys=ON" : "PRAGMA foreign_keys=OFF"));
    const bool recursive = d.one_in(2);
    must(app.execute(recursive ? "PRAGMA recursive_triggers=ON" : "PRAGMA recursive_triggers=OFF"));

    for (int round = 0; round < 4; ++round) {
        std::vector<snapshot> before;
        for (const auto& m : store.schemas()) before.push_back(rows_of(app, m));
        const auto script = random_script(d, 1 + d.below(12));
        std::string trace;
        if (by_program) {
            const std::string file = dir.file("script.sql");
            std::ofstream out{file};
            out << "PRAGMA synchronous=OFF;PRAGMA foreign_keys=" << d.below(2) << ";PRAGMA recursive_triggers=" << (recursive ? 1 : 0) << ";\n";
            for (const auto& line : script) trace.append(line).append("\n");
            out << trace;
            out.close();
            const std::string command = "sqlite3 '" + path + "' < '" + file + "' > /dev/null 2>&1";
            const int ended = std::system(command.c_str());
            static_cast<void>(ended);  // statements that fail are part of the game
        } else {
            for (const auto& line : script) {
                const auto done = app.execute(line);
                trace.append(line).append(done ? "\n" : "   -- refused\n");
            }
            if (app.in_transaction()) must(app.execute("COMMIT"));
        }
        CAPTURE(round, trace);

        if (d.one_in(4)) {  // taken, but never committed: nothing of it happened
            auto t = store.begin();
            REQUIRE(t.has_value());
            REQUIRE(t->take_captured().has_value());
        }
        auto t = store.begin();
        REQUIRE(t.has_value());
        const auto edits = t->take_captured();
        REQUIRE(edits.has_value());
        std::vector<snapshot> undone;
        for (const auto& m : store.schemas()) undone.push_back(rows_of(app, m));
        std::set<record_key> seen;
        for (const auto& e : *edits) {
            CAPTURE(e.key.model, e.key.key);
            CHECK(seen.insert(e.key).second);
            auto& rows = undone[e.key.model];
            const auto now = rows.find(e.key.key);
            const bool same = e.before ? now != rows.end() && now->second == *e.before : now == rows.end();
            CHECK((!same || e.recreated));
            CHECK_FALSE((e.recreated && (!e.before || now == rows.end())));
            if (now != rows.end()) rows.erase(now);
            if (e.before) rows.emplace(e.key.key, *e.before);
        }
        for (model_id id = 0; id < undone.size(); ++id) {
            CAPTURE(id);
            REQUIRE((undone[id] == before[id]));
        }
        const auto again = t->take_captured();
        REQUIRE(again.has_value());
        CHECK(again->empty());
        must(t->commit());
    }
}

struct one_table {
    explicit one_table(const std::string& sql, const std::string& name = "t") : app(stock(dir.file("a.db"))) {
        must(app.execute(sql));
        auto opened = sqlite_replica_store::open(dir.file("a.db"), std::vector<std::string>{name});
        INFO((opened ? std::string{} : opened.error().detail));
        REQUIRE(opened.has_value());
        store = std::make_unique<sqlite_replica_store>(std::move(*opened));
    }
    std::vector<captured_edit> take() {
        auto t = store->begin();
        INFO((t ? std::string{} : t.error().detail));
        REQUIRE(t.has_value());
        auto edits = t->take_captured();
        INFO((edits ? std::string{} : edits.error().detail));
        REQUIRE(edits.has_value());
        must(t->commit());
        return std::move(*edits);
    }
    scratch_folder dir;
    sqlite_database app;
    std::unique_ptr<sqlite_replica_store> store;
};

}  // namespace

TEST_CASE("sqlite capture: net edits undone give the tables before, whatever SQL another connection ran") {
    const auto seeds = test_support::tenth_if_slow<std::uint64_t>(200);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) run_history(seed, false, false);
}

TEST_CASE("sqlite capture: net edits undone give the tables before, with triggers of the app among ours") {
    const auto seeds = test_support::tenth_if_slow<std::uint64_t>(270);
    for (std::uint64_t seed = 1001; seed <= 1000 + seeds; ++seed) run_history(seed, true, false);
}

TEST_CASE("sqlite capture: the sqlite3 program's changes are captured like any other's") {
    REQUIRE(std::system("sqlite3 --version > /dev/null 2>&1") == 0);  // the program is part of what the tests need
    for (std::uint64_t seed = 2001; seed <= 2030; ++seed) run_history(seed, seed % 2 == 0, true);
}

TEST_CASE("sqlite capture: rows that were there before count as created, once") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1),('b',2)"};
    const auto edits = x.take();
    REQUIRE(edits.size() == 2);
    CHECK(edits[0].key.key == "a");
    CHECK_FALSE(edits[0].before.has_value());
    CHECK(x.take().empty());
}

TEST_CASE("sqlite capture: a row that was erased and created again is said to be") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1),('b',2)"};
    CHECK(x.take().size() == 2);
    must(x.app.execute("DELETE FROM t WHERE id='a'; INSERT INTO t VALUES('a',1); REPLACE INTO t VALUES('b',3); INSERT INTO t VALUES('c',1)"));
    const auto edits = x.take();
    REQUIRE(edits.size() == 3);
    CHECK(edits[0].recreated);
    CHECK(edits[0].before.has_value());
    CHECK_FALSE(edits[1].recreated);
    CHECK_FALSE(edits[2].recreated);
}

TEST_CASE("sqlite capture: an edit that differs only by case in a NOCASE column is an edit") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v TEXT COLLATE NOCASE); INSERT INTO t VALUES('a','abc')"};
    CHECK(x.take().size() == 1);
    must(x.app.execute("UPDATE t SET v='ABC'"));
    REQUIRE(x.take().size() == 1);
}

TEST_CASE("sqlite capture: a column without a type that goes from 1 to 1.0 is an edit") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1)"};
    CHECK(x.take().size() == 1);
    must(x.app.execute("UPDATE t SET v=1.0"));
    const auto edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].before->fields[0] == value::integer(1));
}

TEST_CASE("sqlite capture: a table of 130 columns needs three masks, and each column is seen alone") {
    std::string sql = "CREATE TABLE t(id TEXT PRIMARY KEY";
    for (int i = 0; i < 130; ++i) sql += ",f" + std::to_string(i) + " INTEGER DEFAULT " + std::to_string(i);
    one_table x{sql + "); INSERT INTO t(id) VALUES('a')"};
    CHECK(x.take().size() == 1);
    for (const int at : {0, 61, 62, 63, 123, 124, 129}) {
        must(x.app.execute("UPDATE t SET f" + std::to_string(at) + "=-1"));
        const auto edits = x.take();
        REQUIRE(edits.size() == 1);
        CHECK(edits[0].before->fields[static_cast<std::size_t>(at)] == value::integer(at));
    }
}

TEST_CASE("sqlite capture: names with quotes, blanks, SQL and reserved words are captured") {
    one_table x{R"(CREATE TABLE "select"" ; DROP TABLE 'x"("the ""key""" TEXT PRIMARY KEY, "group" INTEGER, "a b;--" UNIQUE))", "select\" ; DROP TABLE 'x"};
    must(x.app.execute(R"(INSERT INTO "select"" ; DROP TABLE 'x" VALUES('k',1,2))"));
    CHECK(x.take().size() == 1);
    must(x.app.execute(R"(UPDATE "select"" ; DROP TABLE 'x" SET "a b;--"=5)"));
    const auto edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].before->fields[1] == value::integer(2));
}

TEST_CASE("sqlite capture: rows whose key cannot name a record are passed over") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v)"};
    must(x.app.execute("INSERT INTO t VALUES(NULL,1),(x'00',2),('a',3)"));
    const auto edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == "a");
}

TEST_CASE("sqlite capture: a row that REPLACE removes by its rowid is captured") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t(rowid,id,v) VALUES(1,'a',1),(2,'b',2),(3,'c',3)"};
    CHECK(x.take().size() == 3);
    must(x.app.execute("REPLACE INTO t(rowid,id,v) VALUES(1,'d',4)"));
    auto edits = x.take();
    REQUIRE(edits.size() == 2);
    CHECK(edits[1].key.key == "a");
    must(x.app.execute("UPDATE OR REPLACE t SET rowid=2 WHERE id='c'"));
    edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == "b");
}

TEST_CASE("sqlite capture: a row that REPLACE removes by the default that a NULL becomes is captured") {
    one_table x{"CREATE TABLE t(id TEXT NOT NULL DEFAULT 'k' PRIMARY KEY, slug TEXT NOT NULL DEFAULT ('d' || 1) UNIQUE, v);"
                "INSERT INTO t VALUES('a','d1',1),('b','s2',2)"};
    CHECK(x.take().size() == 2);
    const auto row = [](const char* slug, std::int64_t v) { return record{{value::text(slug), value::integer(v)}}; };

    must(x.app.execute("INSERT OR REPLACE INTO t VALUES('c',NULL,3)"));
    auto edits = x.take();
    REQUIRE(edits.size() == 2);
    CHECK(edits[1].key.key == "a");
    CHECK(edits[1].before == row("d1", 1));

    must(x.app.execute("UPDATE OR REPLACE t SET slug=NULL WHERE id='b'"));
    edits = x.take();
    REQUIRE(edits.size() == 2);
    std::map<std::string, std::optional<record>> before;
    for (const auto& e : edits) before[e.key.key] = e.before;
    CHECK(before.at("b") == row("s2", 2));
    CHECK(before.at("c") == row("d1", 3));

    // The key may be such a column too.
    must(x.app.execute("INSERT OR REPLACE INTO t VALUES(NULL,'s4',4)"));
    edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == "k");
    CHECK_FALSE(edits[0].before.has_value());
    must(x.app.execute("UPDATE OR REPLACE t SET id=NULL WHERE id='b'"));
    edits = x.take();
    REQUIRE(edits.size() == 2);
    for (const auto& e : edits) CHECK(e.before == (e.key.key == "k" ? row("s4", 4) : row("d1", 2)));
}

TEST_CASE("sqlite capture: a row that REPLACE removes by another unique index on the key is captured") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v); CREATE UNIQUE INDEX folded ON t(id COLLATE NOCASE); INSERT INTO t VALUES('a',1),('b',2)"};
    CHECK(x.take().size() == 2);
    must(x.app.execute("REPLACE INTO t VALUES('A',3)"));
    CHECK(x.take().size() == 2);
    must(x.app.execute("UPDATE OR REPLACE t SET id='B' WHERE id='A'"));
    CHECK(x.take().size() == 3);
}

TEST_CASE("sqlite capture: a row that UPDATE OR REPLACE removes by a generated column is captured") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b TEXT, g TEXT AS (a || b) UNIQUE); INSERT INTO t(id,a,b) VALUES('1','p','x'),('2','q','x')"};
    CHECK(x.take().size() == 2);
    must(x.app.execute("UPDATE OR REPLACE t SET a='q' WHERE id='1'"));
    CHECK(x.take().size() == 2);
}

TEST_CASE("sqlite capture: what a generated column is made of counts, also where the model leaves it out") {
    const scratch_folder dir;
    auto app = stock(dir.file("a.db"));
    must(app.execute("CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b TEXT, g TEXT AS (a || b) UNIQUE); INSERT INTO t(id,a,b) VALUES('1','p','x'),('2','q','x')"));
    model_schema m;
    m.name = "t";
    m.fields = {{"a", value_kind::text, true, nullptr}};
    auto store = sqlite_replica_store::open(dir.file("a.db"), std::vector<model_schema>{m});
    REQUIRE(store.has_value());
    const auto take = [&] {
        auto t = store->begin();
        REQUIRE(t.has_value());
        auto edits = t->take_captured();
        REQUIRE(edits.has_value());
        must(t->commit());
        return edits->size();
    };
    CHECK(take() == 2);
    must(app.execute("UPDATE OR REPLACE t SET a='q' WHERE id='1'"));
    CHECK(take() == 2);
}

TEST_CASE("sqlite capture: an ANY column of a strict table that goes from 1 to 1.0 is an edit") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, v ANY) STRICT; INSERT INTO t VALUES('a',1)"};
    CHECK(x.take().size() == 1);
    must(x.app.execute("UPDATE t SET v=1.0"));
    REQUIRE(x.take().size() == 1);
}

TEST_CASE("sqlite capture: a default that is a text without quotes, or in double ones, keeps nobody from writing") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT NOT NULL DEFAULT pending UNIQUE, b TEXT NOT NULL DEFAULT \"id\" UNIQUE, c NOT NULL DEFAULT true UNIQUE);"
                "INSERT INTO t VALUES('1','pending','w',2),('2','x','id',3),('3','y','z',1)"};
    CHECK(x.take().size() == 3);
    must(x.app.execute("REPLACE INTO t VALUES('4',NULL,NULL,NULL)"));
    CHECK(x.take().size() == 4);
}

TEST_CASE("sqlite capture: a row that REPLACE removes by the rowid -1 is captured") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t(rowid,id,v) VALUES(-1,'a',1)"};
    CHECK(x.take().size() == 1);
    must(x.app.execute("REPLACE INTO t(rowid,id,v) VALUES(-1,'b',2)"));
    CHECK(x.take().size() == 2);
}

TEST_CASE("sqlite capture: a row whose key is a default that comes out differently each time is captured") {
    one_table x{"CREATE TABLE t(id TEXT NOT NULL DEFAULT (hex(randomblob(8))) PRIMARY KEY, v); INSERT INTO t VALUES('a',1)"};
    CHECK(x.take().size() == 1);
    const auto key_of = [&](int v) { return *x.app.query_text("SELECT id FROM t WHERE v=" + std::to_string(v)); };

    must(x.app.execute("INSERT INTO t(v) VALUES(2)"));
    auto edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == key_of(2));

    must(x.app.execute("INSERT OR REPLACE INTO t VALUES(NULL,3); UPDATE t SET v=4 WHERE v=3"));
    edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].key.key == key_of(4));
    CHECK_FALSE(edits[0].before.has_value());

    must(x.app.execute("UPDATE OR REPLACE t SET id=NULL WHERE v=4"));
    edits = x.take();
    REQUIRE(edits.size() == 2);
    CHECK((edits[0].key.key == key_of(4) || edits[1].key.key == key_of(4)));

    // What was there before is still what the first entry says.
    must(x.app.execute("REPLACE INTO t VALUES('a',5)"));
    edits = x.take();
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].before == record{{value::integer(1)}});
    CHECK_FALSE(edits[0].recreated);
}

TEST_CASE("sqlite capture: edits of several models come in the order in which the records were first changed") {
    const scratch_folder dir;
    auto app = stock(dir.file("a.db"));
    must(app.execute("CREATE TABLE a(id TEXT PRIMARY KEY, v); CREATE TABLE b(id TEXT PRIMARY KEY, v)"));
    auto store = sqlite_replica_store::open(dir.file("a.db"), std::vector<std::string>{"a", "b"});
    REQUIRE(store.has_value());
    for (int round = 0; round < 3; ++round) {
        const std::string v = std::to_string(round);
        must(app.execute("REPLACE INTO b VALUES('1'," + v + "); REPLACE INTO a VALUES('2'," + v + "),('3'," + v + "); REPLACE INTO b VALUES('4'," + v +
                         "); UPDATE a SET v=v+10 WHERE id='2'; REPLACE INTO a VALUES('5'," + v + "); REPLACE INTO b VALUES('6'," + v + ")"));
        auto t = store->begin();
        REQUIRE(t.has_value());
        const auto edits = t->take_captured();
        REQUIRE(edits.has_value());
        std::string order;
        for (const auto& e : *edits) order.append(e.key.key);
        CHECK(order == "123456");
        must(t->commit());
    }
}

TEST_CASE("sqlite capture: log entries never get a number twice") {
    one_table x{"CREATE TABLE t(id TEXT PRIMARY KEY, v)"};
    std::int64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        must(x.app.execute("REPLACE INTO t VALUES('a'," + std::to_string(i) + ")"));
        const auto now = x.app.query_integer("SELECT max(seq) FROM syncline_replica_log_0");
        REQUIRE(now.has_value());
        CHECK(*now > last);
        last = *now;
        CHECK(x.take().size() == 1);
        CHECK(*x.app.query_integer("SELECT count(*) FROM syncline_replica_log_0") == 1);
    }
}

}  // namespace capture_test
