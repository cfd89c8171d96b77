#include <syncline/adapters/sqlite/authority_scopes.hpp>

#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_scopes.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/adapters/sqlite/authority_contract_tables.hpp"

namespace authority_scopes_test {

using namespace syncline;

namespace {

template <class Tables>
void keep_their_contract() {
    auto make = [] { return Tables{}; };
    testing::report r;
    const testing::storage_kit_options how;
    testing::storage::store_kit kit(r, make, how);
    testing::storage::check_authority_scopes(kit);
    store_contract::passed(r);
}

}  // namespace

TEST_CASE("authority_scopes: labels and views in SQLite keep their contract") { keep_their_contract<authority_fixture::contract_tables<false, false>>(); }

TEST_CASE("authority_scopes: labels and views in SQLite keep their contract where rows have numbers of their own") {
    keep_their_contract<authority_fixture::contract_tables<false, true>>();
}

}  // namespace authority_scopes_test
