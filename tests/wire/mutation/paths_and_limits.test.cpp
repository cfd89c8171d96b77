// The options of a client of the mutation wire that say where it asks and how much at once.

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace paths_and_limits_test {

using namespace mutation_tests;
using nlohmann::json;

namespace {

std::vector<json> bodies(const device& d, const std::string& path) {
    std::vector<json> out;
    for (const auto& r : d.sent)
        if (r.path == path) out.push_back(json::parse(r.body));
    return out;
}

}  // namespace

TEST_CASE("paths and limits: push and pull may be at two places, on different hosts", "[wire]") {
    world w;
    mutation_client_options options;
    options.push_path = "https://write.example/api/v2/push";
    options.pull_path = "https://read.example/sync/pull?since=1";
    device a{w, "a", options};
    a.write("T", 1, 1);
    w.write("P", 2, 2);
    const auto report = a.sync(sync_mode::push_then_pull, [&](request r) -> result<response> {
        CHECK((r.path == options.push_path || r.path == options.pull_path));
        r.path = r.path == options.push_path ? "/tether/push" : "/tether/pull";
        return w.handle(r, "a");
    });
    CHECK(report.ok());
    CHECK(w.at("T"));
    CHECK(a.at("P") == w.at("P"));
}

TEST_CASE("paths and limits: the server's prefix is the client's path", "[wire]") {
    mutation_server_options server;
    server.prefix = "/api/mobile";
    world w{resolver_set{}, server};
    device lost{w, "a"};
    lost.write("T", 1, 1);
    CHECK(lost.sync().why->code == errc::absent);
    mutation_client_options options;
    options.push_path = "/api/mobile/push";
    options.pull_path = "/api/mobile/pull";
    device found{w, "b", options};
    found.write("T", 1, 1);
    CHECK(found.sync().ok());
    CHECK(w.at("T"));
}

TEST_CASE("paths and limits: pages have the size that is asked for, and end when the server has no more", "[wire]") {
    world w;
    for (int i = 0; i < 23; ++i) w.write("T" + std::to_string(i), i, i);
    for (const std::size_t size : {1u, 5u, 22u, 23u, 24u}) {
        CAPTURE(size);
        mutation_client_options options;
        options.page_size = size;
        device a{w, "a", options};
        CHECK(a.sync(sync_mode::pull_only).pulled == 23);
        for (const auto& b : bodies(a, "/tether/pull")) CHECK(b.at("limit") == size);
        CHECK(bodies(a, "/tether/pull").size() >= (23 + size - 1) / size);
        CHECK(bodies(a, "/tether/pull").size() <= (23 + size - 1) / size + 2);
    }
}

TEST_CASE("paths and limits: a batch size of nothing sends all that waits at once", "[wire]") {
    world w;
    mutation_client_options options;
    options.batch_size = 0;
    device a{w, "a", options};
    REQUIRE(a.sync().ok());
    a.sent.clear();
    for (int i = 0; i < 500; ++i) a.write("T" + std::to_string(i), i, i);
    CHECK(a.sync(sync_mode::push_only).pushed == 500);
    CHECK(bodies(a, "/tether/push").size() == 1);
}

TEST_CASE("paths and limits: a run ends by its number of requests, and the next one goes on", "[wire]") {
    world w;
    for (int i = 0; i < 40; ++i) w.write("T" + std::to_string(i), i, i);
    mutation_client_options options;
    options.page_size = 1;
    options.max_requests = 10;
    device a{w, "a", options};
    std::size_t pulled = 0;
    for (int run = 0; run < 10 && pulled < 40; ++run) {
        a.sent.clear();
        const auto report = a.sync(sync_mode::pull_only);
        pulled += report.pulled;
        CHECK(a.sent.size() <= 11);
        if (pulled < 40) {
            REQUIRE(report.why);
            CHECK(report.why->code == errc::bug);
            CHECK(lab_must(a.engine.status(noon)).state.last_run_us != 0);
        }
    }
    CHECK(pulled == 40);
}

TEST_CASE("paths and limits: an answer beyond the client's limit is asked for in smaller pages, and one row beyond it is a fault", "[wire]") {
    world w;
    for (int i = 0; i < 64; ++i) w.write("T" + std::to_string(i), i, i);
    mutation_client_options options;
    options.json.max_bytes = 4000;
    device a{w, "a", options};
    const auto report = a.sync(sync_mode::pull_only);
    CHECK(report.ok());
    CHECK(report.pulled == 64);
    CHECK(bodies(a, "/tether/pull").front().at("limit") == 1000);
    CHECK(bodies(a, "/tether/pull").back().at("limit") < 64);
    options.json.max_bytes = 40;
    device b{w, "b", options};
    CHECK(b.sync(sync_mode::pull_only).why->code == errc::too_large);
}

TEST_CASE("paths and limits: the client id that the host resolves is sent, asked once a run, and no sequence is told under it", "[wire]") {
    world w;
    int asked = 0;
    mutation_client_options options;
    options.client_id = [&] { return "phone-" + std::to_string(++asked); };
    device a{w, "a", options};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    CHECK(asked == 1);
    REQUIRE(bodies(a, "/tether/push").size() == 1);
    for (const auto* path : {"/tether/push", "/tether/pull"})
        for (const auto& b : bodies(a, path)) CHECK(b.at("client_id") == "phone-1");
    CHECK_FALSE(bodies(a, "/tether/push")[0].contains("sequence"));
    // Of its own it tells it.
    device b{w, "b"};
    b.write("T2", 1, 1);
    REQUIRE(b.sync().ok());
    const auto sequence = bodies(b, "/tether/push").at(0).at("sequence");
    CHECK(sequence.at("number") == 1);
    CHECK(sequence.at("token").get<std::string>().size() == 36);
}

}  // namespace paths_and_limits_test
