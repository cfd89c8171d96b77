#include <syncline/adapters/sqlite/authority_scopes.hpp>

#include "simulation/sqlite_lab.hpp"
#include "support/catch.hpp"
#include "support/scopes_contract.hpp"

namespace authority_scopes_test {

TEST_CASE("labels and views in SQLite keep their contract") { scopes_contract::check<simulation::sqlite_lab>(); }

TEST_CASE("labels and views in SQLite keep their contract where rows have numbers of their own") { scopes_contract::check<simulation::numbering_sqlite_lab>(); }

}  // namespace authority_scopes_test
