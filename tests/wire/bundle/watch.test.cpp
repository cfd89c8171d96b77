// `GET watch` over real sockets: who is woken, who is not, and that nothing stays behind.

#include <syncline/wire/watch_loop.hpp>

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/server_health.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace bundle_watch_test {

using namespace syncline;
using file_sync::must;

namespace {

timestamp real_now() { return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now()); }

// Random bits that several threads may draw.
struct shared_random {
    std::mutex mutex;
    seeded_random source{4};
    std::uint64_t operator()() {
        const std::lock_guard lock{mutex};
        return source.next();
    }
};

// One server over a file, with both wires, on a free port. The bearer's token names the tenant, `a` or `b`.
class served_file {
public:
    scratch_folder folder;
    std::string path = folder.file("server.db");
    shared_random random;
    std::unique_ptr<sqlite_authority_store> store;
    std::unique_ptr<sync_server<sqlite_authority_store>> sync;
    std::unique_ptr<server_health<sync_server<sqlite_authority_store>>> health;
    std::unique_ptr<httplib_server> http;

    explicit served_file(bundle_watch_options watch = {true}, httplib_server_options listen = {}) {
        file_sync::run(path, "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, body TEXT)");
        sqlite_authority_options options;
        options.owner_column = "owner";
        options.durability = sqlite_durability::normal;
        store = std::make_unique<sqlite_authority_store>(must(sqlite_authority_store::open(path, models(), options)));
        sync = std::make_unique<sync_server<sqlite_authority_store>>(*store, authority_options{}, real_now, [this] { return random(); });
        sync->mount_mutation_wire();
        bundle_server_options bundle;
        bundle.watch = std::move(watch);
        must(sync->mount_bundle_wire(std::move(bundle)));
        health = std::make_unique<server_health<sync_server<sqlite_authority_store>>>(*sync);
        http = std::make_unique<httplib_server>(listen);
        bearer_tokens tokens;
        must(tokens.add("a", {"ann", "a"}));
        must(tokens.add("b", {"bob", "b"}));
        must(http->authenticate_with(std::move(tokens)));
        must(http->mount("", *sync));
        must(http->mount_unauthenticated("/syncx", *health));
        must(http->start());
    }

    static schema_set models() {
        model_schema note;
        note.name = note.table = "notes";
        note.key_name = "id";
        note.fields = {{"body", value_kind::text, true, nullptr}};
        schema_set out;
        must(out.add(note));
        return out;
    }
    [[nodiscard]] httplib_transport connect(const std::string& token) const {
        httplib_transport_options options;
        options.base = std::string{"http://127.0.0.1:"}.append(std::to_string(http->port()));
        options.bearer_token = token;
        return must(httplib_transport::open(options));
    }
    [[nodiscard]] std::int64_t watchers() const { return must(sync->status()).watchers; }
    // Another program's write.
    void write(const std::string& id, const std::string& owner) const {
        file_sync::run(path, std::string{"INSERT INTO notes VALUES('"}.append(id).append("','").append(owner).append("','x')"));
    }
};

// What a stream said, for a thread that waits for it.
struct heard {
    std::mutex mutex;
    std::condition_variable changed;
    std::string text;
    bool open = false;
    bool over = false;

    void await(const std::function<bool(const heard&)>& until) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return until(*this); });
    }
    void await_text(const std::string& part) {
        await([&](const heard& h) { return h.text.find(part) != std::string::npos; });
    }
    void say(const std::function<void(heard&)>& what) {
        const std::lock_guard lock{mutex};
        what(*this);
        changed.notify_all();
    }
};

// A peer's stream, read on a thread of its own.
class peer_stream {
public:
    heard hears;

    peer_stream(const served_file& server, const std::string& token, const std::string& query = "?after_bundle_seq=0")
        : source_(server.connect(token)), thread_([this, query] {
              const request get{http_method::get, "/sync/watch" + query, {{"Oversync-Source-ID", "peer"}}, {}};
              const stream_listener told{[&](const response&) { return hears.say([](heard& h) { h.open = true; }), true; },
                                         [&](std::string_view bytes) { return hears.say([&](heard& h) { h.text += bytes; }), true; }};
              static_cast<void>(source_.listen(get, told));
              hears.say([](heard& h) { h.over = true; });
          }) {
        hears.await([](const heard& h) { return h.open || h.over; });
    }
    ~peer_stream() { close(); }
    peer_stream(const peer_stream&) = delete;
    peer_stream& operator=(const peer_stream&) = delete;
    void close() {
        source_.cancel();
        if (thread_.joinable()) thread_.join();
    }

private:
    httplib_transport source_;
    std::thread thread_;
};

response ask(const served_file& server, const std::string& token, const request& r) {
    auto client = server.connect(token);
    auto answer = client(r);
    REQUIRE(answer);
    return *std::move(answer);
}
request posted(const std::string& path, std::string body, const std::string& source = "pusher") {
    return {http_method::post, path, {{"Oversync-Source-ID", source}}, std::move(body)};
}
void fill(const served_file& server, const std::string& token) {
    REQUIRE(ask(server, token, posted("/sync/connect", R"({"has_local_pending_rows":false})")).status == 200);
}
// A peer's push of one row.
void push(const served_file& server, const std::string& token, std::int64_t bundle, const std::string& id) {
    const auto created = ask(server, token, posted("/sync/push-sessions", R"({"source_bundle_id":)" + std::to_string(bundle) + R"(,"planned_row_count":1})"));
    REQUIRE(created.status == 200);
    const auto at = created.body.find(R"("push_id":")") + 11;
    const std::string session = "/sync/push-sessions/" + created.body.substr(at, created.body.find('"', at) - at);
    REQUIRE(ask(server, token, posted(session + "/chunks", R"({"start_row_ordinal":0,"rows":[{"schema":"public","table":"notes","key":{"id":")" + id +
                                                               R"("},"op":"INSERT","base_row_version":0,"payload":{"body":"y"}}]})")).status == 200);
    REQUIRE(ask(server, token, posted(session + "/commit", {})).status == 200);
}
// Until the server has let go of streams whose clients went: it notices by itself, so asking is enough.
void await_watchers(const served_file& server, std::int64_t count) {
    while (server.watchers() != count) std::this_thread::yield();
    SUCCEED();
}

}  // namespace

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
    CHECK(server.http->streams() == 0);
}

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

namespace {

// A device over a file that syncs by itself on a thread of the test, woken by its stream.
class watching_device {
public:
    using client_type = sync_client<sqlite_replica_store, bundle_client, httplib_transport>;

    watching_device(served_file& server, const std::string& path, watch_settings settings = {})
        : store(must(sqlite_replica_store::open(path, served_file::models()))),
          client(store, server.connect("a"), bundle_client_options{}, {real_now, [&] { return server.random(); }, [](timestamp) {}}), source(server.connect("a")),
          automatic(client, {}, {[this](std::function<void()> task) { queue(std::move(task)); }, [](timestamp, std::function<void()>) {}}, real_now,
                    [&] { return server.random(); },
                    [this](const sync_result& r) {
                        const std::lock_guard lock{mutex};
                        if (r.ok() && !r.skipped) ++synced;
                        changed.notify_all();
                    }),
          loop(client, automatic, source, settings, real_now, [&] { return server.random(); }) {
        must(automatic.start());
        worker = std::thread{[this] { work(); }};
    }
    ~watching_device() {
        stop();
        {
            const std::lock_guard lock{mutex};
            over = true;
            changed.notify_all();
        }
        worker.join();
    }
    void start() {
        watcher = std::thread{[this] { loop.run(); }};
    }
    void stop() {
        loop.stop();
        if (watcher.joinable()) watcher.join();
        automatic.stop();
    }
    // Until the device has the row with this id.
    void await_row(const std::string& id) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return has(id); });
        SUCCEED();
    }

    sqlite_replica_store store;
    client_type client;
    httplib_transport source;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::function<void()>> tasks;
    bool over = false;
    int synced = 0;
    auto_sync<client_type> automatic;
    watch_loop<client_type, httplib_transport> loop;
    std::function<bool(const std::string&)> has;
    std::thread worker;
    std::thread watcher;

private:
    void queue(std::function<void()> task) {
        const std::lock_guard lock{mutex};
        tasks.push_back(std::move(task));
        changed.notify_all();
    }
    void work() {
        std::unique_lock lock{mutex};
        for (;;) {
            changed.wait(lock, [&] { return over || !tasks.empty(); });
            if (tasks.empty()) return;
            auto task = std::move(tasks.front());
            tasks.erase(tasks.begin());
            lock.unlock();
            task();
            task = nullptr;
            lock.lock();
        }
    }
};

}  // namespace

TEST_CASE("watch loop: a device is there when a peer has pushed, also after its stream was lost; stop ends it at once (W32)", "[bundle]") {
    bundle_watch_options options{true};
    options.look_every = std::chrono::milliseconds{5};
    served_file server{options};
    fill(server, "a");
    const std::string path = server.folder.file("device.db");
    file_sync::run(path, "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, body TEXT)");
    watch_settings settings;
    settings.retry_first = settings.retry_ceiling = std::chrono::milliseconds{2};
    watching_device device{server, path, settings};
    device.has = [&](const std::string& id) { return file_sync::ask(path, "SELECT count(*) FROM notes WHERE id='" + id + "'") == "1"; };
    device.start();
    await_watchers(server, 1);
    push(server, "a", 1, "n1");
    device.await_row("n1");
    server.write("n2", "a");
    device.await_row("n2");
    // The server's process goes and comes back on another port of its own; the device's does not know: the same port.
    const int port = server.http->port();
    server.http->stop();
    server.write("n3", "a");
    httplib_server_options again;
    again.port = port;
    httplib_server next{again};
    bearer_tokens tokens;
    must(tokens.add("a", {"ann", "a"}));
    must(next.authenticate_with(std::move(tokens)));
    must(next.mount("", *server.sync));
    must(next.start());
    device.await_row("n3");
    await_watchers(server, 1);
    server.write("n4", "a");
    device.await_row("n4");
    device.stop();
    await_watchers(server, 0);
}

TEST_CASE("watch loop: a server that offers no stream is polled", "[bundle]") {
    served_file server{bundle_watch_options{}};
    fill(server, "a");
    const std::string path = server.folder.file("device.db");
    file_sync::run(path, "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, body TEXT)");
    watch_settings settings;
    settings.fallback_interval = std::chrono::milliseconds{2};
    settings.retry_first = settings.retry_ceiling = std::chrono::milliseconds{1};
    watching_device device{server, path, settings};
    device.has = [&](const std::string& id) { return file_sync::ask(path, "SELECT count(*) FROM notes WHERE id='" + id + "'") == "1"; };
    device.start();
    push(server, "a", 1, "n1");
    device.await_row("n1");
    server.write("n2", "a");
    device.await_row("n2");
    CHECK(server.watchers() == 0);
    CHECK(server.http->streams() == 0);
}

}  // namespace bundle_watch_test
