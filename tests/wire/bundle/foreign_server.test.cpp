// A Syncline device with an SQLite file at a server of go-oversync v0.2.1, beside a client of it: conflicts, convergence and checkpoints (sheet `bundle`
// 7.1). The lifecycle has foreign_server_lifecycle.test.cpp.

#include "wire/bundle/foreign_server_world.hpp"

namespace foreign_server_test {

using namespace foreign_server;

namespace {

device_options resolving(syncline::resolver r) {
    device_options o;
    o.resolvers = syncline::resolver_set{std::move(r)};
    return o;
}

/// Both have changed the name of user 1; the client of go-oversync was first.
struct disputed : mixed {
    explicit disputed(device_options o = {}) : mixed({}, std::move(o)) {
        there.update("users", id(1), {{"name", "there"}});
        CHECK(there.push() == "committed");
        here.set_user(1, "name", "here");
        here.add_user(2, "sibling");
    }
};

}  // namespace

TEST_CASE("foreign server: server-wins resolver recovers without caller action", "[wire][bundle][foreign]") {
    disputed w;
    const auto out = w.here.synced();
    CHECK(out.conflicts == 1);
    CHECK(w.here.name(1) == "there");
    w.converge();
    CHECK(w.there.cell("users", id(2), "name") == "sibling");
}

TEST_CASE("foreign server: client-wins resolver converges although a peer bundle was never pulled before", "[wire][bundle][foreign]") {
    disputed w(resolving(syncline::resolvers::client_wins{}));
    w.there.insert("users", id(3), person("unseen"));
    w.there.push();
    w.here.synced();
    w.converge();
    CHECK(w.there.cell("users", id(1), "name") == "here");
    CHECK(w.here.name(3) == "unseen");
}

TEST_CASE("foreign server: merged resolver retries with merged payload", "[wire][bundle][foreign]") {
    disputed w(resolving([](const syncline::conflict& c, const syncline::resolver_context&) {
        syncline::field_changes merged;
        merged.set(0, syncline::value::text(c.server->fields[0].as_string() + "+" + c.client->fields[0].as_string()));
        return syncline::resolution::merged(std::move(merged), "both");
    }));
    w.here.synced();
    w.converge();
    CHECK(w.there.cell("users", id(1), "name") == "there+here");
}

TEST_CASE("foreign server: keep-local retries automatically and wins", "[wire][bundle][foreign]") {
    mixed w({}, resolving(syncline::resolvers::client_wins{}));
    SECTION("a delete over an update") {
        w.there.update("users", id(1), {{"name", "there"}});
        w.there.push();
        w.here.erase_user(1);
        w.here.synced();
        w.converge();
        CHECK(w.there.cell("users", id(1), "name") == "gone");
    }
    SECTION("an update over a delete: the record is made anew") {
        w.there.erase("users", id(1));
        w.there.push();
        w.here.set_user(1, "name", "here");
        w.here.synced();
        w.converge();
        CHECK(w.there.cell("users", id(1), "name") == "here");
    }
    SECTION("both inserted it") {
        w.there.insert("users", id(2), person("there"));
        w.there.push();
        w.here.add_user(2, "here");
        w.here.synced();
        w.converge();
        CHECK(w.there.cell("users", id(2), "name") == "here");
    }
}

TEST_CASE("foreign server: fields that nobody else changed are merged without a conflict for anybody to decide", "[wire][bundle][foreign]") {
    mixed w;
    w.there.update("users", id(1), {{"name", "there"}});
    w.there.push();
    w.here.set_user(1, "email", "here");
    w.here.synced();
    w.converge();
    CHECK(w.there.cell("users", id(1), "name") == "there");
    CHECK(w.there.cell("users", id(1), "email") == "here");
}

TEST_CASE("foreign server: retry budget: many conflicting rows in one bundle, and every intent comes through", "[wire][bundle][foreign]") {
    mixed w({}, resolving(syncline::resolvers::client_wins{}));
    const std::uint64_t most = GENERATE(std::uint64_t{3}, std::uint64_t{20});
    for (std::uint64_t n = 2; n < 2 + most; ++n) w.there.insert("users", id(n), person("there"));
    w.there.push();
    for (std::uint64_t n = 2; n < 2 + most; ++n) w.here.add_user(n, "here");
    const auto before = w.center.asked("push_commit");
    for (int i = 0; i < 8 && w.here.status().counts.open + w.here.status().counts.frozen != 0; ++i) w.here.sync();
    INFO("commits: " << w.center.asked("push_commit") - before);
    w.converge();
    CHECK(w.there.cell("users", id(2), "name") == "here");
}

TEST_CASE("foreign server: rebuild keeping the source, then pull, with server-side cascade on a self-referencing table", "[wire][bundle][foreign]") {
    mixed w;
    std::string rows;
    for (std::uint64_t n = 20; n < 25; ++n) rows += "INSERT INTO categories VALUES('" + id(n) + "','c'," + (n == 20 ? "NULL" : "'" + id(n - 1) + "'") + ");";
    w.here.sql("BEGIN;" + rows + "COMMIT");
    w.here.synced();
    const auto source = w.here.source();
    CHECK(w.here.client().hydrate().ok());
    CHECK(w.here.source() == source);
    w.center.write("alice", "host", [&](oversync::rows& data) { data.erase(w.center.registered(), {"categories", id(21)}); });
    w.here.synced();
    CHECK(w.here.count("categories") == 1);
    w.converge();
}

TEST_CASE("foreign server: a local cascade goes up, and a delete there takes the children here along", "[wire][bundle][foreign]") {
    mixed w;
    w.here.sql("INSERT INTO posts VALUES('" + id(31) + "','t','" + id(1) + "')");
    w.here.synced();
    w.there.sync();
    REQUIRE(w.there.cell("posts", id(31), "title") == "t");
    const bool here = GENERATE(true, false);
    if (here) w.here.erase_user(1);
    else w.there.erase("users", id(1));
    w.converge();
    CHECK(w.here.count("posts") == 0);
    CHECK(w.center.user("alice").data.count("posts") == 0);
}

TEST_CASE("foreign server: own push before pulling still fetches an earlier peer bundle, after a restart too", "[wire][bundle][foreign]") {
    mixed w;
    w.there.insert("users", id(2), person("there"));
    w.there.push();
    w.here.add_user(3, "here");
    CHECK(w.here.client().push().ok());
    if (GENERATE(false, true)) w.here.restart();
    CHECK(w.here.client().pull().ok());
    CHECK(w.here.name(2) == "there");
    CHECK(w.here.status().state.checkpoint == 3);
    w.converge();
}

TEST_CASE("foreign server: three devices push without pulling, then all pull and converge", "[wire][bundle][foreign]") {
    mixed w;
    device third(w, "alice", 12);
    third.synced();
    std::uint64_t n = 10;
    for (int round = 0; round < 3; ++round) {
        w.here.add_user(++n, "here");
        CHECK(w.here.client().push().ok());
        w.there.insert("users", id(++n), person("there"));
        CHECK(w.there.push() == "committed");
        third.add_user(++n, "third");
        CHECK(third.client().push().ok());
    }
    third.synced();
    w.converge();
    third.synced();
    CHECK(third.rows_here() == third.rows_there());
    CHECK(w.here.count("users") == 10);
}

TEST_CASE("foreign server: pull while local rows are dirty", "[wire][bundle][foreign]") {
    mixed w;
    w.there.insert("users", id(2), person("there"));
    w.there.push();
    w.here.set_user(1, "name", "here");
    CHECK(w.here.client().pull().ok());  // go-oversync's own client refuses this (8.2 item 9)
    CHECK(w.here.name(2) == "there");
    CHECK(w.here.name(1) == "here");
    w.converge();
    CHECK(w.there.cell("users", id(1), "name") == "here");
}

TEST_CASE("foreign server: an insert and delete that nobody saw leaves nothing behind", "[wire][bundle][foreign]") {
    mixed w;
    w.here.add_user(2, "here");
    w.here.erase_user(2);
    w.here.synced();
    CHECK(w.here.status().counts.open == 0);
    w.there.insert("users", id(3), person("there"));
    w.there.push();
    w.here.synced();  // 8.2 item 2: the reference's client is blocked
    CHECK(w.here.name(3) == "there");
}

TEST_CASE("foreign server: timestamps and typed rows stay equal after push, pull and hydrate", "[wire][bundle][foreign]") {
    mixed w;
    const std::string at = GENERATE("2026-03-24T18:42:11Z", "2026-03-24T20:42:11.123456+02:00");
    const bool lost = GENERATE(false, true);
    w.here.sql("INSERT INTO files VALUES('" + id(1) + "',NULL,9007199254740992,0.1,X'00FF10',1,'" + at + "'),('" + id(2) +
               "','<a> & \xF0\x9F\x98\x80 \xE2\x80\xA8',-1,1e21,X'',0,NULL),('" + id(3) + "','c',0,2.0,NULL,NULL,NULL)");
    w.here.sql("INSERT INTO notes VALUES('any \"text\" / key?','x')");
    if (lost) w.center.lose_answers("push_commit", 1);  // booleans and times come back in other words: 8.2 item 4
    w.here.synced();
    CHECK(w.here.status().counts.frozen == 0);
    w.converge();
    device hydrated(w, "alice", 13);
    hydrated.synced();
    CHECK(hydrated.rows_here() == w.here.rows_here());
    const auto again = w.here.synced();
    CHECK(again.pushed == 0);
    CHECK(again.pulled == 0);
}

TEST_CASE("foreign server: transport error on session create leaves the device recoverable", "[wire][bundle][foreign]") {
    mixed w;
    w.here.add_user(2, "here");
    w.center.lose_requests("push_create", 50);
    CHECK_FALSE(w.here.sync().ok());
    w.here.restart();
    w.center.lose_requests("push_create", 0);
    for (int i = 0; i < 20 && w.here.name(2) == "here" && !w.here.sync().ok(); ++i) {}
    w.converge();
    CHECK(w.there.cell("users", id(2), "name") == "here");
}

TEST_CASE("foreign server: an answer lost at any endpoint is made up for, after a restart too", "[wire][bundle][foreign]") {
    mixed w;
    const std::string where = GENERATE("push_create", "push_chunk", "push_commit", "committed_rows", "pull", "snapshot_create", "snapshot_chunk", "snapshot_delete");
    const bool restarts = GENERATE(false, true);
    INFO(where << (restarts ? ", then a restart" : ""));
    w.here.add_user(2, "here");
    w.here.set_user(1, "name", "here");
    if (where.starts_with("snapshot")) must(w.here.client().rebuild());
    w.center.lose_answers(where, 1);
    if (restarts) {
        w.here.after = [&](const request&) {
            if (w.center.seen.back() == where) w.here.client().cancel();
        };
        w.here.sync();
        w.here.after = {};
        w.here.restart();
    }
    w.converge();
    CHECK(w.center.user("alice").latest() == 2);
    CHECK(w.there.cell("users", id(1), "name") == "here");
}

TEST_CASE("foreign server: stale follower converges after a chunked peer push plus pruning (snapshot fallback)", "[wire][bundle][foreign]") {
    server_options o;
    o.retained_bundles = 2;
    mixed w(o);
    w.there.options.upload_limit = 3;
    for (int round = 0; round < 4; ++round) {
        for (std::uint64_t n = 0; n < 10; ++n) w.there.insert("users", id(100 + 10 * static_cast<std::uint64_t>(round) + n), person("there"));
        w.there.push();
    }
    w.here.set_user(1, "name", "kept");  // a change that waits stays over the snapshot
    const auto out = w.here.synced();
    w.converge();
    CHECK(w.there.cell("users", id(1), "name") == "kept");
    CHECK(w.here.count("users") == 41);
    static_cast<void>(out);
}

TEST_CASE("foreign server: a device at the floor, or new below it, misses nothing although the server's checks are odd", "[wire][bundle][foreign]") {
    server_options o;
    o.retained_bundles = 2;
    mixed w(o);
    w.there.insert("users", id(2), person("there"));
    w.there.push();
    w.here.synced();  // at 2
    for (std::uint64_t n = 3; n < 5; ++n) w.there.insert("users", id(n), person("there")), w.there.push();
    REQUIRE(w.center.user("alice").floor == 2);
    w.here.synced();
    CHECK(w.here.count("users") == 4);
    device fresh(w, "alice", 14);
    fresh.synced();
    CHECK(fresh.count("users") == 4);
    CHECK(fresh.rows_here() == fresh.rows_there());
}

TEST_CASE("foreign server: conflict in a multi-chunk push keeps whole-bundle atomicity", "[wire][bundle][foreign]") {
    device_options o = resolving(syncline::resolvers::client_wins{});
    o.wire.chunk_rows = 2;
    mixed w({}, std::move(o));
    w.there.update("users", id(1), {{"name", "there"}});
    w.there.push();
    for (std::uint64_t n = 10; n < 15; ++n) w.here.add_user(n, "here");
    w.here.set_user(1, "name", "here");
    w.here.synced();
    CHECK(w.center.asked("push_chunk") >= 5);
    CHECK(w.center.user("alice").log.rbegin()->second->rows.size() == 6);
    w.converge();
    CHECK(w.there.cell("users", id(1), "name") == "here");
}

TEST_CASE("foreign server: large FK-connected hydration needs several snapshot chunks, and goes on where it was cut", "[wire][bundle][foreign]") {
    mixed w;
    w.there.app([&](durable& d) {
        for (std::uint64_t n = 100; n < 160; ++n) {
            d.data.put({"posts", id(n)}, row{{"id", id(n)}, {"title", "t"}, {"author_id", id(1000 + n)}});
            d.data.put({"users", id(1000 + n)}, row{{"id", id(1000 + n)}, {"name", "u"}, {"email", nullptr}});
        }
    });
    w.there.push();
    device_options o;
    o.wire.snapshot_page_rows = 17;
    device fresh(w, "alice", 15, std::move(o));
    int pages = 0;
    fresh.after = [&](const request&) {
        if (w.center.seen.back() == "snapshot_chunk" && ++pages == 3) fresh.client().cancel();
    };
    CHECK(why(fresh.sync()) == "cancelled");
    fresh.restart();
    fresh.synced();
    CHECK(pages == 8);
    CHECK(w.center.asked("snapshot_create") == 2);
    CHECK(fresh.rows_here() == fresh.rows_there());
}

TEST_CASE("foreign server: a snapshot session that ends under the reader is begun anew", "[wire][bundle][foreign]") {
    device_options o;
    o.wire.snapshot_page_rows = 1;
    mixed w({}, std::move(o));
    for (std::uint64_t n = 2; n < 5; ++n) w.there.insert("users", id(n), person("there"));
    w.there.push();
    must(w.here.client().rebuild());
    const bool expired = GENERATE(true, false);
    int pages = 0;
    w.center.after = [&](const std::string& endpoint) {
        if (endpoint != "snapshot_chunk" || ++pages != 2) return;
        if (expired) w.center.pass(900);
        else w.center.snapshots().clear();
    };
    w.here.synced();
    w.converge();
}

TEST_CASE("foreign server: a host's triggers and other rows of an own bundle are taken over", "[wire][bundle][foreign]") {
    mixed w;
    w.center.trigger = [](oversync::rows& data, const row_name& n) {
        if (n.table == "users" && data.find(n) != nullptr) data.put({"notes", n.key}, row{{"code", n.key}, {"body", "seen"}});
    };
    w.here.add_user(2, "here");
    if (GENERATE(false, true)) w.center.lose_answers("push_commit", 1);
    w.here.synced();
    CHECK(w.here.cell("notes", id(2), "body") == "seen");
    w.center.trigger = {};
    w.converge();
}

TEST_CASE("foreign server: a row that the database refuses, in an opaque 500, does not stop its siblings", "[wire][bundle][foreign]") {
    world w;
    tables unique = business();
    unique[0].columns[2].unique = true;
    w.center = server(unique, {});
    client there(unique, w.center.line(), of_user("alice", 0x900));
    there.open();
    there.attach("alice");
    there.insert("users", id(1), person("one"));
    there.push();
    device here(w, "alice", 16);
    here.synced();
    here.sql("INSERT INTO users VALUES('" + id(2) + "','x','one@example.com')");
    here.add_user(3, "fine");
    for (int i = 0; i < 5; ++i) here.sync();
    CHECK(w.center.cell("alice", "users", id(3), "name") == "fine");
    CHECK(w.center.cell("alice", "users", id(2), "name") == "gone");
    CHECK(here.name(2) == "x");
}

}  // namespace foreign_server_test
