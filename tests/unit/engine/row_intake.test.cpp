#include <syncline/engine/row_intake.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace row_intake_test {

namespace {

using namespace engine_tests;

/// A device on which no two nodes may have the same `a`.
memory_table_options unique_a() {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    return tables;
}

/// A device with one model, whose records refer to each other by `parent` and `other`; no two may have the same `name`.
struct tree {
    tree() { lab_must(engine.open(random, now)); }
    static schema_set models() {
        model_schema item;
        item.name = "item";
        item.fields = {{"name", value_kind::text, true, nullptr}, {"parent", value_kind::text, true, nullptr}, {"other", value_kind::text, true, nullptr}};
        item.references = {{1, "item", reference_action::cascade}, {2, "item", reference_action::none}};
        schema_set out;
        lab_must(out.add(item));
        return out;
    }
    static row_image row(const std::string& key, std::int64_t version, const std::string& name, const char* parent = nullptr, const char* other = nullptr) {
        const auto text = [](const char* t) { return t == nullptr ? value{} : value::text(t); };
        return {{0, key}, version, record{{value::text(name), text(parent), text(other)}}, {}};
    }
    apply_report take(std::vector<row_image> rows) {
        const cursor from = lab_must(engine.status(now)).state.checkpoint;
        page p;
        p.from = from;
        p.next = from + 1;
        p.rows = std::move(rows);
        return lab_must(engine.apply(p, now));
    }
    std::string shown() const {
        std::string out;
        for (const auto& [key, row] : store.rows(0)) out += key;
        return out;
    }
    std::uint64_t quarantined() { return lab_must(engine.status(now)).counts.quarantined; }

    seeded_random random{1};
    timestamp now = at(2000);
    memory_table_options options{{{0, 0}}, true, {}};
    memory_replica_store store{models(), options};
    replica<memory_replica_store> engine{store};
};

std::string why_of(device& d, const std::string& key) {
    auto t = lab_must(d.store.begin());
    for (const auto& q : lab_must(t.quarantined(10)))
        if (q.image.key == key_named(key)) return q.why.detail;
    return {};
}

}  // namespace

TEST_CASE("taking rows in: older and equal ones are no news, newer ones are, deletions too") {
    device d;
    CHECK(d.take({image("T", 5, node_row(1))}).applied == 1);
    for (const std::int64_t old : {1, 4, 5}) CHECK(d.take({image("T", old, node_row(9))}).skipped == 1);
    CHECK(d.row("T") == node_row(1));
    CHECK(d.take({image("T", 6, std::nullopt)}).applied == 1);
    CHECK(!d.row("T"));
    // The tombstone stays known, so a late older row does not bring the record back.
    CHECK(d.take({image("T", 5, node_row(1))}).skipped == 1);
    CHECK(!d.row("T"));
}

TEST_CASE("taking rows in: over an acknowledged change the authority's copy is awaited, and older rows do not undo it") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    const auto id = d.freeze()->items.front().id;
    d.settle({answer(id, outcome_kind::applied, 7)});
    CHECK(d.row("T") == node_row(2));
    CHECK(d.take({image("T", 6, node_row(1, 4))}).skipped == 1);
    CHECK(d.row("T") == node_row(2));
    // The authority's own row is taken at the same version, because a trigger of its may have changed it.
    d.take({image("T", 7, node_row(2, 8))});
    CHECK(d.row("T") == node_row(2, 8));
    d.check();
}

TEST_CASE("taking rows in: a row that contains the mutation in flight settles it, though its answer was lost") {
    device d;
    d.take({image("T", 5, node_row(1, 0, 10))});
    d.write("T", node_row(1, 0, 12));
    const auto batch = *d.freeze();
    d.take({image("T", 7, node_row(1, 0, 15), batch.items.front().id)});
    // Counted once, not twice.
    CHECK(d.row("T") == node_row(1, 0, 15));
    CHECK(d.status().counts.frozen == 0);
    CHECK(!d.freeze());
    CHECK(lab_must(d.engine.settle(batch.head.id, {answer(batch.items.front().id, outcome_kind::applied, 7)}, d.now)).stale);
    d.check();
}

TEST_CASE("taking rows in: a row that contains the mutation in flight tells which of its values others changed, since its outcome does not come any more") {
    device d;
    d.take({image("T", 5, node_row(1)), image("T2", 5, node_row(1)), image("P", 5, node_row(1))});
    d.write("T", node_row(2, 3));
    d.write("T2", node_row(2, 0, 4));
    d.erase("P");
    const auto batch = *d.freeze();
    const auto id_of = [&](const std::string& key) {
        for (const auto& item : batch.items)
            if (item.what.key == key_named(key)) return item.id;
        return mutation_id{};
    };
    const auto report = d.take({image("T", 7, node_row(9, 3), id_of("T")), image("T2", 7, node_row(2, 8, 6), id_of("T2")), image("P", 7, node_row(4), id_of("P"))});
    CHECK(d.status().counts.frozen == 0);
    REQUIRE(report.conflicts.size() == 2);
    CHECK(report.conflicts[0] == decided_conflict{key_named("T"), outcome_kind::applied, "the answer was lost; the server has other values of a", id_of("T"), node_row(9, 3), 7});
    CHECK(report.conflicts[1].key == key_named("P"));
    CHECK(report.conflicts[1].rule == "the answer was lost; the server has the record again");
}

TEST_CASE("taking rows in: another mutation's id settles nothing") {
    device d;
    d.take({image("T", 5, node_row(1, 0, 10))});
    d.write("T", node_row(1, 0, 12));
    (void)d.freeze();
    d.take({image("T", 7, node_row(1, 0, 15), "somebody-elses")});
    CHECK(d.row("T") == node_row(1, 0, 17));
    CHECK(d.status().counts.frozen == 1);
}

TEST_CASE("quarantine: a row that the table refuses is kept and tried again, its neighbours and the cursor go on (W09, W25)") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(7))});
    const auto report = d.take({image("T2", 2, node_row(7)), image("P", 2, node_row(8))});
    CHECK(report.quarantined == 1);
    CHECK(d.row("P") == node_row(8));
    CHECK(!d.row("T2"));
    CHECK(d.status().counts.quarantined == 1);
    CHECK(d.status().state.checkpoint == 2);
    {
        auto t = lab_must(d.store.begin());
        const auto kept = lab_must(t.quarantined(10));
        REQUIRE(kept.size() == 1);
        CHECK(kept.front().why.code == errc::constraint);
        CHECK(kept.front().image.row == node_row(7));
    }

    SECTION("what stood in its way goes: the next page lets it in") {
        CHECK(d.take({image("T", 3, node_row(9))}).applied == 2);
        CHECK(d.row("T2") == node_row(7));
        CHECK(d.status().counts.quarantined == 0);
    }
    SECTION("it is tried with every page, and stays where it cannot get in") {
        d.take({});
        CHECK(d.status().counts.quarantined == 1);
    }
    SECTION("a newer row of the record takes its place") {
        d.take({image("T2", 4, node_row(3))});
        CHECK(d.row("T2") == node_row(3));
        CHECK(d.status().counts.quarantined == 0);
        d.take({image("T", 5, node_row(1))});
        CHECK(d.row("T2") == node_row(3));
    }
    SECTION("an older row does not") {
        d.take({image("T2", 1, node_row(3))});
        CHECK(d.status().counts.quarantined == 1);
        d.take({image("T", 3, node_row(9))});
        CHECK(d.row("T2") == node_row(7));
    }
}

TEST_CASE("quarantine: a refused row leaves what was there, and the user's change over it") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(7)), image("T2", 1, node_row(5))});
    d.write("T2", node_row(5, 3));
    CHECK(d.take({image("T2", 2, node_row(7))}).quarantined == 1);
    CHECK(d.row("T2") == node_row(5, 3));
    CHECK(d.base("T2").version == 1);
    CHECK(d.open("T2"));
    d.take({image("T", 3, node_row(9))});
    CHECK(d.row("T2") == node_row(7, 3));
    d.check();
}

TEST_CASE("hydration: the picture replaces what was there; newer rows, known tombstones and the user's changes stay") {
    device d;
    d.take({image("T", 3, node_row(1)), image("T2", 3, node_row(2)), image("P", 9, node_row(3)), image("C1", 9, child_row(1, "P")), image("C2", 4, std::nullopt)});
    d.write("T2", node_row(2, 6));
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(d.take({image("T", 50, node_row(50))}).stale);
    const auto report = lab_must(d.engine.stage("walk", 0, 1, 8, {image("T2", 5, node_row(4)), image("P", 2, node_row(0)), image("N", 6, node_row(7))}, cursor{40}, d.now));
    CHECK(report.hydrated);
    CHECK(!d.row("T"));
    CHECK(d.row("T2") == node_row(4, 6));
    CHECK(d.row("P") == node_row(3));
    CHECK(d.row("C1"));
    CHECK(d.row("N") == node_row(7));
    CHECK(d.kept("C2").version == 4);
    CHECK(d.status().state.checkpoint == 40);
    CHECK(!d.status().state.needs_hydration);
    CHECK(d.open("T2")->base.row_version == 3);
    d.check();
}

TEST_CASE("hydration: a quarantined row that the picture does not have, or has newer, is given up; what came after the picture goes on waiting") {
    device d{resolver_set{}, unique_a()};
    d.take({image("P", 4, node_row(2)), image("T2", 4, node_row(3))});
    d.take({image("T", 5, node_row(2)), image("T2", 5, node_row(2)), image("N", 11, node_row(2))});
    REQUIRE(d.status().counts.quarantined == 3);
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("walk", 0, 1, 9, {image("P", 9, node_row(7)), image("T2", 8, node_row(8))}, cursor{40}, d.now)).hydrated);
    CHECK(!d.row("T"));  // it was erased when its history was gone
    CHECK(d.kept("T").version == 0);
    CHECK(d.row("T2") == node_row(8));
    CHECK(d.row("N") == node_row(2));
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("hydration: a quarantined row goes on waiting where the picture has its record in a form that cannot be read") {
    device d{resolver_set{}, unique_a()};
    d.take({image("P", 4, node_row(2))});
    d.take({image("T", 5, node_row(2))});
    REQUIRE(d.engine.begin_hydration(d.now));
    unread_row unreadable;
    unreadable.name = {"node", "T"};
    unreadable.version = 5;
    CHECK(lab_must(d.engine.stage("walk", 0, 1, 9, {image("P", 4, node_row(2))}, cursor{40}, d.now, {unreadable})).hydrated);
    CHECK(d.status().counts.quarantined == 1);
}

TEST_CASE("hydration: a row of a lost timeline whose record the picture has in an unreadable form is reported when a row that can be read replaces it") {
    device d;
    CHECK(!lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
    d.take({image("T", 8, node_row(1)), image("T2", 8, node_row(2)), image("P", 3, node_row(3))});
    d.write("T", node_row(1, 5));
    CHECK(lab_must(d.engine.note_epoch("two", {{5, 1000, 5, 1000}}, d.random, d.now)));
    std::vector<unread_row> unreadable(2);
    unreadable[0].name = {"node", "T"};
    unreadable[1].name = {"node", "T2"};
    CHECK(lab_must(d.engine.stage("walk", 0, 1, 5, {image("P", 3, node_row(3))}, cursor{40}, d.now, unreadable)).lost == 0);
    CHECK(d.take({image("T", 4, node_row(7)), image("T2", 4, node_row(2)), image("P", 6, node_row(4))}).lost == 1);
    const auto lost = lab_must(d.engine.lost_by_restore(10, d.now));
    REQUIRE(lost.size() == 1);
    CHECK(lost[0] == image("T", 8, node_row(1)));
    CHECK(d.row("T") == node_row(7, 5));
    d.check();
}

TEST_CASE("hydration: such a row is reported too when the answer to a push replaces it") {
    for (const auto kind : {outcome_kind::applied, outcome_kind::superseded, outcome_kind::refused}) {
        CAPTURE(name_of(kind));
        device d;
        CHECK(!lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
        d.take({image("T", 8, node_row(1))});
        CHECK(lab_must(d.engine.note_epoch("two", {{5, 1000, 5, 1000}}, d.random, d.now)));
        std::vector<unread_row> unreadable(1);
        unreadable[0].name = {"node", "T"};
        CHECK(lab_must(d.engine.stage("walk", 0, 1, 5, {}, cursor{40}, d.now, unreadable)).lost == 0);
        d.write("T", node_row(1, 5));
        d.settle({answer_with_row(d.freeze()->items[0].id, kind, 1001, node_row(7))});
        CHECK(d.kept("T").version == 1001);
        const auto lost = lab_must(d.engine.lost_by_restore(10, d.now));
        REQUIRE(lost.size() == 1);
        CHECK(lost[0] == image("T", 8, node_row(1)));
    }
}

TEST_CASE("bundle wire: a picture's row that the table refused comes in with the next bundle, or with the own commit that makes way for it (promise 6)") {
    device d{resolver_set{}, unique_a()};
    d.write("N", node_row(2));
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("s", 0, 1, 9, {image("T", 5, node_row(2))}, cursor{9}, d.now)).quarantined == 1);
    const auto next_bundle = [&] { return lab_must(d.engine.apply_bundle(9, 10, {image("P", 10, node_row(8))}, d.now)); };
    SECTION("the next bundle") {
        d.write("N", node_row(3));
        CHECK(next_bundle().applied == 2);
    }
    SECTION("a bundle whose rows refer to it") {
        d.write("N", node_row(3));
        CHECK(lab_must(d.engine.apply_bundle(9, 10, {image("C1", 10, child_row(1, "T"))}, d.now)).applied == 2);
        CHECK(d.row("C1") == child_row(1, "T"));
    }
    SECTION("the own commit") {
        d.write("N", node_row(3));
        const auto batch = *d.freeze(10, true);
        CHECK(lab_must(d.engine.committed(batch.head.id, 10, {}, d.now)));
        const std::vector<row_image> rows{image("N", 10, node_row(3))};
        CHECK(lab_must(d.engine.replay(batch.head.id, 10, &rows, d.now)).applied == 2);
    }
    SECTION("while it is in the way, the bundle goes through and the row waits") {
        CHECK(next_bundle().applied == 1);
        CHECK(d.row("P") == node_row(8));
        CHECK(d.status().counts.quarantined == 1);
        d.write("N", node_row(3));
        CHECK(lab_must(d.engine.apply_bundle(10, 11, {}, d.now)).applied == 1);
    }
    CHECK(d.row("T") == node_row(2));
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.status().state.checkpoint >= 10);
    d.check();
}

TEST_CASE("hydration: is staged part by part and goes on where it stopped; parts that do not fit are dropped") {
    device d;
    d.take({image("T", 3, node_row(1))});
    const auto stage = [&](const std::string& session, std::int64_t from, std::int64_t next, const std::string& key, std::optional<cursor> end = std::nullopt) {
        return lab_must(d.engine.stage(session, from, next, 8, {image(key, 5, node_row(5))}, end, d.now));
    };
    CHECK(stage("s1", 0, 1, "T2").stale);
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(stage("s1", 1, 2, "T2").stale);
    CHECK(!stage("s1", 0, 1, "T2").stale);
    CHECK(stage("s1", 0, 1, "T2").stale);
    CHECK(d.row("T") == node_row(1));
    CHECK(!d.row("T2"));
    CHECK(d.status().state.hydration_position == 1);

    SECTION("the last part swaps") {
        CHECK(stage("s1", 1, 2, "P", 30).hydrated);
        CHECK(d.row("T2"));
        CHECK(d.row("P"));
        CHECK(!d.row("T"));
        CHECK(stage("s1", 2, 3, "N", 60).stale);
    }
    SECTION("another session begins from nothing") {
        CHECK(stage("s2", 1, 2, "P", 30).stale);
        CHECK(stage("s2", 0, 1, "P", 30).hydrated);
        CHECK(!d.row("T2"));
        CHECK(d.row("P"));
    }
    SECTION("starting again forgets what was staged") {
        REQUIRE(d.engine.begin_hydration(d.now));
        CHECK(stage("s1", 1, 2, "P", 30).stale);
        CHECK(stage("s1", 0, 1, "P", 30).hydrated);
        CHECK(!d.row("T2"));
    }
    d.check();
}

TEST_CASE("hydration: rows that can trade a unique value only one after the other do not block each other") {
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("T2", 1, node_row(2))});
    REQUIRE(d.engine.begin_hydration(d.now));
    const auto report = lab_must(d.engine.stage("s", 0, 1, 8, {image("T", 5, node_row(2)), image("T2", 5, node_row(3))}, cursor{40}, d.now));
    CHECK(report.hydrated);
    CHECK(d.row("T") == node_row(2));
    CHECK(d.row("T2") == node_row(3));
    CHECK(d.status().counts.quarantined == 0);
}

TEST_CASE("taking rows in: what stands in a row's way may come later in the same page or bundle") {
    const bool whole = GENERATE(false, true);
    device d{resolver_set{}, unique_a()};
    d.take({image("T", 1, node_row(1)), image("P", 1, node_row(2))});
    const std::vector<row_image> rows{image("T2", 2, node_row(1)), image("N", 2, node_row(2)), image("P", 2, node_row(4)), image("T", 2, std::nullopt)};
    const auto report = whole ? lab_must(d.engine.apply_bundle(1, 2, rows, d.now)) : d.take(rows);
    CHECK(report.applied == 4);
    CHECK(report.quarantined == 0);
    CHECK(d.row("T2") == node_row(1));
    CHECK(d.row("N") == node_row(2));
    CHECK(!d.row("T"));
}

TEST_CASE("references: a row whose parent is not here is quarantined, says which, and comes in with it (promise 6)") {
    device d;
    const auto report = d.take({image("C1", 1, child_row(1, "P")), image("T", 1, node_row(1))});
    CHECK(report.applied == 2);
    CHECK(report.quarantined == 1);
    CHECK(!d.row("C1"));
    CHECK(d.kept("C1") == base_row{});
    CHECK(d.row("T"));
    CHECK(d.status().state.checkpoint == 1);
    CHECK(why_of(d, "C1").find("the row `C1` of model `child` refers to the record `P` of model `node`") == 0);

    d.take({});
    CHECK(d.status().counts.quarantined == 1);
    CHECK(d.take({image("P", 2, node_row(2))}).applied == 2);
    CHECK(d.row("C1") == child_row(1, "P"));
    CHECK(d.base("C1").version == 1);
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("references: inside one page rows may refer to each other in any order, in cycles and to themselves") {
    tree d;
    const auto report = d.take({tree::row("a", 1, "1", "b", "a"), tree::row("b", 1, "2", "c"), tree::row("c", 1, "3", "a"), tree::row("d", 1, "4", "d")});
    CHECK(report.quarantined == 0);
    CHECK(d.shown() == "abcd");
    // A cycle that hangs on something that is missing goes as a whole, and comes as a whole.
    CHECK(d.take({tree::row("x", 2, "5", "y"), tree::row("y", 2, "6", "x", "z")}).quarantined == 2);
    CHECK(d.shown() == "abcd");
    CHECK(d.take({tree::row("z", 3, "7")}).applied == 3);
    CHECK(d.shown() == "abcdxyz");
    CHECK(d.quarantined() == 0);
}

TEST_CASE("references: rows that are hidden because of one another come back together, and only those whose own parents are there") {
    tree d;
    d.take({tree::row("p", 1, "p"), tree::row("q", 1, "q")});
    lab_must(d.store.app_erase({0, "p"}));
    lab_must(d.store.app_erase({0, "q"}));
    d.take({tree::row("a", 2, "a", "p", "b"), tree::row("b", 2, "b", nullptr, "a"), tree::row("c", 2, "c", "q", "a")});
    const auto batch = *lab_must(d.engine.freeze(10, false, d.random, d.now));
    REQUIRE(batch.items.size() == 2);
    lab_must(d.engine.settle(batch.head.id, {answer(batch.items[0].id, outcome_kind::refused), answer(batch.items[1].id, outcome_kind::refused)}, d.now));
    CHECK(d.shown().empty());
    lab_must(d.engine.discard({0, "p"}, d.now));
    CHECK(d.shown() == "abp");
    lab_must(d.engine.discard({0, "q"}, d.now));
    CHECK(d.shown() == "abcpq");
    CHECK(d.quarantined() == 0);
}

TEST_CASE("references: what refers to a row that its table refuses waits with it, to any depth, and follows in the same call") {
    tree d;
    d.take({tree::row("a", 1, "taken")});
    // Keys in an order that is not that of the references.
    CHECK(d.take({tree::row("m", 2, "1", "z"), tree::row("c", 2, "2", "m"), tree::row("b", 2, "3", "c"), tree::row("z", 2, "taken")}).quarantined == 4);
    CHECK(d.shown() == "a");
    CHECK(d.take({tree::row("e", 3, "5", "b")}).quarantined == 1);
    CHECK(d.quarantined() == 5);
    const auto report = d.take({tree::row("a", 4, "free")});
    CHECK(report.applied == 6);
    CHECK(report.quarantined == 0);
    CHECK(d.shown() == "abcemz");
    CHECK(d.quarantined() == 0);
}

TEST_CASE("references: more rows than one look used to take in wait for one parent, and come with it") {
    device d;
    std::vector<row_image> rows;
    for (int i = 0; i < 1500; ++i) rows.push_back(image("C" + std::to_string(i), 1, child_row(i, "P")));
    CHECK(d.take(rows).quarantined == 1500);
    CHECK(d.take({image("P", 2, node_row(1))}).applied == 1501);
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.row("C1499") == child_row(1499, "P"));
}

TEST_CASE("references: the row before stays where its own parent is there, and goes where not") {
    device d;
    d.take({image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    SECTION("there") {
        CHECK(d.take({image("C1", 2, child_row(2, "T"))}).quarantined == 1);
        CHECK(d.row("C1") == child_row(1, "P"));
        CHECK(d.base("C1").version == 1);
    }
    SECTION("gone with the same page") {
        CHECK(d.take({image("C1", 2, child_row(2, "T")), image("P", 2, std::nullopt)}).quarantined == 1);
        CHECK(!d.row("C1"));
        CHECK(d.base("C1").version == 1);
    }
    SECTION("a tombstone stays known") {
        d.take({image("C1", 2, std::nullopt)});
        CHECK(d.take({image("C1", 3, child_row(2, "T"))}).quarantined == 1);
        CHECK(!d.row("C1"));
        CHECK(d.base("C1").version == 2);
    }
    d.take({image("T", 3, node_row(1))});
    CHECK(d.row("C1") == child_row(2, "T"));
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("references: a parent that goes in one page and its children in the next make no noise") {
    device d;
    d.take({image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    CHECK(d.take({image("P", 2, std::nullopt)}).quarantined == 0);
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.take({image("C1", 2, std::nullopt)}).applied == 1);
    CHECK(!d.row("C1"));
}

TEST_CASE("references: a child that the user changed stays, though its parent is gone, until the change is given up (rule 5)") {
    device d;
    d.take({image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    d.write("C1", child_row(7, "P"));
    const auto id = d.freeze()->items.front().id;
    CHECK(d.take({image("C1", 2, child_row(2, "P")), image("P", 2, std::nullopt)}).quarantined == 0);
    CHECK(d.row("C1") == child_row(7, "P"));
    d.settle({answer(id, outcome_kind::refused)});
    CHECK(d.row("C1") == child_row(7, "P"));
    d.check();
    // Given up, it is the authority's row, which may have come before what it refers to: it waits for that unseen.
    REQUIRE(d.engine.discard(key_named("C1"), d.now));
    CHECK(!d.row("C1"));
    CHECK(d.status().counts.quarantined == 0);
    d.take({image("P", 3, node_row(3))});
    CHECK(d.row("C1") == child_row(2, "P"));
    d.check();
}

TEST_CASE("references: a row that an answer carries before what it refers to has come is kept, and shown when that comes") {
    device d;
    d.take({image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    d.write("C1", child_row(7, "P"));
    const auto id = d.freeze()->items.front().id;
    const auto kind = GENERATE(outcome_kind::applied, outcome_kind::superseded);
    const record now = child_row(kind == outcome_kind::applied ? 7 : 2, "T");
    // T was never here, or is known as it was before it came back.
    if (GENERATE(false, true)) d.take({image("T", 2, std::nullopt)});
    d.settle({answer_with_row(id, kind, 5, now)});
    CHECK(d.status().counts.quarantined == 0);
    CHECK(!d.row("C1"));
    CHECK(d.base("C1").row == now);
    d.check();
    const bool again = GENERATE(false, true);
    d.take(again ? std::vector<row_image>{image("T", 5, node_row(1)), image("C1", 5, now)} : std::vector<row_image>{image("T", 5, node_row(1))});
    CHECK(d.row("C1") == now);
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("references: the rows of a commit that others' bundles must come before are kept, and shown when those have come") {
    device d;
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    REQUIRE(d.engine.committed(batch.head.id, 5, "h", d.now));
    // The server's trigger made a child of what this device has not seen yet.
    const std::vector<row_image> rows{image("T", 5, node_row(1)), image("C1", 5, child_row(1, "P"))};
    REQUIRE(d.engine.replay(batch.head.id, 5, &rows, d.now));
    CHECK(d.status().counts.quarantined == 0);
    CHECK(!d.row("C1"));
    CHECK(d.base("C1").version == 5);
    REQUIRE(d.engine.apply_bundle(0, 1, {image("P", 1, node_row(1))}, d.now));
    CHECK(d.row("C1") == child_row(1, "P"));
    d.check();
}

TEST_CASE("references: on the bundle wire a row that dangles stops the whole bundle") {
    device d;
    const auto take = [&](std::vector<row_image> rows) { return d.engine.apply_bundle(0, 1, rows, d.now); };
    const auto refused = take({image("T", 1, node_row(1)), image("C1", 1, child_row(1, "P"))});
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::constraint);
    CHECK(refused.error().detail.find("`P`") != std::string::npos);
    CHECK(!d.row("T"));
    CHECK(d.status().state.checkpoint == 0);
    CHECK(d.status().counts.quarantined == 0);
    CHECK(lab_must(take({image("C1", 1, child_row(1, "P")), image("P", 1, node_row(1))})).applied == 2);
    CHECK(d.row("C1"));
}

TEST_CASE("references: a picture's row that dangles waits for what it refers to") {
    device d;
    REQUIRE(d.engine.begin_hydration(d.now));
    const auto report = lab_must(d.engine.stage("s", 0, 1, 8, {image("C1", 5, child_row(1, "P")), image("C2", 5, child_row(2, "T")), image("T", 5, node_row(1))}, cursor{40}, d.now));
    CHECK(report.hydrated);
    CHECK(report.quarantined == 1);
    CHECK(!d.row("C1"));
    CHECK(d.row("C2"));
    d.take({image("P", 9, node_row(1))});
    CHECK(d.row("C1"));
}

}  // namespace row_intake_test
