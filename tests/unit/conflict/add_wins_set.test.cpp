#include <syncline/conflict/add_wins_set.hpp>

#include <syncline/conflict/merge_laws.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace add_wins_set_test {

using syncline::merge_input;
using syncline::seeded_random;
using syncline::value;
using syncline::merges::add_wins_set;

namespace {

std::optional<value> run(const value& base, const value& server, const value& client) {
    return add_wins_set::erased.merge(merge_input{base, server, client, {}, {}});
}
value json(const char* s) { return value::json(s); }

std::string written(unsigned mask) {
    std::string s = "[";
    for (unsigned i = 0; i < 5; ++i)
        if ((mask >> i & 1U) != 0) s.append(s.size() > 1 ? "," : "").append(std::to_string(i));
    return s.append("]");
}

}  // namespace

TEST_CASE("add wins set: an element of the base stays where both have it, any other where either has it") {
    for (unsigned base = 0; base < 32; base += 3)
        for (unsigned server = 0; server < 32; ++server)
            for (unsigned client = 0; client < 32; ++client) {
                const auto merged = run(value::json(written(base)), value::json(written(server)), value::json(written(client)));
                const unsigned expected = (base & server & client) | ((server | client) & ~base);
                REQUIRE(merged);
                REQUIRE(add_wins_set::equivalent(*merged, value::json(written(expected))));
            }
}

TEST_CASE("add wins set: the server's order first, then the client's additions in theirs") {
    CHECK(run(json(R"(["a","b"])"), json(R"(["c","b","a"])"), json(R"(["z","b","y","a","x"])")) ==
          json(R"(["c","b","a","z","y","x"])"));
    CHECK(run(json("[]"), json("[3,1]"), json("[2,1]")) == json("[3,1,2]"));
}

TEST_CASE("add wins set: scalars of all kinds are elements, and repeated ones count once") {
    CHECK(run(json("[]"), json(R"([true,null,"1"])"), json(R"([1, false, "1"])")) == json(R"([true,null,"1",1,false])"));
    CHECK(run(json("[]"), json("[1,1]"), json("[2,2,2]")) == json("[1,2]"));
}

TEST_CASE("add wins set: elements are the same in any spelling of text and of integers") {
    CHECK(run(json(R"(["A"])"), json(R"(["\u0041", "n"])"), json("[]")) == json(R"(["n"])"));
    CHECK(run(json("[10]"), json("[1e1, 5]"), json("[]")) == json("[5]"));
    // Digits beyond a double are not lost.
    CHECK(run(json("[]"), json("[0.10000000000000000001]"), json("[0.10000000000000000002]")) ==
          json("[0.10000000000000000001,0.10000000000000000002]"));
}

TEST_CASE("add wins set: a text field works as a json field does, the two together do not") {
    CHECK(run(value::text("[1]"), value::text("[1,2]"), value::text("[1,3]")) == value::text("[1,2,3]"));
    CHECK_FALSE(run(value::text("[1]"), json("[1,2]"), value::text("[1,3]")));
    CHECK_FALSE(run(json("[1]"), json("[1,2]"), value::integer(3)));
}

TEST_CASE("add wins set: null is the empty set") {
    CHECK(run(value::null(), json("[1]"), json("[2]")) == json("[1,2]"));
    CHECK(run(json("[1]"), value::null(), json("[1,2]")) == json("[2]"));
    CHECK(run(json("[1]"), json("[1,2]"), value::null()) == json("[2]"));
}

TEST_CASE("add wins set: what is not an array of scalars is declined") {
    for (const char* bad : {"", "1", "{}", "null", "[", "[1,]", "[[1]]", "[{}]", "[1] 2", "[\"\\ud800\"]"}) {
        CAPTURE(bad);
        CHECK_FALSE(run(json("[1]"), json(bad), json("[2]")));
        CHECK_FALSE(run(json("[1]"), json("[2]"), json(bad)));
        CHECK_FALSE(run(json(bad), json("[1]"), json("[2]")));
    }
}

TEST_CASE("add wins set: keeps the laws of field merges, as sets") {
    std::vector<value> domain{value::null()};
    for (unsigned mask = 0; mask < 8; ++mask) domain.push_back(value::json(written(mask)));
    domain.push_back(json("[2,1]"));
    domain.push_back(json("[1"));
    domain.push_back(value::text("[1]"));
    const auto kept = syncline::merge_laws::check<add_wins_set>(domain);
    if (!kept) UNSCOPED_INFO(kept.error().detail);
    CHECK(kept.has_value());
    CHECK(add_wins_set::erased.by_difference);
    CHECK(add_wins_set::erased.name == "add_wins_set");
}

TEST_CASE("add wins set: random texts never crash it, and what it gives is a set again") {
    const std::uint64_t seed = 23;
    CAPTURE(seed);
    seeded_random random(seed);
    const std::string alphabet = "[]{},:\"\\01e-.tnu ";
    const auto drawn = [&] {
        std::string s = random.chance(2, 3) ? "[" : "";
        for (std::uint64_t n = random.below(8); n > 0; --n) s.push_back(alphabet[random.below(alphabet.size())]);
        if (random.chance(2, 3)) s.push_back(']');
        return value::json(s);
    };
    for (int round = 0; round < 20000; ++round) {
        const value base = drawn();
        const value server = drawn();
        const value client = drawn();
        const auto merged = run(base, server, client);
        if (merged && !(server == base) && !(client == base)) REQUIRE(syncline::detail::read_json_set(*merged));
    }
}

TEST_CASE("add wins set: two values are the same set where they hold the same, in whatever order, and null is the empty one") {
    const auto same = [](const value& a, const value& b) {
        CHECK(add_wins_set::equivalent(a, b) == add_wins_set::equivalent(b, a));
        return add_wins_set::equivalent(a, b);
    };
    CHECK(same(json("[1,2]"), json("[2,1]")));
    CHECK(same(json("[]"), value::null()));
    CHECK_FALSE(same(json("[1,2]"), json("[1]")));
    CHECK_FALSE(same(json("[1]"), value::null()));
    CHECK_FALSE(same(json("[1]"), value::text("[1]")));
    CHECK_FALSE(same(json("[1"), json("[1]")));
    CHECK_FALSE(same(json("[1]"), value::integer(1)));
    CHECK(same(value::integer(1), value::integer(1)));
}

}  // namespace add_wins_set_test
