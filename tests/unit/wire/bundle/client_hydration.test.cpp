#include <syncline/wire/bundle/client_hydration.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace client_hydration_test {

using namespace bundle_fixture;

TEST_CASE("bundle_client: hydrates where history no longer reaches, also when it is cut off anywhere") {
    bundle_client_options options;
    options.snapshot_page_rows = 2;
    std::size_t requests = 0;
    for (std::size_t k = 0; k == 0 || k <= requests + 1; ++k) {
        for (const bool dies : {false, true}) {
            INFO("request " << k << (dies ? ", and the device dies" : ""));
            server_side server;
            device_side a{server, 1};
            device_side b{server, 2, resolver_set{}, options};
            a.write(project_key("p"), a_project("home"));
            for (int i = 0; i < 5; ++i) a.write(task_key(std::to_string(i)), a_task("x", i, "p"));
            REQUIRE(a.sync().ok());
            REQUIRE(b.sync().ok());
            a.write(task_key("0"), a_task("y", 0, "p"));
            a.erase(task_key("1"));
            REQUIRE(a.sync().ok());
            server.prune();
            b.write(task_key("2"), a_task("mine", 7, "p"));
            b.write(task_key("9"), a_task("new", 9, "p"));
            b.line = [](const request& r) { return asks_for(r, http_method::post, "/push-sessions") ? cut::request_lost : cut::none; };
            // The push fails: the edits stay and lie over the new picture.
            b.options.backoff_after_failure.attempts = 1;
            b.boot();
            auto refused = b.sync(sync_mode::push_only);
            REQUIRE(!refused.ok());
            b.options.backoff_after_failure.attempts = 3;
            b.boot();
            std::size_t n = 0;
            b.sent.clear();
            b.line = [&](const request&) { return k != 0 && ++n == k ? cut::answer_lost : cut::none; };
            if (dies && k != 0) b.die_after = k;
            auto done = b.run();
            if (!done) done = b.run();
            INFO((done->why ? done->why->detail : std::string{}));
            CHECK(done->ok());
            if (k == 0) {
                requests = b.sent.size();
                CHECK(done->hydrated);
            }
            for (const char* key : {"0", "1", "2", "3", "4", "9"}) CHECK(b.row(task_key(key)) == server.row(task_key(key)));
            CHECK(text_of(server.row(task_key("2"))) == "mine|no|7|p");
            CHECK(text_of(b.row(task_key("1"))) == "gone");
            CHECK(b.status().state.checkpoint == server.head());
            CHECK(!b.status().state.needs_hydration);
        }
    }
    CHECK(requests > 8);
}

TEST_CASE("bundle_client: a hydration goes on where it was, in another process too, and starts over when its session is gone") {
    server_side server;
    bundle_client_options options;
    options.snapshot_page_rows = 1;
    device_side a{server, 1};
    for (int i = 0; i < 5; ++i) a.write(task_key(std::to_string(i)), a_task("x", i));
    REQUIRE(a.sync().ok());
    server.prune();
    device_side b{server, 2, resolver_set{}, options};
    b.die_after = 5;  // pull, create, three pages of which the last is not heard
    CHECK(!b.run());
    CHECK(b.status().state.hydration_position == 2);
    b.sent.clear();
    CHECK(b.sync().ok());
    CHECK(asked(b, http_method::post, "/snapshot-sessions") == 0);
    CHECK(b.row(task_key("4")) == server.row(task_key("4")));

    device_side c{server, 3, resolver_set{}, options};
    c.die_after = 5;
    CHECK(!c.run());
    server.now += std::chrono::hours{2};
    a.write(task_key("5"), a_task("later"));
    REQUIRE(a.sync().ok());
    c.sent.clear();
    CHECK(c.sync().ok());
    CHECK(asked(c, http_method::post, "/snapshot-sessions") == 1);
    CHECK(c.row(task_key("5")) == server.row(task_key("5")));
}

}  // namespace client_hydration_test
