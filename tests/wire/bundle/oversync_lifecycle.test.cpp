// The test peers of go-oversync against each other, by the tables of the sheet `bundle`: attaching and detaching (2.9), where a client may die and how
// it goes on (5.5), pruned history, lost sources and rebuilds (2.7, 2.8).

#include "wire/bundle/oversync_world.hpp"

namespace oversync_lifecycle_test {

using namespace oversync_tests;

namespace {

struct pair : world {
    explicit pair(server_options how = {}) : world(how), a(attached()), b(attached()) {
        a.insert("users", id(1), person("one"));
        a.push();
        b.pull();
        REQUIRE(same(a, b));
    }
    client a, b;

    void converge() {
        for (client* c : {&a, &b, &a}) c->sync();
        CHECK(same(a, b));
    }
};

/// The client that a restart of @p c makes, open and attached again.
client again(const client& c, const std::string& user = "alice") {
    client out = c.restarted();
    out.open();
    out.attach(user);
    return out;
}

}  // namespace

TEST_CASE("oversync peer: attaching by each of the four resolutions", "[wire][bundle][peer]") {
    world w;
    SECTION("nobody was there, nothing is pending") {
        client c = w.fresh();
        const auto out = c.attach("alice");
        CHECK(out.status == "connected");
        CHECK(out.outcome == "started_empty");
        CHECK(out.authority == "authoritative_empty");
        c.insert("users", id(1), person("one"));
        CHECK(c.push() == "committed");
    }
    SECTION("rows of before are the seed") {
        client c(business(), w.center.line(), of_user("alice", 0x900));
        c.insert("users", id(1), person("one"));  // before the sync was ever opened
        c.open();
        c.insert("users", id(2), person("two"));
        CHECK(c.disk.dirty.size() == 2);
        const auto out = c.attach("alice");
        CHECK(out.outcome == "seeded_from_local");
        CHECK(out.authority == "pending_local_seed");
        CHECK(c.detach() == "blocked_unsynced_data");
        client other = w.fresh();
        const auto later = other.attach("alice");
        CHECK(later.status == "retry_later");
        CHECK(later.retry_after_seconds == 900);
        CHECK(thrown([&] { other.push(); }) == "attach_required");
        CHECK(c.push() == "committed");
        CHECK(c.authority() == "authoritative_materialized");
        CHECK(other.attach("alice").outcome == "used_remote_state");
        CHECK(same(c, other));
    }
    SECTION("the server's rows replace those of an anonymous device") {
        client first = w.attached();
        first.insert("users", id(1), person("one"));
        first.push();
        client c = w.fresh();
        c.insert("users", id(2), person("two"));
        CHECK(c.attach("alice").outcome == "used_remote_state");
        CHECK(c.disk.dirty.empty());
        CHECK(same(c, first));
        CHECK(w.center.snapshots().empty());
    }
    SECTION("the lease ran out: the seed is refused, and the client may try again") {
        client c = w.fresh();
        c.insert("users", id(1), person("one"));
        c.attach("alice");
        w.center.pass(900);
        CHECK(thrown([&] { c.push(); }) == "http");
        CHECK(c.disk.user.empty());
        CHECK(c.pending() == 1);
        CHECK(c.attach("alice").outcome == "seeded_from_local");
        CHECK(c.push() == "committed");
    }
    SECTION("a server without the lifecycle is not attached to") {
        w.center.options.connects = false;
        client c = w.fresh();
        CHECK(thrown([&] { c.attach("alice"); }) == "unsupported");
        const int status = GENERATE(404, 405, 501);
        w.center.inject("capabilities", status);
        CHECK(thrown([&] { c.attach("alice"); }) == "unsupported");
    }
    SECTION("what comes before what") {
        client c(business(), w.center.line(), of_user("alice", 0x900));
        CHECK(thrown([&] { c.attach("alice"); }) == "open_required");
        CHECK(thrown([&] { c.push(); }) == "open_required");
        c.open();
        CHECK(thrown([&] { c.pull(); }) == "attach_required");
        c.attach("alice");
        CHECK(thrown([&] { c.attach("bob"); }) == "other_user");
    }
}

TEST_CASE("oversync peer: a seed whose commit's answer is lost wedges the client, and a better server helps it", "[wire][bundle][peer]") {
    world w;
    client c = w.fresh();
    c.insert("users", id(1), person("one"));
    c.attach("alice");
    w.center.lose_answers("push_commit", 1);
    CHECK(thrown([&] { c.push(); }) == "http");  // 8.2 item 1
    client later = again(c);
    CHECK(thrown([&] { later.push(); }) == "http");
    CHECK(w.center.user("alice").latest() == 1);
    w.center.options.seed_retry_refused = false;
    CHECK(later.push() == "committed");
    CHECK(later.sync() == "already_at_target");
}

TEST_CASE("oversync peer: resuming, detaching and coming back", "[wire][bundle][peer]") {
    pair w;
    SECTION("the same user resumes without a network") {
        const auto asked = w.center.seen.size();
        client c = w.a.restarted();
        c.open();
        CHECK(c.attach("alice").outcome == "resumed_attached_state");
        CHECK(w.center.seen.size() == asked);
        CHECK(c.disk.source == w.a.disk.source);
    }
    SECTION("what is not pushed blocks the detach; a sync before it does not") {
        w.a.insert("users", id(2), person("two"));
        CHECK(w.a.detach() == "blocked_unsynced_data");
        CHECK(w.a.sync_then_detach() == "detached");
        CHECK(w.a.disk.data.all().empty());
        CHECK(w.a.disk.user.empty());
    }
    SECTION("the source and its counter are kept, for another user too") {
        const auto source = w.a.disk.source;
        CHECK(w.a.detach() == "detached");
        CHECK(w.a.disk.source == source);
        w.a.insert("users", id(3), person("offline"));
        client c = w.a.restarted();
        c.open();
        CHECK(c.disk.dirty.size() == 1);
        c.options.token = "bob";
        CHECK(c.attach("bob").outcome == "seeded_from_local");
        CHECK(c.disk.sources.at(source).next_bundle == 2);
        CHECK(thrown([&] { c.push(); }) == "source_recovery_required");  // for bob's scope this source begins at 1
    }
    SECTION("attach again as the same user, and push") {
        CHECK(w.a.detach() == "detached");
        CHECK(w.a.attach("alice").outcome == "used_remote_state");
        w.a.update("users", id(1), {{"name", "x"}});
        CHECK(w.a.push() == "committed");
        w.converge();
    }
    SECTION("a detach needs no attach in this process") {
        client c = w.a.restarted();
        CHECK(thrown([&] { c.detach(); }) == "open_required");
        c.open();
        CHECK(c.detach() == "detached");
        CHECK(c.disk.data.all().empty());
    }
    SECTION("uninstalled, the rows stay, and a new installation is a new source") {
        const auto source = w.a.disk.source;
        w.a.uninstall();
        CHECK(w.a.cell("users", id(1), "name") == "one");
        w.a.open();
        CHECK(w.a.disk.source != source);
        CHECK(w.a.disk.dirty.size() == 1);
        CHECK(w.a.attach("alice").outcome == "used_remote_state");
    }
}

TEST_CASE("oversync peer: a client that dies, at every row of the table", "[wire][bundle][peer]") {
    pair w;
    SECTION("in a push") {
        const std::string place = GENERATE("before_freeze", "after_freeze", "after_chunk", "before_commit", "after_commit", "after_committed", "before_replay", "in_replay");
        INFO(place);
        const bool lost = place == "before_commit" && GENERATE(false, true);  // the server commits, the answer is lost
        w.a.update("users", id(1), {{"name", "x"}});
        w.a.insert("users", id(2), person("two"));
        if (lost) {
            w.center.lose_answers("push_commit", 1);
            w.a.options.attempts = 1;
            CHECK(thrown([&] { w.a.push(); }) == "retry_exhausted");
        } else {
            die_at(w.a, place);
            CHECK(thrown([&] { w.a.push(); }) == "crash");
        }
        const bool frozen = place != "before_freeze", acknowledged = place == "after_committed" || place == "before_replay" || place == "in_replay";
        CHECK(w.a.disk.out.state == (acknowledged ? "committed_remote" : frozen ? "prepared" : "none"));
        CHECK(w.a.disk.dirty.size() == (frozen ? 0 : 2));
        CHECK_FALSE(w.a.disk.apply_mode);
        client c = again(w.a);
        CHECK(c.push() == "committed");
        CHECK(w.center.user("alice").latest() == 2);
        CHECK(c.disk.last_seen == 2);
        CHECK(c.disk.sources.at(c.disk.source).next_bundle == 3);
        w.b.sync();
        CHECK(same(c, w.b));
    }
    SECTION("in a pull") {
        for (std::uint64_t n = 2; n < 5; ++n) {
            w.b.insert("users", id(n), person("b"));
            w.b.push();
        }
        const std::string place = GENERATE("in_pull", "after_pulled_bundle");
        const int nth = GENERATE(1, 2, 3);
        die_at(w.a, place, nth);
        CHECK(thrown([&] { w.a.pull(); }) == "crash");
        CHECK(w.a.disk.last_seen == 1 + nth - (place == "in_pull" ? 1 : 0));
        client c = again(w.a);
        c.pull();
        CHECK(same(c, w.b));
    }
    SECTION("in the download of a snapshot") {
        for (std::uint64_t n = 2; n < 5; ++n) w.b.insert("users", id(n), person("b"));
        w.b.push();
        w.a.options.snapshot_chunk_rows = 1;
        die_at(w.a, "after_snapshot_page", 2);
        CHECK(thrown([&] { w.a.rebuild(); }) == "crash");
        CHECK(w.a.disk.snapshot_stage.size() == 2);
        client c = again(w.a);
        CHECK(thrown([&] { c.pull(); }) == "rebuild_required");
        CHECK(c.rebuild() == "applied_snapshot");
        CHECK(same(c, w.b));
        CHECK(w.center.asked("snapshot_create") == 2 + 1);  // the two here, and the second client's first
    }
    SECTION("when the snapshot of a replacement is staged: the next attach needs no network") {
        client c = w.fresh();
        c.insert("users", id(9), person("nine"));
        const std::string place = GENERATE("after_staging", "after_snapshot_page", "in_snapshot");
        die_at(c, place);
        CHECK(thrown([&] { c.attach("alice"); }) == "crash");
        CHECK(thrown([&] { c.erase("users", id(9)); }) == "transition_pending");
        CHECK(c.cell("users", id(9), "name") == "nine");
        client d = c.restarted();
        d.open();
        CHECK(thrown([&] { d.attach("bob"); }) == "other_user");
        const auto asked = w.center.seen.size();
        CHECK(d.attach("alice").outcome == "used_remote_state");
        CHECK((w.center.seen.size() == asked) == (place != "after_snapshot_page"));
        CHECK(same(d, w.a));
    }
    SECTION("a replacement that is under way can be given up by a detach") {
        client c = w.fresh();
        c.insert("users", id(9), person("nine"));
        die_at(c, "after_staging");
        CHECK(thrown([&] { c.attach("alice"); }) == "crash");
        client d = c.restarted();
        d.open();
        CHECK(d.detach() == "detached");
        CHECK(d.cell("users", id(9), "name") == "nine");
        d.erase("users", id(9));
    }
}

TEST_CASE("oversync peer: a client that lags behind pruned history takes a snapshot", "[wire][bundle][peer]") {
    server_options o;
    o.retained_bundles = 2;
    pair w(o);
    for (std::uint64_t n = 2; n < 7; ++n) {
        w.b.insert("users", id(n), person("b"));
        w.b.push();
    }
    CHECK(w.a.pull() == "applied_snapshot");
    CHECK(w.a.disk.last_seen == 6);
    CHECK(same(w.a, w.b));
    CHECK(w.center.snapshots().empty());
    w.a.update("users", id(1), {{"name", "x"}});
    CHECK(w.a.push() == "committed");
    w.converge();
}

TEST_CASE("oversync peer: an own bundle that is pruned before it was replayed", "[wire][bundle][peer]") {
    server_options o;
    o.retained_bundles = 1;
    pair w(o);
    w.a.insert("users", id(2), person("two"));
    const bool known = GENERATE(true, false);
    die_at(w.a, known ? "after_committed" : "after_commit");
    CHECK(thrown([&] { w.a.push(); }) == "crash");
    for (std::uint64_t n = 5; n < 7; ++n) {
        w.b.insert("users", id(n), person("b"));
        w.b.push();
    }
    client c = again(w.a);
    if (known) {  // a snapshot holds it: the bundle's number is used up
        CHECK(c.push() == "committed");
        CHECK(c.disk.out.state == "none");
        CHECK(c.disk.sources.at(c.disk.source).next_bundle == 3);
    } else {  // nobody can say any more whether it was: the source is given up
        CHECK(thrown([&] { c.push(); }) == "source_recovery_required");
        CHECK(c.rebuild() == "applied_snapshot");
        CHECK(c.disk.out.state == "prepared");
        CHECK(c.push() == "no_change");  // the INSERT conflicts with itself, and the server wins
    }
    for (client* x : {&c, &w.b, &c}) x->sync();
    CHECK(same(c, w.b));
}

TEST_CASE("oversync peer: source recovery, declared, kept, and finished by a rebuild", "[wire][bundle][peer]") {
    pair w;
    const std::string why = GENERATE("source_sequence_out_of_order", "source_sequence_changed", "source_retired");
    INFO(why);
    w.a.update("users", id(1), {{"name", "x"}});
    w.a.insert("users", id(2), person("two"));
    const auto source = w.a.disk.source;
    std::string adopted;
    if (why == "source_sequence_out_of_order") {
        w.center.user("alice").sources[source].max_committed = 0;
        w.center.user("alice").log.clear();
    } else if (why == "source_sequence_changed") {
        w.center.before = [&](const std::string& endpoint) {  // a copy of the device was faster
            if (endpoint == "push_commit") w.center.before = {}, ++w.center.user("alice").sources[source].max_committed;
        };
    } else {
        adopted = "newer-source";
        w.send(http_method::post, "/sync/snapshot-sessions",
               {{"source_replacement", {{"previous_source_id", source}, {"new_source_id", adopted}, {"reason", "history_pruned"}}}}, source);
    }
    CHECK(thrown([&] { w.a.push(); }) == "source_recovery_required");
    client c = again(w.a);
    for (int i = 0; i < 2; ++i) {
        CHECK(thrown([&] { c.push(); }) == "source_recovery_required");
        CHECK(thrown([&] { c.pull(); }) == "source_recovery_required");
        CHECK(thrown([&] { c.detach(); }) == "source_recovery_required");
        CHECK(thrown([&] { c.erase("users", id(1)); }) == "transition_pending");
    }
    const auto replacement = c.disk.op.replacement;
    if (!adopted.empty()) CHECK(replacement == adopted);
    w.center.inject("snapshot_chunk", 500);
    CHECK(thrown([&] { c.rebuild(); }) == "http");
    CHECK(c.disk.source == source);
    die_at(c, "in_snapshot");
    CHECK(thrown([&] { c.rebuild(); }) == "crash");
    client d = again(c);
    CHECK(d.rebuild() == "applied_snapshot");
    CHECK(d.disk.source == replacement);
    CHECK(d.disk.sources.at(source).replaced_by == replacement);
    CHECK(d.disk.out.source_bundle_id == 1);
    CHECK(d.cell("users", id(1), "name") == "x");
    client e = again(d);
    CHECK(e.push() == "committed");
    CHECK(w.center.user("alice").sources.at(replacement).state == "active");
    CHECK(w.center.user("alice").sources.at(source).state == "retired");
    for (client* x : {&e, &w.b}) x->sync();
    CHECK(same(e, w.b));
}

TEST_CASE("oversync peer: another replacement than the client's is a divergence", "[wire][bundle][peer]") {
    pair w;
    w.a.update("users", id(1), {{"name", "x"}});
    w.center.user("alice").sources[w.a.disk.source].max_committed = 0;
    w.center.user("alice").log.clear();
    CHECK(thrown([&] { w.a.push(); }) == "source_recovery_required");
    w.send(http_method::post, "/sync/snapshot-sessions",
           {{"source_replacement", {{"previous_source_id", w.a.disk.source}, {"new_source_id", "somebody-else"}, {"reason", "history_pruned"}}}}, w.a.disk.source);
    CHECK(thrown([&] { w.a.rebuild(); }) == "replacement_diverged");
    CHECK(w.a.pending() == 1);
}

TEST_CASE("oversync peer: a session that ends while it is read is begun anew", "[wire][bundle][peer]") {
    pair w;
    for (std::uint64_t n = 2; n < 5; ++n) w.b.insert("users", id(n), person("b"));
    w.b.push();
    w.a.options.snapshot_chunk_rows = 2;
    const bool expired = GENERATE(true, false);
    w.center.after = [&](const std::string& endpoint) {
        if (endpoint != "snapshot_chunk") return;
        w.center.after = {};
        if (expired) w.center.pass(900);
        else w.center.snapshots().clear();
    };
    CHECK(thrown([&] { w.a.rebuild(); }) == "http");
    CHECK(w.a.rebuild() == "applied_snapshot");
    CHECK(same(w.a, w.b));
}

TEST_CASE("oversync peer: pull and connect are tried again, one request at a time", "[wire][bundle][peer]") {
    pair w;
    w.b.insert("users", id(2), person("two"));
    w.b.push();
    const int status = GENERATE(429, 503, 0);
    SECTION("pull") {
        w.center.inject("pull", status, 2);
        CHECK(w.a.pull() == "applied_incremental");
        w.center.inject("pull", status, 3);
        CHECK(thrown([&] { w.a.pull(); }) == "retry_exhausted");
    }
    SECTION("connect") {
        client c = w.fresh("bob");
        w.center.inject("connect", status, 2);
        CHECK(c.attach("bob").outcome == "started_empty");
        client d = w.fresh("carol");
        d.insert("users", id(3), person("c"));
        w.center.inject("capabilities", status, 3);
        CHECK(thrown([&] { d.attach("carol"); }) == "retry_exhausted");
        CHECK(d.pending() == 1);
        d.options.attempts = 1;
        w.center.inject("connect", status);
        CHECK(thrown([&] { d.attach("carol"); }) == "retry_exhausted");
    }
}

TEST_CASE("oversync peer: the stream's text as the client reads it", "[wire][bundle][peer]") {
    CHECK(client::events_in(": heartbeat\n\nevent: other\ndata: {}\n\nevent: bundle\ndata: {\"bundle_seq\":\ndata: 7}\n\n") == std::vector<std::int64_t>{7});
    CHECK(thrown([] { client::events_in("event: bundle\ndata: {\"bundle_seq\":0}\n\n"); }) == "protocol");
    CHECK(thrown([] { client::events_in("event: bundle\ndata: x\n\n"); }) == "protocol");
    server_options o;
    o.watch = true;
    pair w(o);
    CHECK(w.a.watch_advertised);
    CHECK(w.a.watch_once().empty());
    w.b.insert("users", id(2), person("two"));
    w.b.push();
    CHECK(w.a.watch_once() == std::vector<std::int64_t>{2});
    w.center.options.watch_forbidden = true;
    CHECK(thrown([&] { w.a.watch_once(); }) == "http");
    CHECK(w.a.polls_for_good);
}

}  // namespace oversync_lifecycle_test
