#include <syncline/testing/simulation/agreement.hpp>

#include <syncline/engine/replica_types.hpp>
#include <syncline/transport/principal.hpp>

#include "support/catch.hpp"
#include "unit/testing/simulation/notes_in_buckets.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace simulation_agreement_test {

using namespace syncline;
using namespace syncline::testing;
using simulation_tests::note;
using simulation_tests::notes_in_buckets;

namespace {

using rows = std::map<record_key, record>;

struct table_reader {
    [[nodiscard]] std::optional<record> row(const rows& in, const record_key& key) const {
        const auto at = in.find(key);
        return at == in.end() ? std::optional<record>{} : std::optional<record>{at->second};
    }
};
struct store_of_a_device : rows {
    schema_set known;  // as the device's program knows the models
    [[nodiscard]] const schema_set& schemas() const { return known; }
    using rows::operator=;
};
struct engine_of_a_device {
    replica_status says;
    [[nodiscard]] result<replica_status> status(timestamp) const { return says; }
};
struct program_of_a_device {
    engine_of_a_device runs;
    [[nodiscard]] engine_of_a_device& engine() { return runs; }
};
struct device {
    std::string name = "A";
    principal who{"ann", "main"};
    timestamp clock{};
    store_of_a_device table;
    store_of_a_device* durable = &table;
    program_of_a_device program;
    std::set<record_key> may_keep;
};

// Ann is granted "red".
struct end_of_a_run {
    simulation_setup setup = notes_in_buckets({"red", "green"});
    schema_set schemas = *setup.schemas();
    simulated_view view{setup, schemas};
    run_ledger ledger{setup, schemas, setup.all_keys(schemas)};
    device ann;
    rows server;
    record_key first = ledger.keys()[0], second = ledger.keys()[1];

    end_of_a_run() {
        view.enter("ann");
        ann.table.known = schemas;
    }
    [[nodiscard]] std::string broken() {
        table_reader tables;
        check_agreement(ledger, tables, schemas, view, ann, server);
        return ledger.broken() ? ledger.broken()->rule : std::string{};
    }
};

}  // namespace

TEST_CASE("simulation agreement: a device that shows what its person may see of the server agrees") {
    end_of_a_run e;
    e.server = {{e.first, note("red")}, {e.second, note("green")}};
    e.ann.table = {{e.first, note("red")}};
    CHECK(e.broken().empty());
}

TEST_CASE("simulation agreement: what its person may not see is there no more, unless the server cannot know that it was") {
    end_of_a_run e;
    e.server = {{e.first, note("green")}};
    e.ann.table = {{e.first, note("green")}};
    CHECK(e.broken() == "view");

    end_of_a_run kept;
    kept.server = {{kept.first, note("green")}};
    kept.ann.table = {{kept.first, note("red")}};
    kept.ann.may_keep.insert(kept.first);
    CHECK(kept.broken().empty());
    kept.ann.table = {{kept.second, note("red")}};
    CHECK(kept.broken() == "convergence");
}

TEST_CASE("simulation agreement: a row that lies below one that its person may not see is not seen either") {
    end_of_a_run e;
    e.server = {{e.first, note("green")}, {e.second, note("red", e.first.key)}};
    CHECK(e.broken().empty());
    e.ann.table = {{e.second, note("red", e.first.key)}};
    CHECK(e.broken() == "view");
}

TEST_CASE("simulation agreement: a row that differs, one too many and one too few are convergence; a reference to nothing is said") {
    for (const int which : {0, 1, 2, 3}) {
        CAPTURE(which);
        end_of_a_run e;
        e.server = {{e.first, note("red")}};
        e.ann.table = e.server;
        switch (which) {
        case 0: e.ann.table.clear(); break;
        case 1: e.ann.table[e.second] = note("red"); break;
        case 2: e.ann.table[e.first] = note("red", e.first.key); break;
        default:
            e.setup.buckets.clear();
            e.server = e.ann.table = {{e.first, note("red", e.second.key)}};
        }
        CHECK(e.broken() == (which == 3 ? "references" : "convergence"));
    }
}

TEST_CASE("simulation agreement: nothing may be left to do") {
    const auto broken_with = [](auto change) {
        end_of_a_run e;
        change(e.ann.program.runs.says);
        return e.broken();
    };
    CHECK(broken_with([](replica_status& s) { s.counts.frozen = 1; }) == "liveness");
    CHECK(broken_with([](replica_status& s) { s.counts.open = 1; }) == "liveness");
    CHECK(broken_with([](replica_status& s) { s.counts.waiting = 1; }) == "liveness");
    CHECK(broken_with([](replica_status& s) { s.state.needs_hydration = true; }) == "liveness");
    CHECK(broken_with([](replica_status& s) { s.counts.quarantined = 1; }) == "convergence");
    CHECK(broken_with([](replica_status&) {}).empty());
}

}  // namespace simulation_agreement_test
