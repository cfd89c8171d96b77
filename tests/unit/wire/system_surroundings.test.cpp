#include <syncline/wire/system_surroundings.hpp>

#include "support/catch.hpp"

#include <set>

namespace system_surroundings_test {

using namespace syncline;

TEST_CASE("system surroundings: random bits do not repeat, and the past is not waited for", "[wire]") {
    auto around = system_surroundings();
    std::set<std::uint64_t> drawn;
    for (int i = 0; i < 64; ++i) drawn.insert(around.random());
    CHECK(drawn.size() == 64);
    const auto now = around.clock();
    CHECK(now > from_microseconds(1'600'000'000'000'000));
    around.wait_until(timestamp{});
    CHECK(around.clock() >= now);
}

}  // namespace system_surroundings_test
