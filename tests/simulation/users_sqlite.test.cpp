// The simulation that users run, over stores of their own: SQLite files.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/testing/simulation/simulate.hpp>

#include "simulation/notes_and_tags.hpp"
#include "simulation/sqlite_stores.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace simulation_users_sqlite_test {

using namespace syncline;
using simulation::notes_and_tags;
using simulation::sqlite_stores;
using syncline::testing::deed;
using syncline::testing::simulated_wires;
using syncline::testing::simulation_setup;

static_assert(testing::growing_stores<sqlite_stores> && testing::tearing_stores<sqlite_stores>);

namespace {

struct subject {
    const char* name;
    simulated_wires wires;
    void (*give)(simulation_setup&);
};
constexpr std::array<subject, 3> subjects{{
    {"field_merge, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::field_merge{}); }},
    {"buckets and grants, mutation wire", simulated_wires::mutation, [](simulation_setup& s) { simulation::give_buckets(s); }},
    {"programs that learn fields, both wires", simulated_wires::both, [](simulation_setup& s) { simulation::give_older_programs(s); }},
}};

}  // namespace

TEST_CASE("simulation over SQLite files: seeds keep every promise, also where commits are torn and columns are added") {
    const std::uint64_t seeds = 1 + test_support::wanted_seeds() / 100;
    const std::uint64_t first = test_support::number_from_environment("SYNCLINE_FIRST_SEED").value_or(1);
    const auto torn_before = sqlite_stores::torn_commits();
    std::uint64_t events = 0;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        auto setup = notes_and_tags();
        setup.events = 300;
        setup.wires = subjects[i].wires;
        setup.weights.set(deed::torn_write, 25);
        subjects[i].give(setup);
        const auto report = testing::simulate<sqlite_stores>(setup, first + i * 1'000'000, seeds);
        std::printf("simulation over SQLite files, %s: %s", subjects[i].name, report.text().c_str());
        CHECK(report.passed());
        events += report.seeds * setup.events;
    }
    const auto torn = sqlite_stores::torn_commits() - torn_before;
    std::printf("simulation over SQLite files: %llu commits torn\n", static_cast<unsigned long long>(torn));
    if (events > 5000) CHECK(torn > 0);
}

TEST_CASE("simulation over SQLite files: a script gives the same run as over memory") {
    auto setup = notes_and_tags();
    setup.events = 200;
    setup.weights.set(deed::torn_write, 0);  // how much of a commit arrives is the medium's
    simulation::give_older_programs(setup);
    const auto schemas = *setup.schemas();
    for (std::uint64_t seed = 1; seed <= (test_support::is_slow() ? 1U : 15U); ++seed) {
        CAPTURE(seed);
        const auto script = testing::script::of(seed, setup.events, setup.weights);
        testing::simulated_world<testing::memory_stores> in_memory(setup, schemas, seed, true);
        testing::simulated_world<sqlite_stores> in_files(setup, schemas, seed, true);
        CHECK_FALSE(in_memory.run(script));
        CHECK_FALSE(in_files.run(script));
        CHECK(in_memory.counts() == in_files.counts());
        CHECK(in_memory.log().size() > 200);
        CHECK(in_memory.log() == in_files.log());
    }
}

TEST_CASE("simulation over SQLite files: a commit that is torn at any octet is there whole or not at all") {
    const auto setup = notes_and_tags();
    const auto schemas = *setup.schemas();
    sqlite_stores stores(schemas);
    const record_key key{0, "a"};
    const auto state_of = [](sqlite_stores::replica_store& s) { return simulation::lab_must(simulation::lab_must(s.begin()).state()).next_ordinal; };
    auto store = stores.make_replica("A");
    const auto put = [&](std::uint64_t ordinal) {
        auto t = simulation::lab_must(store->begin());
        auto state = simulation::lab_must(t.state());
        state.next_ordinal = ordinal;
        simulation::lab_must(t.put_state(state));
        simulation::lab_must(t.write(key, record{{value::text("title " + std::to_string(ordinal)), value::text(std::string(3000, 'x')), value::integer(1)}}));
        simulation::lab_must(t.commit());
    };
    put(7);
    const std::string before = sqlite_stores::log_of(*store);
    put(8);
    const std::string after = sqlite_stores::log_of(*store);
    REQUIRE(after.size() > before.size());
    REQUIRE(after.compare(0, before.size(), before) == 0);
    std::size_t whole = 0, none = 0;
    const std::size_t stride = test_support::is_slow() ? 1021 : 97;
    for (std::size_t cut = before.size(); cut <= after.size(); cut = cut == after.size() ? cut + 1 : (std::min)(cut + stride, after.size()))
        for (const bool damaged : {false, true}) {
            std::string log = after.substr(0, cut);
            if (damaged && cut > before.size()) log.replace(before.size(), 1, 1, static_cast<char>(~log[before.size()]));
            CAPTURE(cut, damaged);
            auto torn = stores.opened_torn(*store, "A", log);
            const auto ordinal = state_of(*torn);
            CHECK((ordinal == 7 || ordinal == 8));
            CHECK(stores.row(*torn, key)->fields[0] == value::text("title " + std::to_string(ordinal)));
            ++(ordinal == 8 ? whole : none);
        }
    CHECK(whole > 0);
    CHECK(none > 0);
}

}  // namespace simulation_users_sqlite_test
