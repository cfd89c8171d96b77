// The simulation that users run, as they would: its share of every run.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/testing/simulation/simulate.hpp>

#include "simulation/notes_and_tags.hpp"
#include "simulation/seeds.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace simulation_users_test {

using namespace syncline;
using simulation::notes_and_tags;
using syncline::testing::deed;
using syncline::testing::simulated_wires;
using syncline::testing::simulation_setup;

namespace {

/// The resolvers by turns: each gets a share of the seeds.
struct subject {
    const char* name;
    simulated_wires wires;
    void (*resolve)(simulation_setup&);
};
constexpr std::array<subject, 7> subjects{{
    {"server_wins, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::server_wins{}); }},
    {"client_wins, bundle wire", simulated_wires::bundle, [](simulation_setup& s) { s.resolved_by(resolvers::client_wins{}); }},
    {"last_write_wins, mutation wire", simulated_wires::mutation, [](simulation_setup& s) { s.resolved_by(resolvers::last_write_wins{}); }},
    {"field_merge, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::field_merge{}); }},
    {"defer_to_user, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::defer_to_user{}); }},
    {"buckets and grants, mutation wire", simulated_wires::mutation, [](simulation_setup& s) { simulation::give_buckets(s); }},
    {"programs that learn fields, both wires", simulated_wires::both, [](simulation_setup& s) { simulation::give_older_programs(s); }},
}};

}  // namespace

TEST_CASE("simulation for users: seeds of every shipped resolver keep every promise, and every fault happens") {
    const std::uint64_t all = test_support::wanted_seeds();
    const std::uint64_t first = test_support::number_from_environment("SYNCLINE_FIRST_SEED").value_or(1);
    std::uint64_t operations = 0, seeds = 0;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        auto setup = notes_and_tags();
        setup.events = test_support::is_slow() ? 250 : 1000;  // few seeds are for sanitizers, and not optimised
        setup.wires = subjects[i].wires;
        subjects[i].resolve(setup);
        const auto report = testing::simulate(setup, first + i * 1'000'000, (all + subjects.size() - 1) / subjects.size());
        std::printf("simulation for users, %s: %s", subjects[i].name, report.text().c_str());
        CHECK(report.passed());
        operations += report.operations;
        seeds += report.seeds;
        if (report.seeds * setup.events < 100'000) continue;
        for (std::size_t d = 0; d < testing::deeds; ++d) {
            INFO(name_of(static_cast<deed>(d)));
            const auto what = static_cast<deed>(d);
            const bool possible = what == deed::grant || what == deed::revoke ? !setup.buckets.empty() : what != deed::update_app || !setup.first_fields.empty();
            CHECK((report.counts[d] > 0) == possible);
        }
    }
    std::printf("simulation for users: %llu seeds, %llu operations\n", static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(operations));
    if (seeds >= 100) CHECK(operations > (test_support::is_slow() ? 250U : 1000U) * seeds);
}

TEST_CASE("simulation for users: a setup and a script always give the same run") {
    auto setup = notes_and_tags();
    setup.events = 400;
    const auto script = testing::script::of(11, setup.events, setup.weights);
    const auto schemas = *setup.schemas();
    testing::simulated_world<testing::memory_stores> one(setup, schemas, script.seed, true), two(setup, schemas, script.seed, true);
    CHECK_FALSE(one.run(script));
    CHECK_FALSE(two.run(script));
    CHECK(one.log().size() > 400);
    CHECK(one.log() == two.log());
    CHECK(one.operations() == two.operations());
}

TEST_CASE("simulation for users: what is wrong with the setup is said, and nothing runs") {
    simulation_setup empty;
    CHECK(testing::simulate(empty, 1, 10).text() == "the simulation cannot run: a simulation needs at least one model\n");
    auto twice = notes_and_tags();
    twice.models.push_back(simulation::tag());
    const auto report = testing::simulate(twice, 1, 10);
    CHECK_FALSE(report.passed());
    CHECK(report.text().find("registered twice") != std::string::npos);
    CHECK(report.seeds == 0);
    CHECK(testing::replay(empty, {}).problem);
    CHECK_FALSE(testing::simulate(notes_and_tags(), 1, 0).passed());
}

TEST_CASE("simulation for users: faults that are switched off do not happen") {
    auto setup = notes_and_tags();
    setup.weights.faultless_but({deed::prune});
    const auto report = testing::simulate(setup, 1, 20);
    CHECK(report.passed());
    CHECK(report.counts[static_cast<std::size_t>(deed::prune)] > 0);
    CHECK(report.counts[static_cast<std::size_t>(deed::edit)] > 0);
    CHECK(report.counts[static_cast<std::size_t>(deed::crash)] == 0);
    CHECK(report.counts[static_cast<std::size_t>(deed::lose_answer)] == 0);
}

}  // namespace simulation_users_test
