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

/// What every device has received that counts as live.
struct received_history {
    std::int64_t seq = (std::numeric_limits<std::int64_t>::max)();
    std::int64_t stamp = (std::numeric_limits<std::int64_t>::max)();

    /// Whether all of @p b is in it.
    [[nodiscard]] bool has(const bundle_head& b) const noexcept { return b.seq <= seq && b.first_stamp + std::int64_t{b.row_count} - 1 <= stamp; }
};

/// Forgets devices that were silent for longer than @p ttl, and gives what every other one has received.
template <authority_transaction Transaction>
[[nodiscard]] result<received_history> received_by_all(Transaction& t, std::chrono::seconds ttl, timestamp now) {
    auto sources = t.sources();
    if (!sources) return std::move(sources).error();
    received_history out;
    for (const auto& mark : *sources) {
        if (now - mark.seen > ttl) {
            if (auto r = t.drop_source(mark.principal, mark.source); !r) return std::move(r).error();
            if (auto r = legacy_memory<Transaction>::forget(t, mark.principal, mark.source); !r) return std::move(r).error();
            continue;
        }
        if (mark.seq) out.seq = (std::min)(out.seq, *mark.seq);
        if (mark.stamp) out.stamp = (std::min)(out.stamp, *mark.stamp);
    }
    return out;
}

/// Forgets devices that were silent for longer than @p ttl, and gives the newest bundle that every other device has received whole: history up
/// to it can go (ENGINE.md rule 10). Writes nothing else.
/// @param keep_bundles  the newest bundles are kept whoever has them
template <authority_transaction Transaction>
[[nodiscard]] result<std::int64_t> history_floor(Transaction& t, std::chrono::seconds ttl, std::int64_t keep_bundles, timestamp now) {
    auto head = t.head();
    if (!head) return std::move(head).error();
    auto everybody = received_by_all(t, ttl, now);
    if (!everybody) return std::move(everybody).error();
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
            if (everybody->has(b) && kept == received) ++received, wanted = b.seq;
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

/// How many bundles are kept above the floor. Numbers jump where an incarnation begins.
[[nodiscard]] inline std::int64_t kept_bundles(const authority_head& head) noexcept {
    std::int64_t kept = head.seq - head.floor_seq;
    for (const auto& interval : head.lost) {
        const std::int64_t from = (std::max)(interval.after_seq, head.floor_seq);
        const std::int64_t to = (std::min)(interval.before_seq - 1, head.seq);
        if (to > from) kept -= to - from;
    }
    return kept;
}

/// Forgets bundles that are more than @p window behind the newest, the oldest first, at most @p most of them, and none that a live device has not
/// received. Reads as many bundles' heads and every device's mark, and nothing where the window is not exceeded.
/// @param ttl  how long a device counts as live after its last cursor
template <authority_transaction Transaction>
[[nodiscard]] result<void> keep_window(Transaction& t, std::int64_t window, std::size_t most, std::chrono::seconds ttl, timestamp now) {
    if (window <= 0 || most == 0) return {};
    auto head = t.head();
    if (!head) return std::move(head).error();
    const std::int64_t excess = kept_bundles(*head) - window;
    if (excess <= 0) return {};
    auto everybody = received_by_all(t, ttl, now);
    if (!everybody) return std::move(everybody).error();
    auto heads = t.bundle_heads(head->floor_seq, (std::min)(most, static_cast<std::size_t>(excess)));
    if (!heads) return std::move(heads).error();
    std::int64_t floor = head->floor_seq;
    for (const auto& b : *heads) {
        if (!everybody->has(b)) break;
        floor = b.seq;
    }
    return floor > head->floor_seq ? t.prune(floor) : result<void>{};
}

SYNCLINE_NAMESPACE_END

#endif
