// A Syncline device with an SQLite file at a server of go-oversync v0.2.1: the lifecycle (sheet `bundle` 7.1), lost sources, and that server's defects.

#include "wire/bundle/foreign_server_world.hpp"

namespace foreign_server_lifecycle_test {

using namespace foreign_server;

namespace {

constexpr auto drop = [] {
    device_options o;
    o.wire.anonymous = syncline::anonymous_rows::drop;
    return o;
};
std::string state_of(world& w, const std::string& user, const std::string& source) {
    const auto& all = w.center.user(user).sources;
    const auto at = all.find(source);
    return at == all.end() ? "unknown" : at->second.state;
}

}  // namespace

TEST_CASE("foreign server: initialize-empty then push", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    CHECK(d.client().attach("alice").ok());
    CHECK(w.center.user("alice").state == scope::initialized);
    d.add_user(1, "one");
    d.synced();
    CHECK(w.center.cell("alice", "users", id(1), "name") == "one");
    CHECK(d.status().state.checkpoint == 1);
    const json sent = w.center.user("alice").log.at(1)->source_bundle_id;
    CHECK(sent == 1);
    CHECK(is_uuid(w.center.user("alice").log.at(1)->source));
}

TEST_CASE("foreign server: initialize-local seeds the server, rows of before the first sync too", "[wire][bundle][foreign]") {
    world w;
    device_options o;
    o.before_sync = [](const std::string& file) {
        auto db = must(syncline::sqlite_database::open(file));
        must(db.execute("INSERT INTO users VALUES('" + id(1) + "','before','b')"));
    };
    device d(w, "alice", 11, std::move(o));
    d.sql("INSERT INTO posts VALUES('" + id(2) + "','t','" + id(1) + "')");
    CHECK(d.client().attach("alice").ok());
    CHECK(w.center.user("alice").state == scope::initializing);
    client other = w.fresh();
    CHECK(other.attach("alice").status == "retry_later");
    d.synced();
    CHECK(w.center.user("alice").state == scope::initialized);
    CHECK(other.attach("alice").outcome == "used_remote_state");
    CHECK(other.cell("posts", id(2), "author_id") == id(1));
    CHECK(d.rows_here() == d.rows_there());
}

TEST_CASE("foreign server: a seed whose commit's answer was lost does not wedge the device", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    d.add_user(1, "one");
    w.center.lose_answers("push_commit", 1);
    for (int i = 0; i < 3 && !d.sync().ok(); ++i) d.restart();  // 8.2 item 1: that server answers 400 before it looks
    d.synced();
    CHECK(w.center.user("alice").latest() == 1);
    CHECK(d.status().counts.open + d.status().counts.frozen == 0);
    d.set_user(1, "name", "two");
    d.synced();
    CHECK(w.center.cell("alice", "users", id(1), "name") == "two");
}

TEST_CASE("foreign server: remote-authoritative: anonymous rows are merged, or dropped when that was chosen", "[wire][bundle][foreign]") {
    world w;
    client there = w.attached();
    there.insert("users", id(1), person("one"));
    there.push();
    const bool merges = GENERATE(true, false);
    device d(w, "alice", 11, merges ? device_options{} : drop());
    d.add_user(9, "anonymous");
    const auto out = d.synced();
    CHECK(d.name(1) == "one");
    CHECK(d.name(9) == (merges ? "anonymous" : "gone"));
    CHECK(out.given_up.size() == (merges ? 0 : 1));
    there.sync();
    CHECK(there.cell("users", id(9), "name") == (merges ? "anonymous" : "gone"));
    CHECK(d.rows_here() == d.rows_there());
}

TEST_CASE("foreign server: remote-authoritative-but-empty", "[wire][bundle][foreign]") {
    world w;
    client there = w.attached();
    device d(w, "alice", 11, drop());
    d.add_user(9, "anonymous");
    d.synced();
    CHECK(d.count("users") == 0);
    there.insert("users", id(1), person("one"));
    there.push();
    d.synced();
    CHECK(d.name(1) == "one");
}

TEST_CASE("foreign server: same-user resume without connecting anew", "[wire][bundle][foreign]") {
    mixed w;
    const auto source = w.here.source();
    const auto before = w.center.asked("connect");
    w.here.restart();
    w.here.set_user(1, "name", "again");
    w.here.synced();
    CHECK(w.center.asked("connect") == before);
    CHECK(w.here.source() == source);
    w.converge();
}

TEST_CASE("foreign server: connect network failure leaves anonymous rows intact", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    d.add_user(1, "one");
    d.instead = [](const request&) { return std::optional{syncline::result<response>{syncline::make_fault(errc::unavailable, "no network")}}; };
    CHECK(why(d.sync()) == "unavailable");
    CHECK(d.name(1) == "one");
    d.instead = {};
    d.synced();
    CHECK(w.center.cell("alice", "users", id(1), "name") == "one");
}

TEST_CASE("foreign server: retry-later then initialize-empty", "[wire][bundle][foreign]") {
    world w;
    raw_source{w, "other"}.connect(true);
    device d(w, "alice", 11);
    const auto out = d.sync();
    CHECK(why(out) == "scope_initializing");
    REQUIRE(out.not_before.has_value());
    CHECK(*out.not_before >= syncline::from_microseconds(w.center.now + 800'000'000));
    w.center.pass(901);
    d.synced();
    CHECK(w.center.user("alice").state == scope::initialized);
}

TEST_CASE("foreign server: detach blocked by dirty rows; sync-then-detach success and failure", "[wire][bundle][foreign]") {
    mixed w;
    w.here.set_user(1, "name", "here");
    const auto blocked = w.here.client().detach();
    REQUIRE_FALSE(blocked);
    CHECK(blocked.error().code == errc::unsent);
    w.center.lose_requests("push_create", 100);
    CHECK_FALSE(w.here.client().sync_then_detach().ok());
    CHECK(w.here.name(1) == "here");
    w.center.calm();
    CHECK(w.here.client().sync_then_detach().ok());
    CHECK(w.here.count("users") == 0);
    CHECK(w.center.cell("alice", "users", id(1), "name") == "here");
}

TEST_CASE("foreign server: other user may attach after detach, and not before", "[wire][bundle][foreign]") {
    mixed w;
    CHECK(why(w.here.client().attach("bob")) == "other_account");
    CHECK(w.here.client().detach());
    w.here.user = "bob";
    w.here.restart();
    const auto out = w.here.client().attach("bob");
    INFO((out.why ? out.why->detail : std::string{}));
    CHECK(out.ok());
    w.here.sql("INSERT INTO users VALUES('" + id(50) + "','bobs','b')");
    w.here.synced();
    CHECK(w.center.user("alice").data.count("users") == 1);
    CHECK(w.center.user("bob").data.count("users") == 1);
    CHECK(w.here.rows_here() == w.here.rows_there());
}

TEST_CASE("foreign server: same user detach/attach/push again, and no bundle number comes twice", "[wire][bundle][foreign]") {
    mixed w;
    w.here.set_user(1, "name", "here");
    w.here.synced();
    CHECK(w.here.client().detach());
    CHECK(w.here.count("users") == 0);
    w.here.synced();
    CHECK(w.here.name(1) == "here");
    w.here.set_user(1, "name", "again");
    w.here.synced();
    w.converge();
    std::set<std::pair<std::string, std::int64_t>> used;
    for (const auto& [seq, b] : w.center.user("alice").log) CHECK(used.insert({b->source, b->source_bundle_id}).second);
}

TEST_CASE("foreign server: detached offline writes survive reopen, captured once; open restores the source id", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    d.add_user(1, "offline");
    d.instead = [](const request&) { return std::optional{syncline::result<response>{syncline::make_fault(errc::unavailable, "no network")}}; };
    CHECK_FALSE(d.sync().ok());
    d.instead = {};
    const auto source = d.source();
    CHECK(is_uuid(source));
    for (int i = 0; i < 2; ++i) d.restart();
    CHECK(d.source() == source);
    d.synced();
    REQUIRE(w.center.user("alice").latest() == 1);
    CHECK(w.center.user("alice").log.at(1)->rows.size() == 1);
    CHECK(w.center.user("alice").log.at(1)->source == source);
}

TEST_CASE("foreign server: concurrent first initialisers: one winner; loser later converges", "[wire][bundle][foreign]") {
    world w;
    device a(w, "alice", 11), b(w, "alice", 12);
    a.add_user(1, "a");
    b.add_user(2, "b");
    CHECK(a.client().attach("alice").ok());
    CHECK(why(b.sync()) == "scope_initializing");
    CHECK(b.name(2) == "b");
    a.synced();
    b.synced();
    a.synced();
    CHECK(a.rows_here() == b.rows_here());
    CHECK(a.count("users") == 2);
}

TEST_CASE("foreign server: expired initialiser lease refuses the seed push; the device connects again and seeds", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    d.add_user(1, "one");
    CHECK(d.client().attach("alice").ok());
    w.center.pass(901);
    const bool taken = GENERATE(false, true);
    if (taken) {
        raw_source{w, "other"}.connect(true);
        CHECK(why(d.sync()) == "scope_initializing");
        CHECK(d.name(1) == "one");
        w.center.pass(901);
    }
    d.synced();
    CHECK(w.center.cell("alice", "users", id(1), "name") == "one");
    CHECK(d.rows_here() == d.rows_there());
}

TEST_CASE("foreign server: source recovery rotates the source, keeps every intent, and the replacement becomes active", "[wire][bundle][foreign]") {
    mixed w;
    w.here.add_user(2, "first");
    w.here.synced();
    const auto source = w.here.source();
    const std::string reason = GENERATE("source_sequence_out_of_order", "source_sequence_changed", "source_retired", "history_pruned");
    const bool restarts = GENERATE(false, true);
    INFO(reason << (restarts ? ", restarted" : ""));
    w.here.set_user(1, "name", "here");
    w.here.add_user(3, "here");
    auto& mine = w.center.user("alice").sources[source];
    if (reason == "source_sequence_out_of_order") {
        mine.max_committed = 0;
    } else if (reason == "source_sequence_changed") {
        w.center.before = [&](const std::string& endpoint) {
            if (endpoint == "push_commit") w.center.before = {}, ++w.center.user("alice").sources[source].max_committed;
        };
    } else if (reason == "source_retired") {
        w.send(http_method::post, "/sync/snapshot-sessions",
               {{"source_replacement", {{"previous_source_id", source}, {"new_source_id", "named-by-the-server"}, {"reason", "history_pruned"}}}}, source);
    } else {
        mine.max_committed = 9;
    }
    for (int i = 0; i < 4; ++i) {
        if (restarts) {
            int requests = 0;
            w.here.after = [&](const request&) {
                if (++requests == 2) w.here.client().cancel();
            };
            w.here.sync();
            w.here.after = {};
            w.here.restart();
        }
    }
    // A replacement that it did not choose itself is a copy's: it says so once, and goes on under one of its own.
    if (reason == "source_retired" && !restarts) CHECK(why(w.here.sync()) == "source_retired");
    w.here.synced();
    const auto fresh = w.here.source();
    CHECK(fresh != source);
    CHECK(fresh != "named-by-the-server");
    CHECK(state_of(w, "alice", source) == "retired");
    // Whether the lost source had sent them is not known: they stand, and wait for a person.
    CHECK(w.here.name(1) == "here");
    const auto waited = w.here.retry_what_waits();
    INFO(waited << " waited");
    w.here.synced();
    CHECK(w.here.source() == fresh);
    CHECK(state_of(w, "alice", fresh) == "active");
    CHECK(w.center.cell("alice", "users", id(1), "name") == "here");
    CHECK(w.center.cell("alice", "users", id(3), "name") == "here");
    w.converge();
}

TEST_CASE("foreign server: a copied file is noticed, and both go on", "[wire][bundle][foreign]") {
    mixed w;
    // A copy has pushed bundle 1 of this source with other rows.
    const auto source = w.here.source();
    raw_source copy{w, source};
    body_of(copy.push(1, json::array({wire_row("users", id(5), "INSERT", 0, person("copy"))})));
    w.here.add_user(6, "here");
    w.here.synced();
    CHECK(w.here.source() != source);
    CHECK(w.here.name(5) == "copy");
    CHECK(w.here.retry_what_waits() == 1);
    w.converge();
    CHECK(w.there.cell("users", id(5), "name") == "copy");
    CHECK(w.there.cell("users", id(6), "name") == "here");
}

TEST_CASE("foreign server: push and pull recover from transient 5xx, and end typed", "[wire][bundle][foreign]") {
    mixed w;
    w.here.add_user(2, "here");
    const std::string where = GENERATE("push_create", "push_chunk", "push_commit", "committed_rows", "pull");
    const int status = GENERATE(429, 502, 503, 504);
    w.center.inject(where, status, 2);
    w.here.synced();
    w.converge();
}

TEST_CASE("foreign server: a server without the connect lifecycle is not attached to", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    d.add_user(1, "one");
    const int status = GENERATE(404, 405, 501);
    w.center.inject("connect", status, 1);
    CHECK(why(d.sync()) == "unsupported");
    CHECK(d.name(1) == "one");
    d.synced();
}

TEST_CASE("foreign server: a wrong hash of a bundle, or a page that contradicts itself, is refused and nothing is taken in", "[wire][bundle][foreign]") {
    mixed w;
    w.there.insert("users", id(2), person("there"));
    w.there.push();
    struct lie {
        const char *from, *to;
    };
    const lie l = GENERATE(lie{"there@", "tampered@"}, lie{"\"stable_bundle_seq\":2", "\"stable_bundle_seq\":1"}, lie{"\"row_version\":2", "\"row_version\":7"});
    w.here.instead = [&](const request& r) -> std::optional<syncline::result<response>> {
        if (r.path.find("/pull") == std::string::npos) return std::nullopt;
        request q = r;
        q.headers.push_back({"Authorization", "Bearer alice"});
        auto out = w.center(q);
        if (const auto at = out.body.find(l.from); at != std::string::npos) out.body.replace(at, std::string_view{l.from}.size(), l.to);
        return syncline::result<response>{out};
    };
    INFO(l.from);
    CHECK_FALSE(w.here.sync().ok());
    CHECK(w.here.name(2) == "gone");
    w.here.instead = {};
    w.here.synced();
    CHECK(w.here.name(2) == "there");
}

TEST_CASE("foreign server: what the host writes reaches the device and stays in its scope", "[wire][bundle][foreign]") {
    mixed w;
    device bob(w, "bob", 12);
    bob.synced();
    w.center.write("alice", "host", [&](oversync::rows& data) { data.put({"users", id(7)}, server_state::typed(w.center.named("users"), id(7), person("host"))); });
    w.here.synced();
    CHECK(w.here.name(7) == "host");
    bob.synced();
    CHECK(bob.count("users") == 0);
}

}  // namespace foreign_server_lifecycle_test
