#ifndef SYNCLINE_TESTS_SUPPORT_STORE_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_STORE_CONTRACT_HPP

// The models, awkward values and texts of the storage conformance kit, and what tests of stores ask with in the words of the test framework.

#include "support/catch.hpp"

#include <syncline/support/result.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/samples.hpp>
#include <syncline/testing/storage/show.hpp>

#include <utility>

namespace store_contract {

using namespace syncline;
using namespace syncline::testing::storage;

/// The value of a result that must be one.
template <class T>
T must(result<T> r) {
    if (!r) {
        INFO(name_of(r.error().code) << ": " << r.error().detail);
        REQUIRE(r.has_value());
    }
    return std::move(*r);
}
inline void must(result<void> r) {
    if (!r) {
        INFO(name_of(r.error().code) << ": " << r.error().detail);
        REQUIRE(r.has_value());
    }
}

/// The code of a result that must be a fault.
template <class T>
errc fault_of(const result<T>& r) {
    REQUIRE_FALSE(r.has_value());
    return r.error().code;
}

/// That a kit found nothing.
inline void passed(const testing::report& r) {
    INFO(r.text());
    CHECK(r.passed());
}

}  // namespace store_contract

#endif
