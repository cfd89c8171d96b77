// Soft deletes on a server: the whole contract of an authority's store holds where a row in the trash is no row, and what the database would have done to
// the rows that refer to a deleted one is done.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/storage/write_time.hpp>

#include "support/authority_store_contract.hpp"
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

const timestamp noon = from_microseconds(1'777'712'400'000'000);  // 2026-05-02 09:00:00

app_times soft() {
    app_times t;
    t.updated_at = "touched";
    t.deleted_at = "gone";
    return t;
}

// The contract's tables with an owner column and soft deletes; its app trashes, and takes out of the trash what it writes.
class trash_tables {
public:
    trash_tables() : app_(dir_->file()) {
        app_.run("CREATE TABLE project(owner TEXT NOT NULL, id TEXT PRIMARY KEY, name TEXT NOT NULL, note TEXT, gone DATETIME, touched INTEGER);"
                 "CREATE TABLE task(owner TEXT NOT NULL, id TEXT PRIMARY KEY, title TEXT NOT NULL, slug TEXT, project TEXT REFERENCES project(id) ON "
                 "DELETE CASCADE, reviewer TEXT REFERENCES project(id) ON DELETE SET NULL, gone DATETIME, touched INTEGER, UNIQUE(owner, slug));"
                 "CREATE TABLE sample(owner TEXT NOT NULL, id TEXT PRIMARY KEY, flag BOOLEAN, count INTEGER, ratio, price TEXT, body TEXT, data BLOB, "
                 "at TEXT, doc TEXT, gone DATETIME, touched INTEGER);"
                 "PRAGMA foreign_keys = ON");
        sqlite3_busy_timeout(app_.db().handle(), 0);
        reopen();
    }
    [[nodiscard]] told_store& store() { return *store_; }
    void reopen() {
        store_.reset();
        other_.reset();
        store_.emplace(attach());
        other_.emplace(attach());
    }
    [[nodiscard]] result<void> app_write(const std::string& tenant, const record_key& key, const record& row) {
        const auto& schema = store_->schemas()[key.model];
        std::string names{"id,owner"}, places{"?1,?2"}, sets{"gone=NULL"};
        for (std::size_t f = 0; f < row.fields.size(); ++f) {
            names.append(",").append(schema.fields[f].name);
            places.append(",?").append(std::to_string(f + 3));
            sets.append(",").append(schema.fields[f].name).append("=excluded.").append(schema.fields[f].name);
        }
        return run_sqlite(app_.db(), "INSERT INTO " + schema.name + "(" + names + ") VALUES(" + places + ") ON CONFLICT(id) DO UPDATE SET " + sets,
                          [&](sqlite_statement& s) {
                              s.bind_text(1, key.key).bind_text(2, tenant);
                              int at = 3;
                              for (const auto& v : row.fields) bind_sqlite_value(s, at++, v);
                          });
    }
    [[nodiscard]] result<void> app_erase(const std::string& tenant, const record_key& key) {
        std::vector<std::string> statements{"UPDATE " + store_->schemas()[key.model].name + " SET gone='x' WHERE id=?1 AND owner=?2 AND gone IS NULL"};
        if (key.model == store_contract::project) {
            statements.emplace_back("UPDATE task SET gone='x' WHERE project=?1 AND owner=?2 AND gone IS NULL");
            statements.emplace_back("UPDATE task SET reviewer=NULL WHERE reviewer=?1 AND owner=?2 AND gone IS NULL");
        }
        for (const auto& sql : statements)
            if (auto r = run_sqlite(app_.db(), sql, [&](sqlite_statement& s) { s.bind_text(1, key.key).bind_text(2, tenant); }); !r) return r;
        return {};
    }
    [[nodiscard]] std::optional<record> row(const std::string& tenant, const record_key& key) {
        const auto& schema = store_->schemas()[key.model];
        std::string names;
        for (const auto& f : schema.fields) names.append(names.empty() ? "" : ",").append(f.name);
        std::optional<record> out;
        ok(each_sqlite_row(
            app_.db(), "SELECT " + names + " FROM " + schema.name + " WHERE id=?1 AND owner=?2 AND gone IS NULL",
            [&](sqlite_statement& s) { s.bind_text(1, key.key).bind_text(2, tenant); },
            [&](sqlite_statement& s) {
                record r;
                for (std::size_t f = 0; f < schema.fields.size(); ++f) r.fields.push_back(read_sqlite_value(s, static_cast<int>(f), schema.fields[f].kind));
                out = std::move(r);
                return false;
            }));
        return out;
    }
    void install_trigger() {
        for (const char* when : {"INSERT", "UPDATE"})
            app_.run(std::string{"CREATE TRIGGER app_loud_"} + when + " AFTER " + when +
                     " ON task WHEN NEW.title = 'shout' BEGIN UPDATE task SET title = 'SHOUT' WHERE id = NEW.id; END");
    }
    [[nodiscard]] bool holds(value_kind, const value& v) const { return !(v.kind() == value_kind::real && v.as_real() != v.as_real()); }
    [[nodiscard]] told_store& other_store() { return *other_; }
    void attach_to(const std::string& tenant, const record_key& key, const record& row) {
        ok(detach_sqlite_authority(app_.db(), true));
        ok(app_write(tenant, key, row));
        reopen();
    }
    stranger& app() { return app_; }

private:
    [[nodiscard]] told_store attach() const {
        schema_set models;
        for (model_schema m : store_contract::schemas()) {
            m.times = soft();
            ok(models.add(std::move(m)));
        }
        sqlite_authority_options options;
        options.owner_column = "owner";
        return told_store{open_store(dir_->file(), std::move(models), options), noon};
    }

    std::unique_ptr<scratch> dir_ = std::make_unique<scratch>();
    stranger app_;
    std::optional<told_store> store_;
    std::optional<told_store> other_;
};

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
    store_contract::check_authority_store([] { return trash_tables{}; });
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
    trash_tables w;
    ok(w.app_write("t1", {store_contract::project, "p"}, texts({"n", "x"})));
    ok(w.app_erase("t1", {store_contract::project, "p"}));
    auto t = ok(w.store().begin("t2", access::write));
    CHECK(t.write({store_contract::project, "p"}, texts({"mine", "x"})).error().code == errc::absent);
    ok(t.erase({store_contract::project, "p"}));
    ok(t.commit());
    CHECK(w.app().number("SELECT count(*) FROM project WHERE gone='x' AND name='n'") == 1);
}

}  // namespace soft_delete_server_test
