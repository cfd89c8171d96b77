#include <syncline/model/record.hpp>

#include <syncline/testing/random_values.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>

namespace record_test {

using syncline::differing_fields;
using syncline::field_index;
using syncline::field_set;
using syncline::record;
using syncline::record_key;
using syncline::record_key_hash;
using syncline::seeded_random;
using syncline::value;

TEST_CASE("record: the differing fields are those that were changed") {
    const std::uint64_t seed = 4;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 2000; ++round) {
        const record a = syncline::testing::random_record(random);
        record b = a;
        field_set changed;
        for (std::size_t i = 0; i < b.fields.size(); ++i)
            if (random.chance(1, 3)) {
                b.fields[i] = syncline::testing::random_value(random);
                if (!(b.fields[i] == a.fields[i])) changed.insert(static_cast<field_index>(i));
            }
        REQUIRE(differing_fields(a, b) == changed);
        REQUIRE(differing_fields(b, a) == changed);
        REQUIRE((a == b) == changed.empty());
    }
}

TEST_CASE("record: of two lengths, only the common fields are compared") {
    const record longer{{value::integer(1), value::integer(2)}};
    const record shorter{{value::integer(3)}};
    CHECK(differing_fields(longer, shorter) == field_set::first(1));
    CHECK(differing_fields(shorter, longer) == field_set::first(1));
    CHECK(differing_fields(longer, record{}).empty());
}

TEST_CASE("record key: is ordered by model, then by the octets of its text") {
    const std::set<record_key> ordered{{1, "a"}, {0, "b"}, {0, "a"}, {0, ""}, {1, ""}, {0, "ab"}, {0, "\xc3\xa9"}};
    std::string shown;
    for (const record_key& k : ordered) shown.append(std::to_string(k.model)).append(k.key).append(";");
    CHECK(shown == "0;0a;0ab;0b;0\xc3\xa9;1;1a;");
}

TEST_CASE("record key: equal keys have equal hashes, and models keep the same text apart") {
    std::unordered_set<record_key, record_key_hash> keys{{0, "a"}, {1, "a"}, {0, "b"}, {0, "a"}};
    CHECK(keys.size() == 3);
    CHECK(keys.count(record_key{1, "a"}) == 1);
    CHECK(keys.count(record_key{2, "a"}) == 0);
    CHECK(record_key_hash{}(record_key{0, "a"}) == record_key_hash{}(record_key{0, "a"}));
}

}  // namespace record_test
