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

TEST_CASE("scripted_network: says what was never asked for, and what nobody has an answer for") {
    scripted_network net;
    net.on(http_method::post, "/commit").request_lost().times(2);
    auto wire = net.transport();
    CHECK(wire(push).error().code == errc::unavailable);
    CHECK(net.as_scripted().findings() ==
          std::vector<std::string>{"the script has no answer for POST /push p", "never asked for: POST /commit, 2 times more"});
}

}  // namespace scripted_network_test
