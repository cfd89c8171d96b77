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
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sync_client_test {

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
        REQUIRE(server.mount_bundle_wire());
    }
    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store;
    sync_server<memory_authority_store> server;
};

using call = std::function<result<response>(const request&)>;

template <template <class> class Wire>
using device = sync_client<memory_replica_store, Wire, call>;

// Surroundings whose clock several devices share, as programs on one machine do.
struct shared_clock {
    std::shared_ptr<timestamp> now = std::make_shared<timestamp>(noon);
    sync_surroundings around(std::uint64_t seed) const {
        auto random = std::make_shared<seeded_random>(seed);
        return {[now = now] { return *now; }, [random] { return random->next(); }, [now = now](timestamp t) { *now = t; }};
    }
};

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

static std::unique_ptr<memory_replica_store> store_of_unique_rows() {
    memory_table_options unique;
    unique.unique = {{simulation::node_model, 0}};
    schema_set models;
    for (auto& m : simulation::models(overlap_policy::by_field)) REQUIRE(models.add(std::move(m)));
    return std::make_unique<memory_replica_store>(std::move(models), unique);
}

TEST_CASE("sync client: rows that cannot be read, or not be kept, are shown with what is wrong, and can be given up", "[wire]") {
    host h;
    const auto store = store_of_unique_rows();
    sync_client<memory_replica_store, mutation_client, call> a{
        *store,
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

TEST_CASE("sync client: rows that could not be kept are tried again without a network", "[wire]") {
    host h;
    const auto store = store_of_unique_rows();
    sync_client<memory_replica_store, mutation_client, call> a{*store, as(h, "a"), mutation_client_options{}, quiet(8)};
    CHECK(*a.retry_quarantined() == 0);
    h.lab.server_write(*h.store, key_named("P"), row(1));
    h.lab.server_write(*h.store, key_named("T"), row(1));
    REQUIRE(a.sync().pull_errors == 1);
    CHECK(*a.retry_quarantined() == 0);  // what stands in its way is still there
    REQUIRE(a.quarantined()->size() == 1);

    h.lab.device_write(*store, key_named("P"), row(2));
    CHECK(*a.retry_quarantined() == 1);
    CHECK((a.quarantined()->empty() && store->row(key_named("T"))));
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

// --- listeners

namespace {

// Two devices change the same field; the second one to sync hears of the conflict.
template <template <class> class Wire, class Options>
void check_listeners(Options options) {
    host h;
    auto first = h.lab.make_replica("a");
    auto second = h.lab.make_replica("b");
    device<Wire> a{*first, as(h, "a"), options, quiet(2)};
    std::vector<std::string> heard;
    std::vector<sync_conflict> met;
    device<Wire>* self = nullptr;
    sync_client_options client;
    client.listeners.started = [&](sync_mode mode) {
        heard.push_back(mode == sync_mode::push_then_pull ? "started" : "started otherwise");
        CHECK(self->sync().skipped);
        throw std::runtime_error("of the host");
    };
    client.listeners.conflict = [&](const sync_conflict& c) {
        heard.push_back("conflict");
        met.push_back(c);
        // Durable, and outside of every lock and transaction.
        CHECK(second->row(key_named("T")) == h.store->row("main", key_named("T")));
        CHECK(self->status());
        CHECK(self->sync().skipped);
        throw 7;
    };
    client.listeners.completed = [&](const sync_result& r) {
        heard.push_back("completed");
        CHECK(r.met.size() == met.size());
        CHECK(self->sync().skipped);
        throw std::runtime_error("of the host");
    };
    device<Wire> b{*second, as(h, "b"), options, quiet(3), resolver_set{}, {}, client};
    self = &b;
    h.lab.device_write(*first, key_named("T"), row(1));
    CHECK(a.sync().ok());
    auto report = b.sync();
    CHECK(report.ok());
    CHECK(report.listener_failures == 2);
    CHECK(heard == std::vector<std::string>{"started", "completed"});
    heard.clear();
    h.lab.device_write(*first, key_named("T"), row(2));
    h.lab.device_write(*second, key_named("T"), row(3));
    CHECK(a.sync().ok());
    report = b.sync();
    CHECK(report.ok());
    CHECK(report.listener_failures == 3);
    CHECK(report.conflicts == 1);
    CHECK(heard == std::vector<std::string>{"started", "conflict", "completed"});
    REQUIRE(met.size() == 1);
    CHECK(met[0].model == "node");
    CHECK(met[0].key == key_named("T"));
    CHECK(met[0].kind == outcome_kind::superseded);
    CHECK(met[0].server == h.store->row("main", key_named("T")));
    CHECK(met[0].server_version > 0);
    CHECK(met[0].id.size() == 26);
    CHECK(second->row(key_named("T")) == h.store->row("main", key_named("T")));
    heard.clear();
    met.clear();
    CHECK(b.push().ok());
    CHECK(heard.front() == "started otherwise");
}

}  // namespace

TEST_CASE("sync client: listeners hear of start, conflicts and end, may call the client, and cannot break a sync", "[wire]") {
    SECTION("mutation wire") { check_listeners<mutation_client>(mutation_client_options{}); }
    SECTION("bundle wire") { check_listeners<bundle_client>(bundle_client_options{}); }
}

TEST_CASE("sync client: a sync that a fault ends is completed too, with what was settled", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    int requests = 0;
    std::vector<sync_result> heard;
    sync_client_options client;
    client.listeners.completed = [&](const sync_result& r) { heard.push_back(r); };
    mutation_client_options options;
    options.batch_size = 1;
    device<mutation_client> a{*store,
                              [&](const request& r) -> result<response> {
                                  if (++requests > 1) return make_fault(errc::unavailable, "no network");
                                  return h.server(r, principal{"a", "main"});
                              },
                              options, quiet(5), resolver_set{}, {}, client};
    CHECK(a.sync().ok());  // it has met the server
    requests = 0;
    heard.clear();
    h.lab.device_write(*store, key_named("T"), row(1));
    h.lab.device_write(*store, key_named("T2"), row(2));
    const auto report = a.sync();
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].pushed == 1);
    REQUIRE(heard[0].why);
    CHECK(heard[0].why->code == errc::unavailable);
    CHECK(report.pushed == 1);
}

TEST_CASE("sync client: progress is told after each answer, and ends at what was settled", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    std::vector<std::size_t> pushed;
    int requests = 0;
    sync_client_options client;
    client.listeners.progressed = [&](const sync_result& r) {
        CHECK(requests == static_cast<int>(pushed.size()) + 1);
        pushed.push_back(r.pushed);
        throw std::runtime_error("of the host");
    };
    mutation_client_options options;
    options.batch_size = 1;
    device<mutation_client> a{*store,
                              [&](const request& r) {
                                  ++requests;
                                  return as(h, "a")(r);
                              },
                              options, quiet(5), resolver_set{}, {}, client};
    CHECK(a.sync().ok());  // it has met the server
    pushed.clear();
    requests = 0;
    h.lab.device_write(*store, key_named("T"), row(1));
    h.lab.device_write(*store, key_named("T2"), row(2));
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(pushed == std::vector<std::size_t>{1, 2, 2});
    CHECK(report.listener_failures == 3);
}

TEST_CASE("sync client: a cancelled sync ends before its next request, keeps what is settled, and the next one goes on", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    int requests = 0;
    device<mutation_client>* self = nullptr;
    mutation_client_options options;
    options.batch_size = 1;
    device<mutation_client> a{*store,
                              [&](const request& r) {
                                  if (++requests == 2) self->cancel();
                                  return as(h, "a")(r);
                              },
                              options, quiet(5)};
    self = &a;
    CHECK(a.sync().ok());  // it has met the server
    requests = 0;
    for (const char* key : {"T", "T2", "T3"}) h.lab.device_write(*store, key_named(key), row(1));
    a.cancel();  // no sync runs
    const auto report = a.sync();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::cancelled);
    CHECK(report.pushed == 2);
    CHECK(requests == 2);
    const auto held = a.lease_holder();
    REQUIRE(held);
    CHECK_FALSE(*held);
    const auto rest = a.sync();
    CHECK(rest.ok());
    CHECK(rest.pushed == 1);
    CHECK(a.status()->counts.open == 0);
}

TEST_CASE("sync client: a sync that waits for another attempt can be cancelled", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    device<mutation_client>* self = nullptr;
    int waits = 0;
    auto around = quiet(5);
    around.wait_until = [&](timestamp) {
        REQUIRE(++waits == 1);
        self->cancel();
    };
    device<mutation_client> a{*store, [](const request&) -> result<response> { return response{429, {{"Retry-After", "600"}}, {}}; },
                              mutation_client_options{}, around};
    self = &a;
    const auto report = a.sync();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::cancelled);
}

TEST_CASE("sync client: data that is declared a copy sends nothing of what was unsent, which waits for a person", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    device<mutation_client> a{*store, as(h, "a"), mutation_client_options{}, quiet(2)};
    CHECK(a.sync().ok());
    h.lab.device_write(*store, key_named("T"), row(1));
    REQUIRE(a.declare_copy());
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.pushed == 0);
    CHECK_FALSE(h.store->row("main", key_named("T")));
    const auto waiting = a.waiting();
    REQUIRE(waiting);
    REQUIRE(waiting->size() == 1);
    CHECK(waiting->front().waiting->code == errc::maybe_sent);
    REQUIRE(a.retry(key_named("T")));
    CHECK(a.sync().pushed == 1);
    CHECK(h.store->row("main", key_named("T")));
}

// --- the lock

namespace {

// Two programs on one device's data, as over one file: each has a client, and only one syncs at a time.
template <template <class> class Wire, class Options>
struct two_programs {
    explicit two_programs(Options options = {}, sync_client_options client = {})
        : a{*store, [this](const request& r) { return answered(r); }, options, time.around(2), resolver_set{}, {}, client},
          b{*store, as(h, "a"), options, time.around(3), resolver_set{}, {}, client} {}

    result<response> answered(const request& r) {
        auto before = std::exchange(before_answer, {});
        if (before) before();
        auto answer = h.server(r, principal{"a", "main"});
        auto after = std::exchange(after_answer, {});
        if (after) after();
        return answer;
    }
    std::optional<record> here(const char* key) { return store->row(key_named(key)); }
    std::optional<record> there(const char* key) { return h.store->row("main", key_named(key)); }

    host h;
    shared_clock time;
    std::unique_ptr<memory_replica_store> store = h.lab.make_replica("a");
    std::function<void()> before_answer;
    std::function<void()> after_answer;
    device<Wire> a;
    device<Wire> b;
};

template <template <class> class Wire, class Options>
void check_lock() {
    two_programs<Wire, Options> p;
    p.h.lab.device_write(*p.store, key_named("T"), row(1));
    SECTION("a held lock skips at once, and is free afterwards") {
        bool skipped = false;
        p.before_answer = [&] {
            const auto other = p.b.sync();
            skipped = other.skipped;
            CHECK(other.ok());
        };
        CHECK(p.a.sync().ok());
        CHECK(skipped);
        CHECK_FALSE(p.b.sync().skipped);
        CHECK(p.there("T"));
    }
    SECTION("a holder that was taken over in the middle of a request changes nothing any more") {
        std::optional<std::int64_t> checkpoint;
        p.after_answer = [&] {
            *p.time.now += std::chrono::seconds{61};
            const auto other = p.b.sync();
            CHECK_FALSE(other.skipped);
            CHECK(other.ok());
            p.h.lab.device_write(*p.store, key_named("T2"), row(2));
            checkpoint = p.b.status()->state.checkpoint;
        };
        const auto report = p.a.sync();
        REQUIRE(report.why);
        CHECK(report.why->code == errc::busy);
        CHECK_FALSE(report.skipped);
        CHECK(report.pushed == 0);
        CHECK(checkpoint == p.b.status()->state.checkpoint);
        CHECK(p.b.status()->counts.open == 1);
        CHECK(p.here("T") == p.there("T"));
        CHECK(p.a.sync().ok());
        CHECK(p.here("T2") == p.there("T2"));
    }
    SECTION("a long request keeps the lock while somebody moves it on") {
        p.after_answer = [&] {
            for (int i = 0; i < 10; ++i) {
                *p.time.now += std::chrono::seconds{40};
                CHECK(p.a.renew_lease());
                CHECK(p.b.sync().skipped);
            }
        };
        CHECK(p.a.sync().ok());
        CHECK(p.here("T") == p.there("T"));
        CHECK(p.a.renew_lease());
        CHECK_FALSE(p.b.sync().skipped);
    }
}

}  // namespace

TEST_CASE("sync client: of two programs on the same data only one syncs, and one that was taken over is fenced off (W30)", "[wire]") {
    SECTION("mutation wire") { check_lock<mutation_client, mutation_client_options>(); }
    SECTION("bundle wire") { check_lock<bundle_client, bundle_client_options>(); }
}

TEST_CASE("sync client: who syncs is told by name, to other programs too, while the lease lasts", "[wire]") {
    sync_client_options named;
    named.lease_name = "the editor";
    two_programs<mutation_client, mutation_client_options> p{{}, named};
    std::string owner;
    bool over = false;
    p.before_answer = [&] {
        const auto held = p.b.lease_holder();
        REQUIRE(held);
        REQUIRE(*held);
        owner = holder_name(**held);
        *p.time.now += std::chrono::seconds{60};
        const auto late = p.b.lease_holder();
        over = late && !*late;
        *p.time.now -= std::chrono::seconds{60};
    };
    CHECK(p.a.sync().ok());
    CHECK(owner == "the editor");
    CHECK(over);
    const auto free = p.b.lease_holder();
    REQUIRE(free);
    CHECK_FALSE(*free);
}

TEST_CASE("sync client: what was settled before a takeover stands in the result (W34)", "[wire]") {
    mutation_client_options options;
    options.batch_size = 1;
    two_programs<mutation_client, mutation_client_options> p{options};
    CHECK(p.a.sync().ok());  // it has met the server
    p.h.lab.device_write(*p.store, key_named("T"), row(1));
    p.h.lab.device_write(*p.store, key_named("T2"), row(2));
    p.before_answer = [&] {
        p.before_answer = [&] {
            *p.time.now += std::chrono::seconds{61};
            CHECK(p.b.pull().ok());
        };
    };
    const auto report = p.a.sync();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::busy);
    CHECK(report.pushed == 1);
    CHECK(p.a.sync().ok());
    CHECK(p.here("T2") == p.there("T2"));
}

TEST_CASE("sync client: the lock is moved on through a long wait that the server asks for", "[wire]") {
    host h;
    shared_clock time;
    auto store = h.lab.make_replica("a");
    device<mutation_client>* other = nullptr;
    std::size_t pieces = 0;
    auto around = time.around(2);
    around.wait_until = [&](timestamp t) {
        CHECK(t - *time.now <= std::chrono::seconds{20});
        *time.now = t;
        ++pieces;
        CHECK(other->sync().skipped);
    };
    bool asked = false;
    device<mutation_client> a{*store,
                              [&](const request& r) -> result<response> {
                                  if (!std::exchange(asked, true)) return response{429, {{"Retry-After", "600"}}, {}};
                                  return h.server(r, principal{"a", "main"});
                              },
                              mutation_client_options{}, around};
    device<mutation_client> b{*store, as(h, "a"), mutation_client_options{}, time.around(3)};
    other = &b;
    h.lab.device_write(*store, key_named("T"), row(1));
    CHECK(a.sync().ok());
    CHECK(pieces >= 30);
    CHECK(h.store->row("main", key_named("T")));
}

TEST_CASE("sync client: a crash in the middle holds others up for the lease, and its own program not at all", "[wire]") {
    host h;
    shared_clock time;
    auto store = h.lab.make_replica("a");
    bool dies = true;
    device<mutation_client> a{*store,
                              [&](const request& r) -> result<response> {
                                  if (dies) throw std::runtime_error("dead");
                                  return h.server(r, principal{"a", "main"});
                              },
                              mutation_client_options{}, time.around(2)};
    device<mutation_client> b{*store, as(h, "a"), mutation_client_options{}, time.around(3)};
    h.lab.device_write(*store, key_named("T"), row(1));
    CHECK_THROWS_AS(a.sync(), std::runtime_error);
    CHECK(b.sync().skipped);
    *time.now += std::chrono::seconds{45};
    CHECK(a.renew_lease());  // no sync runs
    *time.now -= std::chrono::seconds{45};
    dies = false;
    SECTION("its own next sync") { CHECK_FALSE(a.sync().skipped); }
    SECTION("another one's, when the time is up") {
        *time.now += std::chrono::seconds{60};
        CHECK(b.sync().ok());
        CHECK_FALSE(b.sync().skipped);
    }
    CHECK(h.store->row("main", key_named("T")));
}

TEST_CASE("sync client: the lock can be switched off by name", "[wire]") {
    sync_client_options unlocked;
    unlocked.lock = false;
    two_programs<mutation_client, mutation_client_options> p{{}, unlocked};
    p.h.lab.device_write(*p.store, key_named("T"), row(1));
    bool ran = false;
    p.after_answer = [&] { ran = !p.b.sync().skipped; };
    CHECK(p.a.sync().ok());
    CHECK(ran);
    CHECK(p.here("T") == p.there("T"));
}

}  // namespace sync_client_test
