#ifndef SYNCLINE_SUPPORT_HLC_HPP
#define SYNCLINE_SUPPORT_HLC_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>

SYNCLINE_NAMESPACE_BEGIN

/// A hybrid logical clock: stamps that follow the wall clock, rise strictly, and come after every stamp seen.
///
/// Clock and counter share one microsecond number: a stamp is the wall time, or the last stamp plus one microsecond
/// when the wall clock has not passed it. A peer whose clock runs ahead would drag everyone along, so a remote stamp
/// more than the permitted drift ahead of the local wall clock is taken as wall time plus that drift, and counted.
///
/// Bounds, for every stamp given: greater than the one before it; not before the wall time; after a remote stamp that
/// is within the drift; and at most one microsecond above the greatest of last stamp, wall time and wall time plus
/// drift. The number saturates at the end of 64 bits (the year 294247), where it can rise no further.
class hybrid_clock {
public:
    /// A clock that follows remote stamps up to @p max_drift ahead of the local wall clock; below zero counts as zero.
    constexpr explicit hybrid_clock(duration max_drift) noexcept
        : max_drift_(max_drift < duration{0} ? duration{0} : max_drift) {}

    /// A clock that continues after @p last, for example the greatest stamp a store has.
    constexpr hybrid_clock(duration max_drift, timestamp last) noexcept : hybrid_clock(max_drift) { last_ = last; }

    /// A stamp for a local event at wall time @p wall.
    [[nodiscard]] constexpr timestamp tick(timestamp wall) noexcept {
        const timestamp next = plus(last_, duration{1});
        last_ = wall > next ? wall : next;
        return last_;
    }

    /// A stamp for the receipt of @p remote at wall time @p wall.
    constexpr timestamp observe(timestamp wall, timestamp remote) noexcept {
        const timestamp limit = plus(wall, max_drift_);
        if (remote > limit) {
            ++clamped_;
            remote = limit;
        }
        if (remote > last_) last_ = remote;
        return tick(wall);
    }

    /// The last stamp given, or the earliest time there is before the first.
    [[nodiscard]] constexpr timestamp last() const noexcept { return last_; }

    /// How many remote stamps were too far ahead.
    [[nodiscard]] constexpr std::uint64_t clamped() const noexcept { return clamped_; }

private:
    static constexpr timestamp plus(timestamp t, duration d) noexcept {
        constexpr timestamp end = (timestamp::max)();
        return t > end - d ? end : t + d;
    }

    duration max_drift_;
    timestamp last_ = (timestamp::min)();
    std::uint64_t clamped_ = 0;
};

SYNCLINE_NAMESPACE_END

#endif
