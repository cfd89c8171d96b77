#include "wire/bundle/foreign_server_world.hpp"

#include <string>

namespace foreign_server_corners_test {

using namespace foreign_server;

TEST_CASE("foreign server corners: a device that is not let in does not ask again, and keeps what it has", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 11);
    d.add_user(1, "one");
    const int status = GENERATE(401, 403);
    w.center.inject("connect", status, 1);
    const auto out = d.sync();
    REQUIRE_FALSE(out.ok());
    CHECK(out.why->code == (status == 401 ? errc::unauthenticated : errc::forbidden));
    CHECK(out.retried == 0);
    CHECK(w.center.asked("connect") == 1);
    CHECK(w.center.asked("push_create") == 0);
    CHECK(d.status().state.attachment == syncline::scope_attachment::anonymous);
    CHECK(d.name(1) == "one");
    d.synced();
    CHECK(w.center.cell("alice", "users", id(1), "name") == "one");
}

TEST_CASE("foreign server corners: a picture that is under way is given up by a detach, and nothing of it comes up for the next user", "[wire][bundle][foreign]") {
    world w;
    oversync::client there = w.attached();
    for (std::uint64_t n = 1; n < 6; ++n) there.insert("users", id(n), person("alice's"));
    there.push();
    device_options o;
    o.wire.snapshot_page_rows = 1;
    device d(w, "alice", 12, std::move(o));
    int pages = 0;
    d.after = [&](const request&) {
        if (w.center.seen.back() == "snapshot_chunk" && ++pages == 3) d.client().cancel();
    };
    REQUIRE_FALSE(d.sync().ok());
    d.after = {};
    REQUIRE(d.status().state.needs_hydration);
    CHECK(d.count("users") == 0);
    must(d.client().detach());
    CHECK(d.status().state.attachment == syncline::scope_attachment::anonymous);
    d.user = "bob";
    d.restart();
    d.add_user(50, "bobs");
    d.synced();
    CHECK(d.count("users") == 1);
    CHECK(w.center.user("bob").data.count("users") == 1);
    CHECK(w.center.user("alice").data.count("users") == 5);
    CHECK(d.rows_here() == d.rows_there());
}

TEST_CASE("foreign server corners: a bundle that is on its way, or acknowledged and not taken in yet, keeps a device in its account", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 13);
    d.synced();
    const auto source = d.source();
    d.add_user(1, "one");
    const std::string where = GENERATE("push_chunk", "committed_rows");
    INFO(where);
    w.center.inject(where, 503, 50);
    REQUIRE_FALSE(d.sync().ok());
    REQUIRE(d.status().counts.frozen == 1);
    for (const bool restarts : {false, true}) {
        if (restarts) d.restart();
        const auto refused = d.client().detach();
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::unsent);
        CHECK(d.name(1) == "one");
        CHECK(d.source() == source);
    }
    w.center.calm();
    CHECK(d.client().sync_then_detach().ok());
    CHECK(d.count("users") == 0);
    CHECK(w.center.cell("alice", "users", id(1), "name") == "one");
}

TEST_CASE("foreign server corners: a source that is retired while its bundle is staged gives way to a fresh one, and nothing is lost", "[wire][bundle][foreign]") {
    world w;
    device d(w, "alice", 14);
    d.add_user(1, "one");
    d.synced();
    const auto source = d.source();
    d.set_user(1, "name", "two");
    d.add_user(2, "new");
    w.center.before = [&](const std::string& endpoint) {
        if (endpoint != "push_commit") return;
        w.center.before = {};
        w.send(http_method::post, "/sync/snapshot-sessions",
               {{"source_replacement", {{"previous_source_id", source}, {"new_source_id", "named-by-a-copy"}, {"reason", "history_pruned"}}}}, source);
    };
    const auto met = d.sync();
    REQUIRE_FALSE(met.ok());
    CHECK(met.why->code == errc::source_retired);
    d.synced();
    CHECK(d.source() != source);
    CHECK(d.source() != "named-by-a-copy");
    CHECK(d.name(1) == "two");
    CHECK(d.name(2) == "new");
    CHECK(d.retry_what_waits() == 2);  // this commit took no effect, but the copy that gave the source up may have sent the same
    d.synced();
    CHECK(w.center.cell("alice", "users", id(1), "name") == "two");
    CHECK(w.center.cell("alice", "users", id(2), "name") == "new");
    CHECK(d.rows_here() == d.rows_there());
}

}  // namespace foreign_server_corners_test
