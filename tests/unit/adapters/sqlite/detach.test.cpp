#include <syncline/adapters/sqlite/detach.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

namespace detach_test {

using namespace syncline;
using store_contract::must;

TEST_CASE("sqlite detach: takes what begins with the prefix, and leaves everything else") {
    auto db = must(sqlite_database::open(":memory:"));
    must(db.execute("CREATE TABLE t(id); CREATE TABLE x_log(id); CREATE TABLE \"x_o\"\"dd\"(id); CREATE TABLE y_log(id); CREATE TABLE ax_log(id);"
                    "CREATE TRIGGER x_a BEFORE INSERT ON t BEGIN INSERT INTO x_log VALUES(1); END; CREATE TRIGGER mine BEFORE INSERT ON t BEGIN SELECT 1; END"));
    const auto names = [&] { return must(db.query_text("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema ORDER BY name)")); };
    must(detach_sqlite(db, "x_", false));
    CHECK(names() == "ax_log,mine,t,x_log,x_o\"dd,y_log");
    must(db.execute("BEGIN; INSERT INTO t VALUES(1)"));
    must(detach_sqlite(db, "x_", true));
    CHECK(names() == "ax_log,mine,t,y_log");
    CHECK(db.in_transaction());
    must(db.execute("ROLLBACK"));
    CHECK(names() == "ax_log,mine,t,x_log,x_o\"dd,y_log");
}

}  // namespace detach_test
