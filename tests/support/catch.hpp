#ifndef SYNCLINE_TESTS_SUPPORT_CATCH_HPP
#define SYNCLINE_TESTS_SUPPORT_CATCH_HPP

// The one place that knows which Catch2 there is. Tests use only what version 2 and version 3 share.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#endif
