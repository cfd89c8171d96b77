#include <syncline/testing/scripted_mutation_device.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/fake_clock.hpp>
#include <syncline/testing/noted_random.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "unit/testing/task_model.hpp"

#include <functional>
#include <string>
#include <utility>

namespace scripted_mutation_device_test {

using namespace testing_tests;
using syncline::testing::edit;
using syncline::testing::fake_clock;
using syncline::testing::noted_random;
using syncline::testing::scripted_mutation_device;

namespace {

/// A server of Syncline before scripted devices.
struct party {
    memory_authority_store store{tasks()};
    fake_clock clock;
    noted_random random{1};
    sync_server<memory_authority_store> server{store, {}, clock.reader(), random.bits()};
    party() { server.mount_mutation_wire(); }
    scripted_mutation_device device(std::string name) {
        return {tasks(), std::move(name), [this](const request& r) -> result<response> { return server(r, principal{"ann", "main"}); }};
    }
};

}  // namespace

TEST_CASE("scripted_mutation_device: pushes to a server of Syncline, pulls from it, and sends again what it sent") {
    party p;
    auto a = p.device("a");
    auto b = p.device("b");
    const auto pushed = a.push({edit(tasks(), "task", "k1").creates().set("title", value::text("milk")), edit(tasks(), "task", "k2").creates().set("title", value::text("bread"))});
    REQUIRE(pushed);
    REQUIRE(pushed->size() == 2);
    CHECK((pushed->front().kind == outcome_kind::applied && pushed->front().id == "a-1"));
    CHECK(p.store.row("main", task_key("k1")) == record{{value::text("milk"), value{}}});
    const auto again = a.push_items(a.sent);
    REQUIRE(again);
    CHECK(again->front().version == pushed->front().version);
    const auto rows = b.pull_all(1);
    REQUIRE(rows);
    CHECK(rows->size() == 2);
    CHECK(b.epoch == "1");
    const auto later = b.push({edit(tasks(), "task", "k1").was("title", value::text("milk")).set("title", value::text("cheese")).at_version(1)});
    CHECK(later->front().kind == outcome_kind::applied);
    CHECK(a.push({edit(tasks(), "task", "k1").was("title", value::text("milk")).set("title", value::text("wine")).at_version(1)})->front().kind == outcome_kind::superseded);
}

TEST_CASE("scripted_mutation_device: what is no answer is a fault, and so is a change that could not be built") {
    party p;
    auto a = p.device("a");
    CHECK(a.push({edit(tasks(), "task", "k1").set("titel", value{})}).error().code == errc::unknown_field);
    CHECK(a.send("/push", "no JSON")->status == 400);
    CHECK(a.send("/nowhere", "{}")->status == 404);
    scripted_mutation_device nobody(tasks(), "x", [](const request&) -> result<response> { return json_response(503, "{}"); });
    CHECK(nobody.pull().error().code == errc::unavailable);
    CHECK(nobody.push({}).error().code == errc::unavailable);
    scripted_mutation_device lost(tasks(), "x", [](const request&) -> result<response> { return make_fault(errc::timed_out, "no answer"); });
    CHECK(lost.pull().error().code == errc::timed_out);
    scripted_mutation_device foreign(tasks(), "x", [](const request&) -> result<response> { return json_response(200, R"({"applied":[]})"); });
    CHECK(foreign.push({}).error().code == errc::unsupported);
    scripted_mutation_device vague(tasks(), "x", [](const request&) -> result<response> {
        return json_response(200, R"({"outcomes":[{"mutation_id":"x-1","status":"perhaps"}],"epoch":"1","head":1})");
    });
    const auto unclear = vague.push({edit(tasks(), "task", "k1").creates()});
    REQUIRE_FALSE(unclear);
    CHECK(unclear.error().detail.find("1 outcomes of the answer cannot be read") == 0);
    scripted_mutation_device endless(tasks(), "x", [](const request&) -> result<response> {
        return json_response(200, R"({"snapshots":[],"new_sync_cursor":1,"has_more":true,"epoch":"1","head":1,"head_seq":1})");
    });
    CHECK(endless.pull_all(10, 3).error().detail == "the server still says has_more after 3 pages");
}

}  // namespace scripted_mutation_device_test
