#ifndef SYNCLINE_TESTING_CLAUSE_HPP
#define SYNCLINE_TESTING_CLAUSE_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Ends the clause that is running: nothing that follows in it would make sense.
struct clause_stopped {};

/// What the body of a clause is handed: checks that go on, and checks that end the clause where they fail.
class clause {
public:
    explicit clause(report& to) noexcept : to_(&to) {}

    /// Notes @p what where @p holds is false, and goes on.
    bool expect(bool holds, std::string_view what) { return to_->expect(holds, what); }

    /// Notes where @p found is not @p expected, with both as text, and goes on.
    bool expect_text(std::string_view found, std::string_view expected, std::string_view what) {
        return to_->expect(found == expected,
                           std::string(what) + ": expected `" + std::string(expected) + "`, found `" + std::string(found) + "`");
    }

    /// Notes @p what where @p holds is false, and ends the clause.
    void require(bool holds, std::string_view what) {
        if (!to_->expect(holds, what)) stop(what);
    }

    /// The value of @p r; where it is a fault, notes it with @p what and ends the clause.
    template <class T>
    T must(result<T> r, std::string_view what) {
        if (!r.has_value()) require(false, std::string(what) + ": " + std::string(name_of(r.error().code)) + ": " + r.error().detail);
        else to_->expect(true, what);
        if constexpr (!std::is_void_v<T>) return std::move(*r);
    }

private:
    [[noreturn]] static void stop([[maybe_unused]] std::string_view what) {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
        throw clause_stopped{};
#else
        // Without exceptions there is no way back to the kit: what was found is said, and the test program ends.
        std::fprintf(stderr, "syncline: %.*s\n", static_cast<int>(what.size()), what.data());
        std::abort();
#endif
    }

    report* to_;
};

/// Runs @p body as the clause @p name of @p to: `body(clause&)`. An exception of an adapter is a finding too: stores and servers answer with
/// faults. Without exceptions a `require` that fails ends the program, after it has said why.
template <class Body>
void run_clause(report& to, std::string_view name, std::string_view asks, Body&& body) {
    to.begin(name, asks);
    clause c(to);
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
    try {
        std::forward<Body>(body)(c);
    } catch (const clause_stopped&) {
        // What was found is in the report.
    } catch (const std::exception& e) {
        to.begin(name, asks);
        to.expect(false, "an exception left the adapter, or the code that was handed to the kit: " + std::string(e.what()) + "; what fails returns a fault");
    } catch (...) {
        to.begin(name, asks);
        to.expect(false, "something that is no std::exception was thrown by the adapter, or the code that was handed to the kit; what fails returns a fault");
    }
#else
    std::forward<Body>(body)(c);
#endif
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
