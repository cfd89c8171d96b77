// The simulation that users run, as they would: its share of every run, seeds that found something, and subjects that are broken on purpose.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/testing/simulation/simulate.hpp>

#include "simulation/seeds.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace simulation_users_test {

using namespace syncline;
using syncline::testing::deed;
using syncline::testing::simulated_wires;
using syncline::testing::simulation_setup;

namespace {

struct note {
    std::string id, title;
    std::optional<std::string> body;
    std::int64_t stars = 0;

    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return key_field<"id", &note::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &note::title>(), field<"body", &note::body>(), field<"stars", &note::stars>()}; }
    };
};

model_schema tag() {
    model_schema out;
    out.name = "tag";
    out.fields = {{"label", value_kind::text, true, nullptr}, {"note", value_kind::text, true, nullptr}};
    out.references = {{1, "note", reference_action::cascade}};
    return out;
}

simulation_setup notes_and_tags() {
    auto setup = simulation_setup::of<note>();
    setup.models.push_back(tag());
    return setup;
}

/// The resolvers by turns: each gets a share of the seeds.
struct subject {
    const char* name;
    simulated_wires wires;
    void (*resolve)(simulation_setup&);
};
constexpr std::array<subject, 5> subjects{{
    {"server_wins, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::server_wins{}); }},
    {"client_wins, bundle wire", simulated_wires::bundle, [](simulation_setup& s) { s.resolved_by(resolvers::client_wins{}); }},
    {"last_write_wins, mutation wire", simulated_wires::mutation, [](simulation_setup& s) { s.resolved_by(resolvers::last_write_wins{}); }},
    {"field_merge, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::field_merge{}); }},
    {"defer_to_user, both wires", simulated_wires::both, [](simulation_setup& s) { s.resolved_by(resolvers::defer_to_user{}); }},
}};

}  // namespace

TEST_CASE("simulation for users: seeds of every shipped resolver keep every promise, and every fault happens") {
    const std::uint64_t all = simulation::number_from_environment("SYNCLINE_SEEDS").value_or(2000);
    const std::uint64_t first = simulation::number_from_environment("SYNCLINE_FIRST_SEED").value_or(1);
    std::uint64_t operations = 0, seeds = 0;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        auto setup = notes_and_tags();
        setup.events = 1000;
        setup.wires = subjects[i].wires;
        subjects[i].resolve(setup);
        const auto report = testing::simulate(setup, first + i * 1'000'000, (all + subjects.size() - 1) / subjects.size());
        std::printf("simulation for users, %s: %s", subjects[i].name, report.text().c_str());
        CHECK(report.passed());
        operations += report.operations;
        seeds += report.seeds;
        if (report.seeds < 20) continue;
        for (std::size_t d = 0; d < testing::deeds; ++d) {
            INFO(name_of(static_cast<deed>(d)));
            CHECK(report.counts[d] > 0);
        }
    }
    std::printf("simulation for users: %llu seeds, %llu operations\n", static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(operations));
    if (seeds >= 100) CHECK(operations > 1000 * seeds);
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
    twice.models.push_back(tag());
    const auto report = testing::simulate(twice, 1, 10);
    CHECK_FALSE(report.passed());
    CHECK(report.text().find("registered twice") != std::string::npos);
    CHECK(report.seeds == 0);
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

// Scripts that found something, as they were printed.
TEST_CASE("simulation for users: a row under a parent that is being erased keeps its base while its own change is frozen") {
    auto setup = notes_and_tags();
    setup.wires = simulated_wires::mutation;
    const auto report = testing::replay(setup, {321, {
        {deed::proceed, 93, 4}, {deed::proceed, 0, 0}, {deed::server_edit, 139, 0}, {deed::proceed, 222, 0}, {deed::proceed, 239, 0},
        {deed::edit, 72, 0}, {deed::proceed, 251, 0}, {deed::proceed, 151, 163}, {deed::proceed, 122, 0}, {deed::proceed, 202, 0},
        {deed::edit, 27, 3023101961}, {deed::disk_full, 64, 0}, {deed::proceed, 201, 0}, {deed::proceed, 107, 172}, {deed::proceed, 155, 0},
        {deed::disk_full, 207, 4273909071}, {deed::edit, 33, 35679}, {deed::proceed, 195, 0}, {deed::proceed, 128, 0}, {deed::edit, 230, 0},
        {deed::proceed, 208, 0}, {deed::proceed, 63, 0}, {deed::proceed, 44, 0}, {deed::proceed, 125, 19189}, {deed::proceed, 219, 0},
        {deed::proceed, 246, 0}, {deed::proceed, 203, 0}, {deed::proceed, 62, 0}, {deed::proceed, 30, 0}, {deed::proceed, 183, 0},
        {deed::server_edit, 183, 2667411639}, {deed::edit, 51, 86}, {deed::proceed, 21, 0}, {deed::proceed, 12, 0}, {deed::proceed, 166, 0},
        {deed::proceed, 187, 0}, {deed::proceed, 106, 0}, {deed::edit, 72, 205}, {deed::proceed, 102, 0}, {deed::proceed, 76, 0},
        {deed::edit, 142, 37989}, {deed::proceed, 213, 0}, {deed::proceed, 121, 0}, {deed::copy_device, 241, 0}, {deed::edit, 164, 2731526940},
        {deed::proceed, 89, 0}, {deed::proceed, 161, 0}, {deed::proceed, 225, 0}, {deed::copy_device, 92, 0}, {deed::server_edit, 237, 0},
        {deed::proceed, 26, 0}, {deed::proceed, 124, 202}, {deed::edit, 6, 2649493713}, {deed::back_up_server, 156, 0}, {deed::edit, 54, 3060717207},
        {deed::proceed, 214, 0}, {deed::proceed, 219, 0}, {deed::proceed, 104, 0}, {deed::proceed, 184, 0}, {deed::restore_server, 38, 0},
        {deed::proceed, 9, 0}, {deed::edit, 254, 1974364770}}});
    INFO(report.text());
    CHECK(report.passed());
}

// --- subjects that are broken on purpose

namespace {

/// A device's store that says it has committed, now and then, and has not.
class forgetful_store : public memory_replica_store {
public:
    using memory_replica_store::memory_replica_store;
    explicit forgetful_store(memory_replica_store&& from) : memory_replica_store(std::move(from)) {}

    class transaction : public memory_replica_store::transaction {
    public:
        transaction(memory_replica_store::transaction&& in, int& commits) : memory_replica_store::transaction(std::move(in)), commits_(&commits) {}
        [[nodiscard]] result<void> commit() {
            if (++*commits_ % 7 != 0) return memory_replica_store::transaction::commit();
            const memory_replica_store::transaction dropped(std::move(*this));
            return {};
        }

    private:
        int* commits_;
    };
    [[nodiscard]] result<transaction> begin() {
        auto t = memory_replica_store::begin();
        if (!t) return std::move(t).error();
        return transaction(std::move(*t), commits_);
    }

private:
    int commits_ = 0;
};

struct forgetful_stores : testing::memory_stores {
    using replica_store = forgetful_store;
    explicit forgetful_stores(const schema_set& schemas) : memory_stores(schemas), of(schemas) {}
    [[nodiscard]] std::unique_ptr<replica_store> make_replica(const std::string&) { return std::make_unique<replica_store>(of); }
    [[nodiscard]] std::unique_ptr<replica_store> copy(replica_store& from, const std::string&) { return std::make_unique<replica_store>(from.memory_replica_store::copy()); }
    schema_set of;
};

}  // namespace

TEST_CASE("simulation for users: a store that loses commits is caught, and the script that shows it is small and fails again") {
    const auto setup = notes_and_tags();
    const auto report = testing::simulate<forgetful_stores>(setup, 1, 5);
    CHECK_FALSE(report.passed());
    REQUIRE_FALSE(report.failures.empty());
    const auto& failure = report.failures.front();
    INFO(report.text());
    CHECK(failure.smallest.events.size() <= 20);
    CHECK(failure.smallest.events.size() < failure.whole.events.size());
    const auto again = testing::replay<forgetful_stores>(setup, failure.smallest);
    REQUIRE(again.failures.size() == 1);
    CHECK(again.failures.front().promise == failure.promise);
    CHECK(report.text().find("CHECK(syncline::testing::replay(setup, {") != std::string::npos);
    // The same script over a sound store shows nothing.
    CHECK(testing::replay(setup, failure.smallest).passed());
}

}  // namespace simulation_users_test
