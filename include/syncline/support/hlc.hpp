#ifndef SYNCLINE_SUPPORT_HLC_HPP
#define SYNCLINE_SUPPORT_HLC_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

SYNCLINE_NAMESPACE_BEGIN

/// @p t and @p d later; the ends of time are not passed. @pre @p d is not below zero
[[nodiscard]] constexpr timestamp later_by(timestamp t, duration d) noexcept {
    constexpr timestamp end = (timestamp::max)();
    return t > end - d ? end : t + d;
}

/// A time that somebody else claims, as far as it is believed: at most @p max_drift ahead of the own clock; what is later is taken as that.
///
/// An own clock may have gone back since it wrote a row at @p after. What claims to come later than that row keeps its place behind it: the
/// bound is then one microsecond after the row.
/// @param now        the own clock
/// @param max_drift  below zero counts as zero
/// @param after      when the row was written that the claim is compared with; left out: there is none
[[nodiscard]] constexpr timestamp clamped_time(timestamp claimed, timestamp now, duration max_drift,
                                               timestamp after = (timestamp::min)()) noexcept {
    timestamp limit = later_by(now, max_drift < duration{0} ? duration{0} : max_drift);
    if (after != (timestamp::min)() && later_by(after, duration{1}) > limit) limit = later_by(after, duration{1});
    return claimed > limit ? limit : claimed;
}

/// A hybrid logical clock: its readings follow the wall clock, rise strictly, and come after every time that it was told of.
///
/// Clock and counter share one microsecond number: a reading is the wall time, or the last reading plus one microsecond
/// when the wall clock has not passed it. A peer whose clock runs ahead would drag everyone along, so a time that it tells is
/// followed up to the permitted drift ahead of the local wall clock (`clamped_time`).
///
/// Bounds, for every reading: greater than the one before it; not before the wall time; after every observed time that
/// was within the drift; and at most one microsecond above the greatest of last reading, wall time and wall time plus
/// drift. The number saturates at the end of 64 bits (the year 294247), where it can rise no further.
class hybrid_clock {
public:
    /// A clock that follows observed times up to @p max_drift ahead of the local wall clock; below zero counts as zero.
    constexpr explicit hybrid_clock(duration max_drift) noexcept : max_drift_(max_drift) {}

    /// A clock that continues after @p last, the last reading of an earlier run.
    constexpr hybrid_clock(duration max_drift, timestamp last) noexcept : max_drift_(max_drift), last_(last) {}

    /// A reading for an event at wall time @p wall.
    [[nodiscard]] constexpr timestamp tick(timestamp wall) noexcept {
        const timestamp next = later_by(last_, duration{1});
        last_ = wall > next ? wall : next;
        return last_;
    }

    /// Takes note of @p remote, told by a peer and received at wall time @p wall: later readings come after it.
    constexpr void observe(timestamp wall, timestamp remote) noexcept {
        const timestamp followed = clamped_time(remote, wall, max_drift_);
        if (followed > last_) last_ = followed;
    }

    /// The number that the next reading is greater than.
    [[nodiscard]] constexpr timestamp last() const noexcept { return last_; }

private:
    duration max_drift_;
    timestamp last_ = (timestamp::min)();
};

SYNCLINE_NAMESPACE_END

#endif
