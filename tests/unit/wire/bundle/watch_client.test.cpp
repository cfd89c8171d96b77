#include <syncline/wire/bundle/watch_client.hpp>

#include <syncline/transport/json_error.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace watch_client_test {

using namespace syncline;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct watcher {
    timestamp now = from_microseconds(1'700'000'000'000'000);
    seeded_random random{5};
    watch_settings settings;
    watch_client machine;

    explicit watcher(watch_settings s = {}) : settings(s), machine(s, now) {}

    template <class Step>
    [[nodiscard]] bool says() {
        return std::holds_alternative<Step>(machine.next(now));
    }
    // When it wants to be asked again.
    [[nodiscard]] std::optional<duration> waits() {
        const auto step = machine.next(now);
        REQUIRE(std::holds_alternative<wait_for_watch>(step));
        const auto until = std::get<wait_for_watch>(step).until;
        if (!until) return std::nullopt;
        return *until - now;
    }
    void open() {
        REQUIRE(says<ask_watch>());
        machine.on_capabilities(true, now);
        REQUIRE(says<open_watch>());
        machine.on_open(now);
    }
    void hear(std::string_view bytes) { machine.on_bytes(bytes, now); }
    void refuse(int status, std::string_view code) { machine.on_refused(json_error(status, code, "no"), now, random); }
    void close() { machine.on_closed(now, random); }
};

constexpr std::string_view event_7 = "event: bundle\ndata: {\"bundle_seq\":7}\n\n";

}  // namespace

TEST_CASE("watch client: asks once whether it may, opens, and pulls for each event; heartbeats and unknown events are nothing", "[bundle]") {
    watcher w;
    CHECK_FALSE(w.machine.watching());
    w.open();
    CHECK(w.machine.watching());
    CHECK(w.waits() == seconds{90});
    w.now += seconds{25};
    w.hear(": heartbeat\n\n");
    w.hear("event: other\ndata: not json\n\n");
    CHECK(w.waits() == seconds{90});
    for (const char c : event_7) w.hear(std::string_view{&c, 1});
    CHECK(w.says<pull_for_watch>());
    CHECK(w.waits() == seconds{90});
    w.hear(std::string{event_7}.append(event_7));
    CHECK(w.says<pull_for_watch>());
    CHECK(w.waits() == seconds{90});  // several are one
}

TEST_CASE("watch client: an open stream suppresses pulls by time", "[bundle]") {
    watcher w;
    REQUIRE(w.says<ask_watch>());
    w.close();  // once without an answer: it polls
    CHECK(w.says<pull_for_watch>());
    w.now += seconds{1};
    w.open();
    for (int beat = 0; beat < 20; ++beat) {
        w.now += seconds{25};
        w.hear(": heartbeat\n\n");
        CHECK(w.waits() == seconds{90});
    }
}

TEST_CASE("watch client: a lost stream is one pull, a pause that grows and is jittered, and another stream", "[bundle]") {
    watcher w;
    w.open();
    duration longest = seconds{1};
    for (int attempt = 0; attempt < 10; ++attempt) {
        w.close();
        CHECK_FALSE(w.machine.watching());
        CHECK(w.says<pull_for_watch>());
        const auto pause = w.waits();
        REQUIRE(pause);
        CHECK(*pause >= longest / 2);
        CHECK(*pause <= longest);
        longest = (std::min)(2 * longest, duration{seconds{60}});
        w.now += *pause;
        // Where both are due, the pull comes first.
        if (w.says<pull_for_watch>()) CHECK(*pause == seconds{60});
        else continue;
    }
    // Only a stream on which something came is worth an early attempt.
    watcher other;
    other.open();
    for (int i = 0; i < 5; ++i) {
        other.close();
        REQUIRE(other.says<pull_for_watch>());
        other.now += *other.waits();
        REQUIRE(other.says<open_watch>());
        other.machine.on_open(other.now);
    }
    other.hear(": heartbeat\n\n");
    other.close();
    REQUIRE(other.says<pull_for_watch>());
    CHECK(*other.waits() <= seconds{1});
    watcher jittered{};
    jittered.random = seeded_random{6};
    watcher like{};
    for (auto* each : {&jittered, &like}) {
        each->open();
        each->close();
        REQUIRE(each->says<pull_for_watch>());
    }
    CHECK(jittered.waits() != like.waits());
}

TEST_CASE("watch client: where no stream is offered, or not to this user, it pulls by time for good", "[bundle]") {
    for (const auto& settings : {watch_settings{}, watch_settings{"/sync", seconds{7}}}) {
        for (int how = 0; how < 4; ++how) {
            watcher w{settings};
            REQUIRE(w.says<ask_watch>());
            if (how == 0) w.machine.on_capabilities(false, w.now);
            if (how == 1) w.refuse(404, "not_found");
            if (how == 3) w.refuse(405, "method_not_allowed");
            if (how == 2) {
                w.machine.on_capabilities(true, w.now);
                REQUIRE(w.says<open_watch>());
                w.refuse(403, "bundle_change_watch_forbidden");
            }
            CHECK(w.machine.polls_for_good());
            for (int i = 0; i < 100; ++i) {
                CHECK(w.says<pull_for_watch>());
                CHECK(w.waits() == settings.fallback_interval);
                w.now += settings.fallback_interval;
            }
        }
    }
}

TEST_CASE("watch client: refused for now, it pulls by time and tries again later, no sooner than it was told", "[bundle]") {
    for (const auto& [status, code] : {std::pair{503, "bundle_change_watch_disabled"}, {503, "service_unavailable"}, {409, "scope_uninitialized"},
                                       {409, "scope_initializing"}, {429, "rate_limited"}, {500, "bundle_change_watch_failed"}, {401, "authentication_failed"},
                                       {403, "forbidden"}}) {
        INFO(status << " " << code);
        watcher w;
        REQUIRE(w.says<ask_watch>());
        w.machine.on_capabilities(true, w.now);
        REQUIRE(w.says<open_watch>());
        response answer = json_error(status, code, "no");
        answer.headers.push_back({"Retry-After", "30"});
        w.machine.on_refused(answer, w.now, w.random);
        CHECK_FALSE(w.machine.polls_for_good());
        CHECK(w.says<pull_for_watch>());
        CHECK(w.waits() == seconds{30});
        w.now += seconds{30};
        CHECK(w.says<open_watch>());
        CHECK(w.waits() == seconds{30});  // while it is being opened, pulls go on
        w.now += seconds{30};
        CHECK(w.says<pull_for_watch>());
    }
}

TEST_CASE("watch client: silence, a broken event or a line without end lose the stream", "[bundle]") {
    watcher w;
    w.open();
    w.now += seconds{90} - milliseconds{1};
    CHECK(w.waits() == milliseconds{1});
    w.now += milliseconds{1};
    CHECK(w.says<close_watch>());
    CHECK_FALSE(w.machine.watching());
    w.close();
    CHECK(w.says<pull_for_watch>());
    for (const std::string& bad : {std::string{"event: bundle\ndata: {\"bundle_seq\":0}\n\n"}, std::string{"event: bundle\ndata: x\n\n"},
                                   std::string(std::size_t{1} << 21, 'x')}) {
        watcher b;
        b.open();
        b.hear(bad);
        CHECK_FALSE(b.machine.watching());
        CHECK(b.says<close_watch>());
        b.hear(event_7);  // what still comes is nothing
        b.close();
        CHECK(b.says<pull_for_watch>());
        CHECK(b.waits() > seconds{0});
    }
    watch_settings trusting;
    trusting.silence = duration::zero();
    watcher t{trusting};
    t.open();
    CHECK_FALSE(t.waits());
}

TEST_CASE("watch client: a clock that jumps back makes nothing wait longer", "[bundle]") {
    watcher w;
    w.open();
    w.close();
    REQUIRE(w.says<pull_for_watch>());
    const auto pause = *w.waits();
    w.now -= std::chrono::hours{24};
    CHECK(w.waits() == pause);
    w.now += pause;
    CHECK(w.says<open_watch>());
    w.machine.on_open(w.now);
    w.now -= std::chrono::hours{1};
    CHECK(w.waits() == seconds{90});
}

TEST_CASE("watch client: the request names where the device stands, whose data it has and of which incarnation", "[bundle]") {
    replica_state at;
    at.source_id = "dev";
    at.checkpoint = 12;
    auto r = watch_request("/sync", at);
    CHECK(r.method == http_method::get);
    CHECK(r.path == "/sync/watch?after_bundle_seq=12");
    CHECK(find_header(r.headers, "Accept") == "text/event-stream");
    CHECK(find_header(r.headers, "Oversync-Source-ID") == "dev");
    CHECK(r.headers.size() == 2);
    at.epoch = "e 1";
    at.account = "tag";
    r = watch_request("/sync", at);
    CHECK(find_header(r.headers, epoch_header) == "e%201");
    CHECK(find_header(r.headers, account_header) == "tag");
    CHECK(capabilities_request("/s", at).path == "/s/capabilities");
}

TEST_CASE("watch client: what was lost before anything was asked is asked for after a pause, and where nothing is pulled by time a loss is one pull", "[bundle]") {
    watch_settings settings;
    settings.fallback_interval = duration::zero();
    watcher w{settings};
    w.close();
    CHECK(w.says<pull_for_watch>());
    const auto pause = w.waits();
    REQUIRE(pause);
    CHECK(*pause <= seconds{1});
    w.now += *pause;
    w.open();
    // Refused for now, without a word of when to come again.
    for (int refusals = 0; refusals < 70; ++refusals) {
        w.refuse(503, "service_unavailable");
        CHECK(w.says<pull_for_watch>());
        const auto next = w.waits();
        REQUIRE(next);
        CHECK(*next <= seconds{60});
        w.now += *next;
        CHECK(w.says<open_watch>());
        CHECK_FALSE(w.waits());
    }
    w.refuse(405, "method_not_allowed");
    CHECK(w.says<pull_for_watch>());
    CHECK_FALSE(w.waits());
    CHECK(w.machine.polls_for_good());
}

}  // namespace watch_client_test
