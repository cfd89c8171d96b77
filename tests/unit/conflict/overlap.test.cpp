#include <syncline/conflict/overlap.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstdint>

namespace overlap_test {

using syncline::field_index;
using syncline::field_set;
using syncline::from_microseconds;
using syncline::overlap_policy;
using syncline::overlap_question;
using syncline::overlapping_fields;
using syncline::overlaps;

namespace {

constexpr field_set bits(unsigned mask) {
    field_set s;
    for (field_index f = 0; f < 3; ++f)
        if ((mask >> f & 1U) != 0) s.insert(f);
    return s;
}

}  // namespace

TEST_CASE("overlap: every policy says what its definition says, for all sets of three fields and all orders of times") {
    for (unsigned client = 0; client < 8; ++client)
        for (unsigned foreign = 0; foreign < 8; ++foreign)
            for (const std::int64_t client_time : {1, 2, 3}) {
                const overlap_question q{bits(client), bits(foreign), from_microseconds(client_time), from_microseconds(2)};
                CAPTURE(client, foreign, client_time);
                CHECK(overlapping_fields(overlap_policy::by_field, q) == bits(client & foreign));
                CHECK(overlapping_fields(overlap_policy::by_row, q) == bits(foreign != 0 ? client : 0));
                CHECK(overlapping_fields(overlap_policy::by_timestamp, q) == bits(foreign != 0 && client_time < 2 ? client : 0));
            }
}

TEST_CASE("overlap: no clock makes a conflict where nobody else changed anything") {
    for (const auto policy : {overlap_policy::by_field, overlap_policy::by_row, overlap_policy::by_timestamp}) {
        const overlap_question q{bits(7), bits(0), from_microseconds(0), from_microseconds(1'000'000)};
        CHECK_FALSE(overlaps(policy, q));
    }
}

TEST_CASE("overlap: what a policy by field finds, a policy by row finds too") {
    for (unsigned client = 0; client < 8; ++client)
        for (unsigned foreign = 0; foreign < 8; ++foreign) {
            const overlap_question q{bits(client), bits(foreign), {}, {}};
            const auto by_row = overlapping_fields(overlap_policy::by_row, q);
            CHECK((overlapping_fields(overlap_policy::by_field, q) | by_row) == by_row);
        }
}

TEST_CASE("overlap: is a constant expression") {
    static_assert(overlaps(overlap_policy::by_row, overlap_question{bits(1), bits(2), {}, {}}));
    static_assert(!overlaps(overlap_policy::by_field, overlap_question{bits(1), bits(2), {}, {}}));
    SUCCEED();
}

}  // namespace overlap_test
