#include <syncline/testing/simulation/shrink.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace simulation_shrink_test {

using namespace syncline::testing;

TEST_CASE("simulation shrink: what is left is what matters, in its order") {
    const auto whole = script::of(3, 500, deed_weights{});
    // It fails when device 1's group edits, and later the server forgets.
    const auto fails = [](const script& s) {
        const auto edit = std::find_if(s.events.begin(), s.events.end(), [](const event& e) { return e.what == deed::edit && e.die % 2 == 1; });
        return std::any_of(edit, s.events.end(), [](const event& e) { return e.what == deed::prune; });
    };
    REQUIRE(fails(whole));
    const auto smallest = shrink(whole, fails);
    REQUIRE(smallest.events.size() == 2);
    CHECK(smallest.seed == 3);
    CHECK(smallest.events[0].what == deed::edit);
    CHECK(smallest.events[0].die < 256);
    CHECK(smallest.events[1].what == deed::prune);
    CHECK(smallest.events[1].die == 0);
}

TEST_CASE("simulation shrink: what cannot be left out stays, and it asks no more often than it may") {
    const auto whole = script::of(3, 40, deed_weights{});
    std::size_t asked = 0;
    CHECK(shrink(whole, [&](const script& s) { return ++asked, s == whole; }) == whole);
    CHECK(asked > 40);
    asked = 0;
    (void)shrink(whole, [&](const script&) { return ++asked, false; }, 10);
    CHECK(asked == 10);
    // It finds something to leave out to its last question.
    std::size_t left = whole.events.size();
    const auto one_by_one = [&](const script& s) { return s.events.size() + 1 == left && left-- != 0; };
    CHECK(shrink(whole, one_by_one, 60).events.size() == left);
    CHECK(left < 40);
    CHECK(left > 0);
    // What is 0 already stays.
    const script zero{3, {{deed::edit, 0, 0}, {deed::edit, 0, 1}}};
    CHECK(shrink(zero, [&](const script& s) { return s.events.size() == 2; }) == script{3, {{deed::edit, 0, 0}, {deed::edit, 0, 0}}});
    // Nothing at all is needed.
    CHECK(shrink(whole, [](const script&) { return true; }).events.empty());
}

TEST_CASE("simulation shrink: a script is printed as a test case, with what happened beside each event") {
    const script s{9, {{deed::edit, 1, 4}, {deed::prune, 0, 0}}};
    CHECK(as_test_case(s, {"layers", "A shows nothing"}, {{0, "B creates note0"}, {1, "the server forgets"}, {1, "and more"}, {2, "faults stop"}}, 200) ==
          "// layers: A shows nothing\n"
          "// 2 events, found with 200\n"
          "CHECK(syncline::testing::replay(setup, {9, {\n"
          "    {deed::edit, 1, 4},  // B creates note0\n"
          "    {deed::prune, 0, 0},  // the server forgets\n"
          "            // and more\n"
          "}}).passed());\n"
          "// then:\n"
          "// faults stop\n");
}

}  // namespace simulation_shrink_test
