#include <syncline/wire/client_step.hpp>

#include "support/catch.hpp"

#include <variant>

namespace client_step_test {

using namespace syncline;

TEST_CASE("client step: a driver tells sending, waiting and the end apart", "[wire]") {
    client_step step = send_step{7, {}};
    CHECK(std::get<send_step>(step).token == 7);
    step = wait_step{from_microseconds(3)};
    CHECK(std::get<wait_step>(step).until == from_microseconds(3));
    step = done_step{};
    CHECK(std::get<done_step>(step).report.ok());
}

}  // namespace client_step_test
