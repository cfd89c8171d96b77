// What each operation of a Syncline device tells the program that calls it, at a server of go-oversync v0.2.1, and what its status says afterwards.

#include "wire/bundle/foreign_server_world.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace foreign_server_results_test {

using namespace foreign_server;
using syncline::scope_attachment;

namespace {

std::uint64_t unsent(device& d) {
    const auto counts = d.status().counts;
    return counts.open + counts.frozen + counts.waiting;
}

// Bundles below the newest are gone, as after a long silence.
void prune(world& w) { w.center.user("alice").floor = w.center.user("alice").latest() - 1; }

}  // namespace

TEST_CASE("foreign server results: a device that reached nobody yet has a random source of its own, nobody's account, and keeps both", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice@example.com", 11), other(w, "alice@example.com", 12);
    d.add_user(1, "one");
    CHECK(d.status().counts.open == 1);
    CHECK(d.status().state.attachment == scope_attachment::anonymous);
    for (device* x : {&d, &other}) {
        x->instead = [](const request&) { return std::optional{syncline::result<response>{syncline::make_fault(errc::unavailable, "no network")}}; };
        CHECK(why(x->sync()) == "unavailable");
    }
    const auto before = d.status();
    const std::string source = before.state.source_id;
    CHECK(is_uuid(source));
    CHECK(source[14] == '4');
    CHECK(std::string{"89ab"}.find(source[19]) != std::string::npos);
    CHECK(source != other.source());
    CHECK(before.state.next_source_bundle_id == 1);
    CHECK(before.state.attachment == scope_attachment::anonymous);
    CHECK(before.state.checkpoint == 0);
    CHECK(before.counts.open == 1);
    CHECK(w.center.seen.empty());
    d.restart();
    CHECK(d.source() == source);
    CHECK(d.status().counts.open == 1);
    CHECK(w.center.seen.empty());
}

TEST_CASE("foreign server results: the source is in the file before the first request names it", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    int asked = 0;
    d.instead = [&](const request& r) -> std::optional<syncline::result<response>> {
        ++asked;
        CHECK(d.cell_of("SELECT source_id FROM syncline_replica_state") == std::string{syncline::find_header(r.headers, "Oversync-Source-ID").value_or("")});
        return std::nullopt;
    };
    d.synced();
    CHECK(asked > 0);
}

TEST_CASE("foreign server results: attach tells of each of its ends, and asks once", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    SECTION("nobody has anything") {
        const auto out = d.client().attach("alice");
        CHECK(out.ok());
        CHECK_FALSE(out.hydrated);
        CHECK(w.center.user("alice").state == scope::initialized);
    }
    SECTION("the device has rows for a new account: they are to be sent") {
        d.add_user(1, "one");
        CHECK(d.client().attach("alice").ok());
        CHECK(d.status().counts.open == 1);
        CHECK_FALSE(d.status().state.initialization_id.empty());
        CHECK(w.center.user("alice").state == scope::initializing);
    }
    SECTION("the account has rows: they come in with the next sync at the latest") {
        client there = w.attached();
        there.insert("users", id(1), person("one"));
        there.push();
        CHECK(d.client().attach("alice").ok());
        d.synced();
        CHECK(d.name(1) == "one");
        CHECK(d.status().state.checkpoint == 1);
    }
    SECTION("another device fills it") {
        raw_source{w, "other"}.connect(true);
        const auto out = d.client().attach("alice");
        CHECK(why(out) == "scope_initializing");
        CHECK(out.not_before.has_value());
        CHECK(d.status().state.attachment == scope_attachment::anonymous);
        return;
    }
    CHECK(d.status().state.attachment == scope_attachment::attached);
    CHECK(d.status().state.user == "alice");
    const auto asked = w.center.seen.size();
    d.restart();
    CHECK(d.client().attach("alice").ok());
    CHECK(w.center.seen.size() == asked);
    CHECK(why(d.client().attach("bob")) == "other_account");
    CHECK(w.center.seen.size() == asked);
}

TEST_CASE("foreign server results: a push tells what was sent, what waits and what ended it", "[wire][bundle][foreign]") {
    mixed w;
    auto asked = w.center.seen.size();
    const auto nothing = w.here.client().push();
    CHECK(nothing.ok());
    CHECK(nothing.pushed == 0);
    CHECK(w.center.seen.size() == asked);

    w.here.add_user(2, "two");
    w.here.set_user(1, "name", "here");
    const auto sent = w.here.client().push();
    CHECK(sent.ok());
    CHECK(sent.pushed == 2);
    CHECK(sent.pulled == 0);
    CHECK(w.here.status().state.next_source_bundle_id == 2);
    CHECK(unsent(w.here) == 0);

    w.here.add_user(3, "three");
    w.center.lose_requests("push_create", 100);
    const auto failed = w.here.client().push();
    CHECK(why(failed) == "unavailable");
    CHECK(failed.pushed == 0);
    CHECK(failed.retried > 0);
    CHECK(unsent(w.here) == 1);
    w.center.calm();
    CHECK(w.here.client().push().pushed == 1);
}

TEST_CASE("foreign server results: a pull tells of nothing, of rows, of a picture or why there was none; a source that was lost is told with what waits for it", "[wire][bundle][foreign]") {
    mixed w;
    const auto nothing = w.here.client().pull();
    CHECK(nothing.ok());
    CHECK(nothing.pulled == 0);
    CHECK_FALSE(nothing.hydrated);

    w.there.insert("users", id(2), person("two"));
    w.there.push();
    const auto rows = w.here.client().pull();
    CHECK(rows.ok());
    CHECK(rows.pulled == 1);
    CHECK_FALSE(rows.hydrated);
    CHECK(w.here.status().state.checkpoint == 2);

    w.center.inject("pull", 503, 100);
    const auto failed = w.here.client().pull();
    CHECK(why(failed) == "unavailable");
    CHECK(failed.retried > 0);
    CHECK(w.here.status().state.checkpoint == 2);
    w.center.calm();

    for (std::uint64_t n = 3; n < 6; ++n) w.there.insert("users", id(n), person("more")), w.there.push();
    prune(w);
    const auto picture = w.here.client().pull();
    CHECK(picture.ok());
    CHECK(picture.hydrated);
    CHECK(w.here.status().state.checkpoint == 5);

    const auto source = w.here.source();
    const auto asked_for = w.here.client().hydrate();
    CHECK(asked_for.ok());
    CHECK(asked_for.hydrated);
    CHECK(asked_for.differed == 0);
    CHECK(w.here.source() == source);  // nothing was lost, so it goes on counting

    w.here.set_user(1, "name", "here");
    w.here.synced();
    w.here.set_user(1, "name", "again");
    w.center.user("alice").sources[source].max_committed = 9;
    const auto renewed = w.here.synced();
    CHECK(renewed.hydrated);
    CHECK(renewed.failed == 1);  // whether the lost source had sent it nobody knows
    CHECK(w.here.source() != source);
    CHECK(w.here.status().state.next_source_bundle_id == 1);
    CHECK(w.here.status().counts.waiting == 1);
}

TEST_CASE("foreign server results: a sync tells both ways together, and sync_then_detach whether the device is out", "[wire][bundle][foreign]") {
    mixed w;
    w.there.insert("users", id(2), person("two"));
    w.there.push();
    w.here.add_user(3, "three");
    const auto both = w.here.synced();
    CHECK(both.pushed == 1);
    CHECK(both.pulled == 1);

    w.here.add_user(4, "four");
    w.center.lose_requests("push_commit", 100);
    const auto stays = w.here.client().sync_then_detach();
    CHECK_FALSE(stays.ok());
    CHECK(w.here.status().state.attachment == scope_attachment::attached);
    CHECK(unsent(w.here) == 1);
    w.center.calm();
    const auto out = w.here.client().sync_then_detach();
    CHECK(out.ok());
    CHECK(out.pushed == 1);
    CHECK(w.here.status().state.attachment == scope_attachment::anonymous);
    CHECK(w.here.status().state.user.empty());
    CHECK(w.here.status().state.checkpoint == 0);
    CHECK(w.here.count("users") == 0);
}

TEST_CASE("foreign server results: what the app writes after a detach is captured, once, survives restarts, and goes to who signs in next", "[wire][bundle][foreign]") {
    mixed w;
    w.here.set_user(1, "name", "here");
    w.here.synced();
    must(w.here.client().detach());
    REQUIRE(w.here.count("users") == 0);
    w.here.add_user(70, "offline");
    w.here.set_user(70, "name", "offline twice");
    for (int i = 0; i < 3; ++i) {
        CHECK(w.here.status().counts.open == 1);
        CHECK(w.here.name(70) == "offline twice");
        w.here.restart();
    }
    const bool same = GENERATE(true, false);
    INFO((same ? "the same user" : "another user"));
    if (!same) {
        w.here.user = "bob";
        w.here.restart();
    }
    const auto before = w.center.user(w.here.user).latest();
    const auto out = w.here.synced();
    CHECK(out.pushed == 1);
    auto& account = w.center.user(w.here.user);
    REQUIRE(account.latest() == before + 1);
    CHECK(account.log.at(before + 1)->rows.size() == 1);
    CHECK(w.center.cell(w.here.user, "users", id(70), "name") == "offline twice");
    CHECK(w.here.count("users") == (same ? 2 : 1));
    CHECK(w.here.rows_here() == w.here.rows_there());
    std::set<std::pair<std::string, std::int64_t>> used;
    for (const char* user : {"alice", "bob"})
        for (const auto& [seq, b] : w.center.user(user).log) CHECK(used.insert({b->source, b->source_bundle_id}).second);
}

}  // namespace foreign_server_results_test
