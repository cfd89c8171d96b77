#include <syncline/testing/clause.hpp>

#include "support/catch.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace clause_test {

using namespace syncline;
using syncline::testing::clause;
using syncline::testing::report;
using syncline::testing::run_clause;

TEST_CASE("clause: an expectation that fails is noted and the clause goes on") {
    report r;
    bool reached = false;
    run_clause(r, "S1", "asks", [&](clause& c) {
        CHECK_FALSE(c.expect(false, "first"));
        CHECK_FALSE(c.expect_text("found", "wanted", "the title"));
        CHECK(c.expect_text("same", "same", "the title"));
        reached = true;
    });
    CHECK(reached);
    CHECK(r.find("S1")->checks == 3);
    CHECK(r.find("S1")->findings == std::vector<std::string>{"first", "the title: expected `wanted`, found `found`"});
}

TEST_CASE("clause: a requirement that fails ends the clause and no other") {
    report r;
    bool reached = false;
    run_clause(r, "S1", "asks", [&](clause& c) {
        c.require(true, "holds");
        c.require(false, "does not hold");
        reached = true;
    });
    CHECK_FALSE(reached);
    run_clause(r, "S2", "asks", [&](clause& c) {
        CHECK(c.must(result<int>(7), "a number") == 7);
        c.must(result<void>{}, "nothing");
        c.must(result<int>(make_fault(errc::busy, "somebody has it")), "another number");
        reached = true;
    });
    CHECK_FALSE(reached);
    CHECK(r.broken() == std::vector<std::string>{"S1", "S2"});
    CHECK(r.find("S1")->findings == std::vector<std::string>{"does not hold"});
    CHECK(r.find("S2")->checks == 3);
    CHECK(r.find("S2")->findings == std::vector<std::string>{"another number: busy: somebody has it"});
}

TEST_CASE("clause: an exception of the adapter is a finding") {
    report r;
    run_clause(r, "S1", "asks", [](clause& c) {
        c.expect(true, "holds");
        throw std::runtime_error("disk");
    });
    CHECK(r.broken() == std::vector<std::string>{"S1"});
    CHECK(r.find("S1")->findings ==
          std::vector<std::string>{"an exception left the adapter, or the code that was handed to the kit: disk; what fails returns a fault"});

    report other;
    run_clause(other, "S1", "asks", [](clause&) { throw 7; });
    CHECK(other.find("S1")->findings ==
          std::vector<std::string>{"something that is no std::exception was thrown by the adapter, or the code that was handed to the kit; what fails returns a fault"});
}

}  // namespace clause_test
