#ifndef SYNCLINE_TESTS_SUPPORT_ERROR_CODES_HPP
#define SYNCLINE_TESTS_SUPPORT_ERROR_CODES_HPP

// Every error code there is, for tests that want each of them to be thought of.

#include <syncline/support/result.hpp>

#include <cstdint>
#include <vector>

namespace syncline_tests {

/// Those that have a name of their own.
inline std::vector<syncline::errc> all_codes() {
    std::vector<syncline::errc> out;
    for (std::uint16_t n = 0; n < 1000; ++n)
        if (const auto code = static_cast<syncline::errc>(n); name_of(code) != "unknown") out.push_back(code);
    return out;
}

}  // namespace syncline_tests

#endif
