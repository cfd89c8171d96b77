// The simulation that users run, over stores that are broken on purpose: what it finds.

#include <syncline/testing/simulation/simulate.hpp>

#include "simulation/notes_and_tags.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace simulation_broken_stores_test {

using namespace syncline;
using simulation::notes_and_tags;
using syncline::testing::deed;

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

/// Stores whose devices forget what their older program had not sent, when a newer one opens them; or which it cannot open.
struct careless_stores : testing::memory_stores {
    using memory_stores::memory_stores;
    explicit careless_stores(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] result<std::unique_ptr<replica_store>> grown(replica_store& /*from*/, const std::string& name, const schema_set& known) {
        if (shut) return make_fault(errc::io_error, "not by this program");
        return make_replica(name, known);
    }
    static inline bool shut = false;
};

/// Stores of whose torn commits only a part is there: the rows, and not the changes that are under way with them.
struct tearing_rows : testing::memory_stores {
    using memory_stores::memory_stores;
    explicit tearing_rows(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] std::unique_ptr<replica_store> torn(replica_store& /*before*/, replica_store& after, const std::string& name, std::uint32_t /*die*/) {
        auto out = copy(after, name);
        auto t = out->begin();
        if (t && t->drop_batch()) (void)t->commit();
        return out;
    }
};

/// Stores whose media are empty after a torn commit.
struct tearing_all : testing::memory_stores {
    using memory_stores::memory_stores;
    explicit tearing_all(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] std::unique_ptr<replica_store> torn(replica_store& /*before*/, replica_store& /*after*/, const std::string& name, std::uint32_t /*die*/) { return make_replica(name); }
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

template <class Stores>
bool is_caught_tearing() {
    auto setup = notes_and_tags();
    setup.weights.faultless_but({deed::torn_write});
    setup.weights.set(deed::torn_write, 60);
    const auto report = testing::simulate<Stores>(setup, 1, 10);
    INFO(report.text());
    if (report.failures.empty()) return false;
    CHECK(testing::replay(setup, report.failures.front().smallest).passed());
    return true;
}

}  // namespace

TEST_CASE("simulation of broken stores: a commit of which a part is on the medium is caught, and so is a medium that is empty then") {
    CHECK(is_caught_tearing<tearing_rows>());
    CHECK(is_caught_tearing<tearing_all>());
    CHECK_FALSE(is_caught_tearing<testing::memory_stores>());
}

TEST_CASE("simulation of broken stores: what an app's tables refuse is nothing, and a fault that nobody simulated is told") {
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

TEST_CASE("simulation of broken stores: a newer program that forgets what the older one had not sent is caught") {
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

TEST_CASE("simulation of broken stores: a store that a newer program cannot open is told") {
    auto setup = notes_and_tags();
    simulation::give_older_programs(setup);
    setup.weights.faultless_but({deed::update_app});
    careless_stores::shut = true;
    const auto report = testing::simulate<careless_stores>(setup, 1, 5);
    careless_stores::shut = false;
    INFO(report.text());
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures[0].promise.rule == "unexpected fault");
    CHECK(report.failures[0].promise.what.find("'s newer program cannot open the store: io_error: not by this program") != std::string::npos);
}

TEST_CASE("simulation of broken stores: older programs need stores that such a program can have made") {
    auto setup = notes_and_tags();
    simulation::give_older_programs(setup);
    const auto report = testing::simulate<forgetful_stores>(setup, 1, 1);
    REQUIRE(report.problem);
    CHECK(report.problem->code == errc::unsupported);
    CHECK(report.seeds == 0);
}

TEST_CASE("simulation of broken stores: a store that loses commits is caught, and the script that shows it is small and fails again") {
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

}  // namespace simulation_broken_stores_test
