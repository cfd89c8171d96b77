#include <syncline/transport/authentication.hpp>

#include "support/archetypes/transport.hpp"
#include "support/catch.hpp"

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace authentication_test {

using namespace syncline;

namespace {

request with_authorization(std::string value) {
    return request{http_method::get, "/", {{"authorization", std::move(value)}}, {}};
}

bearer_tokens two_users() {
    bearer_tokens tokens;
    REQUIRE(tokens.add("secret-a", {"ann", "tenant-a"}));
    REQUIRE(tokens.add("secret-b", {"bob", "tenant-b"}));
    return tokens;
}

}  // namespace

TEST_CASE("bearer_tokens: each token names its principal", "[transport]") {
    const bearer_tokens tokens = two_users();
    CHECK(*tokens(with_authorization("Bearer secret-a")) == principal{"ann", "tenant-a"});
    CHECK(*tokens(with_authorization("bEARER   secret-b ")) == principal{"bob", "tenant-b"});
}

TEST_CASE("bearer_tokens: whatever is not a known token is refused", "[transport]") {
    const bearer_tokens tokens = two_users();
    const auto refused = [&tokens](const request& message) {
        const auto who = tokens(message);
        return !who && who.error().code == errc::unauthenticated;
    };
    CHECK(refused(request{}));
    for (const char* value : {"", "Bearer", "Bearer ", "Bearer  ", "secret-a", "Basic secret-a", "Bearersecret-a",
                              "Bearer secret-", "Bearer secret-a secret-b", "Bearer secret-aa", "Bearer secret-A"}) {
        INFO(value);
        CHECK(refused(with_authorization(value)));
    }
    request twice = with_authorization("Bearer secret-a");
    twice.headers.push_back({"Authorization", "Bearer secret-b"});
    CHECK(refused(twice));
    CHECK_FALSE(bearer_tokens{}(with_authorization("Bearer secret-a")));
}

TEST_CASE("bearer_tokens: refuses tokens and principals that could not be told apart", "[transport]") {
    bearer_tokens tokens;
    CHECK(tokens.add("", {"a", "t"}).error().code == errc::invalid_argument);
    CHECK(tokens.add("a b", {"a", "t"}).error().code == errc::invalid_argument);
    CHECK(tokens.add("a\xff", {"a", "t"}).error().code == errc::invalid_argument);
    CHECK(tokens.add("a\x7f", {"a", "t"}).error().code == errc::invalid_argument);
    CHECK(tokens.add("x", {"", "t"}).error().code == errc::invalid_argument);
    CHECK(tokens.add("x", {"a", ""}).error().code == errc::invalid_argument);
    REQUIRE(tokens.add("x", {"a", "t"}));
    CHECK(tokens.add("x", {"b", "t"}).error().code == errc::invalid_argument);
}

TEST_CASE("equal_in_constant_time: agrees with plain comparison", "[transport]") {
    const std::vector<std::string> texts{"", "a", "b", "aa", "ab", "aaa", "aaaa", std::string{"a\0", 2}};
    for (const auto& one : texts) {
        for (const auto& other : texts) {
            INFO(one << " and " << other);
            CHECK(equal_in_constant_time(one, other) == (one == other));
        }
    }
}

TEST_CASE("allow_anonymous: lets everybody in as the one it was given", "[transport]") {
    CHECK(*allow_anonymous{}(request{}) == principal{"anonymous", "main"});
    CHECK(*allow_anonymous{{"demo", "shop"}}(request{}) == principal{"demo", "shop"});
}

TEST_CASE("authenticated: the handler learns who calls and nobody else gets through", "[transport]") {
    std::vector<principal> callers;
    auto handler = [&callers](const request&, const principal& who) {
        callers.push_back(who);
        return response{204, {}, {}};
    };
    authenticated server(two_users(), handler);
    STATIC_REQUIRE(authenticating_handler<decltype(server)>);

    CHECK(server(with_authorization("Bearer secret-b")).status == 204);
    REQUIRE(callers == std::vector<principal>{{"bob", "tenant-b"}});

    const response refused = server(with_authorization("Bearer secret-x"));
    CHECK(refused.status == 401);
    CHECK(find_header(refused.headers, "WWW-Authenticate") == "Bearer");
    CHECK(refused.body == R"({"error":"authentication_failed","message":"credentials are missing or were refused"})");
    CHECK(callers.size() == 1);
}

TEST_CASE("authenticated: each kind of refusal has its status, and none tells the authenticator's reason",
          "[transport]") {
    auto handler = [](const request&, const principal&) { return response{}; };
    const auto status_for = [&handler](errc code) {
        authenticated server(
            [code](const request&) -> result<principal> { return make_fault(code, "secret reason"); }, handler);
        const response answer = server(request{});
        CHECK(answer.body.find("secret reason") == std::string::npos);
        CHECK(answer.body.find("\"error\"") != std::string::npos);
        return answer.status;
    };
    CHECK(status_for(errc::unauthenticated) == 401);
    CHECK(status_for(errc::forbidden) == 403);
    CHECK(status_for(errc::unavailable) == 503);
    CHECK(status_for(errc::busy) == 503);
    CHECK(status_for(errc::timed_out) == 503);
    CHECK(status_for(errc::internal) == 500);
    CHECK(status_for(errc::bug) == 500);
}

TEST_CASE("authenticated: a principal without a name is the authenticator's mistake", "[transport]") {
    bool called = false;
    auto handler = [&called](const request&, const principal&) {
        called = true;
        return response{};
    };
    CHECK(authenticated(allow_anonymous{{"", "t"}}, handler)(request{}).status == 500);
    CHECK(authenticated(allow_anonymous{{"a", ""}}, handler)(request{}).status == 500);
    CHECK_FALSE(called);
}

TEST_CASE("authenticated: cannot be made without an authenticator or with a handler that would be gone",
          "[transport]") {
    using handler = archetypes::minimal_principal_handler;
    using server = authenticated<allow_anonymous, handler>;
    STATIC_REQUIRE(std::is_constructible_v<server, allow_anonymous, handler&>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<server, handler&>);
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<server>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<server, allow_anonymous, handler>);
}

}  // namespace authentication_test
