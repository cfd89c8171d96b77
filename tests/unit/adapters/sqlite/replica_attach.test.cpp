#include <syncline/adapters/sqlite/replica_attach.hpp>

#include "support/older_layouts.hpp"
#include "unit/adapters/sqlite/replica_fixture.hpp"

#include <string>
#include <utility>
#include <vector>

namespace replica_attach_test {

using namespace replica_fixture;
using store_contract::fault_of;

namespace {

row_image image(const std::string& k, std::int64_t version, std::optional<record> row) { return {{0, k}, version, std::move(row), {}}; }

}  // namespace

TEST_CASE("replica_attach: the bookkeeping of layout 2 is brought up to date with what lies in it, and its rows get digests") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a, b)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, texts({"1", "2"})), image("y", 4, texts({"1", "2"})), image("gone", 5, std::nullopt)});
    d.sql("UPDATE t SET a='mine' WHERE id='y'");
    d.absorb();
    d.sql("UPDATE t SET b='logged' WHERE id='x'");
    d.close();
    older_layouts::replica_to(d.app, 2);
    d.open(std::vector<std::string>{"t"});
    CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(sqlite_replica_layout));
    CHECK(d.status().counts.open == 2);
    CHECK_FALSE(d.status().state.needs_hydration);
    CHECK(d.base({0, "x"}).image == texts({"1", "2"}));
    // What stands in the table now is remembered: a later gap is seen.
    d.take({image("z", 6, texts({"1", "2"}))});
    d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a, b); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; DELETE FROM t WHERE id='z'");
    CHECK(d.absorb() == 1);
}

TEST_CASE("replica_attach: a device of layout 3 does not know yet whose data it holds, and goes on") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, texts({"1"}))});
    d.sql("UPDATE t SET a='mine'");
    d.close();
    older_layouts::replica_to(d.app, 3);
    d.open(std::vector<std::string>{"t"});
    CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(sqlite_replica_layout));
    CHECK(d.status().state.account.empty());
    CHECK(d.status().counts.open == 1);
    CHECK_FALSE(d.status().state.needs_hydration);
}

TEST_CASE("replica_attach: a device of layout 4 remembers from then on which fields its rows tell nothing of") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, texts({"1"}))});
    d.close();
    older_layouts::replica_to(d.app, 4);
    d.sql("ALTER TABLE t ADD COLUMN b");
    d.open(std::vector<std::string>{"t"});
    CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(sqlite_replica_layout));
    d.sql("UPDATE t SET b='mine'");
    CHECK(d.edits().front().unseen.size() == 1);
}

TEST_CASE("replica_attach: what a device of layout 5 has in flight stays in flight, in its order, beside a view of the app that is broken") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a); INSERT INTO t VALUES('z','1'),('y','2'),('x','3')"};
    d.open(std::vector<std::string>{"t"});
    const auto sent = must(d.engine().freeze(10, false, d.random, d.now))->items;
    REQUIRE(sent.size() == 3);
    d.close();
    older_layouts::replica_to(d.app, 5);
    d.sql("CREATE VIEW broken AS SELECT * FROM nowhere");
    d.open(std::vector<std::string>{"t"});
    CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(sqlite_replica_layout));
    CHECK(must(d.engine().freeze(10, false, d.random, d.now))->items == sent);
    CHECK(d.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline_replica_frozen%' AND type='table'") == "1");
}

TEST_CASE("replica_attach: what a device of layout 6 has in flight goes out without a mark, and the next batch with one") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a); INSERT INTO t VALUES('z','1')"};
    d.open(std::vector<std::string>{"t"});
    const auto sent = *must(d.engine().freeze(10, false, d.random, d.now));
    must(d.engine().note_synced(d.now, true));
    d.close();
    older_layouts::replica_to(d.app, 6);
    d.open(std::vector<std::string>{"t"});
    CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(sqlite_replica_layout));
    const auto again = *must(d.engine().freeze(10, false, d.random, d.now));
    CHECK(again.items == sent.items);
    CHECK(again.head.token.empty());
    CHECK(d.status().state.last_sync_us != 0);
    CHECK(d.status().state.last_run_us == 0);
    outcome taken;
    taken.id = sent.items[0].id;
    taken.version = 1;
    must(d.engine().settle(sent.head.id, {taken}, d.now));
    d.sql("INSERT INTO t VALUES('y','2')");
    CHECK_FALSE(must(d.engine().freeze(10, false, d.random, d.now))->head.token.empty());
}

TEST_CASE("replica_attach: a device of layout 7 that has met a server belongs to an account, however it shows, and any other one to nobody") {
    struct row {
        const char* met;
        scope_attachment as;
    };
    for (const auto& [met, as] : {row{"next_ordinal=next_ordinal+5, next_batch_id=3, clock_us=7, last_run_us=7", scope_attachment::anonymous},
                                  row{"epoch='one'", scope_attachment::attached},
                                  row{"checkpoint=4", scope_attachment::attached},
                                  row{"next_source_bundle_id=2", scope_attachment::attached}}) {
        INFO(met);
        device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a); INSERT INTO t VALUES('x','mine')"};
        d.open(std::vector<std::string>{"t"});
        d.absorb();
        const auto source = d.status().state.source_id;
        d.close();
        older_layouts::replica_to(d.app, 7);
        d.sql(std::string{"UPDATE syncline_replica_state SET "} + met);
        REQUIRE(d.ask("SELECT count(*) FROM syncline_replica_state WHERE (epoch<>'')+(checkpoint<>0)+(next_source_bundle_id>1)=" +
                      std::string{as == scope_attachment::attached ? "1" : "0"}) == "1");
        d.open(std::vector<std::string>{"t"});
        CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(sqlite_replica_layout));
        const auto state = d.status().state;
        CHECK(state.attachment == as);
        CHECK(state.source_id == source);
        CHECK(state.user.empty());
        CHECK(state.initialization_id.empty());
        CHECK(state.replaced_source.empty());
        CHECK(state.replacement_reason.empty());
        CHECK(state.give_up_below == 0);
        CHECK(d.status().counts.open == 1);
    }
}

TEST_CASE("replica_attach: rows of layout 2 that nothing was noted of are noted as they were before what the log knows") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a, b)"};
    d.open(std::vector<std::string>{"t"});
    d.take({image("x", 3, texts({"1", "2"})), image("y", 4, texts({"1", "2"})), image("gone", 5, std::nullopt)});
    d.sql("UPDATE t SET b='logged' WHERE id='x'");
    d.close();
    d.sql("UPDATE syncline_replica_base SET digest=NULL; UPDATE syncline_replica_model SET kinds=NULL");
    d.sql("CREATE TABLE seen AS SELECT 1");  // the schema changes, the triggers stand
    d.open(std::vector<std::string>{"t"});
    CHECK(d.ask("SELECT count(*) FROM syncline_replica_base WHERE digest IS NULL AND kept=0") == "0");
    CHECK(d.ask("SELECT count(*) FROM syncline_replica_base WHERE length(digest)=0") == "1");
    CHECK(d.open_intent({0, "x"})->before == texts({"1", "2"}));
    d.sql("CREATE TABLE n(id TEXT PRIMARY KEY, a, b); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; UPDATE t SET a='2' WHERE id='y'");
    CHECK(d.absorb() == 1);
    CHECK(d.open_intent({0, "y"})->changes.fields() == field_set::first(1));
}

TEST_CASE("replica_attach: bookkeeping of a layout that is not known is left alone") {
    for (const std::int64_t layout : {std::int64_t{1}, sqlite_replica_layout + 1, std::int64_t{99}}) {
        device d{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"};
        d.open(std::vector<std::string>{"t"});
        d.close();
        d.sql("UPDATE syncline_replica_state SET layout=" + std::to_string(layout));
        const auto before = d.ask("PRAGMA schema_version");
        CHECK(fault_of(sqlite_replica_store::open(d.dir.file(), std::vector<std::string>{"t"})) == errc::unsupported);
        CHECK(d.ask("PRAGMA schema_version") == before);
        CHECK(d.ask("SELECT layout FROM syncline_replica_state") == std::to_string(layout));
    }
}

TEST_CASE("replica_attach: another key column is refused, and what does not decode is corrupt") {
    device d{"CREATE TABLE t(id TEXT PRIMARY KEY, other TEXT NOT NULL UNIQUE, a)"};
    d.open(std::vector<std::string>{"t"});
    model_schema model = d.store().schemas()[0];
    d.close();
    model.key_name = "other";
    model.fields.erase(model.fields.begin());
    CHECK(fault_of(sqlite_replica_store::open(d.dir.file(), std::vector<model_schema>{model})) == errc::schema_mismatch);
    d.sql("UPDATE syncline_replica_model SET fields=x'ff'");
    CHECK(fault_of(sqlite_replica_store::open(d.dir.file(), std::vector<std::string>{"t"})) == errc::corrupt);
}

}  // namespace replica_attach_test
