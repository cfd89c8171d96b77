// Two translation units that include everything, in opposite order, make one program: nothing is defined twice, and
// what should be one object is one object.
#include "all_headers.hpp"

#include "two_units.hpp"

#include <cstdio>

int main() {
    const auto other = seen_by_the_second_unit();
    const auto function = function_of(&syncline::name_of);
    if (function != other.function) {
        std::puts("syncline::name_of is two functions");
        return 1;
    }
    if (syncline::name_of(syncline::errc::bug) != static_cast<const char*>(other.text)) {
        std::puts("syncline::name_of answers differently in the other unit");
        return 1;
    }
    std::puts("one program");
    return 0;
}
