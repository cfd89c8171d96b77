#include <syncline/testing/simulation/setup.hpp>

#include <syncline/conflict/merges.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace simulation_setup_test {

using namespace syncline;
using syncline::testing::simulation_setup;

namespace {

/// Described wrongly: without a name.
struct nameless {
    std::string id;
    std::string title;

    struct syncline_model {
        static constexpr std::string_view name() { return ""; }
        static constexpr auto key() { return key_field<"id", &nameless::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &nameless::title>()}; }
    };
};

model_schema sample() {
    model_schema m;
    m.name = "sample";
    m.fields = {{"flag", value_kind::boolean, true, nullptr},  {"count", value_kind::integer, true, nullptr}, {"ratio", value_kind::real, true, nullptr},
                {"price", value_kind::decimal, true, nullptr}, {"body", value_kind::text, true, nullptr},     {"data", value_kind::bytes, true, nullptr},
                {"at", value_kind::time, true, nullptr},       {"doc", value_kind::json, true, nullptr},      {"of", value_kind::text, true, nullptr},
                {"sum", value_kind::integer, true, &merges::counter::erased}};
    m.references = {{8, "sample", reference_action::cascade}};
    return m;
}

}  // namespace

TEST_CASE("simulation setup: the value that a user writes tells which write it came from, in every kind but those that cannot") {
    simulation_setup setup;
    setup.models = {sample()};
    const auto& m = setup.models[0];
    for (std::size_t f = 1; f < 8; ++f)
        for (const std::uint64_t n : {1U, 2U, 10U, 4711U}) {
            INFO(m.fields[f].name << " " << n);
            CHECK(setup.follows(m, static_cast<field_index>(f)));
            const auto v = setup.value_of(m, static_cast<field_index>(f), n);
            CHECK(v.kind() == m.fields[f].kind);
            CHECK(simulation_setup::number_of(v) == n);
        }
    CHECK_FALSE(setup.follows(m, 0));
    CHECK_FALSE(setup.follows(m, 8));
    CHECK_FALSE(setup.follows(m, 9));
    CHECK(simulation_setup::number_of(value{}) == 0);
    CHECK(simulation_setup::number_of(value::real(-1e300)) == 0);
    CHECK(simulation_setup::number_of(value::real(1e300)) == 0);
    CHECK(setup.value_of(m, 0, 3) == value::boolean(true));
    auto told_only = m;
    told_only.fields[1].read_only = true;
    CHECK_FALSE(setup.follows(told_only, 1));
}

TEST_CASE("simulation setup: a field whose values the user makes is not followed, the others are") {
    simulation_setup setup;
    setup.models = {sample()};
    setup.make_value = [](const model_schema&, field_index f, std::uint64_t n) { return f == 4 ? std::optional<value>{value::text(n % 2 == 0 ? "open" : "done")} : std::nullopt; };
    CHECK_FALSE(setup.follows(setup.models[0], 4));
    CHECK(setup.follows(setup.models[0], 5));
    CHECK(setup.value_of(setup.models[0], 4, 2) == value::text("open"));
    CHECK(setup.value_of(setup.models[0], 1, 2) == value::integer(2));
}

TEST_CASE("simulation setup: keys are of the model's kind, and what is wrong is said") {
    simulation_setup setup;
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "a simulation needs at least one model");
    setup.models = {sample()};
    CHECK_FALSE(setup.problem());
    CHECK(setup.key_of(setup.models[0], 2) == "sample2");
    auto by_number = sample();
    by_number.key_kind = value_kind::integer;
    CHECK(setup.key_of(by_number, 0) == "1");
    by_number.key_kind = value_kind::bytes;
    CHECK(setup.key_of(by_number, 3) == "00000000-0000-7000-8000-000000000003");
    setup.make_key = [](const model_schema& m, std::size_t n) { return m.name + "/" + std::to_string(n); };
    CHECK(setup.key_of(by_number, 0) == "sample/0");
    for (const auto& [devices, most] : {std::pair{6, 5}, std::pair{0, 5}, std::pair{2, 27}}) {
        setup.devices = static_cast<std::size_t>(devices);
        setup.most_devices = static_cast<std::size_t>(most);
        REQUIRE(setup.problem());
        CHECK(setup.problem()->detail == "a simulation needs 1 to `most_devices` devices, and these are 26 at most");
    }
    setup.most_devices = 5;
    setup.devices = 2;
    setup.labels = {"red"};
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "buckets need `labels` that are granted, and labels need `buckets`");
    setup.buckets["sample"] = [](const model_schema&, std::string_view, const record&) { return label_set{"red"}; };
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "only the mutation wire has buckets: simulate it alone");
    setup.wires = testing::simulated_wires::mutation;
    CHECK_FALSE(setup.problem());
    setup.labels.clear();
    CHECK(setup.problem());
    setup.buckets.clear();
    setup.keys = 0;
    CHECK(setup.problem());
    REQUIRE(simulation_setup::of<nameless, nameless>().problem());
    CHECK(simulation_setup::of<nameless>().problem()->detail.find("a model's name() is empty") == 0);
}

TEST_CASE("simulation setup: fields that older programs lack must be able to be null, and refer to nothing") {
    simulation_setup setup;
    setup.models = {sample()};
    setup.first_fields["sampel"] = 1;
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "`first_fields` names `sampel`, and there is no such model");
    setup.first_fields = {{"sample", 0}};
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "`first_fields` of `sample` must be 1 to 10");
    setup.first_fields = {{"sample", 11}};
    CHECK(setup.problem());
    setup.first_fields = {{"sample", 10}};
    CHECK_FALSE(setup.problem());
    setup.first_fields = {{"sample", 9}};
    CHECK_FALSE(setup.problem());
    setup.first_fields = {{"sample", 8}};
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "`sample.of` came later (`first_fields`): it must be nullable and no reference");
    setup.models[0].fields[9].nullable = false;
    setup.first_fields = {{"sample", 9}};
    REQUIRE(setup.problem());
    CHECK(setup.problem()->detail == "`sample.sum` came later (`first_fields`): it must be nullable and no reference");
}

}  // namespace simulation_setup_test
