#include <syncline/wire/renewal.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <string>

namespace renewal_test {

using namespace engine_tests;

TEST_CASE("renewal: a new source, and how many changes wait for a person since then") {
    for (const bool suspect : {false, true}) {
        CAPTURE(suspect);
        device d;
        d.write("T", node_row(1));
        outcome refused = answer(d.freeze()->items.front().id, outcome_kind::refused);
        refused.why = wait_reason{errc::validation_failed, "no"};
        d.settle({refused});  // waits already
        d.write("T2", node_row(2));
        REQUIRE(d.freeze());
        d.write("P", node_row(3));
        const std::string before = d.status().state.source_id;
        CHECK(lab_must(renew_source(d.engine, random_source{d.random}, suspect, d.now)) == (suspect ? 2u : 0u));
        CHECK(d.status().state.source_id != before);
        CHECK(d.status().counts.waiting == (suspect ? 3u : 1u));
    }
}

}  // namespace renewal_test
