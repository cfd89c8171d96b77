#include <syncline/testing/simulation/simulated_program.hpp>

#include <syncline/storage/memory_replica_store.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <variant>

namespace simulated_program_test {

using namespace syncline;
using namespace syncline::testing;

namespace {

struct two_programs {
    schema_set schemas = [] {
        model_schema note;
        note.name = "note";
        note.fields = {{"title", value_kind::text, true, nullptr}};
        schema_set out;
        static_cast<void>(*out.add(note));
        return out;
    }();
    simulation_setup setup;
    memory_replica_store durable{schemas};
    store_faults faults;
    seeded_random random{1};
    simulated_program<memory_replica_store> first, second;
    timestamp now = from_microseconds(1'700'000'000'000'000);

    two_programs() {
        first.start(durable, faults, setup, false, 10, 10, 1);
        second.start(durable, faults, setup, false, 10, 10, 2);
        REQUIRE(first.engine().open(random, now));
    }
    [[nodiscard]] errc next(simulated_program<memory_replica_store>& p) {
        const auto step = p.next(now, random);
        return step ? errc{} : step.error().code;
    }
};

}  // namespace

TEST_CASE("simulated_program: only one syncs at a time, and the other one when that has ended") {
    two_programs p;
    CHECK(p.first.begin_sync(sync_mode::pull_only, p.now).value_or(false));
    CHECK(p.first.running);
    CHECK_FALSE(p.second.begin_sync(sync_mode::pull_only, p.now).value_or(true));
    CHECK_FALSE(p.second.running);
    CHECK(p.next(p.first) == errc{});
    REQUIRE(p.first.end_sync());
    CHECK_FALSE(p.first.running);
    CHECK(p.second.begin_sync(sync_mode::pull_only, p.now).value_or(false));
}

TEST_CASE("simulated_program: one that slept for longer than its lease finds that the other one syncs, and changes nothing") {
    two_programs p;
    REQUIRE(p.first.begin_sync(sync_mode::push_then_pull, p.now).value_or(false));
    CHECK(p.next(p.first) == errc{});
    p.now += std::chrono::minutes{2};
    CHECK(p.second.begin_sync(sync_mode::push_then_pull, p.now).value_or(false));
    CHECK(p.next(p.first) == errc::busy);
    const auto late = p.first.on(1, response{200, {}, "{}"}, p.now, p.random);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == errc::busy);
    CHECK(p.first.end_sync());
    CHECK(p.next(p.second) == errc{});  // ending the first one took nothing from it
}

TEST_CASE("simulated_program: an answer that comes when its sync has ended is passed over, though the lease could not be given back and is another's") {
    two_programs p;
    REQUIRE(p.first.begin_sync(sync_mode::push_then_pull, p.now).value_or(false));
    p.faults.fail_once(1, errc::storage_full);
    CHECK_FALSE(p.first.end_sync());
    p.now += std::chrono::minutes{2};
    CHECK(p.second.begin_sync(sync_mode::push_then_pull, p.now).value_or(false));
    CHECK(p.first.on(1, response{200, {}, "{}"}, p.now, p.random));
    CHECK(p.next(p.second) == errc{});
}

TEST_CASE("simulated_program: commits of a lease are told from those that take edits in") {
    two_programs p;
    const auto before = p.faults.commits();
    REQUIRE(p.first.begin_sync(sync_mode::pull_only, p.now).value_or(false));
    CHECK(p.faults.commits() == before + 1);
    CHECK(p.first.lease_commits() == 1);
    REQUIRE(p.first.end_sync());
    CHECK(p.first.lease_commits() == 2);
    CHECK(p.second.lease_commits() == 0);
}

TEST_CASE("simulated_program: one that has ended is not there, and keeps what nobody was told of") {
    two_programs p;
    p.first.decided.push_back({0, "a"});
    p.first.stop();
    CHECK_FALSE(p.first.is_there());
    CHECK(p.first.incarnation() == 0);
    CHECK(p.first.decided.size() == 1);
    CHECK(p.second.is_there());
}

}  // namespace simulated_program_test
