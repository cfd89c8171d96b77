#include <syncline/testing/recording_transport.hpp>

#include <syncline/transport/loopback.hpp>

#include "support/catch.hpp"

#include <string>

namespace recording_transport_test {

using namespace syncline;
using syncline::testing::exchange_log;
using syncline::testing::recording_transport;

TEST_CASE("recording_transport: keeps what passes, also through a copy, and changes nothing") {
    exchange_log log;
    const auto handler = [](const request& r) { return response{r.path == "/b" ? 404 : 200, {}, r.path == "/b" ? "" : "for " + r.path}; };
    recording_transport wire{loopback(handler), log};
    STATIC_REQUIRE(transport<decltype(wire)>);
    auto copy = wire;
    CHECK(wire(request{http_method::post, "/a", {}, "body"})->body == "for /a");
    CHECK(copy(request{http_method::get, "/b", {}, {}})->status == 404);
    REQUIRE(log.all.size() == 2);
    CHECK(log.text() == "POST /a body -> 200 for /a\nGET /b -> 404\n");
    CHECK(log.count(http_method::post, "a") == 1);
    CHECK(log.count(http_method::post, "b") == 0);
    REQUIRE(log.last(http_method::get, "/") != nullptr);
    CHECK(log.last(http_method::get, "/")->asked.path == "/b");
    CHECK(log.last(http_method::put, "/") == nullptr);
}

TEST_CASE("recording_transport: a transport that fails is kept with its fault") {
    exchange_log log;
    const auto broken = [](const request&) -> result<response> { return make_fault(errc::timed_out, "no answer in time"); };
    recording_transport wire{broken, log};
    CHECK_FALSE(wire(request{http_method::get, "/a", {}, {}}));
    CHECK(log.text() == "GET /a -> timed_out: no answer in time\n");
}

}  // namespace recording_transport_test
