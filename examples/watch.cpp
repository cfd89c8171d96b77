// A device that hears at once what others do: the server tells it over HTTP, and nothing is asked for by time.

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/make_sync.hpp>
#include <syncline/wire/server_health.hpp>
#include <syncline/wire/watch_loop.hpp>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

struct task {
    std::string id;
    std::string title;

    struct syncline_model {
        static constexpr auto name() { return "task"; }
        static constexpr auto key() { return syncline::key_field<"id", &task::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"title", &task::title>()}; }
    };
};

// The program's worker: tasks run one after the other on one thread. Nothing here is done at a time, so it has no timer.
class worker {
public:
    worker() : thread_([this] { work(); }) {}
    ~worker() {
        {
            const std::lock_guard lock{mutex_};
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    syncline::sync_executor executor() {
        return {[this](std::function<void()> task) {
                    {
                        const std::lock_guard lock{mutex_};
                        tasks_.push_back(std::move(task));
                    }
                    changed_.notify_all();
                },
                [](syncline::timestamp, std::function<void()>) {}};
    }

private:
    void work() {
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [&] { return over_ || !tasks_.empty(); });
            if (tasks_.empty()) return;
            auto task = std::move(tasks_.front());
            tasks_.erase(tasks_.begin());
            lock.unlock();
            task();
            task = nullptr;
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::function<void()>> tasks_;
    bool over_ = false;
    std::thread thread_;
};

}  // namespace

int main() {
    using syncline::or_throw;
    const auto models = or_throw(syncline::schemas_of<task>());
    syncline::memory_authority_store shared{models};
    or_throw(shared.app_write("main", {0, "t0"}, syncline::to_record(task{"t0", "Buy paint"})));
    auto server = syncline::make_sync_server(shared);
    // [server]
    syncline::bundle_server_options wire;
    wire.watch.enabled = true;
    or_throw(server.mount_bundle_wire(wire));
    syncline::server_health health{server};

    syncline::httplib_server http;
    or_throw(http.authenticate_with(syncline::allow_anonymous{{"ann", "main"}}));
    or_throw(http.mount("", server));
    or_throw(http.mount_unauthenticated("/syncx", health));
    or_throw(http.start());
    // [/server]
    syncline::httplib_transport_options where;
    where.base = "http://127.0.0.1:" + std::to_string(http.port());

    // A device that writes, by hand.
    syncline::memory_replica_store other_rows{models};
    auto other = syncline::make_sync_client(other_rows, or_throw(syncline::httplib_transport::open(where)), syncline::bundle_client_options{});
    other.sync();

    worker background;
    syncline::memory_replica_store rows{models};
    auto device = syncline::make_sync_client(rows, or_throw(syncline::httplib_transport::open(where)), syncline::bundle_client_options{});
    device.sync();
    std::mutex mutex;
    std::condition_variable heard;
    std::size_t taken_in = 0;
    const auto count = [&](const syncline::sync_result& r) {
        const std::lock_guard lock{mutex};
        taken_in += r.pulled;
        heard.notify_all();
    };
    // [device]
    syncline::auto_sync automatic{device, syncline::sync_schedule{}, background.executor(), syncline::system_now, syncline::system_random_bits, count};
    or_throw(automatic.start());
    auto stream = or_throw(syncline::httplib_transport::open(where));
    syncline::watch_loop watch{device, automatic, stream, syncline::watch_settings{}, syncline::system_now, syncline::system_random_bits};
    std::thread watching{[&] { watch.run(); }};
    // [/device]

    or_throw(other_rows.app_write({0, "t1"}, syncline::to_record(task{"t1", "Paint the door"})));
    other.sync();
    {
        std::unique_lock lock{mutex};
        heard.wait(lock, [&] { return taken_in > 0; });
    }
    // [stop]
    watch.stop();
    watching.join();
    automatic.stop();
    server.begin_shutdown();
    http.stop();
    // [/stop]
    std::cout << "the device has: " << rows.row({0, "t1"})->fields[0].as_string() << "\n";
    const auto status = or_throw(server.status());
    std::cout << "the server is " << syncline::name_of(status.life) << ", watched by " << status.watchers << "\n";
}
