#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_conformance.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/authority_contract_tables.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace authority_store_test {

using namespace syncline;
using namespace authority_fixture;

static_assert(authority_store<sqlite_authority_store>);

namespace {

constexpr auto all = (std::numeric_limits<std::size_t>::max)();

// One small table, one tenant.
struct one_table {
    explicit one_table(const std::string& sql = "CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT)", const std::vector<std::string>& names = {"task"})
        : app(dir.file()) {
        app.run(sql);
        store.emplace(open_store(dir.file(), models_of(dir.file(), names)));
    }
    scratch dir;
    stranger app;
    std::optional<sqlite_authority_store> store;
};

// What of the bookkeeping and of the tables must always agree.
void check_whole(stranger& app, const std::string& table) {
    CHECK(ok(app.db().query_text("PRAGMA integrity_check")) == "ok");
    CHECK(app.number("SELECT count(*) FROM syncline_authority_rows r WHERE NOT EXISTS (SELECT 1 FROM syncline_authority_changes c WHERE c.id = r.change "
                     "AND c.seq = r.version AND c.stamp = r.stamp AND c.key = r.key AND (c.image IS NULL) = r.deleted)") == 0);
    CHECK(app.number("SELECT count(*) FROM syncline_authority_bundles b WHERE row_count <> (SELECT count(*) FROM syncline_authority_changes c WHERE "
                     "c.tenant = b.tenant AND c.seq = b.seq)") == 0);
    CHECK(app.number("SELECT count(*) FROM " + table + " t WHERE NOT EXISTS (SELECT 1 FROM syncline_authority_rows r WHERE r.key = t.id AND deleted = 0) "
                     "AND NOT EXISTS (SELECT 1 FROM syncline_authority_stage s WHERE s.key = t.id)") == 0);
}

}  // namespace

TEST_CASE("sqlite authority store: keeps the authority store's contract on files, with an owner column") {
    testing::report r;
    testing::check_authority_store(r, [] { return contract_tables<false, false>{}; });
    store_contract::passed(r);
}

TEST_CASE("sqlite authority store: a store opened on tables with rows has all of them staged, parents first") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE child(id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent(id)); CREATE TABLE parent(id TEXT PRIMARY KEY)");
    app.run("INSERT INTO parent VALUES('p'); INSERT INTO child VALUES(7,'p'),(-3,'p')");
    auto store = open_store(dir.file(), models_of(dir.file(), {"child", "parent"}));
    CHECK(staged_now(store) == std::vector<record_key>{{1, "p"}, {0, "-3"}, {0, "7"}});
    CHECK(seal_now(store) == 3);
    CHECK(staged_now(store).empty());
}

TEST_CASE("sqlite authority store: a write inside an open write of another connection is busy, and a snapshot never is") {
    one_table w;
    auto t = ok(w.store->begin("main", access::write));
    ok(t.write({0, "a"}, texts({"1"})));
    const auto second = w.store->begin("main", access::write);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::busy);
    std::vector<sqlite_authority_store::transaction> readers;
    for (int i = 0; i < 10; ++i) readers.push_back(ok(w.store->begin("main", access::snapshot)));
    ok(t.commit());
    for (auto& r : readers) CHECK_FALSE(ok(r.current({0, "a"})));
    w.app.run("BEGIN IMMEDIATE");
    CHECK(w.store->begin("main", access::write).error().code == errc::busy);
    auto reader = ok(w.store->begin("main", access::snapshot));
    CHECK(ok(reader.current({0, "a"})) == texts({"1"}));
    w.app.run("COMMIT");
}

TEST_CASE("sqlite authority store: two writing connections and an open snapshot do not disturb each other") {
    one_table w;
    w.app.run("INSERT INTO task VALUES('a','0')");
    (void)seal_now(*w.store);
    auto before = ok(w.store->begin("main", access::snapshot));
    for (int i = 1; i <= 20; ++i) {
        w.app.run("UPDATE task SET title = '" + std::to_string(i) + "' WHERE id = 'a'");
        CHECK(seal_now(*w.store) == (i == 1 ? 1 : 2));
        auto t = ok(w.store->begin("main", access::write));
        ok(t.write({0, "b"}, texts({std::to_string(i)})));
        ok(t.commit());
        CHECK(ok(before.current({0, "a"})) == texts({"0"}));
        CHECK(ok(before.head()).seq == 1);
        CHECK_FALSE(ok(before.has_staged()));
    }
    check_whole(w.app, "task");
}

TEST_CASE("sqlite authority store: a transaction may outlive its store") {
    one_table w;
    auto t = ok(w.store->begin("main", access::write));
    w.store.reset();
    ok(t.write({0, "a"}, texts({"1"})));
    ok(t.commit());
    CHECK(w.app.number("SELECT count(*) FROM task") == 1);
}

TEST_CASE("sqlite authority store: a process that is killed in the middle of a transaction leaves nothing half done") {
    one_table w;
    w.app.run("INSERT INTO task VALUES('a','0')");
    (void)seal_now(*w.store);
    const std::string path = w.dir.file();
    for (int stop = 0; stop < 7; ++stop) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            // Nothing of the parent's connections may be touched here: this process has its own.
            auto store = sqlite_authority_store::open(path, w.store->schemas());
            const auto halt = [&](int at) {
                if (at != stop) return;
                (void)!::write(ready[1], "x", 1);
                for (;;) ::pause();
            };
            if (store) {
                auto t = store->begin("main", access::write);
                if (t) {
                    halt(0);
                    (void)t->write({0, "a"}, texts({"half"}));
                    halt(1);
                    for (int i = 0; i < 300; ++i) (void)t->write({0, "n" + std::to_string(i)}, texts({std::string(500, 'x')}));
                    halt(2);
                    (void)seal(*t, store->schemas(), bundle_source{}, {}, timestamp{});
                    halt(3);
                    (void)t->put_bundle_receipt(bundle_receipt{"dev", 1, 2, "h", 1});
                    halt(4);
                    (void)t->prune(2);
                    halt(5);
                    if (stop == 6) (void)t->commit();
                    halt(6);
                }
            }
            ::_exit(1);
        }
        char byte = 0;
        CHECK(::read(ready[0], &byte, 1) == 1);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        ::close(ready[0]);
        ::close(ready[1]);
        INFO("killed at step " << stop);
        check_whole(w.app, "task");
        auto t = ok(w.store->begin("main", access::write));
        const bool committed = stop == 6;
        CHECK(ok(t.current({0, "a"})) == texts({committed ? "half" : "0"}));
        CHECK(ok(t.head()).seq == (committed ? 2 : 1));
        CHECK(ok(t.head()).floor_seq == (committed ? 2 : 0));
        CHECK(ok(t.find_bundle_receipt("dev", 1)).has_value() == committed);
        CHECK(ok(t.latest_after(0, all)).size() == (committed ? 301 : 1));
        CHECK_FALSE(ok(t.has_staged()));
    }
}

TEST_CASE("sqlite authority store: a refused write names the constraint, the model and the key") {
    one_table w{"CREATE TABLE parent(id TEXT PRIMARY KEY);"
                "CREATE TABLE task(id TEXT PRIMARY KEY, n INTEGER CONSTRAINT small_n CHECK(n < 10), u TEXT UNIQUE, parent TEXT REFERENCES parent(id));"
                "CREATE TABLE loose(id TEXT PRIMARY KEY, parent TEXT REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED);"
                "CREATE TRIGGER app_no BEFORE INSERT ON parent WHEN NEW.id = 'no' BEGIN SELECT RAISE(ABORT, 'never no'); END;"
                "CREATE TRIGGER app_skip BEFORE INSERT ON parent WHEN NEW.id = 'skip' BEGIN SELECT RAISE(IGNORE); END;"
                "CREATE TRIGGER app_fail AFTER INSERT ON parent WHEN NEW.id = 'fail' BEGIN SELECT RAISE(FAIL, 'half'); END;"
                "CREATE TRIGGER app_end AFTER INSERT ON parent WHEN NEW.id = 'end' BEGIN SELECT RAISE(ROLLBACK, 'all'); END;",
                {"parent", "task", "loose"}};
    auto t = ok(w.store->begin("main", access::write));
    const auto row = [](std::int64_t n, value u, value parent) { return record{{value::integer(n), std::move(u), std::move(parent)}}; };
    const auto refused = [&](const result<void>& r, const std::vector<std::string>& words) {
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::constraint);
        for (const auto& word : words) {
            INFO(r.error().detail << " lacks " << word);
            CHECK(r.error().detail.find(word) != std::string::npos);
        }
    };
    ok(t.write({0, "p"}, record{}));
    ok(t.write({1, "a"}, row(1, value::text("u"), value::text("p"))));
    ok(t.write({2, "l"}, record{{value::text("p")}}));
    (void)ok(t.take_staged());
    refused(t.write({1, "b"}, row(10, {}, {})), {"small_n", "task", "`b`"});
    refused(t.write({1, "b"}, row(1, value::text("u"), {})), {"task.u", "`b`"});
    refused(t.write({1, "b"}, row(1, {}, value::text("q"))), {"FOREIGN KEY", "task", "`b`", "does not exist"});
    refused(t.write({1, "a"}, row(1, {}, value::text("q"))), {"FOREIGN KEY", "task", "`a`"});
    refused(t.erase({0, "p"}), {"FOREIGN KEY", "parent", "`p`", "still refers"});
    refused(t.write({0, "no"}, record{}), {"never no"});
    refused(t.write({0, "skip"}, record{}), {"trigger"});
    refused(t.write({0, "fail"}, record{}), {"half"});
    CHECK_FALSE(ok(t.has_staged()));
    CHECK_FALSE(ok(t.current({0, "fail"})));

    // The same inside a mutation, as its first write and behind another, which stays.
    for (const bool behind : {false, true}) {
        CAPTURE(behind);
        ok(t.savepoint());
        if (behind) ok(t.write({0, "other"}, record{}));
        refused(t.write({0, "fail"}, record{}), {"half"});
        CHECK_FALSE(ok(t.current({0, "fail"})));
        CHECK(ok(t.current({0, "other"})).has_value() == behind);
        refused(t.write({1, "b"}, row(1, value::text("u"), {})), {"task.u"});
        ok(t.write({0, "more"}, record{}));
        ok(t.rollback_to_savepoint());
        CHECK_FALSE(ok(t.current({0, "more"})));
        CHECK_FALSE(ok(t.current({0, "other"})));
        CHECK_FALSE(ok(t.has_staged()));
    }

    // A deferred key is judged with the mutation it belongs to; outside of one, with the whole.
    ok(t.savepoint());
    refused(t.write({2, "m"}, record{{value::text("q")}}), {"FOREIGN KEY", "loose", "`m`"});
    ok(t.rollback_to_savepoint());
    ok(t.write({2, "m"}, record{{value::text("q")}}));
    ok(t.write({0, "q"}, record{}));
    ok(t.commit());
    CHECK(w.app.number("SELECT count(*) FROM loose") == 2);

    auto late = ok(w.store->begin("main", access::write));
    ok(late.write({2, "n"}, record{{value::text("never")}}));
    CHECK(late.commit().error().code == errc::constraint);
    CHECK(w.app.number("SELECT count(*) FROM loose") == 2);

    auto ended = ok(w.store->begin("main", access::write));
    CHECK(ended.write({0, "end"}, record{}).error().code == errc::bug);
    CHECK(ended.commit().error().code == errc::bug);
    CHECK(seal_now(*w.store) > 0);
}

TEST_CASE("sqlite authority store: an update is an update to the app's triggers, and columns outside the model keep their values") {
    one_table w{"CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, extra TEXT DEFAULT 'd', slug TEXT UNIQUE ON CONFLICT REPLACE); CREATE TABLE seen(what);"
                "CREATE TRIGGER app_i AFTER INSERT ON task BEGIN INSERT INTO seen VALUES('i'); END;"
                "CREATE TRIGGER app_u AFTER UPDATE ON task BEGIN INSERT INTO seen VALUES('u'); END;",
                {}};
    model_schema m;
    m.name = "task";
    m.fields = {field_schema{"title", value_kind::text, true, nullptr}};
    schema_set models;
    ok(models.add(m));
    auto store = open_store(w.dir.file(), models);
    auto t = ok(store.begin("main", access::write));
    ok(t.write({0, "a"}, texts({"1"})));
    ok(t.commit());
    w.app.run("UPDATE task SET extra = 'mine'; DELETE FROM seen");
    auto u = ok(store.begin("main", access::write));
    ok(u.write({0, "a"}, texts({"2"})));
    ok(u.commit());
    CHECK(ok(w.app.db().query_text("SELECT extra || title FROM task")) == "mine2");
    CHECK(ok(w.app.db().query_text("SELECT group_concat(what) FROM seen")) == "u");
}

TEST_CASE("sqlite authority store: a new row gets the defaults of the columns that nobody named, as SQLite makes them") {
    scratch s;
    stranger app{s.file()};
    app.run("CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL);"
            "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL DEFAULT '7', s TEXT DEFAULT 8, r REAL DEFAULT 1, w TEXT DEFAULT \"word\", "
            "none TEXT, e TEXT DEFAULT (lower('E') || 1), o TEXT DEFAULT 'x' REFERENCES other)");
    auto store = open_store(s.file(), models_of(s.file(), {"other", "t"}));
    auto t = ok(store.begin("main", access::write));
    record row;
    row.fields.resize(7);
    ok(t.fill_defaults(1, row, field_set::first(7)));
    CHECK(row == record{{value::integer(7), value::text("8"), value::real(1), value::text("word"), value{}, value::text("e1"), value{}}});
    row.fields[0] = value::integer(1);
    ok(t.fill_defaults(1, row, {}));
    CHECK(row.fields[0] == value::integer(1));
}

TEST_CASE("sqlite authority store: integer and UUID keys are text to us and the app's own form in the table") {
    one_table w{"CREATE TABLE num(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE bin(id BLOB PRIMARY KEY, v TEXT, n INTEGER REFERENCES num(id) ON DELETE CASCADE)",
                {"num", "bin"}};
    const std::string id = "00112233-4455-6677-8899-aabbccddeeff";
    auto t = ok(w.store->begin("main", access::write));
    ok(t.write({0, "42"}, texts({"n"})));
    ok(t.write({1, id}, record{{value::text("b"), value::integer(42)}}));
    CHECK(ok(t.referencing({0, "42"}, 9)) == std::vector<record_key>{{1, id}});
    CHECK(ok(t.take_staged()) == std::vector<record_key>{{0, "42"}, {1, id}});
    for (const auto& bad : {record_key{0, "042"}, record_key{0, "x"}, record_key{0, ""}, record_key{1, "x"}, record_key{1, "00112233-4455-6677-8899-AABBCCDDEEFF"}}) {
        CHECK_FALSE(ok(t.current(bad)));
        ok(t.erase(bad));
        CHECK(t.write(bad, bad.model == 0 ? texts({"n"}) : record{{value::text("b"), value::null()}}).error().code == errc::invalid_key);
    }
    CHECK_FALSE(ok(t.has_staged()));
    ok(t.commit());
    CHECK(w.app.number("SELECT count(*) FROM num WHERE id = 42") == 1);
    CHECK(w.app.number("SELECT count(*) FROM bin WHERE id = x'00112233445566778899aabbccddeeff'") == 1);
    w.app.run("INSERT INTO num(v) VALUES('auto'); INSERT INTO bin VALUES(x'01','short',NULL),(NULL,'none',NULL)");
    CHECK(staged_now(*w.store) == std::vector<record_key>{{0, "43"}});
}

TEST_CASE("sqlite authority store: an owner cannot be changed, and keys move between tenants only by deletion") {
    contract_tables<false, false> w;
    w.app().run("INSERT INTO project VALUES('t1','a','n',NULL)");
    CHECK_FALSE(w.app().attempt("UPDATE project SET owner = 't2'"));
    CHECK_FALSE(w.app().attempt("UPDATE OR IGNORE project SET owner = 't2'"));
    CHECK_FALSE(w.app().attempt("UPDATE OR REPLACE project SET owner = 't2'"));
    CHECK(seal_now(w.store(), "t1") == 1);
    // REPLACE is a deletion by one tenant and a creation by the other.
    w.app().run("REPLACE INTO project VALUES('t2','a','theirs',NULL)");
    CHECK(staged_now(w.store(), "t1") == std::vector<record_key>{{0, "a"}});
    CHECK(staged_now(w.store(), "t2") == std::vector<record_key>{{0, "a"}});
    CHECK(seal_now(w.store(), "t1") == 1);
    CHECK(seal_now(w.store(), "t2") == 1);
    auto t = ok(w.store().begin("t1", access::write));
    CHECK_FALSE(ok(t.current({0, "a"})));
    CHECK_FALSE(ok(t.sealed({0, "a"}))->row);
    CHECK(t.write({0, "a"}, record{{value::text("x"), value::null()}}).error().code == errc::absent);
    ok(t.erase({0, "a"}));
    CHECK(ok(t.take_staged()).empty());
    ok(t.commit());
    CHECK(w.app().number("SELECT count(*) FROM project WHERE name = 'theirs'") == 1);
}

TEST_CASE("sqlite authority store: an erase whose cascade would reach another tenant's row is refused") {
    contract_tables<false, false> w;
    w.app().run("INSERT INTO project VALUES('t1','p','n',NULL); INSERT INTO task VALUES('t2','c','x',NULL,'p',NULL)");
    auto t = ok(w.store().begin("t1", access::write));
    CHECK(ok(t.referencing({0, "p"}, 9)).empty());
    CHECK(t.erase({0, "p"}).error().code == errc::constraint);
    CHECK(ok(t.current({0, "p"})).has_value());
}

TEST_CASE("sqlite authority store: tenants that are numbers have one spelling") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, account INTEGER NOT NULL); INSERT INTO task VALUES('a','1',12)");
    sqlite_authority_options options;
    options.owner_column = "account";
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}, "account"), options);
    CHECK(seal_now(store, "12") == 1);
    for (const char* other : {"012", "12.0", " 12", "x", ""}) CHECK(store.begin(other, access::write).error().code == errc::invalid_argument);
    auto t = ok(store.begin("13", access::write));
    CHECK_FALSE(ok(t.current({0, "a"})));
    ok(t.write({0, "b"}, texts({"1"})));
    ok(t.commit());
    CHECK(app.number("SELECT account FROM task WHERE id = 'b'") == 13);
}

TEST_CASE("sqlite authority store: what cannot be served is refused by name") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, owner TEXT NOT NULL, maybe TEXT, blob BLOB NOT NULL); CREATE TABLE bare(id TEXT PRIMARY KEY, v TEXT)");
    const auto refused = [&](schema_set models, sqlite_authority_options options, errc code, const std::string& word) {
        const auto r = sqlite_authority_store::open(dir.file(), std::move(models), std::move(options));
        REQUIRE_FALSE(r);
        INFO(r.error().detail);
        CHECK(r.error().code == code);
        CHECK(r.error().detail.find(word) != std::string::npos);
        CHECK(app.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == 0);
    };
    sqlite_authority_options by;
    by.owner_column = "owner";
    refused(models_of(dir.file(), {"bare"}), by, errc::schema_mismatch, "owner");
    refused(models_of(dir.file(), {"task"}), by, errc::invalid_argument, "owner");
    by.owner_column = "maybe";
    refused(models_of(dir.file(), {"task"}, "maybe"), by, errc::unsupported, "NOT NULL");
    by.owner_column = "blob";
    refused(models_of(dir.file(), {"task"}, "blob"), by, errc::unsupported, "TEXT or INTEGER");
    by.owner_column.clear();
    by.owner_columns = {{"task", "owner"}};
    auto both = models_of(dir.file(), {"task", "bare"}, "owner");
    refused(both, by, errc::invalid_argument, "bare");
    sqlite_authority_options nameless;
    nameless.tenant.clear();
    refused(models_of(dir.file(), {"bare"}), nameless, errc::invalid_argument, "tenant");
    auto twice = models_of(dir.file(), {"bare"});
    model_schema again = twice[0];
    again.name = "again";
    again.table = "bare";
    ok(twice.add(again));
    refused(twice, {}, errc::unsupported, "bare");
    CHECK(sqlite_authority_store::open(":memory:", schema_set{}).error().code == errc::unsupported);

    auto store = open_store(dir.file(), models_of(dir.file(), {"bare"}));
    CHECK(store.begin("other", access::write).error().code == errc::invalid_argument);
    app.run("UPDATE syncline_authority_meta SET value = 99 WHERE name = 'format'");
    CHECK(sqlite_authority_store::open(dir.file(), models_of(dir.file(), {"bare"})).error().code == errc::unsupported);
}

TEST_CASE("sqlite authority store: history survives new fields, other orders of fields and other orders of models") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, a TEXT, b TEXT); CREATE TABLE note(id TEXT PRIMARY KEY, t TEXT)");
    app.run("INSERT INTO task VALUES('k','1','2'); INSERT INTO note VALUES('k','n')");
    {
        auto store = open_store(dir.file(), models_of(dir.file(), {"task", "note"}));
        CHECK(seal_now(store) == 2);
        app.run("UPDATE task SET b = '3'");
        CHECK(seal_now(store) == 1);
        auto t = ok(store.begin("main", access::write));
        snapshot_head wanted;
        wanted.id = "s";
        (void)ok(t.make_snapshot(wanted));
        ok(t.put_session(push_session{"up", "p", "dev", 1, 1, 0, {}}));
        receipt r;
        r.id = "m";
        r.key = {0, "k"};
        ok(t.put_receipt("p", r));
        ok(t.commit());
    }
    app.run("ALTER TABLE task ADD COLUMN c TEXT DEFAULT 'new'");
    auto models = schema_set{};
    ok(models.add(models_of(dir.file(), {"note"})[0]));
    auto changed = models_of(dir.file(), {"task"})[0];
    std::swap(changed.fields[0], changed.fields[2]);  // c, b, a
    ok(models.add(changed));
    auto store = open_store(dir.file(), models);
    {
        auto t = ok(store.begin("main", access::snapshot));
        CHECK(ok(t.sealed({1, "k"}))->row == record{{value::null(), value::text("3"), value::text("1")}});
        const auto marks = ok(t.changes_of({1, "k"}, 0));
        REQUIRE(marks.size() == 2);
        field_set b;
        b.insert(1);
        CHECK(marks[1].fields == b);
        const auto rows = ok(t.snapshot_rows("s", 0, all));
        REQUIRE(rows.size() == 2);
        CHECK(rows[0].row == record{{value::null(), value::text("3"), value::text("1")}});
        CHECK(ok(t.find_receipt("p", "m"))->key == record_key{1, "k"});
        CHECK_FALSE(ok(t.find_session("up")));
    }
    CHECK(seal_now(store) == 1);  // the new column's value
    auto t = ok(store.begin("main", access::snapshot));
    CHECK(ok(t.sealed({1, "k"}))->row == texts({"new", "3", "1"}));
}

TEST_CASE("sqlite authority store: another tenancy starts from what the tables hold") {
    const scratch dir;
    stranger app{dir.file()};
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, owner TEXT NOT NULL); INSERT INTO task VALUES('a','1','t1'),('b','1','t2')");
    const auto models = models_of(dir.file(), {"task"}, "owner");
    sqlite_authority_options options;
    {
        auto store = open_store(dir.file(), models_of(dir.file(), {"task"}));
        CHECK(seal_now(store) == 2);
    }
    options.tenant = "other";
    {
        auto store = open_store(dir.file(), models_of(dir.file(), {"task"}), options);
        CHECK(seal_now(store, "other") == 2);
    }
    options.owner_column = "owner";
    auto store = open_store(dir.file(), models, options);
    CHECK(seal_now(store, "t1") == 1);
    CHECK(seal_now(store, "t2") == 1);
}

TEST_CASE("sqlite authority store: pruning and serving use an index and never walk old history") {
    contract_tables<false, false> w;
    const auto plan = [&](const std::string& sql) {
        auto s = ok(w.app().db().prepare("EXPLAIN QUERY PLAN " + sql));
        std::string out;
        while (ok(s.step())) out.append(s.column_text(3)).append("\n");
        return out;
    };
    // The statements as SQLite keeps them, taken from a connection that has run them all.
    std::vector<std::string> statements;
    auto t = ok(w.store().begin("t1", access::write));
    sqlite3* const handle = t.connection().handle();
    t.connection().clear_cache();  // what opening the store ran
    ok(t.write({1, "a"}, store_contract::task_row("1", "s")));
    (void)ok(t.take_staged());
    ok(t.append(testing::storage::bundle_of(ok(t.head()), {{{1, "a"}, store_contract::task_row("1", "s"), "m"}})));
    (void)ok(t.latest_after(0, 9));
    (void)ok(t.bundle_heads(0, 9));
    (void)ok(t.bundle_rows(1, 0, 9));
    (void)ok(t.changes_of({1, "a"}, 0));
    (void)ok(t.sealed({1, "a"}));
    (void)ok(t.current({1, "a"}));
    (void)ok(t.has_staged());
    (void)ok(t.find_receipt("p", "m"));
    ok(t.put_receipt("p", receipt{}));
    (void)ok(t.find_bundle_receipt("s", 1));
    (void)ok(t.last_source_bundle_id("s"));
    ok(t.put_session(push_session{}));
    ok(t.drop_session("x"));
    ok(t.drop_sessions("x", 1));
    (void)ok(t.session_mutations("x"));
    (void)ok(t.make_snapshot(snapshot_head{}));
    (void)ok(t.snapshot_rows("", 0, 9));
    ok(t.prune(1));
    for (sqlite3_stmt* s = sqlite3_next_stmt(handle, nullptr); s != nullptr; s = sqlite3_next_stmt(handle, s)) statements.emplace_back(sqlite3_sql(s));
    ok(t.commit());
    CHECK(statements.size() > 20);
    for (const auto& sql : statements) {
        if (sql.compare(0, 6, "PRAGMA") == 0 || sql.find("sqlite_schema") != std::string::npos) continue;
        const std::string how = plan(sql);
        INFO(sql << "\n" << how);
        for (const char* table : {"SCAN syncline", "SCAN c\n", "SCAN r\n", "SCAN b\n", "SCAN t\n", "SCAN task", "SCAN project", "USE TEMP B-TREE FOR ORDER"})
            CHECK(how.find(table) == std::string::npos);
    }
}

}  // namespace authority_store_test
