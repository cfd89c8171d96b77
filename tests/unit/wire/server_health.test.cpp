#include <syncline/wire/server_health.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/mount_table.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "unit/wire/bundle/fixture.hpp"

#include <string>

namespace server_health_test {

using namespace syncline;

namespace {

response ask(mount_table& table, const std::string& path, http_method method = http_method::get) {
    return table(request{method, path, {{"Oversync-Source-ID", "s"}}, {}});
}
bool says(const response& r, std::string_view what) { return r.body.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("server health: status and health to anybody, with what the store and the wires say; 503 when it shuts down (1.14)", "[wire]") {
    memory_authority_store store{bundle_fixture::schemas()};
    seeded_random random{1};
    sync_server<memory_authority_store> sync{store, {}, [] { return bundle_fixture::at_second(1'700'000'000); }, [&] { return random.next(); }};
    bundle_server_options options;
    options.app_name = "demo";
    REQUIRE(sync.mount_bundle_wire(options));
    mount_table table;
    table.authenticate_with(allow_anonymous{{"ann", "home"}});
    REQUIRE(table.mount("", sync));
    CHECK(says(ask(table, "/sync/capabilities"), R"("status_endpoint":false)"));
    server_health health{sync};
    REQUIRE(table.mount_unauthenticated("/syncx", health));
    for (const char* feature : {"status_endpoint", "retained_floor_visibility", "retained_window_visibility", "history_pruned_visibility"})
        CHECK(says(ask(table, "/sync/capabilities"), std::string{"\""}.append(feature).append("\":true")));

    for (int i = 0; i < 3; ++i) {
        REQUIRE(store.app_write("home", bundle_fixture::project_key("p"), bundle_fixture::a_project(std::to_string(i))));
        REQUIRE(ask(table, "/sync/pull").status == 200);
    }
    REQUIRE(sync.engine().prune("home", 2, {}));
    CHECK(ask(table, "/sync/pull?after_bundle_seq=1").status == 409);
    for (const char* path : {"/syncx/status", "/syncx/health"}) {
        const auto page = ask(table, path);
        INFO(page.body);
        CHECK(page.status == 200);
        CHECK(find_header(page.headers, "Content-Type") == "application/json");
        CHECK(says(page, R"({"status":"healthy","version":"v1","app_name":"demo","lifecycle":"running","accepting_operations":true,"inflight_operations":0,)"));
        CHECK(says(page, R"("registered_tables":["public.projects","public.tasks"],"features":{"bundle_pull":true,)"));
        CHECK(says(page, R"("latest_bundle_seq_max":3,"retained_bundle_floor_min":2,"retained_bundle_floor_max":2,"retained_bundle_window_min":1,)"));
        CHECK(says(page, R"("history_pruned_error_count":1,)"));
        CHECK(says(page, R"("committed_bundle_count":1,)"));
    }
    CHECK(ask(table, "/syncx/status", http_method::post).status == 405);
    CHECK(ask(table, "/syncx/nothing").status == 404);
    CHECK(ask(table, "/syncx").status == 404);

    sync.begin_shutdown();
    const auto down = ask(table, "/syncx/health");
    CHECK(down.status == 503);
    CHECK(says(down, R"({"status":"unhealthy")"));
    CHECK(says(down, R"("lifecycle":"closed")"));
    CHECK(ask(table, "/syncx/status").status == 200);
}

TEST_CASE("server health: a store that cannot be read is a 500 of its page", "[wire]") {
    struct broken {
        void offer_status() {}
        result<server_status> status() { return make_fault(errc::io_error, "secret path"); }
    } server;
    server_health health{server};
    for (const auto& [path, code] : {std::pair{"/status", "status_failed"}, {"/health", "health_failed"}, {"/syncx/status", "status_failed"}, {"/syncx/health", "health_failed"}}) {
        const auto page = health(request{http_method::get, path, {}, {}});
        CHECK(page.status == 500);
        CHECK(says(page, code));
        CHECK_FALSE(says(page, "secret"));
    }
}

}  // namespace server_health_test
