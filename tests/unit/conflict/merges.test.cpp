#include <syncline/conflict/merges.hpp>

#include <syncline/conflict/merge_laws.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace merges_test {

using syncline::field_merge;
using syncline::from_microseconds;
using syncline::merge_input;
using syncline::seeded_random;
using syncline::value;
using syncline::value_kind;
namespace merges = syncline::merges;
namespace merge_laws = syncline::merge_laws;

namespace {

constexpr std::int64_t highest = (std::numeric_limits<std::int64_t>::max)();
constexpr std::int64_t lowest = (std::numeric_limits<std::int64_t>::lowest)();

template <class Merge>
std::optional<value> run(const value& base, const value& server, const value& client, std::int64_t server_time = 0,
                         std::int64_t client_time = 0) {
    return Merge::erased.merge(
        merge_input{base, server, client, from_microseconds(server_time), from_microseconds(client_time)});
}

value number(std::int64_t n) { return value::integer(n); }
value text(const char* s) { return value::text(s); }

template <class Merge>
std::optional<value> of_integers(std::int64_t base, std::int64_t server, std::int64_t client) {
    return run<Merge>(number(base), number(server), number(client));
}

// One of everything, the awkward ones included.
std::vector<value> awkward_values() {
    return {value::null(),
            number(0),
            number(highest),
            number(lowest),
            value::real(-0.0),
            value::real(0.0),
            value::real(1.5),
            value::real(std::numeric_limits<double>::infinity()),
            value::real(std::numeric_limits<double>::quiet_NaN()),
            value::boolean(true),
            value::decimal("1.5"),
            value::decimal("1.50"),
            value::decimal("not a number"),
            text("2026-05-02T09:00:00.000000001Z"),
            text("2026-05-02T11:00:00+02:00"),
            text("2026-05-02T09:00:00Z"),
            text(""),
            text("a\nb\n"),
            text("a\nB\n"),
            value::bytes(std::string("\0\xff", 2)),
            value::time(from_microseconds(7)),
            value::json("[1]")};
}

}  // namespace

TEST_CASE("merges: where one side is the base the other side is the result, for every merge and every value") {
    const auto values = awkward_values();
    for (const field_merge* merge : {&merges::server::erased, &merges::client::erased, &merges::latest::erased,
                                     &merges::maximum::erased, &merges::minimum::erased, &merges::counter::erased,
                                     &merges::three_way_lines::erased})
        for (const value& base : values)
            for (const value& changed : values) {
                CAPTURE(std::string(merge->name));
                CHECK(merge->merge(merge_input{base, base, changed, {}, {}}) == changed);
                CHECK(merge->merge(merge_input{base, changed, base, {}, {}}) == changed);
            }
}

TEST_CASE("merges: each keeps every law that it does not waive, on awkward values of all kinds") {
    const auto keeps = [](syncline::result<void> r) {
        if (!r) UNSCOPED_INFO(r.error().detail);
        return r.has_value();
    };
    const auto values = awkward_values();
    CHECK(keeps(merge_laws::check<merges::server>(values)));
    CHECK(keeps(merge_laws::check<merges::client>(values)));
    CHECK(keeps(merge_laws::check<merges::latest>(values)));
    CHECK(keeps(merge_laws::check<merges::maximum>(values)));
    CHECK(keeps(merge_laws::check<merges::minimum>(values)));
    CHECK(keeps(merge_laws::check<merges::counter>(values)));
    CHECK(keeps(merge_laws::check<merges::three_way_lines>(values)));
}

TEST_CASE("merges: the integer cores keep the laws at compile time") {
    static_assert(merge_laws::hold<merges::server>);
    static_assert(merge_laws::hold<merges::client>);
    static_assert(merge_laws::hold<merges::maximum>);
    static_assert(merge_laws::hold<merges::minimum>);
    static_assert(merge_laws::hold<merges::counter>);
    SUCCEED();
}

TEST_CASE("merges: the erased form of an integer merge is its core") {
    const std::uint64_t seed = 5;
    CAPTURE(seed);
    seeded_random random(seed);
    const auto drawn = [&] {
        switch (random.below(3)) {
        case 0: return static_cast<std::int64_t>(random.below(5)) - 2;
        case 1: return static_cast<std::int64_t>(random.next());
        default: return random.chance(1, 2) ? highest - static_cast<std::int64_t>(random.below(3))
                                            : lowest + static_cast<std::int64_t>(random.below(3));
        }
    };
    const auto agree = [](std::optional<value> erased, std::optional<std::int64_t> core) {
        return core ? erased == number(*core) : !erased;
    };
    for (int round = 0; round < 20000; ++round) {
        const std::int64_t b = drawn();
        const std::int64_t s = drawn();
        const std::int64_t c = drawn();
        CAPTURE(b, s, c);
        REQUIRE(agree(of_integers<merges::server>(b, s, c), merges::server::merge_integers(b, s, c)));
        REQUIRE(agree(of_integers<merges::client>(b, s, c), merges::client::merge_integers(b, s, c)));
        REQUIRE(agree(of_integers<merges::maximum>(b, s, c), merges::maximum::merge_integers(b, s, c)));
        REQUIRE(agree(of_integers<merges::minimum>(b, s, c), merges::minimum::merge_integers(b, s, c)));
        REQUIRE(agree(of_integers<merges::counter>(b, s, c), merges::counter::merge_integers(b, s, c)));
    }
}

TEST_CASE("server and client: take their side's value, whatever the times") {
    for (const std::int64_t client_time : {1, 2, 3}) {
        CHECK(run<merges::server>(text("b"), text("s"), text("c"), 2, client_time) == text("s"));
        CHECK(run<merges::client>(text("b"), text("s"), text("c"), 2, client_time) == text("c"));
    }
}

TEST_CASE("latest: the later write stands, a tie is the server's") {
    CHECK(run<merges::latest>(text("b"), text("s"), text("c"), 2, 1) == text("s"));
    CHECK(run<merges::latest>(text("b"), text("s"), text("c"), 2, 2) == text("s"));
    CHECK(run<merges::latest>(text("b"), text("s"), text("c"), 2, 3) == text("c"));
}

TEST_CASE("maximum and minimum: choose by the order of each kind") {
    struct pair {
        value lesser;
        value greater;
    };
    const std::vector<pair> ordered{
        {value::boolean(false), value::boolean(true)},
        {number(lowest), number(highest)},
        {number(-1), number(0)},
        {value::real(-1.5), value::real(1.5)},
        {value::real(-0.0), value::real(0.0)},
        {value::real(1e300), value::real(std::numeric_limits<double>::infinity())},
        {value::time(from_microseconds(-1)), value::time(from_microseconds(1))},
        {text("a"), text("b")},
        {text(""), text("a")},
        {text("z"), text("\xc3\xa9")},
        {value::bytes("\x7f"), value::bytes("\x80")},
        {value::decimal("9.99"), value::decimal("10")},
        {value::decimal("-10"), value::decimal("-9.99")},
        {value::decimal("-0.1"), value::decimal("0")},
        {value::decimal("1.09"), value::decimal("1.1")},
        {value::decimal("1.5"), value::decimal("1.50")},
        {value::decimal("007"), value::decimal("8")},
        {value::decimal("0.10000000000000000000000000000000001"), value::decimal("0.10000000000000000000000000000000002")},
        {value::decimal(".5"), value::decimal("+.75")},
    };
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        CAPTURE(i);
        const value base = value::json("something else");
        CHECK(run<merges::maximum>(base, ordered[i].lesser, ordered[i].greater) == ordered[i].greater);
        CHECK(run<merges::maximum>(base, ordered[i].greater, ordered[i].lesser) == ordered[i].greater);
        CHECK(run<merges::minimum>(base, ordered[i].lesser, ordered[i].greater) == ordered[i].lesser);
        CHECK(run<merges::minimum>(base, ordered[i].greater, ordered[i].lesser) == ordered[i].lesser);
    }
}

TEST_CASE("maximum and minimum: decimals in any spelling are ordered as the numbers they stand for") {
    const std::uint64_t seed = 21;
    CAPTURE(seed);
    seeded_random random(seed);
    struct spelled {
        std::int64_t thousandths;
        value text;
    };
    const auto draw = [&] {
        const bool negative = random.chance(1, 2);
        std::string s = negative ? "-" : random.chance(1, 2) ? "+" : "";
        std::int64_t number = static_cast<std::int64_t>(random.below(12)) * 1000;
        s.append(random.below(3), '0').append(std::to_string(number / 1000));
        if (random.chance(2, 3)) {
            s.append(".");
            std::int64_t weight = 100;
            for (std::uint64_t digits = random.below(4); digits > 0; --digits, weight /= 10) {
                const auto digit = static_cast<std::int64_t>(random.below(10));
                number += digit * weight;
                s.append(std::to_string(digit));
            }
            s.append(random.below(3), '0');
        }
        return spelled{negative ? -number : number, value::decimal(s)};
    };
    for (int round = 0; round < 20'000; ++round) {
        const spelled x = draw();
        const spelled y = draw();
        const auto greatest = run<merges::maximum>(value::json("other"), x.text, y.text);
        REQUIRE(greatest);
        if (x.thousandths != y.thousandths && *greatest != (x.thousandths > y.thousandths ? x.text : y.text))
            FAIL(x.text.as_string() << " and " << y.text.as_string());
        if (*greatest != run<merges::maximum>(value::json("other"), y.text, x.text)) FAIL("depends on the side");
    }
    SUCCEED();
}

TEST_CASE("counter: null and every zero count alike, nothing else does") {
    const std::vector<value> zeros{value::null(), number(0), value::real(0.0), value::real(-0.0)};
    for (const value& zero : zeros) {
        for (const value& other : zeros) CHECK(merges::counter::equivalent(zero, other));
        CHECK_FALSE(merges::counter::equivalent(zero, number(1)));
        CHECK_FALSE(merges::counter::equivalent(value::real(0.5), zero));
    }
    CHECK_FALSE(merges::counter::equivalent(number(1), value::real(1.0)));
}

TEST_CASE("maximum and minimum: null never wins, and what has no order is declined") {
    CHECK(run<merges::maximum>(number(1), value::null(), number(-5)) == number(-5));
    CHECK(run<merges::minimum>(number(1), number(5), value::null()) == number(5));
    CHECK_FALSE(run<merges::maximum>(number(1), text("2"), number(3)));
    CHECK_FALSE(run<merges::maximum>(value::null(), value::json("1"), value::json("2")));
    CHECK_FALSE(run<merges::maximum>(value::null(), value::real(1), value::real(std::numeric_limits<double>::quiet_NaN())));
    CHECK_FALSE(run<merges::minimum>(value::null(), value::decimal("1e5"), value::decimal("2")));
    CHECK_FALSE(run<merges::minimum>(value::null(), value::decimal(""), value::decimal("2")));
    CHECK_FALSE(run<merges::minimum>(value::null(), value::decimal("-"), value::decimal(".")));
}

TEST_CASE("counter: the differences of both sides are added") {
    CHECK(of_integers<merges::counter>(10, 13, 9) == number(12));
    CHECK(of_integers<merges::counter>(0, 1, 1) == number(2));
    CHECK(run<merges::counter>(value::null(), number(3), number(4)) == number(7));
    CHECK(run<merges::counter>(number(5), value::null(), number(7)) == number(2));
    CHECK(run<merges::counter>(value::real(1.0), value::real(1.5), value::real(3.0)) == value::real(3.5));
}

TEST_CASE("counter: a sum that fits is found although a part of it does not, and one that does not fit is declined") {
    CHECK(of_integers<merges::counter>(highest, highest - 1, highest - 1) == number(highest - 2));
    CHECK(of_integers<merges::counter>(lowest, 0, -1) == number(highest));
    CHECK(of_integers<merges::counter>(0, lowest, highest) == number(-1));
    CHECK_FALSE(of_integers<merges::counter>(0, highest, 1));
    CHECK_FALSE(of_integers<merges::counter>(0, lowest, -1));
    CHECK_FALSE(of_integers<merges::counter>(lowest, highest, highest));
    CHECK_FALSE(of_integers<merges::counter>(highest, lowest, lowest));
}

TEST_CASE("counter: what is no number, or two kinds of number, is declined") {
    CHECK_FALSE(run<merges::counter>(number(1), text("2"), number(3)));
    CHECK_FALSE(run<merges::counter>(number(1), value::real(2), number(3)));
    CHECK_FALSE(run<merges::counter>(value::decimal("1"), value::decimal("2"), value::decimal("3")));
    CHECK_FALSE(run<merges::counter>(value::real(0), value::real(1e308), value::real(1.7e308)));
    CHECK_FALSE(run<merges::counter>(value::real(0), value::real(1), value::real(std::numeric_limits<double>::infinity())));
}

TEST_CASE("counter: any number of increments from one base add up in any order") {
    const std::uint64_t seed = 11;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 500; ++round) {
        const auto base = static_cast<std::int64_t>(random.below(100));
        std::int64_t expected = base;
        std::optional<value> merged = number(base);
        for (int device = 0; device < 5; ++device) {
            const auto delta = static_cast<std::int64_t>(random.below(21)) - 10;
            expected += delta;
            merged = run<merges::counter>(number(base), *merged, number(base + delta));
            REQUIRE(merged);
        }
        CHECK(merged == number(expected));
    }
}

TEST_CASE("three way lines: merges text, and declines what is not text") {
    CHECK(run<merges::three_way_lines>(text("a\nb\nc\n"), text("A\nb\nc\n"), text("a\nb\nC\n")) == text("A\nb\nC\n"));
    CHECK_FALSE(run<merges::three_way_lines>(text("a\n"), text("b\n"), text("c\n")));
    CHECK(run<merges::three_way_lines>(value::null(), text("same\n"), text("same\n")) == text("same\n"));
    CHECK_FALSE(run<merges::three_way_lines>(value::null(), text("a\n"), text("b\n")));
    CHECK_FALSE(run<merges::three_way_lines>(text("a\nb\nc\n"), value::null(), text("a\nb\nC\n")));
    CHECK_FALSE(run<merges::three_way_lines>(value::json("a\nb\nc\n"), text("A\nb\nc\n"), text("a\nb\nC\n")));
    CHECK_FALSE(run<merges::three_way_lines>(text("a\nb\nc\n"), value::json("A\nb\nc\n"), text("a\nb\nC\n")));
    CHECK_FALSE(run<merges::three_way_lines>(text("a\nb\nc\n"), text("A\nb\nc\n"), value::bytes("a\nb\nC\n")));
}

TEST_CASE("three way lines: folding is not promised to be associative, for repeated lines really are not") {
    const value base = text("c\n");
    const value first = text("a\nc\n");
    const value twin = text("c\nc\n");
    const auto left = run<merges::three_way_lines>(base, first, twin);
    const auto right = run<merges::three_way_lines>(base, twin, twin);
    REQUIRE(left);
    REQUIRE(right);
    CHECK(run<merges::three_way_lines>(base, *left, twin) != run<merges::three_way_lines>(base, first, *right));
    CHECK_FALSE(merge_laws::promises_associative<merges::three_way_lines>());
}

TEST_CASE("merges: those whose change is a difference say so, and names are stable") {
    CHECK_FALSE(merges::server::erased.by_difference);
    CHECK_FALSE(merges::client::erased.by_difference);
    CHECK_FALSE(merges::latest::erased.by_difference);
    CHECK_FALSE(merges::maximum::erased.by_difference);
    CHECK_FALSE(merges::minimum::erased.by_difference);
    CHECK(merges::counter::erased.by_difference);
    CHECK(merges::three_way_lines::erased.by_difference);
    CHECK(merges::server::erased.name == "server");
    CHECK(merges::client::erased.name == "client");
    CHECK(merges::latest::erased.name == "latest");
    CHECK(merges::maximum::erased.name == "maximum");
    CHECK(merges::minimum::erased.name == "minimum");
    CHECK(merges::counter::erased.name == "counter");
    CHECK(merges::three_way_lines::erased.name == "three_way_lines");
}

TEST_CASE("merges: each accepts the kinds that it can merge") {
    static_assert(merges::counter::accepts(value_kind::integer) && merges::counter::accepts(value_kind::real));
    static_assert(!merges::counter::accepts(value_kind::text) && !merges::counter::accepts(value_kind::decimal));
    static_assert(merges::maximum::accepts(value_kind::time) && !merges::maximum::accepts(value_kind::json));
    static_assert(merges::three_way_lines::accepts(value_kind::text) && !merges::three_way_lines::accepts(value_kind::integer));
    static_assert(merges::latest::accepts(value_kind::json));
    for (const auto kind : {value_kind::null, value_kind::json}) CHECK_FALSE(merges::maximum::accepts(kind));
    CHECK(merges::maximum::accepts(value_kind::text));
}

}  // namespace merges_test
