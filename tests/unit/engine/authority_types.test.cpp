#include <syncline/engine/authority_types.hpp>

#include "support/catch.hpp"

#include <chrono>

namespace authority_types_test {

using namespace syncline;

TEST_CASE("authority types: without options everything is allowed and the server wins") {
    const authority_options options;
    CHECK(!options.mapper);
    CHECK(!options.validate);
    CHECK(options.max_rows_per_page == 5000);
    CHECK(options.session_ttl == std::chrono::minutes{15});
    CHECK(options.resolvers.decide(conflict{}, resolver_context{}).what == resolution::verb::take_server);
}

TEST_CASE("authority types: a query asks for everything unless it says more, and an answer holds nothing until it is given") {
    const pull_query query;
    CHECK(query.from == 0);
    CHECK(query.limit == 1000);
    CHECK(!query.walk_started);
    CHECK(query.in_flight.empty());
    CHECK(!commit_answer{}.committed);
    CHECK(!session_answer{}.already_committed);
    CHECK(commit_obstacle{}.what == commit_obstacle::kind::version_conflict);
}

}  // namespace authority_types_test
