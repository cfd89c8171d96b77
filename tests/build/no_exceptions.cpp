// Everything but the adapters and the one header that throws, without exceptions and run-time types. GCC accepts a
// `throw` in a template that nobody instantiates, Clang does not: both must build this.
#include "headers_core.hpp"

#ifdef __cpp_exceptions
#error "this file is to be built with -fno-exceptions"
#endif
#ifdef __cpp_rtti
#error "this file is to be built with -fno-rtti"
#endif

syncline::result<void> used_without_exceptions();

syncline::result<void> used_without_exceptions() {
    return syncline::make_fault(syncline::errc::bug, "built without exceptions");
}
