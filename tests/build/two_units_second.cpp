// The other half of two_units_first.cpp: the same headers, last first.
#include "headers_reversed.hpp"

#include "two_units.hpp"

seen_by_a_unit seen_by_the_second_unit() {
    return {function_of(&syncline::name_of), syncline::name_of(syncline::errc::bug).data()};
}
