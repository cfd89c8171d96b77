#include <syncline/wire/sync_client.hpp>

#include <syncline/transport/authentication.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

using namespace syncline;
using simulation::key_named;
using simulation::memory_lab;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);

sync_surroundings quiet(std::uint64_t seed) {
    auto random = std::make_shared<seeded_random>(seed);
    auto now = std::make_shared<timestamp>(noon);
    return {[now] { return *now; }, [random] { return random->next(); }, [now](timestamp t) { *now = t; }};
}

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

struct host {
    host() : store(lab.make_authority()), server(*store, {}, [] { return noon; }, [random = std::make_shared<seeded_random>(1)] { return random->next(); }) {
        server.mount_mutation_wire();
        server.mount_bundle_wire();
    }
    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store;
    sync_server<memory_authority_store> server;
};

using call = std::function<result<response>(const request&)>;

call as(host& h, std::string who) {
    return [&h, who = std::move(who)](const request& r) -> result<response> { return h.server(r, principal{who, "main"}); };
}

}  // namespace

TEST_CASE("sync client: devices of both wires share one server's tables", "[wire]") {
    host h;
    auto first = h.lab.make_replica("a");
    auto second = h.lab.make_replica("b");
    sync_client<memory_replica_store, mutation_client, call> a{*first, as(h, "a"), mutation_client_options{}, quiet(2)};
    sync_client<memory_replica_store, bundle_client, call> b{*second, as(h, "b"), bundle_client_options{}, quiet(3)};
    h.lab.device_write(*first, key_named("T"), row(1));
    h.lab.device_write(*second, key_named("T2"), row(2));
    CHECK(a.sync().ok());
    CHECK(b.sync().ok());
    CHECK(a.sync().ok());
    for (const char* key : {"T", "T2"}) {
        CHECK(first->row(key_named(key)) == h.store->row("main", key_named(key)));
        CHECK(second->row(key_named(key)) == h.store->row("main", key_named(key)));
    }
    auto status = a.status();
    REQUIRE(status);
    CHECK(status->counts.open == 0);
    CHECK(status->state.last_sync_us == to_microseconds(noon));
}

TEST_CASE("sync client: a sync that finds another one running is skipped at once", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    sync_client<memory_replica_store, mutation_client, call>* self = nullptr;
    bool skipped = false;
    sync_client<memory_replica_store, mutation_client, call> a{
        *store,
        [&](const request& r) -> result<response> {
            skipped = self->sync().skipped;
            return h.server(r, principal{"a", "main"});
        },
        mutation_client_options{}, quiet(4)};
    self = &a;
    CHECK_FALSE(a.sync().skipped);
    CHECK(skipped);
}

TEST_CASE("sync client: a fault of the transport ends the run with what was settled", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    sync_client<memory_replica_store, mutation_client, call> a{
        *store, [](const request&) -> result<response> { return make_fault(errc::unavailable, "no network"); }, mutation_client_options{}, quiet(5)};
    h.lab.device_write(*store, key_named("T"), row(1));
    const auto report = a.sync();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::unavailable);
    CHECK(store->row(key_named("T")));
}

TEST_CASE("sync client: rows that cannot be read, or not be kept, are shown with what is wrong, and can be given up", "[wire]") {
    host h;
    memory_table_options unique;
    unique.unique = {{simulation::node_model, 0}};
    schema_set models;
    for (auto& m : simulation::models(overlap_policy::by_field)) REQUIRE(models.add(std::move(m)));
    memory_replica_store store{std::move(models), unique};
    sync_client<memory_replica_store, mutation_client, call> a{
        store,
        [&](const request& r) -> result<response> {
            auto answer = h.server(r, principal{"a", "main"});
            const auto at = answer.body.find("\"payload\":{\"a\":5");
            if (at != std::string::npos) answer.body.replace(at, 16, "\"payload\":{\"a\":[]");
            return answer;
        },
        mutation_client_options{}, quiet(7)};
    h.lab.server_write(*h.store, key_named("P"), row(1));
    h.lab.server_write(*h.store, key_named("T"), row(1));
    h.lab.server_write(*h.store, key_named("T2"), row(5));
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.pull_errors == 2);
    const auto unread = a.unread();
    REQUIRE(unread);
    REQUIRE(unread->size() == 1);
    CHECK(unread->front().name == unread_name{"node", "T2"});
    CHECK(unread->front().why.detail.find("`a`") != std::string::npos);
    const auto refused = a.quarantined();
    REQUIRE(refused);
    REQUIRE(refused->size() == 1);
    CHECK(refused->front().image.key == key_named("T"));
    CHECK(a.status()->counts.unread == 1);
    REQUIRE(a.forget_unread(unread->front().name));
    CHECK(a.unread()->empty());
}

TEST_CASE("sync client: two threads that sync and ask meanwhile do not race", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    sync_client<memory_replica_store, mutation_client, call> a{*store, as(h, "a"), mutation_client_options{}, quiet(6)};
    h.lab.device_write(*store, key_named("T"), row(1));
    std::atomic<int> good{0};
    std::thread other{[&] {
        for (int i = 0; i < 20; ++i) {
            const auto r = a.sync();
            if (r.ok() || r.skipped) ++good;
        }
    }};
    for (int i = 0; i < 20; ++i)
        if (a.status()) ++good;
    other.join();
    CHECK(good == 40);
    CHECK(h.store->row("main", key_named("T")));
}
