#include <syncline/wire/sync_server.hpp>

#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sync_server_test {

using namespace syncline;

TEST_CASE("sync server: answers only below the wires that are mounted, and always in JSON", "[wire]") {
    simulation::memory_lab lab{overlap_policy::by_field};
    auto store = lab.make_authority();
    auto random = std::make_shared<seeded_random>(1);
    sync_server<memory_authority_store> server{*store, {}, [] { return timestamp{}; }, [random] { return random->next(); }};
    const principal who{"a", "main"};
    const request pull{http_method::post, "/tether/pull", {}, R"({"client_id":"c"})"};
    CHECK(server(pull, who).status == 404);
    server.mount_mutation_wire();
    CHECK(server(pull, who).status == 200);
    for (const char* path : {"/", "/tether", "/tetherpull", "/sync/pull", "/nothing"}) {
        const auto answer = server(request{http_method::post, path, {}, "{}"}, who);
        INFO(path);
        CHECK(answer.status == 404);
        CHECK(answer.body.find("\"error\"") != std::string::npos);
    }
    REQUIRE(server.mount_bundle_wire());
    CHECK(server(request{http_method::post, "/sync/connect", {{"Oversync-Source-ID", "s"}}, R"({"has_local_pending_rows":false})"}, who).status == 200);
    CHECK(server(request{http_method::get, "/sync/pull?after_bundle_seq=0", {{"Oversync-Source-ID", "s"}}, {}}, who).status == 200);
    CHECK(server(request{http_method::get, "/sync/pull", {}, {}}, who).status == 400);
    server.look_for_changes();  // nobody can watch
}

namespace {

struct watched_server {
    simulation::memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store = lab.make_authority();
    seeded_random random{1};
    timestamp now = from_microseconds(1'700'000'000'000'000);
    sync_server<memory_authority_store> server{*store, {}, [this] { return now; }, [this] { return random.next(); }};

    explicit watched_server(bundle_watch_options watch = {true}) {
        server.mount_mutation_wire();
        bundle_server_options options;
        options.watch = std::move(watch);
        REQUIRE(server.mount_bundle_wire(std::move(options)));
    }
    response get(const std::string& path, const std::string& tenant = "main") {
        return server(request{http_method::get, path, {{"Oversync-Source-ID", "s"}}, {}}, principal{"ann", tenant});
    }
    std::shared_ptr<event_stream> watch(const std::string& tenant = "main") {
        const request connect{http_method::post, "/sync/connect", {{"Oversync-Source-ID", "s"}}, R"({"has_local_pending_rows":false})"};
        REQUIRE(server(connect, principal{"ann", tenant}).status == 200);
        auto answer = get("/sync/watch?after_bundle_seq=0", tenant);
        REQUIRE(answer.stream);
        CHECK(answer.stream->next(duration{}).bytes.empty());
        return answer.stream;
    }
    void app_write(const std::string& key, const std::string& tenant = "main") {
        REQUIRE(store->app_write(tenant, {0, key}, record{std::vector<value>(store->schemas()[0].fields.size())}));
    }
    // Another device's push on the mutation wire.
    void push() {
        auto rows = lab.make_replica("A");
        REQUIRE(rows->app_write({0, "pushed"}, record{std::vector<value>(store->schemas()[0].fields.size())}));
        authenticated endpoint{allow_anonymous{{"bob", "main"}}, server};
        sync_surroundings around{[this] { return now; }, [this] { return random.next(); }, [](timestamp) {}};
        sync_client<memory_replica_store, mutation_client, loopback<decltype(endpoint)>> device{*rows, loopback{endpoint}, mutation_client_options{}, around};
        const auto report = device.sync();
        INFO((report.why ? report.why->detail : std::string{}));
        REQUIRE(report.ok());
    }
};

}  // namespace

TEST_CASE("sync server: a device that watches is told of pushes on the mutation wire and of what others wrote, of its own tenant alone", "[wire]") {
    watched_server s;
    auto here = s.watch();
    auto there = s.watch("other");
    int woken = 0;
    here->wake_with([&] { ++woken; });
    s.push();
    CHECK(woken == 1);
    CHECK(here->next(duration{}).bytes.starts_with("event: bundle\ndata: {\"bundle_seq\":1,\"source_id\":"));
    // What another program wrote, sealed on the way to a page.
    s.app_write("k");
    CHECK(here->next(duration{}).bytes.empty());
    CHECK(s.get("/sync/pull?after_bundle_seq=0").status == 200);
    CHECK(woken == 2);
    CHECK(here->next(duration{}).bytes.find("\"bundle_seq\":2") != std::string::npos);
    // And found by the stream's own look, which is not taken too often.
    s.app_write("l");
    CHECK(here->next(std::chrono::seconds{1}).bytes.find("\"bundle_seq\":3") != std::string::npos);
    s.app_write("m");
    CHECK(here->next(std::chrono::seconds{2}).bytes.empty());
    s.now += std::chrono::seconds{1};
    CHECK(here->next(std::chrono::seconds{3}).bytes.find("\"bundle_seq\":4") != std::string::npos);
    // Or by the host's word, at once.
    s.app_write("n");
    s.server.look_for_changes();
    CHECK(here->next(std::chrono::seconds{3}).bytes.find("\"bundle_seq\":5") != std::string::npos);
    CHECK(there->next(std::chrono::seconds{3}).bytes.empty());
    CHECK(s.server.status()->watchers == 2);
    here = nullptr;
    CHECK(s.server.status()->watchers == 1);
}

TEST_CASE("sync server: shutting down refuses what comes, ends streams, and stays so when it is closed (OS-AUD-015)", "[wire]") {
    watched_server s;
    auto stream = s.watch();
    CHECK(s.server.status()->life == lifecycle::running);
    s.server.begin_shutdown();
    CHECK(s.server.status()->life == lifecycle::shutting_down);
    CHECK(stream->next(duration{}).over);
    for (int i = 0; i < 2; ++i) {
        for (const char* path : {"/sync/pull", "/sync/watch", "/sync/capabilities", "/tether/pull"}) {
            const auto refused = s.get(path);
            CHECK(refused.status == 503);
            CHECK(refused.body.find("\"service_unavailable\"") != std::string::npos);
            CHECK(find_header(refused.headers, "Retry-After"));
        }
        stream = nullptr;  // the adapter does so
        CHECK(s.server.status()->life == lifecycle::closed);
    }
}

TEST_CASE("sync server: a request that had begun to arrive before the shutdown is served, one that came later is not", "[wire]") {
    watched_server s;
    s.watch();
    request pull{http_method::get, "/sync/pull?after_bundle_seq=0", {{"Oversync-Source-ID", "s"}}, {}};
    const auto ask = [&] { return s.server(pull, principal{"ann", "main"}).status; };
    pull.began = std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
    s.server.begin_shutdown();
    CHECK(ask() == 200);
    s.server.begin_shutdown();  // once more changes nothing
    CHECK(ask() == 200);
    pull.began = (std::numeric_limits<std::int64_t>::max)();
    CHECK(ask() == 503);
    pull.began = std::nullopt;
    CHECK(ask() == 503);
    // A stream that is asked for so late is over at once.
    pull.path = "/sync/watch";
    pull.began = (std::numeric_limits<std::int64_t>::min)();
    auto watch = s.server(pull, principal{"ann", "main"});
    CHECK((watch.stream == nullptr || watch.stream->next(duration{}).over));
    watch.stream = nullptr;
    CHECK(s.server.status()->life == lifecycle::closed);
}

TEST_CASE("sync server: streams may outlive it", "[wire]") {
    std::shared_ptr<event_stream> stream;
    {
        watched_server s;
        stream = s.watch();
    }
    CHECK(stream->next(std::chrono::seconds{2}).over);
}

TEST_CASE("sync server: without the bundle wire nobody watches, and it shuts down all the same, when the last request is over", "[wire]") {
    simulation::memory_lab lab{overlap_policy::by_field};
    auto store = lab.make_authority();
    seeded_random random{1};
    std::optional<lifecycle> during;
    sync_server<memory_authority_store>* self = nullptr;
    server_listeners listeners;
    listeners.pull_completed = [&](const pull_served&) {
        self->begin_shutdown();
        during = self->status()->life;
    };
    sync_server<memory_authority_store> server{*store, {}, [] { return timestamp{}; }, [&] { return random.next(); }, std::move(listeners)};
    self = &server;
    server.offer_status();
    server.look_for_changes();
    server.mount_mutation_wire();
    const request pull{http_method::post, "/tether/pull", {}, R"({"client_id":"c"})"};
    CHECK(server.status()->life == lifecycle::running);
    CHECK(server.status()->watchers == 0);
    CHECK(server(pull, principal{"a", "main"}).status == 200);
    CHECK(during == lifecycle::shutting_down);
    CHECK(server.status()->life == lifecycle::closed);
    CHECK(server(pull, principal{"a", "main"}).status == 503);
}

namespace {

// Tells whether it was written to, and fails where a test wants it to.
struct moody_store : memory_authority_store {
    explicit moody_store(memory_authority_store of) : memory_authority_store(std::move(of)) {}
    result<std::int64_t> data_version() {
        if (!tells) return make_fault(errc::io_error, "not now");
        return version;
    }
    result<transaction> begin(std::string_view tenant, syncline::access how) {
        if (tenant == broken) return make_fault(errc::io_error, "not now");
        return memory_authority_store::begin(tenant, how);
    }
    bool tells = true;
    std::int64_t version = 1;
    std::string broken;
};
static_assert(versioned_store<moody_store>);

}  // namespace

TEST_CASE("sync server: a store that tells its version is looked at when it moves, or cannot be told, or on the host's word; a look that failed is taken again", "[wire]") {
    simulation::memory_lab lab{overlap_policy::by_field};
    moody_store store{std::move(*lab.make_authority())};
    seeded_random random{1};
    timestamp now = from_microseconds(1'700'000'000'000'000);
    sync_server<moody_store> server{store, {}, [&] { return now; }, [&] { return random.next(); }};
    bundle_server_options options;
    options.watch = bundle_watch_options{true};
    REQUIRE(server.mount_bundle_wire(std::move(options)));
    const auto watch = [&](const std::string& tenant) {
        const principal who{"ann", tenant};
        REQUIRE(server(request{http_method::post, "/sync/connect", {{"Oversync-Source-ID", "s"}}, R"({"has_local_pending_rows":false})"}, who).status == 200);
        return server(request{http_method::get, "/sync/watch?after_bundle_seq=0", {{"Oversync-Source-ID", "s"}}, {}}, who).stream;
    };
    const auto here = watch("main");
    const auto there = watch("other");
    REQUIRE(here);
    REQUIRE(there);
    duration elapsed{0};
    const auto told = [&](event_stream& stream) { return stream.next(elapsed).bytes.find("event: bundle") != std::string::npos; };
    const auto write = [&](const std::string& key, const std::string& tenant) { REQUIRE(store.app_write(tenant, {0, key}, record{std::vector<value>(store.schemas()[0].fields.size())})); };
    const auto later = [&](duration by) {
        now += by;
        elapsed += std::chrono::seconds{1};
    };
    later(std::chrono::seconds{1});
    CHECK_FALSE(told(*here));
    write("a", "main");
    later(std::chrono::seconds{1});
    CHECK_FALSE(told(*here));  // it does not say so
    server.look_for_changes();
    CHECK(told(*here));
    write("b", "main");
    store.version = 2;
    later(std::chrono::seconds{1});
    CHECK(told(*here));
    write("c", "main");
    store.tells = false;
    later(std::chrono::seconds{1});
    CHECK(told(*here));
    store.tells = true;
    store.version = 3;
    later(std::chrono::seconds{1});
    CHECK_FALSE(told(*here));
    // Of one tenant the look fails: the other one is told, and the same version is looked at once more.
    write("d", "main");
    write("e", "other");
    store.version = 4;
    store.broken = "main";
    later(std::chrono::seconds{1});
    CHECK_FALSE(told(*here));
    CHECK(told(*there));
    store.broken.clear();
    later(-std::chrono::hours{1});  // a clock that goes back makes nobody wait
    CHECK(told(*here));
}

}  // namespace sync_server_test
