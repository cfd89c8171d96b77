#include <syncline/wire/server_status.hpp>

#include "support/catch.hpp"

#include <string>

namespace server_status_test {

using namespace syncline;

TEST_CASE("server status: the page has every member, in the sheet's order (1.14)", "[wire]") {
    server_status s;
    s.in_flight = 2;
    s.app_name = "demo";
    s.tables = {"public.a", "public.b"};
    s.features = {{"bundle_pull", true}, {"bundle_change_watch", false}};
    s.counts = {3, 4, 500};
    s.totals.add(10, 4, {});
    s.totals.add(7, 0, {});
    CHECK(write_server_status(s) ==
          R"({"status":"healthy","version":"v1","app_name":"demo","lifecycle":"running","accepting_operations":true,"inflight_operations":2,)"
          R"("registered_tables":["public.a","public.b"],"features":{"bundle_pull":true,"bundle_change_watch":false},)"
          R"("user_state_retention_floor_ahead_count":0,"latest_bundle_seq_max":10,"retained_bundle_floor_min":0,"retained_bundle_floor_max":4,)"
          R"("retained_bundle_window_min":6,"retained_bundle_window_max":7,"history_pruned_error_count":3,"accepted_push_replay_count":4,)"
          R"("rejected_registered_write_count":0,"committed_bundle_count":13,"committed_bundle_bytes":500})");
}

TEST_CASE("server status: unhealthy while it takes nothing, and where a floor is above its log", "[wire]") {
    server_status s;
    CHECK(s.healthy());
    for (const auto life : {lifecycle::shutting_down, lifecycle::closed}) {
        s.life = life;
        CHECK_FALSE(s.healthy());
        const auto page = write_server_status(s);
        CHECK(page.starts_with(R"({"status":"unhealthy")"));
        CHECK(page.find(std::string{R"("lifecycle":")"}.append(name_of(life)).append(R"(","accepting_operations":false)")) != std::string::npos);
    }
    s.life = lifecycle::running;
    s.totals.add(3, 4, {});
    CHECK_FALSE(s.healthy());
}

TEST_CASE("server status: counts replays, pruned history and what was taken in, of either wire", "[wire]") {
    served_counts c;
    const request create{http_method::post, "/sync/push-sessions", {}, "{}"};
    c.count(create, response{200, {}, R"({"push_id":"x","status":"staging"})"});
    CHECK(c.replays == 0);
    c.count(create, response{200, {}, R"({"status":"already_committed","bundle_seq":1})"});
    CHECK(c.replays == 1);
    c.count(request{http_method::post, "/sync/push-sessions/x/chunks", {}, "12345"}, response{200, {}, "{}"});
    c.count(request{http_method::post, "/sync/push-sessions/x/chunks", {}, "12345"}, response{400, {}, "{}"});
    c.count(request{http_method::post, "/tether/push", {}, "123"}, response{200, {}, "{}"});
    CHECK(c.committed_bytes == 8);
    c.count(request{http_method::get, "/sync/pull", {}, {}}, response{409, {}, R"({"error":"history_pruned","message":"x"})"});
    c.count(request{http_method::get, "/sync/pull", {}, {}}, response{200, {}, R"({"note":"history_pruned"})"});
    CHECK(c.history_pruned == 1);
}

}  // namespace server_status_test
