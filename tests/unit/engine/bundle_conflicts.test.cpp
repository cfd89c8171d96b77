#include <syncline/engine/bundle_conflicts.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace bundle_conflicts_test {

namespace {

using namespace engine_tests;
using kind = commit_obstacle::kind;

resolver_set saying(resolution said, conflict* seen = nullptr) {
    return resolver_set{[said, seen](const conflict& c, const resolver_context&) {
        if (seen != nullptr) *seen = c;
        return said;
    }};
}

commit_obstacle version_conflict(const std::string& key, std::int64_t version, std::optional<record> row) {
    commit_obstacle o;
    o.what = kind::version_conflict;
    o.key = key_named(key);
    o.server_version = version;
    o.server_deleted = !row;
    o.server_row = std::move(row);
    return o;
}
commit_obstacle cascade(const std::string& key, const std::string& victim, std::int64_t version, std::optional<record> row) {
    commit_obstacle o;
    o.what = kind::cascade;
    o.key = key_named(key);
    o.victim = key_named(victim);
    o.server_version = version;
    o.server_row = std::move(row);
    return o;
}
settle_report obstructed(device& d, const std::vector<commit_obstacle>& obstacles) {
    return lab_must(d.engine.obstructed(d.freeze(10, true)->head.id, obstacles, d.now));
}

/// T at version 5, changed from a=1 to a=2 and frozen, and then b changed to 3 above it.
void two_layers(device& d) {
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    (void)d.freeze(10, true);
    d.write("T", node_row(2, 3));
    (void)d.status();
}

}  // namespace

TEST_CASE("bundle conflicts: an answer for another batch, or for one that committed, is dropped") {
    device d;
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    CHECK(lab_must(d.engine.obstructed(batch.head.id + 1, {}, d.now)).stale);
    CHECK(lab_must(d.engine.committed(batch.head.id, 1, "h", d.now)));
    CHECK(lab_must(d.engine.obstructed(batch.head.id, {}, d.now)).stale);
    CHECK(d.status().counts.frozen == 1);
}

TEST_CASE("bundle conflicts: the resolver is asked once, about the frozen and the open change together (rule 1)") {
    conflict seen;
    device d{saying(resolution::take_server(), &seen)};
    two_layers(d);
    obstructed(d, {version_conflict("T", 8, node_row(7, 7))});
    CHECK(seen.client_fields.contains(field_a));
    CHECK(seen.client_fields.contains(field_b));
    CHECK(seen.server_version == 8);
    CHECK(d.row("T") == node_row(7, 7));
    CHECK(d.status().counts.open == 0);
    CHECK(d.status().counts.frozen == 0);
    CHECK(d.base("T").version == 8);
    d.check();
}

TEST_CASE("bundle conflicts: each resolution leaves the row, the base and the queue that it should") {
    field_changes mine;
    mine.set(field_a, value::integer(50));
    SECTION("take_server gives up what overlaps, and sends the rest on the new base") {
        device d{saying(resolution::take_server())};
        two_layers(d);
        CHECK(obstructed(d, {version_conflict("T", 8, node_row(7, 0))}).superseded == 0);
        CHECK(d.row("T") == node_row(7, 3));
        const auto next = d.freeze(10, true)->items[0].what;
        CHECK(next.base == base_ref{8, {}});
        CHECK(next.changes.size() == 1);
        d.check();
    }
    SECTION("take_client sends it on the new base") {
        device d{saying(resolution::take_client())};
        two_layers(d);
        obstructed(d, {version_conflict("T", 8, node_row(7, 7, 4))});
        CHECK(d.row("T") == node_row(2, 3, 4));
        const auto next = d.freeze(10, true)->items[0].what;
        CHECK(next.op == operation::update);
        CHECK(next.base == base_ref{8, {}});
        CHECK(next.before == node_row(7, 7, 4));
        d.check();
    }
    SECTION("merged sends what was made of it") {
        device d{saying(resolution::merged(mine))};
        two_layers(d);
        obstructed(d, {version_conflict("T", 8, node_row(7, 7))});
        CHECK(d.row("T") == node_row(50, 7));
        CHECK(d.freeze(10, true)->items[0].what.base == base_ref{8, {}});
        d.check();
    }
    SECTION("defer and refuse wait for a person, who sees the own row; the base has moved under it, the intent's has not") {
        device d{saying(GENERATE(true, false) ? resolution::defer() : resolution::refuse("look at it"))};
        two_layers(d);
        const auto report = obstructed(d, {version_conflict("T", 8, node_row(7, 7))});
        REQUIRE(report.waiting.size() == 1);
        CHECK(report.waiting[0].second.code == errc::conflict);
        CHECK(d.row("T") == node_row(2, 3));
        CHECK(d.base("T").version == 8);
        CHECK(d.open("T")->base == base_ref{5, {}});
        CHECK(!d.freeze(10, true));
        d.check();
    }
}

TEST_CASE("bundle conflicts: an update of a record that is gone makes it again, or lets it go; an erase of one is done") {
    SECTION("the client wins") {
        device d{saying(resolution::take_client())};
        two_layers(d);
        obstructed(d, {version_conflict("T", 8, std::nullopt)});
        const auto next = d.freeze(10, true)->items[0].what;
        CHECK(next.op == operation::create);
        CHECK(next.base == base_ref{8, {}});
        CHECK(next.changes.size() == 5);
        CHECK(d.row("T") == node_row(2, 3));
        d.check();
    }
    SECTION("the server wins") {
        device d{saying(resolution::take_server())};
        two_layers(d);
        CHECK(obstructed(d, {version_conflict("T", 8, std::nullopt)}).superseded == 1);
        CHECK(!d.row("T"));
        CHECK(d.status().counts.open == 0);
        d.check();
    }
    SECTION("an erase needs nobody") {
        device d{saying(resolution::refuse("never"))};
        d.take({image("T", 5, node_row(1))});
        d.erase("T");
        obstructed(d, {version_conflict("T", 8, std::nullopt)});
        CHECK(!d.row("T"));
        CHECK(!d.freeze(10, true));
        CHECK(d.status().counts.waiting == 0);
        d.check();
    }
}

TEST_CASE("bundle conflicts: an erase of a record that others changed is sent on what they made of it, or given up") {
    for (const bool client : {true, false}) {
        device d{saying(client ? resolution::take_client() : resolution::take_server())};
        d.take({image("T", 5, node_row(1))});
        d.erase("T");
        obstructed(d, {version_conflict("T", 8, node_row(7))});
        CHECK(d.row("T").has_value() == !client);
        const auto next = d.freeze(10, true);
        CHECK(next.has_value() == client);
        if (next) CHECK(next->items[0].what.base == base_ref{8, {}});
        d.check();
    }
}

TEST_CASE("bundle conflicts: a refused row waits with its reason, everything else is free to go again (rule 12)") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    d.write("T2", node_row(3));
    const auto batch = *d.freeze(10, true);
    commit_obstacle o;
    o.what = kind::refused;
    o.key = key_named("T2");
    o.why = wait_reason{errc::constraint, "unique"};
    const auto report = obstructed(d, {o});
    REQUIRE(report.waiting.size() == 1);
    CHECK(report.waiting[0] == std::pair{key_named("T2"), wait_reason{errc::constraint, "unique"}});
    const auto next = *d.freeze(10, true);
    REQUIRE(next.items.size() == 1);
    CHECK(next.items[0].what.key == key_named("T"));
    CHECK(next.items[0].what.base == base_ref{5, {}});
    CHECK(next.items[0].id != batch.items[0].id);
    CHECK(next.head.source_bundle_id == batch.head.source_bundle_id);
    CHECK(d.row("T2") == node_row(3));
    d.check();
}

TEST_CASE("bundle conflicts: an erase that would take along a record is decided by the resolver, told that it cascades") {
    conflict seen;
    const auto run = [&](resolution said, bool edit_victim, auto check) {
        device d{saying(std::move(said), &seen)};
        d.take({image("P", 1, node_row(1))});
        d.erase("P");
        (void)d.freeze(10, true);
        if (edit_victim) d.write("C1", child_row(9, "P"));
        const auto report = obstructed(d, {cascade("P", "C1", 4, child_row(2, "P"))});
        CHECK(seen.cascade);
        CHECK(seen.client_op == operation::erase);
        CHECK(d.base("C1").version == 4);
        check(d, report);
        d.check();
    };
    run(resolution::take_server(), false, [](device& d, const settle_report& r) {
        CHECK(r.superseded == 1);
        CHECK(d.row("P") == node_row(1));
        CHECK(d.row("C1") == child_row(2, "P"));
        CHECK(!d.freeze(10, true));
    });
    run(resolution::take_client(), false, [](device& d, const settle_report&) {
        CHECK(!d.row("P"));
        CHECK(!d.row("C1"));
        const auto next = *d.freeze(10, true);
        REQUIRE(next.items.size() == 2);
        CHECK(next.items[0].what.key == key_named("C1"));
        CHECK(next.items[0].what.base == base_ref{4, {}});
    });
    run(resolution::defer(), false, [](device& d, const settle_report& r) {
        CHECK(r.waiting.size() == 1);
        CHECK(!d.row("P"));
        CHECK(!d.row("C1"));
        CHECK(!d.freeze(10, true));
        REQUIRE(d.engine.discard(key_named("P"), d.now));
        CHECK(d.row("C1") == child_row(2, "P"));
    });
    // A pending child of a deleted parent is a conflict, never a deletion (rule 5).
    run(resolution::take_client(), true, [](device& d, const settle_report& r) {
        CHECK(r.waiting.size() == 1);
        CHECK(d.open("C1")->op != operation::erase);
    });
}

TEST_CASE("bundle conflicts: an erase under a record made again is no erase: what the user made stands, and nothing is taken along (rule 1)") {
    for (const bool server : {true, false}) {
        CAPTURE(server);
        device d{saying(server ? resolution::take_server() : resolution::take_client())};
        d.take({image("P", 1, node_row(1))});
        d.erase("P");
        (void)d.freeze(10, true);
        d.write("P", node_row(5));
        const auto report = obstructed(d, {cascade("P", "C1", 4, child_row(2, "P"))});
        CHECK(report.superseded == 0);
        CHECK(report.conflicts.empty());
        CHECK(d.row("P") == node_row(5));
        CHECK(d.row("C1") == child_row(2, "P"));
        const auto next = *d.freeze(10, true);
        REQUIRE(next.items.size() == 1);
        CHECK(next.items[0].what.op == operation::update);
        CHECK(next.items[0].what.base == base_ref{1, {}});
        d.check();
    }
    device d{saying(resolution::defer())};
    d.take({image("P", 1, node_row(1))});
    d.erase("P");
    (void)d.freeze(10, true);
    d.write("P", node_row(5));
    CHECK(obstructed(d, {cascade("P", "C1", 4, child_row(2, "P"))}).waiting.size() == 1);
    CHECK(d.open("P")->op == operation::update);
    CHECK(!d.freeze(10, true));
}

TEST_CASE("bundle conflicts: last_write_wins goes by the time of the server's row; where that is not told, the server's row stays") {
    const timestamp edited = at(2001);
    struct { timestamp server; bool client_wins; } cases[] = {{at(2000), true}, {edited, false}, {at(2002), false}, {unknown_time, false}};
    for (const auto& c : cases) {
        CAPTURE(to_microseconds(c.server));
        device d{resolver_set{resolvers::last_write_wins{}}};
        two_layers(d);
        REQUIRE(d.open("T")->edited_at == edited);
        d.engine.hear(at(3000));
        commit_obstacle o = version_conflict("T", 8, node_row(7, 7));
        o.server_written_at = c.server;
        obstructed(d, {o});
        CHECK(d.row("T") == (c.client_wins ? node_row(2, 3) : node_row(7, 7)));
    }
}

TEST_CASE("bundle conflicts: a device whose clock runs ahead is believed as far as the authority's clock goes, or as what it saw") {
    conflict seen;
    for (const auto& [heard, server, believed] : {std::tuple{500, 100, 500}, std::tuple{500, 900, 901}, std::tuple{9000, 100, 2001}}) {
        CAPTURE(heard, server);
        device d{saying(resolution::take_client(), &seen)};
        two_layers(d);
        d.engine.hear(at(heard));
        commit_obstacle o = version_conflict("T", 8, node_row(7, 7));
        o.server_written_at = at(server);
        obstructed(d, {o});
        CHECK(seen.client_time == at(believed));
        CHECK(seen.server_time == at(server));
    }
}

TEST_CASE("bundle conflicts: every decision names rule, resolver, winner and versions") {
    const auto told = [](device& d, const std::vector<commit_obstacle>& obstacles) {
        const auto report = obstructed(d, obstacles);
        REQUIRE(report.conflicts.size() == 1);
        CHECK(report.conflicts.front().key == obstacles.front().key);
        return std::pair{report.conflicts.front().kind, report.conflicts.front().rule};
    };
    const auto on_fields = [&](resolution said) {
        device d{saying(std::move(said))};
        two_layers(d);
        return told(d, {version_conflict("T", 8, node_row(7, 7))});
    };
    using enum outcome_kind;
    CHECK(on_fields(resolution::take_server("mine")) == std::pair{superseded, std::string{"fields overlap (a, b); resolver: take_server (mine); winner: server; base version 5, server version 8"}});
    CHECK(on_fields(resolution::take_client()) == std::pair{applied, std::string{"fields overlap (a, b); resolver: take_client; winner: client; base version 5, server version 8"}});
    CHECK(on_fields(resolution::defer()) == std::pair{refused, std::string{"fields overlap (a, b); resolver: defer; winner: nobody yet, a person decides; base version 5, server version 8"}});
    CHECK(on_fields(resolution::refuse("no")) == std::pair{refused, std::string{"fields overlap (a, b); resolver: refuse (no); winner: nobody, it is refused; base version 5, server version 8"}});
    {
        device d;
        two_layers(d);
        CHECK(told(d, {version_conflict("T", 8, node_row(1, 0, 4))}) ==
              std::pair{applied, std::string{"fields do not overlap, or have a merge: merged; resolver: none asked; winner: both; base version 5, server version 8"}});
    }
    {
        device d;
        d.take({image("T", 5, node_row(1))});
        d.erase("T");
        CHECK(told(d, {version_conflict("T", 8, std::nullopt)}) ==
              std::pair{applied, std::string{"erase of a dead record: already so; resolver: none asked; winner: both; base version 5, server version 8"}});
    }
    device d;
    d.take({image("P", 1, node_row(1))});
    d.erase("P");
    CHECK(told(d, {cascade("P", "C1", 4, child_row(2, "P"))}) ==
          std::pair{superseded, std::string{"the erase would take along a live record of model `child`; resolver: take_server (server_wins); winner: server; base version 1, server version 1"}});
}

TEST_CASE("bundle conflicts: where the device's table has no room for the server's row yet, the layers that went do not show, and the row comes with its bundle") {
    for (const bool mine : {false, true}) {
        CAPTURE(mine);
        memory_table_options tables;
        tables.unique = {{node_model, field_a}};
        device d{saying(mine ? resolution::take_client() : resolution::take_server()), tables};
        CHECK(lab_must(d.engine.apply_bundle(0, 1, {image("T", 1, node_row(1)), image("T2", 1, node_row(2))}, d.now)).applied == 2);
        d.write("T", node_row(1, 5));
        obstructed(d, {version_conflict("T", 2, node_row(2, 7))});
        CHECK(d.row("T") == node_row(1, mine ? 5 : 0));
        CHECK(d.base("T").version == 1);
        d.check();
        if (mine) {  // the bundle that makes room is taken while the change waits to be sent again
            REQUIRE(d.open("T"));
            CHECK(d.open("T")->base == base_ref{2, {}});
        }
        CHECK(lab_must(d.engine.apply_bundle(1, 2, {image("T", 2, node_row(2, 7)), image("T2", 2, node_row(9))}, d.now)).applied == 2);
        CHECK(d.row("T") == node_row(2, mine ? 5 : 7));
        CHECK(d.status().counts.quarantined == 0);
        d.check();
    }
}

TEST_CASE("bundle conflicts: a field that the resolver makes something else of goes out too, though the user left it alone") {
    field_changes to;
    to.set(field_m, value::integer(8));
    device d{saying(resolution::merged(to))};
    two_layers(d);
    obstructed(d, {version_conflict("T", 6, node_row(4, 0, 3))});
    CHECK(d.row("T") == node_row(4, 3, 3, 8));
    const auto next = d.freeze(10, true)->items[0].what;
    CHECK(next.changes.fields().contains(field_m));
    CHECK(next.changes.size() == 2);
    d.check();
}

TEST_CASE("bundle conflicts: an erase whose victim the same batch writes waits until that is settled, whatever the resolver says") {
    memory_table_options tables;
    tables.foreign_key_actions = false;
    device d{saying(resolution::take_client()), tables};
    d.take({image("P", 1, node_row(1))});
    d.erase("P");
    d.write("C1", child_row(1, "P"));
    // It stands nowhere yet, so the server has no row of it to tell.
    const auto report = obstructed(d, {cascade("P", "C1", 0, std::nullopt)});
    REQUIRE(report.waiting.size() == 1);
    CHECK(report.waiting[0].first == key_named("P"));
    CHECK(report.waiting[0].second.code == errc::conflict);
    REQUIRE(d.open("C1"));
    CHECK(d.open("C1")->op == operation::create);
    CHECK_FALSE(d.open("C1")->waiting);
    d.check();
}

TEST_CASE("bundle conflicts: of a victim of which the server tells no row nothing is erased by name") {
    device d{saying(resolution::take_client())};
    d.take({image("P", 1, node_row(1))});
    d.erase("P");
    const auto report = obstructed(d, {cascade("P", "C1", 0, std::nullopt)});
    CHECK(report.waiting.size() == 1);
    CHECK_FALSE(d.open("C1"));
    d.check();
}

TEST_CASE("bundle conflicts: where the device's table has room neither for the server's row nor for the one before, the record stands until there is") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    device d{saying(resolution::take_server()), tables};
    CHECK(lab_must(d.engine.apply_bundle(0, 1, {image("T", 1, node_row(1)), image("P", 1, node_row(3))}, d.now)).applied == 2);
    d.write("T", node_row(2));
    (void)d.freeze(10, true);
    d.write("N", node_row(1));
    CHECK(obstructed(d, {version_conflict("T", 2, node_row(3))}).superseded == 1);
    CHECK(d.row("T") == node_row(2));
    CHECK(d.row("N") == node_row(1));
    CHECK(lab_must(d.engine.apply_bundle(1, 2, {image("P", 2, node_row(9)), image("T", 2, node_row(3))}, d.now)).applied == 2);
    CHECK(d.row("T") == node_row(3));
    d.check();
}

}  // namespace bundle_conflicts_test
