#include <syncline/storage/write_time.hpp>

#include "support/catch.hpp"

namespace write_time_test {

using namespace syncline;

namespace {

struct notes_times {
    void tell_time(timestamp at) { told = at; }
    timestamp told{};
};
struct notes_none {};

}  // namespace

TEST_CASE("write time: it is told to a transaction that notes times, and to no other") {
    STATIC_REQUIRE(time_noting_transaction<notes_times>);
    STATIC_REQUIRE_FALSE(time_noting_transaction<notes_none>);
    notes_times noting;
    tell_time(noting, from_microseconds(7));
    CHECK(noting.told == from_microseconds(7));
    notes_none other;
    tell_time(other, from_microseconds(7));
}

}  // namespace write_time_test
