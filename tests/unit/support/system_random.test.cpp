#include <syncline/support/system_random.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstdint>

namespace system_random_test {

TEST_CASE("system random: serves as a random source and sets every bit at some time") {
    syncline::system_random system;
    syncline::random_source source(system);
    std::uint64_t ones = 0;
    std::uint64_t zeros = 0;
    // The chance that one of 64 bits never changes in 128 draws is below 2^-120.
    for (int i = 0; i < 128; ++i) {
        const std::uint64_t drawn = source.next();
        ones |= drawn;
        zeros |= ~drawn;
    }
    CHECK(ones == ~std::uint64_t{0});
    CHECK(zeros == ~std::uint64_t{0});
}

}  // namespace system_random_test
