#include <syncline/testing/random_values.hpp>

#include <syncline/support/json_tape.hpp>
#include <syncline/support/utf8.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace random_values_test {

using syncline::json_tape;
using syncline::seeded_random;
using syncline::value;
using syncline::value_kind;
using syncline::testing::plain_value;
using syncline::testing::random_intent;
using syncline::testing::random_value;
using syncline::testing::simpler_values;

namespace {

constexpr value_kind kinds[]{value_kind::null, value_kind::boolean, value_kind::integer, value_kind::real, value_kind::decimal,
                             value_kind::text, value_kind::bytes,   value_kind::time,    value_kind::json};

}  // namespace

TEST_CASE("random_values: the same seed draws the same, of every kind") {
    seeded_random a{5};
    seeded_random b{5};
    std::set<value_kind> seen;
    for (int i = 0; i < 200; ++i) {
        const value drawn = random_value(a);
        CHECK(drawn == random_value(b));
        seen.insert(drawn.kind());
    }
    CHECK(seen.size() == std::size(kinds));
    CHECK(random_intent(a) == random_intent(b));
}

TEST_CASE("random_values: plain ones are of the kind that was asked for, well formed, and meet each other") {
    for (const auto kind : kinds) {
        seeded_random random{7};
        std::size_t met = 0;
        value last;
        for (int i = 0; i < 200; ++i) {
            const value drawn = plain_value(kind, random);
            CHECK(drawn.kind() == kind);
            if (kind == value_kind::text) CHECK(syncline::is_valid_utf8(drawn.as_string()));
            if (kind == value_kind::json) CHECK(json_tape::parse(drawn.as_string()));
            if (drawn == last) ++met;
            last = drawn;
        }
        INFO(name_of(kind));
        CHECK(met > 0);
    }
}

TEST_CASE("random_values: making a value simpler again and again ends at nothing") {
    for (const auto kind : kinds) {
        seeded_random random{9};
        for (int i = 0; i < 50; ++i) {
            value v = plain_value(kind, random);
            std::size_t steps = 0;
            // The least simplification each time: the longest way.
            for (auto next = simpler_values(v); !next.empty() && steps < 1000; next = simpler_values(v), ++steps) {
                CHECK(std::find(next.begin(), next.end(), v) == next.end());
                const bool whole = next.size() > 2 && next[next.size() - 1].kind() == value_kind::integer;
                v = whole ? next[next.size() - 2] : next.back();
            }
            CHECK(steps < 1000);
            CHECK(v.is_null());
        }
    }
}

}  // namespace random_values_test
