#include <syncline/testing/catch2.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>

namespace catch2_test {

using namespace syncline;
using syncline::testing::explaining_matcher;
using syncline::testing::passes;
using syncline::testing::report;
using syncline::testing::succeeded;
using syncline::testing::verdict;

namespace {

// The base of matchers of the Catch2 there is: `Catch::Matchers::MatcherBase` in version 3; version 2 has it in another place.
#if __has_include(<catch2/catch_test_macros.hpp>)
template <class T>
using matcher_base = Catch::Matchers::MatcherBase<T>;
#else
template <class T>
using matcher_base = Catch::MatcherBase<T>;
#endif

auto is_short() {
    const auto check = [](const std::string& s) { return s.size() < 4 ? verdict{} : verdict::because("`" + s + "` has " + std::to_string(s.size()) + " letters"); };
    return explaining_matcher<matcher_base, std::string, decltype(check)>("is short", check);
}

}  // namespace

TEST_CASE("catch2: a check is a matcher that explains what it found") {
    CHECK_THAT(std::string("abc"), is_short());
    CHECK_THAT(std::string("abcd"), !is_short());
    const auto matcher = is_short();
    CHECK(matcher.match("abc"));
    CHECK(matcher.describe() == "is short");
    CHECK_FALSE(matcher.match("abcd"));
    CHECK(matcher.describe() == "is short; does not hold: `abcd` has 4 letters");
}

TEST_CASE("catch2: the report of a kit is matched with its text") {
    report r;
    r.begin("S1", "a transaction is whole");
    r.expect(true, "unused");
    CHECK_THAT(r, passes<matcher_base>());
    r.expect(false, "half of it is there");
    const auto matcher = passes<matcher_base>();
    CHECK_FALSE(matcher.match(r));
    CHECK(matcher.describe().find("half of it is there") != std::string::npos);
}

TEST_CASE("catch2: a result is checked with the words of its fault") {
    CHECK(succeeded(result<int>(7)));
    CHECK(succeeded(result<void>{}));
    CHECK(succeeded(result<int>(make_fault(errc::busy, "somebody has it"))).text() == "busy: somebody has it");
}

}  // namespace catch2_test
