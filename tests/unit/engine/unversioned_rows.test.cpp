#include <syncline/engine/unversioned_rows.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace unversioned_rows_test {

namespace {

using namespace engine_tests;

// A device whose authority gives its rows no versions.
struct plain_device : device {
    plain_device() { lab_must(engine.note_epoch(std::string{unversioned_epoch}, {}, random, now)); }
    static row_image told(const std::string& key, std::optional<record> row) { return image(key, 0, std::move(row)); }
};

row_image partly(const std::string& key, record row, std::initializer_list<field_index> fields) {
    row_image out = image(key, 0, std::move(row));
    out.told = field_set{};
    for (const auto f : fields) out.told->insert(f);
    return out;
}

}  // namespace

TEST_CASE("unversioned rows: what comes later is newer, and what says nothing new is no news") {
    plain_device d;
    const auto first = d.take({d.told("T", node_row(1)), d.told("T", node_row(2)), d.told("P", node_row(3))});
    CHECK(first.applied == 3);
    CHECK(d.row("T") == node_row(2));
    const auto version = d.base("T").version;
    CHECK(version > 0);
    const auto again = d.take({d.told("T", node_row(2)), d.told("P", std::nullopt)});
    CHECK(again.skipped == 1);
    CHECK(again.applied == 1);
    CHECK(d.base("T").version == version);
    CHECK_FALSE(d.row("P"));
    CHECK(d.take({d.told("T", node_row(1))}).applied == 1);  // an older state that comes again is the newest
    CHECK(d.row("T") == node_row(1));
    CHECK(d.base("T").version > version);
    d.check();
}

TEST_CASE("unversioned rows: fields that were not told stay as they are known, within a page too") {
    plain_device d;
    d.take({d.told("T", node_row(1, 2, 3))});
    d.take({partly("T", node_row(9, 0, 0), {0}), partly("T", node_row(0, 8, 0), {1})});
    CHECK(d.row("T") == node_row(9, 8, 3));
    d.take({partly("P", node_row(5), {0})});
    CHECK(d.row("P")->fields[0] == value::integer(5));
    d.write("T", node_row(9, 8, 4));
    d.take({partly("T", node_row(7), {0})});
    CHECK(d.row("T") == node_row(7, 8, 4));
    d.check();
}

TEST_CASE("unversioned rows: no page, picture or kept row is taken while a batch is unsettled") {
    plain_device d;
    d.take({d.told("T", node_row(1))});
    d.write("T", node_row(2));
    const auto batch = d.freeze();
    REQUIRE(batch);
    CHECK(d.take({d.told("T", node_row(5))}).stale);
    CHECK(lab_must(d.engine.reread({{{"node", "T"}, d.told("T", node_row(6))}}, d.now)).stale);
    lab_must(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("walk:1", 0, 1, 0, {d.told("T", node_row(7))}, 1, d.now)).stale);
    CHECK(d.row("T") == node_row(2));
    d.settle({answer(batch->items[0].id, outcome_kind::applied)});
    CHECK(lab_must(d.engine.stage("walk:1", 0, 1, 0, {d.told("T", node_row(7))}, 1, d.now)).hydrated);
    CHECK(d.row("T") == node_row(7));
    d.check();
}

TEST_CASE("unversioned rows: an acknowledged change is the base until its row comes, which is then no news") {
    plain_device d;
    d.write("T", node_row(1));
    d.settle({answer(d.freeze()->items[0].id, outcome_kind::applied)});
    CHECK(d.kept("T").provisional);
    CHECK(d.base("T").row == node_row(1));
    const auto echo = d.take({d.told("T", node_row(1))});
    CHECK(echo.applied == 0);
    CHECK(echo.skipped == 1);
    CHECK_FALSE(d.kept("T").provisional);
    d.write("T", node_row(2));
    d.settle({answer(d.freeze()->items[0].id, outcome_kind::applied)});
    CHECK(d.take({d.told("T", node_row(3))}).applied == 1);
    CHECK(d.row("T") == node_row(3));
    d.check();
}

TEST_CASE("unversioned rows: a batch comes with the whole rows that its writes make of the newest known ones (W01)") {
    plain_device d;
    d.take({d.told("T", node_row(1, 1, 10))});
    d.write("T", node_row(1, 5, 12));
    d.write("P", node_row(4));
    lab_must(d.engine.absorb(d.now));
    d.take({d.told("T", node_row(7, 1, 20))});
    const auto batch = d.freeze();
    REQUIRE(batch);
    REQUIRE(batch->items.size() == 2);
    REQUIRE(batch->rows.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) CHECK(batch->rows[i] == (batch->items[i].what.key.key == "T" ? node_row(7, 5, 22) : node_row(4)));
    CHECK(d.freeze()->rows == batch->rows);
    device versioned;
    versioned.write("T", node_row(1));
    CHECK(versioned.freeze()->rows.empty());
}

TEST_CASE("unversioned rows: the cursor is opaque, but a page that does not continue the checkpoint is dropped") {
    plain_device d;
    CHECK_FALSE(d.apply(0, 900, {}).stale);
    CHECK_FALSE(d.apply(900, -4, {}).stale);
    CHECK(d.apply(900, 901, {}).stale);
    CHECK(d.status().state.checkpoint == -4);
}

TEST_CASE("unversioned rows: building anew takes away what is gone, and keeps what was not sent") {
    plain_device d;
    d.take({d.told("T", node_row(1)), d.told("P", node_row(2)), d.told("T2", node_row(3))});
    d.write("T", node_row(1, 9));
    lab_must(d.engine.begin_hydration(d.now));
    CHECK_FALSE(lab_must(d.engine.stage("walk:5", 0, 5, 0, {d.told("T", node_row(4))}, std::nullopt, d.now)).hydrated);
    CHECK(lab_must(d.engine.stage("walk:5", 5, 3, 0, {d.told("P", node_row(2))}, 3, d.now)).hydrated);
    CHECK(d.row("T") == node_row(4, 9));
    CHECK(d.row("P") == node_row(2));
    CHECK_FALSE(d.row("T2"));
    CHECK(d.status().state.checkpoint == 3);
    d.check();
}

TEST_CASE("unversioned rows: a row that is kept aside goes by a newer one, also by one that says what the base says") {
    plain_device d;
    d.take({d.told("T", node_row(1))});
    page p;
    p.from = d.status().state.checkpoint;
    p.next = p.from + 1;
    p.unread.push_back({{"node", "T"}, 0, "{}", {errc::malformed_value, "no"}});
    CHECK(lab_must(d.engine.apply(p, d.now)).unread == 1);
    CHECK(d.status().counts.unread == 1);
    d.take({d.told("T", node_row(1))});
    CHECK(d.status().counts.unread == 0);
    d.take({d.told("C1", child_row(1, "P"))});
    CHECK(d.status().counts.quarantined == 1);
    d.take({d.told("C1", std::nullopt), d.told("P", node_row(1))});
    CHECK(d.status().counts.quarantined == 0);
    CHECK_FALSE(d.row("C1"));
}

TEST_CASE("unversioned rows: a server with versions in its place replaces every base, and what was in flight waits for a person") {
    plain_device d;
    d.take({d.told("T", node_row(1)), d.told("P", node_row(2))});
    d.write("T", node_row(5));
    REQUIRE(d.freeze());
    d.write("P", node_row(2, 6));
    const auto source = d.status().state.source_id;
    CHECK(lab_must(d.engine.note_epoch("an epoch", {}, d.random, d.now)));
    CHECK(d.status().state.needs_hydration);
    CHECK(d.status().state.source_id != source);
    const auto waits = lab_must(d.engine.waiting(10, d.now));
    REQUIRE(waits.size() == 1);
    CHECK(waits[0].key == key_named("T"));
    CHECK(waits[0].waiting->code == errc::maybe_sent);
    lab_must(d.engine.stage("walk:1", 0, 1, 1, {image("T", 1, node_row(1)), image("P", 1, node_row(8))}, 1, d.now));
    CHECK(d.base("T").version == 1);
    CHECK(d.row("P") == node_row(8, 6));
    CHECK(d.row("T") == node_row(5));
    d.check();
}

TEST_CASE("unversioned rows: a row that says what a base of a lost timeline says is news all the same") {
    plain_device d;
    d.take({d.told("T", node_row(1))});
    const auto version = d.kept("T").version;
    {
        auto t = lab_must(d.store.begin());
        auto base = lab_must(t.base(key_named("T")));
        base.lost = true;
        lab_must(t.put_base(key_named("T"), base));
        lab_must(t.commit());
    }
    CHECK(d.take({d.told("T", node_row(1))}).applied == 1);
    CHECK(d.kept("T").version > version);
    CHECK_FALSE(d.kept("T").lost);
}

TEST_CASE("unversioned rows: what is told of some fields of a record that is gone completes nothing") {
    plain_device d;
    d.take({d.told("T", node_row(1))});
    row_image gone = d.told("T", std::nullopt);
    gone.told = field_set{};
    gone.told->insert(field_a);
    CHECK(d.take({gone}).applied == 1);
    CHECK_FALSE(d.row("T"));
    d.check();
}

TEST_CASE("unversioned rows: others changed a record where a field that users write differs, or where only one side has it") {
    schema_set schemas;
    for (auto& m : simulation::models(overlap_policy::by_field)) {
        m.fields[field_b].read_only = true;
        lab_must(schemas.add(std::move(m)));
    }
    memory_replica_store store{schemas};
    auto t = lab_must(store.begin());
    replica_state state;
    row_placement<memory_replica_store::transaction> placement{t, schemas};
    const unversioned_rows<memory_replica_store::transaction> rows{t, placement, state};
    const auto changed = [&](std::optional<record> before, const std::optional<record>& row) {
        intent what;
        what.key = key_named("T");
        what.before = std::move(before);
        return rows.others_changed(what, row);
    };
    CHECK(changed(node_row(1, 1), node_row(2, 1)));
    CHECK_FALSE(changed(node_row(1, 1), node_row(1, 2)));  // the server keeps it
    CHECK(changed(std::nullopt, node_row(1)));
    CHECK(changed(node_row(1), std::nullopt));
    CHECK_FALSE(changed(std::nullopt, std::nullopt));
}

}  // namespace unversioned_rows_test
