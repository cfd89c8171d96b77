#include <syncline/wire/watch_loop.hpp>

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_scheduler.hpp>

#include "support/catch.hpp"
#include "wire/bundle/watch_world.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
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

}  // namespace watch_loop_test
