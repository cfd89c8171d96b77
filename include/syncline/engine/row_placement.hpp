#ifndef SYNCLINE_ENGINE_ROW_PLACEMENT_HPP
#define SYNCLINE_ENGINE_ROW_PLACEMENT_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
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
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A base row with its content at hand, wherever the store keeps it.
struct known_base {
    std::int64_t version = 0;
    std::optional<record> row;
    std::optional<provisional_base> provisional;
    bool lost = false;         ///< see `base_row`
    bool out_of_view = false;  ///< see `base_row`
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
        auto has = t_.presence();
        if (!has) return std::move(has).error();
        open_ = has->intents;
        frozen_ = has->frozen;
        quarantined_ = has->quarantined;
        auto hidden = t_.hidden();
        if (!hidden) return std::move(hidden).error();
        hidden_.insert(hidden->begin(), hidden->end());
        const bool layered = has_layers();  // what is absorbed here lies over other records
        std::size_t absorbed = 0;
        for (auto& edit : *edits) {
            auto taken = absorb_one(edit, layered, state, clock, now);
            if (!taken) return std::move(taken).error();
            absorbed += *taken ? 1 : 0;
        }
        return absorbed;
    }

    /// The base of @p key with its row. Must be called before the visible row is changed.
    [[nodiscard]] result<known_base> load(const record_key& key) {
        auto row = visible(key);
        if (!row) return std::move(row).error();
        return known(key, **row);
    }

    /// Makes @p base the base of @p key and the visible row what the layers over it make of it. A row under a parent that a pending
    /// intent erases, or that is known to be erased later than the row, is kept but not shown (ENGINE.md rule 5).
    /// @param early  the row may stand in an answer to a push and have come before what it refers to: then it is kept but not shown until that comes
    /// @return a fault for which `refuses_row` holds when the app's table refuses the row; then nothing was changed
    [[nodiscard]] result<void> place(const record_key& key, const known_base& base, bool early = false) {
        auto over = seen_over(key, base);
        if (!over) return std::move(over).error();
        auto& [target, layered, references] = *over;
        auto under = under_erased(key, references, known_as_of(base, layered, early));
        if (!under) return std::move(under).error();
        const bool hide = target && *under;
        if (hide) target.reset();

        auto shown = visible(key);
        if (!shown) return std::move(shown).error();
        // A provisional base is the user's own change still; the authority's row comes after what it refers to.
        std::optional<leaning_row> leans;
        if (target && !layered && !base.provisional && !references.empty()) {
            auto before = known(key, **shown);
            if (!before) return std::move(before).error();
            leans = leaning_row{key, std::move(references), std::move(*before)};
        }
        if (**shown != target) {
            seen_last_.reset();
            if (auto r = target ? t_.write(key, *target) : t_.erase(key); !r) return r;
        }
        if (hide || hidden_.contains(key)) {
            if (auto r = t_.set_hidden(key, hide); !r) return r;
            hide ? static_cast<void>(hidden_.insert(key)) : static_cast<void>(hidden_.erase(key));
        }
        note(key, std::move(leans));
        wrote_.insert_or_assign(key, std::move(target));
        base_row kept;
        kept.version = base.version;
        kept.provisional = base.provisional;
        kept.lost = base.lost;
        kept.out_of_view = base.out_of_view && layered;
        kept.image_kept = layered || hide;
        if (kept.image_kept) kept.image = base.row;
        return t_.put_base(key, kept);
    }

    /// Takes the frozen intent of @p key away. The visible row is not touched.
    [[nodiscard]] result<void> drop_frozen(const record_key& key) {
        pass_over_frozen(key);
        return t_.drop_frozen(key);
    }

    /// The frozen intent of @p key lies over the record no longer. Whoever says so takes it out of the store before the transaction ends.
    void pass_over_frozen(const record_key& key) { settled_.insert(key); }

    /// Recomputes the visible row of @p key from what is kept.
    [[nodiscard]] result<void> rebase(const record_key& key) {
        auto base = load(key);
        if (!base) return std::move(base).error();
        return place(key, *base);
    }

    /// The record has left the device's view: its base goes, what the user changed of it waits and is not shown, and what the user made stays. A
    /// change in flight stays in its batch.
    [[nodiscard]] result<void> leave_view(const record_key& key) {
        if (open_) {
            auto open = t_.open_intent(key);
            if (!open) return std::move(open).error();
            if (*open && (*open)->op != operation::create) {
                keep_changes_only(**open);
                if (!(*open)->waiting || (*open)->waiting->code == errc::absent)
                    (*open)->waiting = wait_reason{errc::out_of_view, "the record has left what you may see; the change goes out when it returns"};
                if (auto r = put_open(**open); !r) return r;
            }
        }
        known_base gone;
        gone.out_of_view = true;
        return place(key, gone);
    }

    /// A record that was out of view has come: what waited for that waits no longer. To be called before its row is placed.
    [[nodiscard]] result<void> return_to_view(const record_key& key, const std::optional<record>& row) {
        if (!open_) return {};
        auto open = t_.open_intent(key);
        if (!open) return std::move(open).error();
        if (!*open || !(*open)->waiting) return {};
        const errc code = (*open)->waiting->code;
        if ((*open)->op == operation::create || (code != errc::out_of_view && code != errc::absent)) return {};
        if (row && (*open)->before)
            for (std::size_t f = 0; f < (*open)->before->fields.size() && f < row->fields.size(); ++f)
                if (!(*open)->changes.find(static_cast<field_index>(f))) (*open)->before->fields[f] = row->fields[f];
        (*open)->waiting.reset();
        return put_open(**open);
    }

    /// A row has come that tells of every field (`intent::unseen`): what was not touched of them is as it is there, and what was changed from just
    /// the value that it has was seen after all. To be called before the row is placed.
    [[nodiscard]] result<void> judge_unseen(const record_key& key, const std::optional<record>& row) {
        if (!open_ || !row) return {};
        auto open = t_.open_intent(key);
        if (!open) return std::move(open).error();
        if (!*open || (*open)->unseen.empty() || !(*open)->before) return {};
        intent judged = **open;
        for (std::size_t f = 0; f < row->fields.size() && f < judged.before->fields.size(); ++f) {
            const auto field = static_cast<field_index>(f);
            if (!judged.unseen.contains(field)) continue;
            if (judged.op == operation::update && !judged.changes.find(field)) judged.before->fields[f] = row->fields[f];
            if (judged.before->fields[f] == row->fields[f]) judged.unseen.erase(field);
        }
        return judged == **open ? result<void>{} : put_open(judged);
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
        auto base = t_.base(key);
        if (!base) return std::move(base).error();
        if (base->out_of_view) keep_changes_only(*whole);
        return put_open(*whole);
    }

    /// Open intents were frozen in this transaction: what is placed from here on lies under them.
    void note_frozen() noexcept { frozen_ = true; }

    /// Stores an open intent in the order of sending.
    [[nodiscard]] result<void> put_open(const intent& open) {
        open_ = true;
        return t_.put_open(open, send_class_of(schemas_, open));
    }

    /// Whether a row may refer to @p key: the record is visible, kept but hidden, or absent only because a pending intent erases it.
    [[nodiscard]] result<bool> may_be_referred_to(const record_key& key) {
        if (hidden_.contains(key)) return true;
        auto there = is_visible(key);
        return !there || *there ? there : has_pending_erase(key);
    }

    /// Takes back each row that this transaction shows with no pending layer over it and that refers to a record which is not there, and what refers
    /// to such a row in turn: the base and the row before the transaction come back, or nothing, where they would dangle too. To be called
    /// when all rows are placed: inside one transaction rows may refer to each other in any order, in cycles and to themselves.
    /// @param each  called before with the row and the missing record; its fault ends the walk and is returned
    /// Complexity: linear in the rows placed and their references
    template <class Each>
    [[nodiscard]] result<void> take_back_dangling(Each each) {
        std::vector<std::size_t> look(leaning_.size());
        for (std::size_t i = 0; i < look.size(); ++i) look[i] = look.size() - 1 - i;
        std::unordered_map<record_key, std::vector<std::size_t>, record_key_hash> referring;
        std::size_t indexed = 0;
        const std::size_t given = look.size();
        while (!look.empty()) {
            const std::size_t i = look.back();
            look.pop_back();
            if (!leaning_[i].stands) continue;
            auto missing = missing_of(leaning_[i].key, leaning_[i].references);
            if (!missing) return std::move(missing).error();
            if (!*missing) continue;
            auto base = t_.base(leaning_[i].key);
            if (!base) return std::move(base).error();
            if (auto r = each(row_image{leaning_[i].key, base->version, wrote_.at(leaning_[i].key), {}}, **missing); !r) return r;
            if (auto r = take_back(i); !r) return r;
            for (; indexed < leaning_.size(); ++indexed) {
                if (indexed >= given) look.push_back(indexed);  // went back to a row that refers to others too
                for (const auto& parent : leaning_[indexed].references) referring[parent].push_back(indexed);
            }
            if (const auto children = referring.find(leaning_[i].key); children != referring.end())
                look.insert(look.end(), children->second.begin(), children->second.end());
        }
        return {};
    }

    /// Shows hidden rows whose parents are back; those that hide each other in a cycle come together. To be called when all rows are placed.
    /// Complexity: linear in the hidden rows and their references, times the length of the longest cycle among them
    [[nodiscard]] result<void> show_hidden() {
        if (hidden_.empty()) return {};
        std::vector<record_key> keys(hidden_.begin(), hidden_.end());
        std::sort(keys.begin(), keys.end());
        std::vector<known_base> bases;
        std::vector<row_over> rows;
        std::vector<std::vector<record_key>> references;
        for (const auto& key : keys) {
            auto base = load(key);
            if (!base) return std::move(base).error();
            auto over = seen_over(key, *base);
            if (!over) return std::move(over).error();
            references.push_back(over->references);
            rows.push_back(std::move(*over));
            bases.push_back(std::move(*base));
        }
        const auto order = referenced_first(keys, references);
        // All are taken for shown at first, and those go that cannot be even then.
        showing_ = hidden_;
        for (bool changed = true; changed;) {
            changed = false;
            for (const std::size_t i : order) {
                if (!showing_.contains(keys[i])) continue;
                auto under = under_erased(keys[i], rows[i].references, known_as_of(bases[i], rows[i].layered, false));
                if (!under) return std::move(under).error();
                if (!*under && rows[i].target) continue;
                showing_.erase(keys[i]);
                changed = true;
            }
        }
        result<void> done;
        for (const std::size_t i : order) {
            done = place(keys[i], bases[i]);
            if (!done && !refuses_row(done.error().code)) break;
            done = {};
        }
        showing_.clear();
        return done;
    }

    /// Ends a transaction that changed rows: puts back once what the app's triggers changed under our writes, and quarantines what they change again.
    [[nodiscard]] result<void> finish() {
        auto diverted = t_.take_diverted();
        if (!diverted) return std::move(diverted).error();
        if (diverted->empty()) return {};
        seen_last_.reset();
        const auto quarantine = [&](diverted_row& row, std::string detail) -> result<void> {
            auto base = t_.base(row.key);
            if (!base) return std::move(base).error();
            // Of a provisional base the authority's own row is awaited: this one must not pass for it.
            const std::int64_t version = base->provisional ? base->provisional->row_version : base->version;
            return t_.quarantine({row_image{row.key, version, std::move(row.should_be), {}}, wait_reason{errc::constraint, std::move(detail)}});
        };
        for (auto& row : *diverted) {
            auto put = row.should_be ? t_.write(row.key, *row.should_be) : t_.erase(row.key);
            if (put) continue;
            if (!refuses_row(put.error().code)) return put;
            if (auto r = quarantine(row, std::move(put.error().detail)); !r) return r;
        }
        auto again = t_.take_diverted();
        if (!again) return std::move(again).error();
        for (auto& row : *again)
            if (auto r = quarantine(row, "a trigger of the app changes the row whenever it is applied; make the trigger leave applied rows alone, "
                                         "or do the same on the server");
                !r)
                return r;
        return {};
    }

    /// Whether any intent, open or frozen, lies over any record.
    [[nodiscard]] bool has_layers() const noexcept { return open_ || frozen_; }
    [[nodiscard]] const schema_set& schemas() const noexcept { return schemas_; }
    /// Whether any row stood in quarantine when the transaction began.
    [[nodiscard]] bool has_quarantined() const noexcept { return quarantined_; }

private:
    // Only what the user changed is kept of a record that may no longer be seen.
    static void keep_changes_only(intent& i) {
        if (!i.before) return;
        for (std::size_t f = 0; f < i.before->fields.size(); ++f)
            if (!i.changes.find(static_cast<field_index>(f))) i.before->fields[f] = value{};
    }

    // @param layered  whether a layer may lie over the record
    [[nodiscard]] result<bool> absorb_one(captured_edit& edit, bool layered, replica_state& state, hybrid_clock& clock, timestamp now) {
        const record_key& key = edit.key;
        const model_schema& schema = schemas_[key.model];
        const std::optional<record>& after = edit.after;
        if (!edit.before && !after) return false;

        intent made;
        bool put_back = false;  // a field that is not the app's to write
        made.key = key;
        made.before = edit.before;
        made.unseen = edit.unseen;
        if (!after) {
            made.op = operation::erase;
        } else if (!edit.before || edit.recreated) {
            made.op = edit.before ? operation::update : operation::create;
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                made.changes.set(static_cast<field_index>(f), f < after->fields.size() ? after->fields[f] : value{});
            if (edit.recreated && edit.before == after) return false;
        } else {
            const field_set changed = differing_fields(*edit.before, *after);
            if (changed.empty()) return false;
            made.op = operation::update;
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                if (changed.contains(static_cast<field_index>(f))) {
                    if (schema.fields[f].read_only)
                        put_back = true;
                    else
                        made.changes.set(static_cast<field_index>(f), after->fields[f]);
                }
        }

        auto kept = t_.base(key);
        if (!kept) return std::move(kept).error();
        std::optional<batch_item> frozen;
        std::optional<intent> open;
        if (layered) {
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
        // A row that is kept but not shown was never seen: what the user makes of its key is made on nothing (ENGINE.md rule 3).
        if (hidden_.contains(key)) made.base = base_ref{};
        if (frozen) {
            made.base = made_over(made.base.row_version, *frozen);
            made.unseen |= frozen->what.changed_unseen();  // what is seen of those is the user's own
        }
        // A change of a record that is out of view was not seen either: the user makes the record anew.
        if (kept->out_of_view && made.op == operation::create && open && open->op != operation::create) open.reset();
        const bool lower = open.has_value();
        const bool nothing = made.op == operation::update && made.changes.empty();
        std::optional<intent> whole = std::move(open);
        if (!nothing) {
            made.ordinal = state.next_ordinal++;
            made.edited_at = clock.tick(now);
            whole = compose(schema, std::move(whole), std::move(made));
        }
        if (!kept->image_kept) {
            // Under a layer the base image is kept, unless there is no base row; without one, the base was the visible row.
            kept->image_kept = true;
            kept->image = lower || frozen ? std::nullopt : std::move(edit.before);
        }
        if (whole)
            if (auto r = put_open(*whole); !r) return std::move(r).error();
        if (!whole && lower)
            if (auto r = t_.drop_open(key); !r) return std::move(r).error();
        if (!lower && !frozen && !put_back && hidden_.empty()) {
            // One layer over the base: the visible row is what the user made of it, by construction.
            if (!kept->image && kept->version == 0 && !kept->provisional && !kept->out_of_view) return true;
            if (auto r = t_.put_base(key, *kept); !r) return std::move(r).error();
            return true;
        }
        known_base base{kept->version, std::move(kept->image), std::move(kept->provisional), kept->lost, kept->out_of_view};
        // What lay under the layer may have come in an answer, before what it refers to.
        if (auto r = place(key, base, true); !r) return std::move(r).error();
        return !nothing;
    }

    // A row that refers to others, placed with no pending layer over it.
    struct leaning_row {
        record_key key;
        std::vector<record_key> references;
        known_base before;  // what to go back to
        bool stands = true;
    };

    // A record as its layers make it of a base.
    struct row_over {
        std::optional<record> target;
        bool layered = false;
        std::vector<record_key> references;  // of the target
    };
    [[nodiscard]] result<row_over> seen_over(const record_key& key, const known_base& base) {
        row_over out{base.row, false, {}};
        if (has_layers()) {
            auto frozen = frozen_intent(key);
            if (!frozen) return std::move(frozen).error();
            auto open = open_ ? t_.open_intent(key) : result<std::optional<intent>>{std::nullopt};
            if (!open) return std::move(open).error();
            out.layered = frozen->has_value() || open->has_value();
            out.target = visible_row(schemas_[key.model], *frozen ? &(*frozen)->what : nullptr, *open ? &**open : nullptr, std::move(out.target), base.out_of_view);
        }
        if (out.target && !schemas_[key.model].references.empty()) out.references = references_of(schemas_, key.model, *out.target);
        return out;
    }
    // As of when a row tells of what it refers to; nothing: the user's own change is shown, whatever others erased.
    [[nodiscard]] static std::optional<std::int64_t> known_as_of(const known_base& base, bool layered, bool early) {
        if (layered) return std::nullopt;
        return base.provisional ? (std::numeric_limits<std::int64_t>::max)() : early ? -1 : base.version;
    }

    [[nodiscard]] result<std::optional<batch_item>> frozen_intent(const record_key& key) {
        if (!frozen_ || settled_.contains(key)) return std::optional<batch_item>{};
        return t_.frozen(key);
    }

    // The row that is shown of @p key; it stands until the next call.
    [[nodiscard]] result<const std::optional<record>*> visible(const record_key& key) {
        if (!seen_last_ || seen_last_->first != key) {
            auto row = t_.visible(key);
            if (!row) return std::move(row).error();
            seen_last_.emplace(key, std::move(*row));
        }
        return &seen_last_->second;
    }

    // The base of a key whose visible row is at hand.
    [[nodiscard]] result<known_base> known(const record_key& key, const std::optional<record>& visible) {
        auto kept = t_.base(key);
        if (!kept) return std::move(kept).error();
        known_base out{kept->version, std::nullopt, std::move(kept->provisional), kept->lost, kept->out_of_view};
        if (kept->image_kept)
            out.row = std::move(kept->image);
        else if (kept->version != 0 || out.provisional)
            out.row = visible;
        return out;
    }

    // Of several times in one transaction the last says what the row refers to, and the first what was there before.
    void note(const record_key& key, std::optional<leaning_row> leans) {
        const auto at = leaning_at_.find(key);
        if (at != leaning_at_.end()) {
            auto& old = leaning_[at->second];
            if (leans) leans->before = std::move(old.before);
            old.stands = false;
            leaning_at_.erase(at);
        }
        if (!leans) return;
        leaning_at_.emplace(key, leaning_.size());
        leaning_.push_back(std::move(*leans));
    }

    [[nodiscard]] result<void> take_back(std::size_t i) {
        const record_key key = leaning_[i].key;
        known_base before = std::move(leaning_[i].before);
        // A row that dangles already is none to go back to.
        if (before.row && before.row == wrote_.at(key)) before = known_base{};
        leaning_[i].before = known_base{};
        leaning_[i].stands = false;
        auto placed = place(key, before);
        if (!placed && refuses_row(placed.error().code)) placed = place(key, known_base{});
        return placed || refuses_row(placed.error().code) ? result<void>{} : placed;
    }

    [[nodiscard]] result<std::optional<record_key>> missing_of(const record_key& key, const std::vector<record_key>& references) {
        for (const auto& parent : references) {
            if (parent == key) continue;
            auto fine = may_be_referred_to(parent);
            if (!fine) return std::move(fine).error();
            if (!*fine) return std::optional<record_key>{parent};
        }
        return std::optional<record_key>{};
    }

    // What this transaction did not write is read once.
    [[nodiscard]] result<bool> is_visible(const record_key& key) {
        if (const auto ours = wrote_.find(key); ours != wrote_.end()) return ours->second.has_value();
        if (const auto known = seen_.find(key); known != seen_.end()) return known->second;
        auto row = t_.visible(key);
        if (!row) return std::move(row).error();
        seen_.emplace(key, row->has_value());
        return row->has_value();
    }

    [[nodiscard]] result<bool> has_pending_erase(const record_key& key) {
        if (!has_layers()) return false;
        auto open = t_.open_intent(key);
        if (!open) return std::move(open).error();
        if (*open) return (*open)->op == operation::erase;
        auto frozen = frozen_intent(key);
        if (!frozen) return std::move(frozen).error();
        return *frozen && (*frozen)->what.op == operation::erase;
    }

    // Whether the row refers to a record that is absent because a pending intent erases it; or that is known to be absent later than at
    // @p as_of, when the answer to a push told of it before its turn. A row that is hidden stays so until the record is back: the authority's
    // erase of the row follows.
    // @param as_of  nothing: only a pending intent counts
    [[nodiscard]] result<bool> under_erased(const record_key& key, const std::vector<record_key>& references, std::optional<std::int64_t> as_of) {
        for (const auto& parent : references) {
            if (parent == key || showing_.contains(parent)) continue;
            auto there = is_visible(parent);
            if (!there) return std::move(there).error();
            if (*there) continue;
            if (hidden_.contains(parent)) return true;
            if (as_of) {
                if (hidden_.contains(key)) return true;
                auto known = t_.base(parent);
                if (!known) return std::move(known).error();
                if (known->version > *as_of) return true;
            }
            auto erased = has_pending_erase(parent);
            if (!erased || *erased) return erased;
        }
        return false;
    }

    Transaction& t_;
    const schema_set& schemas_;
    bool open_ = true;     // whether there is an open intent; until counted, assume the worst
    bool frozen_ = true;   // and a frozen one
    std::unordered_set<record_key, record_key_hash> settled_;  // their frozen intents no longer count
    std::optional<std::pair<record_key, std::optional<record>>> seen_last_;  // what was read last and not written since
    bool quarantined_ = true;
    std::unordered_set<record_key, record_key_hash> hidden_;
    std::unordered_set<record_key, record_key_hash> showing_;  // of those, what is about to be shown
    std::unordered_map<record_key, std::optional<record>, record_key_hash> wrote_;
    std::unordered_map<record_key, bool, record_key_hash> seen_;  // of what is not in `wrote_`: whether it is visible
    std::vector<leaning_row> leaning_;                            // in the order of placing
    std::unordered_map<record_key, std::size_t, record_key_hash> leaning_at_;
};

SYNCLINE_NAMESPACE_END

#endif
