#include <syncline/storage/memory_scopes.hpp>

#include <syncline/storage/memory_authority_store.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"
#include "support/scopes_contract.hpp"

namespace memory_scopes_test {

TEST_CASE("labels and views in memory keep their contract") { scopes_contract::check<simulation::memory_lab>(); }

}  // namespace memory_scopes_test
