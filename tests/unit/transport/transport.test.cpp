#include <syncline/transport/transport.hpp>

#include "support/archetypes/transport.hpp"
#include "support/catch.hpp"

namespace transport_test {

TEST_CASE("transport: any callable from request to result of response is one", "[transport]") {
    auto never = [](const syncline::request&) -> syncline::result<syncline::response> {
        return syncline::make_fault(syncline::errc::unavailable, "nobody is there");
    };
    STATIC_REQUIRE(syncline::transport<decltype(never)>);
    STATIC_REQUIRE_FALSE(syncline::server_handler<decltype(never)>);
    CHECK(never({}).error().code == syncline::errc::unavailable);
}

TEST_CASE("transport: any callable from request to response is a server handler", "[transport]") {
    auto teapot = [](const syncline::request&) { return syncline::response{418, {}, {}}; };
    STATIC_REQUIRE(syncline::server_handler<decltype(teapot)>);
    STATIC_REQUIRE_FALSE(syncline::transport<decltype(teapot)>);
    CHECK(teapot({}).status == 418);
}

}  // namespace transport_test
