#include <syncline/testing/scripted_bundle_server.hpp>

#include <syncline/testing/scripted_bundle_device.hpp>

#include "support/catch.hpp"
#include "unit/testing/task_model.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace scripted_bundle_server_test {

using namespace testing_tests;
using syncline::testing::edit;
using syncline::testing::scripted_bundle_device;
using syncline::testing::scripted_bundle_server;
using syncline::testing::scripted_row;

namespace {

/// Asks as the source @p source, past any device.
struct asking {
    scripted_bundle_server server;
    std::string source = "device-a";
    response operator()(http_method method, const std::string& path, std::string body = {}) {
        return server.handle(request{method, path, {{"Oversync-Source-ID", source}}, std::move(body)});
    }
    response post(const std::string& path, std::string body = {}) { return (*this)(http_method::post, "/sync" + path, std::move(body)); }
    response get(const std::string& path) { return (*this)(http_method::get, "/sync" + path); }
    /// The code of a refusal, or the status.
    static std::string code(const response& r) {
        const auto at = r.body.find("\"error\":\"");
        return at == std::string::npos ? std::to_string(r.status) : r.body.substr(at + 9, r.body.find('"', at + 9) - at - 9);
    }
    std::string create(const std::string& number, const std::string& more = {}) {
        return code(post("/push-sessions", R"({"source_bundle_id":)" + number + R"(,"planned_row_count":1)" + more + "}"));
    }
    std::string chunk(const std::string& id, const std::string& rows) { return code(post("/push-sessions/" + id + "/chunks", R"({"start_row_ordinal":0,"rows":)" + rows + "}")); }
    std::string commit(const std::string& id) { return code(post("/push-sessions/" + id + "/commit")); }
    std::string replace(const std::string& with, const std::string& by = "device-a") {
        return code(post("/snapshot-sessions", R"({"source_replacement":{"previous_source_id":")" + by + R"(","new_source_id":")" + with + R"(","reason":"history_pruned"}})"));
    }
};
const std::string row_k1 = R"([{"table":"task","key":{"id":"k1"},"op":"INSERT","base_row_version":0,"payload":{"id":"k1"}}])";

}  // namespace

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

TEST_CASE("scripted_bundle_server: paths that are not there, and sessions that are not known or not whole") {
    asking ask;
    CHECK(ask(http_method::get, "/tether/pull").status == 404);
    CHECK(ask.code(ask.post("/nothing/x/y")) == "not_found");
    CHECK(ask.code(ask.post("/push-sessions/push-9/commit")) == "push_session_not_found");
    CHECK(ask.code(ask.get("/snapshot-sessions/snapshot-9")) == "snapshot_session_not_found");
    ask.server.write("task", "k9", R"({"id":"k9"})");
    CHECK(ask.create("1") == "200");
    CHECK(ask.commit("push-1") == "push_commit_invalid");
    CHECK(ask.chunk("push-1", "7") == "push_chunk_invalid");
    CHECK(ask.chunk("push-1", row_k1) == "200");
    CHECK(ask.chunk("push-1", row_k1) == "push_chunk_out_of_order");
    CHECK(ask.commit("push-1") == "200");
    CHECK(ask.server.payload("task", "k1") == R"({"id":"k1"})");
    CHECK(ask.create("1") == "200");  // already committed, and told so
    CHECK(ask.create("3") == "source_sequence_out_of_order");
    ask.server.floor = 2;
    CHECK(ask.create("1") == "history_pruned");
    CHECK(ask.code(ask.get("/committed-bundles/2/rows")) == "history_pruned");
    CHECK(ask.code(ask.get("/committed-bundles/9/rows")) == "committed_bundle_not_found");
    CHECK(ask.code(ask.get("/pull?after_bundle_seq=1")) == "history_pruned");
}

TEST_CASE("scripted_bundle_server: an account is empty, then one device's to fill, then everybody's") {
    asking ask;
    CHECK(ask.code(ask.get("/pull")) == "scope_uninitialized");
    CHECK(asking{}.post("/connect").body == R"({"resolution":"initialize_empty"})");
    CHECK(ask.create("1") == "scope_uninitialized");
    CHECK(ask.create("1", R"(,"initialization_id":"init-7")") == "initialization_expired");
    CHECK(ask.post("/connect", R"({"has_local_pending_rows":true})").body.find("init-1") != std::string::npos);
    CHECK(ask.code(ask.post("/snapshot-sessions")) == "scope_initializing");
    CHECK(ask.create("1") == "push_session_invalid");
    CHECK(ask.create("1", R"(,"initialization_id":"init-7")") == "initialization_stale");
    ask.source = "device-b";
    CHECK(ask.create("1", R"(,"initialization_id":"init-1")") == "initialization_stale");
    CHECK(ask.post("/connect", R"({"has_local_pending_rows":1})").body.find("retry_later") != std::string::npos);
    ask.source = "device-a";
    CHECK(ask.create("1", R"(,"initialization_id":"init-1")") == "200");
    CHECK(ask.chunk("push-2", row_k1) == "200");
    ask.server.initialization_id = "init-8";
    CHECK(ask.commit("push-2") == "initialization_stale");
    ask.server.initialization_id = "init-1";
    CHECK(ask.commit("push-2") == "200");
    CHECK(ask.create("2", R"(,"initialization_id":"init-1")") == "push_session_invalid");
    ask.server.lose_everything();
    CHECK(ask.code(ask.get("/pull")) == "scope_uninitialized");
}

TEST_CASE("scripted_bundle_server: one source takes another's place, once, and what it was about to commit is refused") {
    asking ask;
    ask.server.write("task", "k9", R"({"id":"k9"})");
    CHECK(ask.code(ask.post("/snapshot-sessions", "no JSON")) == "snapshot_session_invalid");
    CHECK(ask.code(ask.post("/snapshot-sessions", "{}")) == "snapshot_session_invalid");
    CHECK(ask.replace("device-x", "device-y") == "snapshot_session_invalid");
    CHECK(ask.replace("device-a") == "snapshot_session_invalid");
    CHECK(ask.replace("elsewhere") == "source_replacement_invalid");
    for (int i = 0; i < 2; ++i) CHECK(ask.create("1") == "200");
    CHECK(ask.chunk("push-1", row_k1) == "200");
    CHECK(ask.chunk("push-2", row_k1) == "200");
    CHECK(ask.replace("device-x") == "200");
    CHECK(ask.replace("device-x") == "200");
    CHECK(ask.replace("device-z") == "source_retired");
    CHECK(ask.server.reasons["device-a"] == "history_pruned");
    CHECK(ask.commit("push-1") == "source_retired");
    CHECK(ask.create("1") == "source_retired");
    ask.server.retired.clear();
    CHECK(ask.commit("push-1") == "200");
    CHECK(ask.commit("push-2") == "source_sequence_changed");
}

TEST_CASE("scripted_bundle_server: a change meets what is there, deleted or not, and reads come in pages") {
    asking ask;
    ask.server.write("task", "k1", R"({"id":"k1"})");
    ask.server.write("task", "k1", "");
    ask.server.write("task", "k2", R"({"id":"k2"})");
    std::size_t made = 0;
    const auto meets = [&](const std::string& key, const std::string& op, int base) {
        CHECK(ask.create("1") == "200");
        const std::string id = "push-" + std::to_string(++made);
        CHECK(ask.chunk(id, R"([{"table":"task","key":{"id":")" + key + R"("},"op":")" + op + R"(","base_row_version":)" + std::to_string(base) + R"(,"payload":{"id":"x"}}])") == "200");
        return ask.post("/push-sessions/" + id + "/commit").body;
    };
    CHECK(meets("k1", "UPDATE", 1).find(R"("server_row_version":2,"server_row_deleted":true,"server_row":null)") != std::string::npos);
    CHECK(meets("k1", "INSERT", 0).find(R"("server_row_version":2,"server_row_deleted":true,"server_row":null)") != std::string::npos);
    CHECK(meets("k2", "UPDATE", 1).find(R"("server_row_version":3,"server_row_deleted":false,"server_row":{"id":"k2"})") != std::string::npos);
    CHECK(meets("k2", "INSERT", 3).find(R"("server_row_deleted":false)") != std::string::npos);
    CHECK(meets("k7", "UPDATE", 0).find(R"("server_row_version":0,"server_row_deleted":false,"server_row":null)") != std::string::npos);
    const std::string first = ask.get("/pull?max_bundles=1&target_bundle_seq=2").body;
    CHECK((first.find(R"("stable_bundle_seq":2)") != std::string::npos && first.find(R"("bundle_seq":2)") == std::string::npos && first.find(R"("has_more":true)") != std::string::npos));
    const std::string last = ask.get("/pull?after_bundle_seq=1&target_bundle_seq=2").body;
    CHECK((last.find(R"("bundle_seq":3)") == std::string::npos && last.find(R"("has_more":false)") != std::string::npos));
    CHECK(ask.post("/snapshot-sessions").body.find(R"("row_count":1)") != std::string::npos);
    ++made;  // the snapshot's
    ask.server.besides = [](const scripted_row& r) { return std::vector<scripted_row>{{"task", r.key + "'s", "INSERT", 0, R"({"id":"y"})"}}; };
    CHECK(meets("k1", "INSERT", 2).find(R"("row_count":2)") != std::string::npos);
    const std::string rows = ask.get("/committed-bundles/4/rows?max_rows=1").body;
    CHECK((rows.find("k1's") == std::string::npos && rows.find(R"("next_row_ordinal":0,"has_more":true)") != std::string::npos));
    CHECK(ask.get("/pull?after_bundle_seq=%zz").body.find(R"("bundle_seq":1,)") != std::string::npos);
    CHECK(ask.server.malformed);
    ask.server.write("task", "k3", "no JSON");
    CHECK(ask.server.malformed.says("what is to be committed is no row"));
}

}  // namespace scripted_bundle_server_test
