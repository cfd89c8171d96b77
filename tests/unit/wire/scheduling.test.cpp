// When a device syncs by itself, at the corners: timers that are out already, tasks that a host runs twice, clocks at their ends.

#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_scheduler.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace scheduling_test {

namespace {

using namespace syncline;
using simulation::memory_lab;
using std::chrono::minutes;

constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

sync_result behind() {
    sync_result r;
    r.behind = true;
    return r;
}
const run_now* begins(const schedule_step& step) { return std::get_if<run_now>(&step); }

// A device whose every request fails for good, and a host that keeps tasks and timers until it is told to use them.
struct bench {
    using client_type = sync_client<memory_replica_store, mutation_client, std::function<result<response>(const request&)>>;

    explicit bench(sync_schedule schedule)
        : store(lab.make_replica("a")), client(*store,
                                               [this](const request&) -> result<response> {
                                                   ++requests;
                                                   return make_fault(errc::forbidden, "nobody is served");
                                               },
                                               mutation_client_options{}, sync_surroundings{[this] { return now; }, [this] { return random.next(); }, [this](timestamp t) { now = t; }}),
          sync(client, schedule, {[this](std::function<void()> task) { tasks.push_back(std::move(task)); },
                                  [this](timestamp at, std::function<void()> wake) { timers.emplace_back(at, std::move(wake)); }},
               [this] { return now; }, [this] { return random.next(); }) {}

    memory_lab lab{overlap_policy::by_field};
    timestamp now = noon;
    seeded_random random{7};
    int requests = 0;
    std::vector<std::function<void()>> tasks;
    std::vector<std::pair<timestamp, std::function<void()>>> timers;
    std::unique_ptr<memory_replica_store> store;
    client_type client;
    auto_sync<client_type> sync;
};

}  // namespace

TEST_CASE("scheduling: what comes up between the order to sync and its beginning is taken along by a whole sync", "[wire]") {
    sync_schedule s;
    s.on_resume = true;
    s.cool_down = duration{0};
    seeded_random random{1};
    sync_scheduler scheduler{s, noon, noon};
    scheduler.note_requested();
    REQUIRE(begins(scheduler.next(noon)) != nullptr);
    scheduler.note_resumed(noon);
    scheduler.began();
    scheduler.finished({}, noon, random);
    CHECK(begins(scheduler.next(noon)) == nullptr);  // the resume was part of it
}

TEST_CASE("scheduling: a pull that did not bring everything is followed by another, also where writes only push", "[wire]") {
    sync_schedule s;
    s.push_only = true;
    seeded_random random{1};
    sync_scheduler scheduler{s, noon, noon};
    scheduler.note_behind();
    REQUIRE(begins(scheduler.next(noon)) != nullptr);
    scheduler.finished(behind(), noon, random);
    const auto again = scheduler.next(noon);
    REQUIRE(begins(again) != nullptr);
    CHECK(begins(again)->mode == sync_mode::pull_only);
    scheduler.finished({}, noon, random);
    CHECK(begins(scheduler.next(noon)) == nullptr);
}

TEST_CASE("scheduling: a sync that is due at the end of time stays so when the clock goes back", "[wire]") {
    sync_schedule s;
    s.interval = (duration::max)();
    sync_scheduler scheduler{s, noon, noon};
    for (const timestamp now : {noon, noon - minutes{1}, noon - minutes{2}}) {
        const auto step = scheduler.next(now);
        REQUIRE(std::get_if<run_at>(&step) != nullptr);
        CHECK(std::get_if<run_at>(&step)->at == (timestamp::max)());
    }
}

TEST_CASE("scheduling: a timer that is out already is not waited for where something is due sooner, and an old one spoils nothing", "[wire]") {
    sync_schedule s;
    s.interval = minutes{15};
    s.after_local_write = true;
    s.throttle = minutes{1};
    bench c{s};
    {
        auto t = simulation::lab_must(c.store->begin());
        auto state = simulation::lab_must(t.state());
        state.last_sync_us = state.last_run_us = to_microseconds(noon);
        simulation::lab_must(t.put_state(state));
        simulation::lab_must(t.commit());
    }
    REQUIRE(c.sync.start());
    REQUIRE(c.timers.size() == 1);
    CHECK(c.timers[0].first == noon + minutes{15});
    c.lab.device_write(*c.store, simulation::key_named("T"), record{{value::integer(1), value::integer(1), value::integer(0), value::integer(0), value{}}});
    c.sync.note_local_write();
    REQUIRE(c.tasks.size() == 1);  // the first after a quiet time goes at once
    const auto task = std::exchange(c.tasks, {}).front();
    task();
    const int requests = c.requests;
    CHECK(requests > 0);
    task();  // a host that runs it twice
    CHECK(c.requests == requests);
    REQUIRE(c.timers.size() == 2);
    CHECK(c.timers[1].first < noon + minutes{2});
    c.timers[0].second();  // the old one goes off first, and finds nothing to do
    CHECK(c.tasks.empty());
    c.now = c.timers[1].first;
    c.timers[1].second();
    CHECK(c.tasks.size() == 1);
}

}  // namespace scheduling_test
