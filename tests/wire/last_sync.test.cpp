// When a device last synced, as it tells its user: on both wires.

#include <syncline/transport/json_error.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace last_sync_test {

using namespace syncline;
using simulation::key_named;
using simulation::memory_lab;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

template <template <class> class Wire, class Options>
void check_last_sync() {
    memory_lab lab{overlap_policy::by_field};
    const auto authority = lab.make_authority();
    sync_server<memory_authority_store> server{*authority, {}, [] { return noon; }, [random = std::make_shared<seeded_random>(1)] { return random->next(); }};
    server.mount_mutation_wire();
    REQUIRE(server.mount_bundle_wire());
    const auto store = lab.make_replica("a");
    bool down = false;
    bool push_down = false;  // while pulls go through
    timestamp now = noon;
    seeded_random random{2};
    const auto carry = [&](const request& r) -> result<response> {
        if (down) return make_fault(errc::unavailable, "no network");
        if (push_down && r.path.find("push") != std::string::npos) return json_error(503, "unavailable", "not now");
        return server(r, principal{"a", "main"});
    };
    sync_client<memory_replica_store, Wire, decltype(carry)> a{
        *store, carry, Options{}, sync_surroundings{[&] { return now; }, [&] { return random.next(); }, [&](timestamp t) { now = t; }}};
    const auto last = [&] { return a.status()->state.last_sync_us; };
    const auto later = [&] { now += std::chrono::hours{1}; };
    REQUIRE(a.push().ok());
    CHECK(last() == 0);
    REQUIRE(a.pull().ok());
    CHECK(last() == 0);
    later();
    REQUIRE(a.sync().ok());
    const auto whole = last();
    CHECK(whole >= to_microseconds(noon + std::chrono::hours{1}));
    later();
    lab.device_write(*store, key_named("T"), row(1));
    REQUIRE(a.push().ok());
    REQUIRE(a.pull().ok());
    CHECK(last() == whole);
    later();
    down = true;
    REQUIRE_FALSE(a.sync().ok());
    CHECK(last() == whole);
    down = false;
    push_down = true;
    lab.device_write(*store, key_named("T"), row(2));
    REQUIRE_FALSE(a.sync().ok());
    CHECK(last() == whole);
    push_down = false;
    REQUIRE(a.sync().ok());
    CHECK(last() > whole);
}

}  // namespace

TEST_CASE("sync client: the last sync is the last whole one that ended well, no push or pull alone and none that failed (W46)", "[wire]") {
    SECTION("mutation wire") { check_last_sync<mutation_client, mutation_client_options>(); }
    SECTION("bundle wire") { check_last_sync<bundle_client, bundle_client_options>(); }
}

}  // namespace last_sync_test
