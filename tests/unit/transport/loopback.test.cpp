#include <syncline/transport/loopback.hpp>

#include "support/archetypes/transport.hpp"
#include "support/catch.hpp"

#include <type_traits>

namespace loopback_test {

using namespace syncline;

TEST_CASE("loopback: hands the request to the handler and its answer back unchanged", "[transport]") {
    request seen;
    auto handler = [&seen](const request& message) {
        seen = message;
        return response{418, {{"X-Kind", "teapot"}}, "short"};
    };
    loopback wire(handler);
    STATIC_REQUIRE(transport<decltype(wire)>);

    const request sent{http_method::erase, "/a?b=c", {{"x", "y"}}, "body"};
    const auto got = wire(sent);
    REQUIRE(got);
    CHECK(seen == sent);
    CHECK(*got == response{418, {{"X-Kind", "teapot"}}, "short"});
}

TEST_CASE("loopback: an error status is an answer, not a fault", "[transport]") {
    auto handler = [](const request&) { return response{503, {}, {}}; };
    const auto got = loopback(handler)(request{});
    REQUIRE(got);
    CHECK(got->status == 503);
}

TEST_CASE("loopback: refuses a handler that would be gone", "[transport]") {
    using handler = archetypes::minimal_handler;
    STATIC_REQUIRE(std::is_constructible_v<loopback<handler>, handler&>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<loopback<handler>, handler>);
}

}  // namespace loopback_test
