// A device that syncs by itself on the program's own event loop, and what becomes of a change that the server refuses.

#include <syncline/model/model_traits.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/make_sync.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

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

// [loop]
// What a program with an event loop has anyhow: a queue, timers and a clock. Here time passes when there is nothing else to do.
struct event_loop {
    std::deque<std::function<void()>> tasks;
    std::multimap<syncline::timestamp, std::function<void()>> timers;
    syncline::timestamp now = syncline::from_microseconds(1'700'000'000'000'000);

    syncline::sync_executor executor() {
        return {[this](std::function<void()> task) { tasks.push_back(std::move(task)); },
                [this](syncline::timestamp at, std::function<void()> wake) { timers.emplace(at, std::move(wake)); }};
    }
    void run() {
        while (!tasks.empty() || !timers.empty()) {
            if (tasks.empty()) {
                now = std::max(now, timers.begin()->first);
                tasks.push_back(std::move(timers.begin()->second));
                timers.erase(timers.begin());
            }
            const auto task = std::move(tasks.front());
            tasks.pop_front();
            task();
        }
    }
};
// [/loop]

std::optional<syncline::rejection> check(const syncline::proposed_change& change) {
    if (change.after == nullptr || !change.after->fields[0].as_string().empty()) return std::nullopt;
    return syncline::rejection{{syncline::errc::validation_failed, "a task needs a title"}, {{"title", "must not be empty"}}};
}

}  // namespace

int main() {
    using syncline::or_throw;
    const auto models = or_throw(syncline::schemas_of<task>());
    syncline::memory_authority_store shared{models};
    // [server]
    syncline::authority_options rules;
    rules.validate = check;
    syncline::server_listeners heard;
    heard.push_completed = [](const syncline::push_served& p) {
        std::cout << "server: " << p.who.id << " pushed, " << p.applied << " applied, " << p.refused << " refused\n";
    };
    auto server = syncline::make_sync_server(shared, rules, heard);
    // [/server]
    server.mount_mutation_wire();
    syncline::authenticated endpoint{syncline::allow_anonymous{{"ann", "main"}}, server};

    event_loop loop;
    syncline::memory_replica_store rows{models};
    auto device = syncline::make_sync_client(rows, syncline::loopback{endpoint});
    // [schedule]
    syncline::sync_schedule schedule;
    schedule.after_local_write = true;
    schedule.throttle = std::chrono::seconds{5};
    schedule.on_resume = schedule.on_network = true;
    const auto show = [](const syncline::sync_result& r) {
        for (const auto& record : r.validation_errors())
            for (const auto& message : record.messages) std::cout << "device: " << message.field << " " << message.text << "\n";
    };
    syncline::auto_sync automatic{device, schedule, loop.executor(), [&] { return loop.now; }, syncline::system_random_bits, show};
    or_throw(automatic.start());
    // [/schedule]

    const auto write = [&](const char* id, const char* title) {
        or_throw(rows.app_write({0, id}, syncline::to_record(task{id, title})));
        automatic.note_local_write();
    };
    const auto began = loop.now;
    write("t1", "Paint");
    loop.run();
    write("t1", "Paint the door");
    write("t2", "");
    loop.run();
    std::cout << "throttled for " << std::chrono::duration_cast<std::chrono::seconds>(loop.now - began).count() << " s\n";

    // [waiting]
    for (const auto& change : or_throw(device.waiting())) {
        const auto why = or_throw(device.explain(change.key));
        std::cout << why.text << "\n";
        or_throw(device.edit(change.key, {{"title", syncline::value::text("Buy paint")}}, why.server_version));
    }
    automatic.note_local_write();
    // [/waiting]
    loop.run();
    std::cout << "the server has: " << shared.row("main", {0, "t2"})->fields[0].as_string() << "\n";
}
