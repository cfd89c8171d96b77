#include <syncline/adapters/httplib/client.hpp>

#include "support/catch.hpp"
#include "unit/adapters/httplib/fixture.hpp"

#include <csignal>
#include <future>
#include <string>
#include <thread>
#include <type_traits>

namespace client_test {

using namespace syncline;

namespace {

request get(std::string path) { return request{http_method::get, std::move(path), {}, {}}; }
request post(std::string body) {
    return request{http_method::post, "/", {{"Content-Type", "application/json"}}, std::move(body)};
}

// What a client makes of @p answer, sent by a socket that knows no HTTP.
result<response> after_raw_answer(const std::string& answer, httplib_transport_options options = {}) {
    http_test::raw_listener listener;
    options.base = listener.url();
    auto wire = http_test::connect(std::move(options));
    std::thread peer([&] { listener.answer_once(answer); });
    auto got = wire(get("/"));
    peer.join();
    return got;
}

}  // namespace

TEST_CASE("httplib_transport: carries method, path, headers and body both ways", "[httplib]") {
    request seen;
    http_test::server server([&seen](const request& message) {
        seen = message;
        return response{201, {{"Content-Type", "application/json"}, {"X-Answer", "yes"}}, R"({"ok":true})"};
    });
    auto wire = http_test::connect(server.url() + "/base/");
    for (const http_method method :
         {http_method::get, http_method::post, http_method::put, http_method::patch, http_method::erase}) {
        INFO(name_of(method));
        request sent{method, "/sync/%C3%A4?after=0&b=%20%2B", {{"X-Ask", "maybe"}}, {}};
        if (method != http_method::get) {
            sent.headers.push_back({"Content-Type", "application/json"});
            sent.body = std::string{"{\"a\":\"\0\"}", 9};
        }
        const auto got = wire(sent);
        REQUIRE(got);
        CHECK(got->status == 201);
        CHECK(got->body == R"({"ok":true})");
        CHECK(find_header(got->headers, "x-answer") == "yes");
        CHECK(seen.method == method);
        CHECK(seen.path == "/base/sync/%C3%A4?after=0&b=%20%2B");
        CHECK(find_header(seen.headers, "X-ASK") == "maybe");
        CHECK(seen.body == sent.body);
    }
}

TEST_CASE("httplib_transport: an error status is an answer", "[httplib]") {
    http_test::server server([](const request&) { return json_error(409, "conflict", "no"); });
    const auto got = http_test::connect(server.url())(get("/"));
    REQUIRE(got);
    CHECK(got->status == 409);
    CHECK(got->body == R"({"error":"conflict","message":"no"})");
}

TEST_CASE("httplib_transport: a redirect is an answer too and is not followed", "[httplib]") {
    int calls = 0;
    http_test::server server([&calls](const request&) {
        ++calls;
        return response{302, {{"Location", "/elsewhere"}}, {}};
    });
    const auto got = http_test::connect(server.url())(get("/"));
    REQUIRE(got);
    CHECK(got->status == 302);
    CHECK(calls == 1);
}

TEST_CASE("httplib_transport: credentials are sent, the request's own header wins", "[httplib]") {
    std::string authorization;
    std::string extra;
    http_test::server server([&](const request& message) {
        authorization = find_header(message.headers, "Authorization").value_or("none");
        extra = find_header(message.headers, "X-Extra").value_or("none");
        return response{204, {}, {}};
    });
    httplib_transport_options options;
    options.base = server.url();
    options.bearer_token = "token";
    options.more_headers = [](const request&) -> result<std::vector<header>> {
        return std::vector<header>{{"X-Extra", "from callable"}};
    };
    auto wire = http_test::connect(options);
    REQUIRE(wire(get("/")));
    CHECK(authorization == "Bearer token");
    CHECK(extra == "from callable");

    request own = get("/");
    own.headers = {{"authorization", "Basic x"}, {"x-extra", "own"}};
    REQUIRE(wire(own));
    CHECK(authorization == "Basic x");
    CHECK(extra == "own");
}

TEST_CASE("httplib_transport: when fresh credentials cannot be had nothing is sent", "[httplib]") {
    bool called = false;
    http_test::server server([&called](const request&) {
        called = true;
        return response{204, {}, {}};
    });
    httplib_transport_options options;
    options.base = server.url();
    options.more_headers = [](const request&) -> result<std::vector<header>> {
        return make_fault(errc::unauthenticated, "log in first");
    };
    CHECK(http_test::connect(options)(get("/")).error().code == errc::unauthenticated);
    CHECK_FALSE(called);
}

TEST_CASE("httplib_transport: a bearer token does not leave the machine in plain text unless told so", "[httplib]") {
    httplib_transport_options options;
    options.base = "http://192.0.2.1";
    options.bearer_token = "token";
    CHECK(httplib_transport::open(options).error().code == errc::invalid_argument);
    options.allow_plaintext_credentials = true;
    CHECK(httplib_transport::open(options));
    options.allow_plaintext_credentials = false;
    options.base = "https://192.0.2.1";
    CHECK(httplib_transport::open(options));
}

TEST_CASE("httplib_transport: options that cannot work are refused before anything is sent", "[httplib]") {
    const auto refused = [](auto change) {
        httplib_transport_options options;
        options.base = "http://127.0.0.1:1";
        change(options);
        const auto opened = httplib_transport::open(options);
        return !opened && opened.error().code == errc::invalid_argument;
    };
    CHECK_FALSE(refused([](httplib_transport_options&) {}));
    CHECK(refused([](httplib_transport_options& o) { o.base = "nowhere"; }));
    CHECK(refused([](httplib_transport_options& o) { o.read_timeout = duration{0}; }));
    CHECK(refused([](httplib_transport_options& o) { o.bearer_token = "a\r\nb"; }));
    CHECK(refused([](httplib_transport_options& o) {
        o.base = "https://127.0.0.1:1";
        o.ca_file = "/there/is/no/such/file.pem";
    }));
}

TEST_CASE("httplib_transport: paths and headers that HTTP cannot carry are refused", "[httplib]") {
    auto wire = http_test::connect("http://127.0.0.1:1");
    for (const char* path : {"", "x", "/a b", "/a\r\nX: y", "/a#b", "/\xc3\xa4"}) {
        INFO(path);
        CHECK(wire(get(path)).error().code == errc::invalid_argument);
    }
    for (const header& bad : {header{"", "x"}, header{"a b", "x"}, header{"a:", "x"}, header{"a", "x\r\ny: z"},
                              header{"Content-Length", "5"}, header{"transfer-encoding", "chunked"}}) {
        INFO(bad.name);
        request message = get("/");
        message.headers.push_back(bad);
        CHECK(wire(message).error().code == errc::invalid_argument);
    }
}

TEST_CASE("httplib_transport: request bodies above the size go out as gzip, others as they are", "[httplib]") {
    request seen;
    http_test::server server([&seen](const request& message) {
        seen = message;
        return response{204, {}, {}};
    });
    httplib_transport_options options;
    options.base = server.url();
    options.gzip_requests_above = 100;
    auto wire = http_test::connect(options);
    for (const std::size_t size : {0U, 1U, 100U, 101U, 1000000U}) {
        INFO(size);
        REQUIRE(wire(post(std::string(size, 'x'))));
        CHECK((seen.body == std::string(size, 'x')));
        const auto length = find_header(seen.headers, "Content-Length");
        REQUIRE(length);
        CHECK((*length == std::to_string(size)) == (size <= 100));
    }
}

TEST_CASE("httplib_transport: answers come as gzip only if allowed, and read the same", "[httplib]") {
    const std::string text(5000, 'y');
    std::string accepted;
    http_test::server server([&](const request& message) {
        accepted = find_header(message.headers, "Accept-Encoding").value_or("none");
        return response{200, {{"Content-Type", "application/json"}}, text};
    });
    for (const bool accept : {true, false}) {
        httplib_transport_options options;
        options.base = server.url();
        options.accept_gzip = accept;
        const auto got = http_test::connect(options)(get("/"));
        REQUIRE(got);
        CHECK((got->body == text));
        CHECK(find_header(got->headers, "Vary").has_value() == accept);
        CHECK_FALSE(find_header(got->headers, "Content-Encoding"));
        CHECK(accepted == (accept ? "gzip" : "identity"));
    }
}

TEST_CASE("httplib_transport: an answer may have exactly the limit, plain or compressed", "[httplib]") {
    std::size_t size = 0;
    http_test::server server([&size](const request&) {
        return response{200, {{"Content-Type", "application/json"}}, std::string(size, 'z')};
    });
    for (const bool accept : {true, false}) {
        httplib_transport_options options;
        options.base = server.url();
        options.accept_gzip = accept;
        options.max_response_body = 10000;
        auto wire = http_test::connect(options);
        size = 10000;
        const auto fits = wire(get("/"));
        REQUIRE(fits);
        CHECK(fits->body.size() == 10000);
        size = 10001;
        CHECK(wire(get("/")).error().code == errc::too_large);
        size = 10;
        CHECK(wire(get("/")));
    }
}

TEST_CASE("httplib_transport: a gzip bomb is refused", "[httplib]") {
    const auto bomb = gzip_compress(std::string(std::size_t{20} << 20, '\0'));
    REQUIRE(bomb);
    http_test::server server([&bomb](const request&) {
        return response{200, {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}, *bomb};
    });
    httplib_transport_options options;
    options.base = server.url();
    options.max_response_body = 100000;
    CHECK(http_test::connect(options)(get("/")).error().code == errc::too_large);
}

TEST_CASE("httplib_transport: broken answers are faults of their own kind", "[httplib]") {
    const std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    CHECK(after_raw_answer(head + "Content-Length: 2\r\n\r\nok")->body == "ok");
    CHECK(after_raw_answer(head + "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n")->body == "ok");
    CHECK(after_raw_answer(head + "Content-Length: 3\r\n\r\nok").error().code == errc::unavailable);
    CHECK(after_raw_answer("").error().code == errc::unavailable);
    CHECK(after_raw_answer("this is not HTTP\r\n\r\n").error().code == errc::unavailable);
    CHECK(after_raw_answer(head + "Content-Encoding: br\r\nContent-Length: 2\r\n\r\nok").error().code ==
          errc::unsupported);
    CHECK(after_raw_answer(head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok").error().code ==
          errc::malformed_message);
}

TEST_CASE("httplib_transport: an answer without length is bounded as well", "[httplib]") {
    httplib_transport_options options;
    options.max_response_body = 10;
    const auto got = after_raw_answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(100, 'x'), options);
    CHECK(got.error().code == errc::too_large);
}

TEST_CASE("httplib_transport: a server that never answers times out", "[httplib]") {
    http_test::raw_listener silent;
    httplib_transport_options options;
    options.base = silent.url();
    options.read_timeout = std::chrono::milliseconds{50};
    options.connect_timeout = std::chrono::milliseconds{50};
    CHECK(http_test::connect(options)(get("/")).error().code == errc::timed_out);
    options.base = "https" + silent.url().substr(4);
    const auto code = http_test::connect(options)(get("/")).error().code;
    CHECK((code == errc::timed_out || code == errc::unavailable));
}

TEST_CASE("httplib_transport: nobody there is unavailable", "[httplib]") {
    std::string url;
    {
        http_test::raw_listener gone;
        url = gone.url();
    }
    CHECK(http_test::connect(url)(get("/")).error().code == errc::unavailable);
}

TEST_CASE("httplib_transport: a connection that the server closed meanwhile is replaced", "[httplib]") {
    http_test::raw_listener listener;
    auto wire = http_test::connect(listener.url());
    for (int round = 0; round < 3; ++round) {
        // Answers as if the connection stayed open, and closes it.
        std::thread peer([&] { listener.answer_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); });
        const auto got = wire(get("/"));
        peer.join();
        REQUIRE(got);
        CHECK(got->body == "ok");
    }
}

TEST_CASE("httplib_transport: cancelling ends the call in progress and every later one", "[httplib]") {
    std::promise<void> entered;
    std::promise<void> leave;
    http_test::server server([&](const request&) {
        entered.set_value();
        leave.get_future().wait();
        return response{204, {}, {}};
    });
    auto wire = http_test::connect(server.url());
    std::thread other([&] {
        entered.get_future().wait();
        wire.cancel();
    });
    CHECK(wire(get("/")).error().code == errc::cancelled);
    leave.set_value();
    other.join();
    CHECK(wire(get("/")).error().code == errc::cancelled);
}

TEST_CASE("httplib_transport: leaves the process's treatment of SIGPIPE alone", "[httplib]") {
    struct sigaction before {};
    struct sigaction fresh {};
    fresh.sa_handler = SIG_DFL;
    sigaction(SIGPIPE, &fresh, &before);
    {
        // The peer closes at once: writing a large body runs into it.
        http_test::raw_listener listener;
        auto wire = http_test::connect(listener.url());
        std::thread peer([&] { listener.answer_once(""); });
        const auto got = wire(post(std::string(std::size_t{8} << 20, 'x')));
        peer.join();
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::unavailable);
    }
    struct sigaction now {};
    sigaction(SIGPIPE, &before, &now);
    CHECK(now.sa_handler == SIG_DFL);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGPIPE) == 0);
}

TEST_CASE("httplib_transport: moves, and is not copied", "[httplib]") {
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<httplib_transport>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<httplib_transport>);
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<httplib_transport>);
}

}  // namespace client_test
