// Soft deletes on a device: a row whose deletion column is set is no row, whoever set it.

#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/storage/write_time.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include "support/environment.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/replica_contract_tables.hpp"
#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace soft_delete_device_test {

using namespace replica_fixture;

namespace {

constexpr const char* task = "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE, title TEXT, made INTEGER, touched INTEGER, gone DATETIME);";
const record_key a{0, "a"};

app_times times() { return {time_column{"made", time_form::milliseconds}, time_column{"touched"}, time_column{"gone"}}; }

model_schema model_of(sqlite_database& db, const std::string& table, const app_times& of) { return must(read_model_schema(db, table, of)); }

// A device over `task` that knows the authority's row `a`.
struct known_row : device {
    known_row() : device(task) {
        open({model_of(app, "task", times())});
        now = from_microseconds(1'700'000'000'000'000);
        take({{a, 1, texts({"s", "one"}), {}}});
    }
    std::string columns() { return ask("SELECT group_concat(id||' '||ifnull(title,'-')||' '||ifnull(made,'-')||' '||ifnull(touched,'-')||' '||ifnull(gone,'-')) FROM task"); }
};

std::string pick(seeded_random& r, const std::vector<std::string>& from) { return from[static_cast<std::size_t>(r.below(from.size()))]; }

// Statements of an app with soft deletes and with deletes, that also replaces rows, moves keys and leaves work to triggers.
std::string random_statement(seeded_random& r) {
    const auto id = [&] { return pick(r, {"'a'", "'b'", "'c'", "'d'"}); };
    const auto slug = [&] { return pick(r, {"NULL", "'s1'", "'s2'", "'s3'"}); };
    const auto title = [&] { return pick(r, {"NULL", "'x'", "'y'", "'z'"}); };
    const auto gone = [&] { return pick(r, {"NULL", "NULL", "'2026-01-01'", "'2026-01-02'"}); };
    const std::string policy = pick(r, {"", "", "OR REPLACE ", "OR IGNORE "});
    switch (r.below(12)) {
    case 0: return "INSERT " + policy + "INTO task(id,slug,title,gone) VALUES(" + id() + "," + slug() + "," + title() + "," + gone() + ")";
    case 1: return "INSERT INTO task(id,slug,title) VALUES(" + id() + "," + slug() + "," + title() + ") ON CONFLICT(id) DO UPDATE SET title=excluded.title,gone=" + gone();
    case 2: return "UPDATE task SET gone='now' WHERE gone IS NULL AND id=" + id();
    case 3: return "UPDATE task SET gone=NULL WHERE id=" + id();
    case 4: return "UPDATE " + policy + "task SET gone=" + gone() + ",title=" + title() + ",slug=" + slug() + " WHERE id=" + id();
    case 5: return "UPDATE " + policy + "task SET title=" + title() + ",touched=1 WHERE id>=" + id();
    case 6: return "UPDATE " + policy + "task SET id=" + id() + ",gone=" + gone() + " WHERE id=" + id();
    case 7: return "UPDATE " + policy + "task SET id=" + id() + " WHERE id=" + id();
    case 8: return "DELETE FROM task WHERE id=" + id();
    case 9: return "DELETE FROM task WHERE gone IS NOT NULL";
    case 10: return "UPDATE " + policy + "task SET slug=" + slug() + " WHERE id=" + id();
    default: return "REPLACE INTO task(id,slug,title,gone) VALUES(" + id() + "," + slug() + "," + title() + "," + gone() + ")";
    }
}

using rows = std::map<std::string, record>;
rows live(sqlite_database& db) {
    auto s = must(db.prepare("SELECT id,slug,title FROM task WHERE gone IS NULL"));
    rows out;
    while (must(s.step())) out.emplace(std::string{s.column_text(0)}, record{{read_sqlite_value(s, 1, value_kind::text), read_sqlite_value(s, 2, value_kind::text)}});
    return out;
}

}  // namespace

TEST_CASE("soft delete on a device: keeps the replica store's contract") {
    testing::report r;
    testing::check_replica_store(r, [] { return contract_tables<true, false>{}; });
    store_contract::passed(r);
}

TEST_CASE("soft delete on a device: net edits undone give the rows that were there, whatever SQL the app ran") {
    const auto seeds = test_support::tenth_if_slow<std::uint64_t>(400);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        seeded_random r{seed};
        const scratch_folder dir;
        auto app = connect(dir.file());
        must(app.execute(task));
        if (r.chance(1, 2)) must(app.execute("CREATE TRIGGER app_gone AFTER UPDATE OF gone ON task WHEN NEW.gone='2026-01-01' BEGIN UPDATE task SET title='by trigger' WHERE id=NEW.id; END"));
        if (r.chance(1, 3)) must(app.execute("CREATE TRIGGER app_purge AFTER UPDATE OF title ON task WHEN NEW.title='z' AND OLD.id='c' BEGIN UPDATE task SET gone='by trigger' WHERE id=NEW.id; END"));
        auto store = must(sqlite_replica_store::open(dir.file(), std::vector<model_schema>{model_of(app, "task", times())}, quick()));
        must(app.execute(r.chance(1, 2) ? "PRAGMA recursive_triggers=ON" : "PRAGMA recursive_triggers=OFF"));
        for (int round = 0; round < 4; ++round) {
            const rows before = live(app);
            std::string trace;
            for (std::size_t i = r.below(8); i < 8; ++i) {
                const std::string sql = random_statement(r);
                const bool ran = app.execute(sql).has_value();
                trace.append(sql).append(ran ? "\n" : "  -- refused\n");
            }
            CAPTURE(round, trace);
            auto t = must(store.begin());
            rows undone = live(app);
            std::set<record_key> once;
            for (const auto& e : must(t.take_captured())) {
                CAPTURE(e.key.key);
                CHECK(once.insert(e.key).second);
                const auto now = undone.find(e.key.key);
                CHECK(must(t.visible(e.key)) == (now == undone.end() ? std::optional<record>{} : std::optional<record>{now->second}));
                if (now != undone.end()) undone.erase(now);
                if (e.before) undone.emplace(e.key.key, *e.before);
            }
            REQUIRE((undone == before));
            must(t.commit());
        }
    }
}

TEST_CASE("soft delete on a device: what the app does to its column is an erase and a restore, and what it does to the trash is nothing") {
    known_row d;
    d.sql("UPDATE task SET gone='x' WHERE id='a'");
    CHECK(d.absorb() == 1);
    REQUIRE(d.open_intent(a));
    CHECK(d.open_intent(a)->op == operation::erase);
    CHECK(d.open_intent(a)->before == texts({"s", "one"}));
    CHECK_FALSE(d.row(a));
    d.sql("UPDATE task SET gone='y', title='in the trash' WHERE id='a'; UPDATE task SET slug='t' WHERE id='a'");
    CHECK(d.absorb() == 0);
    d.sql("UPDATE task SET gone=NULL WHERE id='a'");
    CHECK(d.absorb() == 1);
    REQUIRE(d.open_intent(a));
    CHECK(d.open_intent(a)->op == operation::update);
    CHECK(d.row(a) == texts({"t", "in the trash"}));
    d.sql("UPDATE task SET gone='x' WHERE id='a'; DELETE FROM task");
    CHECK(d.absorb() == 1);
    CHECK(d.open_intent(a)->op == operation::erase);
    d.sql("INSERT INTO task(id,gone) VALUES('b','x'); DELETE FROM task WHERE id='b'; INSERT INTO task(id,gone) VALUES('a','x'); UPDATE task SET id='c'");
    CHECK(d.absorb() == 0);
    CHECK(d.status().counts.open == 1);
}

TEST_CASE("soft delete on a device: applying sets the column and the times, and a row that comes back is the same row") {
    known_row d;
    CHECK(d.columns() == "a one 1700000000000 1700000000 -");
    d.now += std::chrono::seconds{5};
    d.take({{a, 2, std::nullopt, {}}});
    CHECK(d.columns() == "a one 1700000000000 1700000005 2023-11-14 22:13:25");
    CHECK_FALSE(d.row(a));
    CHECK(d.base(a).version == 2);
    d.now += std::chrono::seconds{5};
    d.take({{a, 3, texts({"s", "again"}), {}}});
    CHECK(d.columns() == "a again 1700000000000 1700000010 -");
    d.now += std::chrono::seconds{5};
    d.take({{a, 4, texts({"s", "again"}), {}}});  // the same row: nothing was written
    CHECK(d.columns() == "a again 1700000000000 1700000010 -");
    CHECK(d.absorb() == 0);
    CHECK(d.status().counts.open == 0);
}

TEST_CASE("soft delete on a device: a row under a parent that is to go is put out of sight and comes back") {
    device d{"CREATE TABLE p(id TEXT PRIMARY KEY NOT NULL, v TEXT); CREATE TABLE c(id TEXT PRIMARY KEY NOT NULL, p TEXT REFERENCES p(id) ON DELETE CASCADE, gone DATETIME)"};
    app_times soft;
    soft.deleted_at = "gone";
    d.open({model_of(d.app, "p", {}), model_of(d.app, "c", soft)});
    const record_key p{0, "p"}, c{1, "c"};
    d.take({{p, 1, texts({"v"}), {}}});
    d.sql("DELETE FROM p");
    CHECK(d.absorb() == 1);
    d.take({{c, 2, texts({"p"}), {}}});
    CHECK_FALSE(d.row(c));
    CHECK(d.ask("SELECT count(*) FROM c WHERE gone IS NULL") == "0");
    d.sql("INSERT INTO p VALUES('p','v')");
    CHECK(d.absorb() == 1);
    CHECK(d.row(c) == texts({"p"}));
    CHECK(d.ask("SELECT count(*) FROM c WHERE gone IS NULL") == "1");
    CHECK_FALSE(d.open_intent(c));
}

TEST_CASE("soft delete on a device: rows in the trash are not sent when the store is attached") {
    device d{std::string{task} + "INSERT INTO task(id,title) VALUES('a','here'); INSERT INTO task(id,title,gone) VALUES('b','there','x')"};
    d.open({model_of(d.app, "task", times())});
    CHECK(d.status().counts.open == 1);
    CHECK(d.open_intent(a));
    CHECK(d.ask("SELECT gone FROM task WHERE id='b'") == "x");
}

TEST_CASE("soft delete on a device: a table that is synced so from now on has what lies in the trash erased, and was not emptied") {
    device d{task};
    auto plain = model_of(d.app, "task", {});
    plain.fields = {{"slug", value_kind::text, true, nullptr}, {"title", value_kind::text, true, nullptr}};
    d.open({plain});
    d.take({{a, 1, texts({"s", "one"}), {}}});
    d.sql("UPDATE task SET gone='x'");
    CHECK(d.absorb() == 0);
    d.close();
    plain.times = times();
    d.open({plain});
    REQUIRE(d.open_intent(a));
    CHECK(d.open_intent(a)->op == operation::erase);
    CHECK_FALSE(d.row(a));
    CHECK(d.ask("SELECT gone FROM task") == "x");
    // And back: what lies in the trash is there again.
    d.close();
    plain.times = {};
    d.open({plain});
    CHECK(d.row(a));
    CHECK_FALSE((d.open_intent(a) && d.open_intent(a)->op == operation::erase));
}

TEST_CASE("soft delete on a device: a row in the trash keeps no row out, and goes for good only where it would") {
    device d{"CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, slug TEXT COLLATE NOCASE UNIQUE, x TEXT, y TEXT, must TEXT NOT NULL, gone DATETIME, UNIQUE(x,y));"};
    app_times soft;
    soft.deleted_at = "gone";
    d.open({model_of(d.app, "task", soft)});
    d.take({{a, 1, texts({"s", "x", "y", "m"}), {}}, {{0, "b"}, 1, texts({"t", "x", "z", "m"}), {}}, {{0, "c"}, 1, texts({"u", "p", "q", "m"}), {}}});
    d.sql("UPDATE task SET gone='x' WHERE id IN('a','b')");
    CHECK(d.absorb() == 2);
    // Refused for another reason: nothing is lost.
    CHECK(d.take({{{0, "e"}, 2, texts({"S", "n", "n", ""}), {}}}).quarantined == 1);
    CHECK(d.ask("SELECT group_concat(id) FROM task WHERE gone IS NOT NULL") == "a,b");
    // A live row stands in the way as before.
    CHECK(d.take({{{0, "f"}, 3, texts({"T", "p", "q", "m"}), {}}}).quarantined == 1);
    CHECK(d.ask("SELECT group_concat(id) FROM task WHERE gone IS NOT NULL") == "a,b");
    CHECK(d.take({{{0, "g"}, 4, texts({"S", "x", "other", "m"}), {}}}).quarantined == 0);
    CHECK(d.ask("SELECT group_concat(id) FROM task WHERE gone IS NOT NULL") == "b");
    CHECK(d.take({{{0, "h"}, 5, texts({"v", "x", "z", "m"}), {}}}).quarantined == 0);
    CHECK(d.ask("SELECT group_concat(id) FROM (SELECT id FROM task ORDER BY id)") == "c,g,h");
    CHECK(d.absorb() == 0);
    REQUIRE(d.open_intent(a));
    CHECK(d.open_intent(a)->op == operation::erase);
}

TEST_CASE("soft delete on a device: an erase at no time is refused, and one of a model without the column needs none") {
    device d{std::string{task} + "CREATE TABLE plain(id TEXT PRIMARY KEY NOT NULL, v TEXT)"};
    d.open({model_of(d.app, "task", times()), model_of(d.app, "plain", {})});
    auto t = must(d.store().begin());
    must(t.write(a, texts({"s", "one"})));
    const auto erased = t.erase(a);
    REQUIRE_FALSE(erased.has_value());
    CHECK(erased.error().code == errc::bug);
    CHECK(must(t.visible(a)));
    CHECK(t.erase({1, "a"}).has_value());
    t.tell_time(d.now);
    must(t.erase(a));
    CHECK_FALSE(must(t.visible(a)));
    must(t.commit());
    // The time of one transaction is not that of the next.
    auto next = must(d.store().begin());
    CHECK_FALSE(next.erase(a).has_value());
}

TEST_CASE("soft delete on a device: tables opened by name take the columns from the options") {
    device d{task};
    sqlite_replica_options o = quick();
    o.times = times();
    auto store = must(sqlite_replica_store::open(d.dir.file(), std::vector<std::string>{"task"}, o));
    CHECK(store.schemas()[0].fields.size() == 2);
    CHECK(store.schemas()[0].times == times());
}

}  // namespace soft_delete_device_test
