#include <syncline/adapters/sqlite/replica_evolution.hpp>

#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace replica_evolution_test {

using namespace replica_fixture;

namespace {

record_key key(const std::string& k) { return {0, k}; }
row_image image(const std::string& k, std::int64_t version, std::optional<record> row) { return {key(k), version, std::move(row), {}}; }

// Fields by name, as `a=1`, so that an expectation holds whatever the order is.
std::string fields_of(device& d, const std::optional<record>& row) {
    if (!row) return "none";
    std::string out;
    const auto& fields = d.store().schemas()[0].fields;
    for (std::size_t i = 0; i < fields.size(); ++i)
        out.append(i == 0 ? "" : " ").append(fields[i].name).append("=").append(i < row->fields.size() ? row->fields[i].as_string() : std::string{"?"});
    return out;
}
std::string changes_of(device& d, const std::optional<intent>& what) {
    if (!what) return "none";
    std::string out{name_of(what->op)};
    for (const auto& change : what->changes)
        out.append(" ").append(d.store().schemas()[0].fields[change.field].name).append("=").append(change.to.as_string());
    return out;
}
std::optional<batch_item> frozen(device& d, const std::string& k) {
    auto t = must(d.store().begin());
    return must(t.frozen(key(k)));
}

// The fields of which the change saw no value, by name.
std::string unseen_of(device& d, const std::optional<intent>& what) {
    std::string out;
    const auto& fields = d.store().schemas()[0].fields;
    for (std::size_t i = 0; i < fields.size(); ++i)
        if (what && what->unseen.contains(static_cast<field_index>(i))) out.append(out.empty() ? "" : " ").append(fields[i].name);
    return out;
}

// A device in the middle of everything: bases with and without layers, an open and a frozen intent, entries that were not taken in.
struct busy_device : device {
    busy_device() : device("CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b TEXT, c TEXT CHECK(c<>'bad'))") {
        open(std::vector<std::string>{"t"});
        take({image("idle", 3, texts({"1", "2", "3"})), image("open", 4, texts({"1", "2", "3"})), image("frozen", 5, texts({"1", "2", "3"})),
              image("logged", 6, texts({"1", "2", "3"})), image("only_b", 7, texts({"1", "2", "3"}))});
        sql("UPDATE t SET a='fa', b='fb' WHERE id='frozen'");
        must(engine().freeze(100, false, random, now));
        sql("UPDATE t SET b='ob', c='oc' WHERE id='open'; INSERT INTO t VALUES('new','na','nb','nc'); UPDATE t SET b='x' WHERE id='only_b'");
        take({image("refused", 8, texts({"1", "2", "bad"}))});
        REQUIRE(status().counts.quarantined == 1);
        sql("UPDATE t SET a='la' WHERE id='logged'; UPDATE t SET b='lb' WHERE id='logged'; REPLACE INTO t VALUES('idle','1','2','lc')");
    }
    record quarantined_row() { return *must(engine().quarantined(10, now)).front().image.row; }
};

}  // namespace

TEST_CASE("replica_evolution: a field that is added in the middle gets its default everywhere, and the state is fetched anew") {
    busy_device d;
    d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a TEXT, fresh TEXT NOT NULL DEFAULT 'd', b TEXT, c TEXT CHECK(c<>'bad'));"
          "INSERT INTO n(id,a,b,c) SELECT id,a,b,c FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; UPDATE t SET fresh='set' WHERE id='open'");
    d.open(std::vector<std::string>{"t"});
    CHECK(d.status().state.needs_hydration);
    CHECK(changes_of(d, d.open_intent(key("idle"))) == "update c=lc");
    CHECK(fields_of(d, d.base(key("idle")).image) == "a=1 fresh=d b=2 c=3");
    CHECK(changes_of(d, d.open_intent(key("open"))) == "update fresh=set b=ob c=oc");
    CHECK(fields_of(d, d.base(key("open")).image) == "a=1 fresh=d b=2 c=3");
    CHECK(changes_of(d, frozen(d, "frozen")->what) == "update a=fa b=fb");
    CHECK(fields_of(d, frozen(d, "frozen")->what.before) == "a=1 fresh=d b=2 c=3");
    CHECK(changes_of(d, d.open_intent(key("logged"))) == "update a=la b=lb");
    CHECK(changes_of(d, d.open_intent(key("new"))) == "create a=na fresh=d b=nb c=nc");
    for (const char* k : {"idle", "open", "logged", "new"}) CHECK(unseen_of(d, d.open_intent(key(k))) == "fresh");
    CHECK(unseen_of(d, frozen(d, "frozen")->what) == "fresh");
    CHECK(fields_of(d, d.quarantined_row()) == "a=1 fresh=d b=2 c=bad");
    // The authority's values of the new field come in under what the user did.
    d.hydrate({image("idle", 3, texts({"1", "server", "2", "3"})), image("open", 4, texts({"1", "server", "2", "3"}))});
    CHECK(fields_of(d, d.row(key("idle"))) == "a=1 fresh=server b=2 c=lc");
    CHECK(fields_of(d, d.row(key("open"))) == "a=1 fresh=set b=ob c=oc");
}

TEST_CASE("replica_evolution: what the user made of a field that is new is judged by the authority's values when these come, and only until then") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)"};
    d.open(std::vector<std::string>{"t"});
    std::vector<row_image> rows;
    for (const char* k : {"same", "other", "untouched", "gone"}) rows.push_back(image(k, 3, texts({"1"})));
    d.take(rows);
    d.sql("ALTER TABLE t ADD COLUMN fresh TEXT NOT NULL DEFAULT 'd'");
    d.open(std::vector<std::string>{"t"});
    d.sql("UPDATE t SET fresh='mine' WHERE id<>'untouched'; UPDATE t SET a='mine' WHERE id='untouched'");
    d.absorb();
    for (const char* k : {"same", "other", "untouched", "gone"}) {
        CHECK(unseen_of(d, d.open_intent(key(k))) == "fresh");
        CHECK(fields_of(d, d.open_intent(key(k))->before) == "a=1 fresh=d");
    }
    d.hydrate({image("same", 3, texts({"1", "d"})), image("other", 3, texts({"1", "server"})), image("untouched", 3, texts({"1", "server"})), image("gone", 4, std::nullopt)});
    CHECK(unseen_of(d, d.open_intent(key("same"))).empty());
    CHECK(unseen_of(d, d.open_intent(key("other"))) == "fresh");
    CHECK(unseen_of(d, d.open_intent(key("untouched"))).empty());
    CHECK(fields_of(d, d.open_intent(key("untouched"))->before) == "a=1 fresh=server");
    CHECK(unseen_of(d, d.open_intent(key("gone"))) == "fresh");
    // From here on it is a field like the others, and a further one is new again.
    d.sql("UPDATE t SET fresh='again' WHERE id='same'; UPDATE t SET fresh='again' WHERE id='untouched'");
    d.absorb();
    CHECK(unseen_of(d, d.open_intent(key("same"))).empty());
    CHECK(unseen_of(d, d.open_intent(key("untouched"))).empty());
    d.sql("ALTER TABLE t ADD COLUMN more TEXT");
    d.open(std::vector<std::string>{"t"});
    CHECK(unseen_of(d, d.open_intent(key("same"))) == "more");
    CHECK(unseen_of(d, d.open_intent(key("other"))) == "fresh more");
}

TEST_CASE("replica_evolution: fields that are new twice before the state was fetched are both unseen, and one that was fetched is not") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, texts({"1"})), image("y", 3, texts({"1"}))});
    d.sql("ALTER TABLE t ADD COLUMN one TEXT");
    d.open(std::vector<std::string>{"t"});
    d.sql("ALTER TABLE t ADD COLUMN two TEXT; UPDATE t SET a='mine' WHERE id='x'");
    d.open(std::vector<std::string>{"t"});
    d.absorb();
    CHECK(unseen_of(d, d.open_intent(key("x"))) == "one two");
    d.hydrate({image("x", 3, texts({"1", "", ""})), image("y", 3, texts({"1", "", ""}))});
    d.sql("UPDATE t SET one='seen' WHERE id='y'");
    d.absorb();
    CHECK(unseen_of(d, d.open_intent(key("y"))).empty());
    d.sql("ALTER TABLE t ADD COLUMN three TEXT; UPDATE t SET a='more' WHERE id='x'");
    d.open(std::vector<std::string>{"t"});
    d.absorb();
    CHECK(unseen_of(d, d.open_intent(key("x"))) == "three");
}

TEST_CASE("replica_evolution: a creation on its way shows the default of a new field and does not send it") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)"};
    d.open(std::vector<std::string>{"t"});
    d.sql("INSERT INTO t VALUES('x','1')");
    const auto sent = *must(d.engine().freeze(10, false, d.random, d.now));
    d.sql("ALTER TABLE t ADD COLUMN fresh TEXT NOT NULL DEFAULT 'd'");
    d.open(std::vector<std::string>{"t"});
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(changes_of(d, frozen(d, "x")->what) == "create a=1 fresh=d");
    CHECK(unseen_of(d, frozen(d, "x")->what) == "fresh");
    outcome o;
    o.id = sent.items.front().id;
    o.kind = outcome_kind::applied;
    o.version = 4;
    o.exact = true;
    must(d.engine().settle(sent.head.id, {o}, d.now));
    CHECK(fields_of(d, d.row(key("x"))) == "a=1 fresh=d");
    CHECK(d.base(key("x")).provisional);  // the authority's own row may have another value
    CHECK(d.status().counts.quarantined == 0);
}

TEST_CASE("replica_evolution: a creation that is only logged has not set a new field where it has just what the column makes of its default") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)"};
    d.open(std::vector<std::string>{"t"});
    d.sql("INSERT INTO t VALUES('x','1'),('y','1'); ALTER TABLE t ADD COLUMN n NUMERIC DEFAULT '7'; UPDATE t SET n=8 WHERE id='y'");
    d.open(std::vector<std::string>{"t"});
    CHECK(unseen_of(d, d.open_intent(key("x"))) == "n");
    CHECK(unseen_of(d, d.open_intent(key("y"))).empty());
}

TEST_CASE("replica_evolution: a field that is dropped takes its values along, and nothing else") {
    const bool suspended = GENERATE(true, false);
    CAPTURE(suspended);
    busy_device d;
    d.close();
    if (suspended) {
        CHECK_FALSE(d.app.execute("ALTER TABLE t DROP COLUMN b"));
        must(sqlite_replica_store::suspend_capture(d.dir.file()));
        d.sql("ALTER TABLE t DROP COLUMN b");
    } else {
        d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a TEXT, c TEXT CHECK(c<>'bad')); INSERT INTO n SELECT id,a,c FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t");
    }
    d.open(std::vector<std::string>{"t"});
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(changes_of(d, d.open_intent(key("idle"))) == "update c=lc");
    CHECK(fields_of(d, d.base(key("idle")).image) == "a=1 c=3");
    CHECK(changes_of(d, d.open_intent(key("open"))) == "update c=oc");
    CHECK(changes_of(d, frozen(d, "frozen")->what) == "update a=fa");
    CHECK(changes_of(d, d.open_intent(key("logged"))) == "update a=la");
    CHECK(changes_of(d, d.open_intent(key("new"))) == "create a=na c=nc");
    CHECK(changes_of(d, d.open_intent(key("only_b"))) == "none");
    CHECK_FALSE(d.base(key("only_b")).image_kept);
    CHECK(fields_of(d, d.quarantined_row()) == "a=1 c=bad");
    d.sql("UPDATE t SET a='after' WHERE id='only_b'");
    CHECK(d.absorb() == 1);
    CHECK(d.open_intent(key("only_b"))->base == base_ref{7, {}});
    CHECK(fields_of(d, d.base(key("only_b")).image) == "a=1 c=3");
}

TEST_CASE("replica_evolution: a renamed column keeps what was done to it, its key column too") {
    busy_device d;
    d.sql("ALTER TABLE t RENAME COLUMN b TO \"b, old\"; ALTER TABLE t RENAME COLUMN id TO code; UPDATE t SET \"b, old\"='z' WHERE code='open'");
    d.open(std::vector<std::string>{"t"});
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(changes_of(d, d.open_intent(key("idle"))) == "update c=lc");
    CHECK(changes_of(d, d.open_intent(key("open"))) == "update b, old=z c=oc");
    CHECK(changes_of(d, frozen(d, "frozen")->what) == "update a=fa b, old=fb");
    CHECK(changes_of(d, d.open_intent(key("logged"))) == "update a=la b, old=lb");
    CHECK(changes_of(d, d.open_intent(key("only_b"))) == "update b, old=x");
}

TEST_CASE("replica_evolution: fields in another order, and some left out of the model, are the same fields") {
    busy_device d;
    model_schema model = d.store().schemas()[0];
    std::swap(model.fields[0], model.fields[2]);
    d.open(std::vector<model_schema>{model});
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(changes_of(d, d.open_intent(key("idle"))) == "update c=lc");
    CHECK(changes_of(d, d.open_intent(key("open"))) == "update c=oc b=ob");
    CHECK(fields_of(d, d.base(key("open")).image) == "c=3 b=2 a=1");
    CHECK(fields_of(d, frozen(d, "frozen")->what.before) == "c=3 b=2 a=1");
    CHECK(changes_of(d, d.open_intent(key("logged"))) == "update b=lb a=la");
    d.sql("UPDATE t SET a='after' WHERE id='frozen'");
    CHECK(d.absorb() == 1);
    CHECK(changes_of(d, d.open_intent(key("frozen"))) == "update a=after");
    model.fields.erase(model.fields.begin());
    d.open(std::vector<model_schema>{model});
    CHECK(changes_of(d, d.open_intent(key("open"))) == "update b=ob");
    CHECK(changes_of(d, d.open_intent(key("idle"))) == "none");
}

TEST_CASE("replica_evolution: a column that is read as another kind is no edit, and later ones are seen") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b TEXT)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, texts({"[1]", "2"})), image("y", 3, texts({"[1]", "2"}))});
    d.sql("UPDATE t SET b='mine' WHERE id='y'");
    d.absorb();
    model_schema model = d.store().schemas()[0];
    model.fields[0].kind = value_kind::json;
    d.open(std::vector<model_schema>{model});
    CHECK(changes_of(d, d.open_intent(key("x"))) == "none");
    CHECK(changes_of(d, d.open_intent(key("y"))) == "update b=mine");
    d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a TEXT, b TEXT); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; UPDATE t SET a='[2]' WHERE id='x'");
    CHECK(d.absorb() == 1);
    CHECK(changes_of(d, d.open_intent(key("x"))) == "update a=[2]");
}

TEST_CASE("replica_evolution: a default is what SQLite makes of it in that column") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, record{})});
    d.sql("ALTER TABLE t ADD COLUMN n INTEGER DEFAULT '7'; ALTER TABLE t ADD COLUMN s TEXT DEFAULT 8; ALTER TABLE t ADD COLUMN e REAL DEFAULT -1;"
          "ALTER TABLE t ADD COLUMN z BLOB");
    d.open(std::vector<std::string>{"t"});
    CHECK(d.absorb() == 0);
    CHECK_FALSE(d.open_intent(key("x")));
    CHECK(d.row(key("x")) == record{{value::integer(7), value::text("8"), value::real(-1), value{}}});
}

}  // namespace replica_evolution_test
