#include <syncline/testing/scripted_mutation_server.hpp>

#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/fake_clock.hpp>
#include <syncline/testing/noted_random.hpp>
#include <syncline/testing/scripted_mutation_device.hpp>
#include <syncline/testing/scripted_network.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>

#include "support/catch.hpp"
#include "unit/testing/task_model.hpp"

#include <string>

namespace scripted_mutation_server_test {

using namespace testing_tests;
using syncline::testing::edit;
using syncline::testing::fake_clock;
using syncline::testing::noted_random;
using syncline::testing::scripted_mutation_device;
using syncline::testing::scripted_mutation_server;
using syncline::testing::scripted_network;

namespace {

/// A device of Syncline before a scripted server.
struct party {
    scripted_mutation_server server{tasks()};
    scripted_network net{[this](const request& r) { return server(r); }};
    fake_clock clock;
    noted_random random{1};
    memory_replica_store store{tasks()};
    sync_client<memory_replica_store, mutation_client, std::function<result<response>(const request&)>> client{
        store, net.transport(), mutation_client_options{}, sync_surroundings{clock.reader(), random.bits(), clock.waiter()}};
};

}  // namespace

TEST_CASE("scripted_mutation_server: a device of Syncline pushes to it and pulls from it") {
    party p;
    p.server.write(task_key("k2"), a_task("theirs"));
    REQUIRE(p.store.app_write(task_key("k1"), a_task("mine")));
    const auto done = p.client.sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK((done.pushed == 1 && done.pulled == 1));
    CHECK(p.server.row(task_key("k1")) == a_task("mine"));
    CHECK(p.store.row(task_key("k2")) == a_task("theirs"));
    REQUIRE(p.server.pushes.size() == 1);
    CHECK(p.server.pushes[0].mutations.size() == 1);
    p.server.erase(task_key("k2"));
    CHECK(p.client.sync().ok());
    CHECK_FALSE(p.store.row(task_key("k2")));
    CHECK(p.net.as_scripted());
}

TEST_CASE("scripted_mutation_server: decides what it is told to, once for each change") {
    party p;
    p.server.write(task_key("k2"), a_task("theirs"));
    CHECK(p.client.sync().ok());
    p.server.refuse(task_key("k1"), errc::validation_failed, "too long", {{"title", "is too long"}});
    p.server.supersede(task_key("k2"));
    p.server.hold(task_key("k3"), "k1 was refused");
    for (const char* key : {"k1", "k2", "k3"}) REQUIRE(p.store.app_write(task_key(key), a_task("mine")));
    const auto done = p.client.sync();
    CHECK(done.failed == 2);
    CHECK(done.conflicts == 1);
    REQUIRE(done.validation_errors().size() == 1);
    CHECK(done.validation_errors()[0].messages[0].text == "is too long");
    CHECK(p.store.row(task_key("k2")) == a_task("theirs"));
    CHECK(p.store.row(task_key("k1")) == a_task("mine"));
    CHECK_FALSE(p.server.row(task_key("k1")));
    REQUIRE(p.client.retry(task_key("k1")));
    CHECK(p.client.sync().pushed == 1);
    CHECK(p.server.row(task_key("k1")) == a_task("mine"));
}

TEST_CASE("scripted_mutation_server: an answer that was lost is given again, and a failure decides nothing") {
    party p;
    p.net.on(http_method::post, "/push").answer_lost();
    REQUIRE(p.store.app_write(task_key("k1"), a_task("mine")));
    CHECK(p.client.sync().ok());
    CHECK(p.server.pushes.size() == 2);
    CHECK(p.server.pushes[0].mutations[0].id == p.server.pushes[1].mutations[0].id);
    p.server.fail(task_key("k1"));
    REQUIRE(p.store.app_write(task_key("k1"), a_task("again")));
    CHECK(p.client.sync().ok());
    CHECK(p.server.row(task_key("k1")) == a_task("again"));
    CHECK(p.net.as_scripted());
}

TEST_CASE("scripted_mutation_server: an erase erases, a conflict carries the row, and what cannot be read is refused") {
    scripted_mutation_server server{tasks()};
    scripted_mutation_device ann(tasks(), "ann", [&](const request& r) -> result<response> { return server(r); });
    server.write(task_key("k1"), a_task("theirs"));
    server.refuse(task_key("k1"), errc::conflict, "both wrote");
    const auto refused = ann.push({edit(tasks(), "task", "k1").set("title", value::text("mine"))});
    REQUIRE(refused);
    CHECK((refused->front().carries_row && refused->front().row == a_task("theirs")));
    CHECK(ann.push({edit(tasks(), "task", "k1").erases()})->front().kind == outcome_kind::applied);
    CHECK_FALSE(server.row(task_key("k1")));
    const auto unread = ann.send("/push", R"({"client_id":"ann","mutations":[7]})");
    CHECK(unread->body.find("a mutation is an object") != std::string::npos);
}

TEST_CASE("scripted_mutation_server: a device is told of its own change in a row while it asks for it, and nobody else is") {
    party p;
    p.net.on(http_method::post, "/push").answer_lost(errc::unauthenticated);
    REQUIRE(p.store.app_write(task_key("k1"), a_task("mine")));
    REQUIRE(p.store.app_write(task_key("k3"), a_task("mine")));
    CHECK_FALSE(p.client.sync().ok());
    p.server.write(task_key("k2"), a_task("theirs"));
    CHECK(p.client.run(sync_mode::pull_only).ok());
    REQUIRE_FALSE(p.server.pulls.empty());
    const auto& asks_for = p.server.pulls.back().query.in_flight;
    REQUIRE(asks_for.size() == 2);
    const auto* told = p.net.log().last(http_method::post, "/pull");
    REQUIRE(told != nullptr);
    CHECK(told->answered->body.find(asks_for[0]) != std::string::npos);
    scripted_mutation_device bob(tasks(), "bob", [&](const request& r) -> result<response> { return p.server(r); });
    const auto rows = bob.pull_all(1);
    REQUIRE(rows);
    CHECK(rows->size() == 3);
    for (const auto& row : *rows) CHECK(row.contains.empty());
}

TEST_CASE("scripted_mutation_server: pages end where it is told to end them") {
    scripted_mutation_server server{tasks()};
    server.max_page = 2;
    for (const char* key : {"a", "b", "c", "d", "e"}) server.write(task_key(key), a_task(key));
    scripted_mutation_device ann(tasks(), "ann", [&](const request& r) -> result<response> { return server(r); });
    CHECK(ann.pull()->rows.size() == 2);
    const auto rest = ann.pull_all();
    REQUIRE(rest);
    CHECK(rest->size() == 3);
    CHECK(server.pulls.size() == 3);
    CHECK(ann.cursor_at == 5);
    CHECK(ann.epoch == "scripted");
    CHECK(server(request{http_method::get, "/tether/status", {}, {}}).status == 404);
    CHECK(server(request{http_method::post, "/tether/push", {}, "no JSON"}).status == 400);
    CHECK(server(request{http_method::post, "/tether/pull", {}, "[]"}).status == 422);
}

}  // namespace scripted_mutation_server_test
