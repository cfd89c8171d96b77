// A device's whole side where its own store fails or is held, and where several of its calls meet.

#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace client_faults_test {

namespace {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;
using simulation::memory_lab;

constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

// Of a row that may have passed the server's triggers, what the user wrote.
std::optional<std::int64_t> a_of(const std::optional<record>& r) { return r ? std::optional{r->fields[0].as_integer()} : std::nullopt; }

// A store of which a run of transactions cannot be begun.
struct refusing_store : memory_replica_store {
    using memory_replica_store::memory_replica_store;
    result<transaction> begin() {
        ++begun;
        if (begun >= from && begun < from + count) return make_fault(errc::io_error, "no transaction now");
        return memory_replica_store::begin();
    }
    std::size_t begun = 0, from = 0, count = 0;
};

struct bench {
    explicit bench(sync_client_options options = {}) : client(store, [this](const request& r) { return carry(r); }, mutation_client_options{}, around(), resolver_set{}, {}, std::move(options)) {
        server.mount_mutation_wire();
    }
    sync_surroundings around() {
        return {[this] { return now; }, [this] { return random.next(); }, [this](timestamp t) {
                    waits.push_back(t - now);
                    now = t;
                }};
    }
    result<response> carry(const request& r) {
        ++requests;
        if (const auto now_too = during) now_too(r);
        if (std::exchange(unreachable, false)) return make_fault(errc::unavailable, "not now");
        return server(r, principal{"ann", "main"});
    }
    void write(const std::string& key, std::int64_t a) { lab.device_write(store, key_named(key), row(a)); }

    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> data = lab.make_authority();
    timestamp now = noon;
    seeded_random random{3};
    sync_server<memory_authority_store> server{*data, {}, [this] { return now; }, [this] { return random.next(); }};
    refusing_store store{data->schemas()};
    std::size_t requests = 0;
    bool unreachable = false;
    std::function<void(const request&)> during;
    std::vector<duration> waits;
    sync_client<refusing_store, mutation_client, std::function<result<response>(const request&)>> client;
};

}  // namespace

TEST_CASE("client faults: whichever transaction cannot be begun, the sync says so or is whole, the lease is given back, and the next one does the rest", "[wire]") {
    std::size_t all = 0;
    {
        bench b;
        b.write("T", 1);
        REQUIRE(b.client.sync().ok());
        all = b.store.begun;
    }
    REQUIRE(all > 5);
    for (std::size_t at = 1; at <= all; ++at) {
        CAPTURE(at);
        bench b;
        b.write("T", 1);
        b.store.from = b.store.begun + at;
        b.store.count = 1;
        const auto report = b.client.sync();
        if (!report.ok()) CHECK(report.why->code == errc::io_error);
        CHECK_FALSE(report.skipped);
        CHECK(a_of(b.store.row(key_named("T"))) == 1);
        CHECK_FALSE(lab_must(b.client.lease_holder()));
        CHECK(b.client.sync().ok());
        CHECK(a_of(b.data->row("main", key_named("T"))) == 1);
    }
}

TEST_CASE("client faults: a lease that cannot be given back ends by its time", "[wire]") {
    sync_client_options options;
    bench* self = nullptr;
    options.listeners.completed = [&](const sync_result&) { self->store.count = 0; };
    bench b{std::move(options)};
    self = &b;
    REQUIRE(b.client.sync().ok());
    const std::size_t each = b.store.begun;
    b.store.begun = 0;
    REQUIRE(b.client.sync().ok());
    const std::size_t again = b.store.begun;
    CHECK(again <= each);
    b.store.begun = 0;
    b.store.from = again;  // the last of a sync gives the lease back
    b.store.count = 3;
    CHECK(b.client.sync().ok());
    CHECK(b.store.begun == again + 2);  // it was tried three times
    CHECK(lab_must(b.client.lease_holder()));
    b.now += sync_client_options{}.lease;
    CHECK_FALSE(lab_must(b.client.lease_holder()));
    CHECK(b.client.sync().ok());
}

TEST_CASE("client faults: a device leaves its account only when nothing runs, and when all that was written meanwhile is sent", "[wire]") {
    bench b;
    b.write("T", 1);
    std::optional<errc> refused;
    bool skipped = false;
    b.during = [&](const request&) {
        b.during = {};
        const auto left = b.client.detach();
        if (!left) refused = left.error().code;
        skipped = b.client.sync_then_detach().skipped;
        b.write("T2", 2);
    };
    CHECK(b.client.sync_then_detach().ok());
    CHECK(refused == errc::busy);
    CHECK(skipped);
    CHECK(a_of(b.data->row("main", key_named("T2"))) == 2);
    CHECK_FALSE(b.store.row(key_named("T2")));

    // What never comes to an end is not waited for.
    std::int64_t n = 2;
    b.write("T", n);
    b.during = [&](const request& r) {
        if (r.path.ends_with("/pull")) b.write("T", ++n);
    };
    const auto never = b.client.sync_then_detach();
    REQUIRE(never.why);
    CHECK(never.why->code == errc::unsent);
    CHECK(a_of(b.store.row(key_named("T"))) == n);
}

TEST_CASE("client faults: a store that fails when the device is to leave its account keeps it there", "[wire]") {
    bench* self = nullptr;
    sync_client_options options;
    options.listeners.completed = [&](const sync_result&) {
        self->store.from = self->store.begun + 1;
        self->store.count = 1;
    };
    bench b{std::move(options)};
    self = &b;
    b.write("T", 1);
    const auto report = b.client.sync_then_detach();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::io_error);
    CHECK(a_of(b.store.row(key_named("T"))) == 1);
}

TEST_CASE("client faults: a wait is as long as it is where no lease has to be moved on", "[wire]") {
    const auto waited = [](sync_client_options options) {
        bench b{std::move(options)};
        b.unreachable = true;
        const auto report = b.client.sync();
        CHECK(report.ok());
        CHECK(report.retried == 1);
        return b.waits.size();
    };
    sync_client_options without;
    without.lock = false;
    CHECK(waited(std::move(without)) == 1);
    sync_client_options none;
    none.lease = duration{0};
    CHECK(waited(std::move(none)) == 1);
    sync_client_options brief;
    brief.lease = std::chrono::milliseconds{3};
    CHECK(waited(std::move(brief)) > 1);
}

TEST_CASE("client faults: an edit of what the models do not have is refused by name", "[wire]") {
    bench b;
    for (const auto& [key, field] : {std::pair{key_named("T"), "nothing"}, std::pair{record_key{99, "T"}, "a"}}) {
        const auto edited = b.client.edit(key, {{field, value::integer(1)}});
        REQUIRE_FALSE(edited);
        CHECK(edited.error().code == errc::unknown_field);
        CHECK(edited.error().detail.find(field) != std::string::npos);
    }
}

}  // namespace client_faults_test
