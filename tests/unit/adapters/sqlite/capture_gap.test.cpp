#include <syncline/adapters/sqlite/capture_gap.hpp>

#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace capture_gap_test {

using namespace replica_fixture;

namespace {

const char* const tables = "CREATE TABLE t(id TEXT PRIMARY KEY, a, b, c)";
// The twelve steps of altering a table, which lose its triggers.
const char* const rebuild = "BEGIN; CREATE TABLE n(id TEXT PRIMARY KEY, a, b, c); INSERT INTO n SELECT id,a,b,c FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; COMMIT;";

record_key key(const std::string& k) { return {0, k}; }
row_image image(const std::string& k, std::int64_t version, std::optional<record> row) { return {key(k), version, std::move(row), {}}; }

std::string fields_of(const std::optional<intent>& what) {
    if (!what) return "none";
    std::string out{name_of(what->op)};
    for (const auto& change : what->changes) out.append(" ").append(std::to_string(change.field)).append("=").append(change.to.as_string());
    return out;
}

}  // namespace

TEST_CASE("capture_gap: edits between a table's rebuild and the next look are intents over the bases that the user saw") {
    const bool reopened = GENERATE(false, true);
    CAPTURE(reopened);
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    const std::vector<row_image> there{image("same", 3, texts({"1", "2", "3"})), image("edited", 4, texts({"1", "2", "3"})),
                                       image("erased", 5, texts({"1", "2", "3"})), image("gone", 6, std::nullopt)};
    d.take(there);
    d.sql(rebuild);
    d.sql("UPDATE t SET b='new' WHERE id='edited'; DELETE FROM t WHERE id='erased'; INSERT INTO t VALUES('created','x',NULL,NULL),('gone','y',NULL,NULL)");
    if (reopened) d.open(std::vector<std::string>{"t"});
    CHECK(d.absorb() == (reopened ? 0 : 4));  // opening takes in what is there
    CHECK(d.absorb() == 0);
    CHECK(fields_of(d.open_intent(key("same"))) == "none");
    CHECK(fields_of(d.open_intent(key("edited"))) == "update 1=new");
    CHECK(d.open_intent(key("edited"))->base == base_ref{4, {}});
    CHECK(fields_of(d.open_intent(key("erased"))) == "erase");
    CHECK(d.open_intent(key("erased"))->base == base_ref{5, {}});
    CHECK(fields_of(d.open_intent(key("created"))) == "create 0=x 1= 2=");
    CHECK(fields_of(d.open_intent(key("gone"))) == "create 0=y 1= 2=");
    // What the rows were is fetched, and the edits lie over it.
    REQUIRE(d.status().state.needs_hydration);
    d.hydrate(there);
    CHECK(d.row(key("edited")) == texts({"1", "new", "3"}));
    CHECK(d.base(key("edited")).image == texts({"1", "2", "3"}));
    CHECK_FALSE(d.row(key("erased")));
    CHECK(d.base(key("erased")).image == texts({"1", "2", "3"}));
}

TEST_CASE("capture_gap: a rebuild that changes no row makes no intent and fetches nothing") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    d.take({image("a", 3, texts({"1", "2", "3"})), image("b", 4, std::nullopt)});
    d.sql("UPDATE t SET c='mine' WHERE id='a'; INSERT INTO t VALUES('new','1','2','3')");
    d.absorb();
    d.sql(rebuild);
    CHECK(d.absorb() == 0);
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(fields_of(d.open_intent(key("a"))) == "update 2=mine");
    CHECK(fields_of(d.open_intent(key("new"))) == "create 0=1 1=2 2=3");
    d.sql("UPDATE t SET b='again' WHERE id='a'");  // the triggers stand again
    CHECK(d.absorb() == 1);
}

TEST_CASE("capture_gap: what lies under an intent is known exactly") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    d.take({image("edited", 3, texts({"1", "2", "3"})), image("erased", 4, texts({"1", "2", "3"})), image("deleted", 5, texts({"1", "2", "3"}))});
    d.sql("UPDATE t SET a='mine' WHERE id='edited'; INSERT INTO t VALUES('new','1','2','3'); DELETE FROM t WHERE id='deleted'");
    REQUIRE(must(d.engine().freeze(100, false, d.random, d.now)));  // and one layer more
    d.sql("UPDATE t SET b='mine' WHERE id='edited'");
    d.absorb();
    d.sql(rebuild);
    d.sql("UPDATE t SET c='late' WHERE id='edited'; UPDATE t SET c='late' WHERE id='new'; INSERT INTO t VALUES('deleted','7','8','9')");
    CHECK(d.absorb() == 3);
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(fields_of(d.open_intent(key("edited"))) == "update 1=mine 2=late");
    CHECK(d.open_intent(key("edited"))->before == texts({"mine", "2", "3"}));
    CHECK(d.base(key("edited")).image == texts({"1", "2", "3"}));
    CHECK(fields_of(d.open_intent(key("new"))) == "update 2=late");
    CHECK(fields_of(d.open_intent(key("deleted"))) == "create 0=7 1=8 2=9");
}

TEST_CASE("capture_gap: entries that the triggers wrote before stay true") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    std::vector<row_image> there;
    for (const char* k : {"updated", "updated_gone", "replaced", "erased_back"}) there.push_back(image(k, 3, texts({"1", "2", "3"})));
    d.take(there);
    d.sql("UPDATE t SET a='seen' WHERE id LIKE 'updated%'; REPLACE INTO t VALUES('replaced','x','y','z'); DELETE FROM t WHERE id='erased_back'");
    d.sql(rebuild);
    d.sql("UPDATE t SET b='unseen' WHERE id='updated'; DELETE FROM t WHERE id='updated_gone'; UPDATE t SET c='w' WHERE id='replaced'; "
          "INSERT INTO t VALUES('erased_back','1','2','unseen')");
    CHECK(d.absorb() == 4);
    CHECK(fields_of(d.open_intent(key("updated"))) == "update 0=seen 1=unseen");
    CHECK(d.open_intent(key("updated"))->before->fields[0] == value::text("1"));
    CHECK(d.open_intent(key("updated"))->before->fields[1].is_null());
    CHECK(fields_of(d.open_intent(key("updated_gone"))) == "erase");
    CHECK(fields_of(d.open_intent(key("replaced"))) == "update 0=x 1=y 2=w");
    CHECK(fields_of(d.open_intent(key("erased_back"))) == "update 2=unseen");
    for (const char* k : {"updated", "updated_gone", "replaced", "erased_back"}) CHECK(d.open_intent(key(k))->base == base_ref{3, {}});
    d.hydrate(there);
    for (const char* k : {"updated", "updated_gone", "replaced", "erased_back"}) CHECK(d.base(key(k)).image == texts({"1", "2", "3"}));
    CHECK(d.row(key("updated")) == texts({"seen", "unseen", "3"}));
}

TEST_CASE("capture_gap: nothing is fetched for rows that the log states whole") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    d.take({image("replaced", 3, texts({"1", "2", "3"})), image("erased", 3, texts({"1", "2", "3"})), image("other", 3, texts({"1", "2", "3"}))});
    d.sql("REPLACE INTO t VALUES('replaced','x','y','z'); DELETE FROM t WHERE id='erased'");
    d.sql(rebuild);
    d.sql("UPDATE t SET c='w' WHERE id='replaced'; INSERT INTO t VALUES('erased','1','2','w')");
    CHECK(d.absorb() == 2);
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(d.open_intent(key("erased"))->before == texts({"1", "2", "3"}));
}

TEST_CASE("capture_gap: a table that was emptied is filled again, and nothing is erased on the server for it") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    const std::vector<row_image> there{image("a", 3, texts({"1", "2", "3"})), image("b", 4, texts({"4", "5", "6"}))};
    d.take(there);
    d.sql("UPDATE t SET c='mine' WHERE id='b'; INSERT INTO t VALUES('new','1','2','3')");
    d.absorb();
    d.sql("DROP TABLE t; CREATE TABLE t(id TEXT PRIMARY KEY, a, b, c)");
    CHECK(d.absorb() == 0);
    CHECK(d.row(key("b")) == texts({"4", "5", "mine"}));
    CHECK(d.row(key("new")) == texts({"1", "2", "3"}));
    CHECK_FALSE(d.row(key("a")));
    REQUIRE(d.status().state.needs_hydration);
    d.hydrate(there);
    CHECK(d.row(key("a")) == texts({"1", "2", "3"}));
    CHECK(d.row(key("b")) == texts({"4", "5", "mine"}));
    CHECK(fields_of(d.open_intent(key("b"))) == "update 2=mine");
    CHECK(fields_of(d.open_intent(key("new"))) == "create 0=1 1=2 2=3");
    CHECK(d.status().counts.open == 2);
}

TEST_CASE("capture_gap: an emptied table that refuses an unsent row stops the sync before anything is forgotten") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    d.sql("INSERT INTO t VALUES('new','1','2','3')");
    d.absorb();
    d.sql("DROP TABLE t; CREATE TABLE t(id TEXT PRIMARY KEY, a, b, c CHECK(c<>'3'))");
    const auto refused = d.engine().absorb(d.now);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::constraint);
    CHECK(refused.error().detail.find("`new`") != std::string::npos);
    d.sql("DROP TABLE t; CREATE TABLE t(id TEXT PRIMARY KEY, a, b, c)");
    CHECK(d.absorb() == 0);
    CHECK(d.row(key("new")) == texts({"1", "2", "3"}));
}

TEST_CASE("capture_gap: rows that triggers of the app changed on the way in are what they are") {
    device d{tables};
    d.sql("CREATE TABLE other(id TEXT PRIMARY KEY, a); CREATE TRIGGER loud AFTER INSERT ON t BEGIN UPDATE t SET a=upper(a) WHERE id=NEW.id; END;"
          "CREATE TRIGGER loud2 AFTER UPDATE ON t WHEN NEW.a<>upper(NEW.a) BEGIN UPDATE t SET a=upper(NEW.a) WHERE id=NEW.id; END");
    d.open(std::vector<std::string>{"t"});
    d.take({image("a", 3, texts({"x", "2", "3"})), image("b", 4, texts({"Y", "2", "3"}))});
    CHECK(d.row(key("a")) == texts({"X", "2", "3"}));
    d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a, b, c); INSERT INTO n SELECT id,a,b,c FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t");
    CHECK(d.absorb() == 0);
    CHECK_FALSE(d.status().state.needs_hydration);
}

TEST_CASE("capture_gap: rows that were written back over a trigger of the app's are what was written back") {
    device d{tables};
    d.sql("CREATE TRIGGER loud AFTER INSERT ON t BEGIN UPDATE t SET a=upper(a) WHERE id=NEW.id; UPDATE t SET b='touched' WHERE id='other'; END");
    d.open(std::vector<std::string>{"t"});
    d.take({image("other", 3, texts({"X", "2", "3"}))});
    d.take({image("a", 3, texts({"x", "2", "3"}))});
    CHECK(d.row(key("a")) == texts({"x", "2", "3"}));
    CHECK(d.row(key("other")) == texts({"X", "2", "3"}));
    d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a, b, c); INSERT INTO n SELECT id,a,b,c FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t");
    CHECK(d.absorb() == 0);
    CHECK_FALSE(d.status().state.needs_hydration);
}

TEST_CASE("capture_gap: a trigger that somebody dropped is a gap too") {
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    d.take({image("a", 3, texts({"1", "2", "3"})), image("b", 3, texts({"1", "2", "3"}))});
    d.sql("DROP TRIGGER syncline_replica_0_bu; UPDATE t SET a='2' WHERE id='a'; UPDATE t SET b='3' WHERE id='b'");
    CHECK(d.absorb() == 2);
    CHECK(fields_of(d.open_intent(key("a"))) == "update 0=2");
    CHECK(fields_of(d.open_intent(key("b"))) == "update 1=3");
    CHECK(d.ask("SELECT count(*) FROM sqlite_schema WHERE name='syncline_replica_0_bu'") == "1");
}

// Whatever was done to the table, seen or not, each record ends as an intent from the base to the row that the user left.
TEST_CASE("capture_gap: random edits, seen and unseen, are all taken in") {
    const std::uint64_t seed = GENERATE(range(1u, 61u));
    CAPTURE(seed);
    seeded_random random{seed};
    const auto draw = [&](std::uint64_t n) { return static_cast<std::size_t>(random() % n); };
    device d{tables};
    d.open(std::vector<std::string>{"t"});
    std::map<std::string, record> server;
    std::vector<row_image> there;
    for (int i = 0; i < 12; ++i) {
        const std::string k = "k" + std::to_string(i);
        server.emplace(k, texts({"a" + std::to_string(i), draw(3) == 0 ? "" : "b", "c"}));
        there.push_back(image(k, 3 + i, server.at(k)));
    }
    d.take(there);
    int written = 0;
    const auto edit = [&] {
        const std::string k = "k" + std::to_string(draw(15));
        const std::string value = "'w" + std::to_string(written++) + "'";
        const char* const column[] = {"a", "b", "c"};
        switch (draw(5)) {
        case 0: d.sql("DELETE FROM t WHERE id='" + k + "' AND (SELECT count(*) FROM t WHERE id LIKE 'k%')>2"); break;
        case 1: d.sql("REPLACE INTO t VALUES('" + k + "'," + value + ",NULL," + value + ")"); break;
        default: d.sql("UPDATE t SET " + std::string{column[draw(3)]} + "=" + value + " WHERE id='" + k + "'"); break;
        }
    };
    for (int round = 0; round < 4; ++round) {
        for (std::size_t n = draw(5); n > 0; --n) edit();
        if (draw(2) == 0) d.absorb();
        if (draw(4) == 0 && round == 1) static_cast<void>(must(d.engine().freeze(draw(6) + 1, false, d.random, d.now)));
        d.sql(rebuild);
        for (std::size_t n = draw(5); n > 0; --n) edit();
        if (draw(2) == 0) d.open(std::vector<std::string>{"t"});
        d.absorb();
    }
    std::map<std::string, std::optional<record>> left;
    for (int i = 0; i < 15; ++i) {
        const std::string k = "k" + std::to_string(i);
        left.emplace(k, d.row(key(k)));
    }
    d.hydrate(there);
    for (const auto& [k, row] : left) {
        CAPTURE(k);
        INFO(store_contract::show(row) << " is " << store_contract::show(d.row(key(k))) << " " << fields_of(d.open_intent(key(k))) << " base " << store_contract::show(d.base(key(k)).image));
        CHECK(d.row(key(k)) == row);
        auto t = must(d.store().begin());
        const auto base = must(t.base(key(k)));
        const auto open = must(t.open_intent(key(k)));
        const auto frozen = must(t.frozen(key(k)));
        const auto expected = server.contains(k) ? std::optional<record>{server.at(k)} : std::nullopt;
        CHECK((base.image_kept ? base.image : base.version != 0 ? row : std::nullopt) == expected);
        if (!open && !frozen) CHECK(row == expected);
    }
}

}  // namespace capture_gap_test
