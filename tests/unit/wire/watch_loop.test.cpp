#include <syncline/wire/watch_loop.hpp>

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_scheduler.hpp>

#include "support/catch.hpp"
#include "wire/bundle/watch_world.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace watch_loop_test {

using namespace syncline;
using namespace watch_world;

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

TEST_CASE("watch loop: while its stream is open, the schedule's interval only pushes, also again after a failure", "[bundle]") {
    using std::chrono::minutes;
    constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);
    const auto mode_of = [](const schedule_step& step) { return std::get<run_now>(step).mode; };
    const auto time_of = [](const schedule_step& step) { return std::get<run_at>(step).at; };
    seeded_random random{1};
    sync_result failed;
    failed.why = fault{errc::unavailable, "no network"};
    sync_schedule s;
    s.interval = minutes{15};
    sync_scheduler scheduler{s, noon, noon};
    scheduler.note_watched(true);
    timestamp now = noon + minutes{15};
    CHECK(mode_of(scheduler.next(now)) == sync_mode::push_only);
    scheduler.finished(failed, now, random);
    const timestamp again = time_of(scheduler.next(now));
    CHECK(again - now <= s.retry_first);
    now = again;
    CHECK(mode_of(scheduler.next(now)) == sync_mode::push_only);
    scheduler.finished({}, now, random);
    CHECK(time_of(scheduler.next(now)) == now + minutes{15});
    scheduler.note_behind();
    CHECK(mode_of(scheduler.next(now)) == sync_mode::pull_only);
    scheduler.finished({}, now, random);
    now += minutes{15};
    scheduler.note_watched(false);
    CHECK(mode_of(scheduler.next(now)) == sync_mode::push_then_pull);
    scheduler.finished({}, now, random);
    CHECK(time_of(scheduler.next(now)) == now + minutes{15});
}

namespace {

// A device and its loop on one thread, with a server that answers what a test says, request by request; after the last answer the loop ends.
struct scripted_watch {
    struct source {
        scripted_watch* of;
        result<response> listen(const request& r, const stream_listener& l) { return of->answer(r, l); }
        void cancel() {}
    };
    using client_type = sync_client<memory_replica_store, bundle_client, std::function<result<response>(const request&)>>;
    using step = std::function<result<response>(const stream_listener&)>;

    explicit scripted_watch(watch_settings settings = {})
        : client(store, [](const request&) -> result<response> { return make_fault(errc::forbidden, "nobody is served"); }, bundle_client_options{},
                 {[this] { return tick(); }, [this] { return random.next(); }, [](timestamp) {}}),
          automatic(client, {}, {[this](std::function<void()> task) { pulls.push_back(std::move(task)); }, [](timestamp, std::function<void()>) {}},
                    [this] {
                        if (stops_after_pull && !pulls.empty()) loop.stop();
                        return tick();
                    },
                    [this] { return random.next(); }),
          loop(client, automatic, from, settings, [this] { return tick(); }, [this] { return random.next(); }) {
        client.sync();  // it has a name of its own from here on
        must(automatic.start());
    }
    scripted_watch(const scripted_watch&) = delete;
    ~scripted_watch() {
        automatic.stop();
        pulls.clear();
    }
    static watch_settings quick() {
        watch_settings s;
        s.retry_first = s.retry_ceiling = std::chrono::milliseconds{1};
        s.fallback_interval = duration{0};
        return s;
    }
    timestamp tick() {
        if (held && --held_for == 0) held.reset();
        return now += std::chrono::milliseconds{1};
    }
    // Nobody can read the store for a while.
    void hold_store() {
        held.emplace(must(store.begin()));
        held_for = 40;
    }
    result<response> answer(const request& r, const stream_listener& l) {
        asked.push_back(r.path.substr(0, r.path.find('?')));
        if (script.empty()) {
            loop.stop();
            return make_fault(errc::cancelled, "the end");
        }
        auto next = std::move(script.front());
        script.erase(script.begin());
        return next(l);
    }
    // What was asked, one letter each: capabilities, watch.
    std::string run(std::vector<step> steps) {
        script = std::move(steps);
        asked.clear();
        loop.run();
        std::string out;
        for (const auto& path : asked) out += path.ends_with("/capabilities") ? 'c' : path.ends_with("/watch") ? 'w' : '?';
        return out;
    }

    static step body(std::string text, int status = 200) {
        return [text, status](const stream_listener& l) -> result<response> {
            const response head{status, {}, {}};
            if (status != 200) return response{status, {}, text};
            if (!l.begun(head) || !l.bytes(text)) return make_fault(errc::cancelled, "ended by the listener");
            return head;
        };
    }
    static step offers() { return body(R"({"protocol_version":"v1","schema_version":1,"features":{"bundle_change_watch":true}})"); }
    static step fails() {
        return [](const stream_listener&) { return result<response>{make_fault(errc::unavailable, "no network")}; };
    }
    // A stream of which these pieces come; notes whether it was ended by the device.
    step stream(std::vector<std::string> pieces, std::optional<std::string> type = "text/event-stream") {
        return [this, pieces, type](const stream_listener& l) -> result<response> {
            response head{200, {}, {}};
            if (type) head.headers.push_back({"Content-Type", *type});
            left = !l.begun(head);
            for (const auto& piece : pieces)
                if (!left) left = !l.bytes(piece);
            if (left) return make_fault(errc::cancelled, "ended by the listener");
            return head;
        };
    }

    schema_set models = served_file::models();
    memory_replica_store store{models};
    timestamp now = from_microseconds(1'700'000'000'000'000);
    seeded_random random{5};
    std::vector<step> script;
    std::vector<std::string> asked;
    std::optional<memory_replica_store::transaction> held;
    int held_for = 0;
    bool stops_after_pull = false;  // where nothing will be asked any more
    std::vector<std::function<void()>> pulls;  // ordered, and never run
    bool left = false;
    client_type client;
    source from{this};
    auto_sync<client_type> automatic;
    watch_loop<client_type, source> loop;
};

}  // namespace

TEST_CASE("watch loop: what a server offers is asked for again until it can be read", "[bundle]") {
    using w = scripted_watch;
    for (const auto& [why, step] : std::vector<std::pair<std::string, w::step>>{{"no network", w::fails()},
                                                                                {"later", w::body("{}", 503)},
                                                                                {"a web page", w::body("<html>")},
                                                                                {"no end", w::body(std::string((std::size_t{1} << 20) + 1, ' '))}}) {
        CAPTURE(why);
        w d{w::quick()};
        CHECK(d.run({step, w::offers()}) == "ccw");
        CHECK_FALSE(d.pulls.empty());
    }
    w d{w::quick()};
    const w::step no = [&d](const stream_listener&) -> result<response> {
        d.stops_after_pull = true;
        return response{404, {}, "{}"};
    };
    CHECK(d.run({no, w::offers()}) == "c");  // for good; nothing is pulled by time here either, and it waits until it is stopped
}

TEST_CASE("watch loop: what is no stream, or ends, or tells nonsense, is opened again", "[bundle]") {
    using w = scripted_watch;
    w d{w::quick()};
    CHECK(d.run({w::offers(), d.stream({}, std::nullopt)}) == "cww");
    CHECK(d.left);
    w e{w::quick()};
    CHECK(e.run({w::offers(), e.stream({}, "text/html")}) == "cww");
    CHECK(e.left);
    w f{w::quick()};
    CHECK(f.run({w::offers(), w::body("{}", 503), w::fails(), f.stream({": alive\n\n"})}) == "cwwww");
    CHECK_FALSE(f.left);
    w g{w::quick()};
    CHECK(g.run({w::offers(), g.stream({"event: bundle\ndata: nonsense\n\n", "never sent"})}) == "cww");
    CHECK(g.left);
}

TEST_CASE("watch loop: a device that is stopped leaves what it reads at once, the list of what is offered and a stream", "[bundle]") {
    using w = scripted_watch;
    for (const bool in_stream : {false, true}) {
        w d{w::quick()};
        bool went_on = true;
        const w::step last = [&](const stream_listener& l) -> result<response> {
            const response head{200, {{"Content-Type", "text/event-stream"}}, {}};
            REQUIRE(l.begun(head));
            d.loop.stop();
            went_on = l.bytes(": more\n\n");
            return make_fault(errc::cancelled, "ended by the listener");
        };
        CHECK(d.run(in_stream ? std::vector<w::step>{w::offers(), last} : std::vector<w::step>{last}) == (in_stream ? "cw" : "c"));
        CHECK_FALSE(went_on);
    }
}

TEST_CASE("watch loop: while the device's store cannot be read nothing is asked, and then it goes on", "[bundle]") {
    using w = scripted_watch;
    w d{w::quick()};
    const auto holding = [&d](w::step then) -> w::step {
        return [&d, then = std::move(then)](const stream_listener& l) {
            auto answer = then(l);
            d.hold_store();
            return answer;
        };
    };
    CHECK(d.run({holding(w::fails()), holding(w::offers()), d.stream({})}) == "ccww");
    CHECK_FALSE(d.held);
}

}  // namespace watch_loop_test
