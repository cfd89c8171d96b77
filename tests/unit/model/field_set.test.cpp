#include <syncline/model/field_set.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>

namespace field_set_test {

using syncline::field_index;
using syncline::field_set;
using syncline::max_fields;
using syncline::seeded_random;

namespace {

using model = std::set<field_index>;

model drawn(seeded_random& random) {
    model m;
    for (std::uint64_t n = random.below(12); n > 0; --n) m.insert(static_cast<field_index>(random.below(max_fields)));
    return m;
}

field_set made(const model& m) {
    field_set s;
    for (const field_index f : m) s.insert(f);
    return s;
}

bool agree(const field_set& s, const model& m) {
    for (std::size_t f = 0; f < max_fields; ++f)
        if (s.contains(static_cast<field_index>(f)) != (m.count(static_cast<field_index>(f)) == 1)) return false;
    return s.size() == m.size() && s.empty() == m.empty();
}

}  // namespace

TEST_CASE("field set: behaves as a set of numbers, under every operation") {
    const std::uint64_t seed = 3;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 500; ++round) {
        const model a = drawn(random);
        const model b = drawn(random);
        REQUIRE(agree(made(a), a));

        model both;
        model either = a;
        either.insert(b.begin(), b.end());
        for (const field_index f : a)
            if (b.count(f) == 1) both.insert(f);
        REQUIRE(agree(made(a) & made(b), both));
        REQUIRE(agree(made(a) | made(b), either));
        REQUIRE((made(a) == made(b)) == (a == b));

        field_set less = made(a);
        for (const field_index f : b) less.erase(f);
        model difference = a;
        for (const field_index f : b) difference.erase(f);
        REQUIRE(agree(less, difference));

        REQUIRE(field_set::from_words(made(a).words()) == made(a));
    }
}

TEST_CASE("field set: what is beyond the last field is never a member") {
    field_set s;
    for (const std::size_t outside : {max_fields, max_fields + 1, std::size_t{65535}}) {
        s.insert(static_cast<field_index>(outside));
        CHECK_FALSE(s.contains(static_cast<field_index>(outside)));
        s.erase(static_cast<field_index>(outside));
    }
    CHECK(s.empty());
    s.insert(max_fields - 1);
    CHECK(s.contains(max_fields - 1));
}

TEST_CASE("field set: the first fields are just these") {
    for (std::size_t count = 0; count <= max_fields + 2; ++count) {
        const field_set s = field_set::first(count);
        CHECK(s.size() == (count < max_fields ? count : max_fields));
        if (count > 0 && count < max_fields) {
            CHECK(s.contains(static_cast<field_index>(count - 1)));
            CHECK_FALSE(s.contains(static_cast<field_index>(count)));
        }
    }
}

TEST_CASE("field set: words hold 64 fields each, the lowest first") {
    field_set s;
    for (const field_index f : {field_index{0}, field_index{63}, field_index{64}, field_index{255}}) s.insert(f);
    const std::array<std::uint64_t, 4> expected{std::uint64_t{1} << 63 | 1U, 1, 0, std::uint64_t{1} << 63};
    CHECK(s.words() == expected);
}

TEST_CASE("field set: is usable in constant expressions") {
    static_assert(field_set::first(3).size() == 3);
    static_assert((field_set::first(3) & field_set::first(1)) == field_set::first(1));
    static_assert((field_set::first(3) | field_set{}) == field_set::first(3));
    SUCCEED();
}

}  // namespace field_set_test
