#include <syncline/testing/storage/checker.hpp>

#include <syncline/testing/storage/show.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <optional>
#include <string>
#include <vector>

namespace checker_test {

using namespace syncline;
using syncline::testing::clause;
using syncline::testing::report;
using syncline::testing::run_clause;
using syncline::testing::storage_kit_options;
using syncline::testing::storage::checker;
using syncline::testing::storage::store_kit;

namespace {

/// What @p body finds.
template <class Body>
std::vector<std::string> findings(Body body) {
    report r;
    run_clause(r, "S1", "asks", [&](clause& in) {
        checker check(r, in);
        body(check);
    });
    return r.find("S1")->findings;
}

}  // namespace

TEST_CASE("checker: a finding says where, what was expected and what was found") {
    const auto found = findings([](checker& check) {
        CHECK(check.same(std::size_t{2}, 2, "how many"));
        {
            const auto outer = check.at("seed 7");
            const auto inner = check.at("round 2");
            CHECK_FALSE(check.same(-1, 2u, "how many"));
        }
        CHECK_FALSE(check.same(std::optional<std::string>{}, "x", "the note"));
        CHECK_FALSE(check.none(std::optional<std::string>{"x"}, "the note"));
        CHECK_FALSE(check.that(false, "that it is so"));
        CHECK_FALSE(check.same(std::string{"a\nb\nc"}, "a\nB\nc", "everything"));
        CHECK_FALSE(check.same(std::string{"a\nb"}, "a\nb\nc", "everything"));
    });
    CHECK(found == std::vector<std::string>{"seed 7: round 2: how many: expected 2, found -1", "the note: expected <x>, found nothing",
                                            "the note: expected nothing, found <x>", "that it is so does not hold",
                                            "everything: in line 2 of it expected `B`, found `b`"});
}

TEST_CASE("checker: a fault is told by its code and its detail") {
    const auto found = findings([](checker& check) {
        const result<int> busy = make_fault(errc::busy, "another writes");
        CHECK(check.refused(busy, errc::busy, "begin"));
        CHECK_FALSE(check.refused(busy, errc::bug, "begin"));
        CHECK_FALSE(check.refused(result<int>{7}, errc::bug, "begin"));
        CHECK(check.fault_of(busy, "begin") == errc::busy);
        check.must(busy, "write");
        FAIL_CHECK("a fault ends the clause");
    });
    CHECK(found == std::vector<std::string>{"begin: expected the fault `bug`, found `busy`: another writes", "begin: expected the fault `bug`, it succeeded",
                                            "write failed: busy: another writes"});
}

TEST_CASE("checker: what must be there ends the clause where it is not") {
    CHECK(findings([](checker& check) {
              CHECK(check.some(result<std::optional<int>>{std::optional<int>{7}}, "the row") == 7);
              (void)check.some(result<std::optional<int>>{std::optional<int>{}}, "the row");
              FAIL_CHECK("nothing ends the clause");
          }) == std::vector<std::string>{"the row: expected something, found nothing"});
    CHECK(findings([](checker& check) {
              check.need_same(1, 1, "how many");
              check.need_same(1, 2, "how many");
              FAIL_CHECK("a difference ends the clause");
          }) == std::vector<std::string>{"how many: expected 2, found 1"});
    CHECK(findings([](checker& check) {
              check.need_refused(result<int>{make_fault(errc::busy, "")}, errc::busy, "begin");
              check.need_refused(result<int>{7}, errc::busy, "begin");
              FAIL_CHECK("no fault ends the clause");
          }).size() == 2);
}

TEST_CASE("checker: what must not be there ends the clause where it is; one line and many differ in the first") {
    CHECK(findings([](checker& check) {
              check.need_none(std::optional<std::string>{}, "the note");
              check.need_none(std::optional<std::string>{"x"}, "the note");
              FAIL_CHECK("what is there ends the clause");
          }) == std::vector<std::string>{"the note: expected nothing, found <x>", "the note: what follows makes no sense with it"});
    CHECK(findings([](checker& check) { CHECK_FALSE(check.same(std::string{"a\nb"}, "a", "everything")); }).size() == 1);
    base_row gone;
    gone.out_of_view = true;
    CHECK(testing::storage::show(gone).find(" out of view") != std::string::npos);
}

TEST_CASE("store_kit: only the clauses that are asked for run, each with a harness of its own") {
    report r;
    int made = 0;
    auto make = [&] { return ++made; };
    storage_kit_options how;
    how.only = "S1.";
    store_kit kit(r, make, how);
    const auto body = [](int& h, checker& check) { check.that(h > 0, "that there is a harness"); };
    kit.clause("S1.a", "asks", body);
    kit.clause("S10.a", "asks", body);
    kit.clause("S1.b", "asks", body);
    CHECK(made == 2);
    CHECK(r.clauses().size() == 2);
    CHECK(r.passed());
}

}  // namespace checker_test
