#include <syncline/storage/authority_totals.hpp>

#include <syncline/storage/memory_authority_store.hpp>

#include "support/catch.hpp"

namespace authority_totals_test {

using namespace syncline;

TEST_CASE("authority totals: over all tenants, without those that have nothing, and without numbers that a restore skipped", "[storage]") {
    authority_totals t;
    CHECK(t == authority_totals{});
    t.add(0, 0, {});
    CHECK(t == authority_totals{});
    t.add(10, 3, {});
    CHECK(t == authority_totals{1, 10, 3, 3, 7, 7, 7, 0});
    t.add(4, 0, {});
    CHECK(t == authority_totals{2, 10, 0, 3, 4, 7, 11, 0});
    authority_totals restored;
    // 1 to 5, then 1000, 1001; then up to the floor 3; then skipped only in part.
    restored.add(1001, 0, {{5, 1000, 0, 0}});
    CHECK(restored.kept_bundles == 7);
    restored.add(1001, 3, {{5, 1000, 0, 0}});
    CHECK(restored.kept_bundles == 11);
    restored.add(1001, 1000, {{5, 1000, 0, 0}});
    CHECK(restored.kept_bundles == 12);
    restored.add(5, 0, {{5, 1000, 0, 0}});  // nothing since
    CHECK(restored.kept_bundles == 17);
    CHECK(restored.floors_ahead == 0);
    restored.add(1, 2, {});
    CHECK(restored.floors_ahead == 1);
    restored.add(0, 2, {});  // a tenant that has lost its log is damaged too, not new
    CHECK(restored.floors_ahead == 2);
    STATIC_REQUIRE(totalling_store<memory_authority_store>);
    STATIC_REQUIRE_FALSE(versioned_store<memory_authority_store>);
}

}  // namespace authority_totals_test
