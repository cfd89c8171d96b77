#ifndef SYNCLINE_SUPPORT_VERSION_HPP
#define SYNCLINE_SUPPORT_VERSION_HPP

/// The version of the library; read by CMake and meson, so the numbers stand here and nowhere else.
#define SYNCLINE_VERSION_MAJOR 0
#define SYNCLINE_VERSION_MINOR 1
#define SYNCLINE_VERSION_PATCH 0

// The inline namespace carries the ABI line: two versions linked into one program do not meet. It is split from the
// outer one so that documentation shows `syncline::thing`, and users write `template <> struct syncline::model_traits<T>`.
#define SYNCLINE_NAMESPACE_BEGIN \
    namespace syncline {         \
    inline namespace v0_1 {
#define SYNCLINE_NAMESPACE_END \
    }                          \
    }

#endif
