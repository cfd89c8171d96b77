#ifndef SYNCLINE_ENGINE_ROW_INTAKE_HPP
#define SYNCLINE_ENGINE_ROW_INTAKE_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Takes the authority's rows in inside one transaction of a replica's store: which of them are news, what becomes of one that the app's table
/// refuses, and how a staged picture replaces what was there. Lives as long as the transaction.
template <replica_transaction Transaction>
class row_intake {
public:
    row_intake(Transaction& t, row_placement<Transaction>& rows, replica_state& state) : t_(t), rows_(rows), state_(state) {}

    /// Makes @p row the base of its record if it is newer than the base, or the authority's own copy of a provisional one. A row that contains
    /// the record's frozen mutation settles it.
    /// @param may_quarantine  false: `errc::constraint` is returned where the app's table refuses the row
    [[nodiscard]] result<void> take(const row_image& row, bool may_quarantine, apply_report& report) {
        auto kept = t_.base(row.key);
        if (!kept) return std::move(kept).error();
        const bool newer = row.version > kept->version || (kept->provisional && row.version == kept->version);
        if (!newer) {
            ++report.skipped;
            return {};
        }
        if (auto r = settle_contained(row); !r) return r;
        // The authority's own copy of what was acknowledged is not news.
        ++(kept->provisional && row.version == kept->version ? report.skipped : report.applied);
        if (!may_quarantine) return rows_.place(row.key, known_base{row.version, row.row, std::nullopt});
        return place(row.key, known_base{row.version, row.row, std::nullopt}, &report);
    }

    /// Makes @p base the base of @p key; where the app's table refuses the row it is quarantined, and the old base stays.
    /// @param report  where to count it; may be nullptr
    [[nodiscard]] result<void> place(const record_key& key, const known_base& base, apply_report* report) {
        auto placed = rows_.place(key, base);
        if (placed) return release_up_to(key, base.version);
        if (placed.error().code != errc::constraint) return placed;
        if (report != nullptr) ++report->quarantined;
        if (auto r = t_.quarantine({row_image{key, base.version, base.row, {}}, wait_reason{placed.error().code, placed.error().detail}}); !r)
            return r;
        // The base stays as it was; layers that this transaction took away must not show.
        auto old = rows_.load(key);
        if (!old) return std::move(old).error();
        auto shown = rows_.place(key, *old);
        return shown || shown.error().code == errc::constraint ? result<void>{} : shown;
    }

    /// Tries quarantined rows again: what stood in their way may be gone.
    [[nodiscard]] result<void> retry_quarantined(apply_report& report) {
        auto rows = t_.quarantined(1000);
        if (!rows) return std::move(rows).error();
        for (auto& q : *rows) {
            auto kept = t_.base(q.image.key);
            if (!kept) return std::move(kept).error();
            const bool newer = q.image.version > kept->version || (kept->provisional && q.image.version == kept->version);
            if (newer) {
                auto placed = rows_.place(q.image.key, known_base{q.image.version, q.image.row, std::nullopt});
                if (!placed && placed.error().code == errc::constraint) continue;
                if (!placed) return placed;
                ++report.applied;
            }
            if (auto r = t_.release(q.image.key); !r) return r;
        }
        return {};
    }

    /// Replaces everything known by the staged picture, in one go: rows that are not in it go, newer bases and known tombstones stay, pending
    /// intents lie over the new bases.
    /// @param seq           the newest `bundle_seq` that the picture contains
    /// @param cursor_after  the checkpoint that goes with it
    [[nodiscard]] result<void> swap(std::int64_t seq, cursor cursor_after, apply_report& report) {
        // Rows that are no longer there go first, so that they cannot stand in the way of new ones.
        std::optional<record_key> last;
        while (true) {
            auto gone = t_.unstaged(last ? &*last : nullptr, 500);
            if (!gone) return std::move(gone).error();
            if (gone->empty()) break;
            last = gone->back();
            for (const auto& key : *gone) {
                auto base = rows_.load(key);
                if (!base) return std::move(base).error();
                if (base->version > seq || (!base->row && !base->provisional)) continue;  // newer, or a tombstone that stays known
                if (auto r = place(key, known_base{}, nullptr); !r) return r;
            }
        }
        last.reset();
        while (true) {
            auto rows = t_.staged(last ? &*last : nullptr, 500);
            if (!rows) return std::move(rows).error();
            if (rows->empty()) break;
            last = rows->back().key;
            for (const auto& row : *rows) {
                auto kept = t_.base(row.key);
                if (!kept) return std::move(kept).error();
                if (kept->version > seq) continue;
                ++report.applied;
                if (auto r = settle_contained(row); !r) return r;
                if (auto r = place(row.key, known_base{row.version, row.row, std::nullopt}, &report); !r) return r;
            }
        }
        if (auto r = t_.clear_stage(); !r) return r;
        if (auto r = retry_quarantined(report); !r) return r;
        state_.needs_hydration = false;
        state_.hydration_session.clear();
        state_.hydration_position = 0;
        state_.checkpoint = (std::max)(state_.checkpoint, cursor_after);
        report.hydrated = true;
        return {};
    }

    /// Drops the batch in flight when its last item has left it.
    [[nodiscard]] result<void> drop_empty_batch() {
        auto left = t_.frozen_items(0, 1);
        if (!left) return std::move(left).error();
        return left->empty() ? t_.drop_batch() : result<void>{};
    }

private:
    // Laid over a row that contains it already, the frozen mutation would show its differences twice.
    [[nodiscard]] result<void> settle_contained(const row_image& row) {
        if (row.contains.empty() || !rows_.has_layers()) return {};
        auto frozen = t_.frozen(row.key);
        if (!frozen) return std::move(frozen).error();
        if (!*frozen || (*frozen)->id != row.contains) return {};
        if (auto r = t_.drop_frozen(row.key); !r) return r;
        return drop_empty_batch();
    }
    // A quarantined row that is newer than what was just placed goes on waiting.
    [[nodiscard]] result<void> release_up_to(const record_key& key, std::int64_t version) {
        if (!rows_.has_quarantined()) return {};
        auto rows = t_.quarantined(1000);
        if (!rows) return std::move(rows).error();
        for (const auto& q : *rows)
            if (q.image.key == key && q.image.version <= version) return t_.release(key);
        return {};
    }

    Transaction& t_;
    row_placement<Transaction>& rows_;
    replica_state& state_;
};

SYNCLINE_NAMESPACE_END

#endif
