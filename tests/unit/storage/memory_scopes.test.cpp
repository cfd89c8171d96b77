#include <syncline/storage/memory_scopes.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_scopes.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

namespace memory_scopes_test {

using namespace syncline;

TEST_CASE("memory_scopes: labels and views keep their contract") {
    struct harness {
        memory_authority_store kept{testing::storage::schemas()};
        memory_authority_store& store() { return kept; }
    };
    auto make = [] { return harness{}; };
    testing::report r;
    const testing::storage_kit_options how;
    testing::storage::store_kit kit(r, make, how);
    testing::storage::check_authority_scopes(kit);
    store_contract::passed(r);
}

}  // namespace memory_scopes_test
