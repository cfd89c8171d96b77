#include <syncline/adapters/httplib/server.hpp>

#include <syncline/support/random.hpp>
#include <syncline/transport/retry_after.hpp>

#include "support/catch.hpp"
#include "unit/adapters/httplib/fixture.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace server_test {

using namespace syncline;

namespace {

response ok(const request&) { return json_response(200, R"({"ok":true})"); }
response hello(const request&, const principal& who) { return json_response(200, who.id); }

request get(std::string path) { return request{http_method::get, std::move(path), {}, {}}; }
request post(std::string body) {
    return request{http_method::post, "/", {{"Content-Type", "application/json"}}, std::move(body)};
}

bool is_json_error(const response& answer, int status, std::string_view code) {
    return answer.status == status && find_header(answer.headers, "Content-Type") == "application/json" &&
           answer.body.find(std::string{R"({"error":")"}.append(code).append(R"(",)")) == 0;
}

bool is_raw_json_error(const std::string& text, std::string_view status, std::string_view code) {
    return text.find(std::string{"HTTP/1.1 "}.append(status).append(" ")) == 0 &&
           text.find("Content-Type: application/json\r\n") != std::string::npos &&
           text.find(std::string{"\r\n\r\n{\"error\":\""}.append(code)) != std::string::npos;
}

std::size_t count_of(const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
}

}  // namespace

TEST_CASE("httplib_server: does not start without an authenticator unless told to let everybody in (W43)", "[httplib]") {
    httplib_server server;
    CHECK(server.start().error().code == errc::invalid_argument);
    REQUIRE(server.mount("", hello));
    const auto refused = server.start();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK(refused.error().detail.find("allow_anonymous") != std::string::npos);
    CHECK(server.port() == 0);
    CHECK_FALSE(server.running());

    REQUIRE(server.authenticate_with(allow_anonymous{}));
    REQUIRE(server.start());
    CHECK(server.port() > 0);
    CHECK(server.running());
}

TEST_CASE("httplib_server: does not listen beyond this machine in plain text unless told so", "[httplib]") {
    httplib_server_options options;
    options.address = "0.0.0.0";
    {
        httplib_server server(options);
        REQUIRE(server.mount_unauthenticated("", ok));
        const auto refused = server.start();
        REQUIRE_FALSE(refused);
        CHECK(refused.error().detail.find("allow_plaintext_beyond_loopback") != std::string::npos);
    }
    options.allow_plaintext_beyond_loopback = true;
    httplib_server server(options);
    REQUIRE(server.mount_unauthenticated("", ok));
    CHECK(server.start());
}

TEST_CASE("httplib_server: options that cannot work are refused", "[httplib]") {
    const auto refused = [](auto change) {
        httplib_server_options options;
        change(options);
        httplib_server server(options);
        REQUIRE(server.mount_unauthenticated("", ok));
        const auto started = server.start();
        return !started && started.error().code == errc::invalid_argument;
    };
    CHECK_FALSE(refused([](httplib_server_options&) {}));
    CHECK(refused([](httplib_server_options& o) { o.port = 65536; }));
    CHECK(refused([](httplib_server_options& o) { o.port = -1; }));
    CHECK(refused([](httplib_server_options& o) { o.threads = 0; }));
    CHECK(refused([](httplib_server_options& o) { o.keep_alive_requests = 0; }));
    CHECK(refused([](httplib_server_options& o) { o.read_timeout = duration{0}; }));
    CHECK(refused([](httplib_server_options& o) { o.tls = tls_files{"/no/such.pem", "/no/such.key"}; }));
}

TEST_CASE("httplib_server: a port that is taken is a fault, not a second server on it", "[httplib]") {
    http_test::server first(ok);
    httplib_server_options options;
    options.port = first.port();
    httplib_server second(options);
    REQUIRE(second.mount_unauthenticated("", ok));
    CHECK(second.start().error().code == errc::unavailable);
    CHECK_FALSE(second.running());
}

TEST_CASE("httplib_server: starts once, stops twice, starts again, and changes only in between", "[httplib]") {
    httplib_server_options options;
    httplib_server server(options);
    server.stop();
    REQUIRE(server.mount_unauthenticated("/a", ok));
    for (int round = 0; round < 2; ++round) {
        REQUIRE(server.start());
        CHECK(server.start().error().code == errc::invalid_argument);
        CHECK(server.mount_unauthenticated("/b", ok).error().code == errc::invalid_argument);
        CHECK(server.mount("/b", hello).error().code == errc::invalid_argument);
        CHECK(server.authenticate_with(allow_anonymous{}).error().code == errc::invalid_argument);
        CHECK(http_test::connect("http://127.0.0.1:" + std::to_string(server.port()))(get("/a"))->status == 200);
        server.stop();
        server.stop();
        CHECK(server.port() == 0);
        CHECK_FALSE(server.running());
    }
}

TEST_CASE("httplib_server: the principal comes from the credentials, and without them there is a JSON 401",
          "[httplib]") {
    bearer_tokens tokens;
    REQUIRE(tokens.add("t", {"ann", "shop"}));
    httplib_server_options options;
    httplib_server server(options);
    REQUIRE(server.authenticate_with(tokens));
    REQUIRE(server.mount("/api", hello));
    REQUIRE(server.start());
    httplib_transport_options to;
    to.base = "http://127.0.0.1:" + std::to_string(server.port()) + "/api";
    {
        const auto refused = http_test::connect(to)(get("/x"));
        REQUIRE(refused);
        CHECK(is_json_error(*refused, 401, "authentication_failed"));
        CHECK(find_header(refused->headers, "WWW-Authenticate") == "Bearer");
    }
    to.bearer_token = "t";
    CHECK(http_test::connect(to)(get("/x"))->body == "ann");
}

TEST_CASE("httplib_server: unknown paths, failing handlers and empty errors are JSON errors", "[httplib]") {
    auto thrower = [](const request&) -> response { throw std::runtime_error("password is 1234"); };
    auto terse = [](const request&) { return response{503, {{"Retry-After", "7"}}, {}}; };
    httplib_server_options options;
    httplib_server server(options);
    REQUIRE(server.mount_unauthenticated("/throws", thrower));
    REQUIRE(server.mount_unauthenticated("/terse", terse));
    REQUIRE(server.start());
    auto wire = http_test::connect("http://127.0.0.1:" + std::to_string(server.port()));
    CHECK(is_json_error(*wire(get("/nowhere")), 404, "not_found"));
    const auto failed = wire(get("/throws"));
    CHECK(is_json_error(*failed, 500, "internal"));
    CHECK(failed->body.find("1234") == std::string::npos);
    for (const header& h : failed->headers) CHECK(h.value.find("1234") == std::string::npos);
    const auto busy = wire(get("/terse"));
    CHECK(is_json_error(*busy, 503, "internal"));
    CHECK(retry_after(*busy, timestamp{}) == std::chrono::seconds{7});
}

TEST_CASE("httplib_server: requests that are not clear are JSON errors and end the connection", "[httplib]") {
    int calls = 0;
    http_test::server server([&calls](const request& message) {
        ++calls;
        return ok(message);
    });
    // A second request behind each: where the first one's end is unknown it must not be answered.
    const std::string next = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    const auto says = [&](const std::string& head) {
        const std::string text = http_test::converse(server.port(), head + next);
        CHECK(count_of(text, "HTTP/1.1 ") == 1);
        return text;
    };
    CHECK(is_raw_json_error(says("nonsense\r\n\r\n"), "400", "invalid_request"));
    CHECK(is_raw_json_error(says("FETCH / HTTP/1.1\r\n\r\n"), "400", "invalid_request"));
    CHECK(is_raw_json_error(says("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"), "400", "invalid_request"));
    CHECK(is_raw_json_error(says("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), "400", "invalid_request"));
    CHECK(is_raw_json_error(says("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), "400",
                            "invalid_request"));
    CHECK(is_raw_json_error(says("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), "400",
                            "invalid_request"));
    CHECK(is_raw_json_error(says("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), "400",
                            "invalid_request"));
    CHECK(is_raw_json_error(says("GET / HTTP/1.1\r\nContent-Length: 100\r\n\r\n"), "400", "invalid_request"));
    CHECK(says("HEAD / HTTP/1.1\r\nContent-Length: 100\r\n\r\n").find("HTTP/1.1 400 ") == 0);
    CHECK(is_raw_json_error(says("TRACE / HTTP/1.1\r\nContent-Length: 100\r\n\r\n"), "405", "method_not_allowed"));
    CHECK(is_raw_json_error(says("DELETE / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), "400", "invalid_request"));
    CHECK(is_raw_json_error(says("POST / HTTP/1.1\r\nContent-Length: 9\r\nContent-Encoding: br\r\n\r\n"), "415",
                            "unsupported_content_encoding"));
    CHECK(is_raw_json_error(
        says("POST / HTTP/1.1\r\nContent-Length: 9\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"), "415",
        "unsupported_media_type"));
    CHECK(is_raw_json_error(says("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n"), "414", "uri_too_long"));
    CHECK(is_raw_json_error(says("GET / HTTP/1.1\r\nRange: nonsense\r\n\r\n"), "416", "range_not_satisfiable"));
    CHECK(calls == 0);
}

TEST_CASE("httplib_server: unknown methods, long paths and odd targets without a body are JSON errors", "[httplib]") {
    http_test::server server(ok);
    const auto says = [&](const std::string& line) {
        return http_test::converse(server.port(), line + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    };
    CHECK(is_raw_json_error(says("TRACE /"), "405", "method_not_allowed"));
    CHECK(is_raw_json_error(says("GET http://host/x"), "400", "invalid_request"));
    CHECK(is_raw_json_error(says("GET /" + std::string(1024, 'a')), "414", "uri_too_long"));
    CHECK(says("GET /" + std::string(1023, 'a')).find("HTTP/1.1 200 ") == 0);
    CHECK(says("GET /?" + std::string(7000, 'a')).find("HTTP/1.1 200 ") == 0);
}

TEST_CASE("httplib_server: a POST without a length has no body and is answered at once", "[httplib]") {
    std::string seen = "untouched";
    http_test::server server([&seen](const request& message) {
        seen = message.body;
        return ok(message);
    });
    const std::string text = http_test::converse(server.port(), "POST / HTTP/1.1\r\nConnection: close\r\n\r\n");
    CHECK(text.find("HTTP/1.1 200 ") == 0);
    CHECK(seen.empty());
}

TEST_CASE("httplib_server: an answer is whole whatever range was asked for", "[httplib]") {
    http_test::server server(ok);
    request message = get("/");
    message.headers.push_back({"Range", "bytes=0-2"});
    const auto got = http_test::connect(server.url())(message);
    REQUIRE(got);
    CHECK(got->status == 200);
    CHECK(got->body == R"({"ok":true})");
}

TEST_CASE("httplib_server: a handler sees the client's headers and none that the HTTP library invents", "[httplib]") {
    request seen;
    http_test::server server([&seen](const request& message) {
        seen = message;
        return ok(message);
    });
    request message = get("/");
    message.headers = {{"X-Mixed-Case", "v"}, {"Remote_Addr", "6.6.6.6"}};
    REQUIRE(http_test::connect(server.url())(message));
    CHECK(find_header(seen.headers, "x-mixed-case") == "v");
    CHECK_FALSE(find_header(seen.headers, "REMOTE_ADDR"));
    CHECK_FALSE(find_header(seen.headers, "LOCAL_PORT"));
}

TEST_CASE("httplib_server: a body may have exactly the limit, plain, chunked or compressed", "[httplib]") {
    std::atomic<std::size_t> got{0};
    httplib_server_options options;
    options.max_request_body = 10000;
    http_test::server server(
        [&got](const request& message) {
            got = message.body.size();
            return ok(message);
        },
        options);
    for (const bool compress : {false, true}) {
        INFO(compress);
        httplib_transport_options to;
        to.base = server.url();
        if (compress) to.gzip_requests_above = 0;
        auto wire = http_test::connect(to);
        CHECK(wire(post(std::string(10000, 'x')))->status == 200);
        CHECK(got == 10000);
        got = 0;
        const auto refused = wire(post(std::string(10001, 'x')));
        REQUIRE(refused);
        CHECK(is_json_error(*refused, 413, "request_too_large"));
        CHECK(got == 0);
        // The connection is still in step.
        CHECK(wire(post("x"))->status == 200);
    }
    const auto chunked = [&](std::size_t size) {
        char length[32];
        std::snprintf(length, sizeof length, "%zx", size);
        return http_test::converse(server.port(),
                                   std::string{"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"}
                                       .append(length)
                                       .append("\r\n")
                                       .append(size, 'x')
                                       .append("\r\n0\r\n\r\n"));
    };
    CHECK(chunked(10000).find("HTTP/1.1 200 ") == 0);
    CHECK(got == 10000);
    CHECK(is_raw_json_error(chunked(10001), "413", "request_too_large"));
}

TEST_CASE("httplib_server: a body that is announced far above the limit is refused without being read", "[httplib]") {
    httplib_server_options options;
    options.max_request_body = 10000;
    http_test::server server(ok, options);
    // Nothing of the body is ever sent.
    const std::string text =
        http_test::converse(server.port(), "POST / HTTP/1.1\r\nContent-Length: 100000000000\r\n\r\n");
    CHECK(is_raw_json_error(text, "413", "request_too_large"));
}

TEST_CASE("httplib_server: a gzip bomb is a 413, broken gzip a 400", "[httplib]") {
    bool called = false;
    httplib_server_options options;
    options.max_request_body = 100000;
    http_test::server server(
        [&called](const request& message) {
            called = true;
            return ok(message);
        },
        options);
    auto wire = http_test::connect(server.url());
    const auto bomb = gzip_compress(std::string(std::size_t{20} << 20, '\0'));
    REQUIRE(bomb);
    request message = post(*bomb);
    message.headers.push_back({"Content-Encoding", "gzip"});
    CHECK(is_json_error(*wire(message), 413, "request_too_large"));
    message.body = "this is not gzip";
    CHECK(is_json_error(*wire(message), 400, "invalid_request"));
    message.body = gzip_compress("cut off")->substr(0, 15);
    CHECK(is_json_error(*wire(message), 400, "invalid_request"));
    CHECK_FALSE(called);
}

TEST_CASE("httplib_server: a body that stops half way is a 400", "[httplib]") {
    httplib_server_options options;
    options.read_timeout = std::chrono::milliseconds{50};
    http_test::server server(ok, options);
    const std::string text = http_test::converse(server.port(), "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    CHECK(is_raw_json_error(text, "400", "invalid_request"));
}

TEST_CASE("httplib_server: answers are compressed above the size, for clients that take it", "[httplib]") {
    std::size_t size = 0;
    httplib_server_options options;
    options.gzip_above = 100;
    http_test::server server([&size](const request&) { return json_response(200, std::string(size, 'x')); }, options);
    const auto compressed = [&](std::size_t n, const std::string& accept) {
        size = n;
        const std::string text = http_test::converse(
            server.port(), "GET / HTTP/1.1\r\nConnection: close\r\nAccept-Encoding: " + accept + "\r\n\r\n");
        CHECK(text.find("HTTP/1.1 200 ") == 0);
        CHECK(text.find("Content-Encoding: br") == std::string::npos);
        return text.find("Content-Encoding: gzip\r\n") != std::string::npos;
    };
    CHECK(compressed(101, "gzip"));
    CHECK(compressed(101, "br, gzip"));
    CHECK_FALSE(compressed(100, "gzip"));
    CHECK_FALSE(compressed(101, "br"));
    CHECK_FALSE(compressed(101, "gzip;q=0"));
}

TEST_CASE("httplib_server: any query and any body arrive byte for byte", "[httplib]") {
    const auto seed = GENERATE(1U, 2U);
    INFO("seed " << seed);
    seeded_random random(seed);
    request seen;
    http_test::server server([&seen](const request& message) {
        seen = message;
        return response{200, {{"Content-Type", "application/octet-stream"}}, message.body};
    });
    httplib_transport_options to;
    to.base = server.url();
    to.gzip_requests_above = 200;
    auto wire = http_test::connect(to);
    const auto bytes = [&random](std::uint64_t most) {
        std::string out(static_cast<std::size_t>(random.below(most)), '\0');
        for (char& c : out) c = static_cast<char>(random.below(256));
        return out;
    };
    for (int round = 0; round < 100; ++round) {
        request message{http_method::post, "/sync/pull", {{"Content-Type", "application/octet-stream"}}, bytes(3000)};
        const query_field field{bytes(20), bytes(40)};
        append_query(message.path, field.name, field.value);
        const auto got = wire(message);
        REQUIRE(got);
        REQUIRE(got->body == message.body);
        REQUIRE(seen.path == message.path);
        REQUIRE(query_fields(seen.path)->front() == field);
    }
}

TEST_CASE("httplib_server: many clients at once each get their own answers", "[httplib]") {
    httplib_server_options options;
    options.threads = 4;
    http_test::server server([](const request& message) { return json_response(200, message.path + message.body); },
                             options);
    std::atomic<int> right{0};
    std::vector<std::thread> clients;
    for (int c = 0; c < 12; ++c) {
        clients.emplace_back([&, c] {
            httplib_transport_options to;
            to.base = server.url();
            // A connection kept open would hold one of the four threads.
            to.keep_alive = false;
            auto opened = httplib_transport::open(to);
            for (int n = 0; opened && n < 20; ++n) {
                request message = post(std::to_string(n));
                message.path.append(std::to_string(c)).append("/");
                const auto got = (*opened)(message);
                if (got && got->body == message.path + message.body) ++right;
            }
        });
    }
    for (auto& client : clients) client.join();
    CHECK(right == 12 * 20);
}

TEST_CASE("httplib_server: stopping answers every request in flight", "[httplib]") {
    constexpr int clients = 6;
    std::mutex mutex;
    std::condition_variable changed;
    int entered = 0;
    bool released = false;
    httplib_server_options options;
    options.threads = clients;
    http_test::server server(
        [&](const request& message) {
            std::unique_lock lock(mutex);
            ++entered;
            changed.notify_all();
            changed.wait(lock, [&] { return released; });
            return ok(message);
        },
        options);
    std::atomic<int> answered{0};
    std::vector<std::thread> threads;
    for (int c = 0; c < clients; ++c) {
        threads.emplace_back([&] {
            auto opened = httplib_transport::open([&] {
                httplib_transport_options to;
                to.base = server.url();
                return to;
            }());
            const auto got = (*opened)(get("/"));
            if (got && got->status == 200) ++answered;
        });
    }
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return entered == clients; });
    }
    std::thread stopper([&] { server.stop(); });
    {
        const std::lock_guard lock(mutex);
        released = true;
    }
    changed.notify_all();
    stopper.join();
    for (auto& thread : threads) thread.join();
    CHECK(answered == clients);
}

TEST_CASE("httplib_server: TLS proves the server's name to clients that trust its certificate only", "[httplib]") {
    const scratch_folder folder;
    httplib_server_options options;
    options.tls = http_test::make_certificate(folder, "right", "IP:127.0.0.1");
    const tls_files other = http_test::make_certificate(folder, "other", "IP:127.0.0.1");
    http_test::server server([](const request& message) { return json_response(200, message.body); }, options);

    httplib_transport_options to;
    to.base = server.url("https");
    to.ca_file = options.tls->certificate_chain;
    to.gzip_requests_above = 100;
    {
        auto wire = http_test::connect(to);
        for (const std::size_t size : {0U, 10U, 100000U}) {
            const auto got = wire(post(std::string(size, 'x')));
            INFO((got ? std::string{} : got.error().detail));
            REQUIRE(got);
            CHECK((got->body == std::string(size, 'x')));
        }
    }
    to.ca_file = other.certificate_chain;
    CHECK(http_test::connect(to)(get("/")).error().code == errc::unavailable);
    to.ca_file.clear();
    CHECK(http_test::connect(to)(get("/")).error().code == errc::unavailable);
    to.verify_server_certificate = false;
    CHECK(http_test::connect(to)(get("/")));
    // Plain text against a TLS port.
    CHECK_FALSE(http_test::connect(server.url("http"))(get("/")));
}

TEST_CASE("httplib_transport: a TLS connection that the server has closed meanwhile is replaced", "[httplib]") {
    const scratch_folder folder;
    httplib_server_options options;
    options.tls = http_test::make_certificate(folder, "idle", "IP:127.0.0.1");
    options.keep_alive = std::chrono::seconds{0};
    httplib_server first(options);
    REQUIRE(first.mount_unauthenticated("", ok));
    REQUIRE(first.start());
    httplib_transport_options to;
    to.base = "https://127.0.0.1:" + std::to_string(first.port());
    to.ca_file = options.tls->certificate_chain;
    auto wire = http_test::connect(to);
    REQUIRE(wire(get("/")));
    options.port = first.port();
    first.stop();

    httplib_server second(options);
    REQUIRE(second.mount_unauthenticated("", ok));
    REQUIRE(second.start());
    const auto got = wire(get("/"));
    INFO((got ? std::string{} : got.error().detail));
    CHECK(got);
}

TEST_CASE("httplib_server: TLS with a certificate for another name is refused", "[httplib]") {
    const scratch_folder folder;
    httplib_server_options options;
    options.tls = http_test::make_certificate(folder, "name", "DNS:example.org");
    http_test::server server(ok, options);
    httplib_transport_options to;
    to.base = server.url("https");
    to.ca_file = options.tls->certificate_chain;
    const auto got = http_test::connect(to)(get("/"));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::unavailable);
    CHECK(got.error().detail.find("certificate") != std::string::npos);
}

TEST_CASE("httplib_server: TLS with a certificate that has expired is refused", "[httplib]") {
    const scratch_folder folder;
    httplib_server_options options;
    options.tls = http_test::make_certificate(folder, "old", "IP:127.0.0.1", "20200101000000Z");
    http_test::server server(ok, options);
    httplib_transport_options to;
    to.base = server.url("https");
    to.ca_file = options.tls->certificate_chain;
    CHECK(http_test::connect(to)(get("/")).error().code == errc::unavailable);
}

TEST_CASE("httplib_server: a certificate and a key that do not belong together are refused", "[httplib]") {
    const scratch_folder folder;
    httplib_server_options options;
    options.tls = http_test::make_certificate(folder, "one", "IP:127.0.0.1");
    options.tls->private_key = http_test::make_certificate(folder, "two", "IP:127.0.0.1").private_key;
    httplib_server server(options);
    REQUIRE(server.mount_unauthenticated("", ok));
    CHECK(server.start().error().code == errc::invalid_argument);
}

}  // namespace server_test
