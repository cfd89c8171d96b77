#ifndef SYNCLINE_ENGINE_ROW_INTAKE_HPP
#define SYNCLINE_ENGINE_ROW_INTAKE_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Takes the authority's rows in inside one transaction of a replica's store: which of them are news, what becomes of one that the app's table
/// refuses, and how a staged picture replaces what was there. Lives as long as the transaction.
template <replica_transaction Transaction>
class row_intake {
public:
    row_intake(Transaction& t, row_placement<Transaction>& rows, replica_state& state) : t_(t), rows_(rows), state_(state) {}

    /// Makes each of @p rows the base of its record if it is newer than the base, or the authority's own copy of a provisional one. A row that
    /// contains the record's frozen mutation settles it. What the app's table refuses is tried again after the others: what stands in its
    /// way may be one of them.
    /// @param may_quarantine  false: a fault for which `refuses_row` holds is returned where the app's table goes on refusing a row
    [[nodiscard]] result<void> take(const std::vector<row_image>& rows, bool may_quarantine, apply_report& report) {
        std::vector<const row_image*> left;
        for (const auto& row : rows) left.push_back(&row);
        std::vector<fault> why;
        for (std::size_t before = left.size() + 1; !left.empty() && left.size() < before;) {
            before = left.size();
            std::vector<const row_image*> refused;
            why.clear();
            for (const auto* row : left) {
                auto taken = take_one(*row, report);
                if (taken) continue;
                if (!refuses_row(taken.error().code)) return taken;
                refused.push_back(row);
                why.push_back(std::move(taken).error());
            }
            // A chain of rows that wait for each other comes free from its end.
            std::reverse(refused.begin(), refused.end());
            std::reverse(why.begin(), why.end());
            left = std::move(refused);
        }
        if (!left.empty() && !may_quarantine) return std::move(why.back());
        for (std::size_t i = 0; i < left.size(); ++i) {
            ++report.applied;
            if (auto r = refuse(left[i]->key, known_base{left[i]->version, left[i]->row, std::nullopt}, std::move(why[i]), &report); !r) return r;
        }
        return {};
    }

    /// Makes @p base the base of @p key; where the app's table refuses the row it is quarantined, and the old base stays.
    /// @param report  where to count it; may be nullptr
    /// @param early   as for `row_placement::place`
    [[nodiscard]] result<void> place(const record_key& key, const known_base& base, apply_report* report, bool early = false) {
        auto placed = rows_.place(key, base, early);
        if (placed) return release_up_to(key, base.version);
        if (!refuses_row(placed.error().code)) return placed;
        return refuse(key, base, std::move(placed).error(), report);
    }

    /// Tries quarantined rows again, those first that others refer to: what stood in their way may be gone. A row that refers to one which is neither
    /// there nor comes in now stays where it is.
    [[nodiscard]] result<void> retry_quarantined(apply_report& report) {
        auto known = waiting();
        if (!known) return std::move(known).error();
        if ((*known)->empty()) return {};
        auto rows = t_.quarantined(everything);
        if (!rows) return std::move(rows).error();
        std::vector<record_key> keys;
        std::vector<std::vector<record_key>> references;
        std::vector<known_base> bases;
        for (auto& q : *rows) {
            auto kept = t_.base(q.image.key);
            if (!kept) return std::move(kept).error();
            if (q.image.version == kept->version && !kept->provisional) {
                if (auto r = show_again(q.image, *kept); !r) return r;
            } else if (kept->lost || q.image.version > kept->version || (kept->provisional && q.image.version == kept->version)) {
                references.push_back(q.image.row ? references_of(rows_.schemas(), q.image.key.model, *q.image.row) : std::vector<record_key>{});
                keys.push_back(q.image.key);
                bases.push_back(known_base{q.image.version, std::move(q.image.row), std::nullopt});
            } else if (auto r = release(q.image.key); !r) {
                return r;
            }
        }
        std::unordered_map<record_key, std::size_t, record_key_hash> tried;
        std::unordered_map<record_key, std::vector<std::size_t>, record_key_hash> referring;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            tried.emplace(keys[i], i);
            for (const auto& parent : references[i]) referring[parent].push_back(i);
        }
        std::vector<bool> out(keys.size(), false);
        const auto leave = [&](std::size_t first) -> result<void> {
            std::vector<std::size_t> stack{first};
            while (!stack.empty()) {
                const std::size_t i = stack.back();
                stack.pop_back();
                if (out[i]) continue;
                out[i] = true;
                auto there = rows_.may_be_referred_to(keys[i]);
                if (!there) return std::move(there).error();
                if (const auto children = referring.find(keys[i]); !*there && children != referring.end())
                    stack.insert(stack.end(), children->second.begin(), children->second.end());
            }
            return {};
        };
        for (std::size_t i = 0; i < keys.size(); ++i)
            for (const auto& parent : references[i]) {
                if (tried.contains(parent)) continue;
                auto there = rows_.may_be_referred_to(parent);
                if (!there) return std::move(there).error();
                if (*there) continue;
                if (auto r = leave(i); !r) return r;
            }
        for (const std::size_t i : referenced_first(keys, references)) {
            if (out[i]) continue;
            auto placed = rows_.place(keys[i], bases[i]);
            if (!placed && !refuses_row(placed.error().code)) return placed;
            if (auto r = placed ? release(keys[i]) : leave(i); !r) return r;
            report.applied += placed ? 1 : 0;
        }
        return {};
    }

    /// Puts into quarantine what refers to a record that is not there (`row_placement::take_back_dangling`). To be called when all rows are placed.
    /// @param may_quarantine  false: `errc::constraint` is returned, which names the row and the missing record
    /// @param report          where to count them; may be nullptr
    [[nodiscard]] result<void> settle_references(bool may_quarantine, apply_report* report) {
        return rows_.take_back_dangling([&](row_image row, const record_key& missing) -> result<void> {
            const auto& schemas = rows_.schemas();
            fault why = make_fault(errc::constraint, "the row `", row.key.key, "` of model `", schemas[row.key.model].name, "` refers to the record `",
                                   missing.key, "` of model `", schemas[missing.model].name,
                                   "`, which is not on this device; it comes in with that record, or when the server changes it");
            if (!may_quarantine) return why;
            auto base = t_.base(row.key);
            if (!base) return std::move(base).error();
            // By its number, which was given in a timeline that is gone, it would count as newer than the picture that is to come.
            if (base->lost) return t_.put_lost(std::move(row));
            if (report != nullptr) ++report->quarantined;
            return quarantine(std::move(row), std::move(why));
        });
    }

    /// Ends a transaction that changed rows.
    [[nodiscard]] result<void> finish() {
        if (auto r = rows_.show_hidden(); !r) return r;
        if (auto r = settle_references(true, nullptr); !r) return r;
        return rows_.finish();
    }

    /// Replaces everything known by the staged picture, in one go: rows that are not in it go, newer bases and known tombstones stay, pending
    /// intents lie over the new bases. A base of a lost timeline goes whatever its version is, and is reported by its last image where the
    /// picture has another one (ENGINE.md rule 10).
    /// @param seq           the newest `bundle_seq` that the picture contains
    /// @param cursor_after  the checkpoint that goes with it
    /// @param tells_deletions  what is gone stands in the picture too, so that a record which is not in it has left the view
    /// @param unread        records that the picture has in a form that cannot be read: those stay as they are
    [[nodiscard]] result<void> swap(std::int64_t seq, cursor cursor_after, const std::unordered_set<record_key, record_key_hash>& unread,
                                    bool tells_deletions, apply_report& report) {
        if (auto r = release_what_it_tells(seq, unread); !r) return r;
        // Rows that are no longer there go first, so that they cannot stand in the way of new ones.
        std::optional<record_key> last;
        while (true) {
            auto gone = t_.unstaged(last ? &*last : nullptr, 500);
            if (!gone) return std::move(gone).error();
            if (gone->empty()) break;
            last = gone->back();
            for (const auto& key : *gone) {
                if (unread.contains(key)) continue;
                auto base = rows_.load(key);
                if (!base) return std::move(base).error();
                if (!base->lost && (base->version > seq || (!base->row && !base->provisional))) continue;  // newer, or a tombstone that stays known
                if (base->row) ++report.differed;
                if (!base->lost && tells_deletions) {
                    if (auto r = rows_.leave_view(key); !r) return r;
                    continue;
                }
                if (base->lost)
                    if (auto r = report_lost(key, *base, std::nullopt, report); !r) return r;
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
                if (kept->version > seq && !kept->lost) continue;
                ++report.applied;
                if (leaves_view(row)) {  // it was in an earlier part
                    if (auto r = rows_.leave_view(row.key); !r) return r;
                    continue;
                }
                if (kept->out_of_view)
                    if (auto r = rows_.return_to_view(row.key, row.row); !r) return r;
                known_base base;
                if (kept->version != 0) {
                    auto known = rows_.load(row.key);
                    if (!known) return std::move(known).error();
                    base = std::move(*known);
                }
                if (base.version != row.version || base.row != row.row) ++report.differed;
                if (kept->lost)
                    if (auto r = report_lost(row.key, base, row.row, report); !r) return r;
                if (auto r = settle_contained(row, report); !r) return r;
                if (auto r = rows_.judge_unseen(row.key, row.row); !r) return r;
                if (auto r = place(row.key, known_base{row.version, row.row, std::nullopt}, &report); !r) return r;
            }
        }
        if (auto r = t_.clear_stage(); !r) return r;
        if (auto r = retry_quarantined(report); !r) return r;
        if (auto r = settle_references(true, &report); !r) return r;
        state_.needs_hydration = false;
        state_.hydration_session.clear();
        state_.hydration_position = 0;
        // A cursor of an authority without versions is opaque.
        state_.checkpoint = numbers_rows_here(state_) ? cursor_after : (std::max)(state_.checkpoint, cursor_after);
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
    // The picture tells of every record up to @p seq, also by leaving it out: an older row that waits for a place would come back from the dead.
    [[nodiscard]] result<void> release_what_it_tells(std::int64_t seq, const std::unordered_set<record_key, record_key_hash>& unread) {
        auto known = waiting();
        if (!known) return std::move(known).error();
        std::vector<record_key> old;
        for (const auto& [key, version] : **known)
            if (version <= seq && !unread.contains(key)) old.push_back(key);
        for (const auto& key : old)
            if (auto r = release(key); !r) return r;
        return {};
    }
    [[nodiscard]] result<void> report_lost(const record_key& key, const known_base& old, const std::optional<record>& restored, apply_report& report) {
        if (old.row == restored) return {};
        ++report.lost;
        return t_.put_lost(row_image{key, old.version, old.row, {}});
    }
    // Laid over a row that contains it already, the frozen mutation would show its differences twice. Its outcome does not come any more, so
    // what the outcome would have told of others is told by what the row has.
    [[nodiscard]] result<void> settle_contained(const row_image& row, apply_report& report) {
        if (row.contains.empty() || !rows_.has_layers()) return {};
        auto frozen = t_.frozen(row.key);
        if (!frozen) return std::move(frozen).error();
        if (!*frozen || (*frozen)->id != row.contains) return {};
        if (std::string others = changed_by_others((*frozen)->what, row.row); !others.empty())
            report.conflicts.push_back({row.key, outcome_kind::applied, "the answer was lost; " + std::move(others), (*frozen)->id, row.row, row.version});
        if (auto r = rows_.drop_frozen(row.key); !r) return r;
        return drop_empty_batch();
    }
    // Which values that @p what set are not what @p row has; fields with a merge say nothing. Empty: none.
    [[nodiscard]] std::string changed_by_others(const intent& what, const std::optional<record>& row) const {
        if (what.op == operation::erase) return row ? "the server has the record again" : "";
        if (!row) return "the server has erased the record since";
        const auto& fields = rows_.schemas()[what.key.model].fields;
        std::string names;
        for (const auto& c : what.changes)
            if (fields[c.field].merge == nullptr && c.field < row->fields.size() && row->fields[c.field] != c.to)
                names.append(names.empty() ? "" : ", ").append(fields[c.field].name);
        return names.empty() ? names : "the server has other values of " + names;
    }
    // @return a fault for which `refuses_row` holds when the app's table refuses the row; then nothing of it was placed or counted
    [[nodiscard]] result<void> take_one(const row_image& row, apply_report& report) {
        if (leaves_view(row)) {  // whatever the base's version is
            ++report.applied;
            if (auto r = rows_.leave_view(row.key); !r) return r;
            return release(row.key);
        }
        auto kept = t_.base(row.key);
        if (!kept) return std::move(kept).error();
        if (kept->out_of_view)
            if (auto r = rows_.return_to_view(row.key, row.row); !r) return r;
        const bool echo = kept->provisional && row.version == kept->version;  // of what was acknowledged: no news
        const bool newer = kept->lost || row.version > kept->version;
        if (newer || echo) {
            std::optional<known_base> lost;
            if (kept->lost) {
                auto base = rows_.load(row.key);
                if (!base) return std::move(base).error();
                lost = std::move(*base);
            }
            if (auto r = settle_contained(row, report); !r) return r;
            if (auto r = rows_.place(row.key, known_base{row.version, row.row, std::nullopt}); !r) return r;
            if (auto r = release_up_to(row.key, row.version); !r) return r;
            if (lost)
                if (auto r = report_lost(row.key, *lost, row.row, report); !r) return r;
        }
        ++(newer ? report.applied : report.skipped);
        return {};
    }

    // The row is the base already, and a trigger of the app kept the table from showing it (`row_placement::finish`), which may be gone now.
    [[nodiscard]] result<void> show_again(const row_image& row, const base_row& kept) {
        auto shown = kept.image_kept ? rows_.rebase(row.key) : rows_.place(row.key, known_base{kept.version, row.row, std::nullopt, kept.lost, kept.out_of_view});
        if (!shown) return refuses_row(shown.error().code) ? result<void>{} : shown;
        return release(row.key);
    }

    // The base stays as it was; layers that this transaction took away must not show.
    [[nodiscard]] result<void> refuse(const record_key& key, const known_base& base, fault why, apply_report* report) {
        if (report != nullptr) ++report->quarantined;
        if (auto r = quarantine(row_image{key, base.version, base.row, {}}, std::move(why)); !r) return r;
        auto shown = rows_.rebase(key);
        return shown || refuses_row(shown.error().code) ? result<void>{} : shown;
    }

    // The versions in quarantine by record, read once.
    using waiting_rows = std::unordered_map<record_key, std::int64_t, record_key_hash>;
    [[nodiscard]] result<waiting_rows*> waiting() {
        if (!waiting_) {
            waiting_.emplace();
            if (rows_.has_quarantined()) {
                auto rows = t_.quarantined(everything);
                if (!rows) return std::move(rows).error();
                for (const auto& q : *rows) waiting_->emplace(q.image.key, q.image.version);
            }
        }
        return &*waiting_;
    }
    [[nodiscard]] result<void> quarantine(row_image row, fault why) {
        auto known = waiting();
        if (!known) return std::move(known).error();
        (*known)->insert_or_assign(row.key, row.version);
        return t_.quarantine({std::move(row), wait_reason{why.code, std::move(why.detail)}});
    }
    [[nodiscard]] result<void> release(const record_key& key) {
        auto known = waiting();
        if (!known) return std::move(known).error();
        (*known)->erase(key);
        return t_.release(key);
    }
    // A quarantined row that is newer than what was just placed goes on waiting.
    [[nodiscard]] result<void> release_up_to(const record_key& key, std::int64_t version) {
        auto known = waiting();
        if (!known) return std::move(known).error();
        const auto at = (*known)->find(key);
        return at == (*known)->end() || at->second > version ? result<void>{} : release(key);
    }

    static constexpr std::size_t everything = (std::numeric_limits<std::size_t>::max)();

    Transaction& t_;
    row_placement<Transaction>& rows_;
    replica_state& state_;
    std::optional<waiting_rows> waiting_;
};

SYNCLINE_NAMESPACE_END

#endif
