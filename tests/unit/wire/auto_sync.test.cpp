#include <syncline/wire/auto_sync.hpp>

#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace auto_sync_test {

using namespace syncline;
using simulation::key_named;
using simulation::memory_lab;
using std::chrono::seconds;

namespace {

constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);
const principal ann{"ann", "main"};

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

using call = std::function<result<response>(const request&)>;

// An executor and a timer that do nothing until they are told to.
struct by_hand {
    sync_executor executor() {
        return {[this](std::function<void()> task) { tasks.push_back(std::move(task)); },
                [this](timestamp at, std::function<void()> wake) { timers.emplace_back(at, std::move(wake)); }};
    }
    bool run_one() {
        if (tasks.empty()) return false;
        auto task = std::move(tasks.front());
        tasks.pop_front();
        task();
        return true;
    }
    bool drop_one() {
        if (tasks.empty()) return false;
        auto task = std::move(tasks.front());
        tasks.pop_front();
        task = nullptr;
        return true;
    }
    // Lets the soonest timer go off.
    bool ring(timestamp& now) {
        const auto at = std::min_element(timers.begin(), timers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        if (at == timers.end()) return false;
        auto wake = std::move(at->second);
        now = (std::max)(now, at->first);
        timers.erase(at);
        wake();
        return true;
    }
    std::deque<std::function<void()>> tasks;
    std::vector<std::pair<timestamp, std::function<void()>>> timers;
};

sync_schedule after_writes() {
    sync_schedule s;
    s.after_local_write = true;
    return s;
}

// A device that syncs by itself, and a server that can be out of reach.
template <template <class> class Wire, class Options>
struct bench {
    explicit bench(sync_schedule schedule = after_writes(), sync_client_options client_options = {})
        : authority(lab.make_authority()), server(*authority, {}, [this] { return now; }, [this] { return random.next(); }),
          store(lab.make_replica("a")),
          client(*store, [this](const request& r) { return carry(r); }, Options{}, around(), resolver_set{}, {}, client_options),
          sync(client, schedule, hands.executor(), [this] { return now; }, [this] { return random.next(); },
               [this](const sync_result& r) { results.push_back(r); }) {
        server.mount_mutation_wire();
        REQUIRE(server.mount_bundle_wire());
    }
    sync_surroundings around() {
        return {[this] { return now; }, [this] { return random.next(); }, [this](timestamp t) { now = t; }};
    }
    result<response> carry(const request& r) {
        ++requests;
        if (during) std::exchange(during, {})();
        if (refuse)
            if (auto answer = refuse(r)) return std::move(*answer);
        if (!reachable) return make_fault(errc::forbidden, "not now");
        return server(r, ann);
    }
    void write(const std::string& key, std::int64_t a) {
        lab.device_write(*store, key_named(key), row(a));
        sync.note_local_write();
    }
    // Everything that is to be run, and every timer.
    void settle(int bound = 50) {
        for (int i = 0; i < bound && (hands.run_one() || hands.ring(now)); ++i) {}
    }
    bool arrived(const std::string& key) { return authority->row("main", key_named(key)).has_value(); }

    timestamp now = noon;
    seeded_random random{1};
    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> authority;
    sync_server<memory_authority_store> server;
    std::unique_ptr<memory_replica_store> store;
    std::size_t requests = 0;
    bool reachable = true;
    std::function<void()> during;
    std::function<std::optional<response>(const request&)> refuse;
    std::vector<sync_result> results;
    by_hand hands;
    sync_client<memory_replica_store, Wire, call> client;
    auto_sync<sync_client<memory_replica_store, Wire, call>> sync;
};
using mutation_bench = bench<mutation_client, mutation_client_options>;
using bundle_bench = bench<bundle_client, bundle_client_options>;

}  // namespace

TEST_CASE("auto sync: off by default, and nothing happens before it is started") {
    mutation_bench off{sync_schedule{}};
    REQUIRE(off.sync.start());
    off.write("T", 1);
    off.sync.note_resumed();
    off.sync.note_network_back();
    CHECK(off.hands.tasks.empty());
    CHECK(off.hands.timers.empty());
    mutation_bench early;
    early.write("T", 1);
    CHECK(early.hands.tasks.empty());
    REQUIRE(early.sync.start());
    // What was left over from before counts as a local write.
    early.settle();
    CHECK(early.arrived("T"));
}

TEST_CASE("auto sync: a local write is pushed, what others did comes back with it, and then it is quiet") {
    const auto check = [](auto& b) {
        REQUIRE(b.sync.start());
        b.lab.server_write(*b.authority, key_named("T2"), row(2));
        b.write("T", 1);
        REQUIRE(b.hands.tasks.size() == 1);
        b.settle();
        CHECK(b.arrived("T"));
        CHECK(b.store->row(key_named("T2")));
        CHECK(b.hands.tasks.empty());
        CHECK(b.hands.timers.empty());
        CHECK(b.client.status()->counts.open == 0);
    };
    SECTION("mutation wire") {
        mutation_bench b;
        check(b);
    }
    SECTION("bundle wire") {
        bundle_bench b;
        check(b);
    }
}

TEST_CASE("auto sync: after a restore of the server a local write still arrives, though it takes a pull first") {
    const auto check = [](auto& b) {
        REQUIRE(b.sync.start());
        b.write("T", 1);
        b.settle();
        CHECK(b.server.engine().begin_incarnation("another", b.now));
        b.write("T2", 2);
        b.settle();
        CHECK(b.arrived("T2"));
        CHECK(b.hands.timers.empty());
    };
    SECTION("mutation wire") {
        mutation_bench b;
        check(b);
    }
    SECTION("bundle wire") {
        bundle_bench b;
        check(b);
    }
}

TEST_CASE("auto sync: push_only pushes only, until a whole sync is asked for") {
    auto s = after_writes();
    s.push_only = true;
    mutation_bench b{s};
    REQUIRE(b.sync.start());
    b.lab.server_write(*b.authority, key_named("T2"), row(2));
    b.write("T", 1);
    b.settle();
    CHECK(b.arrived("T"));
    CHECK_FALSE(b.store->row(key_named("T2")));
    b.sync.sync_now();
    b.settle();
    CHECK(b.store->row(key_named("T2")));
}

TEST_CASE("auto sync: what is noted while the executor has not begun yet is one sync with it") {
    auto s = after_writes();
    s.interval = std::chrono::hours{1};
    mutation_bench b{s};
    REQUIRE(b.sync.start());
    REQUIRE(b.hands.tasks.size() == 1);
    b.sync.sync_now();
    b.write("T", 1);
    b.sync.note_behind();
    REQUIRE(b.hands.run_one());
    CHECK(b.results.size() == 1);
    CHECK(b.arrived("T"));
    CHECK(b.hands.tasks.empty());
}

TEST_CASE("auto sync: rows that a sync applies start nothing") {
    mutation_bench b;
    REQUIRE(b.sync.start());
    for (int i = 0; i < 3; ++i) {
        b.lab.server_write(*b.authority, key_named("T"), row(i + 1));
        b.sync.note_behind();
        b.settle();
        CHECK(b.results.size() == static_cast<std::size_t>(i + 1));
        CHECK(b.store->row(key_named("T")) == b.authority->row("main", key_named("T")));
    }
    CHECK(b.hands.tasks.empty());
    CHECK(b.hands.timers.empty());
}

TEST_CASE("auto sync: a write while a sync runs, a held lock, a network that is away: none loses the wake-up (W32)") {
    mutation_bench b;
    REQUIRE(b.sync.start());
    SECTION("a write during the request") {
        b.during = [&] { b.write("T2", 2); };
        b.write("T", 1);
        b.settle();
        CHECK(b.arrived("T2"));
    }
    SECTION("the lock is held by another program, which writes nothing") {
        sync_client<memory_replica_store, mutation_client, call> other{*b.store,
                                                                       [&](const request& r) -> result<response> {
                                                                           CHECK(b.hands.run_one());
                                                                           return b.server(r, ann);
                                                                       },
                                                                       mutation_client_options{}, b.around()};
        b.write("T", 1);
        CHECK(other.pull().ok());
        REQUIRE(b.results.size() == 1);
        CHECK(b.results[0].skipped);
        CHECK_FALSE(b.arrived("T"));
        b.settle();
    }
    SECTION("nothing can be reached for days") {
        b.reachable = false;
        b.write("T", 1);
        b.settle(400);
        CHECK(b.now - noon > std::chrono::hours{10});
        CHECK(b.requests < 300);
        b.reachable = true;
        b.settle();
    }
    SECTION("the executor throws the task away") {
        b.write("T", 1);
        CHECK(b.hands.drop_one());
        CHECK(b.hands.tasks.empty());
        CHECK(b.hands.timers.size() == 1);
        b.settle();
    }
    CHECK(b.arrived("T"));
    CHECK(b.hands.timers.empty());
}

TEST_CASE("auto sync: an exception of the host's, wherever it comes from, loses no wake-up") {
    sync_client_options listening;
    listening.listeners.completed = [](const sync_result&) { throw std::runtime_error("a listener"); };
    mutation_bench b{after_writes(), listening};
    REQUIRE(b.sync.start());
    b.during = [] { throw std::runtime_error("the transport"); };
    b.write("T", 1);
    b.hands.run_one();
    REQUIRE(b.results.size() == 1);
    REQUIRE(b.results[0].why);
    CHECK(b.results[0].why->code == errc::internal);
    b.settle();
    CHECK(b.arrived("T"));

    int runs = 0;
    by_hand hands;
    auto refuses = hands.executor();
    refuses.run = [&, inner = refuses.run](std::function<void()> task) {
        if (++runs == 1) throw std::runtime_error("the executor");
        inner(std::move(task));
    };
    auto_sync<decltype(b.client)> second{b.client, after_writes(), refuses, [&] { return b.now; }, [&] { return b.random.next(); },
                                         [](const sync_result&) { throw 7; }};
    REQUIRE(second.start());
    b.lab.device_write(*b.store, key_named("T2"), row(2));
    second.note_local_write();
    for (int i = 0; i < 20 && (hands.run_one() || hands.ring(b.now)); ++i) {}
    CHECK(runs >= 2);
    CHECK(b.arrived("T2"));
}

TEST_CASE("auto sync: stopped, it starts nothing, and goes on where it was when it is started again") {
    mutation_bench b;
    REQUIRE(b.sync.start());
    b.write("T", 1);
    b.sync.stop();
    b.settle();
    CHECK(b.requests == 0);
    CHECK(b.results.empty());
    b.write("T2", 2);
    CHECK(b.hands.tasks.empty());
    REQUIRE(b.sync.start());
    SECTION("it may be stopped from within a sync") {
        b.during = [&] { b.sync.stop(); };
        b.settle();
        CHECK(b.results.size() == 1);
        REQUIRE(b.sync.start());
    }
    b.settle();
    CHECK(b.arrived("T"));
    CHECK(b.arrived("T2"));
}

TEST_CASE("auto sync: what the host still holds of one that is gone does nothing") {
    by_hand hands;
    mutation_bench b;
    {
        auto s = after_writes();
        s.throttle = seconds{10};
        auto_sync<decltype(b.client)> gone{b.client, s, hands.executor(), [&] { return b.now; }, [&] { return b.random.next(); }};
        REQUIRE(gone.start());
        gone.note_local_write();
        REQUIRE(hands.run_one());
        gone.note_local_write();
        REQUIRE(hands.timers.size() == 1);
        b.now += seconds{20};
        gone.note_local_write();
        REQUIRE(hands.tasks.size() == 1);
    }
    const auto before = b.requests;
    while (hands.run_one() || hands.ring(b.now)) {}
    CHECK(b.requests == before);
}

TEST_CASE("auto sync: the cool-down and the interval count from the last whole sync, across restarts") {
    auto s = sync_schedule{};
    s.on_resume = true;
    s.interval = std::chrono::minutes{15};
    mutation_bench b{s};
    CHECK(b.client.sync().ok());
    b.now += seconds{10};
    REQUIRE(b.sync.start());
    b.sync.note_resumed();
    CHECK(b.hands.tasks.empty());
    REQUIRE(b.hands.timers.size() == 1);
    CHECK(b.hands.timers[0].first == noon + std::chrono::minutes{15});
    b.now += seconds{25};
    b.sync.note_resumed();
    CHECK(b.hands.tasks.size() == 1);
    b.hands.run_one();
    // The old timer goes off for nothing and sets the new one.
    CHECK(b.hands.ring(b.now));
    CHECK(b.hands.tasks.empty());
    REQUIRE(b.hands.timers.size() == 1);
    CHECK(b.hands.timers.back().first == noon + seconds{35} + std::chrono::minutes{15});
}

TEST_CASE("auto sync: pushes, pulls and failures cool down too, across restarts, on either wire") {
    const auto check = [](auto& b) {
        for (const int kind : {0, 1, 2}) {
            CAPTURE(kind);
            b.now += seconds{100};
            const timestamp ended = b.now;
            b.reachable = kind != 2;
            const auto report = kind == 0 ? b.client.push() : kind == 1 ? b.client.pull() : b.client.sync();
            CHECK(report.ok() == (kind != 2));
            CHECK(b.client.status()->state.last_run_us == to_microseconds(ended));
            CHECK(b.client.status()->state.last_sync_us == 0);
            b.reachable = true;
            sync_schedule s;
            s.on_resume = true;
            by_hand hands;
            auto_sync started{b.client, s, hands.executor(), [&] { return b.now; }, [&] { return b.random.next(); }};  // as after a restart
            REQUIRE(started.start());
            b.now += seconds{29};
            started.note_resumed();
            CHECK(hands.tasks.empty());
            b.now += seconds{1};
            started.note_resumed();
            CHECK(hands.tasks.size() == 1);
        }
    };
    mutation_bench m{sync_schedule{}};
    check(m);
    bundle_bench u{sync_schedule{}};
    check(u);
}

TEST_CASE("auto sync: a server that asks for a pause gets it, across the end of the run") {
    auto s = after_writes();
    mutation_bench b{s};
    REQUIRE(b.sync.start());
    std::size_t refused = 0;
    const auto write = [&](int n) { b.write("T" + std::to_string(n), n); };
    b.refuse = [&](const request&) -> std::optional<response> {
        ++refused;
        return response{429, {{"Retry-After", "600"}}, "{}"};
    };
    write(1);
    REQUIRE(b.hands.run_one());
    REQUIRE(b.results.size() == 1);
    REQUIRE(b.results[0].why);
    CHECK(b.results[0].why->code == errc::rate_limited);
    REQUIRE(b.results[0].not_before);
    CHECK(*b.results[0].not_before == b.now + seconds{600});
    const std::size_t asked = refused;
    write(2);
    CHECK(b.hands.tasks.empty());
    b.refuse = {};
    const timestamp then = b.now;
    while (b.hands.tasks.empty()) REQUIRE(b.hands.ring(b.now));
    CHECK(b.now >= then + seconds{600});
    CHECK(refused == asked);
    b.settle();
    CHECK(b.arrived("T1"));
    CHECK(b.arrived("T2"));
}

TEST_CASE("auto sync: an executor and a timer that run everything on the spot") {
    mutation_bench b;
    sync_executor inline_one{[](std::function<void()> task) { task(); }, [&](timestamp at, std::function<void()> wake) {
                                 b.now = (std::max)(b.now, at);
                                 wake();
                             }};
    auto_sync<decltype(b.client)> sync{b.client, after_writes(), inline_one, [&] { return b.now; }, [&] { return b.random.next(); }};
    REQUIRE(sync.start());
    int fails = 3;
    b.during = [&] { b.reachable = false; };
    b.lab.device_write(*b.store, key_named("T"), row(1));
    std::function<void()> again = [&] {
        b.reachable = --fails <= 0;
        if (fails > 0) b.during = again;
    };
    b.during = again;
    sync.note_local_write();
    CHECK(b.arrived("T"));
}

// --- every order of what may happen, on real engines

namespace {

enum class happening : std::uint8_t { write, run, drop, ring, away, back };

// Replays @p order; then lets everything come to rest with the network there. @return what is wrong, or nothing
std::string problem_of(const std::vector<happening>& order) {
    mutation_bench b;
    if (!b.sync.start()) return "it does not start";
    int writes = 0;
    for (const auto h : order) switch (h) {
        case happening::write:
            ++writes;
            b.write(writes % 2 == 0 ? "T" : "T2", writes);
            break;
        case happening::run: b.hands.run_one(); break;
        case happening::drop: b.hands.drop_one(); break;
        case happening::ring: b.hands.ring(b.now); break;
        case happening::away: b.reachable = false; break;
        case happening::back: b.reachable = true; break;
        }
    b.reachable = true;
    b.settle();
    if (!b.hands.tasks.empty() || !b.hands.timers.empty()) return "it does not come to rest";
    if (b.client.status()->counts.open + b.client.status()->counts.frozen != 0) return "something was not pushed";
    for (const char* key : {"T", "T2"})
        if (b.store->row(key_named(key)) != b.authority->row("main", key_named(key))) return "the two sides differ";
    return {};
}

}  // namespace

TEST_CASE("auto sync: after quiet everything that was written is on the server, in every order of five happenings (W32)") {
    const std::vector<happening> all{happening::write, happening::run, happening::drop, happening::ring, happening::away, happening::back};
    std::string first;
    std::size_t orders = 0;
    for (std::size_t n = 0; n < 6 * 6 * 6 * 6; ++n) {
        std::vector<happening> order{happening::write};
        for (std::size_t i = 0, rest = n; i < 4; ++i, rest /= 6) order.push_back(all[rest % 6]);
        ++orders;
        const auto problem = problem_of(order);
        if (!problem.empty() && first.empty()) first = std::to_string(n) + ": " + problem;
    }
    INFO(first);
    CHECK(first.empty());
    CHECK(orders == 1296);
}

// --- threads

TEST_CASE("auto sync: an executor with threads of its own, and writers that note from others, lose nothing and do not race") {
    memory_lab lab{overlap_policy::by_field};
    auto authority = lab.make_authority();
    std::atomic<std::uint64_t> drawn{1};
    const auto random = [&] { return drawn.fetch_add(0x9e3779b97f4a7c15ULL); };
    sync_server<memory_authority_store> server{*authority, {}, [] { return noon; }, random};
    server.mount_mutation_wire();
    auto store = lab.make_replica("a");
    using client_type = sync_client<memory_replica_store, mutation_client, call>;
    client_type client{*store, [&](const request& r) -> result<response> { return server(r, ann); }, mutation_client_options{},
                       sync_surroundings{[] { return noon; }, random, [](timestamp) {}}};

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> queue;
    bool closed = false;
    const auto put = [&](std::function<void()> task) {
        const std::lock_guard lock{mutex};
        queue.push_back(std::move(task));
        wake.notify_one();
    };
    const auto work = [&] {
        while (true) {
            std::function<void()> task;
            {
                std::unique_lock lock{mutex};
                wake.wait(lock, [&] { return closed || !queue.empty(); });
                if (queue.empty()) return;
                task = std::move(queue.front());
                queue.pop_front();
            }
            task();
        }
    };
    int over = 0;
    std::condition_variable one_more;
    {
        // Timers go off at once: the clock stands still, so a time is only a place in the queue.
        std::atomic<std::int64_t> clock{to_microseconds(noon)};
        auto_sync<client_type> sync{client, after_writes(),
                                    sync_executor{put, [&](timestamp at, std::function<void()> look) {
                                                      const std::int64_t to = to_microseconds(at);
                                                      std::int64_t now = clock.load();
                                                      while (now < to && !clock.compare_exchange_weak(now, to)) {}
                                                      put(std::move(look));
                                                  }},
                                    [&] { return from_microseconds(clock.load()); }, random, [&](const sync_result&) {
                                        const std::lock_guard lock{mutex};
                                        ++over;
                                        one_more.notify_all();
                                    }};
        REQUIRE(sync.start());
        std::thread first{work};
        std::thread second{work};
        std::vector<std::thread> writers;
        for (int w = 0; w < 3; ++w)
            writers.emplace_back([&] {
                for (int i = 0; i < 50; ++i) {
                    sync.note_local_write();
                    if (i % 10 == 0) sync.sync_now();
                    static_cast<void>(client.status());
                }
            });
        for (auto& w : writers) w.join();
        {
            // The writers may be done before any of the workers was given a turn, and after `stop` nothing would start any more.
            std::unique_lock lock{mutex};
            one_more.wait(lock, [&] { return over > 0; });
        }
        sync.stop();
        {
            const std::lock_guard lock{mutex};
            closed = true;
            wake.notify_all();
        }
        first.join();
        second.join();
    }
    CHECK(over > 0);
    lab.device_write(*store, key_named("T"), row(1));
    CHECK(client.sync().ok());
    CHECK(authority->row("main", key_named("T")));
}

}  // namespace auto_sync_test
