#ifndef SYNCLINE_CHANGE_DEDUP_HPP
#define SYNCLINE_CHANGE_DEDUP_HPP

#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Remembers the newest receipts by id, so that what is sent again gets the same answer and takes effect once (ENGINE.md rule 8). Plain
/// data in memory, for one principal. Mutation ids are random, so nothing tells a forgotten id from a new one: size the window to the
/// longest time in which a peer may send again.
class receipt_window {
public:
    /// @param capacity  how many receipts are kept; 0 counts as 1
    explicit receipt_window(std::size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

    /// What is known of @p id. Nothing: it was never decided, or so long ago that it was forgotten.
    /// @return `errc::id_reused` when it was decided with other content: never answered with the receipt
    [[nodiscard]] result<std::optional<receipt>> find(std::string_view id, std::string_view content_hash) const {
        const auto at = kept_.find(id);
        if (at == kept_.end()) return std::optional<receipt>{};
        if (at->second.content_hash != content_hash) return reused();
        return std::optional<receipt>{at->second};
    }

    /// Keeps @p decided. The same receipt again is fine and changes nothing.
    /// @return the id that was forgotten to make room, the oldest; nothing: there was room. `errc::id_reused` when the id is known with
    ///         other content; `errc::invalid_argument` for an empty id and for an outcome that is not final: a transient error leaves no
    ///         receipt
    [[nodiscard]] result<std::optional<mutation_id>> remember(receipt decided) {
        if (decided.id.empty()) return make_fault(errc::invalid_argument, "a receipt without a mutation id cannot be found again");
        if (decided.outcome == outcome_kind::error)
            return make_fault(errc::invalid_argument, "a transient error is not an outcome: it leaves no receipt, the same is sent again");
        if (const auto at = kept_.find(decided.id); at != kept_.end()) {
            if (at->second.content_hash != decided.content_hash) return reused();
            return std::optional<mutation_id>{};
        }
        std::optional<mutation_id> evicted;
        if (kept_.size() == capacity_) {
            evicted = std::move(order_.front());
            order_.pop_front();
            kept_.erase(*evicted);
            ++forgotten_;
        }
        order_.push_back(decided.id);
        mutation_id id = decided.id;
        kept_.emplace(std::move(id), std::move(decided));
        return evicted;
    }

    [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// How many receipts were forgotten to make room.
    [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }

private:
    [[nodiscard]] static fault reused() {
        return {errc::id_reused, "this mutation id was already used for other content; its sender was copied or restored from a backup, or "
                                 "makes ids that are not random"};
    }

    std::size_t capacity_;
    std::map<mutation_id, receipt, std::less<>> kept_;
    std::deque<mutation_id> order_;
    std::uint64_t forgotten_ = 0;
};

/// Where a number stands in a source's contiguous numbering.
enum class sequence_place : std::uint8_t {
    next,       ///< the one that is due
    duplicate,  ///< at or below the watermark: it was committed
    gap,        ///< above the one that is due: the sender was copied or restored, or something was lost
    invalid,    ///< below 1: no such number is ever given
};

/// The bundles that one source committed: their numbers are contiguous from 1, so a watermark tells for ever what was committed, and only
/// the newest receipts need be kept (ENGINE.md rule 8).
class source_sequence {
public:
    /// @param capacity   how many receipts are kept; 0 counts as 1
    /// @param watermark  the newest number that is known to be committed
    explicit source_sequence(std::size_t capacity, std::int64_t watermark = 0)
        : capacity_(capacity == 0 ? 1 : capacity), watermark_(watermark < 0 ? 0 : watermark) {}

    /// The newest committed number; 0: none.
    [[nodiscard]] std::int64_t watermark() const noexcept { return watermark_; }
    /// The number that is due.
    [[nodiscard]] std::int64_t next() const noexcept { return watermark_ + 1; }

    [[nodiscard]] sequence_place place_of(std::int64_t source_bundle_id) const noexcept {
        if (source_bundle_id < 1) return sequence_place::invalid;
        if (source_bundle_id <= watermark_) return sequence_place::duplicate;
        return source_bundle_id == watermark_ + 1 ? sequence_place::next : sequence_place::gap;
    }

    /// The receipt of @p source_bundle_id. Nothing: it is the one that is due.
    /// @return `errc::id_reused` when it was committed with other content; `errc::history_pruned` when it was committed and its receipt is
    ///         forgotten; `errc::out_of_sequence` above the one that is due; `errc::invalid_argument` below 1
    [[nodiscard]] result<std::optional<bundle_receipt>> find(std::int64_t source_bundle_id, std::string_view content_hash) const {
        switch (place_of(source_bundle_id)) {
        case sequence_place::next: return std::optional<bundle_receipt>{};
        case sequence_place::invalid: return make_fault(errc::invalid_argument, "source bundles are numbered from 1, not ", std::to_string(source_bundle_id));
        case sequence_place::gap:
            return make_fault(errc::out_of_sequence, "this source's next bundle is number ", std::to_string(next()), ", not ",
                              std::to_string(source_bundle_id), "; the device was copied or restored and needs a new source id");
        case sequence_place::duplicate: break;
        }
        const auto at = kept_.find(source_bundle_id);
        if (at == kept_.end()) return make_fault(errc::history_pruned, "this source bundle was committed so long ago that its receipt is gone");
        if (at->second.content_hash != content_hash)
            return make_fault(errc::id_reused, "source bundle ", std::to_string(source_bundle_id), " was committed with other content; the device was "
                              "copied or restored and needs a new source id");
        return std::optional<bundle_receipt>{at->second};
    }

    /// Keeps @p committed, whose number must be the one that is due, and moves the watermark to it. The oldest receipt is forgotten where
    /// there is no room; its number stays known.
    /// @return as `find` for any other number; the same receipt again is fine and changes nothing
    [[nodiscard]] result<void> remember(bundle_receipt committed) {
        auto known = find(committed.source_bundle_id, committed.content_hash);
        if (!known) return std::move(known).error();
        if (*known) return {};
        watermark_ = committed.source_bundle_id;
        if (kept_.size() == capacity_) kept_.erase(kept_.begin());
        const std::int64_t number = committed.source_bundle_id;
        kept_.emplace(number, std::move(committed));
        return {};
    }

private:
    std::size_t capacity_;
    std::int64_t watermark_;
    std::map<std::int64_t, bundle_receipt> kept_;
};

SYNCLINE_NAMESPACE_END

#endif
