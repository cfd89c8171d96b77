#include <syncline/adapters/httplib/connection.hpp>

#include "support/catch.hpp"
#include "unit/adapters/httplib/fixture.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>

namespace connection_test {

using namespace syncline;

namespace {

response echo(const request& message) { return json_response(200, std::string(message.path).append(":").append(message.body)); }

std::string get_of(std::string_view path, std::string_view headers = {}) {
    return std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: x\r\n").append(headers).append("\r\n");
}
constexpr std::string_view last = "Connection: close\r\n";

std::size_t answers_in(const std::string& text) {
    std::size_t n = 0;
    for (std::size_t at = text.find("HTTP/1.1 "); at != std::string::npos; at = text.find("HTTP/1.1 ", at + 1)) ++n;
    return n;
}

// Only the limit under test may end a connection.
httplib_server_options patient() {
    httplib_server_options options;
    options.read_timeout = std::chrono::hours{1};
    options.write_timeout = std::chrono::hours{1};
    options.request_timeout = std::chrono::hours{1};
    return options;
}

}  // namespace

TEST_CASE("connection: requests sent ahead of their turn are all answered, in order", "[httplib]") {
    http_test::server server(echo, patient());
    std::string text = get_of("/1");
    text.append("POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    text.append("POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n");
    text.append(get_of("/4", last));
    const std::string heard = http_test::converse(server.port(), text);
    CHECK(answers_in(heard) == 4);
    std::size_t at = 0;
    for (const char* body : {"/1:", "/2:abc", "/3:xyz", "/4:"}) {
        CAPTURE(body);
        at = heard.find(std::string("\r\n\r\n").append(body), at);
        REQUIRE(at != std::string::npos);
        ++at;
    }
}

TEST_CASE("connection: a client that has closed its own direction still gets its answer", "[httplib]") {
    http_test::server server(echo, patient());
    const http_test::raw_client client(server.port());
    client.say(get_of("/half"));
    client.close_own_direction();
    CHECK(client.hear().find("\r\n\r\n/half:") != std::string::npos);
}

TEST_CASE("connection: clients that send a byte now and then lose their thread when the request's time is over", "[httplib]") {
    httplib_server_options options = patient();
    options.threads = 2;
    options.request_timeout = std::chrono::milliseconds{100};
    http_test::server server(echo, options);
    for (const std::string_view part : {"G", "GET / HTTP/1.1\r\nHost: x\r\nA", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
        CAPTURE(part);
        const http_test::raw_client slow(server.port()), slower(server.port());
        slow.say(part);
        slower.say(part);
        // Both threads wait for those two, and for their next bytes they would wait an hour.
        CHECK(http_test::converse(server.port(), get_of("/other", last)).find("\r\n\r\n/other:") != std::string::npos);
        const std::string heard = slow.hear();
        CHECK(answers_in(heard) == 1);
        CHECK(heard.find("{\"error\":\"") != std::string::npos);
        CHECK(heard.find("Connection: close\r\n") != std::string::npos);
    }
}

TEST_CASE("connection: a client that does not read its answer loses its thread when the answer's time is over", "[httplib]") {
    httplib_server_options options = patient();
    options.threads = 1;
    options.request_timeout = std::chrono::milliseconds{300};
    options.gzip_above.reset();
    http_test::server server(
        [](const request& message) { return json_response(200, std::string(message.path == "/big" ? std::size_t{64} << 20 : 1, 'x')); }, options);
    const http_test::raw_client deaf(server.port());
    deaf.say(get_of("/big"));
    CHECK(http_test::converse(server.port(), get_of("/small", last)).find("\r\n\r\nx") != std::string::npos);
}

TEST_CASE("connection: a head may have exactly its limit, whatever it is made of", "[httplib]") {
    httplib_server_options options = patient();
    options.max_request_head = 3000;
    http_test::server server(echo, options);
    const auto with_head_of = [](std::size_t size, bool many) {
        std::string headers(last);
        const std::size_t rest = size - get_of("/", last).size();
        if (many) {
            for (std::size_t left = rest; left > 0;) {
                const std::size_t line = left >= 20 ? 10 : left;
                headers.append("X: ").append(line - 5, 'a').append("\r\n");
                left -= line;
            }
        } else {
            headers.append("X: ").append(rest - 5, 'a').append("\r\n");
        }
        return get_of("/", headers);
    };
    for (const bool many : {false, true}) {
        CAPTURE(many);
        REQUIRE(with_head_of(3000, many).size() == 3000);
        CHECK(http_test::converse(server.port(), with_head_of(3000, many)).find("HTTP/1.1 200 ") == 0);
        const std::string refused = http_test::converse(server.port(), with_head_of(3001, many));
        CHECK(refused.find("HTTP/1.1 400 ") == 0);
        CHECK(refused.find("{\"error\":\"invalid_request\"") != std::string::npos);
    }
    // Each request has the limit to itself.
    const std::string two = get_of("/", std::string("X: ").append(2000, 'a').append("\r\n")).append(with_head_of(3000, false));
    CHECK(answers_in(http_test::converse(server.port(), two)) == 2);
    // Where not even the request line is complete the library says nothing; there is a JSON error all the same.
    const std::string line = http_test::converse(server.port(), std::string("GET /").append(3500, 'a'));
    CHECK(line.find("HTTP/1.1 431 ") == 0);
    CHECK(line.find("{\"error\":\"request_head_too_large\"") != std::string::npos);
}

TEST_CASE("connection: a client that never stops asking does not keep the server from stopping", "[httplib]") {
    std::atomic<int> asked{0};
    http_test::server server(
        [&](const request& message) {
            ++asked;
            return echo(message);
        },
        patient());
    std::string heard;
    std::thread talker([port = server.port(), &heard] {
        const http_test::raw_client client(port);
        do client.say(get_of("/"));
        while ((heard = client.hear("\r\n\r\n/:")).find("\r\n\r\n/:") != std::string::npos);
    });
    while (asked < 10) std::this_thread::yield();
    server.stop();
    talker.join();
    CHECK(heard.empty());
}

TEST_CASE("connection: a TLS client that never finishes its handshake loses its thread", "[httplib]") {
    const scratch_folder folder;
    httplib_server_options options = patient();
    options.tls = http_test::make_certificate(folder, "tls", "IP:127.0.0.1");
    options.threads = 1;
    options.request_timeout = std::chrono::milliseconds{200};
    http_test::server server(echo, options);
    const http_test::raw_client silent(server.port());
    silent.say("\x16\x03\x01");
    httplib_transport_options to;
    to.base = server.url("https");
    to.ca_file = options.tls->certificate_chain;
    const auto got = http_test::connect(to)(request{http_method::get, "/", {}, {}});
    INFO((got ? std::string{} : got.error().detail));
    CHECK(got);
}

}  // namespace connection_test
