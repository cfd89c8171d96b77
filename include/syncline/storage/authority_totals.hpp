#ifndef SYNCLINE_STORAGE_AUTHORITY_TOTALS_HPP
#define SYNCLINE_STORAGE_AUTHORITY_TOTALS_HPP

#include <syncline/change/incarnation.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>

SYNCLINE_NAMESPACE_BEGIN

/// What an authority's store holds, over all tenants that have a history: taken from one line for each tenant, never from the log.
struct authority_totals {
    std::int64_t tenants = 0;           ///< that have a bundle
    std::int64_t latest_seq_max = 0;    ///< the largest number of a newest bundle
    std::int64_t floor_min = 0;         ///< of the numbers up to which history is gone
    std::int64_t floor_max = 0;
    std::int64_t window_min = 0;        ///< of how many bundles a tenant keeps
    std::int64_t window_max = 0;
    std::int64_t kept_bundles = 0;      ///< all of them
    std::int64_t floors_ahead = 0;      ///< tenants whose floor is above their newest bundle: damage

    /// Takes one more tenant in. Numbers that a restore from a backup skipped name no bundle.
    void add(std::int64_t seq, std::int64_t floor, const lost_intervals& lost) {
        if (seq == 0 && floor == 0) return;
        std::int64_t window = (std::max<std::int64_t>)(seq - floor, 0);
        for (const lost_interval& l : lost)
            window -= (std::max<std::int64_t>)((std::min)(l.before_seq - 1, seq) - (std::max)(l.after_seq, floor), 0);
        const bool first = tenants++ == 0;
        latest_seq_max = (std::max)(latest_seq_max, seq);
        floor_min = first ? floor : (std::min)(floor_min, floor);
        floor_max = (std::max)(floor_max, floor);
        window_min = first ? window : (std::min)(window_min, window);
        window_max = (std::max)(window_max, window);
        kept_bundles += window;
        floors_ahead += floor > seq ? 1 : 0;
    }

    friend bool operator==(const authority_totals&, const authority_totals&) = default;
};

/// An authority's store that can say so: an extra beside `authority_store`, for pages about the server. `s.totals()`: `result<authority_totals>`.
template <class S>
concept totalling_store = requires(S& s) {
    { s.totals() } -> std::same_as<result<authority_totals>>;
};

/// An authority's store that tells cheaply whether anything was committed, by whatever connection or program: an extra beside `authority_store`.
/// `s.data_version()`: `result<std::int64_t>`, another number after every commit that the store sees from then on; it reads no table.
template <class S>
concept versioned_store = requires(S& s) {
    { s.data_version() } -> std::same_as<result<std::int64_t>>;
};

SYNCLINE_NAMESPACE_END

#endif
