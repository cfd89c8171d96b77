#include <syncline/wire/sync_scheduler.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sync_scheduler_test {

using namespace syncline;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

sync_result good(bool behind = false) {
    sync_result r;
    r.behind = behind;
    return r;
}
sync_result failed() {
    sync_result r;
    r.why = fault{errc::unavailable, "no network"};
    return r;
}
sync_result skipped() {
    sync_result r;
    r.skipped = true;
    return r;
}

sync_schedule after_writes() {
    sync_schedule s;
    s.after_local_write = true;
    return s;
}

// The mode of a step that says "run now".
std::optional<sync_mode> mode_of(const schedule_step& step) {
    const auto* run = std::get_if<run_now>(&step);
    return run != nullptr ? std::optional{run->mode} : std::nullopt;
}
std::optional<timestamp> time_of(const schedule_step& step) {
    const auto* wait = std::get_if<run_at>(&step);
    return wait != nullptr ? std::optional{wait->at} : std::nullopt;
}
bool idle(const schedule_step& step) { return std::holds_alternative<run_later>(step); }

struct bench {
    explicit bench(sync_schedule s, std::optional<timestamp> last = std::nullopt, std::optional<timestamp> last_run = std::nullopt)
        : scheduler{s, noon, last, last_run} {}
    schedule_step next() { return scheduler.next(now); }
    void finish(const sync_result& r) { scheduler.finished(r, now, random_source{random}); }
    seeded_random random{1};
    timestamp now = noon;
    sync_scheduler scheduler;
};

}  // namespace

TEST_CASE("sync scheduler: everything is off until it is named") {
    bench b{sync_schedule{}};
    b.scheduler.note_local_write();
    b.scheduler.note_resumed(b.now);
    b.scheduler.note_network_back(b.now);
    CHECK(idle(b.next()));
    CHECK(idle(b.scheduler.next(noon + hours{24 * 365})));
    b.now += hours{24 * 365};
    b.scheduler.note_requested();
    CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
}

TEST_CASE("sync scheduler: a local write is pushed, and a pull follows when the answer tells of changes of others (W39)") {
    bench b{after_writes()};
    CHECK(idle(b.next()));
    b.scheduler.note_local_write();
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    CHECK(idle(b.next()));
    b.finish(good(true));
    CHECK(mode_of(b.next()) == sync_mode::pull_only);
    b.finish(good());
    CHECK(idle(b.next()));
}

TEST_CASE("sync scheduler: push_only never pulls for a write, a resume or the network") {
    auto s = after_writes();
    s.push_only = s.on_resume = s.on_network = true;
    bench b{s};
    b.scheduler.note_local_write();
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    b.finish(good(true));
    CHECK(idle(b.next()));
    b.now += minutes{1};
    b.scheduler.note_resumed(b.now);
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    b.finish(good(true));
    b.now += minutes{1};
    b.scheduler.note_network_back(b.now);
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    b.finish(good(true));
    CHECK(idle(b.next()));
}

TEST_CASE("sync scheduler: writes are throttled from one start to the next, and the last one is never dropped") {
    auto s = after_writes();
    s.throttle = seconds{10};
    bench b{s};
    b.scheduler.note_local_write();
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    b.now += seconds{2};
    b.finish(good());
    CHECK(idle(b.next()));
    b.scheduler.note_local_write();
    CHECK(time_of(b.next()) == noon + seconds{10});
    b.now = noon + seconds{9};
    b.scheduler.note_local_write();
    CHECK(time_of(b.next()) == noon + seconds{10});
    b.now = noon + seconds{10};
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    b.finish(good());
    CHECK(idle(b.next()));
    SECTION("a person does not wait for it") {
        b.scheduler.note_local_write();
        b.scheduler.note_requested();
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
    }
    SECTION("after a quiet time the first one starts at once") {
        b.now += seconds{10};
        b.scheduler.note_local_write();
        CHECK(mode_of(b.next()) == sync_mode::push_only);
    }
}

TEST_CASE("sync scheduler: a write during a sync, and a sync that failed or was skipped, are followed by another one (W32)") {
    for (const auto& outcome : {good(), failed(), skipped()}) {
        bench b{after_writes()};
        b.scheduler.note_local_write();
        REQUIRE(mode_of(b.next()));
        b.scheduler.note_local_write();
        CHECK(idle(b.next()));
        b.finish(outcome);
        CHECK(b.scheduler.is_dirty());
        auto step = b.next();
        if (const auto at = time_of(step)) {
            CHECK(*at > b.now);
            CHECK(*at <= b.now + seconds{1});
            b.now = *at;
            step = b.next();
        }
        CHECK(mode_of(step) == sync_mode::push_only);
    }
}

TEST_CASE("sync scheduler: it is tried for ever, with pauses that double up to a ceiling and start anew after a success") {
    bench b{after_writes()};
    b.scheduler.note_local_write();
    duration longest = seconds{1};
    for (int i = 0; i < 200; ++i) {
        REQUIRE(mode_of(b.next()) == sync_mode::push_only);
        b.finish(i % 2 == 0 ? failed() : skipped());
        const auto at = time_of(b.next());
        REQUIRE(at);
        CHECK(*at - b.now <= longest);
        CHECK(*at - b.now >= longest / 2);
        longest = (std::min)(longest * 2, duration{minutes{5}});
        b.now = *at;
    }
    REQUIRE(mode_of(b.next()));
    b.finish(good());
    b.scheduler.note_local_write();
    REQUIRE(mode_of(b.next()));
    b.finish(failed());
    CHECK(*time_of(b.next()) - b.now <= seconds{1});
}

TEST_CASE("sync scheduler: what cannot be pushed before a pull, or pulled before a push, is tried as a whole sync") {
    for (const bool push_only : {false, true}) {
        auto s = after_writes();
        s.push_only = push_only;
        bench b{s};
        const auto fails = [&](errc code) {
            sync_result r;
            r.why = fault{code, "first something else"};
            b.finish(r);
            b.now = *time_of(b.next());
        };
        b.scheduler.note_local_write();
        REQUIRE(mode_of(b.next()) == sync_mode::push_only);
        fails(errc::unauthenticated);
        REQUIRE(mode_of(b.next()) == sync_mode::push_only);
        fails(errc::epoch_changed);
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        fails(errc::unavailable);
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        b.finish(good());
        b.scheduler.note_behind();
        REQUIRE(mode_of(b.next()) == sync_mode::pull_only);
        fails(errc::stale);
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        b.finish(good());
        b.scheduler.note_local_write();
        CHECK(mode_of(b.next()) == sync_mode::push_only);
    }
}

TEST_CASE("sync scheduler: pauses of nothing are a millisecond at least") {
    auto s = after_writes();
    s.retry_first = s.retry_ceiling = duration{0};
    bench b{s};
    b.scheduler.note_local_write();
    REQUIRE(mode_of(b.next()));
    b.finish(failed());
    CHECK(*time_of(b.next()) > b.now);
}

TEST_CASE("sync scheduler: a whole sync at an interval, counted from the last one that ended well, across restarts") {
    sync_schedule s;
    s.interval = minutes{15};
    SECTION("never synced: at once") {
        bench b{s};
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        b.now += minutes{1};
        b.finish(good());
        CHECK(time_of(b.next()) == noon + minutes{16});
        b.now = noon + minutes{16};
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        b.finish(failed());
        const auto again = time_of(b.next());
        REQUIRE(again);
        CHECK(*again <= b.now + seconds{1});
    }
    SECTION("ten minutes ago: in five") {
        bench b{s, noon - minutes{10}};
        CHECK(time_of(b.next()) == noon + minutes{5});
    }
    SECTION("an hour ago: at once, once") {
        bench b{s, noon - hours{1}};
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        b.finish(good());
        CHECK(time_of(b.next()) == noon + minutes{15});
    }
    SECTION("a time that is still ahead is no time") {
        bench b{s, noon + hours{1}};
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
    }
    SECTION("a push in between does not put it off") {
        s.after_local_write = true;
        bench b{s, noon};
        b.now += minutes{1};
        b.scheduler.note_local_write();
        CHECK(mode_of(b.next()) == sync_mode::push_only);
        b.finish(good());
        CHECK(time_of(b.next()) == noon + minutes{15});
    }
}

TEST_CASE("sync scheduler: resume and network start a sync unless one ended just before, also before a restart") {
    sync_schedule s;
    s.on_resume = s.on_network = true;
    for (const bool resume : {true, false}) {
        const auto note = [&](bench& b) { resume ? b.scheduler.note_resumed(b.now) : b.scheduler.note_network_back(b.now); };
        bench recent{s, noon - seconds{29}};
        note(recent);
        CHECK(idle(recent.next()));
        recent.now += seconds{1};
        note(recent);
        CHECK(mode_of(recent.next()) == sync_mode::push_then_pull);
        recent.finish(good());
        note(recent);
        CHECK(idle(recent.next()));
        bench never{s};
        note(never);
        CHECK(mode_of(never.next()) == sync_mode::push_then_pull);
    }
}

TEST_CASE("sync scheduler: before a restart too, the cool-down goes by the last run of any kind, and the interval by the last whole sync") {
    sync_schedule s;
    s.on_resume = true;
    s.interval = minutes{15};
    bench b{s, noon - minutes{10}, noon - seconds{10}};
    b.scheduler.note_resumed(b.now);
    CHECK(time_of(b.next()) == noon + minutes{5});
    b.now += seconds{20};
    b.scheduler.note_resumed(b.now);
    CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
    // A run that is still ahead is none.
    bench odd{s, noon - minutes{10}, noon + seconds{10}};
    odd.scheduler.note_resumed(odd.now);
    CHECK(mode_of(odd.next()) == sync_mode::push_then_pull);
    // Failed runs alone put no interval off.
    bench failing{s, std::nullopt, noon - seconds{10}};
    CHECK(mode_of(failing.next()) == sync_mode::push_then_pull);
}

TEST_CASE("sync scheduler: nothing starts before the time that the server asked for, whatever happens, unless a person wants it") {
    auto s = after_writes();
    s.on_network = s.on_resume = true;
    s.interval = minutes{15};
    bench b{s, noon};
    b.scheduler.note_local_write();
    REQUIRE(mode_of(b.next()));
    auto busy = failed();
    busy.not_before = noon + minutes{20};
    b.finish(busy);
    CHECK(time_of(b.next()) == noon + minutes{15});  // the interval asks, and
    b.now = noon + minutes{16};
    CHECK(time_of(b.next()) == noon + minutes{20});  // is told to wait
    b.scheduler.note_local_write();
    b.scheduler.note_network_back(b.now);
    b.scheduler.note_resumed(b.now);
    b.scheduler.note_behind();
    CHECK(time_of(b.next()) == noon + minutes{20});
    SECTION("then it starts") {
        b.now = noon + minutes{20};
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
        b.finish(good());
        b.scheduler.note_local_write();
        CHECK(mode_of(b.next()));
    }
    SECTION("a clock that went back takes it along") {
        b.now -= hours{24};
        CHECK(time_of(b.next()) == b.now + minutes{4});
    }
    SECTION("a person") {
        b.scheduler.note_requested();
        CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
    }
}

TEST_CASE("sync scheduler: the network's return ends a long pause, but does not make it a storm") {
    auto s = after_writes();
    s.on_network = true;
    bench b{s};
    b.scheduler.note_local_write();
    for (int i = 0; i < 20; ++i) {
        REQUIRE(mode_of(b.next()));
        b.finish(failed());
        b.now = *time_of(b.next());
    }
    REQUIRE(mode_of(b.next()));
    b.finish(failed());
    const auto ended = b.now;
    CHECK(*time_of(b.next()) > ended + minutes{2});
    b.now += seconds{1};
    b.scheduler.note_network_back(b.now);
    CHECK(time_of(b.next()) == ended + seconds{30});
    b.now += seconds{60};
    CHECK(mode_of(b.next()));
}

TEST_CASE("sync scheduler: a clock that jumps back makes nothing wait longer; one that jumps ahead makes things due") {
    auto s = after_writes();
    s.throttle = seconds{10};
    s.interval = minutes{15};
    s.on_resume = true;
    bench b{s, noon};
    b.scheduler.note_local_write();
    REQUIRE(mode_of(b.next()));
    b.finish(failed());
    b.scheduler.note_local_write();
    const auto wait = *time_of(b.next()) - b.now;
    b.now -= hours{24 * 3650};
    CHECK(*time_of(b.next()) - b.now == wait);
    b.now += wait;
    CHECK(mode_of(b.next()) == sync_mode::push_only);
    b.finish(good());
    CHECK(*time_of(b.next()) - b.now <= minutes{15});
    b.now -= hours{1};
    b.scheduler.note_resumed(b.now);
    CHECK(time_of(b.next()));  // still cooling, as it was
    b.now += hours{24 * 3650};
    CHECK(mode_of(b.next()) == sync_mode::push_then_pull);
}

TEST_CASE("sync scheduler: an end that nobody began changes nothing") {
    bench b{after_writes()};
    b.finish(failed());
    CHECK(idle(b.next()));
    b.scheduler.note_local_write();
    CHECK(mode_of(b.next()));
    CHECK(b.scheduler.is_running());
}

// --- every order of events up to a bound, against an oracle

namespace {

// What a host does: it asks after every event, starts what is said, and sets a timer for what is named.
struct world {
    explicit world(const sync_schedule& s) : schedule(s), scheduler{s, noon, std::nullopt} { ask(); }

    void ask() {
        const auto step = scheduler.next(now);
        alarm = time_of(step);
        if (const auto mode = mode_of(step)) {
            if (running) wrong = "two syncs at once";
            if (*mode != sync_mode::pull_only) {
                if (last_push && asked_for == 0 && now - *last_push < schedule.throttle) wrong = "throttled too little";
                last_push = now;
            }
            if (pushed == written && asked_for == 0 && !tells && *mode != sync_mode::pull_only && !unsure) wrong = "a push for nothing";
            running = *mode;
            taken_along = asked_for;
            looked.reset();
        }
    }
    // The sync looks at what there is to send; writes that come later wait for the next one.
    void look() {
        if (*running != sync_mode::pull_only) looked = written;
    }
    void end(const sync_result& report) {
        const bool took = report.ok() && !report.skipped;
        if (took && *running != sync_mode::pull_only) pushed = looked.value_or(pushed);
        if (took) asked_for -= taken_along;
        unsure = !took || written != pushed || unsure_after_end();
        running.reset();
        scheduler.finished(report, now, random_source{random});
        ask();
    }
    // A write before the look of a running sync is pushed by it, and followed by another sync all the same.
    [[nodiscard]] bool unsure_after_end() const { return scheduler.is_dirty(); }

    sync_schedule schedule;
    seeded_random random{7};
    timestamp now = noon;
    sync_scheduler scheduler;
    std::optional<timestamp> alarm;
    std::optional<sync_mode> running;
    std::optional<int> looked;
    std::optional<timestamp> last_push;
    int written = 0;
    int pushed = 0;
    int asked_for = 0;   // the network came back
    int taken_along = 0;
    bool tells = false;  // the server told of changes
    bool unsure = false;
    const char* wrong = nullptr;
};

enum class event : std::uint8_t { write, look, end_well, end_behind, end_badly, end_skipped, alarm, step_back, network };

bool apply(world& w, event e) {
    switch (e) {
    case event::write:
        ++w.written;
        w.scheduler.note_local_write();
        w.unsure = w.unsure || w.running.has_value();
        w.ask();
        return true;
    case event::look:
        if (!w.running || w.looked || *w.running == sync_mode::pull_only) return false;
        w.look();
        return true;
    case event::end_well:
    case event::end_behind:
        if (!w.running || (*w.running != sync_mode::pull_only && !w.looked)) return false;
        w.tells = e == event::end_behind;
        w.end(good(e == event::end_behind && *w.running == sync_mode::push_only));
        return true;
    case event::end_badly:
        if (!w.running) return false;
        w.end(failed());
        return true;
    case event::end_skipped:
        if (!w.running || w.looked) return false;
        w.end(skipped());
        return true;
    case event::alarm:
        if (!w.alarm) return false;
        w.now = *w.alarm;
        w.ask();
        return true;
    case event::step_back:
        w.now -= seconds{40};
        if (w.last_push) *w.last_push -= seconds{40};
        w.ask();
        return true;
    case event::network:
        ++w.asked_for;
        w.scheduler.note_network_back(w.now);
        w.ask();
        return true;
    }
    return false;
}

// From here on nobody writes and every sync ends well: everything that was written must be pushed, soon, and then it must be quiet.
const char* quiet_problem(world w) {
    const timestamp began = w.now;
    for (int i = 0; i < 20; ++i) {
        if (w.running) {
            w.look();
            w.end(good());
        } else if (w.alarm) {
            w.now = *w.alarm;
            w.ask();
        } else {
            break;
        }
        if (w.wrong != nullptr) return w.wrong;
    }
    if (w.running || w.alarm) return "it never gets quiet";
    if (w.pushed != w.written) return "a write was lost";
    if (w.scheduler.is_dirty()) return "it is quiet, and something is still to be pushed";
    if (w.now - began > w.schedule.throttle + w.schedule.retry_ceiling + w.schedule.cool_down) return "it took too long";
    w.now += hours{24 * 365};
    w.ask();
    return w.running || w.alarm ? "it starts by itself" : nullptr;
}

struct tally {
    std::size_t orders = 0;
    std::string first_problem;
};

void explore(const world& w, const std::vector<event>& events, int depth, std::string path, tally& out) {
    ++out.orders;
    const char* problem = w.wrong != nullptr ? w.wrong : quiet_problem(w);
    if (problem != nullptr && out.first_problem.empty()) out.first_problem = path + ": " + problem;
    if (depth == 0 || !out.first_problem.empty()) return;
    for (const event e : events) {
        world next = w;
        if (!apply(next, e)) continue;
        explore(next, events, depth - 1, path + "WLebxsa<n"[static_cast<std::size_t>(e)], out);
    }
}

}  // namespace

TEST_CASE("sync scheduler: after quiet everything that was written was pushed, in every order of up to ten events (W32)") {
    const std::vector<event> events{event::write, event::look, event::end_well, event::end_behind, event::end_badly,
                                    event::end_skipped, event::alarm};
    for (const bool push_only : {false, true})
        for (const auto throttle : {seconds{0}, seconds{10}}) {
            auto s = after_writes();
            s.throttle = throttle;
            s.push_only = push_only;
            tally t;
            explore(world{s}, events, 10, "", t);
            INFO(t.first_problem);
            CHECK(t.first_problem.empty());
            CHECK(t.orders > 25'000);
        }
}

TEST_CASE("sync scheduler: the same with the network coming back and a clock that steps back") {
    const std::vector<event> events{event::write, event::look, event::end_well, event::end_badly, event::alarm,
                                    event::step_back, event::network};
    auto s = after_writes();
    s.throttle = seconds{10};
    s.on_network = true;
    tally t;
    explore(world{s}, events, 7, "", t);
    INFO(t.first_problem);
    CHECK(t.first_problem.empty());
    CHECK(t.orders > 20'000);
}

TEST_CASE("sync scheduler: a sync that begins late takes along what was noted until then, as far as it does that, and no more (W32)") {
    const auto note = [](bench& b, int what) {
        if (what == 0) b.scheduler.note_local_write();
        if (what == 1) b.scheduler.note_requested();
        if (what == 2) b.scheduler.note_behind();
    };
    for (int first = 0; first < 3; ++first)
        for (int then = 0; then < 3; ++then)
            for (const bool early : {true, false})
                for (const bool fails : {false, true}) {
                    bench b{after_writes()};
                    note(b, first);
                    const auto mode = mode_of(b.next());
                    REQUIRE(mode);
                    if (early) note(b, then);
                    b.scheduler.began();
                    if (!early) note(b, then);
                    b.finish(fails ? failed() : good());
                    INFO(first << then << early << fails);
                    const bool pushes = mode != sync_mode::pull_only;
                    const bool done = early && !fails && (*mode == sync_mode::push_then_pull || (pushes && then == 0));
                    CHECK(idle(b.next()) == done);
                    CHECK(b.scheduler.is_dirty() == (then == 0 ? !(early && !fails && pushes) : first == 0 && fails));
                }
    bench quiet{after_writes()};
    quiet.scheduler.began();
    CHECK(idle(quiet.next()));
}

}  // namespace sync_scheduler_test
