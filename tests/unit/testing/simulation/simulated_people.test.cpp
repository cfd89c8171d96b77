#include <syncline/testing/simulation/simulated_people.hpp>

#include <syncline/testing/simulation/memory_stores.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace simulated_people_test {

using namespace syncline;
using namespace syncline::testing;

namespace {

/// A task of an app: numbered, in a list, which it must have, below another task, and with a stamp that the server alone sets.
simulation_setup setup_of_tasks() {
    simulation_setup out;
    model_schema list;
    list.name = "list";
    list.key_kind = value_kind::integer;
    list.fields = {{"title", value_kind::text, true, nullptr}};
    model_schema task;
    task.name = "task";
    task.fields = {{"list", value_kind::integer, false, nullptr}, {"of", value_kind::text, true, nullptr}, {"done", value_kind::boolean, true, nullptr}, {"stamp", value_kind::text, true, nullptr}};
    task.fields[3].read_only = true;
    task.references = {{0, "list", reference_action::cascade}, {1, "task", reference_action::cascade}};
    out.models = {list, task};
    out.keys = 2;
    return out;
}
const record_key task0{1, "task0"};

struct town {
    simulation_setup setup = setup_of_tasks();
    schema_set schemas = *setup.schemas();
    run_ledger ledger{setup, schemas, setup.all_keys(schemas)};
    simulated_people people{setup, schemas};
    // Which record of each model is there.
    std::optional<simulated_people::made_row> change(const std::optional<record>& was, std::uint32_t die, bool lists, bool tasks) {
        return people.changed_row(ledger, schemas, task0, was, die, [&](const record_key& k) { return k.model == 0 ? lists : tasks; });
    }
};

}  // namespace

TEST_CASE("simulated people: a new row refers to what is there and is not itself, or to nothing; without what it needs there is none") {
    town t;
    const auto made = t.change(std::nullopt, 1U << 20, true, true);
    REQUIRE(made);
    CHECK(made->row.fields[0] == value::integer(1));
    CHECK(made->row.fields[1] == value::text("task1"));
    CHECK(made->row.fields[2].kind() == value_kind::boolean);
    // A switch and what the server sets tell nothing of who wrote them.
    CHECK(made->wrote.empty());
    CHECK(t.change(std::nullopt, 1U << 20, true, false)->row.fields[1].is_null());
    CHECK(t.change(std::nullopt, 0, true, true)->row.fields[1].is_null());
    CHECK_FALSE(t.change(std::nullopt, 1U << 20, false, true));
}

TEST_CASE("simulated people: nobody changes what the server alone sets") {
    town t;
    const record was{{value::integer(1), value{}, value{}, value::text("stamp")}};
    for (std::uint32_t die = 0; die < 4; ++die) CHECK(t.change(was, die << 8, true, true)->row.fields[3] == value::text("stamp"));
}

TEST_CASE("simulated people: where there is nothing to write, nothing is written") {
    town t;
    memory_stores stores(t.schemas);
    auto store = stores.make_replica("A");
    const auto wrote = t.people.write(t.ledger, stores, *store, task0, 1U << 20, [](std::string_view) {});
    REQUIRE(wrote);
    CHECK_FALSE(*wrote);
    // A model that refers to one that is not simulated.
    t.setup.models[1].references[0].model = "shelf";
    t.schemas = *t.setup.schemas();
    CHECK_FALSE(t.change(std::nullopt, 1U << 20, true, true));
}

}  // namespace simulated_people_test
