#ifndef SYNCLINE_TESTS_SUPPORT_READ_DOUBLE_HPP
#define SYNCLINE_TESTS_SUPPORT_READ_DOUBLE_HPP

#include <charconv>
#include <string_view>

/// The double that @p text spells, whatever the locale's decimal point is.
inline double read_double(std::string_view text) {
    double d = 0;
    std::from_chars(text.data(), text.data() + text.size(), d);
    return d;
}

#endif
