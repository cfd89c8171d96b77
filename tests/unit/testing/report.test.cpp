#include <syncline/testing/report.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace report_test {

using syncline::testing::report;

TEST_CASE("report: a kit that checked nothing has not passed") {
    report r;
    CHECK_FALSE(r.passed());
    r.begin("S1", "a transaction is whole");
    CHECK_FALSE(r.passed());
    CHECK(r.broken() == std::vector<std::string>{"S1"});
    CHECK(r.text().find("nothing was checked") != std::string::npos);
    CHECK(r.expect(true, "unused"));
    CHECK(r.passed());
    report hasty;
    hasty.expect(true, "unused");
    CHECK(hasty.find("kit")->asks == "a clause is begun before anything is checked");
}

TEST_CASE("report: names the clause, says what was found, and how much more there was") {
    report r;
    r.begin("S1", "a transaction is whole");
    r.expect(true, "unused");
    r.begin("S2", "order is kept");
    for (int i = 0; i < 8; ++i) CHECK_FALSE(r.expect(false, "row " + std::to_string(i) + " came too early"));
    CHECK_FALSE(r.passed());
    CHECK(r.broken() == std::vector<std::string>{"S2"});
    CHECK(r.text() ==
          "ok      S1: a transaction is whole\n"
          "BROKEN  S2: order is kept\n"
          "          row 0 came too early\n"
          "          row 1 came too early\n"
          "          row 2 came too early\n"
          "          row 3 came too early\n"
          "          row 4 came too early\n"
          "          and 3 more\n"
          "2 clauses, 9 checks, 1 broken\n");
}

TEST_CASE("report: a clause may be begun again, and one that is skipped says why and breaks nothing") {
    report r;
    r.begin("S1", "a transaction is whole");
    r.expect(true, "unused");
    r.begin("L1", "a lease is exclusive");
    r.skip("the store keeps no lease");
    r.begin("S1", "a transaction is whole");
    r.expect(true, "unused");
    CHECK(r.passed());
    CHECK(r.clauses().size() == 2);
    CHECK(r.find("S1")->checks == 2);
    CHECK(r.find("L1")->skipped == "the store keeps no lease");
    CHECK(r.find("S9") == nullptr);
    CHECK(r.text().find("skipped L1: a lease is exclusive\n          the store keeps no lease\n") != std::string::npos);
}

}  // namespace report_test
