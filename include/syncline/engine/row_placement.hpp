#ifndef SYNCLINE_ENGINE_ROW_PLACEMENT_HPP
#define SYNCLINE_ENGINE_ROW_PLACEMENT_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A base row with its content at hand, wherever the store keeps it.
struct known_base {
    std::int64_t version = 0;
    std::optional<record> row;
    std::optional<provisional_base> provisional;
};

/// Keeps `visible = open(frozen(base))` true inside one transaction of a replica's store: the one place that writes the app's
/// tables, base rows and open intents of a device. Lives as long as the transaction.
template <replica_transaction Transaction>
class row_placement {
public:
    row_placement(Transaction& t, const schema_set& schemas) : t_(t), schemas_(schemas) {}

    /// Takes in what the app did since the last transaction: each net edit becomes, or joins, the record's open intent
    /// (ENGINE.md rules 3 and 4). Must run before anything else in the transaction.
    /// @param clock  times each edit; it must not have heard yet of what this transaction brings, since no edit has seen that
    /// @return how many records were edited
    [[nodiscard]] result<std::size_t> absorb(replica_state& state, hybrid_clock& clock, timestamp now) {
        auto edits = t_.take_captured();
        if (!edits) return std::move(edits).error();
        auto counts = t_.counts();
        if (!counts) return std::move(counts).error();
        layers_ = counts->open + counts->waiting + counts->frozen > 0;
        quarantined_ = counts->quarantined > 0;
        auto hidden = t_.hidden();
        if (!hidden) return std::move(hidden).error();
        hidden_ = !hidden->empty();
        std::size_t absorbed = 0;
        for (auto& edit : *edits) {
            auto taken = absorb_one(edit, state, clock, now);
            if (!taken) return std::move(taken).error();
            absorbed += *taken ? 1 : 0;
        }
        return absorbed;
    }

    /// The base of @p key with its row. Must be called before the visible row is changed.
    [[nodiscard]] result<known_base> load(const record_key& key) {
        auto kept = t_.base(key);
        if (!kept) return std::move(kept).error();
        known_base out{kept->version, std::nullopt, std::move(kept->provisional)};
        if (kept->image_kept) {
            out.row = std::move(kept->image);
        } else if (kept->version != 0 || out.provisional) {
            auto visible = t_.visible(key);
            if (!visible) return std::move(visible).error();
            out.row = std::move(*visible);
        }
        return out;
    }

    /// Makes @p base the base of @p key and the visible row what the layers over it make of it. A row under a parent that a pending
    /// intent erases is kept but not shown (ENGINE.md rule 5).
    /// @return `errc::constraint` when the app's table refuses the row; then nothing was changed
    [[nodiscard]] result<void> place(const record_key& key, const known_base& base) {
        const model_schema& schema = schemas_[key.model];
        bool layered = false;
        std::optional<record> target = base.row;
        if (layers_) {
            auto frozen = t_.frozen(key);
            if (!frozen) return std::move(frozen).error();
            auto open = t_.open_intent(key);
            if (!open) return std::move(open).error();
            layered = frozen->has_value() || open->has_value();
            target = overlay(schema, *frozen ? &(*frozen)->what : nullptr, std::move(target));
            target = overlay(schema, *open ? &**open : nullptr, std::move(target));
        }
        bool hide = false;
        if (target && layers_ && !schema.references.empty()) {
            auto orphaned = under_pending_erase(key, *target);
            if (!orphaned) return std::move(orphaned).error();
            hide = *orphaned;
        }
        if (hide) target.reset();

        auto visible = t_.visible(key);
        if (!visible) return std::move(visible).error();
        if (*visible != target)
            if (auto r = target ? t_.write(key, *target) : t_.erase(key); !r) return r;
        if (hide || hidden_) {
            if (auto r = t_.set_hidden(key, hide); !r) return r;
            hidden_ = hidden_ || hide;
        }
        wrote_.insert_or_assign(key, std::move(target));
        base_row kept;
        kept.version = base.version;
        kept.provisional = base.provisional;
        kept.image_kept = layered || hide;
        if (kept.image_kept) kept.image = base.row;
        return t_.put_base(key, kept);
    }

    /// Recomputes the visible row of @p key from what is kept.
    [[nodiscard]] result<void> rebase(const record_key& key) {
        auto base = load(key);
        if (!base) return std::move(base).error();
        return place(key, *base);
    }

    /// Puts @p lower under the record's open intent, as one open intent that waits for @p waiting or for nothing.
    /// The visible row is not touched.
    [[nodiscard]] result<void> back_to_open(intent lower, std::optional<wait_reason> waiting) {
        const record_key key = lower.key;
        auto open = t_.open_intent(key);
        if (!open) return std::move(open).error();
        auto whole = compose(schemas_[key.model], std::move(lower), std::move(*open));
        if (!whole) return t_.drop_open(key);
        whole->waiting = std::move(waiting);
        return put_open(*whole);
    }

    /// Stores an open intent in the order of sending.
    [[nodiscard]] result<void> put_open(const intent& open) {
        layers_ = true;
        return t_.put_open(open, send_class_of(schemas_, open));
    }

    /// Ends a transaction that changed rows: shows hidden rows whose parent is back, and rewrites once what the app's triggers changed
    /// under our writes.
    [[nodiscard]] result<void> finish() {
        if (hidden_) {
            auto hidden = t_.hidden();
            if (!hidden) return std::move(hidden).error();
            for (const auto& key : *hidden)
                if (auto r = rebase(key); !r && r.error().code != errc::constraint) return r;
        }
        auto diverted = t_.take_diverted();
        if (!diverted) return std::move(diverted).error();
        for (const auto& key : *diverted) {
            const auto ours = wrote_.find(key);
            if (ours == wrote_.end()) continue;
            auto visible = t_.visible(key);
            if (!visible) return std::move(visible).error();
            if (*visible == ours->second) continue;
            if (auto r = ours->second ? t_.write(key, *ours->second) : t_.erase(key); !r) return r;
        }
        if (!diverted->empty()) {
            auto again = t_.take_diverted();
            if (!again) return std::move(again).error();
            for (const auto& key : *again) {
                const auto ours = wrote_.find(key);
                if (ours == wrote_.end()) continue;
                auto visible = t_.visible(key);
                if (!visible) return std::move(visible).error();
                if (*visible == ours->second) continue;
                wait_reason why{errc::constraint, "a trigger of the app changes the row whenever it is applied; make the trigger leave applied "
                                                  "rows alone, or do the same on the server"};
                auto base = t_.base(key);
                if (!base) return std::move(base).error();
                if (auto r = t_.quarantine({row_image{key, base->version, ours->second, {}}, std::move(why)}); !r) return r;
            }
        }
        return {};
    }

    /// Whether any intent, open or frozen, lies over any record.
    [[nodiscard]] bool has_layers() const noexcept { return layers_; }
    /// Whether any row stood in quarantine when the transaction began.
    [[nodiscard]] bool has_quarantined() const noexcept { return quarantined_; }

private:
    [[nodiscard]] result<bool> absorb_one(captured_edit& edit, replica_state& state, hybrid_clock& clock, timestamp now) {
        const record_key& key = edit.key;
        const model_schema& schema = schemas_[key.model];
        auto after = t_.visible(key);
        if (!after) return std::move(after).error();
        if (!edit.before && !*after) return false;

        intent made;
        made.key = key;
        made.before = edit.before;
        if (!*after) {
            made.op = operation::erase;
        } else if (!edit.before || edit.recreated) {
            made.op = edit.before ? operation::update : operation::create;
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                made.changes.set(static_cast<field_index>(f), f < (*after)->fields.size() ? (*after)->fields[f] : value{});
            if (edit.recreated && edit.before == *after) return false;
        } else {
            const field_set changed = differing_fields(*edit.before, **after);
            if (changed.empty()) return false;
            made.op = operation::update;
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                if (changed.contains(static_cast<field_index>(f))) made.changes.set(static_cast<field_index>(f), (*after)->fields[f]);
        }

        auto kept = t_.base(key);
        if (!kept) return std::move(kept).error();
        std::optional<batch_item> frozen;
        std::optional<intent> open;
        if (layers_) {
            auto f = t_.frozen(key);
            if (!f) return std::move(f).error();
            frozen = std::move(*f);
            auto o = t_.open_intent(key);
            if (!o) return std::move(o).error();
            open = std::move(*o);
        }
        made.base.row_version = kept->version;
        if (kept->provisional) {
            made.base.row_version = kept->provisional->row_version;
            made.base.after = kept->provisional->after;
        }
        if (frozen) made.base = made_over(made.base.row_version, *frozen);
        made.ordinal = state.next_ordinal++;
        made.edited_at = clock.tick(now);

        const bool lower = open.has_value();
        auto whole = compose(schema, std::move(open), std::move(made));
        if (!kept->image_kept) {
            // Under a layer the base image is kept, unless there is no base row; without one, the base was the visible row.
            kept->image_kept = true;
            kept->image = lower || frozen ? std::nullopt : std::move(edit.before);
        }
        if (whole)
            if (auto r = put_open(*whole); !r) return std::move(r).error();
        if (!whole && lower)
            if (auto r = t_.drop_open(key); !r) return std::move(r).error();
        if (!lower && !frozen && !hidden_) {
            // One layer over the base: the visible row is what the user made of it, by construction.
            if (!kept->image && kept->version == 0 && !kept->provisional) return true;
            if (auto r = t_.put_base(key, *kept); !r) return std::move(r).error();
            return true;
        }
        known_base base{kept->version, std::move(kept->image), std::move(kept->provisional)};
        if (auto r = place(key, base); !r) return std::move(r).error();
        return true;
    }

    // Whether the row refers to a record that is absent because a pending intent erases it.
    [[nodiscard]] result<bool> under_pending_erase(const record_key& key, const record& row) {
        for (const auto& parent : references_of(schemas_, key.model, row, schemas_[key.model].all_fields())) {
            if (parent == key) continue;
            auto there = t_.visible(parent);
            if (!there) return std::move(there).error();
            if (*there) continue;
            auto frozen = t_.frozen(parent);
            if (!frozen) return std::move(frozen).error();
            auto open = t_.open_intent(parent);
            if (!open) return std::move(open).error();
            if (*open ? (*open)->op == operation::erase : *frozen && (*frozen)->what.op == operation::erase) return true;
            auto hidden = t_.hidden();
            if (!hidden) return std::move(hidden).error();
            if (std::find(hidden->begin(), hidden->end(), parent) != hidden->end()) return true;
        }
        return false;
    }

    Transaction& t_;
    const schema_set& schemas_;
    bool layers_ = true;   // until counted, assume the worst
    bool hidden_ = true;
    bool quarantined_ = true;
    std::unordered_map<record_key, std::optional<record>, record_key_hash> wrote_;
};

SYNCLINE_NAMESPACE_END

#endif
