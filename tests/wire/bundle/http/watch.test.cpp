// `GET watch` over real sockets: who is woken, who is not, and that nothing stays behind.

#include <syncline/wire/bundle/watch_server.hpp>

#include "support/catch.hpp"
#include "unit/adapters/httplib/fixture.hpp"
#include "wire/bundle/watch_world.hpp"

#include <chrono>
#include <string>

namespace bundle_watch_test {

using namespace syncline;
using namespace watch_world;

// The first in the file: one stream ends, by one thread. With that libcpp-httplib makes a constant of its own, and ThreadSanitizer, for which Debian
// does not compile it, would take it for a race where two streams end at once before.
TEST_CASE("watch over HTTP: a shutdown of the sync server ends streams and refuses requests; health says so (OS-AUD-015)", "[bundle]") {
    const served_file server;
    fill(server, "a");
    peer_stream watcher{server, "a"};
    const request health{http_method::get, "/syncx/health", {}, {}};
    CHECK(ask(server, "", health).status == 200);
    server.sync->begin_shutdown();
    watcher.hears.await([](const heard& h) { return h.over; });
    await_watchers(server, 0);
    const auto down = ask(server, "", health);
    CHECK(down.status == 503);
    CHECK(down.body.find(R"("lifecycle":"closed","accepting_operations":false)") != std::string::npos);
    CHECK(ask(server, "a", {http_method::get, "/sync/pull", {{"Oversync-Source-ID", "x"}}, {}}).status == 503);
}

TEST_CASE("watch over HTTP: a peer's push wakes a watcher, another program's write too; another tenant's does not (1.10, 4.4)", "[bundle]") {
    bundle_watch_options options{true};
    options.look_every = std::chrono::milliseconds{5};
    const served_file server{options};
    fill(server, "a");
    fill(server, "b");
    peer_stream watcher{server, "a"};
    peer_stream other{server, "b"};
    CHECK(server.watchers() == 2);
    push(server, "a", 1, "n1");
    watcher.hears.await_text("event: bundle\ndata: {\"bundle_seq\":1,\"source_id\":\"pusher\",\"source_bundle_id\":1}\n\n");
    server.write("n2", "a");
    watcher.hears.await_text("\"bundle_seq\":2,\"source_id\":\"server\"");
    // Whatever was meant for everybody would have come by the time that this one's own does.
    push(server, "b", 1, "n3");
    other.hears.await_text("\"bundle_seq\":1");
    CHECK(other.hears.text.find("\"bundle_seq\":2") == std::string::npos);
    peer_stream late{server, "a"};
    late.hears.await_text("event: bundle\ndata: {\"bundle_seq\":2}\n\n");
    peer_stream knows{server, "a", "?after_bundle_seq=2"};
    push(server, "a", 2, "n4");
    knows.hears.await_text("\"bundle_seq\":3");
    CHECK(knows.hears.text.find("\"bundle_seq\":2") == std::string::npos);
}

TEST_CASE("watch over HTTP: heartbeats keep coming through every timeout of the server (8.2 item 10)", "[bundle]") {
    bundle_watch_options options{true};
    options.heartbeat = std::chrono::milliseconds{40};
    httplib_server_options listen;
    listen.request_timeout = listen.read_timeout = listen.write_timeout = std::chrono::milliseconds{100};
    const served_file server{options, listen};
    server.write("n1", "a");
    peer_stream watcher{server, "a", "?after_bundle_seq=1"};
    std::string beats;
    for (int i = 0; i < 6; ++i) beats += ": heartbeat\n\n";
    watcher.hears.await_text(beats);
    CHECK(watcher.hears.text.starts_with(beats));
}

TEST_CASE("watch over HTTP: a client that goes leaves no subscriber, and makes room for another", "[bundle]") {
    bundle_watch_options options{true};
    options.max_subscribers_of_principal = 2;
    const served_file server{options};
    fill(server, "a");
    {
        peer_stream first{server, "a"};
        peer_stream second{server, "a"};
        CHECK(server.watchers() == 2);
        const auto refused = ask(server, "a", {http_method::get, "/sync/watch", {{"Oversync-Source-ID", "third"}}, {}});
        CHECK(refused.status == 429);
        CHECK(find_header(refused.headers, "Retry-After"));
        second.close();
        await_watchers(server, 1);
        peer_stream third{server, "a"};
        CHECK(third.hears.open);
    }
    await_watchers(server, 0);
    await_streams(server, 0);  // the connection goes a moment after what it listened to
}

TEST_CASE("watch over HTTP: a request of which a part has come when the shutdown begins is served, and those behind it are not (OS-AUD-015)", "[bundle]") {
    const served_file server;
    fill(server, "a");
    const http_test::raw_client slow(server.http->port());
    const std::string body = R"({"has_local_pending_rows":false})";
    slow.say("POST /sync/connect HTTP/1.1\r\nAuthorization: Bearer a\r\nOversync-Source-ID: slow\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n");
    CHECK(slow.hear("\r\n\r\n").starts_with("HTTP/1.1 100 "));  // it is being read
    slow.say(body.substr(0, 9));
    server.sync->begin_shutdown();
    CHECK(ask(server, "a", posted("/sync/connect", body)).status == 503);
    slow.say(body.substr(9));
    CHECK(slow.hear("resolution").starts_with("HTTP/1.1 200 "));
    slow.say("GET /sync/capabilities HTTP/1.1\r\nAuthorization: Bearer a\r\nOversync-Source-ID: slow\r\nConnection: close\r\n\r\n");
    CHECK(slow.hear().find("HTTP/1.1 503 ") != std::string::npos);
}

TEST_CASE("watch over HTTP: stop returns with streams open, and they leave nothing behind", "[bundle]") {
    const served_file server;
    fill(server, "a");
    peer_stream first{server, "a"};
    peer_stream second{server, "a"};
    server.http->stop();
    first.hears.await([](const heard& h) { return h.over; });
    second.hears.await([](const heard& h) { return h.over; });
    CHECK(server.watchers() == 0);
    CHECK(server.http->streams() == 0);
}

}  // namespace bundle_watch_test
