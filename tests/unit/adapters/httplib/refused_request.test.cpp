#include <syncline/adapters/httplib/refused_request.hpp>

#include <syncline/adapters/httplib/gzip.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/transport/event_stream.hpp>

#include "fixture.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace refused_request_test {

namespace {

using namespace syncline;

struct told {
    std::string method, target;
    int status = 0;
    std::string reason;
    std::size_t answered = 0;
};

// A server that keeps what it tells of refusals. Its handler answers 200, or 400 at /bad.
class observed {
public:
    explicit observed(httplib_server_options options = {}) : served_(&observed::answer, listening(std::move(options))) {}

    // What the server says to @p text, until it closes the connection.
    [[nodiscard]] std::string converse(const std::string& text) const { return http_test::converse(served_.port(), text); }
    [[nodiscard]] int port() const { return served_.port(); }

    std::vector<told> take() {
        const std::lock_guard lock{mutex_};
        return std::exchange(told_, {});
    }

private:
    static response answer(const request& r) {
        if (r.path == "/bad") return json_error(400, "bad", "the handler says so");
        return json_response(200, "{}");
    }
    httplib_server_options listening(httplib_server_options options) {
        options.on_refused = [this](const refused_request& r) {
            const std::lock_guard lock{mutex_};
            told_.push_back({std::string{r.method}, std::string{r.target}, r.status, std::string{r.reason}, r.answered});
        };
        return options;
    }

    std::mutex mutex_;
    std::vector<told> told_;
    http_test::server served_;
};

// Whoever hears the answer finds the refusal told.
void check_told(observed& server, const std::string& sent, const std::string& method, const std::string& target, int status) {
    INFO(sent.substr(0, 80));
    const std::string answer = server.converse(sent);
    const auto all = server.take();
    REQUIRE(all.size() == 1);
    CHECK(all[0].method == method);
    CHECK(all[0].target == target);
    CHECK(all[0].status == status);
    CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    CHECK(all[0].answered == body.size());
    CHECK_FALSE(all[0].reason.empty());
    CHECK(body.find("\"message\":\"" + all[0].reason + "\"") != std::string::npos);
}

std::string gzip(const std::string& text) {
    auto packed = gzip_compress(text);
    REQUIRE(packed);
    return *std::move(packed);
}

class endless final : public event_stream {
public:
    stream_step next(duration) override { return {"on\n", false, std::chrono::hours{1}}; }
    void wake_with(std::function<void()>) override {}
};

}  // namespace

TEST_CASE("httplib_server: tells of bodies and paths that it refuses as too large (413, 414)", "[httplib]") {
    httplib_server_options options;
    options.max_request_body = 1000;
    observed server{std::move(options)};
    const std::string close = "Connection: close\r\n";
    check_told(server, "POST /p?q=1 HTTP/1.1\r\nContent-Length: 1001\r\n" + close + "\r\n" + std::string(1001, 'x'), "POST", "/p?q=1", 413);
    check_told(server, "PUT /far HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "PUT", "/far", 413);
    check_told(server, "POST /chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + close + "\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n", "POST", "/chunks", 413);
    const std::string bomb = gzip(std::string(100'000, 'x'));
    check_told(server, "POST /gzip HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(bomb.size()) + "\r\n" + close + "\r\n" + bomb, "POST", "/gzip", 413);
    const std::string path = "/" + std::string(1024, 'a');
    check_told(server, "GET " + path + " HTTP/1.1\r\n" + close + "\r\n", "GET", path, 414);
    const std::string line = "/" + std::string(9000, 'a');  // longer than the library takes
    check_told(server, "GET " + line + " HTTP/1.1\r\n\r\n", "GET", line.substr(0, 508), 414);
}

TEST_CASE("httplib_server: tells of heads that are too long or never end (431, 408), with as much of them as is short", "[httplib]") {
    httplib_server_options options;
    options.max_request_head = 2000;
    options.read_timeout = std::chrono::milliseconds{50};
    observed server{std::move(options)};
    check_told(server, "GET /long?" + std::string(2000, 'a'), "GET", "/long?" + std::string(502, 'a'), 431);
    check_told(server, std::string(2001, 'a'), std::string(512, 'a'), "", 431);
    for (const bool waits : {true, false}) {
        for (const auto& [sent, method, target] :
             {std::tuple{"GET /half HTT", "GET", "/half"}, {"GET /half", "GET", "/half"}, {"GET ", "GET", ""}, {"\x16\x03\x01", "\x16\x03\x01", ""}}) {
            const http_test::raw_client client(server.port());
            client.say(sent);
            if (!waits) client.close_own_direction();
            CHECK(client.hear().starts_with(waits ? "HTTP/1.1 408 " : "HTTP/1.1 400 "));
            const auto all = server.take();
            REQUIRE(all.size() == 1);
            CHECK(all[0].method == method);
            CHECK(all[0].target == target);
            CHECK(all[0].status == (waits ? 408 : 400));
        }
    }
    // One who says nothing has asked for nothing.
    {
        const http_test::raw_client client(server.port());
        client.close_own_direction();
        CHECK(client.hear().empty());
    }
    CHECK(server.take().empty());
    // A second request of a connection is told as itself.
    check_told(server, "nonsense\r\n\r\n", "nonsense", "", 400);
    const std::string both = server.converse("GET /first HTTP/1.1\r\n\r\nPOST /second?" + std::string(2000, 'a'));
    CHECK(both.starts_with("HTTP/1.1 200 "));
    const auto all = server.take();
    REQUIRE(all.size() == 1);
    CHECK(all[0].method == "POST");
    CHECK(all[0].status == 431);
}

TEST_CASE("httplib_server: tells of requests that are not clear, and of none that a handler has answered", "[httplib]") {
    observed server;
    const std::string close = "Connection: close\r\n\r\n";
    check_told(server, "GET elsewhere HTTP/1.1\r\n" + close, "GET", "elsewhere", 400);
    check_told(server, "GET http://host/x HTTP/1.1\r\n" + close, "GET", "http://host/x", 400);
    check_told(server, "FETCH / HTTP/1.1\r\n\r\n", "FETCH", "/", 400);
    check_told(server, "TRACE /t HTTP/1.1\r\n" + close, "TRACE", "/t", 405);
    check_told(server, "POST /l HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", "POST", "/l", 400);
    check_told(server, "POST /e HTTP/1.1\r\nContent-Length: 9\r\nContent-Encoding: br\r\n\r\n", "POST", "/e", 415);
    check_told(server, "POST /m HTTP/1.1\r\nContent-Length: 9\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n", "POST", "/m", 415);
    check_told(server, "GET /r HTTP/1.1\r\nRange: nonsense\r\n\r\n", "GET", "/r", 416);
    check_told(server, "POST /z HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain", "POST", "/z", 400);
    {
        const http_test::raw_client client(server.port());
        client.say("POST /part HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf");
        client.close_own_direction();
        CHECK(client.hear().starts_with("HTTP/1.1 400 "));
        const auto all = server.take();
        REQUIRE(all.size() == 1);
        CHECK(all[0].reason == "the body did not arrive completely");
    }
    for (const char* path : {"/", "/bad"}) CHECK_FALSE(server.converse(std::string{"GET "} + path + " HTTP/1.1\r\n" + close).empty());
    CHECK(server.take().empty());
}

TEST_CASE("httplib_server: tells of paths at which nothing is mounted", "[httplib]") {
    std::vector<std::string> targets;
    httplib_server_options options;
    options.on_refused = [&](const refused_request& r) {
        CHECK(r.status == 404);
        targets.emplace_back(r.target);
    };
    std::function<response(const request&)> handler = [](const request&) { return json_error(404, "gone", "the handler says so"); };
    {
        httplib_server served{std::move(options)};
        REQUIRE(served.mount_unauthenticated("/here", handler));
        REQUIRE(served.start());
        for (const char* target : {"/here", "/here/x?y", "/there?z", "/hereafter"}) {
            const std::string answer = http_test::converse(served.port(), std::string{"GET "} + target + " HTTP/1.1\r\nConnection: close\r\n\r\n");
            CHECK(answer.starts_with("HTTP/1.1 404 "));
        }
        CHECK(http_test::converse(served.port(), "POST /there HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").starts_with("HTTP/1.1 404 "));
    }
    CHECK(targets == std::vector<std::string>{"/there?z", "/hereafter", "/there"});
}

TEST_CASE("httplib_server: tells of a stream for which there is no room", "[httplib]") {
    std::vector<int> statuses;
    httplib_server_options options;
    options.max_streams = 0;
    options.on_refused = [&](const refused_request& r) { statuses.push_back(r.status); };
    {
        const http_test::server server{[](const request&) { return response{200, {}, {}, std::make_shared<endless>()}; }, std::move(options)};
        CHECK(http_test::converse(server.port(), "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 503 "));
    }
    CHECK(statuses == std::vector<int>{503});
}

TEST_CASE("httplib_server: a listener that throws, or none, changes no refusal", "[httplib]") {
    for (const bool throws : {true, false}) {
        httplib_server_options options;
        options.read_timeout = std::chrono::milliseconds{50};
        if (throws) options.on_refused = [](const refused_request&) { throw std::runtime_error{"1234"}; };
        const http_test::server server{[](const request&) { return json_response(200, "{}"); }, std::move(options)};
        for (const std::string sent : {"nonsense\r\n\r\n", "GET"}) {
            const std::string answer = http_test::converse(server.port(), sent);
            CHECK(answer.starts_with(sent == "GET" ? "HTTP/1.1 408 " : "HTTP/1.1 400 "));
            CHECK(answer.find("1234") == std::string::npos);
        }
    }
}

}  // namespace refused_request_test
