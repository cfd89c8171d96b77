// Two devices that make records of one natural key offline (W28), on both wires.

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace natural_keys_test {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);

schema_set models() {
    schema_set out;
    for (auto& m : simulation::models(overlap_policy::by_field)) lab_must(out.add(std::move(m)));
    return out;
}
// The field `a` of nodes is unique.
memory_table_options natural_keys() {
    memory_table_options out;
    out.unique = {{simulation::node_model, 0}};
    return out;
}
record node(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }
record child(const std::string& of) {
    return record{{value::integer(1), value::integer(1), value::integer(0), value::integer(0), value{}, value::text(of)}};
}

struct host {
    host() : store(models(), natural_keys()), server(store, {}, [] { return noon; }, [this] { return random.next(); }) {
        server.mount_mutation_wire();
        REQUIRE(server.mount_bundle_wire());
    }
    seeded_random random{1};
    memory_authority_store store;
    sync_server<memory_authority_store> server;
};

struct line {
    host* to;
    std::string who;
    result<response> operator()(const request& r) const { return to->server(r, principal{who, "main"}); }
};

template <template <class> class Wire, class Options>
struct device {
    device(host& of, std::string who, std::uint64_t seed)
        : random(seed), store(models(), natural_keys()),
          client(store, line{&of, std::move(who)}, Options{}, sync_surroundings{[this] { return now; }, [this] { return random.next(); }, [this](timestamp t) { now = t; }}) {}
    timestamp now = noon;
    seeded_random random;
    memory_replica_store store;
    sync_client<memory_replica_store, Wire, line> client;
};

/// @param by_rows  the wire brings rows one by one, not as whole bundles
template <template <class> class Wire, class Options>
void check_second_creation(bool by_rows) {
    host h;
    device<Wire, Options> a{h, "a", 2};
    device<Wire, Options> b{h, "b", 3};
    if (!by_rows) REQUIRE(b.client.sync().ok());  // it is in the account, so what comes are bundles and no picture
    lab_must(a.store.app_write(key_named("T"), node(5)));
    lab_must(b.store.app_write(key_named("T2"), node(5)));
    lab_must(b.store.app_write(key_named("C1"), child("T2")));
    REQUIRE(a.client.sync().ok());

    // The second one is refused by the constraint's code and waits, with what builds on it; the first one's row waits for its place: by itself on the
    // mutation wire, with its whole bundle, which the result says, on the other.
    const auto report = b.client.sync();
    CHECK(h.store.row("main", key_named("T")) == node(5));
    CHECK_FALSE(h.store.row("main", key_named("T2")));
    const auto waiting = lab_must(b.client.waiting());
    REQUIRE_FALSE(waiting.empty());
    CHECK(waiting.front().key == key_named("T2"));
    CHECK(waiting.front().waiting->code == errc::constraint);
    CHECK(report.failed >= 1);
    CHECK(report.pull_errors == 1);
    CHECK(report.ok() == by_rows);
    CHECK(b.client.status()->counts.quarantined == (by_rows ? 1 : 0));
    CHECK(b.store.row(key_named("T2")) == node(5));
    CHECK(b.store.row(key_named("C1")));

    SECTION("another value, and both are everywhere") {
        lab_must(b.client.edit(key_named("T2"), {{"a", value::integer(7)}}));
        static_cast<void>(b.client.retry(key_named("C1")));
        REQUIRE(b.client.sync().ok());
        REQUIRE(b.client.sync().ok());
        REQUIRE(a.client.sync().ok());
        for (auto* store : {&a.store, &b.store}) {
            CHECK(store->row(key_named("T")) == node(5));
            CHECK(store->row(key_named("T2")) == node(7));
            CHECK(store->row(key_named("C1")) == child("T2"));
        }
    }
    SECTION("given up, and the other one's row comes") {
        if (by_rows) lab_must(b.client.discard(key_named("C1")));
        else lab_must(b.store.app_erase(key_named("C1")));  // it was never sent, and does not wait by itself
        lab_must(b.client.take_server(key_named("T2")));
        REQUIRE(b.client.sync().ok());
        CHECK(b.store.row(key_named("T")) == node(5));
        CHECK_FALSE(b.store.row(key_named("T2")));
    }
    const auto left = b.client.status()->counts;
    CHECK(left.waiting + left.open + left.frozen + left.quarantined == 0);
}

}  // namespace

TEST_CASE("natural keys: a second creation waits with what builds on it, until it gets another value or is given up; nothing is lost (W28)", "[wire]") {
    SECTION("mutation wire") { check_second_creation<mutation_client, mutation_client_options>(true); }
    SECTION("bundle wire") { check_second_creation<bundle_client, bundle_client_options>(false); }
}

}  // namespace natural_keys_test
