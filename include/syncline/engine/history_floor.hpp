#ifndef SYNCLINE_ENGINE_HISTORY_FLOOR_HPP
#define SYNCLINE_ENGINE_HISTORY_FLOOR_HPP

#include <syncline/engine/legacy_memory.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Forgets devices that were silent for longer than @p ttl, and gives the newest bundle that every other device has received whole: history up
/// to it can go (ENGINE.md rule 10). Writes nothing else.
/// @param keep_bundles  the newest bundles are kept whoever has them
template <authority_transaction Transaction>
[[nodiscard]] result<std::int64_t> history_floor(Transaction& t, std::chrono::seconds ttl, std::int64_t keep_bundles, timestamp now) {
    auto head = t.head();
    if (!head) return std::move(head).error();
    auto sources = t.sources();
    if (!sources) return std::move(sources).error();
    std::int64_t seq = head->seq;
    std::int64_t stamp = (std::numeric_limits<std::int64_t>::max)();
    for (const auto& mark : *sources) {
        if (now - mark.seen > ttl) {
            if (auto r = t.drop_source(mark.principal, mark.source); !r) return std::move(r).error();
            if (auto r = legacy_memory<Transaction>::forget(t, mark.principal, mark.source); !r) return std::move(r).error();
            continue;
        }
        if (mark.seq) seq = (std::min)(seq, *mark.seq);
        if (mark.stamp) stamp = (std::min)(stamp, *mark.stamp);
    }
    // Numbers jump where an incarnation begins, so the bundles are counted.
    std::int64_t floor = head->floor_seq;
    std::int64_t wanted = floor;
    std::int64_t received = 0;
    std::int64_t kept = 0;
    constexpr std::size_t page = 1000;
    for (std::int64_t at = floor;;) {
        auto heads = t.bundle_heads(at, page);
        if (!heads) return std::move(heads).error();
        for (const auto& b : *heads) {
            const bool whole = b.seq <= seq && b.first_stamp + std::int64_t{b.row_count} - 1 <= stamp;
            if (whole && kept == received) ++received, wanted = b.seq;
            ++kept;
            at = b.seq;
        }
        if (heads->size() < page) break;
    }
    if (kept - received >= keep_bundles) return wanted;
    // Fewer than `keep_bundles` would be left: stop that many before the newest.
    std::int64_t may_go = kept - keep_bundles;
    for (std::int64_t at = floor; may_go > 0;) {
        auto heads = t.bundle_heads(at, (std::min)(page, static_cast<std::size_t>(may_go)));
        if (!heads) return std::move(heads).error();
        if (heads->empty()) break;
        may_go -= static_cast<std::int64_t>(heads->size());
        floor = at = heads->back().seq;
    }
    return floor;
}

SYNCLINE_NAMESPACE_END

#endif
