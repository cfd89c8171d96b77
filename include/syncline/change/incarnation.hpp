#ifndef SYNCLINE_CHANGE_INCARNATION_HPP
#define SYNCLINE_CHANGE_INCARNATION_HPP

#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What restoring a tenant's data from a backup undid (ENGINE.md rule 10): the open intervals between the last numbers of the backup and the
/// first ones of the incarnation that began with it. What was given inside belongs to a timeline that is gone; both ends do not.
struct lost_interval {
    std::int64_t after_seq = 0;     ///< the backup's newest `bundle_seq`
    std::int64_t before_seq = 0;    ///< the first `bundle_seq` of the new incarnation
    std::int64_t after_stamp = 0;   ///< the backup's newest stamp, microseconds
    std::int64_t before_stamp = 0;  ///< no stamp of the new incarnation is below it

    friend bool operator==(const lost_interval&, const lost_interval&) = default;
};

/// One for each time that the data were restored, oldest first.
using lost_intervals = std::vector<lost_interval>;

/// Whether the version or bundle number @p seq was given in a timeline that is gone.
[[nodiscard]] inline bool is_lost_seq(const lost_intervals& lost, std::int64_t seq) noexcept {
    return std::any_of(lost.begin(), lost.end(), [&](const lost_interval& l) { return l.after_seq < seq && seq < l.before_seq; });
}

/// Whether the stamp @p stamp was given in a timeline that is gone.
[[nodiscard]] inline bool is_lost_stamp(const lost_intervals& lost, std::int64_t stamp) noexcept {
    return std::any_of(lost.begin(), lost.end(), [&](const lost_interval& l) { return l.after_stamp < stamp && stamp < l.before_stamp; });
}

/// Whether @p seq is the bundle that follows @p before: the next number, or the first one after an interval that begins there.
[[nodiscard]] inline bool follows(const lost_intervals& lost, std::int64_t before, std::int64_t seq) noexcept {
    return seq == before + 1 ||
           std::any_of(lost.begin(), lost.end(), [&](const lost_interval& l) { return l.after_seq == before && l.before_seq == seq; });
}

/// Where the numbers of a new incarnation begin.
struct first_numbers {
    std::int64_t seq = 0;
    std::int64_t stamp = 0;

    friend bool operator==(const first_numbers&, const first_numbers&) = default;
};

/// The first numbers of an incarnation that begins at @p now_us over data whose newest numbers, of all tenants, are @p newest: above everything
/// that the lost timeline can have given, as long as it gave fewer than a thousand million bundles since the backup and its clock was
/// less than a day ahead. Of a timeline that began with a restore of the same backup the data know nothing: both numbers follow the clock,
/// so they lie above what was given there too, as long as that was fewer than one bundle a microsecond. Numbers stay far below 2^53,
/// which is where JSON readers begin to round.
[[nodiscard]] constexpr first_numbers numbers_after_restore(first_numbers newest, std::int64_t now_us) noexcept {
    constexpr std::int64_t bundles = 1'000'000'000;
    constexpr std::int64_t day_us = 86'400'000'000;
    return {(std::max)(newest.seq + bundles, now_us), (std::max)(newest.stamp, now_us) + day_us};
}

SYNCLINE_NAMESPACE_END

#endif
