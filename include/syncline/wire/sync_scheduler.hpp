#ifndef SYNCLINE_WIRE_SYNC_SCHEDULER_HPP
#define SYNCLINE_WIRE_SYNC_SCHEDULER_HPP

#include <syncline/engine/sync_result.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/client_step.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// When a device syncs by itself. Everything is off until it is named.
struct sync_schedule {
    bool after_local_write = false;  ///< push after a local write; and pull, when the answer tells of changes of others
    /// The least time between the starts of two syncs for local writes; the first one after a quiet time starts at once.
    duration throttle{0};
    /// Syncs for local writes, resume and network only push, unless the server takes nothing before a pull.
    bool push_only = false;
    duration interval{0};            ///< a whole sync whenever the last one is this old; 0: none
    bool on_resume = false;          ///< a sync when the app comes back to the foreground
    bool on_network = false;         ///< a sync when the network comes back
    /// Resume and network start no sync when the last one, whatever it did and whatever became of it, ended less than this ago.
    duration cool_down = std::chrono::seconds{30};
    duration retry_first = std::chrono::seconds{1};     ///< the longest pause after the first sync that failed, or found the lock held
    duration retry_ceiling = std::chrono::minutes{5};   ///< and after the n-th; each is twice the one before. It is tried for ever
};

/// Start a sync of this kind now, and say `finished` when it is over.
struct run_now {
    sync_mode mode = sync_mode::push_then_pull;
};

/// Nothing to do before @p at; ask again then.
struct run_at {
    timestamp at{};
};

/// Nothing to do until something is noted.
struct run_later {};

/// What a `sync_scheduler` says.
using schedule_step = std::variant<run_later, run_at, run_now>;

/// Decides when a device syncs: a state machine with no clock, thread or timer of its own. Note what happens, then ask `next`; and ask
/// again at the time that it names. At most one sync runs at a time.
///
/// No wake-up is lost (W32): a local write is remembered until a push that began after it has ended well. One that came while a sync was
/// running, or whose sync failed or was skipped, is followed by another sync, at once or after a pause. A clock that jumps back makes
/// nothing wait longer than it would have; one that jumps ahead makes things due.
class sync_scheduler {
public:
    /// @param last_sync  the end of the last whole sync, as the device has stored it (`replica_state::last_sync_us`): the interval goes by it.
    ///                   Nothing, or a time that is still ahead: never
    /// @param last_run   the end of the last run of any kind (`replica_state::last_run_us`), likewise: the cool-down goes by it
    sync_scheduler(sync_schedule schedule, timestamp now, std::optional<timestamp> last_sync, std::optional<timestamp> last_run = std::nullopt)
        : schedule_(schedule), seen_(now) {
        if (last_sync && *last_sync > now) last_sync.reset();
        if (last_run && *last_run > now) last_run.reset();
        ended_ = (std::max)(last_sync, last_run);
        if (schedule_.interval > duration{0}) due_ = last_sync ? later(*last_sync, schedule_.interval) : now;
    }

    /// The app wrote. To be noted after its commit; too often is harmless.
    void note_local_write() noexcept { dirty_ = true; }
    /// The app came back to the foreground.
    void note_resumed(timestamp now) {
        observe(now);
        if (schedule_.on_resume && !cooling(now)) wanted_ = true;
    }
    /// The network came back. A sync that waits for another attempt makes it now, or when the cool-down since the last one is over; a pause that
    /// the server asked for is kept.
    void note_network_back(timestamp now) {
        observe(now);
        if (!schedule_.on_network) return;
        if (retry_) retry_ = (std::min)(*retry_, cooling(now) ? later(*ended_, schedule_.cool_down) : now);
        failures_ = 0;
        if (!cooling(now)) wanted_ = true;
    }
    /// Something told that the server has changes for this device: a push of the host's, a poll.
    void note_behind() noexcept { behind_ = true; }
    /// Whether a stream is open that tells of everything new on the server: then the interval only pushes, and `note_behind` pulls.
    void note_watched(bool watched) noexcept { watched_ = watched; }
    /// A person wants a whole sync, now; a pause that the server asked for is not kept.
    void note_requested() noexcept {
        requested_ = true;
        retry_.reset();
        not_before_.reset();
        failures_ = 0;
    }

    /// What to do now. After `run_now` it counts as running, and nothing else is said until `finished`.
    [[nodiscard]] schedule_step next(timestamp now) {
        observe(now);
        if (running_) return run_later{};
        const bool timed = due_ && *due_ <= now;
        if (timed && !watched_) requested_ = true;
        std::optional<timestamp> soonest;
        if (due_ && *due_ > now) soonest = due_;
        const bool writes = dirty_ && schedule_.after_local_write;
        const timestamp writes_from = started_ ? later(*started_, schedule_.throttle) : now;
        if (requested_ || wanted_ || behind_ || whole_ || timed || writes) {
            timestamp start = requested_ || wanted_ || behind_ || whole_ || timed ? now : (std::max)(now, writes_from);
            for (const auto& earliest : {retry_, not_before_})
                if (earliest) start = (std::max)(start, *earliest);
            if (start <= now) return begin(now, requested_ || wanted_ || whole_ || timed || (writes && writes_from <= now));
            soonest = soonest ? (std::min)(*soonest, start) : start;
        }
        if (soonest) return run_at{*soonest};
        return run_later{};
    }

    /// The sync that `next` asked for begins only now, since an executor takes its time: it takes along what was noted meanwhile, as far as a sync of
    /// its kind does. A host that never says so loses nothing; what was noted in between is then followed by another sync.
    void began() noexcept {
        if (!running_) return;
        if (running_->mode != sync_mode::pull_only) running_->dirty = std::exchange(dirty_, false) || running_->dirty;
        if (running_->mode != sync_mode::push_then_pull) return;
        running_->wanted = std::exchange(wanted_, false) || running_->wanted;
        running_->behind = std::exchange(behind_, false) || running_->behind;
        running_->requested = std::exchange(requested_, false) || running_->requested;
    }

    /// The sync that `next` started is over.
    /// @param random  spreads the pauses of devices that failed together
    void finished(const sync_result& report, timestamp now, random_source random) {
        observe(now);
        if (!running_) return;
        const asked had = *running_;
        running_.reset();
        ended_ = now;
        if (report.ok() && !report.skipped) {
            failures_ = 0;
            retry_.reset();
            not_before_.reset();
            const bool pulled = had.mode != sync_mode::push_only;
            if (report.behind && (pulled || !schedule_.push_only)) behind_ = true;
            if (had.mode == sync_mode::push_then_pull && schedule_.interval > duration{0}) due_ = later(now, schedule_.interval);
            if (had.timed) due_ = later(now, schedule_.interval);
            return;
        }
        // Whatever the sync was for is still wanted.
        dirty_ = dirty_ || had.dirty;
        wanted_ = wanted_ || had.wanted;
        if (had.timed && !had.requested) due_ = now;
        behind_ = behind_ || had.behind;
        requested_ = requested_ || had.requested;
        whole_ = had.whole || (report.why && needs_whole_sync(report.why->code));
        retry_ = later(now, pause(random));
        if (report.not_before) not_before_ = report.not_before;
    }

    /// Whether a sync runs.
    [[nodiscard]] bool is_running() const noexcept { return running_.has_value(); }
    /// Whether a local write was noted that no finished push is known to have taken along.
    [[nodiscard]] bool is_dirty() const noexcept { return dirty_ || (running_ && running_->dirty); }

private:
    struct asked {
        sync_mode mode = sync_mode::push_then_pull;
        bool dirty = false;
        bool wanted = false;
        bool behind = false;
        bool requested = false;
        bool whole = false;
        bool timed = false;
    };

    // A device that met another incarnation of the data must pull before it pushes; one with a bundle on its way must push before it pulls.
    [[nodiscard]] static bool needs_whole_sync(errc code) noexcept {
        return category_of(code) == fault_category::take_other_step && code != errc::unauthenticated && code != errc::forbidden &&
               code != errc::cancelled;
    }

    [[nodiscard]] bool cooling(timestamp now) const noexcept { return ended_ && now < later(*ended_, schedule_.cool_down); }

    [[nodiscard]] schedule_step begin(timestamp now, bool pushes) {
        asked what{sync_mode::push_then_pull, dirty_, wanted_, behind_, requested_, whole_, due_ && *due_ <= now};
        if (!pushes) {
            what.mode = sync_mode::pull_only;
            what.dirty = false;
        } else if (!requested_ && !behind_ && !whole_ && (!wanted_ || schedule_.push_only)) {
            what.mode = sync_mode::push_only;
        }
        if (pushes) dirty_ = false;
        wanted_ = behind_ = requested_ = whole_ = false;
        if (due_ && *due_ <= now) due_.reset();  // until it is finished
        if (pushes) started_ = now;
        running_ = what;
        return run_now{what.mode};
    }

    // Half of the pause is certain, so that nothing is asked for all the time.
    [[nodiscard]] duration pause(random_source random) {
        constexpr duration least = std::chrono::milliseconds{1};
        const duration ceiling = (std::max)(schedule_.retry_ceiling, least);
        duration longest = std::clamp(schedule_.retry_first, least, ceiling);
        for (std::uint32_t i = 0; i < failures_ && longest < ceiling; ++i) longest = longest > ceiling / 2 ? ceiling : longest * 2;
        if (failures_ < 64) ++failures_;
        const auto half = longest / 2;
        return longest - duration{static_cast<duration::rep>(random.next() % (static_cast<std::uint64_t>(half.count()) + 1))};
    }

    // A clock that went back takes every time that was read from it along.
    void observe(timestamp now) {
        if (now < seen_) {
            const duration back = seen_ - now;
            for (auto* t : {&started_, &ended_, &retry_, &not_before_, &due_})
                if (*t && **t != (timestamp::max)()) **t -= back;
        }
        seen_ = now;
    }

    sync_schedule schedule_;
    bool dirty_ = false;      // a local write, not pushed yet
    bool wanted_ = false;     // resume or network
    bool behind_ = false;     // the server has news
    bool requested_ = false;  // a whole sync: by a person, or by the interval
    bool watched_ = false;    // a stream tells when there is something to pull
    bool whole_ = false;      // a whole sync: half of one could not be done alone
    std::optional<asked> running_;
    std::optional<timestamp> started_;  // the last one that pushed
    std::optional<timestamp> ended_;
    std::optional<timestamp> retry_;       // nothing starts before, after a failure
    std::optional<timestamp> not_before_;  // nor before this, as the server asked
    std::optional<timestamp> due_;      // the next sync by the interval
    std::uint32_t failures_ = 0;
    timestamp seen_;
};

SYNCLINE_NAMESPACE_END

#endif
