// tasks sync, push, pull.

#include "commands.hpp"
#include "device.hpp"
#include "event_loop.hpp"
#include "printable.hpp"
#include "progress.hpp"
#include "../support/standard_streams.hpp"
#include "stop_request.hpp"
#include "sync_report.hpp"

#include <syncline/adapters/sqlite/write_watch.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/system_surroundings.hpp>

#include <optional>

namespace {

sync_report report_of(device& here, syncline::sync_result done, const std::string& server) {
    sync_report out;
    out.done = std::move(done);
    out.server = server;
    here.with_client([&](auto& client) {
        if (const auto status = client.status()) out.left = status->counts;
        if (out.done.skipped)
            if (const auto holder = client.lease_holder(); holder && *holder) out.in_the_way = name_of_holder(**holder);
    });
    return out;
}

bool wants_bar(const arguments& a) {
    if (a.progress == progress_display::automatic) return !a.json && stderr_shows_bars();
    return a.progress == progress_display::always;
}

answer answer_of(const sync_report& r) {
    answer out;
    out.code = code_of(r);
    out.text = text_of(r);
    out.error = problem_of(r);
    out.members = [r](syncline::json_writer& w) { write_members(w, r); };
    return out;
}

}  // namespace

answer sync_once(const arguments& a, syncline::sync_mode mode) {
    stop_request stop;
    std::optional<progress_bar> bar;
    syncline::sync_listeners listeners;
    listeners.progressed = [&bar](const syncline::sync_result& so_far) {
        if (bar) bar->show(so_far);
    };
    device here{a, stop, std::move(listeners)};
    const auto before = or_fail(here.with_client([](auto& client) { return client.status(); })).counts;
    if (wants_bar(a)) bar.emplace(std::chrono::seconds{a.progress_after}, mode == syncline::sync_mode::pull_only ? 0 : before.open + before.frozen);
    auto done = here.with_client([mode](auto& client) { return client.run(mode); });
    bar.reset();
    return answer_of(report_of(here, std::move(done), a.server));
}

answer sync_repeatedly(const arguments& a) {
    stop_request stop;
    // [every]
    device here{a, stop, {}};
    auto watch = or_fail(syncline::sqlite_write_watch::open(a.database));

    syncline::sync_schedule schedule;
    schedule.interval = *a.every;
    schedule.after_local_write = true;
    schedule.throttle = std::chrono::seconds{2};

    std::size_t syncs = 0;
    std::optional<sync_report> last;
    const auto note = [&](const syncline::sync_result& done) {
        if (done.why && done.why->code == syncline::errc::cancelled) return;  // we are being stopped
        ++syncs;
        last = report_of(here, done, a.server);
        const auto why = problem_of(*last);
        write_to_stderr(why ? one_line(why->message) + "\n" : printable(text_of(*last)));
    };
    std::function<void()> look;
    event_loop loop{[&] { look(); }};
    here.with_client([&](auto& client) {
        syncline::auto_sync automatic{client, schedule, loop.executor(), syncline::system_now, syncline::system_random_bits, note};
        look = [&] {
            if (const auto wrote = watch.look(); wrote && *wrote) automatic.note_local_write();
        };
        static_cast<void>(watch.look());  // what was written before, `start` finds
        or_fail(automatic.start());
        loop.run(stop);
        automatic.stop();
    });
    // [/every]

    answer out;
    if (last) {
        out = answer_of(*last);
        out.text = "stopped after " + counted(syncs, "sync") + "\n";
    }
    out.members = [syncs, last](syncline::json_writer& w) {
        w.key("syncs");
        w.integer(static_cast<std::int64_t>(syncs));
        w.key("last");
        if (!last) return w.null();
        w.begin_object();
        write_members(w, *last);
        w.end_object();
    };
    return out;
}
