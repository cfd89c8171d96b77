// Soft deletes on a server: the whole contract of an authority's store holds where a row in the trash is no row, and what the database would have done to
// the rows that refer to a deleted one is done.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/storage/write_time.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_conformance.hpp>

#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/authority_contract_tables.hpp"
#include "unit/adapters/sqlite/authority_fixture.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace soft_delete_server_test {

using namespace authority_fixture;

namespace {

// Tables read from a file of their own; one tenant.
struct tables {
    explicit tables(const std::string& sql, const std::vector<std::string>& softly, const std::vector<std::string>& plainly = {}) : app(dir.file()) {
        app.run(sql);
        open(softly, plainly);
    }
    void open(const std::vector<std::string>& softly, const std::vector<std::string>& plainly = {}) {
        store.reset();
        schema_set models;
        for (const auto& name : softly) ok(models.add(ok(read_model_schema(app.db(), name, soft()))));
        for (const auto& name : plainly) ok(models.add(ok(read_model_schema(app.db(), name))));
        store.emplace(open_store(dir.file(), std::move(models)));
    }
    result<void> erase(const record_key& k) {
        auto t = ok(store->begin("main", access::write));
        t.tell_time(noon);
        auto done = t.erase(k);
        if (done) ok(t.commit());
        return done;
    }
    std::string ask(const std::string& sql) { return ok(app.db().query_text(sql)); }
    scratch dir;
    stranger app;
    std::optional<sqlite_authority_store> store;
};

}  // namespace

TEST_CASE("soft delete on a server: keeps the authority store's contract, with an owner column and a trash") {
    testing::report r;
    testing::check_authority_store(r, [] { return contract_tables<true, false>{}; });
    store_contract::passed(r);
}

TEST_CASE("soft delete on a server: what refers to a row in the trash goes along, or is let go, as the table's keys say") {
    tables w{"CREATE TABLE p(id TEXT PRIMARY KEY, v TEXT, gone DATETIME, touched INTEGER);"
             "CREATE TABLE c(id TEXT PRIMARY KEY, p TEXT REFERENCES p ON DELETE CASCADE, gone DATETIME, touched INTEGER);"
             "CREATE TABLE g(id TEXT PRIMARY KEY, c TEXT REFERENCES c(id) ON DELETE SET NULL, gone DATETIME, touched INTEGER);"
             "CREATE TABLE h(id TEXT PRIMARY KEY, p TEXT REFERENCES p(id) ON DELETE CASCADE, up TEXT REFERENCES h(id) ON DELETE CASCADE);"
             "INSERT INTO p(id) VALUES('p'),('q'); INSERT INTO c(id,p) VALUES('c1','p'),('c2','p'),('c3','q'); INSERT INTO c(id,p,gone) VALUES('c4','p','before');"
             "INSERT INTO g(id,c) VALUES('g','c1'); INSERT INTO h VALUES('h1','p',NULL),('h2',NULL,'h1'),('h3','q','h3')",
             {"p", "c", "g"},
             {"h"}};
    CHECK(seal_now(*w.store) == 9);  // the row in the trash is none
    ok(w.erase({0, "p"}));
    CHECK(w.ask("SELECT group_concat(id||ifnull(gone,'-')) FROM p") == "p2026-05-02 09:00:00,q-");
    CHECK(w.ask("SELECT group_concat(id||ifnull(gone,'-')) FROM c") == "c12026-05-02 09:00:00,c22026-05-02 09:00:00,c3-,c4before");
    CHECK(w.ask("SELECT ifnull(c,'-')||ifnull(gone,'-')||touched FROM g") == "--1777712400");
    CHECK(w.ask("SELECT group_concat(id) FROM h") == "h3");
    CHECK(seal_now(*w.store) == 6);
    CHECK(w.ask("PRAGMA foreign_key_check") == "");
    ok(w.erase({3, "h3"}));
    ok(w.erase({0, "p"}));
    CHECK(seal_now(*w.store) == 1);
}

TEST_CASE("soft delete on a server: a row that others refer to without an action stays, with all that would have gone along") {
    tables w{"CREATE TABLE p(id TEXT PRIMARY KEY, v TEXT, gone DATETIME, touched INTEGER);"
             "CREATE TABLE c(id TEXT PRIMARY KEY, p TEXT REFERENCES p(id) ON DELETE CASCADE, gone DATETIME, touched INTEGER);"
             "CREATE TABLE g(id TEXT PRIMARY KEY, c TEXT REFERENCES c(id), up TEXT REFERENCES g(id), gone DATETIME, touched INTEGER);"
             "INSERT INTO p(id) VALUES('p'); INSERT INTO c(id,p) VALUES('c','p'); INSERT INTO g(id,c,up) VALUES('g','c','g')",
             {"p", "c", "g"}};
    CHECK(seal_now(*w.store) == 3);
    const auto refused = w.erase({0, "p"});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::constraint);
    CHECK(refused.error().detail.find("another record still refers to it") != std::string::npos);
    CHECK(w.ask("SELECT count(*) FROM p JOIN c ON c.gone IS NULL AND p.gone IS NULL") == "1");
    ok(w.erase({2, "g"}));  // what refers to itself does not hold itself
    ok(w.erase({0, "p"}));
    CHECK(seal_now(*w.store) == 3);
}

TEST_CASE("soft delete on a server: a table that is synced so from now on is compared whole, and back again") {
    tables w{"CREATE TABLE t(id TEXT PRIMARY KEY, v TEXT, gone DATETIME, touched INTEGER); INSERT INTO t(id,gone) VALUES('a','x'),('b',NULL)", {}, {"t"}};
    CHECK(seal_now(*w.store) == 2);
    // The same fields, so that nothing but the soft deletes is new.
    schema_set models;
    auto m = ok(read_model_schema(w.app.db(), "t", soft()));
    w.store.reset();
    m.times = {};
    ok(models.add(m));
    w.store.emplace(open_store(w.dir.file(), models));
    seal_now(*w.store);
    w.store.reset();
    const std::string names_columns = std::string{sqlite_authority_prefix} + "t" + std::string{sqlite_rename_trace_suffix};
    SECTION("as it is") { CHECK(w.ask("SELECT count(*) FROM sqlite_schema WHERE name='" + names_columns + "'") == "1"); }
    SECTION("served by an older version of the library until now, which had no trigger that names the columns") {
        w.app.run("DROP TRIGGER \"" + names_columns + "\"");
        CHECK(w.ask("SELECT count(*) FROM sqlite_schema WHERE name='" + names_columns + "'") == "0");
    }
    w.open({"t"});
    CHECK(seal_now(*w.store) == 1);
    {
        auto t = ok(w.store->begin("main", access::write));
        CHECK_FALSE(ok(t.sealed({0, "a"}))->row);
        CHECK(ok(t.sealed({0, "b"}))->row);
    }
    w.open({"t"});
    CHECK(staged_now(*w.store).empty());
    w.store.reset();
    w.store.emplace(open_store(w.dir.file(), models));
    CHECK(seal_now(*w.store) == 1);
}

TEST_CASE("soft delete on a server: a write takes the row out of the trash, keeps when it was made, and needs the key to be one's own") {
    tables w{"CREATE TABLE t(id TEXT PRIMARY KEY, v TEXT, made TEXT NOT NULL DEFAULT 'always', gone DATETIME DEFAULT 'born so', touched INTEGER)", {}};
    app_times times = soft();
    times.created_at = time_column{"made", time_form::rfc3339};
    schema_set models;
    ok(models.add(ok(read_model_schema(w.app.db(), "t", times))));
    w.store.reset();
    w.store.emplace(open_store(w.dir.file(), models));
    const record_key a{0, "a"};
    const auto write = [&](const char* v, std::int64_t seconds) {
        auto t = ok(w.store->begin("main", access::write));
        t.tell_time(noon + std::chrono::seconds{seconds});
        ok(t.write(a, texts({v})));
        CHECK(ok(t.current(a)) == texts({v}));
        ok(t.commit());
    };
    write("one", 0);
    CHECK(w.ask("SELECT made||' '||touched||ifnull(gone,'-') FROM t") == "2026-05-02T09:00:00Z 1777712400-");
    w.app.run("UPDATE t SET gone='x'");
    write("two", 5);
    CHECK(w.ask("SELECT v||made||' '||touched||ifnull(gone,'-') FROM t") == "two2026-05-02T09:00:00Z 1777712405-");
    // No time told: an erase is refused, a write leaves the columns as they are or to the table.
    auto t = ok(w.store->begin("main", access::write));
    CHECK(t.erase(a).error().code == errc::bug);
    ok(t.write(a, texts({"three"})));
    ok(t.write({0, "b"}, texts({"new"})));
    ok(t.commit());
    CHECK(w.ask("SELECT group_concat(v||made||ifnull(touched,'-')||ifnull(gone,'-')) FROM t") == "three2026-05-02T09:00:00Z1777712405-,newalways--");
}

TEST_CASE("soft delete on a server: a key that lies in another tenant's trash is another tenant's") {
    contract_tables<true, false> w;
    ok(w.app_write("t1", {store_contract::project, "p"}, texts({"n", "x"})));
    ok(w.app_erase("t1", {store_contract::project, "p"}));
    auto t = ok(w.store().begin("t2", access::write));
    CHECK(t.write({store_contract::project, "p"}, texts({"mine", "x"})).error().code == errc::absent);
    ok(t.erase({store_contract::project, "p"}));
    ok(t.commit());
    CHECK(w.app().number("SELECT count(*) FROM project WHERE gone='x' AND name='n'") == 1);
}

}  // namespace soft_delete_server_test
