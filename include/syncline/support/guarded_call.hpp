#ifndef SYNCLINE_SUPPORT_GUARDED_CALL_HPP
#define SYNCLINE_SUPPORT_GUARDED_CALL_HPP

#include <syncline/support/version.hpp>

SYNCLINE_NAMESPACE_BEGIN

/// Calls @p call, which is the host's and must not be able to break what goes on around it.
/// @return whether it returned; false: it ended with an exception, which is dropped. Where the program is built without exceptions there
///         are none
template <class Call>
[[nodiscard]] bool guarded_call(Call&& call) {
#if defined(__cpp_exceptions)
    try {
        call();
        return true;
    } catch (...) {
        return false;
    }
#else
    call();
    return true;
#endif
}

SYNCLINE_NAMESPACE_END

#endif
