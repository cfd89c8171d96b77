#include <syncline/wire/bundle/client.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <algorithm>

namespace client_test {

using namespace bundle_fixture;

TEST_CASE("bundle_client: what one device writes another one gets") {
    server_side server;
    device_side a{server, 1};
    device_side b{server, 2};
    a.write(project_key("p"), a_project("home"));
    a.write(task_key("t"), a_task("paint", 3, "p"));
    auto first = a.sync();
    INFO((first.why ? first.why->detail : std::string{}));
    CHECK(first.ok());
    CHECK(first.pushed == 2);
    CHECK(first.pulled == 0);
    CHECK(text_of(server.row(task_key("t"))) == "paint|no|3|p");
    auto second = b.sync();
    CHECK(second.ok());
    CHECK(second.pulled == 2);
    CHECK(b.row(task_key("t")) == a.row(task_key("t")));

    b.erase(task_key("t"));
    b.write(project_key("p"), a_project("garden"));
    CHECK(b.sync().pushed == 2);
    CHECK(a.sync().pulled == 2);
    CHECK(text_of(a.row(task_key("t"))) == "gone");
    CHECK(text_of(a.row(project_key("p"))) == "garden");
    CHECK(a.status().state.checkpoint == server.head());
}

TEST_CASE("bundle_client: pages, chunks and batches of every size give the same") {
    for (const std::size_t size : {1u, 2u, 3u, 7u, 1000u}) {
        INFO("size " << size);
        server_side server;
        bundle_client_options options;
        options.batch_rows = size == 7 ? 3 : 1000;
        options.chunk_rows = options.committed_page_rows = options.page_bundles = options.snapshot_page_rows = size;
        device_side a{server, 1, resolver_set{}, options};
        device_side b{server, 2, resolver_set{}, options};
        a.write(project_key("p"), a_project("home"));
        for (int i = 0; i < 9; ++i) a.write(task_key("t" + std::to_string(i)), a_task("x", i, "p"));
        auto done = a.sync();
        CHECK(done.ok());
        CHECK(done.pushed == 10);
        a.write(task_key("t3"), a_task("y", 3, "p"));
        CHECK(a.sync().pushed == 1);
        CHECK(b.sync().ok());
        for (int i = 0; i < 9; ++i) CHECK(b.row(task_key("t" + std::to_string(i))) == a.row(task_key("t" + std::to_string(i))));
        CHECK(b.status().state.checkpoint == server.head());
        if (size == 1) CHECK(asked(a, http_method::post, "/chunks") == 11);
        if (size == 3) CHECK(asked(a, http_method::get, "/rows?") == 5);

        server.prune();
        device_side c{server, 3, resolver_set{}, options};
        auto hydrated = c.sync();
        CHECK(hydrated.ok());
        CHECK(hydrated.hydrated);
        for (int i = 0; i < 9; ++i) CHECK(c.row(task_key("t" + std::to_string(i))) == a.row(task_key("t" + std::to_string(i))));
        CHECK(c.status().state.checkpoint == server.head());
        CHECK(asked(c, http_method::erase, "/snapshot-sessions/") == 1);
    }
}

TEST_CASE("bundle_client: an answer lost at any place changes nothing but the number of requests") {
    // Push with a conflict, a cascade, and a pull, for every request and both ways of losing it.
    const auto story = [](device_side& a, device_side& b, server_side& server) {
        b.write(task_key("x"), a_task("theirs", 2, "p"));
        b.write(task_key("y"), a_task("also", 0, "p"));
        REQUIRE(b.sync().ok());
        a.write(task_key("x"), a_task("mine", 5, "p"));
        a.write(task_key("z"), a_task("new", 1, "p"));
        a.erase(project_key("q"));
        a.write(task_key("own"), a_task("own", 1));
        server.write(task_key("foreign"), a_task("foreign"));
    };
    bundle_client_options options;
    options.chunk_rows = options.committed_page_rows = 2;
    options.page_bundles = 1;
    const auto make = [&](std::unique_ptr<server_side>& server, std::unique_ptr<device_side>& a, std::unique_ptr<device_side>& b) {
        server = std::make_unique<server_side>();
        a = std::make_unique<device_side>(*server, 1, resolver_set{resolvers::client_wins{}}, options);
        b = std::make_unique<device_side>(*server, 2, resolver_set{resolvers::client_wins{}}, options);
        a->write(project_key("p"), a_project("home"));
        a->write(project_key("q"), a_project("other"));
        a->write(task_key("x"), a_task("old", 0, "p"));
        a->write(task_key("own"), a_task("old"));
        REQUIRE(a->sync().ok());
        REQUIRE(b->sync().ok());
        b->write(task_key("under q"), a_task("under", 0, "q"));
        story(*a, *b, *server);
        a->sent.clear();
    };
    std::unique_ptr<server_side> server;
    std::unique_ptr<device_side> a, b;
    make(server, a, b);
    REQUIRE(a->sync().ok());
    const std::size_t requests = a->sent.size();
    const std::size_t bundles = static_cast<std::size_t>(server->head());
    REQUIRE(requests > 12);
    std::map<std::string, std::string> wanted;
    for (const char* key : {"x", "y", "z", "own", "foreign", "under q"}) wanted[key] = text_of(server->row(task_key(key)));
    CHECK(wanted["x"] == "mine|no|7|p");
    CHECK(wanted["under q"] == "gone");

    for (const cut how : {cut::request_lost, cut::answer_lost}) {
        for (std::size_t k = 0; k < requests + 2; ++k) {
            for (const bool dies : {false, true}) {
                INFO("request " << k << (how == cut::answer_lost ? ", answer lost" : ", request lost") << (dies ? ", and the device dies" : ""));
                make(server, a, b);
                std::size_t n = 0;
                a->line = [&](const request&) { return n++ == k ? how : cut::none; };
                if (dies) a->die_after = k + 1;
                auto done = a->run();
                if (!done) done = a->run();
                INFO((done->why ? done->why->detail : std::string{}));
                CHECK(done->ok());
                for (const auto& [key, row] : wanted) {
                    CHECK(text_of(server->row(task_key(key))) == row);
                    CHECK(text_of(a->row(task_key(key))) == row);
                }
                CHECK(static_cast<std::size_t>(server->head()) == bundles);
                CHECK(a->status().counts.open == 0);
                CHECK(a->status().counts.frozen == 0);
                REQUIRE(b->sync().ok());
                for (const auto& [key, row] : wanted) CHECK(text_of(b->row(task_key(key))) == row);
            }
        }
    }
}

TEST_CASE("bundle_client: a push that fails does not keep the device from receiving") {
    server_side server;
    device_side a{server, 1};
    device_side b{server, 2};
    a.write(task_key("t"), a_task("x"));
    REQUIRE(a.sync().ok());
    b.who = "bob";
    a.line = [](const request& r) { return asks_for(r, http_method::post, "/push-sessions") ? cut::request_lost : cut::none; };
    // A record that somebody changes before each commit: it is met again and again.
    int edits = 0;
    b.line = [&](const request& r) {
        if (asks_for(r, http_method::post, "/commit")) server.write(task_key("t"), a_task("z" + std::to_string(++edits)));
        return cut::none;
    };
    b.write(task_key("t"), a_task("y"));
    bundle_client_options options;
    options.max_conflict_rounds = 0;
    b.options = options;
    b.resolvers = resolver_set{resolvers::client_wins{}};
    b.boot();
    auto done = b.sync();
    REQUIRE(!done.ok());
    CHECK(done.why->code == errc::conflict);
    CHECK(b.status().state.checkpoint == server.head());
}

TEST_CASE("bundle_client: a new incarnation of the data is caught up with before anything is pushed") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 1));
    REQUIRE(a.sync().ok());
    a.write(task_key("u"), a_task("y", 1));
    must(server.engine.begin_incarnation("2", server.now));
    a.sent.clear();
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.hydrated);
    CHECK(done.pushed == 1);
    const auto page = std::find_if(a.sent.begin(), a.sent.end(), [](const request& r) { return asks_for(r, http_method::get, "/snapshot-sessions/"); });
    const auto chunk = std::find_if(a.sent.begin(), a.sent.end(), [](const request& r) { return asks_for(r, http_method::post, "/chunks"); });
    CHECK(page < chunk);

    CHECK(done.lost == 0);

    must(server.engine.begin_incarnation("3", server.now));
    a.write(task_key("u"), a_task("z", 1));
    auto only = a.sync(sync_mode::push_only);
    REQUIRE(!only.ok());
    CHECK(only.why->code == errc::epoch_changed);
    CHECK(a.sync().ok());
    CHECK(text_of(server.row(task_key("u"))) == "z|no|1|-");
}

TEST_CASE("bundle_client: a server that names a new incarnation of its data with every answer is not asked for ever") {
    for (const bool same : {true, false})
        for (const auto mode : {sync_mode::push_then_pull, sync_mode::push_only, sync_mode::pull_only}) {
            CAPTURE(same, mode);
            server_side server;
            device_side a{server, 1};
            a.write(task_key("t"), a_task("x", 1));
            std::size_t n = 0;
            a.intercept = [&](const request&) -> std::optional<response> {
                const std::string epoch = same || n++ % 2 == 0 ? "one" : "other";
                return json_response(409, R"({"error":"epoch_changed","message":"another","epoch":")" + epoch + R"("})");
            };
            const auto done = a.sync(mode);
            REQUIRE(done.why);
            CHECK(done.why->code == errc::epoch_changed);
            CHECK(a.sent.size() < 20);
            a.intercept = {};
            CHECK(a.sync().ok());
            CHECK(text_of(server.row(task_key("t"))) == "x|no|1|-");
        }
}

TEST_CASE("bundle_client: late answers and answers to a cancelled run change nothing") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 1));
    a.client->start(sync_mode::push_then_pull);
    auto step = must(a.client->next(server.now, a.random));
    auto& send = std::get<send_step>(step);
    CHECK(std::get<wait_step>(must(a.client->next(server.now, a.random))).until == (timestamp::max)());
    const response answer = server.call(send.what);
    device_side idle{server, 2};
    must(idle.client->on(0, answer, server.now, idle.random));  // it asked for nothing
    CHECK(std::holds_alternative<done_step>(must(idle.client->next(server.now, idle.random))));
    must(a.client->on(send.token + 1, answer, server.now, a.random));
    CHECK(std::holds_alternative<wait_step>(must(a.client->next(server.now, a.random))));
    a.client->cancel();
    must(a.client->on(send.token, answer, server.now, a.random));
    auto done = std::get<done_step>(must(a.client->next(server.now, a.random)));
    REQUIRE(done.report.why);
    CHECK(done.report.why->code == errc::cancelled);
    CHECK(a.sync().ok());
    CHECK(server.head() == 1);
}

TEST_CASE("bundle_client: a server that fails in a passing way is asked again, and a lasting failure ends the run") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 1));
    std::size_t n = 0;
    a.tamper = [&](const request&, response& r) {
        if (n++ % 3 != 2) r = json_error(503, "service_unavailable", "draining");
    };
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.retried > 4);
    a.tamper = [&](const request&, response& r) { r = response{200, {}, "<html>login</html>"}; };
    a.write(task_key("t"), a_task("y", 1));
    auto failed = a.sync();
    CHECK(!failed.ok());
    a.tamper = [&](const request&, response& r) { r = response{401, {}, "Invalid token"}; };
    auto unknown = a.sync();
    REQUIRE(!unknown.ok());
    CHECK(unknown.why->code == errc::unauthenticated);
    a.tamper = [](const request&, response&) {};
    CHECK(a.sync().ok());
    CHECK(text_of(server.row(task_key("t"))) == "y|no|1|-");
}

TEST_CASE("bundle_client: requests that are too large are sent in smaller parts") {
    server_side server;
    bundle_client_options options;
    options.chunk_rows = 8;
    device_side a{server, 1, resolver_set{}, options};
    for (int i = 0; i < 8; ++i) a.write(task_key(std::to_string(i)), a_task("x", i));
    a.tamper = [](const request& r, response& answer) {
        if (r.path.find("/chunks") != std::string::npos && r.body.size() > 500) answer = response{413, {}, "too much"};
    };
    // The tampered answer hides that the server took the chunk; it is idempotent and says so.
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 8);
    // A row that is too large for a request by itself waits, and the others go.
    a.tamper = [](const request&, response&) {};
    a.intercept = [](const request& r) { return r.body.size() > 900 ? std::optional{response{413, {}, "too much"}} : std::nullopt; };
    a.write(task_key("huge"), a_task(std::string(900, 'x')));
    a.write(task_key("small"), a_task("x"));
    done = a.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 1);
    REQUIRE(done.rejections.size() == 1);
    CHECK(done.rejections[0].key == task_key("huge"));
    CHECK(done.rejections[0].why.code == errc::too_large);
}

TEST_CASE("bundle_client: a run has an end, also where the server always has something more to ask for") {
    server_side server;
    bundle_client_options options;
    options.batch_rows = 1;
    options.max_requests = 10;
    device_side a{server, 1, resolver_set{}, options};
    for (int i = 0; i < 9; ++i) a.write(task_key(std::to_string(i)), a_task("x"));
    const auto done = a.sync();
    REQUIRE(done.why);
    CHECK(done.why->code == errc::bug);
    CHECK(a.sent.size() == options.max_requests + 1);
    while (!a.sync().ok()) {}  // the next run goes on from there
    CHECK(server.row(task_key("8")));
    // The last one that it needs is not one too many.
    a.options.max_requests = 0;
    a.boot();
    CHECK(a.sync().ok());
}

}  // namespace client_test
