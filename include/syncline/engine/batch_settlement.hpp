#ifndef SYNCLINE_ENGINE_BATCH_SETTLEMENT_HPP
#define SYNCLINE_ENGINE_BATCH_SETTLEMENT_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/bundle_conflicts.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_intake.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/engine/source_renewal.hpp>
#include <syncline/engine/unversioned_rows.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Takes in what an authority of the mutation wire says of a batch, inside one transaction of a replica's store. Lives as long as the transaction.
template <replica_transaction Transaction>
class batch_settlement {
public:
    batch_settlement(Transaction& t, row_placement<Transaction>& rows, row_intake<Transaction>& intake, unversioned_rows<Transaction>& unversioned,
                     replica_state& state, hybrid_clock& clock)
        : t_(t), rows_(rows), intake_(intake), unversioned_(unversioned), state_(state), clock_(clock) {}

    /// Takes in the outcomes; those of mutations that are not in flight are passed over. Of an authority without versions one that is
    /// superseded and carries the row is decided here.
    /// @param resolvers  decide then; and only then
    /// @param heard      the authority's clock, as for `bundle_conflicts`
    [[nodiscard]] result<void> take(const std::vector<outcome>& outcomes, const resolver_set& resolvers, timestamp heard, timestamp now) {
        std::vector<batch_item> items;
        if (auto r = frozen_items_of(t_, items); !r) return r;
        for (auto& item : items) {
            const mutation_id id = item.id;
            in_flight_.emplace(id, std::move(item));
        }
        if (numbers_rows_here(state_)) {
            if (auto r = take_unversioned(outcomes, resolvers, heard, now); !r) return r;
        } else {
            for (const auto& o : outcomes)
                if (auto r = settle_one(o); !r) return r;
        }
        if (in_flight_.empty()) return t_.drop_batch();
        for (const auto& key : settled_)
            if (auto r = t_.drop_frozen(key); !r) return r;
        return settled_.empty() && report_.errors == 0 ? result<void>{} : note_undecided();
    }

    /// What was done.
    [[nodiscard]] settle_report report() && { return std::move(report_); }

private:
    [[nodiscard]] result<void> note_undecided() {
        auto current = t_.current_batch();
        if (!current) return std::move(current).error();
        if (!*current || (*current)->state != batch_state::prepared) return {};
        (*current)->state = batch_state::undecided;
        return t_.put_batch(**current);
    }

    // What a foreign authority says of a batch. It refuses what is older than its row by the clock and knows no more; with its row at hand the
    // difference is decided here, by field, and what remains of the change goes out again on that row, timed after it.
    [[nodiscard]] result<void> take_unversioned(const std::vector<outcome>& outcomes, const resolver_set& resolvers, timestamp heard, timestamp now) {
        std::vector<batch_item> met;
        std::vector<commit_obstacle> obstacles;
        std::vector<record_key> again;
        for (outcome o : outcomes) {
            const auto found = in_flight_.find(o.id);
            if (found == in_flight_.end()) continue;
            const record_key key = found->second.what.key;
            if (auto r = unversioned_.number(key, o); !r) return r;
            if (o.kind != outcome_kind::superseded || !o.carries_row) {
                if (auto r = settle_one(o); !r) return r;
                continue;
            }
            again.push_back(key);
            if (!unversioned_.others_changed(found->second.what, o.row)) {  // only the clocks differ
                if (auto r = rows_.back_to_open(take_out(found).what, std::nullopt); !r) return r;
                if (auto r = intake_.place(key, known_base{o.version, o.row, std::nullopt}, nullptr, true); !r) return r;
                continue;
            }
            commit_obstacle told;
            told.key = key;
            told.server_version = o.version;
            told.server_row = std::move(o.row);
            told.server_written_at = o.written_at.value_or(unknown_time);
            obstacles.push_back(std::move(told));
            met.push_back(found->second);
        }
        if (!met.empty()) {
            bundle_conflicts<Transaction> conflicts{t_, rows_.schemas(), resolvers, rows_, state_, clock_, heard, now};
            auto decided = conflicts.settle_some(met, obstacles);
            if (!decided) return std::move(decided).error();
            for (const auto& item : met) in_flight_.erase(item.id);
            report_.add(std::move(*decided));
        }
        for (const auto& key : again) {
            auto open = t_.open_intent(key);
            if (!open) return std::move(open).error();
            if (!*open || (*open)->waiting) continue;
            (*open)->edited_at = clock_.tick(now);
            if (auto r = rows_.put_open(**open); !r) return r;
        }
        return {};
    }

    [[nodiscard]] result<void> settle_one(const outcome& o) {
        const auto found = in_flight_.find(o.id);
        if (found == in_flight_.end()) return {};
        if (o.kind == outcome_kind::error) {
            ++report_.errors;
            return {};
        }
        const record_key key = found->second.what.key;
        auto base = rows_.load(key);
        if (!base) return std::move(base).error();
        batch_item item = take_out(found);

        if (met_others(o))
            report_.conflicts.push_back({key, o.kind, o.rule, o.id, o.carries_row ? o.row : std::nullopt, o.carries_row ? o.version : 0});
        const auto take_row = [&]() -> result<void> {
            if (o.version < base->version) return {};
            const known_base old = std::exchange(*base, known_base{o.version, o.row, std::nullopt});
            return old.lost && old.row != o.row ? t_.put_lost(row_image{key, old.version, old.row, {}}) : result<void>{};
        };
        switch (o.kind) {
        case outcome_kind::applied:
            ++report_.applied;
            if (o.out_of_view) return rows_.leave_view(key);
            if (base->out_of_view && o.carries_row)
                if (auto r = rows_.return_to_view(key, o.row); !r) return r;
            if (o.carries_row) {
                if (auto r = take_row(); !r) return r;
            } else if (base->version < o.version && !base->out_of_view) {
                // The layer folds into the base, which stays provisional until the authority's own row arrives (rule 3).
                const bool whole = o.exact && !base->provisional && item.what.unseen.empty();
                auto [row_version, after] = made_over(base->provisional ? base->provisional->row_version : base->version, item);
                base->row = overlay(rows_.schemas()[key.model], &item.what, std::move(base->row));
                base->version = o.version;
                base->provisional.reset();
                if (!whole) base->provisional = provisional_base{row_version, std::move(after)};
            }
            report_.provisional += base->provisional || base->out_of_view ? 1 : 0;
            break;
        case outcome_kind::superseded:
            ++report_.superseded;
            if (o.out_of_view) return rows_.leave_view(key);
            if (base->out_of_view && o.carries_row)
                if (auto r = rows_.return_to_view(key, o.row); !r) return r;
            if (o.carries_row)
                if (auto r = take_row(); !r) return r;
            break;
        case outcome_kind::refused:
        case outcome_kind::held: {
            ++report_.refused;
            wait_reason why = reason_of(o);
            report_.waiting.emplace_back(key, why);
            if (auto r = rows_.back_to_open(std::move(item.what), std::move(why)); !r) return r;
            if (o.kind == outcome_kind::refused && o.carries_row && o.version > 0)
                if (auto r = take_row(); !r) return r;
            break;
        }
        case outcome_kind::error: break;
        }
        return intake_.place(key, *base, nullptr, true);
    }

    // It leaves the store when all of them are known: a batch that is answered whole goes at one stroke.
    [[nodiscard]] batch_item take_out(std::unordered_map<mutation_id, batch_item>::iterator found) {
        batch_item item = std::move(found->second);
        in_flight_.erase(found);
        rows_.pass_over_frozen(item.what.key);
        settled_.push_back(item.what.key);
        return item;
    }

    Transaction& t_;
    row_placement<Transaction>& rows_;
    row_intake<Transaction>& intake_;
    unversioned_rows<Transaction>& unversioned_;
    replica_state& state_;
    hybrid_clock& clock_;
    std::unordered_map<mutation_id, batch_item> in_flight_;
    std::vector<record_key> settled_;
    settle_report report_;
};

SYNCLINE_NAMESPACE_END

#endif
