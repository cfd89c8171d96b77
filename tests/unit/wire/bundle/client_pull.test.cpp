#include <syncline/wire/bundle/client_pull.hpp>

#include "unit/wire/bundle/fixture.hpp"

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

}  // namespace client_pull_test
