#include <syncline/testing/simulation/script.hpp>

#include "support/catch.hpp"

#include <set>
#include <string_view>

namespace simulation_script_test {

using namespace syncline::testing;

TEST_CASE("simulation script: every deed has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < deeds; ++i) names.insert(name_of(static_cast<deed>(i)));
    CHECK(names.size() == deeds);
    CHECK(name_of(deed::edit) == "edit");
    CHECK(name_of(deed::lose_request) == "lose_request");
    CHECK(name_of(deed::no_memory) == "no_memory");
    CHECK(name_of(deed::rebuild) == "rebuild");
}

TEST_CASE("simulation script: a seed always gives the same script, and another seed another") {
    const deed_weights weights;
    CHECK(script::of(7, 100, weights) == script::of(7, 100, weights));
    CHECK_FALSE(script::of(7, 100, weights).events == script::of(8, 100, weights).events);
    // A longer one begins like a shorter one.
    auto longer = script::of(7, 120, weights);
    longer.events.resize(100);
    CHECK(longer == script::of(7, 100, weights));
}

TEST_CASE("simulation script: what weighs nothing never happens, and what is kept does") {
    const auto only = deed_weights{}.faultless_but({deed::prune});
    std::set<deed> seen;
    for (const auto& e : script::of(1, 20000, only).events) seen.insert(e.what);
    CHECK(seen == std::set<deed>{deed::edit, deed::server_edit, deed::decide, deed::proceed, deed::deliver_any, deed::look, deed::grant, deed::revoke, deed::prune});
    std::set<deed> all;
    for (const auto& e : script::of(1, 60000, deed_weights{}).events) all.insert(e.what);
    CHECK(all.size() == deeds);
}

}  // namespace simulation_script_test
