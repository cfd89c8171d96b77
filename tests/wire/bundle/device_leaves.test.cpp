#include "wire/bundle/foreign_server_world.hpp"

#include <string>

namespace device_leaves_test {

using namespace foreign_server;

TEST_CASE("device: one that is not let in does not ask again, and keeps what it has", "[wire][bundle][foreign]") {
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

TEST_CASE("device: a picture that is under way is given up by a detach, and nothing of it comes up for the next user", "[wire][bundle][foreign]") {
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

}  // namespace device_leaves_test
