#include <syncline/transport/mount_table.hpp>

#include "support/catch.hpp"

#include <stdexcept>
#include <string>

namespace mount_table_test {

using namespace syncline;

namespace {

// Answers with its name and the path it sees.
struct echo {
    std::string name;
    response operator()(const request& message) const { return json_response(200, name + " " + message.path); }
};

request to(std::string path) { return request{http_method::get, std::move(path), {}, {}}; }

}  // namespace

TEST_CASE("mount_table: says beforehand whether a handler will be asked", "[transport]") {
    echo api{"api"};
    mount_table table;
    CHECK_FALSE(table.leads_to_handler("/"));
    REQUIRE(table.mount_unauthenticated("/api", api));
    for (const char* target : {"/api", "/api/", "/api/x", "/api?q=/y"}) CHECK(table.leads_to_handler(target));
    for (const char* target : {"", "/", "api", "/apis", "/x?y=/api", "?/api", "http://host/api"}) {
        CHECK_FALSE(table.leads_to_handler(target));
        CHECK(table(to(target)).status >= 400);
    }
    echo root{"root"};
    REQUIRE(table.mount_unauthenticated("", root));
    for (const char* target : {"/", "/apis", "/?x"}) CHECK(table.leads_to_handler(target));
    for (const char* target : {"", "api", "*"}) CHECK_FALSE(table.leads_to_handler(target));
}

TEST_CASE("mount_table: the longest prefix at a slash wins and is taken off the path", "[transport]") {
    echo root{"root"};
    echo api{"api"};
    echo deep{"deep"};
    mount_table table;
    REQUIRE(table.mount_unauthenticated("", root));
    REQUIRE(table.mount_unauthenticated("/api", api));
    REQUIRE(table.mount_unauthenticated("/api/v2", deep));

    CHECK(table(to("/")).body == "root /");
    CHECK(table(to("/x?y=/api")).body == "root /x?y=/api");
    CHECK(table(to("/api")).body == "api /");
    CHECK(table(to("/api?x=1")).body == "api /?x=1");
    CHECK(table(to("/api/")).body == "api /");
    CHECK(table(to("/api/v1/x?y")).body == "api /v1/x?y");
    CHECK(table(to("/api/v2/x")).body == "deep /x");
    CHECK(table(to("/api/v22")).body == "api /v22");
    CHECK(table(to("/apis")).body == "root /apis");
    CHECK(table(to("/%61pi/x")).body == "root /%61pi/x");
}

TEST_CASE("mount_table: the longest prefix wins whichever was mounted first", "[transport]") {
    echo root{"root"};
    echo api{"api"};
    echo deep{"deep"};
    mount_table table;
    REQUIRE(table.mount_unauthenticated("/api/v2", deep));
    REQUIRE(table.mount_unauthenticated("", root));
    REQUIRE(table.mount_unauthenticated("/api", api));
    CHECK(table(to("/api/v2/x")).body == "deep /x");
    CHECK(table(to("/api/v1")).body == "api /v1");
    CHECK(table(to("/x")).body == "root /x");
}

TEST_CASE("mount_table: what is mounted nowhere is a JSON 404, a path that is none a JSON 400", "[transport]") {
    echo api{"api"};
    mount_table table;
    REQUIRE(table.mount_unauthenticated("/api", api));
    CHECK(table(to("/other")).status == 404);
    CHECK(table(to("/other")).body.find(R"("error":"not_found")") != std::string::npos);
    for (const char* path : {"", "api", "http://host/api", "*", "?x"}) {
        INFO(path);
        CHECK(table(to(path)).status == 400);
    }
}

TEST_CASE("mount_table: prefixes have one form and are taken once", "[transport]") {
    echo any{"any"};
    mount_table table;
    for (const char* prefix : {"api", "/", "/api/", "/a?b", "/a#b", "/a b"}) {
        INFO(prefix);
        CHECK(table.mount_unauthenticated(prefix, any).error().code == errc::invalid_argument);
    }
    REQUIRE(table.mount_unauthenticated("/api", any));
    CHECK(table.mount_unauthenticated("/api", any).error().code == errc::invalid_argument);
}

TEST_CASE("mount_table W43: is not ready empty, nor with a handler that needs an authenticator and has none",
          "[transport]") {
    auto handler = [](const request&, const principal& who) { return json_response(200, who.id); };
    mount_table table;
    REQUIRE_FALSE(table.ready());
    CHECK(table.ready().error().code == errc::invalid_argument);
    REQUIRE(table.mount("", handler));
    REQUIRE_FALSE(table.ready());
    CHECK(table.ready().error().code == errc::invalid_argument);
    CHECK(table.ready().error().detail.find("allow_anonymous") != std::string::npos);
    CHECK(table(to("/")).status == 500);

    table.authenticate_with(allow_anonymous{});
    CHECK(table.ready());
    CHECK(table(to("/")).body == "anonymous");
}

TEST_CASE("mount_table: one authenticator stands before every mounted handler but the open ones", "[transport]") {
    auto handler = [](const request&, const principal& who) { return json_response(200, who.tenant); };
    echo health{"health"};
    bearer_tokens tokens;
    REQUIRE(tokens.add("t", {"ann", "shop"}));
    mount_table table;
    table.authenticate_with(tokens);
    REQUIRE(table.mount("/a", handler));
    REQUIRE(table.mount("/b", handler));
    REQUIRE(table.mount_unauthenticated("/health", health));

    request message = to("/a");
    CHECK(table(message).status == 401);
    CHECK(table(to("/b")).status == 401);
    CHECK(table(to("/health")).status == 200);
    message.headers.push_back({"Authorization", "Bearer t"});
    CHECK(table(message).body == "shop");
}

TEST_CASE("mount_table: a handler that authenticates by itself needs no other authenticator", "[transport]") {
    auto handler = [](const request&, const principal& who) { return json_response(200, who.id); };
    authenticated server(allow_anonymous{{"self", "self"}}, handler);
    mount_table table;
    REQUIRE(table.mount("", server));
    CHECK(table.ready());
    CHECK(table(to("/")).body == "self");
}

TEST_CASE("mount_table: a handler or authenticator that throws gives a JSON 500 without a word of it", "[transport]") {
    auto thrower = [](const request&) -> response { throw std::runtime_error("password is 1234"); };
    auto odd = [](const request&) -> response { throw 7; };
    auto handler = [](const request&, const principal&) { return response{}; };
    mount_table table;
    REQUIRE(table.mount_unauthenticated("/a", thrower));
    REQUIRE(table.mount_unauthenticated("/b", odd));
    REQUIRE(table.mount("/c", handler));
    table.authenticate_with([](const request&) -> result<principal> { throw std::runtime_error("password is 1234"); });
    for (const char* path : {"/a", "/b", "/c"}) {
        INFO(path);
        const response answer = table(to(path));
        CHECK(answer.status == 500);
        CHECK(answer.body.find(R"("error":"internal")") != std::string::npos);
        CHECK(answer.body.find("1234") == std::string::npos);
    }
}

}  // namespace mount_table_test
