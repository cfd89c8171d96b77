#ifndef SYNCLINE_TESTS_BUILD_TWO_UNITS_HPP
#define SYNCLINE_TESTS_BUILD_TWO_UNITS_HPP

// What the two units tell each other. Included after all headers.

#include <string_view>

struct seen_by_a_unit {
    const void* function;
    const void* text;
};

seen_by_a_unit seen_by_the_second_unit();

inline const void* function_of(std::string_view (*f)(syncline::errc)) { return reinterpret_cast<const void*>(f); }

#endif
