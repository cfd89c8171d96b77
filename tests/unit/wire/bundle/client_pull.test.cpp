#include <syncline/wire/bundle/client_pull.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <string>
#include <utility>

namespace client_pull_test {

using namespace bundle_fixture;

TEST_CASE("bundle_client: pulls under edits that were not sent yet, and refuses to while a batch is on its way") {
    server_side server;
    device_side a{server, 1};
    device_side b{server, 2};
    a.write(task_key("t"), a_task("x", 1));
    REQUIRE(a.sync().ok());
    b.write(task_key("mine"), a_task("mine"));
    auto pulled = b.sync(sync_mode::pull_only);
    CHECK(pulled.ok());
    CHECK(pulled.pulled == 1);
    CHECK(text_of(b.row(task_key("mine"))) == "mine|no|0|-");

    b.line = [](const request& r) { return asks_for(r, http_method::post, "/commit") ? cut::request_lost : cut::none; };
    auto stuck = b.sync();
    REQUIRE(!stuck.ok());
    CHECK(stuck.why->code == errc::timed_out);
    a.write(task_key("t"), a_task("y", 1));
    REQUIRE(a.sync().ok());
    b.sent.clear();
    auto refused = b.sync(sync_mode::pull_only);
    REQUIRE(!refused.ok());
    CHECK(refused.why->code == errc::stale);
    CHECK(b.sent.empty());
    b.line = [](const request&) { return cut::none; };
    CHECK(b.sync().ok());
    CHECK(text_of(b.row(task_key("t"))) == "y|no|1|-");
    CHECK(text_of(server.row(task_key("mine"))) == "mine|no|0|-");
}

TEST_CASE("bundle_client: a server that says that there is more and gives nothing is not asked for ever") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 1));
    REQUIRE(a.sync().ok());
    a.sent.clear();
    a.intercept = [](const request& r) -> std::optional<response> {
        if (!asks_for(r, http_method::get, "/pull")) return std::nullopt;
        return json_response(200, R"({"stable_bundle_seq":1,"bundles":[],"has_more":true})");
    };
    const auto done = a.sync(sync_mode::pull_only);
    REQUIRE(done.why);
    CHECK(done.why->code == errc::malformed_message);
    CHECK(a.sent.size() < 20);
}

TEST_CASE("bundle_client: a position that the server does not know makes the device hydrate, and a stable bundle that moves within one pull is not believed") {
    server_side server;
    device_side a{server, 1};
    for (int i = 0; i < 3; ++i) {
        a.write(task_key(std::to_string(i)), a_task("x", i));
        REQUIRE(a.sync().ok());
    }
    device_side b{server, 2};
    b.intercept = refusing(asking(http_method::get, "/pull"), said(409, "invalid_cursor"), 1);
    const auto hydrated = b.sync();
    CHECK(hydrated.ok());
    CHECK(hydrated.hydrated);
    CHECK(b.row(task_key("2")) == server.row(task_key("2")));

    bundle_client_options options;
    options.page_bundles = 1;
    device_side c{server, 3, resolver_set{}, options};
    bool moves = true;
    c.tamper = [&](const request& r, response& answer) {
        if (moves && asks_for(r, http_method::get, "target_bundle_seq=3")) replace_all(answer.body, "\"stable_bundle_seq\":3", "\"stable_bundle_seq\":4");
    };
    const auto moved = c.sync();
    REQUIRE(moved.why);
    CHECK(moved.why->code == errc::malformed_message);
    CHECK(c.status().state.checkpoint == 1);
    moves = false;
    CHECK(c.sync().ok());
    CHECK(c.row(task_key("2")) == server.row(task_key("2")));

    c.intercept = refusing(asking(http_method::get, "/pull"), said(403, "forbidden"));
    CHECK(c.sync().why->code == errc::forbidden);
}

namespace {

/// No two tasks with one title.
struct unique_titles : memory_replica_store {
    explicit unique_titles(schema_set models) : memory_replica_store(std::move(models), memory_table_options{{{task, 0}}, true, {}}) {}
};

}  // namespace

TEST_CASE("bundle_client: a row that had no place is tried again with each pull, also with one that brings nothing") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("theirs"), a_task("same"));
    REQUIRE(a.sync().ok());
    server.prune();
    device_of<unique_titles> b{server, 2};
    b.write(task_key("mine"), a_task("same"));
    const auto met = b.sync(sync_mode::pull_only);
    CHECK(met.hydrated);
    CHECK(met.pull_errors == 1);
    CHECK(b.status().counts.quarantined == 1);
    a.write(task_key("other"), a_task("other"));
    REQUIRE(a.sync().ok());
    CHECK(b.sync(sync_mode::pull_only).pulled == 1);
    CHECK(b.status().counts.quarantined == 1);
    CHECK(b.sync(sync_mode::pull_only).pulled == 0);
    b.write(task_key("mine"), a_task("another"));
    CHECK(b.sync(sync_mode::pull_only).pulled == 1);
    CHECK(b.row(task_key("theirs")) == server.row(task_key("theirs")));
    CHECK(b.status().counts.quarantined == 0);
}

}  // namespace client_pull_test
