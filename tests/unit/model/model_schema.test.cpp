#include <syncline/model/model_schema.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace model_schema_test {

using syncline::errc;
using syncline::field_index;
using syncline::max_fields;
using syncline::model_schema;
using syncline::reference_schema;
using syncline::schema_set;
using syncline::seeded_random;

namespace {

model_schema named(std::string name, std::size_t fields = 2) {
    model_schema s;
    s.name = std::move(name);
    for (std::size_t i = 0; i < fields; ++i) {
        s.fields.emplace_back();
        s.fields.back().name = std::string("f").append(std::to_string(i));
    }
    return s;
}

model_schema referring(std::string name, const std::vector<std::string>& targets) {
    model_schema s = named(std::move(name));
    for (const auto& t : targets) s.references.push_back(reference_schema{0, t, {}});
    return s;
}

}  // namespace

TEST_CASE("model schema: finds its fields by name, and its table is its name unless another is given") {
    model_schema s = named("task", 3);
    CHECK(s.find_field("f0") == field_index{0});
    CHECK(s.find_field("f2") == field_index{2});
    CHECK_FALSE(s.find_field("f3"));
    CHECK_FALSE(s.find_field(""));
    CHECK(s.all_fields() == syncline::field_set::first(3));
    CHECK(s.table_name() == "task");
    s.table = "tasks";
    CHECK(s.table_name() == "tasks");
}

TEST_CASE("schema set: ids are positions, and names find them") {
    schema_set set;
    CHECK(*set.add(named("a")) == 0);
    CHECK(*set.add(named("b")) == 1);
    CHECK(set.size() == 2);
    CHECK(set.contains(1));
    CHECK_FALSE(set.contains(2));
    CHECK(set.find("b") == syncline::model_id{1});
    CHECK_FALSE(set.find("c"));
    CHECK(set[1].name == "b");
    std::string seen;
    for (const model_schema& s : set) seen.append(s.name);
    CHECK(seen == "ab");
}

TEST_CASE("schema set: a wrong description is refused with what to do, and changes nothing (W49)") {
    struct mistake {
        const char* says;
        std::function<void(model_schema&)> make;
    };
    const std::vector<mistake> mistakes{
        {"without a name", [](model_schema& s) { s.name.clear(); }},
        {"registered twice", [](model_schema& s) { s.name = "task"; }},
        {"no key column", [](model_schema& s) { s.key_name.clear(); }},
        {"more than 256 fields", [](model_schema& s) { s = named("other", max_fields + 1); }},
        {"without a name", [](model_schema& s) { s.fields[1].name.clear(); }},
        {"name of the key", [](model_schema& s) { s.fields[1].name = "id"; }},
        {"listed twice", [](model_schema& s) { s.fields[1].name = "f0"; }},
        {"that the model does not have", [](model_schema& s) { s.references.push_back(reference_schema{2, "task", {}}); }},
    };
    for (const mistake& m : mistakes) {
        CAPTURE(m.says);
        schema_set set;
        REQUIRE(set.add(named("task")));
        model_schema wrong = named("other");
        m.make(wrong);
        const auto refused = set.add(wrong);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
        CHECK(refused.error().detail.find(m.says) != std::string::npos);
        CHECK(set.size() == 1);
        CHECK(set.add(named("other")));
    }
    schema_set set;
    CHECK(set.add(named("widest", max_fields)));
}

TEST_CASE("schema set: in any order of registration, a model ranks above all it refers to") {
    const std::uint64_t seed = 6;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 200; ++round) {
        // Model i refers to models below i only: no cycle. They are registered in a random order.
        std::vector<model_schema> models;
        for (int i = 0; i < 7; ++i) {
            std::vector<std::string> targets;
            for (int j = 0; j < i; ++j)
                if (random.chance(1, 3)) targets.push_back(std::string("m").append(std::to_string(j)));
            models.push_back(referring(std::string("m").append(std::to_string(i)), targets));
        }
        for (std::size_t i = models.size(); i > 1; --i)
            std::swap(models[i - 1], models[static_cast<std::size_t>(random.below(i))]);
        schema_set set;
        for (const auto& m : models) REQUIRE(set.add(m));
        for (std::size_t id = 0; id < set.size(); ++id) {
            const auto model = static_cast<syncline::model_id>(id);
            for (const auto& r : set[model].references) REQUIRE(set.rank_of(*set.find(r.model)) < set.rank_of(model));
            if (set[model].references.empty()) REQUIRE(set.rank_of(model) == 0);
        }
    }
}

TEST_CASE("schema set: references to oneself, in a circle and to strangers are taken, and ranks stay bounded") {
    schema_set set;
    REQUIRE(set.add(referring("self", {"self", "stranger"})));
    CHECK(set.rank_of(0) == 0);
    REQUIRE(set.add(referring("a", {"b"})));
    REQUIRE(set.add(referring("b", {"c"})));
    REQUIRE(set.add(referring("c", {"a"})));
    for (syncline::model_id id = 0; id < set.size(); ++id) CHECK(set.rank_of(id) < set.size());
}

}  // namespace model_schema_test
