#include <syncline/adapters/sqlite/authority_capture.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace authority_capture_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

const char* const tables_sql = R"sql(
CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE, title TEXT COLLATE NOCASE, n INTEGER, UNIQUE(title, n));
CREATE TABLE child(id TEXT PRIMARY KEY, task_id TEXT REFERENCES task(id) ON DELETE CASCADE ON UPDATE CASCADE, note TEXT);
CREATE TABLE num(id INTEGER PRIMARY KEY, slug TEXT NOT NULL DEFAULT 'd' UNIQUE, v TEXT);
CREATE TABLE flat(id TEXT PRIMARY KEY, u TEXT UNIQUE, v TEXT) WITHOUT ROWID;
CREATE TABLE ext(n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, v TEXT, g TEXT GENERATED ALWAYS AS (lower(v)) STORED UNIQUE);
)sql";

const std::vector<std::string> table_names{"task", "child", "num", "flat", "ext"};

const char* const app_triggers[] = {
    "",
    "CREATE TRIGGER app_task_own AFTER INSERT ON task BEGIN UPDATE task SET slug = NEW.slug || '!' WHERE id = NEW.id; END;"
    "CREATE TRIGGER app_num_own AFTER INSERT ON num BEGIN UPDATE num SET v = 'set' WHERE id = NEW.id; END;",
    "CREATE TRIGGER app_task_drop AFTER INSERT ON task WHEN NEW.n = 2 BEGIN DELETE FROM task WHERE id = NEW.id; END;"
    "CREATE TRIGGER app_num_drop AFTER INSERT ON num WHEN NEW.v = '2' BEGIN DELETE FROM num WHERE id = NEW.id; END;",
    "CREATE TRIGGER app_task_replace AFTER UPDATE ON task BEGIN REPLACE INTO flat VALUES('t' || NEW.n, NEW.slug, NEW.title); END;"
    "CREATE TRIGGER app_child_replace BEFORE INSERT ON child BEGIN REPLACE INTO num(slug, v) VALUES(NEW.note, NEW.id); END;",
    "CREATE TRIGGER app_task_bd BEFORE DELETE ON task BEGIN UPDATE num SET v = OLD.slug WHERE id = 1; DELETE FROM flat WHERE u = OLD.slug; END;"
    "CREATE TRIGGER app_flat_fail AFTER INSERT ON flat WHEN NEW.v = '3' BEGIN SELECT RAISE(FAIL, 'no'); END;"
    "CREATE TRIGGER app_ext_ignore BEFORE UPDATE ON ext WHEN NEW.v = '1' BEGIN SELECT RAISE(IGNORE); END;",
};

// Random statements of every kind that changes rows, over so few values that they collide all the time.
class statements {
public:
    explicit statements(std::uint32_t seed) : draw_(seed) {}

    std::string next() {
        switch (pick(13)) {
        case 0: return insert("task(id,slug,title,n)", {key(), text(), title(), digit()}) + tail("task", "slug", "title = 'up'");
        case 1: return insert("child(id,task_id,note)", {key(), key(), text()});
        case 2: return insert(pick(2) != 0 ? "num(slug,v)" : "num(slug,v,id)", pick(2) != 0 ? row{text(), digit()} : row{"NULL", digit()});
        case 3: return insert("num(id,slug,v)", {digit(), text(), digit()}) + tail("num", "slug", "v = 'up'");
        case 4: return insert("flat(id,u,v)", {key(), text(), digit()}) + tail("flat", "u", "v = 'up'");
        case 5: return insert("ext(n,id,v)", {digit(), key(), title()});
        case 6: return insert("task(rowid,id,slug,title,n)", {digit(), key(), text(), title(), digit()});
        case 7: return update("task", {"slug = " + text(), "title = " + title(), "n = " + digit(), "id = " + key(), "slug = slug || 'x'", "rowid = " + digit()});
        case 8: return update("child", {"task_id = " + key(), "note = " + text(), "id = " + key()});
        case 9: return update("num", {"id = " + digit(), "rowid = " + digit(), "slug = " + text(), "slug = NULL", "v = " + digit()});
        case 10: return update("flat", {"id = " + key(), "u = " + text(), "v = " + digit()});
        case 11: return update("ext", {"n = " + digit(), "id = " + key(), "v = " + title()});
        default: return "DELETE FROM " + table_names[pick(5)] + where();
        }
    }

    std::string script(int count) {
        std::string out;
        bool open = false;
        bool inner = false;
        for (int i = 0; i < count; ++i) {
            switch (pick(8)) {
            case 0:
                if (!open) {
                    out += "BEGIN;\n";
                    open = true;
                }
                break;
            case 1:
                if (open && !inner) {
                    out += "SAVEPOINT s;\n";
                    inner = true;
                }
                break;
            case 2:
                if (inner) {
                    out += pick(2) != 0 ? "ROLLBACK TO s; RELEASE s;\n" : "RELEASE s;\n";
                    inner = false;
                } else if (open) {
                    out += pick(3) != 0 ? "COMMIT;\n" : "ROLLBACK;\n";
                    open = false;
                }
                break;
            default: break;
            }
            out += next() + ";\n";
        }
        if (open) out += "COMMIT;\n";
        return out;
    }

    std::uint32_t pick(std::uint32_t n) { return static_cast<std::uint32_t>(draw_() % n); }

private:
    using row = std::vector<std::string>;
    std::string key() { return std::string{"'"} + static_cast<char>((pick(5) != 0 ? 'a' : 'A') + static_cast<char>(pick(5))) + "'"; }
    std::string text() { return pick(8) == 0 ? "NULL" : std::string{"'s"} + static_cast<char>('0' + pick(5)) + "'"; }
    std::string title() { return std::string{"'"} + static_cast<char>((pick(2) != 0 ? 'k' : 'K') + static_cast<char>(pick(3))) + "'"; }
    std::string digit() { return std::to_string(1 + pick(5)); }
    std::string where() {
        switch (pick(4)) {
        case 0: return "";
        case 1: return " WHERE rowid IS NOT NULL AND id > 'c'";
        default: return " WHERE id = " + (pick(2) != 0 ? key() : digit());
        }
    }
    std::string policy() {
        const char* const all[] = {"", "", "", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"};
        return all[pick(9)];
    }
    std::string insert(const std::string& into, row values) {
        while (values.size() < static_cast<std::size_t>(std::count(into.begin(), into.end(), ',') + 1)) values.push_back("NULL");
        std::string list;
        for (const auto& v : values) list += (list.empty() ? "" : ",") + v;
        return "INSERT" + policy() + " INTO " + into + " VALUES(" + list + ")" + (pick(4) == 0 ? ",(" + list + ")" : "");
    }
    std::string tail(const std::string&, const std::string& by, const std::string& set) {
        if (pick(5) != 0) return "";
        return " ON CONFLICT(" + (pick(2) != 0 ? by : std::string{"id"}) + ") DO UPDATE SET " + set;
    }
    std::string update(const std::string& table, const row& sets) {
        std::string set = sets[pick(static_cast<std::uint32_t>(sets.size()))];
        return "UPDATE" + policy() + " " + table + " SET " + set + where();
    }

    std::mt19937 draw_;
};

// Every record whose row is not what was last sealed of it.
std::set<std::string> unsealed(sqlite_authority_store& store, stranger& other) {
    std::set<record_key> all;
    for (std::size_t m = 0; m < store.schemas().size(); ++m) {
        const auto& schema = store.schemas()[static_cast<model_id>(m)];
        auto rows = ok(other.db().prepare("SELECT " + schema.key_name + " FROM " + schema.name + " WHERE " + schema.key_name + " IS NOT NULL"));
        while (ok(rows.step())) all.insert({static_cast<model_id>(m), std::string{rows.column_text(0)}});
        auto old = ok(other.db().prepare("SELECT r.key FROM syncline_authority_rows r JOIN syncline_authority_models m ON m.id = r.model WHERE m.name = '" +
                                         schema.name + "'"));
        while (ok(old.step())) all.insert({static_cast<model_id>(m), std::string{old.column_text(0)}});
    }
    std::set<std::string> out;
    auto t = ok(store.begin("main", access::snapshot));
    for (const auto& k : all) {
        const auto before = ok(t.sealed(k));
        const auto now = ok(t.current(k));
        if ((before ? before->row : std::nullopt) != now) out.insert(store.schemas()[k.model].name + "/" + k.key);
    }
    return out;
}

std::string joined(const std::set<std::string>& names) {
    std::string out;
    for (const auto& n : names) out.append(n).append(" ");
    return out;
}

schema_set models_for_fuzz(const std::string& path) {
    auto db = ok(sqlite_database::open(path));
    schema_set out;
    for (const auto& name : table_names) {
        if (name != "ext") {
            ok(out.add(ok(read_model_schema(db, name))));
            continue;
        }
        model_schema m;
        m.name = "ext";
        m.fields = {field_schema{"n", value_kind::integer, false, nullptr}, field_schema{"v", value_kind::text, true, nullptr}};
        ok(out.add(m));
    }
    return out;
}

void fuzz(std::uint32_t seed, bool by_program) {
    const scratch dir;
    const std::string path = dir.file();
    statements random{seed};
    std::string setup{"PRAGMA synchronous = OFF;\n"};
    setup.append("PRAGMA recursive_triggers = ").append(std::to_string(seed % 2)).append(";\n");
    setup.append("PRAGMA foreign_keys = ").append(std::to_string(seed / 2 % 2)).append(";\n");
    const std::string app = app_triggers[seed / 4 % std::size(app_triggers)];
    const bool app_first = seed / 20 % 2 == 0;
    {
        stranger s{path};
        s.run(tables_sql);
        if (app_first) s.run(app);
    }
    auto store = open_store(path, models_for_fuzz(path));
    stranger other{path};
    if (!app_first) other.run(app);
    other.run(setup);
    for (int round = 0; round < 4; ++round) {
        std::string script = random.script(12);
        if (by_program) {
            const std::string file = dir.file("script.sql");
            std::FILE* f = std::fopen(file.c_str(), "w");
            REQUIRE(f != nullptr);
            std::fputs(setup.c_str(), f);
            std::fputs(script.c_str(), f);
            std::fclose(f);
            std::string command{"sqlite3 '"};
            command.append(path).append("' < '").append(file).append("' > /dev/null 2>&1");
            (void)std::system(command.c_str());  // refused statements are part of it
        } else {
            std::size_t from = 0;
            while (from < script.size()) {
                const std::size_t end = script.find(";\n", from);
                (void)other.attempt(script.substr(from, end - from));
                from = end + 2;
            }
            if (other.db().in_transaction()) other.run("COMMIT");
        }
        (void)seal_now(store);
        const std::string missed = joined(unsealed(store, other));
        if (!missed.empty()) {
            CAPTURE(seed, round, by_program, setup, app, app_first, script, missed);
            FAIL("records changed and were not staged");
        }
    }
    CHECK(other.number("SELECT count(*) FROM syncline_authority_stage") == 0);
}

}  // namespace

TEST_CASE("authority capture: whatever SQL another connection runs, every record that differs afterwards was staged") {
    const auto seeds = test_support::tenth_if_slow<std::uint32_t>(240);
    for (std::uint32_t seed = 0; seed < seeds; ++seed) fuzz(seed, false);
}

TEST_CASE("authority capture: whatever SQL the stock sqlite3 program runs, every record that differs afterwards was staged") {
    REQUIRE(std::system("sqlite3 --version > /dev/null 2>&1") == 0);  // the program is part of what the tests need
    for (std::uint32_t seed = 1000; seed < 1040; ++seed) fuzz(seed, true);
}

TEST_CASE("authority capture: records are named once, in the order in which they were first touched") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT)");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    other.run("INSERT INTO task VALUES('b','1'),('a','1'); UPDATE task SET title = '2'; INSERT INTO task VALUES('c','1'); DELETE FROM task WHERE id = 'b'");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "b"}, {0, "a"}, {0, "c"}});
}

TEST_CASE("authority capture: a row that REPLACE removes by another unique index on the key is named") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, v); CREATE UNIQUE INDEX folded ON task(id COLLATE NOCASE)");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    other.run("INSERT INTO task VALUES('a','1')");
    (void)seal_now(store);
    other.run("REPLACE INTO task VALUES('A','2')");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "A"}, {0, "a"}});
    other.run("INSERT INTO task VALUES('b','3')");
    (void)seal_now(store);
    other.run("UPDATE OR REPLACE task SET id = 'B' WHERE id = 'A'");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "A"}, {0, "B"}, {0, "b"}});
}

TEST_CASE("authority capture: a row that UPDATE OR REPLACE removes by a generated column is named") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, b TEXT, g TEXT AS (a || b) UNIQUE)");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    other.run("INSERT INTO task(id,a,b) VALUES('1','p','x'),('2','q','x')");
    (void)seal_now(store);
    other.run("UPDATE OR REPLACE task SET a = 'q' WHERE id = '1'");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "1"}, {0, "2"}});
}

TEST_CASE("authority capture: a row that UPDATE OR REPLACE removes by a change of case alone is named") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, slug TEXT COLLATE NOCASE); CREATE UNIQUE INDEX exact ON task(slug COLLATE BINARY)");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    other.run("INSERT INTO task VALUES('a','x'),('b','X')");
    (void)seal_now(store);
    other.run("UPDATE OR REPLACE task SET slug = 'X' WHERE id = 'a'");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "a"}, {0, "b"}});
}

TEST_CASE("authority capture: owners that differ by case alone are told apart") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, own TEXT NOT NULL COLLATE NOCASE)");
    sqlite_authority_options options;
    options.owner_column = "own";
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}, "own"), options);
    other.run("INSERT INTO task VALUES('k','1','A')");
    CHECK(seal_now(store, "A") == 1);
    other.run("REPLACE INTO task VALUES('k','2','a')");
    CHECK(staged_now(store, "A") == std::vector<record_key>{{0, "k"}});
    CHECK(staged_now(store, "a") == std::vector<record_key>{{0, "k"}});
}

TEST_CASE("authority capture: a key that is a default which comes out differently each time is named") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT NOT NULL DEFAULT (hex(randomblob(8))) PRIMARY KEY, v)");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    const auto key = [&] { return ok(other.db().query_text("SELECT id FROM task")); };
    other.run("INSERT OR REPLACE INTO task VALUES(NULL,'1')");
    CHECK(seal_now(store) == 1);
    const std::string old = key();
    other.run("UPDATE OR REPLACE task SET id = NULL");
    CHECK(seal_now(store) == 2);
    auto t = ok(store.begin("main", access::snapshot));
    CHECK_FALSE(ok(t.sealed({0, old}))->row);
    CHECK(ok(t.sealed({0, key()}))->row == texts({"1"}));
}

TEST_CASE("authority capture: a cascade names the children as well") {
    const scratch dir;
    stranger other{dir.file()};
    other.run(tables_sql);
    auto store = open_store(dir.file(), models_of(dir.file(), {"task", "child"}));
    other.run("INSERT INTO task(id) VALUES('p'); INSERT INTO child VALUES('c','p','n')");
    (void)seal_now(store);
    other.run("PRAGMA foreign_keys = ON; DELETE FROM task WHERE id = 'p'");
    CHECK(staged_now(store) == std::vector<record_key>{{0, "p"}, {1, "c"}});
}

TEST_CASE("authority capture: a table that was rebuilt without its triggers is captured again and compared whole") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT); INSERT INTO task VALUES('a','1'),('b','1'),('c','1')");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    CHECK(seal_now(store) == 3);
    const std::string rebuild =
        "BEGIN; CREATE TABLE fresh(id TEXT PRIMARY KEY, title TEXT); INSERT INTO fresh SELECT * FROM task; DROP TABLE task; ALTER TABLE fresh "
        "RENAME TO task; COMMIT;";
    SECTION("while the store is open") {
        other.run(rebuild + "UPDATE task SET title = '2' WHERE id = 'a'; DELETE FROM task WHERE id = 'b'");
        CHECK(seal_now(store) == 2);
        other.run("UPDATE task SET title = '3' WHERE id = 'c'");
        CHECK(staged_now(store) == std::vector<record_key>{{0, "c"}});
    }
    SECTION("before the store is opened again") {
        other.run(rebuild + "UPDATE task SET title = '2' WHERE id = 'a'; DELETE FROM task WHERE id = 'b'");
        auto again = open_store(dir.file(), models_of(dir.file(), {"task"}));
        CHECK(seal_now(again) == 2);
        CHECK(seal_now(again) == 0);
    }
    SECTION("by a transaction that is rolled back after the triggers were put back") {
        other.run(rebuild);
        { auto t = ok(store.begin("main", access::write)); }
        other.run("CREATE TABLE unrelated(x)");
        other.run("UPDATE task SET title = '2' WHERE id = 'a'");
        CHECK(seal_now(store) == 1);
        other.run("UPDATE task SET title = '3' WHERE id = 'a'");
        CHECK(seal_now(store) == 1);
    }
}

TEST_CASE("authority capture: opening again with everything in place stages nothing and changes nothing") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT); INSERT INTO task VALUES('a','1')");
    {
        auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
        CHECK(seal_now(store) == 1);
    }
    const auto before = other.number("PRAGMA schema_version");
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
    CHECK(other.number("PRAGMA schema_version") == before);
    CHECK(staged_now(store).empty());
}

TEST_CASE("authority capture: a model that leaves and comes back is compared whole") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT); CREATE TABLE note(id TEXT PRIMARY KEY, title TEXT)");
    other.run("INSERT INTO task VALUES('a','1'); INSERT INTO note VALUES('a','1')");
    {
        auto store = open_store(dir.file(), models_of(dir.file(), {"task", "note"}));
        CHECK(seal_now(store) == 2);
    }
    {
        auto store = open_store(dir.file(), models_of(dir.file(), {"note"}));
        other.run("UPDATE task SET title = '2'; UPDATE note SET title = '2'");
        CHECK(seal_now(store) == 1);
    }
    auto store = open_store(dir.file(), models_of(dir.file(), {"note", "task"}));
    CHECK(seal_now(store) == 1);
    auto t = ok(store.begin("main", access::snapshot));
    CHECK(ok(t.sealed({1, "a"}))->row == texts({"2"}));
    CHECK(ok(t.latest_after(0, 10)).size() == 2);
}

TEST_CASE("authority capture: names full of quotes and spaces are captured") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE \"my \"\"odd'' table\"(\"the key\" TEXT PRIMARY KEY, \"select\" TEXT UNIQUE, \"o'wn\" TEXT NOT NULL)");
    sqlite_authority_options options;
    options.owner_column = "o'wn";
    auto store = open_store(dir.file(), models_of(dir.file(), {"my \"odd'' table"}, "o'wn"), options);
    other.run("INSERT INTO \"my \"\"odd'' table\" VALUES('a','x','t1')");
    CHECK(staged_now(store, "t1") == std::vector<record_key>{{0, "a"}});
    CHECK_FALSE(other.attempt("UPDATE \"my \"\"odd'' table\" SET \"o'wn\" = 't2'"));
    auto t = ok(store.begin("t1", access::write));
    ok(t.write({0, "b"}, texts({"y"})));
    CHECK(ok(t.current({0, "b"})) == texts({"y"}));
}

TEST_CASE("authority capture: detaching leaves the app's tables as they were, and a column can be dropped") {
    const scratch dir;
    stranger other{dir.file()};
    other.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, spare TEXT UNIQUE)");
    { auto store = open_store(dir.file(), models_of(dir.file(), {"task"})); }
    ok(detach_sqlite_authority(other.db(), true));
    CHECK(other.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == 0);
    other.run("INSERT INTO task VALUES('a','1','2')");
}

}  // namespace authority_capture_test
