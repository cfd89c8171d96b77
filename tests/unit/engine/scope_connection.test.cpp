#include <syncline/engine/scope_connection.hpp>

#include "support/catch.hpp"

namespace scope_connection_test {

using namespace syncline;

TEST_CASE("scope connection: nothing said means that the authority's data count") {
    const scope_connection plain;
    CHECK(plain.what == scope_resolution::remote_authoritative);
    CHECK(plain.initialization_id.empty());
    scope_connection other = plain;
    other.retry_after_seconds = 1;
    CHECK(other != plain);
}

}  // namespace scope_connection_test
