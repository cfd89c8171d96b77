#ifndef SYNCLINE_WIRE_AUTO_SYNC_HPP
#define SYNCLINE_WIRE_AUTO_SYNC_HPP

#include <syncline/engine/sync_result.hpp>
#include <syncline/support/guarded_call.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/sync_scheduler.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// Where automatic syncs run and what wakes them: the host's own event loop, thread pool and timers. Nothing of ours starts a thread.
struct sync_executor {
    /// Runs a task, now or later, on whatever thread; a sync blocks it. A task that is thrown away is noticed, and tried again later; it is
    /// to be
    /// thrown away outside of the host's own locks, since that may call `at`.
    std::function<void(std::function<void()>)> run;
    /// Calls a function at a time, or later, once; at once where the time is past. It only looks, and hands a task to `run`. One that is
    /// thrown away is a wake-up that never comes. Best is a timer that counts by a steady clock: it still goes off after the clock jumped
    /// back.
    std::function<void(timestamp, std::function<void()>)> at;
};

/// Lets a `sync_client` sync by itself, as a `sync_schedule` says: a `sync_scheduler` on the host's executor and timer. The host notes
/// what happens; rows that a sync applies are no local writes and start nothing.
///
/// Every function may be called from any thread, from listeners of the client too, and none waits for a sync but `stop` and the destructor.
/// @tparam Client  a `sync_client`; outlives this object
template <class Client>
class auto_sync {
public:
    /// Nothing happens before `start`.
    /// @param clock   the time now, of the same clock as the client's
    /// @param random  64 random bits, to spread the pauses after failures; called under a lock
    /// @param done    told of every sync that was run here, skipped ones too; an exception of it goes no further. Empty: nobody
    auto_sync(Client& client, sync_schedule schedule, sync_executor executor, std::function<timestamp()> clock,
              std::function<std::uint64_t()> random, std::function<void(const sync_result&)> done = {})
        : shared_(std::make_shared<shared>()) {
        shared_->client = &client;
        shared_->schedule = schedule;
        shared_->executor = std::move(executor);
        shared_->clock = std::move(clock);
        shared_->random = std::move(random);
        shared_->done = std::move(done);
    }
    auto_sync(const auto_sync&) = delete;
    auto_sync& operator=(const auto_sync&) = delete;
    /// As `stop`.
    ~auto_sync() { stop(); }

    /// Begins: reads when the last whole sync and the last run of any kind ended, and whether changes were left over from before, which count as local
    /// writes. Before that, and after `stop`, notes do nothing. Starting again is fine.
    /// @return faults of the store; then nothing was begun
    [[nodiscard]] result<void> start() {
        auto status = shared_->client->status();
        if (!status) return std::move(status).error();
        {
            const std::lock_guard lock{shared_->mutex};
            std::optional<timestamp> last;
            if (status->state.last_sync_us != 0) last = from_microseconds(status->state.last_sync_us);
            std::optional<timestamp> run;
            if (status->state.last_run_us != 0) run = from_microseconds(status->state.last_run_us);
            if (!shared_->scheduler) shared_->scheduler.emplace(shared_->schedule, shared_->clock(), last, run);
            if (status->counts.open + status->counts.frozen != 0) shared_->scheduler->note_local_write();
            shared_->stopped = false;
        }
        poll(shared_);
        return {};
    }

    /// The app wrote and has committed. Noting too often is harmless; for SQLite see `sqlite_write_watch`.
    void note_local_write() {
        note([](sync_scheduler& s, timestamp) { s.note_local_write(); });
    }
    /// The app came back to the foreground.
    void note_resumed() {
        note([](sync_scheduler& s, timestamp now) { s.note_resumed(now); });
    }
    /// The network came back.
    void note_network_back() {
        note([](sync_scheduler& s, timestamp now) { s.note_network_back(now); });
    }
    /// The server has changes for this device, as something else told the host.
    void note_behind() {
        note([](sync_scheduler& s, timestamp) { s.note_behind(); });
    }
    /// Whether a stream is open that tells of everything new on the server (`watch_loop`): then the schedule's interval pulls nothing.
    void note_watched(bool watched) {
        note([watched](sync_scheduler& s, timestamp) { s.note_watched(watched); });
    }
    /// A person wants a whole sync, now.
    void sync_now() {
        note([](sync_scheduler& s, timestamp) { s.note_requested(); });
    }

    /// Starts nothing more, and waits until a sync that is running is over, unless it is called from within it. Tasks and timers that are
    /// still with the host do nothing any more and may outlive this object. What was not pushed is pushed after the next `start`.
    void stop() {
        std::unique_lock lock{shared_->mutex};
        shared_->stopped = true;
        shared_->over.wait(lock, [&] { return !shared_->runner || *shared_->runner == std::this_thread::get_id(); });
    }

private:
    struct shared {
        std::mutex mutex;
        std::condition_variable over;
        Client* client = nullptr;
        sync_schedule schedule;
        sync_executor executor;
        std::function<timestamp()> clock;
        std::function<std::uint64_t()> random;
        std::function<void(const sync_result&)> done;
        std::optional<sync_scheduler> scheduler;  // there once it was started, for good
        std::optional<timestamp> alarm;         // the soonest timer that is out
        std::optional<std::thread::id> runner;  // the thread that a sync runs on
        bool stopped = true;

        // @pre the mutex is held, and it was started
        void finished(const sync_result& report) { scheduler->finished(report, clock(), random_source{random}); }
    };
    using handle = std::shared_ptr<shared>;

    // The right to run the sync that the scheduler started. One that goes away unused gives it back as a sync that failed.
    struct ticket {
        explicit ticket(handle of) : state(std::move(of)) {}
        ticket(const ticket&) = delete;
        ticket& operator=(const ticket&) = delete;
        ~ticket() {
            if (!state) return;
            sync_result none;
            none.why = fault{errc::cancelled, "the host's executor threw the task away"};
            {
                const std::lock_guard lock{state->mutex};
                state->finished(none);
            }
            poll(state);
        }
        handle state;  // empty: used
    };

    template <class Note>
    void note(Note what) {
        {
            const std::lock_guard lock{shared_->mutex};
            if (!shared_->scheduler || shared_->stopped) return;
            what(*shared_->scheduler, shared_->clock());
        }
        poll(shared_);
    }

    // Asks the scheduler and does what it says, outside of the lock, since a host may run a task or a timer on the spot.
    static void poll(const handle& state) {
        std::optional<sync_mode> run;
        std::optional<timestamp> alarm;
        {
            const std::lock_guard lock{state->mutex};
            if (state->stopped) return;
            const auto step = state->scheduler->next(state->clock());
            if (const auto* now = std::get_if<run_now>(&step)) run = now->mode;
            if (const auto* later = std::get_if<run_at>(&step); later != nullptr && (!state->alarm || later->at < *state->alarm))
                alarm = state->alarm = later->at;
        }
        if (run) {
            auto mine = std::make_shared<ticket>(state);
            static_cast<void>(guarded_call([&] { state->executor.run([mine, mode = *run] { execute(*mine, mode); }); }));
        }
        if (alarm)
            static_cast<void>(guarded_call([&] {
                state->executor.at(*alarm, [state, at = *alarm] {
                    {
                        const std::lock_guard lock{state->mutex};
                        if (state->alarm == at) state->alarm.reset();
                    }
                    poll(state);
                });
            }));
    }

    static void execute(ticket& mine, sync_mode mode) {
        const handle state = std::exchange(mine.state, {});
        if (!state) return;  // it was run before
        sync_result report;
        bool stopped = false;
        {
            const std::lock_guard lock{state->mutex};
            stopped = state->stopped;
            if (!stopped) {
                state->runner = std::this_thread::get_id();
                state->scheduler->began();
            }
        }
        if (stopped)
            report.skipped = true;
        else if (!guarded_call([&] { report = state->client->run(mode); })) {
            report = {};
            report.why = fault{errc::internal, "a callback of the host ended the sync with an exception; what was settled before is kept"};
        }
        if (!stopped && state->done) static_cast<void>(guarded_call([&] { state->done(report); }));
        {
            const std::lock_guard lock{state->mutex};
            state->finished(report);
            if (!stopped) state->runner.reset();
            state->over.notify_all();
        }
        poll(state);
    }

    handle shared_;
};

SYNCLINE_NAMESPACE_END

#endif
