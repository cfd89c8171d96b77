#include <syncline/testing/small_model/explore.hpp>

#include <syncline/conflict/merges.hpp>
#include <syncline/testing/small_model/count.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace small_model_explore_test {

using namespace syncline;
using namespace syncline::testing::small_model;
namespace small_model = syncline::testing::small_model;

namespace {

[[nodiscard]] rules rules_with(wire_kind wire, resolver decides, const field_merge* counts = nullptr) {
    return {"here", wire, overlap_policy::by_field, std::move(decides), counts, true};
}

// The larger value wins: a rule that asks what the values are.
[[nodiscard]] resolution larger_wins(const conflict& c, const resolver_context&) {
    if (c.server == nullptr || c.client == nullptr) return resolution::take_server("gone");
    return c.client->fields[0].as_integer() > c.server->fields[0].as_integer() ? resolution::take_client() : resolution::take_server();
}

// A counter that takes what the device says, and loses what others have counted meanwhile.
constexpr field_merge forgetful{"forgetful", [](const merge_input& in) -> std::optional<value> { return in.client; }, true, nullptr};

}  // namespace

TEST_CASE("explore: both wires keep their promises in every state, and a second count finds as many") {
    for (const auto wire : {wire_kind::mutation, wire_kind::bundle}) {
        const auto how = rules_with(wire, resolvers::client_wins{});
        const auto found = explore(how, {3, 1, 1, 0});
        INFO(found.violation);
        CHECK(found.violation.empty());
        CHECK(found.whole);
        CHECK(found.at_rest > 0);
        CHECK(found.states > 100);
        CHECK(count_states(how, {3, 1, 1, 0}) == found.named);
    }
}

TEST_CASE("explore: the same states give the same digest, others another") {
    const auto how = rules_with(wire_kind::mutation, resolvers::server_wins{});
    const auto found = explore(how, {1, 2, 2, 0});
    CHECK(explore(how, {1, 2, 2, 0}).digest == found.digest);
    CHECK(explore(how, {1, 1, 1, 0}).digest != found.digest);
    CHECK(explore(rules_with(wire_kind::bundle, resolvers::server_wins{}), {1, 2, 2, 0}).digest != found.digest);
}

TEST_CASE("explore: names that are not told apart make fewer states of the same") {
    auto how = rules_with(wire_kind::bundle, resolvers::field_merge{});
    const auto alike = explore(how, {2, 1, 1, 0});
    how.alike = false;
    const auto apart = explore(how, {2, 1, 1, 0});
    CHECK(apart.states == alike.named);
    CHECK(apart.named == alike.named);
    CHECK(3 * alike.states < apart.states);
}

TEST_CASE("explore: a resolver that compares values is found out by the second count, and is whole where that is said") {
    auto how = rules_with(wire_kind::bundle, larger_wins);
    const bounds within{2, 2, 1, 0};
    CHECK(count_states(how, within) != explore(how, within).named);
    how.alike = false;
    const auto found = explore(how, within);
    CHECK(found.violation.empty());
    CHECK(count_states(how, within) == found.named);
}

TEST_CASE("explore: a merge that loses what others counted is found on either wire, by the shortest way there") {
    for (const auto wire : {wire_kind::mutation, wire_kind::bundle}) {
        CHECK(explore(rules_with(wire, {}, &merges::counter::erased), {2, 2, 1, 0}).violation.empty());
        testing::report to;
        const auto found = explore(rules_with(wire, {}, &forgetful), {2, 2, 1, 0}, to);
        CHECK_FALSE(to.passed());
        CHECK_FALSE(count_states(rules_with(wire, {}, &forgetful), {2, 2, 1, 0}));
        CHECK(found.violation.find("count") != std::string::npos);
        CHECK(found.script.size() >= 5);
        CHECK(found.script.size() <= 8);
        CHECK(found.script.front().find("changes field b") != std::string::npos);
        CHECK(to.text().find(found.script.back()) != std::string::npos);
    }
}

TEST_CASE("explore: a model that is larger than it may be is not called whole") {
    testing::report to;
    const auto found = explore(rules_with(wire_kind::mutation, {}), {2, 2, 2, 100}, to);
    CHECK_FALSE(found.whole);
    CHECK(found.states == 100);
    CHECK_FALSE(to.passed());
    CHECK_FALSE(count_states(rules_with(wire_kind::mutation, {}), {2, 2, 2, 0}, 100));
}

TEST_CASE("explore: what waits for a person does so on either wire") {
    for (const auto wire : {wire_kind::mutation, wire_kind::bundle}) {
        const auto all = explore(rules_with(wire, resolvers::defer_to_user{}), {2, 2, 1, 0});
        INFO(all.violation);
        CHECK(all.violation.empty());
        CHECK(all.whole);
    }
    CHECK(explore(rules_with(wire_kind::bundle, resolvers::defer_to_user{}), {2, 3, 2, 3000}).violation.empty());
}

TEST_CASE("explore: a person may keep what waits, or give it up, and either way it ends") {
    for (const auto wire : {wire_kind::mutation, wire_kind::bundle})
        for (const auto decision : {action::keep, action::give_up}) {
            world model{rules_with(wire, resolvers::defer_to_user{}), {2, 3, 2, 0}};
            state now = model.beginnings().front();
            const auto go = [&](const step& by) {
                INFO(text_of(by));
                const auto next = model.after(now, by);
                INFO(model.violation());
                REQUIRE(next);
                now = *next;
                model.check(now, false);
            };
            const auto rest = [&] {
                while (const auto next = model.towards_rest(now)) go(*next);
                model.check(now, true);
                CHECK(model.violation().empty());
            };
            go({action::set_a, 0, 0});
            go({action::set_a, 1, 0});
            rest();
            // A's came first: it is B's that waits.
            REQUIRE(model.device_of(now, 1).records[0].waiting);
            bool possible = false;
            model.steps(now, [&](const step& by, const std::optional<state>&) { possible = possible || by == step{decision, 1, 0}; });
            CHECK(possible);
            const auto wanted = decision == action::keep ? model.device_of(now, 1).records[0].visible : model.device_of(now, 0).records[0].visible;
            go({decision, 1, 0});
            rest();
            for (std::size_t d = 0; d < 2; ++d) CHECK(model.device_of(now, d).records[0].visible == wanted);
        }
}

TEST_CASE("explore: of a batch of two records each outcome is told for itself") {
    // Both of B's lose to A's; one of B's does.
    for (const auto& how : {rules_with(wire_kind::mutation, resolvers::client_wins{}), rules_with(wire_kind::mutation, resolvers::server_wins{})})
        for (const std::uint8_t of_a : {std::uint8_t{1}, std::uint8_t{2}}) {
            world model{how, {2, 4, 2, 0}};
            state now = model.beginnings().front();
            const auto go = [&](const step& by) {
                const auto next = model.after(now, by);
                INFO(model.violation());
                REQUIRE(next);
                now = *next;
                model.check(now, false);
            };
            for (std::uint8_t r = 0; r < of_a; ++r) go({action::set_a, 0, r});
            for (std::uint8_t r = 0; r < 2; ++r) go({action::set_a, 1, r});
            while (const auto next = model.towards_rest(now)) go(*next);
            model.check(now, true);
            CHECK(model.violation().empty());
            CHECK(model.device_of(now, 0).records[0].visible == model.device_of(now, 1).records[0].visible);
        }
}

TEST_CASE("explore: the first promise that is broken is the one that is told, and a fault is one") {
    surroundings in{rules_with(wire_kind::mutation, {}), {}};
    CHECK(in.require(true, "never"));
    CHECK(in.went(result<void>{}, "nothing"));
    CHECK(in.violation.empty());
    CHECK_FALSE(in.went(result<void>{make_fault(errc::io_error, "the disk is gone")}, "reading"));
    CHECK_FALSE(in.require(false, "later"));
    CHECK(in.violation == "reading failed: io_error: the disk is gone");
    server_part none;
    CHECK(none.row_at(0, 0) == 0U);
    CHECK_FALSE(none.row_at(0, 5));
    CHECK(in.rows.of(record{{value{}, value::integer(1)}}) != in.rows.of(record{{value::integer(1), value::integer(1)}}));
}

TEST_CASE("explore: the wires agree on one user who edits again while answers are lost: there is nobody to conflict with") {
    for (const auto wire : {wire_kind::mutation, wire_kind::bundle}) {
        const auto found = explore(rules_with(wire, resolvers::defer_to_user{}), test_support::is_slow() ? bounds{1, 2, 2, 0} : bounds{1, 3, 3, 0});
        INFO(found.violation);
        CHECK(found.violation.empty());
    }
}

TEST_CASE("explore: a circle on the way to rest is found, however long the way into it") {
    using small_model::detail::nowhere;
    using small_model::detail::restless;
    const auto traces = [](std::initializer_list<std::uint32_t> next) {
        std::vector<small_model::detail::trace> out;
        for (const auto n : next) out.push_back({nowhere, {}, n});
        return out;
    };
    CHECK_FALSE(restless(traces({1, 2, nowhere, 1, 0})));
    CHECK(restless(traces({1, 2, 3, 2})));
    CHECK(restless(traces({nowhere, 1})));
    const std::vector<small_model::detail::trace> sent{{nowhere, {}, 1}, {0, {action::send, 1, 0}, nowhere}};
    CHECK(small_model::detail::script_to(sent, 1, std::nullopt) == std::vector<std::string>{text_of({action::send, 1, 0})});
    CHECK(small_model::detail::script_to(sent, 1, step{action::lose, 1, 0}).back() == text_of({action::lose, 1, 0}));
}

TEST_CASE("shipped rules: every resolver stands on both wires under each way to judge overlap, and with a counter") {
    const auto all = shipped_rules();
    CHECK(all.size() == 40);
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) CHECK(all[i].name != all[j].name);
}

TEST_CASE("step: reads as a line of a script") {
    CHECK(text_of({action::set_b, 1, 0}) == "device B: the user changes field b of record 0");
    CHECK(text_of({action::lose, 2, 0}) == "device C: the answer is lost");
    CHECK(text_of({action::give_up, 0, 1}) == "device A: the user gives up the change of record 1, which waits");
    std::set<std::string> different;
    for (const auto what : {action::create, action::set_a, action::set_b, action::erase, action::keep, action::give_up, action::freeze, action::send, action::ask, action::take, action::lose})
        different.insert(text_of({what, 0, 0}));
    CHECK(different.size() == 11);
}

}  // namespace small_model_explore_test
