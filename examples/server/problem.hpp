#ifndef SYNCLINE_EXAMPLES_SERVER_PROBLEM_HPP
#define SYNCLINE_EXAMPLES_SERVER_PROBLEM_HPP

// What ends the program, and with which exit code.

#include <syncline/support/result.hpp>

#include <exception>
#include <string>
#include <utility>
#include <vector>

enum class exit_code : int {
    fine = 0,
    wrong_use = 2,   ///< the command line, the configuration, or what it names
    try_later = 3,   ///< an address in use, a busy database, a disk
    broken = 4,      ///< damaged data, or a mistake of this program
    unheard = 5,     ///< stdout cannot be written, so nobody learns of the port
};

/// Ends the program: what is wrong, one sentence each, for the person at the console.
class failure : public std::exception {
public:
    failure(exit_code how, std::vector<std::string> why) : code_(how), why_(std::move(why)) {}
    failure(exit_code how, std::string why) : failure(how, std::vector<std::string>{std::move(why)}) {}

    [[nodiscard]] exit_code code() const noexcept { return code_; }
    [[nodiscard]] const std::vector<std::string>& why() const noexcept { return why_; }
    [[nodiscard]] const char* what() const noexcept override { return why_.empty() ? "" : why_.front().c_str(); }

private:
    exit_code code_;
    std::vector<std::string> why_;
};

/// The exit code for a fault of the library.
[[nodiscard]] inline exit_code code_of(syncline::errc why) {
    using syncline::fault_category;
    switch (category_of(why)) {
    case fault_category::retry: return exit_code::try_later;
    case fault_category::report_bug: return exit_code::broken;
    case fault_category::fix_request:
    case fault_category::ask_person:
    case fault_category::take_other_step: break;
    }
    return exit_code::wrong_use;
}

/// The value of @p r, or the program's end.
template <class T>
T or_fail(syncline::result<T> r) {
    if (!r) throw failure{code_of(r.error().code), r.error().detail};
    if constexpr (!std::is_void_v<T>) return *std::move(r);
}

#endif
