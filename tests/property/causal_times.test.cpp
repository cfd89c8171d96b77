// Promise 3, end to end over both wires: clocks that are off by days and jump decide nothing that was seen.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace causal_times_test {

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using simulation::key_named;
using simulation::lab_must;

constexpr duration day = std::chrono::hours{24};
const timestamp start = from_microseconds(1'700'000'000'000'000);
const std::string the_key = "T";

resolver_set last_write_wins() { return resolver_set{resolvers::last_write_wins{}}; }

record row(std::int64_t a, std::int64_t b) { return record{{value::integer(a), value::integer(b), value::integer(0), value::integer(0), value{}}}; }

struct host {
    host() : random(7), store(lab.make_authority()), server(*store, options(), [this] { return now; }, [this] { return random.next(); }) {
        server.mount_mutation_wire();
        REQUIRE(server.mount_bundle_wire());
    }
    static authority_options options() {
        authority_options o;
        o.resolvers = last_write_wins();
        return o;
    }
    response operator()(const request& r) { return server(r, principal{"someone", "main"}); }
    std::optional<sealed_row> sealed() {
        auto t = lab_must(store->begin("main", access::snapshot));
        return lab_must(t.sealed(key_named(the_key)));
    }

    timestamp now = start;
    seeded_random random;
    simulation::memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store;
    sync_server<memory_authority_store> server;
};

// A device that may be shut down and started again over what it stored.
template <template <class> class Wire, class Options>
struct device {
    device(host& h, std::uint64_t seed, duration off) : server(h), now(start + off), random(seed), store(h.lab.make_replica("d")) { boot(); }
    void boot() {
        client.emplace(*store, loopback<host>{server}, Options{},
                       sync_surroundings{[this] { return now; }, [this] { return random.next(); }, [this](timestamp t) { now = t; }}, last_write_wins());
    }
    void set(field_index field, std::int64_t to) {
        record r = *store->row(key_named(the_key));
        r.fields[field] = value::integer(to);
        lab_must(store->app_write(key_named(the_key), r));
        (void)lab_must(client->engine().absorb(now));
    }
    timestamp edited_at() { return simulation::open_of(*store, key_named(the_key))->edited_at; }
    std::int64_t version() { return simulation::base_of(*store, key_named(the_key)).version; }

    host& server;
    timestamp now;
    seeded_random random;
    std::unique_ptr<memory_replica_store> store;
    std::optional<sync_client<memory_replica_store, Wire, loopback<host>>> client;
};

template <class Device>
void causal_history(std::uint64_t seed, std::size_t& after_seeing, std::size_t& clock_behind) {
    CAPTURE(seed);
    seeded_random random{seed};
    host h;
    lab_must(h.store->app_write("main", key_named(the_key), row(0, 0)));
    std::vector<std::unique_ptr<Device>> devices;
    for (std::uint64_t d = 0; d < 3; ++d)
        devices.push_back(std::make_unique<Device>(h, seed * 10 + d, day * (static_cast<int>(random.below(21)) - 10)));
    for (auto& d : devices) REQUIRE(d->client->sync().ok());

    std::vector<timestamp> last_edit(devices.size(), (timestamp::min)());
    std::vector<std::int64_t> seen(devices.size(), 0);  // the newest version that the device knew when it edited last
    std::vector<std::optional<std::pair<field_index, std::int64_t>>> unsent(devices.size());
    std::int64_t next_value = 1;
    timestamp written{};
    for (int step = 0; step < 60; ++step) {
        CAPTURE(step);
        const auto i = static_cast<std::size_t>(random.below(devices.size()));
        Device& d = *devices[i];
        h.now += std::chrono::seconds{random.below(100)};
        d.now += std::chrono::seconds{random.below(100)};
        switch (random.below(8)) {
        case 0: h.now += day * (static_cast<int>(random.below(9)) - 4); break;
        case 1: d.now += day * (static_cast<int>(random.below(5)) - 2); break;
        case 2: d.boot(); break;
        case 3: {
            REQUIRE(d.client->pull().ok());
            break;
        }
        case 4:
        case 5: {
            const auto field = static_cast<field_index>(random.below(2));
            d.set(field, next_value);
            unsent[i] = std::pair{field, next_value++};
            // Strictly rising on one device, whatever its clock does and however often it starts.
            if (d.edited_at() <= last_edit[i]) FAIL("an edit is not timed after the one before it");
            last_edit[i] = d.edited_at();
            seen[i] = d.version();
            break;
        }
        default: {
            const auto before = *h.sealed();
            if (unsent[i] && before.version == seen[i] && d.edited_at() <= before.written_at) FAIL("an edit is timed before the row that the user saw");
            REQUIRE(d.client->sync().ok());
            const auto after = *h.sealed();
            if (unsent[i] && before.version == seen[i]) {
                ++after_seeing;
                if (h.now < before.written_at) ++clock_behind;
                if (after.row->fields[unsent[i]->first].as_integer() != unsent[i]->second) FAIL("an edit lost to a value that its author had seen");
            }
            unsent[i].reset();
            break;
        }
        }
        const auto sealed = *h.sealed();
        if (sealed.written_at < written) FAIL("the record's times went back");
        written = sealed.written_at;
    }
}

using mutation_device = device<mutation_client, mutation_client_options>;
using bundle_device = device<bundle_client, bundle_client_options>;

}  // namespace

TEMPLATE_TEST_CASE("times: an edit made after seeing a row wins over it and is timed after it, and a device's edits rise strictly, though clocks are "
                   "off by days and jump",
                   "", mutation_device, bundle_device) {
    std::size_t after_seeing = 0;
    std::size_t clock_behind = 0;
    for (std::uint64_t seed = 1; seed <= 150; ++seed) causal_history<TestType>(seed, after_seeing, clock_behind);
    CHECK(after_seeing > 300);
    CHECK(clock_behind > 20);
}

TEMPLATE_TEST_CASE("times: an edit with an older base, made after seeing the newer row, wins over that row", "", mutation_device, bundle_device) {
    const bool sees = GENERATE(true, false);
    for (const int days : {-20, -3, 0, 3, 20}) {
        CAPTURE(days, sees);
        host h;
        lab_must(h.store->app_write("main", key_named(the_key), row(0, 0)));
        TestType slow{h, 1, day * days};
        TestType other{h, 2, day * 0};
        REQUIRE(slow.client->sync().ok());
        REQUIRE(other.client->sync().ok());
        slow.set(1, 7);                        // an edit of its own keeps its base
        other.set(0, 100);
        h.now += 1s;
        other.now += 1s;
        REQUIRE(other.client->sync().ok());
        if (sees) REQUIRE(slow.client->pull().ok());
        CHECK(slow.store->row(key_named(the_key))->fields[0] == value::integer(sees ? 100 : 0));
        h.now -= day;                          // and the server's clock need not agree either
        slow.set(0, 200);
        const auto report = slow.client->sync();
        REQUIRE(report.ok());
        if (sees) CHECK(h.sealed()->row->fields[0] == value::integer(200));
        CHECK(report.conflicts == 1);
        REQUIRE(report.decisions.size() == 1);
        CAPTURE(report.decisions.front());
        for (const char* part : {"node T: ", "fields overlap (a)", "resolver: ", "last_write_wins", "winner: ", "base version 1, server version 2"})
            CHECK(report.decisions.front().find(part) != std::string::npos);
    }
}

TEMPLATE_TEST_CASE("times: who wrote later wins, where neither saw the other and the clocks agree", "", mutation_device, bundle_device) {
    const bool first_is_later = GENERATE(true, false);
    CAPTURE(first_is_later);
    host h;
    lab_must(h.store->app_write("main", key_named(the_key), row(0, 0)));
    TestType a{h, 1, duration{0}};
    TestType b{h, 2, duration{0}};
    REQUIRE(a.client->sync().ok());
    REQUIRE(b.client->sync().ok());
    a.now += first_is_later ? 20s : 10s;
    a.set(0, 1);
    b.now += first_is_later ? 10s : 20s;
    b.set(0, 2);
    h.now += 60s;
    REQUIRE(a.client->sync().ok());
    const auto report = b.client->sync();
    REQUIRE(report.ok());
    CHECK(h.sealed()->row->fields[0] == value::integer(first_is_later ? 1 : 2));
    CHECK(report.conflicts == 1);
    REQUIRE(report.decisions.size() == 1);
    CHECK(report.decisions.front().find(first_is_later ? "superseded; " : "applied; ") != std::string::npos);
    CHECK(report.decisions.front().find(first_is_later ? "winner: server" : "winner: client") != std::string::npos);
}

TEMPLATE_TEST_CASE("times: a device whose clock runs ahead gains nothing over one that writes after it has synced", "", mutation_device, bundle_device) {
    host h;
    lab_must(h.store->app_write("main", key_named(the_key), row(0, 0)));
    TestType ahead{h, 1, day * 300};
    TestType right{h, 2, duration{0}};
    REQUIRE(ahead.client->sync().ok());
    REQUIRE(right.client->sync().ok());
    ahead.set(0, 1);
    h.now += 10s;
    REQUIRE(ahead.client->sync().ok());
    CHECK(h.sealed()->written_at == h.now);
    right.now += 20s;
    right.set(0, 2);
    h.now += 20s;
    REQUIRE(right.client->sync().ok());
    CHECK(h.sealed()->row->fields[0] == value::integer(2));
}

TEMPLATE_TEST_CASE("times: a server's clock in the year 2200 is followed to the clamp only, and forgotten when it is past", "", mutation_device, bundle_device) {
    host h;
    lab_must(h.store->app_write("main", key_named(the_key), row(0, 0)));
    TestType d{h, 1, duration{0}};
    h.now = start + day * 365 * 177;
    REQUIRE(d.client->sync().ok());
    d.set(0, 1);
    CHECK(d.edited_at() > d.now);
    CHECK(d.edited_at() <= d.now + day * 30 + 1s);
    h.now = start;
    d.now += day * 31;
    d.boot();
    d.set(0, 2);
    CHECK(d.edited_at() == d.now);
}

}  // namespace causal_times_test
