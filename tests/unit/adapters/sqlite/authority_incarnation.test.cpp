#include <syncline/adapters/sqlite/authority_incarnation.hpp>

#include "unit/adapters/sqlite/authority_fixture.hpp"

namespace authority_incarnation_test {

using namespace authority_fixture;

namespace {

sqlite_database bookkeeping(const scratch& dir) {
    auto db = sqlite_database::open(dir.file(), {});
    REQUIRE(db);
    REQUIRE(create_sqlite_authority_tables(*db, "first"));
    return std::move(*db);
}

}  // namespace

TEST_CASE("sqlite incarnation: a tenant that comes later, and one that nothing was stored for, have lost everything up to its first numbers") {
    scratch dir;
    auto db = bookkeeping(dir);
    REQUIRE(db.execute("INSERT INTO syncline_authority_tenants VALUES(1,'a',7,70,0,0)"));
    REQUIRE(begin_sqlite_incarnation(db, "second", from_microseconds(50)));
    const auto first = numbers_after_restore({7, 70}, 50);
    const auto of_a = read_sqlite_lost_intervals(db, 1);
    const auto of_nobody = read_sqlite_lost_intervals(db, 0);
    REQUIRE(of_a);
    REQUIRE(of_nobody);
    CHECK(*of_a == lost_intervals{{7, first.seq, 70, first.stamp}});
    CHECK(*of_nobody == lost_intervals{{0, first.seq, 0, first.stamp}});
}

TEST_CASE("sqlite incarnation: it changes nothing that it does not name") {
    scratch dir;
    auto db = bookkeeping(dir);
    REQUIRE(db.execute("INSERT INTO syncline_authority_tenants VALUES(1,'a',7,70,3,30);"
                       "INSERT INTO syncline_authority_bundle_receipts VALUES(1,'dev',1,'ann',7,'h',1);"
                       "INSERT INTO syncline_authority_sources VALUES(1,'ann','dev',5,NULL,9)"));
    REQUIRE(begin_sqlite_incarnation(db, "second", from_microseconds(50)));
    CHECK(*db.query_integer("SELECT seq*1000+floor_seq FROM syncline_authority_tenants") == 7003);
    CHECK(*db.query_integer("SELECT count(*) FROM syncline_authority_bundle_receipts") == 1);
    CHECK(*db.query_integer("SELECT seq FROM syncline_authority_sources") == 5);
    CHECK(*db.query_text("SELECT value FROM syncline_authority_meta WHERE name='epoch'") == "second");
    CHECK_FALSE(begin_sqlite_incarnation(db, "second", from_microseconds(50)));
    CHECK(*db.query_integer("SELECT count(*) FROM syncline_authority_incarnations") == 1);
}

}  // namespace authority_incarnation_test
