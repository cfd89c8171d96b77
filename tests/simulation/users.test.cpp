// The simulation that users run, as they would: its share of every run, and subjects that are broken on purpose.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/testing/simulation/simulate.hpp>

#include "simulation/notes_and_tags.hpp"
#include "simulation/seeds.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

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

/// Stores whose devices forget what their older program had not sent, when a newer one opens them.
struct careless_stores : testing::memory_stores {
    using memory_stores::memory_stores;
    explicit careless_stores(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] result<std::unique_ptr<replica_store>> grown(replica_store& /*from*/, const std::string& name, const schema_set& known) { return make_replica(name, known); }
};

/// Stores whose tables take nothing from people.
struct strict_stores : testing::memory_stores {
    explicit strict_stores(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] result<void> write(replica_store&, const record_key&, const record&) { return make_fault(code, "not in this table"); }
    [[nodiscard]] result<void> write(authority_store&, const record_key&, const record&) { return make_fault(code, "not in this table"); }
    static inline errc code = errc::constraint;
};

/// A device's store that opens no more after a while.
class failing_store : public memory_replica_store {
public:
    using memory_replica_store::memory_replica_store;
    explicit failing_store(memory_replica_store&& from) : memory_replica_store(std::move(from)) {}
    [[nodiscard]] result<transaction> begin() {
        if (++begun_ > opens) return make_fault(errc::io_error, "the disk is gone");
        return memory_replica_store::begin();
    }
    static inline int opens = 0;

private:
    int begun_ = 0;
};
struct failing_stores : testing::memory_stores {
    using replica_store = failing_store;
    explicit failing_stores(const schema_set& schemas) : memory_stores(schemas), of(schemas) {}
    [[nodiscard]] std::unique_ptr<replica_store> make_replica(const std::string&) { return std::make_unique<replica_store>(of); }
    [[nodiscard]] std::unique_ptr<replica_store> copy(replica_store& from, const std::string&) { return std::make_unique<replica_store>(from.memory_replica_store::copy()); }
    schema_set of;
};

}  // namespace

TEST_CASE("simulation for users: what an app's tables refuse is nothing, and a fault that nobody simulated is told") {
    auto setup = notes_and_tags();
    setup.events = 100;
    strict_stores::code = errc::constraint;
    const auto refused = testing::simulate<strict_stores>(setup, 1, 2);
    INFO(refused.text());
    CHECK(refused.passed());
    CHECK(refused.counts[static_cast<std::size_t>(deed::edit)] + refused.counts[static_cast<std::size_t>(deed::server_edit)] == 0);
    strict_stores::code = errc::io_error;
    const auto told = testing::simulate<strict_stores>(setup, 1, 1);
    REQUIRE(told.failures.size() == 1);
    CHECK(told.failures[0].promise.rule == "unexpected fault");
    CHECK(told.failures[0].promise.what.find("writes to a table: io_error: not in this table") != std::string::npos);
    for (const int opens : {0, 1, 9}) {
        failing_store::opens = opens;
        const auto gone = testing::replay<failing_stores>(setup, testing::script::of(1, 50, setup.weights));
        REQUIRE(gone.failures.size() == 1);
        CHECK(gone.failures[0].promise.rule == "unexpected fault");
        CHECK(gone.failures[0].promise.what.find("the disk is gone") != std::string::npos);
    }
}

TEST_CASE("simulation for users: a newer program that forgets what the older one had not sent is caught") {
    auto setup = notes_and_tags();
    simulation::give_older_programs(setup);
    const auto report = testing::simulate<careless_stores>(setup, 1, 10);
    REQUIRE_FALSE(report.failures.empty());
    INFO(report.text());
    for (const auto& failure : report.failures) {
        const auto& events = failure.smallest.events;
        CHECK(std::any_of(events.begin(), events.end(), [](const testing::event& e) { return e.what == deed::update_app; }));
        CHECK(testing::replay(setup, failure.smallest).passed());
    }
}

TEST_CASE("simulation for users: older programs need stores that such a program can have made") {
    auto setup = notes_and_tags();
    simulation::give_older_programs(setup);
    const auto report = testing::simulate<forgetful_stores>(setup, 1, 1);
    REQUIRE(report.problem);
    CHECK(report.problem->code == errc::unsupported);
    CHECK(report.seeds == 0);
}

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
