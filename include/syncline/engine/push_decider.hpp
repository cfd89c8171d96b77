#ifndef SYNCLINE_ENGINE_PUSH_DECIDER_HPP
#define SYNCLINE_ENGINE_PUSH_DECIDER_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/conflict/decide.hpp>
#include <syncline/conflict/time_texts.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/content_hash.hpp>
#include <syncline/engine/legacy_base.hpp>
#include <syncline/engine/legacy_push.hpp>
#include <syncline/engine/labelling.hpp>
#include <syncline/engine/running_order.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/engine/write_guard.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/default_values.hpp>
#include <syncline/storage/write_time.hpp>
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
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What others did to a record since a base (ENGINE.md rule 3).
struct foreign_changes {
    bool any = false;
    field_set fields;
};

/// Decides the mutations of one push, in one transaction of the authority's store: the middle of the mutation wire.
/// Lives as long as that transaction.
template <authority_transaction Transaction>
class push_decider {
public:
    /// @param legacy  see `authority::push`
    push_decider(Transaction& t, const schema_set& schemas, const authority_options& options, const caller& who, timestamp now,
                 const value_equivalence* legacy = nullptr)
        : t_(t), schemas_(schemas), options_(options), who_(who), now_(now), equivalence_(legacy) {}

    /// From here on only what the caller may see is written or told. @param scopes  outlives the decider
    void authorise(const scope_map& scopes, label_set granted) {
        scopes_ = &scopes;
        guard_.emplace(t_, schemas_, scopes, std::move(granted));
    }

    /// Runs @p mutations and gives their outcomes, in the order of the argument. Receipts are written; nothing is committed.
    /// @return a fault of the store; then the transaction is to be dropped
    [[nodiscard]] result<std::vector<outcome>> run(std::vector<mutation> mutations) {
        outcomes_.assign(mutations.size(), outcome{});
        auto head = t_.head();
        if (!head) return std::move(head).error();
        lost_ = head->lost;
        auto order = running_order(schemas_, mutations);
        if (equivalence_ != nullptr) {
            legacy_.emplace(t_, schemas_, who_, *equivalence_, *head);
            if (auto r = legacy_->open(mutations, now_, options_.source_ttl / 128); !r) return std::move(r).error();
            std::sort(order.begin(), order.end());  // one mutation per change of the user: only the order in which they were made is known to work
        } else if (auto r = order_within_ranks(t_, schemas_, mutations, order); !r) {
            return std::move(r).error();
        }
        const auto attempt = [&](std::size_t i, bool last) -> result<bool> {
            outcomes_[i].id = mutations[i].id;
            may_put_off_ = !last && equivalence_ == nullptr;
            auto r = one(i, mutations[i]);
            if (!r) return std::move(r).error();
            return put_off_at_.contains(i);
        };
        const auto next_round = [&] {
            put_off_.clear();
            put_off_at_.clear();
        };
        if (auto r = run_in_rounds(std::move(order), attempt, next_round); !r) return std::move(r).error();
        if (legacy_)
            if (auto r = legacy_->deliver_again(own_, [this](const record_key& key) { return is_known(key); }); !r) return std::move(r).error();
        auto sealed = seal(t_, schemas_, bundle_source{who_.source, 0}, own_, now_);
        if (!sealed) return std::move(sealed).error();
        if (auto r = complete(*sealed); !r) return std::move(r).error();
        if (legacy_)
            if (auto r = legacy_->save(); !r) return std::move(r).error();
        return std::move(outcomes_);
    }

    /// See `push_answer::told_whole`.
    [[nodiscard]] std::int64_t told_whole() const noexcept { return told_whole_; }

    /// The latest `written_at` of the records that the outcomes of `run` speak of; the earliest time there is: none of them was ever written.
    [[nodiscard]] timestamp newest_write() const noexcept { return newest_write_; }

    /// Which fields of @p key others changed since the base of a change by this caller.
    [[nodiscard]] result<foreign_changes> foreign_since(const record_key& key, const base_ref& base,
                                                        const std::optional<sealed_row>& sealed) {
        foreign_changes out;
        const std::int64_t current = sealed ? sealed->version : 0;
        if (current == 0 || current == base.row_version) return out;
        const field_set all = schemas_[key.model].all_fields();
        // What was changed since a version of a timeline that is gone cannot be told.
        if (is_lost_seq(lost_, base.row_version)) return foreign_changes{true, all};
        std::unordered_set<mutation_id> chain;
        bool first = true;
        for (mutation_id at = base.after; !at.empty();) {
            if (!chain.insert(at).second) break;
            if (const auto here = pending_at_.find(at); here != pending_at_.end()) {  // decided in this request, not sealed yet
                first = first && pending_[here->second].kept.clean;
                at = pending_[here->second].kept.after;
                continue;
            }
            auto known = t_.find_receipt(who_.principal, at);
            if (!known) return std::move(known).error();
            if (!*known) break;
            if (first && (*known)->clean && (*known)->version == current) return out;
            first = false;
            at = (*known)->after;
        }
        if (sealed->pruned_version > base.row_version) return foreign_changes{true, all};
        auto marks = t_.changes_of(key, base.row_version);
        if (!marks) return std::move(marks).error();
        for (const auto& mark : *marks) {
            if (!mark.writer.empty() && chain.contains(mark.writer)) continue;
            if (mark.fields.empty() && !all.empty()) continue;  // sealed again as it was, to be delivered again
            out.any = true;
            out.fields |= mark.fields;
        }
        return out;
    }

private:
    struct pending_receipt {
        std::size_t index;
        record_key key;
        receipt kept;
        bool wrote;
        std::optional<record> made;  // where it wrote on what was sealed: the row, as it was given to the store
    };

    struct sent_before {
        std::size_t index;
        std::string content_hash;
    };

    [[nodiscard]] result<void> one(std::size_t index, mutation& m) {
        const record_key key = m.what.key;
        const auto before = mapped_.find(index);  // of an earlier round: what the device sent, not what the mapper made of it
        const std::string hash = before != mapped_.end() ? before->second : content_hash(schemas_, m.what);
        auto known = t_.find_receipt(who_.principal, m.id);
        if (!known) return std::move(known).error();
        if (*known) return repeat(index, **known, hash, key);
        if (const auto first = decided_in_request_.find(m.id); first != decided_in_request_.end()) {
            if (first->second.content_hash != hash) return id_reused(index);
            copies_.emplace_back(index, first->second.index);
            return {};
        }

        auto parents = parents_of(m.what);
        bool behind_error = errored_.contains(key) || any_in(parents, errored_);
        if (legacy_ && !behind_error) {
            auto waits = legacy_->waits(m, parents);
            if (!waits) return std::move(waits).error();
            behind_error = *waits;
        }
        std::optional<rejection> rejected;
        if (!behind_error && put_off_.contains(key)) {  // before the mapper is asked: its refusal would come before what it follows
            put_off(index, m);
            return {};
        }
        if (!behind_error && options_.mapper && before == mapped_.end()) {
            mapped_.emplace(index, hash);
            rejected = options_.mapper(who_, m);
            parents = parents_of(m.what);
        }
        if (!behind_error && !rejected && any_in(parents, put_off_)) {
            put_off(index, m);
            return {};
        }
        if (behind_error || (rejected && decides_nothing(rejected->why.code))) {
            if (auto r = undecided(index, m); !r) return r;
            outcomes_[index].why = behind_error ? wait_reason{errc::held, "follows a change of the same record or its parent that "
                                                                          "failed for now; both will be sent again"}
                                                : rejected->why;
            return {};
        }
        decided_in_request_.emplace(m.id, sent_before{index, hash});
        if (legacy_) legacy_->takes(m);

        receipt kept;
        kept.id = m.id;
        kept.key = key;
        kept.after = m.what.base.after;
        kept.content_hash = hash;

        auto blocked = held_by(key, m.what, parents);
        if (!blocked) return std::move(blocked).error();
        if (*blocked) {
            kept.outcome = outcome_kind::held;
            kept.why = wait_reason{errc::held, "follows a refused change of the same record or of a record that it refers to; settle "
                                               "that one first"};
            refused_.insert(key);
            return finish(index, std::move(kept), "held behind a refused change", false);
        }
        if (rejected) return refuse(index, std::move(kept), std::move(rejected->why), "the host's mapper refused it", std::move(rejected->messages));

        auto sealed = t_.sealed(key);
        if (!sealed) return std::move(sealed).error();
        auto current = t_.current(key);
        if (!current) return std::move(current).error();
        // Whoever sends the whole row writes only what was edited of an update, and creates all of it.
        const bool whole_row = m.what.op == operation::create;
        if (legacy_ && !whole_row)
            if (auto r = rebase(m.what, kept, *current, *sealed); !r) return r;
        if (guard_) {
            auto why = guard_->before(m.what, *current);
            if (!why) return std::move(why).error();
            if (*why) return refuse_unseen(index, std::move(kept), std::move(**why));
        }
        if (legacy_ && whole_row)
            if (auto r = rebase(m.what, kept, *current, *sealed); !r) return r;
        auto foreign = foreign_since(key, m.what.base, *sealed);
        if (!foreign) return std::move(foreign).error();
        auto d = decide_on(m.what, *current, *sealed, *foreign);

        if (d.what == decision::verb::erase) {
            auto victims = legacy_ ? unknown_victims(m) : t_.referencing(key, 2);
            if (!victims) return std::move(victims).error();
            std::erase(*victims, key);  // a record may refer to itself
            if (!victims->empty())  // rule 5: it would hit a live record that the request does not itself erase
                d = decide_cascade(input_of(m.what, *current, *sealed, {}), schemas_[victims->front().model].name, options_.resolvers,
                                   resolver_context{who_.principal, now_});
        }
        kept.clean = !d.merged_or_decided;
        switch (d.what) {
        case decision::verb::refuse: return refuse(index, std::move(kept), d.why.value_or(wait_reason{}), d.rule, {});
        case decision::verb::take_server:
            kept.outcome = outcome_kind::superseded;
            kept.clean = false;
            kept.carries_row = true;
            return finish(index, std::move(kept), d.rule, false);
        case decision::verb::nothing:
            kept.outcome = outcome_kind::applied;
            kept.clean = false;
            kept.carries_row = true;
            return finish(index, std::move(kept), d.rule, false);
        case decision::verb::write:
        case decision::verb::erase: break;
        }
        return apply(index, m, std::move(kept), std::move(d), *current, *sealed, parents);
    }

    [[nodiscard]] decision decide_on(const intent& what, const std::optional<record>& current,
                                     const std::optional<sealed_row>& sealed, const foreign_changes& foreign) {
        const model_schema& schema = schemas_[what.key.model];
        decision d;
        bool conflicting = foreign.any;
        field_set fields = foreign.fields;
        if (current && !what.unseen.empty()) {  // the base says nothing of them
            const field_set hidden = what.before ? what.changed_unseen() & differing_fields(*what.before, *current) : what.changed_unseen();
            if (!hidden.empty()) conflicting = true, fields |= hidden;
        }
        if (what.op == operation::create && current && !conflicting) conflicting = true, fields = schema.all_fields();
        if (what.op == operation::create && !current) conflicting = false;  // rule 10: takes what is there
        if (what.op == operation::update && !current && !conflicting) conflicting = true, fields = schema.all_fields();
        if (conflicting || (what.op == operation::erase && !current)) {
            return decide(input_of(what, current, sealed, fields), options_.resolvers, resolver_context{who_.principal, now_});
        }
        d.rule = "its base is the current record";
        if (what.op == operation::erase) {
            d.what = decision::verb::erase;
        } else if (current) {
            intent over = what;
            over.op = operation::update;
            d.what = decision::verb::write;
            d.row = overlay(schema, &over, current);
        } else {
            d.what = decision::verb::write;
            d.row = what.whole(schema.fields.size());
        }
        return d;
    }

    [[nodiscard]] decision_input input_of(const intent& what, const std::optional<record>& current, const std::optional<sealed_row>& sealed,
                                          const field_set& foreign) const {
        return {schemas_[what.key.model], what, current, sealed ? sealed->version : 0, foreign, sealed ? sealed->written_at : timestamp{},
                believed_time(options_, what, now_, sealed)};
    }

    [[nodiscard]] result<void> apply(std::size_t index, const mutation& m, receipt kept, decision d,
                                     const std::optional<record>& current, const std::optional<sealed_row>& sealed,
                                     const std::vector<record_key>& parents) {
        const record_key& key = m.what.key;
        if (d.what == decision::verb::write && !current)
            if (auto r = fill_new_row(t_, schemas_[key.model], m.what, *d.row); !r) return r;
        if (d.what == decision::verb::write && !parents.empty()) {
            // A row that stands already keeps the references that the change does not touch.
            const auto needed = current ? references_of(schemas_, key.model, *d.row, m.what.changes.fields()) : parents;
            for (const auto& parent : needed) {
                if (parent == key) continue;
                auto there = t_.current(parent);
                if (!there) return std::move(there).error();
                if (*there) continue;
                wait_reason why{errc::constraint, "it refers to a record of model `"};
                why.detail.append(schemas_[parent.model].name).append("` that does not exist here; send that first, or change the reference");
                return refuse(index, std::move(kept), std::move(why), "a record that it refers to is missing", {});
            }
        }
        const auto fit = d.what == decision::verb::write ? check_time_texts(schemas_[key.model], key.key, current, *d.row) : result<void>{};
        if (!fit) return refuse(index, std::move(kept), wait_reason{fit.error().code, fit.error().detail}, "a text stands where a time belongs", {});
        if (options_.validate) {
            const proposed_change proposed{who_, schemas_[key.model], key, m.what.op, current ? &*current : nullptr,
                                           d.what == decision::verb::write ? &*d.row : nullptr};
            if (auto rejected = options_.validate(proposed)) {
                if (decides_nothing(rejected->why.code)) {
                    decided_in_request_.erase(m.id);
                    if (auto r = undecided(index, m); !r) return r;
                    outcomes_[index].why = std::move(rejected->why);
                    return {};
                }
                return refuse(index, std::move(kept), std::move(rejected->why), "the host's validator refused it", std::move(rejected->messages));
            }
        }
        if (legacy_ && d.what == decision::verb::write && current == d.row) {  // a new version would be a change to everybody else
            kept.outcome = outcome_kind::applied;
            return finish(index, std::move(kept), d.rule, false);
        }
        if (auto r = t_.savepoint(); !r) return r;
        const timestamp written_at = written_after(believed_time(options_, m.what, now_, sealed), sealed);
        tell_time(t_, written_at);
        auto done = d.what == decision::verb::write ? t_.write(key, *d.row) : t_.erase(key);
        if (!done) {
            const errc code = done.error().code;
            if (decides_nothing(code)) return done;
            if (auto r = t_.rollback_to_savepoint(); !r) return r;
            if (code == errc::absent) return refuse_unseen(index, std::move(kept), nothing_there());
            if (code == errc::constraint && may_put_off_) {
                put_off(index, m);
                return {};
            }
            return refuse(index, std::move(kept), wait_reason{code, done.error().detail}, "the table refused the row", {});
        }
        if (guard_ && d.what == decision::verb::write) {  // asked of the row as it came to stand there, whatever triggers made of it
            auto why = guard_->after(key, current);
            if (!why) return std::move(why).error();
            if (*why) {
                if (auto r = t_.rollback_to_savepoint(); !r) return r;
                return refuse_unseen(index, std::move(kept), std::move(**why));
            }
        }
        if (auto r = t_.release_savepoint(); !r) return r;

        auto& mine = own_[key];
        if (!std::exchange(mine.knows_before, true)) mine.before = sealed;
        mine.writer = m.id;
        mine.wrote = true;
        mine.written_at = written_at;
        for (const auto& change : m.what.changes)
            if (!d.lost.contains(change.field)) mine.fields.insert(change.field);
        kept.outcome = outcome_kind::applied;
        kept.carries_row = d.merged_or_decided;
        // Over a row that no longer is what was sealed, since something wrote it unseen, the change is made of more than its base.
        const bool as_sealed = current == (sealed ? sealed->row : std::optional<record>{});
        return finish(index, std::move(kept), d.rule, true, as_sealed ? std::move(d.row) : std::nullopt);
    }

    [[nodiscard]] result<void> rebase(intent& what, receipt& kept, const std::optional<record>& current, const std::optional<sealed_row>& sealed) {
        auto last = legacy_->rebase(what, current, sealed);
        if (!last) return std::move(last).error();
        kept.after = std::move(*last);
        return {};
    }

    // A value that is to be unique may be given up later in the request; what builds on the change waits with it.
    void put_off(std::size_t index, const mutation& m) {
        decided_in_request_.erase(m.id);
        put_off_.insert(m.what.key);
        put_off_at_.insert(index);
    }

    // A transient fault leaves no receipt, and what builds on the change must not be decided before it (W06, W07).
    [[nodiscard]] result<void> undecided(std::size_t index, const mutation& m) {
        errored_.insert(m.what.key);
        outcomes_[index].kind = outcome_kind::error;
        return legacy_ ? legacy_->left_out(m) : result<void>{};
    }

    // What an erase would take along and its user did not know of.
    [[nodiscard]] result<std::vector<record_key>> unknown_victims(const mutation& m) {
        auto below = legacy_->descendants(m.what.key);
        if (!below) return below;
        std::vector<record_key> out;
        for (auto& child : *below) {
            std::optional<bool> own;  // written in this request
            if (const auto at = own_.find(child); at != own_.end())
                if (const auto here = pending_at_.find(at->second.writer); here != pending_at_.end()) own = pending_[here->second].kept.clean;
            auto knew = legacy_->knew(m, child, own);
            if (!knew) return std::move(knew).error();
            if (!*knew) out.push_back(std::move(child));
        }
        return out;
    }

    [[nodiscard]] result<void> refuse(std::size_t index, receipt kept, wait_reason why, std::string rule,
                                      std::vector<field_message> messages) {
        refused_.insert(kept.key);
        kept.outcome = outcome_kind::refused;
        kept.clean = false;
        kept.carries_row = true;
        kept.why = std::move(why);
        kept.messages = std::move(messages);
        return finish(index, std::move(kept), std::move(rule), false);
    }

    // Says nothing of the record, be it there or not.
    [[nodiscard]] result<void> refuse_unseen(std::size_t index, receipt kept, wait_reason why) {
        refused_.insert(kept.key);
        kept.outcome = outcome_kind::refused;
        kept.clean = false;
        kept.why = std::move(why);
        return finish(index, std::move(kept), "only what is visible before and after can be written", false);
    }

    [[nodiscard]] result<void> finish(std::size_t index, receipt kept, std::string rule, bool wrote, std::optional<record> made = std::nullopt) {
        if (legacy_)
            if (auto r = legacy_->decided(kept); !r) return r;
        outcomes_[index].rule = std::move(rule);
        record_key key = kept.key;
        pending_at_.insert_or_assign(kept.id, pending_.size());
        pending_.push_back({index, std::move(key), std::move(kept), wrote, std::move(made)});
        return {};
    }

    // Versions and rows describe the record as it is after the whole request, so they are filled in at its end.
    // @param bundle  what the request sealed
    [[nodiscard]] result<void> complete(const std::vector<row_change>& bundle) {
        std::unordered_map<record_key, const row_change*, record_key_hash> here;
        for (const auto& row : bundle) here.emplace(row.key, &row);
        bool whole = !options_.mapper && !legacy_;
        for (auto& p : pending_) {
            std::optional<sealed_row> elsewhere;
            const auto at = here.find(p.key);
            if (at == here.end()) {
                auto sealed = t_.sealed(p.key);
                if (!sealed) return std::move(sealed).error();
                elsewhere = std::move(*sealed);
            }
            const std::optional<record> gone;
            const std::optional<record>& row = at != here.end() ? at->second->after : elsewhere ? elsewhere->row : gone;
            const std::int64_t version = at != here.end() ? at->second->version : elsewhere ? elsewhere->version : 0;
            const timestamp written_at = at != here.end() ? at->second->written_at : elsewhere ? elsewhere->written_at : (timestamp::min)();
            auto known = is_known(p.key);
            if (!known) return std::move(known).error();
            const bool tells = p.kept.outcome == outcome_kind::applied || p.kept.outcome == outcome_kind::superseded || p.kept.carries_row;
            if (*known && tells) newest_write_ = (std::max)(newest_write_, written_at);
            p.kept.version = tells ? version : 0;
            if (p.wrote && !row) p.kept.carries_row = true;
            if (p.wrote) whole = whole && at != here.end() && (p.kept.carries_row || (p.kept.clean && row == p.made));
            if (auto r = t_.put_receipt(who_.principal, p.kept); !r) return r;
            fill(outcomes_[p.index], p.kept, row);
            if (!*known) take_out_of_view(outcomes_[p.index]);
        }
        if (whole && !bundle.empty()) told_whole_ = bundle.front().version;
        for (const auto& [index, key] : repeated_) {
            // A repeated answer carries the record as it is now, where it is visible now.
            auto& out = outcomes_[index];
            auto known = is_known(key);
            if (!known) return std::move(known).error();
            if (!*known) take_out_of_view(out);
            if (!out.carries_row) continue;
            auto sealed = t_.sealed(key);
            if (!sealed) return std::move(sealed).error();
            if (*sealed) newest_write_ = (std::max)(newest_write_, (*sealed)->written_at);
            out.version = *sealed ? (*sealed)->version : 0;
            out.row = *sealed ? (*sealed)->row : std::nullopt;
        }
        for (const auto& [index, first] : copies_) {
            const mutation_id id = outcomes_[index].id;
            outcomes_[index] = outcomes_[first];
            outcomes_[index].id = id;
        }
        return {};
    }

    [[nodiscard]] result<bool> is_known(const record_key& key) { return guard_ ? guard_->knows(key) : result<bool>{true}; }
    static void take_out_of_view(outcome& out) {
        out.clean = out.kind == outcome_kind::applied && !met_others(out);  // its author would never hear of it otherwise
        out.out_of_view = out.kind == outcome_kind::applied || out.kind == outcome_kind::superseded;
        out.version = 0;
        out.carries_row = false;
        out.row.reset();
    }
    // Every sealing labels what it sealed.
    [[nodiscard]] result<std::vector<row_change>> seal(Transaction& t, const schema_set& schemas, const bundle_source& from, const own_writes& own, timestamp now) const {
        return scopes_ != nullptr ? seal_labelled(t, schemas, *scopes_, from, own, now) : syncline::seal(t, schemas, from, own, now);
    }

    static void fill(outcome& out, const receipt& kept, const std::optional<record>& row) {
        out.kind = kept.outcome;
        out.version = kept.version;
        out.clean = kept.clean;
        out.carries_row = kept.carries_row;
        if (kept.carries_row) out.row = row;
        out.why = kept.why;
        out.messages = kept.messages;
    }

    [[nodiscard]] result<void> repeat(std::size_t index, const receipt& known, const std::string& hash, const record_key& key) {
        auto& out = outcomes_[index];
        if (known.content_hash != hash) return id_reused(index);
        if (legacy_)
            if (auto r = legacy_->came_again(key, known.id); !r) return r;
        fill(out, known, std::optional<record>{});
        out.rule = "already decided: the receipt answers";
        out.repeated = true;
        if (known.outcome == outcome_kind::refused || known.outcome == outcome_kind::held) refused_.insert(key);
        repeated_.emplace_back(index, key);
        return {};
    }

    [[nodiscard]] result<void> id_reused(std::size_t index) {
        auto& out = outcomes_[index];
        out.kind = outcome_kind::refused;
        out.why = wait_reason{errc::id_reused, "this mutation id was already used for other content; the device was copied or "
                                               "restored from a backup, or makes ids that are not random"};
        out.rule = "an id is used once";
        return {};
    }

    [[nodiscard]] std::vector<record_key> parents_of(const intent& what) const {
        if (what.op == operation::erase) return {};
        const auto& schema = schemas_[what.key.model];
        if (schema.references.empty()) return {};
        return references_of(schemas_, what.key.model, what.whole(schema.fields.size()));
    }

    [[nodiscard]] static bool any_in(const std::vector<record_key>& keys, const std::unordered_set<record_key, record_key_hash>& set) {
        return std::any_of(keys.begin(), keys.end(), [&](const record_key& k) { return set.contains(k); });
    }

    [[nodiscard]] result<bool> held_by(const record_key& key, const intent& what, const std::vector<record_key>& parents) {
        if (refused_.contains(key)) return true;
        if (what.op == operation::erase) return false;
        for (const auto& parent : parents) {
            if (!refused_.contains(parent)) continue;
            if (guard_) {
                auto seen = guard_->sees(parent);
                if (!seen || !*seen) return seen ? result<bool>{true} : std::move(seen);
                continue;
            }
            auto there = t_.current(parent);
            if (!there) return std::move(there).error();
            if (!*there) return true;
        }
        return false;
    }

    Transaction& t_;
    const schema_set& schemas_;
    const authority_options& options_;
    const caller& who_;
    const scope_map* scopes_ = nullptr;
    std::optional<write_guard<Transaction>> guard_;  // nothing: everybody sees everything
    timestamp now_;
    timestamp newest_write_ = (timestamp::min)();
    std::int64_t told_whole_ = 0;
    lost_intervals lost_;
    own_writes own_;
    std::vector<outcome> outcomes_;
    std::vector<pending_receipt> pending_;
    std::unordered_map<mutation_id, sent_before> decided_in_request_;
    std::vector<std::pair<std::size_t, record_key>> repeated_;
    std::vector<std::pair<std::size_t, std::size_t>> copies_;
    std::unordered_set<record_key, record_key_hash> refused_;
    std::unordered_set<record_key, record_key_hash> errored_;
    bool may_put_off_ = false;
    std::unordered_set<record_key, record_key_hash> put_off_;  // in this round
    std::unordered_set<std::size_t> put_off_at_;
    std::unordered_map<std::size_t, std::string> mapped_;  // content hashes of what the mapper was asked about, as the device sent it
    std::unordered_map<mutation_id, std::size_t> pending_at_;
    const value_equivalence* equivalence_;
    std::optional<legacy_push<Transaction>> legacy_;
};

SYNCLINE_NAMESPACE_END

#endif
