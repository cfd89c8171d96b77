#include <syncline/testing/verdict.hpp>

#include "support/catch.hpp"

#include <sstream>
#include <string>
#include <vector>

namespace verdict_test {

using syncline::testing::passed;
using syncline::testing::report;
using syncline::testing::verdict;

TEST_CASE("verdict: holds until something is found, and says each thing that was") {
    verdict v;
    CHECK(v);
    CHECK(v.text() == "holds");
    v.find("device A lacks note 3");
    verdict other = verdict::because("device B has note 4");
    v.add(other, "after the second sync");
    v.add(verdict::because("and more"));
    CHECK_FALSE(v);
    CHECK_FALSE(v.holds());
    CHECK(v.findings() == std::vector<std::string>{"device A lacks note 3", "after the second sync: device B has note 4", "and more"});
    CHECK(v.text() == "device A lacks note 3\nafter the second sync: device B has note 4\nand more");
    CHECK(v.says("note 4"));
    CHECK_FALSE(v.says("note 5"));
}

TEST_CASE("verdict: a test framework prints the reasons") {
    std::ostringstream out;
    out << verdict::because("device A lacks note 3");
    CHECK(out.str() == "device A lacks note 3");
    CHECK(Catch::Detail::stringify(verdict::because("device A lacks note 3")) == "device A lacks note 3");
}

TEST_CASE("verdict: that of a kit's report") {
    report r;
    CHECK_FALSE(passed(r));
    r.begin("S1", "a transaction is whole");
    r.expect(true, "unused");
    CHECK(passed(r));
    r.expect(false, "half of it is there");
    CHECK(passed(r).says("BROKEN  S1"));
    CHECK(passed(r).says("half of it is there"));
}

}  // namespace verdict_test
