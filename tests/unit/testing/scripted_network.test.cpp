#include <syncline/testing/scripted_network.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace scripted_network_test {

using namespace syncline;
using syncline::testing::scripted_network;

namespace {

const request push{http_method::post, "/push", {}, "p"};
const request pull{http_method::get, "/pull?after=1", {}, {}};

}  // namespace

TEST_CASE("scripted_network: what it says nothing about reaches the peer") {
    int reached = 0;
    scripted_network net{[&](const request&) { return response{200, {}, std::to_string(++reached)}; }};
    auto wire = net.transport();
    CHECK(wire(push)->body == "1");
    CHECK(wire(pull)->body == "2");
    CHECK(net.as_scripted());
    CHECK(net.log().all.size() == 2);
}

TEST_CASE("scripted_network: steps for one kind of request are taken in their order, by all who send") {
    int reached = 0;
    scripted_network net{[&](const request&) { return response{200, {}, std::to_string(++reached)}; }};
    net.on(http_method::post, "/push").request_lost(errc::unavailable).times(2);
    net.on(http_method::post, "/push").answer_lost();
    net.on(http_method::post, "/push").sent_twice();
    net.on(http_method::get, "/pull").answer(response{418, {}, "short"});
    net.on(http_method::get, "/pull").changed([](response& r) { r.body += "!"; });
    net.on(http_method::get, "/pull").rate_limited(7);
    auto a = net.transport();
    auto b = net.transport();
    CHECK(a(push).error().code == errc::unavailable);
    CHECK(b(push).error().code == errc::unavailable);
    CHECK(reached == 0);
    CHECK(a(pull)->status == 418);
    CHECK(reached == 0);
    CHECK(b(push).error().code == errc::timed_out);
    CHECK(reached == 1);
    CHECK(a(push)->body == "3");
    CHECK(a(pull)->body == "4!");
    const auto limited = a(pull);
    CHECK(limited->status == 429);
    CHECK(find_header(limited->headers, "Retry-After") == "7");
    CHECK(a(pull)->body == "5");
    CHECK(net.as_scripted());
}

TEST_CASE("scripted_network: a step that says nothing leaves the request to the peer, and steps that need a peer say that none is there") {
    scripted_network net{[](const request&) { return response{200, {}, "peer"}; }};
    net.on(http_method::post, "/push");
    CHECK(net.transport()(push)->body == "peer");
    CHECK(net.as_scripted().says("never asked for: POST /push, 1 times more"));
    scripted_network alone;
    alone.on(http_method::post, "/push").answer_lost();
    alone.on(http_method::post, "/push").sent_twice();
    alone.on(http_method::post, "/push").changed([](response&) {});
    auto wire = alone.transport();
    CHECK(wire(push).error().code == errc::timed_out);
    for (int i = 0; i < 2; ++i) CHECK(wire(push).error().detail == "nobody is behind the script");
    CHECK_FALSE(wire(pull));
    CHECK(alone.as_scripted().findings() == std::vector<std::string>{"the script has no answer for GET /pull?after=1"});
}

TEST_CASE("scripted_network: says what was never asked for, and what nobody has an answer for") {
    scripted_network net;
    net.on(http_method::post, "/commit").request_lost().times(2);
    auto wire = net.transport();
    CHECK(wire(push).error().code == errc::unavailable);
    CHECK(net.as_scripted().findings() ==
          std::vector<std::string>{"the script has no answer for POST /push p", "never asked for: POST /commit, 2 times more"});
}

}  // namespace scripted_network_test
