#include <syncline/transport/routed_transport.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <utility>

namespace routed_transport_test {

using namespace syncline;

namespace {

// Answers with its name and the path that it was asked for; may only be moved, as connections are.
struct host {
    std::unique_ptr<std::string> name;
    result<response> operator()(const request& r) { return response{200, {}, *name + r.path + r.body}; }
};

host called(std::string name) { return {std::make_unique<std::string>(std::move(name))}; }

std::string asked(routed_transport& carrier, std::string path) {
    request r;
    r.path = std::move(path);
    r.body = "!";
    const auto answer = carrier(r);
    return answer ? answer->body : std::string{name_of(answer.error().code)};
}

}  // namespace

TEST_CASE("routed transport: each path goes to its host, under its own name or another one", "[transport]") {
    STATIC_REQUIRE(transport<routed_transport>);
    routed_transport carrier;
    carrier.route("/tether/push", called("one"));
    carrier.route("/tether/pull", called("two"), "/feed/v2");
    carrier.route("/tether/push", called("never"));
    CHECK(asked(carrier, "/tether/push") == "one/tether/push!");
    CHECK(asked(carrier, "/tether/push?a=b") == "one/tether/push?a=b!");
    CHECK(asked(carrier, "/tether/pull?x=1") == "two/feed/v2?x=1!");
    auto copy = carrier;
    CHECK(asked(copy, "/tether/pull") == "two/feed/v2!");
}

TEST_CASE("routed transport: a path without a route goes nowhere, and the fault names it", "[transport]") {
    routed_transport carrier;
    carrier.route("/push", called("one"));
    for (const char* path : {"/", "/push/", "/pus", "/pull"}) {
        request r;
        r.path = path;
        const auto answer = carrier(r);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::invalid_argument);
        CHECK(answer.error().detail.find(path) != std::string::npos);
    }
}

}  // namespace routed_transport_test
