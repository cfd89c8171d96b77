// Clients of go-oversync v0.2.1, as the sheet `bundle` describes them, at a Syncline server over SQLite and real HTTP: conflicts, convergence and
// checkpoints (sheet 7.1). The lifecycle has foreign_clients_lifecycle.test.cpp.

#include "wire/bundle/http/foreign_clients_world.hpp"

namespace foreign_clients_test {

using namespace foreign_clients;

namespace {

constexpr auto keep_local = [](const conflict&) { return resolution{outcome::keep_local, {}}; };

std::string name(const client& c, std::uint64_t n) { return c.cell("users", id(n), "name"); }

/// Both have changed user 1, and b was first.
struct disputed : two {
    disputed() {
        b.update("users", id(1), {{"name", "b"}, {"email", "b"}});
        CHECK(b.push() == "committed");
        a.update("users", id(1), {{"name", "a"}});
        a.insert("users", id(2), person("sibling"));
    }
};

}  // namespace

TEST_CASE("foreign clients: server-wins resolver recovers without caller action", "[wire][bundle][foreign]") {
    disputed w;
    CHECK(w.a.push() == "committed");
    CHECK(name(w.a, 1) == "b");
    w.converge();
    CHECK(name(w.b, 2) == "sibling");
}

TEST_CASE("foreign clients: client-wins resolver converges although a peer bundle was never pulled before", "[wire][bundle][foreign]") {
    disputed w;
    w.b.insert("users", id(3), person("unseen"));
    w.b.push();
    w.a.resolve = keep_local;
    CHECK(w.a.push() == "committed");
    CHECK(w.a.disk.last_seen == 1);
    w.converge();
    CHECK(name(w.b, 1) == "a");
    CHECK(name(w.a, 3) == "unseen");
}

TEST_CASE("foreign clients: merged resolver retries with merged payload", "[wire][bundle][foreign]") {
    disputed w;
    w.a.resolve = [](const conflict& c) {
        json merged = c.server;
        merged["name"] = c.local.at("name");
        return resolution{outcome::keep_merged, merged};
    };
    CHECK(w.a.push() == "committed");
    w.converge();
    CHECK(name(w.b, 1) == "a");
    CHECK(w.b.cell("users", id(1), "email") == "b");
    CHECK(w.cell("users", id(1), "email") == "b");
}

TEST_CASE("foreign clients: keep-local retries automatically and wins", "[wire][bundle][foreign]") {
    two w;
    SECTION("a delete over an update") {
        w.b.update("users", id(1), {{"name", "b"}});
        w.b.push();
        w.a.erase("users", id(1));
        w.a.resolve = keep_local;
        CHECK(w.a.push() == "committed");
        w.converge();
        CHECK(name(w.b, 1) == "gone");
    }
    SECTION("an insert over a tombstone") {
        w.b.insert("users", id(2), person("b"));
        w.b.erase("users", id(1));
        w.b.push();
        w.b.erase("users", id(2));
        w.b.push();
        w.a.insert("users", id(2), person("a"));
        w.a.resolve = keep_local;
        CHECK(w.a.push() == "committed");
        w.converge();
        CHECK(name(w.b, 2) == "a");
        CHECK(name(w.a, 1) == "gone");
    }
    SECTION("an update over a delete is no outcome: the intent stays") {
        w.b.erase("users", id(1));
        w.b.push();
        w.a.update("users", id(1), {{"name", "a"}});
        w.a.resolve = keep_local;
        CHECK(thrown([&] { w.a.push(); }) == "invalid_resolution");
        CHECK(w.a.disk.dirty.size() == 1);
        w.a.resolve = {};
        CHECK(w.a.push() == "no_change");
        w.converge();
        CHECK(name(w.a, 1) == "gone");
    }
}

TEST_CASE("foreign clients: retry budget exhausted: intents stay replayable", "[wire][bundle][foreign]") {
    two w;
    for (std::uint64_t n = 2; n < 6; ++n) w.b.insert("users", id(n), person("b"));
    w.b.push();
    for (std::uint64_t n = 2; n < 6; ++n) w.a.insert("users", id(n), person("a"));
    w.a.resolve = keep_local;
    CHECK(thrown([&] { w.a.push(); }) == "conflict_retry_exhausted");
    CHECK(w.a.disk.dirty.size() == 4);
    CHECK(w.a.push() == "committed");
    w.converge();
    CHECK(name(w.b, 5) == "a");
}

TEST_CASE("foreign clients: rebuild keeping the source, then pull, with server-side cascade on a self-referencing table", "[wire][bundle][foreign]") {
    two w;
    w.a.app([&](durable& d) {
        for (std::uint64_t n = 20; n < 25; ++n)
            d.data.put({"categories", id(n)}, row{{"id", id(n)}, {"name", "c"}, {"parent_id", n == 20 ? json{} : json(id(n - 1))}});
    });
    CHECK(w.a.push() == "committed");
    CHECK(w.b.rebuild() == "applied_snapshot");
    REQUIRE(w.b.disk.data.count("categories") == 5);
    w.sql("DELETE FROM categories WHERE id='" + id(21) + "'");  // the app on the server; its cascade takes three more
    CHECK(w.b.pull() == "applied_incremental");
    CHECK(w.b.disk.data.count("categories") == 1);
    w.converge();
}

TEST_CASE("foreign clients: own push before pulling still fetches an earlier peer bundle", "[wire][bundle][foreign]") {
    two w;
    const bool restarts = GENERATE(false, true);  // also: restart after own push and before pull still fetches the earlier peer bundle
    w.b.insert("users", id(2), person("b"));
    w.b.push();
    w.a.insert("users", id(3), person("a"));
    CHECK(w.a.push() == "committed");
    CHECK(w.a.disk.last_seen == 1);
    if (restarts) {
        client again = w.a.restarted();
        again.open();
        again.attach("alice");
        CHECK(again.pull() == "applied_incremental");
        CHECK(name(again, 2) == "b");
        CHECK(again.disk.last_seen == 3);
        return;
    }
    w.converge();
    CHECK(name(w.a, 2) == "b");
}

TEST_CASE("foreign clients: three devices push without pulling, then all pull and converge", "[wire][bundle][foreign]") {
    two w;
    client c = w.attached();
    std::uint64_t n = 10;
    for (int round = 0; round < 3; ++round)
        for (client* x : {&w.a, &w.b, &c}) {
            x->insert("users", id(++n), person("u"));
            x->insert("posts", id(n + 100), {{"title", "t"}, {"author_id", id(n)}});
            CHECK(x->push() == "committed");
        }
    for (client* x : {&w.a, &w.b, &c}) CHECK(x->pull() == "applied_incremental");
    CHECK(same(w.a, w.b));
    CHECK(same(w.a, c));
    CHECK(w.a.disk.last_seen == 10);
    CHECK(w.a.disk.data.count("users") == 10);
}

TEST_CASE("foreign clients: timestamps stay equal across the example schema", "[wire][bundle][foreign]") {
    two w;
    const std::string at = GENERATE("2026-03-24T18:42:11Z", "2026-03-24T18:42:11+00:00", "2026-03-24T20:42:11.123456+02:00", "2026-03-24T18:42:11.120Z");
    w.a.insert("files", id(1), {{"name", "f"}, {"made_at", at}});
    if (GENERATE(false, true)) w.sky.lost["push_commit"] = 1;  // then it must prove what was committed
    CHECK(w.a.push() == "committed");
    w.converge();
    CHECK(instant(w.b.cell("files", id(1), "made_at")) == instant(at));
}

TEST_CASE("foreign clients: transport error on session create leaves the client recoverable", "[wire][bundle][foreign]") {
    two w;
    w.a.insert("users", id(2), person("a"));
    w.sky.statuses["push_create"] = {0, 0, 0};
    CHECK(thrown([&] { w.a.push(); }) == "retry_exhausted");
    CHECK(w.a.disk.out.state == "prepared");
    client again = w.a.restarted();
    again.open();
    again.attach("alice");
    CHECK(again.push() == "committed");
    w.b.pull();
    CHECK(same(again, w.b));
}

TEST_CASE("foreign clients: an answer lost at any endpoint is made up for", "[wire][bundle][foreign]") {
    two w;
    const std::string where = GENERATE("push_create", "push_chunk", "push_commit", "committed_rows", "pull", "snapshot_create", "snapshot_chunk", "snapshot_delete");
    INFO(where);
    w.a.options.upload_limit = 1;
    w.a.insert("users", id(2), person("a"));
    w.a.insert("users", id(3), person("a"));
    w.sky.lost[where] = 1;
    CHECK(w.a.push() == "committed");
    w.a.pull();
    CHECK(w.a.rebuild() == "applied_snapshot");
    w.converge();
    CHECK(w.a.disk.last_seen == 2);
}

TEST_CASE("foreign clients: stale follower converges after a chunked peer push plus pruning (snapshot fallback)", "[wire][bundle][foreign]") {
    two w;
    w.a.options.upload_limit = w.a.options.download_limit = 3;
    for (std::uint64_t n = 10; n < 20; ++n) w.a.insert("users", id(n), person("a"));
    CHECK(w.a.push() == "committed");
    CHECK(w.sky.asked("push_chunk") == 1 + 4);
    w.a.insert("users", id(30), person("a"));
    w.a.push();
    w.pass(400 * 24h);  // the follower is not waited for any more
    w.host([&](auto& engine) { must(engine.retain("alice", 1, w.now)); });
    CHECK(w.b.pull() == "applied_snapshot");
    CHECK(same(w.a, w.b));
    CHECK(w.b.disk.last_seen == 3);
}

TEST_CASE("foreign clients: conflict in a multi-chunk push keeps whole-bundle atomicity", "[wire][bundle][foreign]") {
    two w;
    w.b.update("users", id(1), {{"name", "b"}});
    w.b.push();
    w.a.options.upload_limit = 2;
    for (std::uint64_t n = 10; n < 15; ++n) w.a.insert("users", id(n), person("a"));
    w.a.update("users", id(1), {{"name", "a"}});
    bool looked = false;
    w.a.resolve = [&](const conflict& c) {
        looked = true;
        CHECK(c.name == row_name{"users", id(1)});
        CHECK(w.number("SELECT count(*) FROM users") == 1);
        return resolution{outcome::keep_local, {}};
    };
    CHECK(w.a.push() == "committed");
    CHECK(looked);
    w.converge();
    CHECK(w.b.disk.data.count("users") == 6);
    CHECK(name(w.b, 1) == "a");
}

TEST_CASE("foreign clients: pull retry, prune fallback, explicit rebuild", "[wire][bundle][foreign]") {
    two w;
    w.b.insert("users", id(2), person("b"));
    w.b.push();
    w.sky.statuses["pull"] = {503, 429};
    CHECK(w.a.pull() == "applied_incremental");
    w.sky.statuses["pull"] = {503, 503, 503};
    CHECK(thrown([&] { w.a.pull(); }) == "retry_exhausted");
    for (std::uint64_t n = 3; n < 6; ++n) w.b.insert("users", id(n), person("b")), w.b.push();
    w.pass(400 * 24h);
    w.host([&](auto& engine) { must(engine.retain("alice", 1, w.now)); });
    CHECK(w.a.pull() == "applied_snapshot");
    CHECK(w.a.rebuild() == "applied_snapshot");
    CHECK(w.a.pull() == "already_at_target");
    w.converge();
}

TEST_CASE("foreign clients: large FK-connected hydration needs several snapshot chunks", "[wire][bundle][foreign]") {
    two w;
    w.a.app([&](durable& d) {
        for (std::uint64_t n = 100; n < 160; ++n) {
            d.data.put({"posts", id(n)}, row{{"id", id(n)}, {"title", "t"}, {"author_id", id(1000 + n)}});
            d.data.put({"users", id(1000 + n)}, row{{"id", id(1000 + n)}, {"name", "u"}, {"email", nullptr}});
        }
    });
    CHECK(w.a.push() == "committed");
    client c = w.fresh();
    c.options.snapshot_chunk_rows = 17;
    const auto before = w.sky.asked("snapshot_chunk");
    CHECK(c.attach("alice").outcome == "used_remote_state");
    CHECK(w.sky.asked("snapshot_chunk") - before == 8);
    CHECK(same(w.a, c));
}

TEST_CASE("foreign clients: retried rebuild clears stale stage and starts a new session", "[wire][bundle][foreign]") {
    two w;
    for (std::uint64_t n = 10; n < 15; ++n) w.b.insert("users", id(n), person("b"));
    w.b.push();
    w.a.options.snapshot_chunk_rows = 2;
    int pages = 0;
    w.sky.after = [&](const std::string& endpoint) {  // the session ends under the reader
        if (endpoint == "snapshot_chunk" && ++pages == 1) w.pass(2h);
    };
    CHECK(thrown([&] { w.a.rebuild(); }) == "http");
    CHECK(w.a.disk.snapshot_stage.size() == 2);
    CHECK(thrown([&] { w.a.sync(); }) == "rebuild_required");
    CHECK(w.a.rebuild() == "applied_snapshot");
    CHECK(same(w.a, w.b));
}

TEST_CASE("foreign clients: typed rows (null, integer, real, blob, timestamp) stay equal after push, pull, hydrate", "[wire][bundle][foreign]") {
    two w;
    w.a.insert("files", id(1), {{"name", nullptr}, {"size", 9007199254740992}, {"rating", 0.1}, {"data", "00ff10"}, {"made_at", "2026-03-24T18:42:11+00:00"}});
    w.a.insert("files", id(2), {{"name", "<a> & \xF0\x9F\x98\x80 \xE2\x80\xA8"}, {"size", -1}, {"rating", 1e21}, {"data", ""}});
    w.a.insert("files", id(3), {{"size", 0}, {"rating", 2.0}, {"done", 1}});
    w.a.insert("notes", "any \"text\" / key?", {{"body", "x"}});
    CHECK(w.a.push() == "committed");
    w.converge();
    client hydrated = w.attached();
    CHECK(same(w.a, hydrated));
    CHECK(hydrated.cell("files", id(1), "data") == "00ff10");
    CHECK(hydrated.cell("files", id(3), "done") == "1");
    CHECK(hydrated.pull() == "already_at_target");
}

// docs/parity.md: the client compares what was committed with what it sent letter by letter, and sends 1 where a BOOLEAN column answers `true`.
TEST_CASE("foreign clients: a flag in a BOOLEAN column blocks a client that lost the answer to its commit; in an INTEGER column it does not", "[wire][bundle][foreign]") {
    world_options how;
    how.flags = GENERATE("BOOLEAN", "INTEGER");
    INFO(how.flags);
    two w{how};
    w.a.options.attempts = 1;
    w.a.insert("files", id(1), {{"name", "x"}, {"done", 1}});
    w.sky.lost["push_commit"] = 1;
    CHECK(thrown([&] { w.a.push(); }) == "retry_exhausted");
    if (how.flags == "INTEGER") {
        CHECK(w.a.push() == "committed");
        w.converge();
        CHECK(w.b.cell("files", id(1), "done") == "1");
        return;
    }
    CHECK(thrown([&] { w.a.push(); }) == "proof_failed");
    CHECK(thrown([&] { w.a.push(); }) == "proof_failed");
    CHECK(thrown([&] { w.a.pull(); }) == "pending_outbox");
    CHECK(thrown([&] { w.a.rebuild(); }) == "pending_outbox");
    CHECK(w.a.detach() == "blocked_unsynced_data");
    // Nothing of it is lost: the others have it, and so has this one once its sync was uninstalled and it has attached anew.
    w.b.pull();
    CHECK(w.b.cell("files", id(1), "done") == "1");
    w.a.uninstall();
    w.a.open();
    CHECK(w.a.attach("alice").status == "connected");
    w.converge();
}

TEST_CASE("foreign clients: what the app on the server writes reaches them as a bundle", "[wire][bundle][foreign]") {
    two w;
    w.sql("INSERT INTO users VALUES('" + id(7) + "','host','h','alice')");
    CHECK(w.a.pull() == "applied_incremental");
    CHECK(name(w.a, 7) == "host");
    client other = w.attached("bob");
    CHECK(other.disk.data.all().empty());
    w.converge();
}

TEST_CASE("foreign clients: what the app on the server writes and takes back reaches nobody, and what it writes over time comes with each pull", "[wire][bundle][foreign]") {
    two w;
    w.sql("BEGIN; INSERT INTO users VALUES('" + id(8) + "','never','n','alice'); UPDATE users SET name = 'never'; ROLLBACK");
    const auto failed = w.host([&](auto& engine) {
        return engine.write_as("alice", "billing", [](auto& t) -> syncline::result<void> {
            must(t.write({0, id(8)}, syncline::record{{syncline::value::text("never"), syncline::value{}}}));
            return syncline::make_fault(syncline::errc::constraint, "no");
        }, w.now);
    });
    CHECK(!failed);
    CHECK(w.a.pull() == "already_at_target");
    CHECK(name(w.a, 1) == "one");
    CHECK(name(w.a, 8) == "gone");
    const std::vector<std::string> steps{"INSERT INTO users VALUES('" + id(8) + "','first','n','alice')", "UPDATE users SET name = 'second' WHERE id = '" + id(8) + "'",
                                         "DELETE FROM users WHERE id = '" + id(8) + "'"};
    const std::vector<std::string> shown{"first", "second", "gone"};
    for (std::size_t i = 0; i < steps.size(); ++i) {
        w.sql(steps[i]);
        CHECK(w.a.pull() == "applied_incremental");
        CHECK(name(w.a, 8) == shown[i]);
        CHECK(w.a.disk.last_seen == 2 + static_cast<std::int64_t>(i));
    }
    CHECK(w.b.pull() == "applied_incremental");
    w.converge();
}

}  // namespace foreign_clients_test
