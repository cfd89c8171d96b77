#include <syncline/testing/noted_random.hpp>

#include "support/catch.hpp"

#include <cstdlib>
#include <sstream>
#include <string>

namespace noted_random_test {

using syncline::random_source;
using syncline::seeded_random;
using syncline::testing::noted_random;

TEST_CASE("noted_random: draws what its seed says, and says its seed") {
    noted_random random{17};
    seeded_random same{17};
    for (int i = 0; i < 10; ++i) CHECK(random.next() == same.next());
    CHECK(random.seed() == 17);
    CHECK(random.text() == "seed 17; repeat with SYNCLINE_SEED=17");
    std::ostringstream out;
    out << random;
    CHECK(out.str() == random.text());
}

TEST_CASE("noted_random: stands wherever random bits are asked for") {
    noted_random random{3};
    seeded_random same{3};
    random_source source{random};
    CHECK(source.next() == same.next());
    const auto bits = random.bits();
    CHECK(bits() == same.next());
    CHECK(random.next() == same.next());
}

TEST_CASE("noted_random: without a seed in the environment it takes the one that is given") {
    // The run may have been given one.
    const char* set = std::getenv("SYNCLINE_SEED");
    const auto random = noted_random::from_environment(41);
    if (set == nullptr) CHECK(random.seed() == 41);
    else CHECK((random.seed() == 41 || random.text().find(set) != std::string::npos));
    CHECK(noted_random::from_text(nullptr, 41).seed() == 41);
    CHECK(noted_random::from_text("17", 41).seed() == 17);
    for (const char* no_number : {"", "x", "17x", "99999999999999999999"}) CHECK(noted_random::from_text(no_number, 41).seed() == 41);
}

}  // namespace noted_random_test
