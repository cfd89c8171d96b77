#include <syncline/engine/replica.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace replica_test {

namespace {

using namespace engine_tests;

constexpr auto applied = outcome_kind::applied;
constexpr auto refused = outcome_kind::refused;

}  // namespace

TEST_CASE("open: names the source once and for all") {
    device d;
    const std::string source = d.status().state.source_id;
    CHECK(source.size() == 36);
    REQUIRE(d.engine.open(d.random, d.now));
    CHECK(d.status().state.source_id == source);
}

TEST_CASE("freeze: gives ids once; the batch is the same until it is settled, whatever the user does") {
    device d;
    d.write("T", node_row(1));
    d.write("T2", node_row(2));
    const auto batch = d.freeze();
    REQUIRE(batch);
    CHECK(batch->items.size() == 2);
    CHECK(batch->head.source_bundle_id == 0);
    d.write("T", node_row(5));
    d.write("P", node_row(5));
    const auto again = d.freeze();
    CHECK(again->head == batch->head);
    CHECK(again->items == batch->items);
    CHECK(lab_must(d.engine.in_flight(d.now)).size() == 2);
    d.settle({answer(batch->items[0].id, applied, 1), answer(batch->items[1].id, applied, 1)});
    const auto next = d.freeze();
    CHECK(next->head.id > batch->head.id);
    std::set<mutation_id> ids{batch->items[0].id, batch->items[1].id, next->items[0].id, next->items[1].id};
    CHECK(ids.size() == 4);
    d.check();
}

TEST_CASE("freeze: no more than the limit, parents before children, erases last, nothing where nothing is to send") {
    device d;
    CHECK(!d.freeze());
    d.take({image("T", 1, node_row(1))});
    d.erase("T");
    d.write("P", node_row(1));
    d.write("C1", child_row(1, "P"));
    const auto batch = d.freeze(2);
    REQUIRE(batch->items.size() == 2);
    CHECK(batch->items[0].what.key == key_named("P"));
    CHECK(batch->items[1].what.key == key_named("C1"));
    CHECK(d.status().counts.open == 1);
}

TEST_CASE("settle: an answer for another batch is dropped, and so are outcomes of mutations that are not in it") {
    device d;
    d.write("T", node_row(1));
    const auto batch = *d.freeze();
    CHECK(lab_must(d.engine.settle(batch.head.id + 1, {answer(batch.items[0].id, applied, 1)}, d.now)).stale);
    CHECK(d.status().counts.frozen == 1);
    const auto report = d.settle({answer("stranger", applied, 1)});
    CHECK((!report.stale && report.applied == 0));
    CHECK(d.status().counts.frozen == 1);
    CHECK(d.settle({answer(batch.items[0].id, applied, 1)}).applied == 1);
    CHECK(lab_must(d.engine.settle(batch.head.id, {answer(batch.items[0].id, applied, 1)}, d.now)).stale);
    CHECK(d.base("T").version == 1);
}

TEST_CASE("settle: a transient error keeps the mutation frozen under its id with its content (W06)") {
    device d;
    d.write("T", node_row(1));
    d.write("T2", node_row(1));
    const auto batch = *d.freeze();
    const auto report = d.settle({answer(batch.items[0].id, outcome_kind::error), answer(batch.items[1].id, applied, 1)});
    CHECK(report.errors == 1);
    CHECK(report.applied == 1);
    const auto again = *d.freeze();
    CHECK(again.head.id == batch.head.id);
    REQUIRE(again.items.size() == 1);
    CHECK(again.items[0] == batch.items[0]);
}

TEST_CASE("settle: each outcome leaves the row that the rules give it") {
    struct point {
        outcome_kind kind;
        bool carries;
        std::optional<record> row;
        std::optional<record> shown;
        std::int64_t version;
    };
    const std::vector<point> table{{applied, false, std::nullopt, node_row(2), 8},
                                   {applied, true, node_row(2, 9), node_row(2, 9), 8},
                                   {applied, true, std::nullopt, std::nullopt, 8},
                                   {outcome_kind::superseded, true, node_row(7), node_row(7), 8},
                                   {outcome_kind::superseded, false, std::nullopt, node_row(1), 5},
                                   {refused, true, node_row(7, 4), node_row(2, 4), 8},
                                   {refused, false, std::nullopt, node_row(2), 5},
                                   {outcome_kind::held, false, std::nullopt, node_row(2), 5}};
    for (const auto& p : table) {
        CAPTURE(name_of(p.kind), p.carries);
        device d;
        d.take({image("T", 5, node_row(1))});
        d.write("T", node_row(2));
        outcome o = answer(d.freeze()->items[0].id, p.kind, 8);
        o.carries_row = p.carries;
        o.row = p.row;
        d.settle({o});
        CHECK(d.row("T") == p.shown);
        CHECK(d.base("T").version == p.version);
        CHECK(d.status().counts.waiting == (p.kind == refused || p.kind == outcome_kind::held ? 1u : 0u));
        d.check();
    }
}

TEST_CASE("settle: an answer that is older than what a page brought meanwhile does not take the row back") {
    for (const auto kind : {applied, outcome_kind::superseded, refused}) {
        device d;
        d.take({image("T", 5, node_row(1))});
        d.write("T", node_row(2));
        const auto id = d.freeze()->items[0].id;
        d.take({image("T", 9, node_row(7, 7))});
        d.settle({answer_with_row(id, kind, 8, node_row(3, 3))});
        CHECK(d.base("T").row == node_row(7, 7));
        CHECK(d.base("T").version == 9);
        d.check();
    }
}

TEST_CASE("settle: a refused change composes under the newer edit, and both wait as one on the lower's base") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    const auto id = d.freeze()->items[0].id;
    d.write("T", node_row(2, 3));
    outcome o = answer(id, refused, 5);
    o.why = wait_reason{errc::validation_failed, "no"};
    const auto report = d.settle({o});
    CHECK(report.refused == 1);
    const auto waiting = lab_must(d.engine.waiting(10, d.now));
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].waiting->code == errc::validation_failed);
    CHECK(waiting[0].base == base_ref{5, {}});
    CHECK(waiting[0].changes.size() == 2);
    CHECK(d.row("T") == node_row(2, 3));
    CHECK(!d.freeze());
    d.check();
}

TEST_CASE("waiting: retry, edit, take the client's, or give up; each only where something waits (promise 2)") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    const auto first = *d.freeze();
    CHECK(d.engine.retry(key_named("T"), d.now).error().code == errc::absent);
    CHECK(d.engine.discard(key_named("T"), d.now).error().code == errc::absent);
    CHECK(d.engine.take_client(key_named("T"), d.now).error().code == errc::absent);
    d.settle({answer_with_row(first.items[0].id, refused, 8, node_row(6, 6))});
    CHECK(d.row("T") == node_row(2, 6));

    SECTION("a retry goes out as it is, under a new id, on its old base") {
        REQUIRE(d.engine.retry(key_named("T"), d.now));
        const auto again = *d.freeze();
        CHECK(again.items[0].id != first.items[0].id);
        CHECK(again.items[0].what.base == base_ref{5, {}});
    }
    SECTION("an edit is a retry") {
        d.write("T", node_row(3, 6));
        CHECK(d.freeze()->items[0].what.base.row_version == 5);
    }
    SECTION("taking the client's is the person's word, so it moves the base") {
        REQUIRE(d.engine.take_client(key_named("T"), d.now));
        const auto again = *d.freeze();
        CHECK(again.items[0].what.base == base_ref{8, {}});
        CHECK(again.items[0].what.before == node_row(6, 6));
        CHECK(d.row("T") == node_row(2, 6));
    }
    SECTION("giving up shows the authority's row") {
        REQUIRE(d.engine.discard(key_named("T"), d.now));
        CHECK(d.row("T") == node_row(6, 6));
        CHECK(!d.freeze());
        CHECK(!d.kept("T").image_kept);
    }
    d.check();
}

TEST_CASE("waiting: the client's change of a record that is gone makes it again whole; its erase of one is done already") {
    for (const bool erases : {false, true}) {
        device d;
        d.take({image("T", 5, node_row(1, 4))});
        erases ? d.erase("T") : d.write("T", node_row(2, 4));
        d.settle({answer_with_row(d.freeze()->items[0].id, refused, 8, std::nullopt)});
        REQUIRE(d.engine.take_client(key_named("T"), d.now));
        const auto next = d.freeze();
        CHECK(next.has_value() == !erases);
        if (next) {
            CHECK(next->items[0].what.op == operation::create);
            CHECK(next->items[0].what.changes.size() == 5);
            CHECK(d.row("T") == node_row(2, 4));
        }
        d.check();
    }
}

TEST_CASE("waiting: holds back what needs the record that it would create, and nothing else (promise 4)") {
    device d;
    d.write("P", node_row(1));
    d.settle({answer(d.freeze()->items[0].id, refused)});
    d.write("C1", child_row(1, "P"));
    d.write("T", node_row(1));
    const auto batch = *d.freeze();
    REQUIRE(batch.items.size() == 1);
    CHECK(batch.items[0].what.key == key_named("T"));
    d.settle({answer(batch.items[0].id, applied, 1)});
    REQUIRE(d.engine.retry(key_named("P"), d.now));
    CHECK(d.freeze()->items.size() == 2);
}

TEST_CASE("apply: a page that does not continue the checkpoint is dropped whole (W30)") {
    device d;
    CHECK(!d.apply(0, 10, {image("T", 1, node_row(1))}).stale);
    CHECK(d.apply(0, 10, {image("T", 2, node_row(2))}).stale);
    CHECK(d.apply(5, 12, {image("T", 2, node_row(2))}).stale);
    CHECK(d.apply(11, 12, {image("T", 2, node_row(2))}).stale);
    CHECK(d.apply(10, 9, {image("T", 2, node_row(2))}).stale);
    CHECK(d.row("T") == node_row(1));
    CHECK(d.status().state.checkpoint == 10);
    CHECK(!d.apply(10, 12, {}).stale);
    CHECK(d.status().state.checkpoint == 12);
}

TEST_CASE("bundle wire: no bundle is taken while a batch is unsettled, and a refused row stops the bundle") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    device d{resolver_set{}, tables};
    const auto take = [&](cursor from, std::int64_t seq, std::vector<row_image> rows) { return d.engine.apply_bundle(from, seq, rows, d.now); };
    CHECK(lab_must(take(0, 1, {image("T", 1, node_row(1))})).applied == 1);
    CHECK(take(1, 2, {image("P", 2, node_row(5)), image("T2", 2, node_row(1))}).error().code == errc::constraint);
    CHECK(!d.row("P"));
    CHECK(d.status().state.checkpoint == 1);
    d.write("T", node_row(3));
    (void)d.freeze(10, true);
    CHECK(lab_must(take(1, 2, {image("P", 2, node_row(5))})).stale);
    CHECK(d.status().state.checkpoint == 1);
}

TEST_CASE("bundle wire: a commit is remembered, replayed once, and gives the source its next number") {
    device d;
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    CHECK(batch.head.source_bundle_id == 1);
    CHECK(!lab_must(d.engine.committed(batch.head.id + 1, 1, "h", d.now)));
    CHECK(lab_must(d.engine.committed(batch.head.id, 1, "h", d.now)));
    CHECK(d.freeze(10, true)->head.state == batch_state::committed_remote);
    CHECK(d.freeze(10, true)->head.committed_hash == "h");
    d.write("T", node_row(1, 2));
    const std::vector<row_image> rows{image("T", 1, node_row(1, 0, 7))};
    CHECK(lab_must(d.engine.replay(batch.head.id + 1, 1, &rows, d.now)).stale);
    CHECK(lab_must(d.engine.replay(batch.head.id, 1, &rows, d.now)).applied == 1);
    CHECK(lab_must(d.engine.replay(batch.head.id, 1, &rows, d.now)).stale);
    CHECK(d.row("T") == node_row(1, 2, 7));
    CHECK(d.status().state.checkpoint == 1);
    const auto next = *d.freeze(10, true);
    CHECK(next.head.source_bundle_id == 2);
    CHECK(next.items[0].what.base == base_ref{1, {}});
    d.check();
}

TEST_CASE("bundle wire: the rows of an own commit that the device did not send, what triggers and cascades of the server did, come in with it") {
    device d;
    lab_must(d.engine.apply_bundle(0, 1, {image("P", 1, node_row(1)), image("C1", 1, child_row(1, "P")), image("X", 1, node_row(1))}, d.now));
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    CHECK(lab_must(d.engine.committed(batch.head.id, 2, "h", d.now)));
    const std::vector<row_image> rows{image("T2", 2, node_row(5)), image("T", 2, node_row(1)), image("X", 2, node_row(9)), image("C1", 2, std::nullopt)};
    CHECK(lab_must(d.engine.replay(batch.head.id, 2, &rows, d.now)).applied == 4);
    CHECK(d.status().state.checkpoint == 2);  // they do not come again
    CHECK(d.row("T") == node_row(1));
    CHECK(d.row("T2") == node_row(5));
    CHECK(d.row("X") == node_row(9));
    CHECK_FALSE(d.row("C1"));
    d.check();
}

TEST_CASE("bundle wire: the rows of an own commit that a picture contains bring nothing back that is gone since") {
    device d;
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    CHECK(lab_must(d.engine.committed(batch.head.id, 2, "h", d.now)));
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("walk", 0, 1, 5, {image("X", 4, node_row(9))}, cursor{5}, d.now)).hydrated);
    const std::vector<row_image> rows{image("T", 2, node_row(1)), image("T2", 2, node_row(5)), image("X", 2, node_row(8))};
    CHECK(lab_must(d.engine.replay(batch.head.id, 2, &rows, d.now)).applied == 0);
    CHECK_FALSE(d.row("T"));
    CHECK_FALSE(d.row("T2"));
    CHECK(d.row("X") == node_row(9));
    CHECK(d.status().state.checkpoint == 5);
    CHECK_FALSE(d.freeze(10, true));
    d.check();
}

TEST_CASE("bundle wire: a commit whose rows are gone is not undone before the device rehydrates") {
    device d;
    lab_must(d.engine.apply_bundle(0, 1, {image("T", 1, node_row(1))}, d.now));
    d.write("T", node_row(2));
    const auto batch = *d.freeze(10, true);
    CHECK(lab_must(d.engine.committed(batch.head.id, 5, "h", d.now)));
    lab_must(d.engine.replay(batch.head.id, 5, nullptr, d.now));
    CHECK(d.status().state.needs_hydration);
    CHECK(d.row("T") == node_row(2));
    d.check();
    lab_must(d.engine.stage("s", 0, 1, 6, {image("T", 6, node_row(2, 3))}, cursor{6}, d.now));
    CHECK(d.row("T") == node_row(2, 3));
    CHECK(d.status().counts.open == 0);
    d.check();
}

TEST_CASE("renewing the source: a new id from number 1, and the batch back to open, waiting where a copy may have sent it") {
    for (const bool suspect : {false, true}) {
        device d;
        d.take({image("T", 5, node_row(1))});
        d.write("T", node_row(2));
        (void)d.freeze(10, true);
        d.write("T", node_row(2, 3));
        const auto old = d.status().state.source_id;
        REQUIRE(d.engine.renew_source(d.random, suspect, d.now));
        const auto status = d.status();
        CHECK(status.state.source_id != old);
        CHECK(status.state.next_source_bundle_id == 1);
        CHECK(status.counts.frozen == 0);
        CHECK(status.counts.waiting == (suspect ? 1u : 0u));
        CHECK(status.counts.open == (suspect ? 0u : 1u));
        CHECK(d.row("T") == node_row(2, 3));
        CHECK(d.open("T")->base == base_ref{5, {}});
        if (suspect) CHECK(d.open("T")->waiting->code == errc::maybe_sent);
        d.check();
    }
}

TEST_CASE("a new incarnation of the authority: the first is noted, another makes the device build its state anew") {
    device d;
    CHECK(!lab_must(d.engine.note_epoch("e1", {}, d.random, d.now)));
    d.take({image("T", 5, node_row(1))});
    CHECK(!lab_must(d.engine.note_epoch("e1", {}, d.random, d.now)));
    CHECK(!lab_must(d.engine.note_epoch("", {}, d.random, d.now)));
    CHECK(lab_must(d.engine.note_epoch("e2", {}, d.random, d.now)));
    const auto state = d.status().state;
    CHECK(state.epoch == "e2");
    CHECK(state.needs_hydration);
    CHECK(state.checkpoint == 0);
    CHECK(d.row("T") == node_row(1));
}

TEST_CASE("a full sync's end is remembered") {
    device d;
    CHECK(d.status().state.last_sync_us == 0);
    REQUIRE(d.engine.note_synced(at(77), true));
    CHECK(d.status().state.last_sync_us == 77);
}

TEST_CASE("a store that is busy is told, and nothing happens") {
    device d;
    d.write("T", node_row(1));
    {
        auto held = lab_must(d.store.begin());
        CHECK(!d.engine.absorb(d.now));
        CHECK(!d.engine.apply(page{}, d.now));
    }
    CHECK(lab_must(d.engine.absorb(d.now)) == 1);
}

TEST_CASE("device clock: an edit made after a row was taken in is timed after all that its authority told, though the device's clock is days behind") {
    device d;
    const timestamp told = d.now + std::chrono::hours{24 * 9};
    d.write("T2", node_row(1));
    d.engine.hear(told);
    d.take({image("T", 5, node_row(1))});
    // What was made before the page came has not seen it, although both were taken in together.
    CHECK(d.open("T2")->edited_at == d.now);
    d.write("T", node_row(2));
    (void)d.status();
    CHECK(d.open("T")->edited_at == told + duration{1});
}

TEST_CASE("device clock: what was heard and what was given outlives a restart") {
    device d;
    const timestamp told = d.now + std::chrono::hours{24 * 9};
    d.engine.hear(told);
    d.take({image("T", 5, node_row(1))});
    d.restart();
    d.write("T", node_row(2));
    (void)d.status();
    CHECK(d.open("T")->edited_at == told + duration{1});
    d.restart();
    d.write("T", node_row(3));
    (void)d.status();
    CHECK(d.open("T")->edited_at == told + duration{2});
}

TEST_CASE("device clock: a time far ahead is followed as far as the drift allows, whoever tells it") {
    const duration allowed = GENERATE(duration{0}, duration{500}, duration{std::chrono::hours{24 * 30}});
    device d;
    d.restart(replica_options{allowed});
    d.engine.hear((timestamp::max)());
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    (void)d.status();
    CHECK(d.open("T")->edited_at == d.now + allowed + duration{1});
    // Once the own clock has passed that, nothing is left of it.
    d.restart(replica_options{allowed});
    d.now += allowed + std::chrono::seconds{1};
    d.write("T", node_row(3));
    (void)d.status();
    CHECK(d.open("T")->edited_at == d.now);
}

TEST_CASE("device clock: a person's decision for the own change is made when it is made") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    outcome o = answer(d.freeze()->items.front().id, outcome_kind::refused);
    o.why = wait_reason{errc::conflict, "look at it"};
    d.settle({o});
    const timestamp told = d.now + std::chrono::hours{1};
    d.engine.hear(told);
    d.take({image("T", 6, node_row(7))});
    CHECK(d.open("T")->edited_at < told);
    REQUIRE(d.engine.take_client(key_named("T"), d.now));
    CHECK(d.open("T")->edited_at > told);
}

TEST_CASE("settle: every change that met others is reported with its outcome and the rule, and no other") {
    device d;
    std::vector<outcome> said;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    d.write("T2", node_row(3));
    d.write("P", node_row(4));
    const auto batch = d.freeze();
    for (const auto& item : batch->items) {
        outcome o = answer_with_row(item.id, outcome_kind::applied, 6, item.what.whole(5));
        if (item.what.key.key == "T") o.kind = outcome_kind::superseded, o.rule = "the rule";
        if (item.what.key.key == "T2") o.clean = true;
        if (item.what.key.key == "P") o.kind = outcome_kind::refused, o.why = wait_reason{errc::validation_failed, "no"};
        said.push_back(std::move(o));
    }
    const auto report = d.settle(said);
    const auto id = batch->items.front().what.key == key_named("T") ? batch->items.front().id : mutation_id{};
    CHECK(report.conflicts == std::vector<decided_conflict>{{key_named("T"), outcome_kind::superseded, "the rule", id, node_row(2), 6}});
}

TEST_CASE("replica: what the user makes of the key of a row that is kept but not shown is made on nothing") {
    device d;
    d.take({image("P", 1, node_row(1)), image("T", 1, node_row(2))});
    d.erase("P");
    d.take({image("C1", 2, child_row(3, "P"))});
    REQUIRE_FALSE(d.row("C1"));
    d.write("C1", child_row(5, "T"));
    REQUIRE(d.status().counts.open == 2);
    CHECK(d.open("C1")->base == base_ref{});
    CHECK(d.base("C1").version == 2);
    d.check();
}

TEST_CASE("replica: a row that an answer brought early, and that the user uncovers, waits for what it refers to") {
    device d;
    d.take({image("P", 1, node_row(1))});
    d.write("C1", child_row(2, "P"));
    const auto sent = d.freeze();
    d.take({image("P", 2, std::nullopt)});
    d.settle({answer_with_row(sent->items.front().id, outcome_kind::refused, 9, child_row(7, "P"))});
    REQUIRE(d.row("C1") == child_row(2, "P"));
    REQUIRE(d.status().counts.waiting == 1);
    SECTION("by erasing what waits") {
        d.erase("C1");
        CHECK(d.row("C1") == std::nullopt);
    }
    SECTION("by giving it up") { CHECK(d.engine.discard(key_named("C1"), d.now)); }
    CHECK(d.status().counts.waiting == 0);  // and takes the edit in; the next look tells what came of it
    CHECK(d.status().counts.quarantined == 0);
    CHECK_FALSE(d.row("C1"));
    d.take({image("P", 8, node_row(3))});
    CHECK(d.row("C1") == child_row(7, "P"));
    CHECK(d.status().counts.quarantined == 0);
    d.check();
}

TEST_CASE("bundle wire: no bundle is taken while a picture is awaited") {
    device d;
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.apply_bundle(0, 1, {image("T", 1, node_row(1))}, d.now)).stale);
    CHECK(!d.row("T"));
    CHECK(d.status().state.checkpoint == 0);
}

TEST_CASE("replica: an account or a user that is not named says nothing of whose data this is") {
    device d;
    CHECK(lab_must(d.engine.note_account({}, d.now)));
    CHECK(d.status().state.account.empty());
    CHECK(lab_must(d.engine.note_user({}, d.now)));
    CHECK(lab_must(d.engine.note_user("ann", d.now)));
    CHECK(lab_must(d.engine.note_user({}, d.now)));
    CHECK_FALSE(lab_must(d.engine.note_user("bob", d.now)));
    CHECK(d.status().state.user == "ann");
}

}  // namespace replica_test
