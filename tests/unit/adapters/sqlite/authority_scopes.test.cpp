#include <syncline/adapters/sqlite/authority_scopes.hpp>

#include "simulation/sqlite_lab.hpp"
#include "support/catch.hpp"
#include "support/scopes_contract.hpp"

#include <string>

namespace authority_scopes_test {

TEST_CASE("labels and views in SQLite keep their contract") { scopes_contract::check<simulation::sqlite_lab>(); }

TEST_CASE("labels and views in SQLite keep their contract where rows have numbers of their own") { scopes_contract::check<simulation::numbering_sqlite_lab>(); }

TEST_CASE("labels in SQLite: bookkeeping of another version is refused by name") {
    auto opened = syncline::sqlite_database::open(":memory:");
    REQUIRE(opened);
    REQUIRE(syncline::create_sqlite_authority_tables(*opened, "e"));
    REQUIRE(syncline::create_sqlite_scope_tables(*opened));
    REQUIRE(syncline::create_sqlite_scope_tables(*opened));
    REQUIRE(opened->execute("UPDATE syncline_authority_meta SET value = 9 WHERE name = 'scopes_format'"));
    const auto refused = syncline::create_sqlite_scope_tables(*opened);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == syncline::errc::unsupported);
}

}  // namespace authority_scopes_test
