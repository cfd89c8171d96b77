#include <syncline/support/or_throw.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <utility>

namespace or_throw_test {

using syncline::errc;
using syncline::fault;
using syncline::or_throw;
using syncline::result;
using syncline::sync_error;

TEST_CASE("or throw: gives the value of a success") {
    CHECK(or_throw(result<int>(7)) == 7);
    CHECK(or_throw(result<std::string>(std::string("a"))) == "a");
    result<std::unique_ptr<int>> held = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = or_throw(std::move(held));
    CHECK(*taken == 3);
    CHECK_NOTHROW(or_throw(result<void>{}));
}

TEST_CASE("or throw: throws the fault of a failure, code and detail") {
    const result<int> bad = fault{errc::busy, "somebody writes"};
    CHECK_THROWS_AS(or_throw(bad), sync_error);
    CHECK_THROWS_AS(or_throw(result<void>(fault{errc::stale, ""})), std::runtime_error);
    try {
        static_cast<void>(or_throw(bad));
        FAIL("did not throw");
    } catch (const sync_error& error) {
        CHECK(error.error() == fault{errc::busy, "somebody writes"});
        CHECK(std::string(error.what()) == "busy: somebody writes");
    }
    CHECK(bad.error().detail == "somebody writes");
}

}  // namespace or_throw_test
