#include <syncline/testing/scripted_bundle_server.hpp>

#include <syncline/testing/scripted_bundle_device.hpp>

#include "support/catch.hpp"
#include "unit/testing/task_model.hpp"

#include <string>

namespace scripted_bundle_server_test {

using namespace testing_tests;
using syncline::testing::edit;
using syncline::testing::scripted_bundle_device;
using syncline::testing::scripted_bundle_server;

TEST_CASE("scripted_bundle_server: a scripted device and a scripted server of the bundle wire understand each other") {
    scripted_bundle_server server;
    scripted_bundle_device a(tasks(), "device-a", [&](const request& r) -> result<response> { return server.handle(r); });
    CHECK(a.connect(false)->scope.what == scope_resolution::initialize_empty);
    server.write("task", "k9", R"({"id":"k9","title":"theirs","points":null})");
    const auto pushed = a.push({edit(tasks(), "task", "k1").creates().set("title", value::text("milk"))});
    REQUIRE(pushed);
    REQUIRE(pushed->head);
    CHECK(pushed->head->seq == 2);
    CHECK(server.payload("task", "k1").find("\"title\":\"milk\"") != std::string::npos);
    CHECK(a.pull()->size() == 2);
    const auto conflict = a.push({edit(tasks(), "task", "k9").set("title", value::text("mine")).at_version(7)});
    REQUIRE(conflict);
    REQUIRE(conflict->obstacles.size() == 1);
    CHECK(conflict->obstacles[0].server_version == 1);
    CHECK(server.count("POST /sync/push-sessions") >= 2);
    CHECK(server.malformed);
}

TEST_CASE("scripted_bundle_server: what a device sends that is not of this wire is told") {
    scripted_bundle_server server;
    scripted_bundle_device a(tasks(), "device-a", [&](const request& r) -> result<response> { return server.handle(r); });
    CHECK(a.send(http_method::post, "/connect", "no JSON")->status == 200);
    CHECK(server.malformed.says("the device sent what is no JSON: no JSON"));
    CHECK(a.send(http_method::post, "/push-sessions", R"({"source_bundle_id":1,"planned_row_count":1})")->status == 200);
    CHECK(a.send(http_method::post, "/push-sessions/push-1/chunks", R"({"start_row_ordinal":0})")->status == 400);
    CHECK(server.malformed.says("a chunk without `rows`"));
    CHECK(a.send(http_method::post, "/push-sessions/push-1/chunks", R"({"start_row_ordinal":0,"rows":[{"table":7}]})")->status == 200);
    CHECK(server.malformed.says("no text for `table`"));
    CHECK(server.malformed.says("no number for `base_row_version`"));
}

}  // namespace scripted_bundle_server_test
