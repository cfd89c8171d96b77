#ifndef SYNCLINE_TESTING_FAKE_CLOCK_HPP
#define SYNCLINE_TESTING_FAKE_CLOCK_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <functional>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A clock that stands still until it is moved: for whatever in the library takes a time (`now()`), a callable that tells it
/// (`sync_surroundings::clock`, `sync_server`), or one that waits (`sync_surroundings::wait_until`).
///
/// Each party of a test can read it wrongly in its own way (`skewed`), and it can be frozen, as the clock of a machine that sleeps.
/// Callables refer to the clock, which must outlive them. Not for several threads at once.
class fake_clock {
public:
    /// @param tick  how far it moves by itself with each reading through a callable; nothing by default
    explicit fake_clock(timestamp start = from_microseconds(1'700'000'000'000'000), duration tick = duration{0}) : now_(start), tick_(tick) {}
    fake_clock(const fake_clock&) = delete;
    fake_clock& operator=(const fake_clock&) = delete;

    /// What it shows.
    [[nodiscard]] timestamp now() const noexcept { return frozen_ ? frozen_at_ : now_; }

    /// Moves on by @p length, or back by a negative one.
    void advance(duration length) noexcept { now_ += length; }
    /// Jumps to @p to, forward or back.
    void set(timestamp to) noexcept { now_ = to; }
    /// Moves on to @p until, and never back: what waiting until then comes to.
    void wait_until(timestamp until) noexcept {
        if (now_ < until) now_ = until;
    }

    /// From now on it shows the same time, whatever is done to it.
    void freeze() noexcept {
        frozen_at_ = now();
        frozen_ = true;
    }
    /// Shows the time again that it was moved to meanwhile.
    void thaw() noexcept { frozen_ = false; }

    /// The clock as a callable.
    [[nodiscard]] std::function<timestamp()> reader() { return skewed(duration{0}); }
    /// The same, read by somebody whose clock is @p ahead of it (negative: behind).
    [[nodiscard]] std::function<timestamp()> skewed(duration ahead) {
        return [this, ahead] {
            const timestamp shown = now() + ahead;
            advance(tick_);
            return shown;
        };
    }
    /// What to wait with, for somebody whose clock is @p ahead: moves the clock instead.
    [[nodiscard]] std::function<void(timestamp)> waiter(duration ahead = duration{0}) {
        return [this, ahead](timestamp until) { wait_until(until - ahead); };
    }

private:
    timestamp now_;
    duration tick_;
    bool frozen_ = false;
    timestamp frozen_at_{};
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
