#ifndef SYNCLINE_TESTING_CATCH2_HPP
#define SYNCLINE_TESTING_CATCH2_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/verdict.hpp>

#include <string>
#include <utility>

// Glue for Catch2, version 2 and version 3. It includes neither: the two have other headers and other bases, and no header of this library looks for
// one. `CHECK(verdict)` needs nothing of this file: Catch2 prints what it streams. Here is what makes matchers of checks.

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A matcher that runs @p Check on what it is given and explains what it finds. @p Base is the base of matchers of the Catch2 there is:
/// `Catch::Matchers::MatcherBase` (version 3), `Catch::MatcherBase` (version 2).
///
/// ```cpp
/// template <class T, class Check>
/// auto keeps(std::string what, Check check) {
///     return syncline::testing::explaining_matcher<Catch::Matchers::MatcherBase, T, Check>(std::move(what), std::move(check));
/// }
/// CHECK_THAT(device, keeps<rows_by_key>("the server's rows", [&](const auto& rows) { return same_rows(schemas, "device A", rows, "the server", server); }));
/// ```
template <template <class> class Base, class T, class Check>
class explaining_matcher : public Base<T> {
public:
    /// @param what   what it asks, to stand after `does not hold:`
    /// @param check  `verdict check(const T&)`
    explaining_matcher(std::string what, Check check) : what_(std::move(what)), check_(std::move(check)) {}

    bool match(const T& found) const override {
        last_ = check_(found);
        return last_.holds();
    }
    /// What it asks, and what was found of the value that was looked at last.
    std::string describe() const override { return last_.holds() ? what_ : what_ + "; does not hold: " + last_.text(); }

private:
    std::string what_;
    Check check_;
    mutable verdict last_;
};

/// A matcher that a kit's report passed; prints its text where it did not.
template <template <class> class Base>
[[nodiscard]] auto passes() {
    const auto check = [](const report& r) { return passed(r); };
    return explaining_matcher<Base, report, decltype(check)>("every clause is kept", check);
}

/// Of a `result`: that there is a value, or the fault in words. `CHECK(succeeded(client.status()))`.
template <class T>
[[nodiscard]] verdict succeeded(const result<T>& r) {
    if (r.has_value()) return {};
    return verdict::because(std::string(name_of(r.error().code)) + ": " + r.error().detail);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
