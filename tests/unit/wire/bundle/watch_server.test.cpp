#include <syncline/wire/bundle/watch_server.hpp>

#include <syncline/transport/retry_after.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "unit/wire/bundle/fixture.hpp"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace watch_server_test {

using namespace syncline;
using namespace bundle_fixture;
using std::chrono::seconds;

namespace {

bundle_server_options watching() {
    bundle_server_options out;
    out.watch.enabled = true;
    return out;
}

response watch(server_side& s, const std::string& query = {}, const std::string& who = "ann") {
    return s.call(http_method::get, "/sync/watch" + query, {}, "device", who);
}

// Nobody has anything to fill the account with.
void fill(server_side& s) { REQUIRE(s.call(http_method::post, "/sync/connect", R"({"has_local_pending_rows":false})").status == 200); }

bool refused(const response& r, int status, std::string_view code) {
    return r.status == status && !r.stream && r.body.find(std::string{R"({"error":")"}.append(code).append("\"")) == 0;
}

bool advertised(server_side& s, const std::string& who) {
    return s.call(http_method::get, "/sync/capabilities", {}, "device", who).body.find(R"("bundle_change_watch":true)") != std::string::npos;
}

}  // namespace

TEST_CASE("bundle watch: the head of the stream, and what is there already at once and without a source (1.10)", "[bundle]") {
    server_side s{{}, watching()};
    s.write(project_key("p"), a_project("x"));
    auto answer = watch(s, "?after_bundle_seq=0");
    CHECK(answer.status == 200);
    CHECK(find_header(answer.headers, "Content-Type") == "text/event-stream");
    CHECK(find_header(answer.headers, "Cache-Control") == "no-cache");
    CHECK(find_header(answer.headers, "X-Accel-Buffering") == "no");
    REQUIRE(answer.stream);
    CHECK(answer.stream->next(seconds{0}).bytes == "event: bundle\ndata: {\"bundle_seq\":1}\n\n");
    CHECK(answer.stream->next(seconds{1}).bytes.empty());
    auto known = watch(s, "?after_bundle_seq=1");
    REQUIRE(known.stream);
    CHECK(known.stream->next(seconds{0}).bytes.empty());
    CHECK(s.wire.watch().hub()->subscribers() == 2);
    answer = {};
    known = {};
    CHECK(s.wire.watch().hub()->subscribers() == 0);
}

TEST_CASE("bundle watch: checks in the sheet's order: policy, number, off or draining, too many", "[bundle]") {
    auto options = watching();
    options.watch.allows = [](const principal& who) { return who.id != "eve"; };
    options.watch.max_subscribers_of_principal = 1;
    server_side s{{}, options};
    CHECK(refused(watch(s), 409, "scope_uninitialized"));
    CHECK(refused(watch(s, "?after_bundle_seq=x"), 400, "invalid_request"));
    REQUIRE(s.call(http_method::post, "/sync/connect", R"({"has_local_pending_rows":true})").status == 200);
    CHECK(refused(watch(s), 409, "scope_initializing"));
    CHECK(s.wire.watch().hub()->subscribers() == 0);
    fill(s);
    CHECK(refused(watch(s, "?after_bundle_seq=x", "eve"), 403, "bundle_change_watch_forbidden"));
    for (const char* bad : {"?after_bundle_seq=x", "?after_bundle_seq=-1", "?after_bundle_seq=1.5", "?after_bundle_seq=", "?after_bundle_seq=99999999999999999999"}) {
        INFO(bad);
        CHECK(refused(watch(s, bad), 400, "invalid_request"));
    }
    CHECK(refused(s.call(http_method::post, "/sync/watch"), 405, "method_not_allowed"));
    CHECK(refused(s.call(request{http_method::get, "/sync/watch", {}, {}}), 400, "invalid_request"));
    const auto first = watch(s);
    CHECK(first.stream);
    const auto second = watch(s);
    CHECK(refused(second, 429, "rate_limited"));
    CHECK(retry_after(second, s.now) == seconds{30});
    CHECK(watch(s, {}, "bob").stream);
    s.wire.watch().hub()->close();
    const auto closed = watch(s, "?after_bundle_seq=0");
    CHECK(refused(closed, 503, "service_unavailable"));
    CHECK(find_header(closed.headers, "Retry-After"));
    CHECK(refused(watch(s, "?after_bundle_seq=x"), 400, "invalid_request"));

    bundle_server_options off;
    off.watch.allows = [](const principal&) { return false; };
    server_side without{{}, off};
    CHECK(refused(watch(without, "?after_bundle_seq=x"), 400, "invalid_request"));
    CHECK(refused(watch(without), 503, "bundle_change_watch_disabled"));
    CHECK_FALSE(advertised(without, "ann"));
}

TEST_CASE("bundle watch: capabilities say so only where it is on and the caller may (1.2)", "[bundle]") {
    auto options = watching();
    options.watch.allows = [](const principal& who) { return who.id == "ann"; };
    server_side s{{}, options};
    CHECK(advertised(s, "ann"));
    CHECK_FALSE(advertised(s, "bob"));
}

TEST_CASE("bundle watch: heartbeats by the time that is handed in, in between events or not", "[bundle]") {
    server_side s{{}, watching()};
    fill(s);
    auto stream = watch(s).stream;
    CHECK(stream->next(seconds{0}).again == seconds{25});
    CHECK(stream->next(seconds{24}).bytes.empty());
    const auto beat = stream->next(seconds{25});
    CHECK(beat.bytes == ": heartbeat\n\n");
    CHECK(beat.again == seconds{50});
    s.wire.watch().hub()->publish("home", {9, "s", 2});
    CHECK(stream->next(seconds{51}).bytes == "event: bundle\ndata: {\"bundle_seq\":9,\"source_id\":\"s\",\"source_bundle_id\":2}\n\n: heartbeat\n\n");
    CHECK_FALSE(stream->next(seconds{52}).over);
    s.wire.watch().hub()->close();
    CHECK(stream->next(seconds{53}).over);
}

TEST_CASE("bundle watch: announcing tells of the newest bundle with its source, after what others wrote was sealed", "[bundle]") {
    server_side s{{}, watching()};
    fill(s);
    auto stream = watch(s).stream;
    CHECK(*s.wire.watch().announce("home", s.now));
    CHECK(stream->next(seconds{0}).bytes.empty());
    s.write(project_key("p"), a_project("x"));
    CHECK(*s.wire.watch().announce("home", s.now));
    CHECK(stream->next(seconds{0}).bytes == "event: bundle\ndata: {\"bundle_seq\":1,\"source_id\":\"server\",\"source_bundle_id\":1}\n\n");
    s.write(project_key("p"), a_project("y"));
    auto held = must(s.store.begin("home", access::write));
    // What is being written cannot be sealed now: that is told, so that it is tried again.
    CHECK_FALSE(*s.wire.watch().announce("home", s.now));
    must(held.commit());
    CHECK(*s.wire.watch().announce("home", s.now));
    CHECK(stream->next(seconds{1}).bytes.find("\"bundle_seq\":2") != std::string::npos);
    s.prune();
    s.write(project_key("p"), a_project("z"));
    CHECK(*s.wire.watch().announce("home", s.now));
    CHECK(stream->next(seconds{1}).bytes.find("\"bundle_seq\":3") != std::string::npos);
}

TEST_CASE("bundle watch: what is refused, dropped or rolled back wakes nobody, and the next bundle is told once", "[bundle]") {
    memory_authority_store store{schemas()};
    seeded_random random{3};
    const timestamp now = at_second(1'700'000'000);
    authority_options rules;
    rules.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.key.key != "bad") return std::nullopt;
        return rejection{{errc::validation_failed, "not like this"}, {}};
    };
    sync_server<memory_authority_store> server{store, std::move(rules), [now] { return now; }, [&random] { return random.next(); }};
    must(server.mount_bundle_wire(watching()));
    const auto ask = [&](http_method method, const std::string& path, std::string body = {}) {
        return server(request{method, "/sync" + path, {{"Oversync-Source-ID", "device"}}, std::move(body)}, principal{"ann", "home"});
    };
    // A push of one new project up to its commit, which is another step. @return the session's path
    const auto staged = [&](int number, const std::string& key) {
        const auto made = ask(http_method::post, "/push-sessions", R"({"source_bundle_id":)" + std::to_string(number) + R"(,"planned_row_count":1})");
        REQUIRE(made.status == 200);
        std::string session = "/push-sessions/" + text_in(made.body, "push_id");
        REQUIRE(ask(http_method::post, session + "/chunks", R"({"start_row_ordinal":0,"rows":[{"table":"projects","key":{"id":")" + key +
                                                                R"("},"op":"INSERT","base_row_version":0,"payload":{"name":"x"}}]})").status == 200);
        return session;
    };
    REQUIRE(ask(http_method::post, "/connect", R"({"has_local_pending_rows":false})").status == 200);
    auto stream = ask(http_method::get, "/watch").stream;
    REQUIRE(stream);
    int woken = 0;
    stream->wake_with([&] { ++woken; });
    REQUIRE(ask(http_method::post, staged(1, "p") + "/commit").status == 200);
    CHECK(woken == 1);
    CHECK(stream->next(seconds{0}).bytes == "event: bundle\ndata: {\"bundle_seq\":1,\"source_id\":\"device\",\"source_bundle_id\":1}\n\n");

    CHECK(ask(http_method::post, staged(2, "p") + "/commit").status == 409);    // the record exists
    CHECK(ask(http_method::post, staged(2, "bad") + "/commit").status == 422);  // a rule refuses it
    CHECK(ask(http_method::erase, staged(2, "q")).status == 204);
    const auto failed = server.engine().write_as("home", "billing", [](memory_authority_store::transaction& t) -> result<void> {
        must(t.write(project_key("r"), a_project("x")));
        return make_fault(errc::constraint, "no");
    }, now);
    CHECK_FALSE(failed);
    {
        auto dropped = must(store.begin("home", access::write));
        must(dropped.write(project_key("r"), a_project("x")));
    }
    server.look_for_changes();
    CHECK(woken == 1);
    CHECK(stream->next(seconds{1}).bytes.empty());

    REQUIRE(ask(http_method::post, staged(2, "q") + "/commit").status == 200);
    CHECK(woken == 2);
    CHECK(stream->next(seconds{1}).bytes == "event: bundle\ndata: {\"bundle_seq\":2,\"source_id\":\"device\",\"source_bundle_id\":2}\n\n");
}

TEST_CASE("bundle watch: streams look for changes of others every so often, and no more once the server is gone", "[bundle]") {
    int looks = 0;
    auto look = std::make_shared<watch_look>([&] { ++looks; });
    watch_hub hub;
    bundle_watch_stream stream{*hub.subscribe({"ann", "home"}, 0), seconds{25}, look, seconds{1}};
    CHECK(stream.next(seconds{0}).again == seconds{1});
    CHECK(looks == 0);
    CHECK(stream.next(seconds{1}).again == seconds{2});
    static_cast<void>(stream.next(std::chrono::milliseconds{1500}));
    CHECK(looks == 1);
    static_cast<void>(stream.next(seconds{4}));
    CHECK(looks == 2);
    look->end();
    static_cast<void>(stream.next(seconds{9}));
    CHECK(looks == 2);
    // One that finds another one looking leaves it to that.
    int inner = 0;
    std::shared_ptr<watch_look> shared;
    shared = std::make_shared<watch_look>([&] {
        if (++inner == 1) std::thread{[&] { (*shared)(); }}.join();
    });
    (*shared)();
    CHECK(inner == 1);
    (*shared)();
    CHECK(inner == 2);
    bundle_watch_stream never{*hub.subscribe({"ann", "home"}, 0), seconds{25}, look, seconds{0}};
    CHECK(never.next(seconds{0}).again == seconds{25});
}

}  // namespace watch_server_test
