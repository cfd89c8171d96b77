#include <syncline/adapters/sqlite/authority_sources.hpp>

#include "unit/adapters/sqlite/authority_fixture.hpp"

namespace authority_sources_test {

using namespace authority_fixture;

TEST_CASE("sqlite sources: a mark is kept whole, by tenant, principal and source, and what is not known stays unknown") {
    scratch dir;
    auto db = sqlite_database::open(dir.file(), {});
    REQUIRE(db);
    REQUIRE(create_sqlite_authority_tables(*db, "first"));
    sqlite_authority_scope home;
    home.db = &*db;
    home.tenant = 1;
    sqlite_authority_scope other = home;
    other.tenant = 2;
    sqlite_authority_sources here{home};
    sqlite_authority_sources there{other};

    const source_mark both{"an'n", "dev", 5, 50, from_microseconds(-7)};
    const source_mark none{"an'n", "DEV", {}, {}, from_microseconds(9'000'000'000'000'000)};
    REQUIRE(here.put(none));
    REQUIRE(here.put(source_mark{"an'n", "dev", 1, {}, from_microseconds(1)}));
    REQUIRE(here.put(both));
    CHECK(*here.all() == std::vector<source_mark>{none, both});
    CHECK(*here.find("an'n", "dev") == both);
    CHECK_FALSE(here.find("dev", "an'n")->has_value());
    CHECK(there.all()->empty());
    REQUIRE(there.drop("an'n", "dev"));
    REQUIRE(here.drop("an'n", "DEV"));
    CHECK(*here.all() == std::vector<source_mark>{both});
}

}  // namespace authority_sources_test
