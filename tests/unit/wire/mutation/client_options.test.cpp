#include <syncline/wire/mutation/client_options.hpp>

#include "support/catch.hpp"

namespace client_options_test {

TEST_CASE("mutation client options: as Tether's client sends where nothing is set", "[wire]") {
    const syncline::mutation_client_options o;
    CHECK(o.push_path == "/tether/push");
    CHECK(o.pull_path == "/tether/pull");
    CHECK(o.batch_size == 100);
    CHECK(o.max_attempts == 3);
    CHECK_FALSE(o.client_id);
}

}  // namespace client_options_test
