#include <syncline/adapters/httplib/live_streams.hpp>

#include <syncline/transport/retry_after.hpp>

#include "support/catch.hpp"
#include "unit/adapters/httplib/fixture.hpp"

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace live_streams_test {

using namespace syncline;

namespace {

// What a test says into its streams, and what it sees of them.
struct script {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::function<void()>> wakes;
    std::string waiting;  // what the next call of `next` gives out
    bool over = false;
    std::size_t asked = 0;
    std::size_t open = 0;
    std::size_t gone = 0;

    void say(std::string bytes, bool last = false) {
        std::vector<std::function<void()>> all;
        {
            const std::lock_guard lock{mutex};
            waiting += bytes;
            over = last;
            all = wakes;
        }
        for (const auto& wake : all) wake();
    }
    template <class Until>
    void await(Until until) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return until(*this); });
    }
};

class scripted_stream final : public event_stream {
public:
    explicit scripted_stream(std::shared_ptr<script> from) : script_(std::move(from)) {
        const std::lock_guard lock{script_->mutex};
        ++script_->open;
        script_->changed.notify_all();
    }
    ~scripted_stream() override {
        const std::lock_guard lock{script_->mutex};
        ++script_->gone;
        script_->changed.notify_all();
    }
    void wake_with(std::function<void()> wake) override {
        const std::lock_guard lock{script_->mutex};
        script_->wakes.push_back(std::move(wake));
    }
    stream_step next(duration) override {
        const std::lock_guard lock{script_->mutex};
        ++script_->asked;
        script_->changed.notify_all();
        return {std::exchange(script_->waiting, {}), script_->over, (duration::max)()};
    }

private:
    std::shared_ptr<script> script_;
};

response stream_of(const std::shared_ptr<script>& from) {
    response out{200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache"}}, {}};
    out.stream = std::make_shared<scripted_stream>(from);
    return out;
}

const std::string get_stream = "GET /events HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n";

}  // namespace

TEST_CASE("httplib streams: the head goes out at once and each piece when it is there, uncompressed; the end is clean", "[httplib]") {
    auto said = std::make_shared<script>();
    http_test::server server([&](const request&) { return stream_of(said); });
    http_test::raw_client client(server.port());
    REQUIRE(client.say(get_stream));
    const std::string head = client.hear("\r\n\r\n");
    CHECK(head.find("HTTP/1.1 200") == 0);
    CHECK(head.find("Content-Type: text/event-stream\r\n") != std::string::npos);
    CHECK(head.find("Cache-Control: no-cache\r\n") != std::string::npos);
    CHECK(head.find("Content-Length") == std::string::npos);
    CHECK(head.find("Content-Encoding") == std::string::npos);
    said->await([](const script& s) { return s.asked == 1; });
    said->say("first\n");
    CHECK(client.hear("first\n\r\n") == "6\r\nfirst\n\r\n");
    said->say("second\n");
    CHECK(client.hear("second\n\r\n") == "7\r\nsecond\n\r\n");
    said->say("last\n", true);
    CHECK(client.hear() == "5\r\nlast\n\r\n0\r\n\r\n");
    said->await([](const script& s) { return s.gone == 1; });
}

TEST_CASE("httplib streams: the stream goes when the client does, also by its own direction alone", "[httplib]") {
    auto said = std::make_shared<script>();
    http_test::server server([&](const request&) { return stream_of(said); });
    {
        http_test::raw_client client(server.port());
        REQUIRE(client.say(get_stream));
        said->await([](const script& s) { return s.asked == 1; });
    }
    said->await([](const script& s) { return s.gone == 1; });
    http_test::raw_client half(server.port());
    REQUIRE(half.say(get_stream));
    said->await([](const script& s) { return s.open == 2; });
    half.close_own_direction();
    said->await([](const script& s) { return s.gone == 2; });
}

TEST_CASE("httplib streams: what a client sends ahead does not end its stream nor keep it busy", "[httplib]") {
    auto said = std::make_shared<script>();
    http_test::server server([&](const request&) { return stream_of(said); });
    http_test::raw_client client(server.port());
    REQUIRE(client.say(get_stream + "GET /next HTTP/1.1\r\n"));
    static_cast<void>(client.hear("\r\n\r\n"));
    said->say("a\n");
    static_cast<void>(client.hear("a\n\r\n"));
    said->say("b\n", true);
    CHECK(client.hear().find("b\n") != std::string::npos);
    const std::lock_guard lock{said->mutex};
    CHECK(said->asked <= 4);  // once at first, once for each wake-up; a wake-up may come while it is asked
}

TEST_CASE("httplib streams: outlive every timeout of requests (bundle 8.2 item 10)", "[httplib]") {
    auto said = std::make_shared<script>();
    httplib_server_options options;
    options.read_timeout = options.write_timeout = options.request_timeout = std::chrono::milliseconds{200};
    // Two deadlines of the stream's own choosing pass before it speaks.
    class slow final : public event_stream {
    public:
        void wake_with(std::function<void()>) override {}
        stream_step next(duration elapsed) override {
            if (elapsed < std::chrono::milliseconds{300}) return {{}, false, std::chrono::milliseconds{300}};
            if (elapsed < std::chrono::milliseconds{600}) return {"half\n", false, std::chrono::milliseconds{600}};
            return {"whole\n", true};
        }
    };
    http_test::server server(
        [&](const request&) {
            response out{200, {{"Content-Type", "text/event-stream"}}, {}};
            out.stream = std::make_shared<slow>();
            return out;
        },
        options);
    http_test::raw_client client(server.port());
    REQUIRE(client.say(get_stream));
    CHECK(client.hear().ends_with("6\r\nwhole\n\r\n0\r\n\r\n"));
}

TEST_CASE("httplib streams: leave threads to requests: one too many is told to come again", "[httplib]") {
    auto said = std::make_shared<script>();
    httplib_server_options options;
    options.threads = 3;
    options.max_streams = 2;
    http_test::server server(
        [&](const request& r) { return r.path == "/events" ? stream_of(said) : json_response(200, "{}"); }, options);
    std::vector<std::unique_ptr<http_test::raw_client>> open;
    for (int i = 0; i < 2; ++i) {
        open.push_back(std::make_unique<http_test::raw_client>(server.port()));
        REQUIRE(open.back()->say(get_stream));
        static_cast<void>(open.back()->hear("\r\n\r\n"));
    }
    {
        auto client = http_test::connect(server.url());
        const auto refused = client(request{http_method::get, "/events", {}, {}});
        REQUIRE(refused);
        CHECK(refused->status == 503);
        CHECK(retry_after(*refused, timestamp{}) == std::chrono::seconds{15});
        const auto served = client(request{http_method::get, "/other", {}, {}});
        REQUIRE(served);
        CHECK(served->status == 200);
    }
    open.pop_back();
    said->await([](const script& s) { return s.gone == 2; });  // the refused one, and the one whose client went
    server.await_streams(1);                                  // its place is free after that
    http_test::raw_client third(server.port());
    REQUIRE(third.say(get_stream));
    CHECK(third.hear("\r\n\r\n").find("HTTP/1.1 200") == 0);

    options.max_streams = 3;
    httplib_server none_left(options);
    auto any = [](const request&) { return response{}; };
    REQUIRE(none_left.mount_unauthenticated("", any));
    const auto started = none_left.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().code == errc::invalid_argument);
}

TEST_CASE("httplib streams: stop ends them all, one whose client takes nothing as well", "[httplib]") {
    auto said = std::make_shared<script>();
    httplib_server_options options;
    options.write_timeout = options.request_timeout = std::chrono::minutes{10};
    auto server = std::make_unique<http_test::server>([&](const request&) { return stream_of(said); }, options);
    http_test::raw_client listens(server->port());
    REQUIRE(listens.say(get_stream));
    static_cast<void>(listens.hear("\r\n\r\n"));
    // As much as no socket holds: the write is still going on, or never began, when the server stops.
    http_test::raw_client takes_nothing(server->port());
    REQUIRE(takes_nothing.say(get_stream));
    said->await([](const script& s) { return s.open == 2; });
    said->say(std::string(std::size_t{64} << 20, 'x'));
    said->await([](const script& s) { return s.waiting.empty(); });
    server->stop();
    said->await([](const script& s) { return s.gone == 2; });
}

TEST_CASE("httplib streams: over TLS as well: pieces, a client that goes, stop", "[httplib]") {
    const scratch_folder folder;
    auto said = std::make_shared<script>();
    httplib_server_options options;
    options.tls = http_test::make_certificate(folder, "server", "IP:127.0.0.1");
    auto server = std::make_unique<http_test::server>([&](const request&) { return stream_of(said); }, options);
    httplib_transport_options how;
    how.base = server->url("https");
    how.ca_file = options.tls->certificate_chain;
    std::size_t gone = 0;
    for (const bool stops : {false, true}) {
        auto client = http_test::connect(how);
        std::string heard;
        const stream_listener told{[&](const response&) { return said->say("a\n"), true; },
                                   [&](std::string_view bytes) {
                                       heard += bytes;
                                       if (heard == "a\n") said->say("b\n");
                                       return heard != "a\nb\n" || stops;
                                   }};
        std::thread stopper;
        if (stops)
            stopper = std::thread([&] {
                said->await([](const script& s) { return s.open == 2 && s.asked > 0; });
                server->stop();
            });
        const auto ended = client.listen(request{http_method::get, "/events", {}, {}}, told);
        if (stopper.joinable()) stopper.join();
        if (!stops) {
            CHECK(heard == "a\nb\n");
            CHECK(ended.error().code == errc::cancelled);
        }
        ++gone;
        // The connection of a client that ended its call is closed with it.
        { auto done = std::move(client); }
        said->await([&](const script& s) { return s.gone == gone; });
    }
    SUCCEED();
}

TEST_CASE("httplib streams: an exception of a stream ends it and nothing else", "[httplib]") {
    class broken final : public event_stream {
    public:
        void wake_with(std::function<void()>) override {}
        stream_step next(duration) override { throw 1; }
    };
    http_test::server server([&](const request&) {
        response out;
        out.stream = std::make_shared<broken>();
        return out;
    });
    for (int i = 0; i < 2; ++i) {
        http_test::raw_client client(server.port());
        REQUIRE(client.say(get_stream));
        CHECK(client.hear().find("HTTP/1.1 200") == 0);
    }
}

TEST_CASE("httplib_transport: listen hands the body over as it comes and is ended by its listener, from another thread, or by silence", "[httplib]") {
    auto said = std::make_shared<script>();
    http_test::server server([&](const request& r) {
        if (r.path == "/refused") return json_error(403, "no", "not here");
        if (find_header(r.headers, "Accept-Encoding") != "identity") return json_error(400, "bad", "a stream is asked for uncompressed");
        return stream_of(said);
    });
    auto client = http_test::connect(server.url());
    static_assert(event_source<httplib_transport>);
    std::string heard;
    int begun = 0;
    stream_listener told{[&](const response& head) {
                             CHECK(head.status == 200);
                             CHECK(find_header(head.headers, "Content-Type") == "text/event-stream");
                             ++begun;
                             said->say("a\n");
                             return true;
                         },
                         [&](std::string_view bytes) {
                             heard += bytes;
                             if (heard == "a\n") said->say("b\n", true);
                             return true;
                         }};
    const request get{http_method::get, "/events", {}, {}};
    const auto whole = client.listen(get, told);
    REQUIRE(whole);
    CHECK(whole->status == 200);
    CHECK(whole->body.empty());
    CHECK(heard == "a\nb\n");
    CHECK(begun == 1);

    const auto refused = client.listen(request{http_method::get, "/refused", {}, {}}, told);
    REQUIRE(refused);
    CHECK(refused->status == 403);
    CHECK(refused->body.find("\"no\"") != std::string::npos);
    CHECK(begun == 1);

    said->say({}, false);
    told.begun = [&](const response&) { return said->say("x\n"), true; };
    told.bytes = [](std::string_view) { return false; };
    const auto ended = client.listen(get, told);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == errc::cancelled);
    said->await([](const script& s) { return s.gone == 2; });

    httplib_transport_options impatient;
    impatient.base = server.url();
    impatient.stream_silence = std::chrono::milliseconds{50};
    auto short_of_time = http_test::connect(impatient);
    told.begun = [](const response&) { return true; };
    const auto silent = short_of_time.listen(get, told);
    REQUIRE_FALSE(silent);
    CHECK(silent.error().code == errc::timed_out);

    std::thread canceller;
    told.begun = [&](const response&) {
        canceller = std::thread([&] { client.cancel(); });
        return true;
    };
    const auto cancelled = client.listen(get, told);
    canceller.join();
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().code == errc::cancelled);
    said->await([](const script& s) { return s.gone == 4; });
}

}  // namespace live_streams_test
