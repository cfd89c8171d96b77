#include <syncline/model/value.hpp>

#include <syncline/testing/random_values.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace value_test {

using syncline::from_microseconds;
using syncline::name_of;
using syncline::seeded_random;
using syncline::value;
using syncline::value_kind;

TEST_CASE("value: holds what it was given, under the kind it was given as") {
    CHECK(value{}.is_null());
    CHECK(value::null() == value{});
    CHECK(value::boolean(true).as_boolean());
    CHECK_FALSE(value::boolean(false).as_boolean());
    CHECK(value::real(1.5).as_real() == 1.5);
    CHECK(value::time(from_microseconds(-7)).as_time() == from_microseconds(-7));
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, (std::numeric_limits<std::int64_t>::max)(),
                                 (std::numeric_limits<std::int64_t>::lowest)()})
        CHECK(value::integer(n).as_integer() == n);
    const std::string octets("a\0\xff", 3);
    CHECK(value::decimal(octets).as_string() == octets);
    CHECK(value::text(octets).as_string() == octets);
    CHECK(value::bytes(octets).as_string() == octets);
    CHECK(value::json(octets).as_string() == octets);
    CHECK(value::integer(3).as_string().empty());
}

TEST_CASE("value: equality is of kind and content, so the same number of two kinds differs") {
    const std::vector<value> all{value::null(),       value::boolean(false), value::boolean(true),
                                 value::integer(0),   value::integer(1),     value::real(0.0),
                                 value::real(-0.0),   value::real(1.0),      value::decimal(""),
                                 value::decimal("1"), value::decimal("1.0"), value::text(""),
                                 value::text("1"),    value::bytes(""),      value::bytes("1"),
                                 value::json(""),     value::json("1"),      value::json(" 1"),
                                 value::time({}),     value::time(from_microseconds(1))};
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = 0; j < all.size(); ++j) {
            CAPTURE(i, j);
            CHECK((all[i] == all[j]) == (i == j));
        }
}

TEST_CASE("value: reals are compared by their bits, so that a NaN is not seen as changed for ever") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(value::real(nan) == value::real(nan));
    CHECK_FALSE(value::real(0.0) == value::real(-0.0));
    CHECK(std::signbit(value::real(-0.0).as_real()));
    CHECK(std::isnan(value::real(nan).as_real()));
}

TEST_CASE("value: is regular, and a copy does not follow its original") {
    static_assert(std::is_default_constructible_v<value> && std::is_copy_assignable_v<value>);
    static_assert(std::is_nothrow_move_constructible_v<value> && std::is_nothrow_move_assignable_v<value>);
    const std::uint64_t seed = 2;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 2000; ++round) {
        value a = syncline::testing::random_value(random);
        value b = a;
        REQUIRE(a == b);
        const value other = syncline::testing::random_value(random);
        const bool differ = !(a == other);
        a = other;
        REQUIRE(a == other);
        REQUIRE((a == b) == !differ);
    }
}

TEST_CASE("value kind: every kind has a stable number and a name of its own") {
    static_assert(static_cast<int>(value_kind::null) == 0 && static_cast<int>(value_kind::boolean) == 1);
    static_assert(static_cast<int>(value_kind::integer) == 2 && static_cast<int>(value_kind::real) == 3);
    static_assert(static_cast<int>(value_kind::decimal) == 4 && static_cast<int>(value_kind::text) == 5);
    static_assert(static_cast<int>(value_kind::bytes) == 6 && static_cast<int>(value_kind::time) == 7);
    static_assert(static_cast<int>(value_kind::json) == 8);
    std::set<std::string_view> names;
    for (int kind = 0; kind <= 8; ++kind) names.insert(name_of(static_cast<value_kind>(kind)));
    CHECK(names.size() == 9);
    CHECK(names.count("unknown") == 0);
    CHECK(name_of(static_cast<value_kind>(9)) == "unknown");
}

}  // namespace value_test
