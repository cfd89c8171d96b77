#include <syncline/storage/authority_store.hpp>

#include "support/archetypes/authority_store.hpp"
#include "support/catch.hpp"

namespace authority_store_test {

using namespace syncline;

TEST_CASE("authority_store: a tenant that was never written has numbers of nothing") {
    const authority_head head;
    CHECK(head.seq == 0);
    CHECK(head.stamp == 0);
    CHECK(head.floor_seq == 0);
    CHECK(head.floor_stamp == 0);
    CHECK(sealed_row{}.pruned_version == 0);
}

}  // namespace authority_store_test
