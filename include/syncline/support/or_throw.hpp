#ifndef SYNCLINE_SUPPORT_OR_THROW_HPP
#define SYNCLINE_SUPPORT_OR_THROW_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <stdexcept>
#include <string>
#include <utility>

// The one header that throws. A program built without exceptions may include it and finds nothing in it.
#if defined(__cpp_exceptions)

SYNCLINE_NAMESPACE_BEGIN

/// A fault as an exception, for programs that prefer those. `what()` is the code's name and the detail.
class sync_error : public std::runtime_error {
public:
    explicit sync_error(fault why)
        : std::runtime_error(std::string(name_of(why.code)).append(": ").append(why.detail)), why_(std::move(why)) {}

    /// What went wrong.
    [[nodiscard]] const fault& error() const noexcept { return why_; }

private:
    fault why_;
};

/// The value of @p outcome.
/// @throws sync_error when it is a fault
template <class T>
T or_throw(result<T> outcome) {
    if (!outcome) throw sync_error(std::move(outcome).error());
    return *std::move(outcome);
}

/// Nothing, when @p outcome is success.
/// @throws sync_error when it is a fault
inline void or_throw(result<void> outcome) {
    if (!outcome) throw sync_error(std::move(outcome).error());
}

SYNCLINE_NAMESPACE_END

#endif

#endif
