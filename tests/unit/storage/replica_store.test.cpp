#include <syncline/storage/replica_store.hpp>

#include "support/archetypes/replica_store.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <limits>

namespace replica_store_test {

using namespace syncline;

TEST_CASE("replica_store: intents are sent by class first and by ordinal within it") {
    CHECK(send_position{1, 9} < send_position{2, 1});
    CHECK(send_position{1, 1} < send_position{1, 2});
    CHECK(send_position{-1, 5} < send_position{0, 0});
}

TEST_CASE("replica_store: the default position stands before every intent") {
    CHECK(send_position{} < send_position{(std::numeric_limits<std::int32_t>::min)(), 1});
    CHECK(send_position{} < send_position{0, 0});
}

TEST_CASE("replica_store: a device that was never opened has numbers of nothing") {
    const replica_state fresh;
    CHECK(fresh.source_id.empty());
    CHECK(fresh.next_source_bundle_id == 1);
    CHECK(fresh.next_ordinal == 1);
    CHECK(fresh.checkpoint == 0);
    CHECK(base_row{}.version == 0);
    CHECK_FALSE(base_row{}.image_kept);
}

TEST_CASE("replica_store: the faults that are of one row, and those that are of the store") {
    CHECK(refuses_row(errc::constraint));
    CHECK(refuses_row(errc::unsupported));
    CHECK(refuses_row(errc::invalid_key));
    CHECK_FALSE(refuses_row(errc::io_error));
    CHECK_FALSE(refuses_row(errc::busy));
}

}  // namespace replica_store_test
