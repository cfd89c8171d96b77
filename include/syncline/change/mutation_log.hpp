#ifndef SYNCLINE_CHANGE_MUTATION_LOG_HPP
#define SYNCLINE_CHANGE_MUTATION_LOG_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How much lies where in a mutation log.
struct mutation_log_counts {
    std::size_t open = 0;     ///< will go out by themselves
    std::size_t waiting = 0;  ///< need a person
    std::size_t frozen = 0;   ///< on their way
};

/// What settling a batch of a mutation log did.
struct mutation_log_report {
    std::size_t applied = 0;
    std::size_t superseded = 0;
    std::size_t refused = 0;  ///< refused and held: they wait for a person
    std::size_t errors = 0;   ///< transient: they stay frozen under their ids
    std::size_t unknown = 0;  ///< outcomes of mutations that are not in flight: late or repeated answers, passed over
    std::vector<std::pair<record_key, wait_reason>> waiting;
};

/// The device's queue of changes without an engine and without a store: what the user did and the authority has not decided yet, under the
/// rules that `replica` follows (ENGINE.md rule 4). Plain data in memory; the caller keeps the rows, sends what is frozen and hands in the
/// outcomes. At most two layers lie over a row: frozen and open; `visible` shows a row under both.
///
/// A regular value type but for the schemas that it refers to: copying it is a backup. One thread at a time.
class mutation_log {
public:
    /// @param schemas  outlives the log
    explicit mutation_log(const schema_set& schemas) : schemas_(&schemas) {}

    /// Adds what the user did to a record, on the row as `visible` showed it. Changes of one record that were not frozen yet become one;
    /// an edit of a waiting record is a retry. Fields set to what they were are no change.
    /// @param made  `key`, `op`, `changes`, `before` (the row that the user saw; nothing: there was none), `base.row_version` (the version
    ///              of the row that the caller holds; 0: none) and `edited_at`. The rest of the base and the ordinal are the log's.
    /// @return `errc::unknown_model`, `errc::invalid_key`, `errc::unknown_field`; then nothing was changed
    [[nodiscard]] result<void> record_change(intent made) {
        if (!schemas_->contains(made.key.model))
            return make_fault(errc::unknown_model, "there is no model number ", std::to_string(made.key.model), " in the log's schemas");
        const model_schema& schema = (*schemas_)[made.key.model];
        if (made.key.key.empty()) return make_fault(errc::invalid_key, "a change of model `", schema.name, "` names no record: its key is empty");
        for (const auto& change : made.changes)
            if (change.field >= schema.fields.size())
                return make_fault(errc::unknown_field, "a change of model `", schema.name, "` names field number ",
                                  std::to_string(change.field), ", the model has ", std::to_string(schema.fields.size()));
        if (!normalise(schema, made)) return {};

        const batch_item* below = frozen(made.key);
        made.base.after.clear();
        if (const auto known = acknowledged_.find(made.key); known != acknowledged_.end()) {
            if (made.base.row_version > known->second.version)
                acknowledged_.erase(known);
            else
                made.base = known->second.base;
        }
        if (below != nullptr) made.base = made_over(made.base.row_version, *below);
        made.ordinal = next_ordinal_++;
        made.waiting.reset();

        const record_key key = made.key;
        auto whole = compose(schema, take_open(key), std::move(made));
        if (whole) open_.insert_or_assign(key, std::move(*whole));
        return {};
    }

    /// The batch in flight; or, where there is none, freezes the next one: at most @p limit open changes that wait for nothing. Writes come
    /// before erases, referenced records before those that refer to them, otherwise oldest first; a change that needs a record
    /// whose change waits may stay open with it (`needed_creations`). Empty: there is nothing to send.
    /// @param new_id  called once for each change: gives an id drawn at random, never used before
    /// @return `errc::invalid_argument` when @p new_id gives an empty or a repeated id; then nothing was changed.
    ///         Complexity: sorts the open changes
    template <class NewId>
    [[nodiscard]] result<std::vector<batch_item>> freeze(std::size_t limit, NewId&& new_id) {
        if (!in_flight_.empty()) return in_flight_;
        std::vector<std::pair<std::tuple<std::int32_t, std::uint64_t>, const intent*>> ready;
        for (const auto& [key, what] : open_)
            if (!what.waiting) ready.emplace_back(std::tuple{send_class_of(*schemas_, what), what.ordinal}, &what);
        std::sort(ready.begin(), ready.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        const auto open_of = [&](const record_key& key) -> result<std::optional<intent>> {
            const auto at = open_.find(key);
            return at == open_.end() ? std::optional<intent>{} : std::optional<intent>{at->second};
        };
        std::vector<intent> chosen;
        record_names taken;
        record_names held;
        for (const auto& [place, what] : ready) {
            if (chosen.size() == limit) break;
            if (taken.contains(what->key)) continue;
            auto first = needed_creations(*schemas_, *what, open_of, taken, held);
            if (!first) return std::move(first).error();
            if (!*first) {
                held.insert(what->key);
                continue;
            }
            (*first)->push_back(*what);
            for (auto& next : **first) {
                if (chosen.size() == limit) break;
                taken.insert(next.key);
                chosen.push_back(std::move(next));
            }
        }

        std::vector<batch_item> items;
        std::unordered_set<mutation_id> ids;
        for (auto& what : chosen) {
            mutation_id id = new_id();
            if (id.empty() || !ids.insert(id).second)
                return make_fault(errc::invalid_argument, "the callable that makes mutation ids gave an ", id.empty() ? "empty" : "already used", " one");
            items.push_back(batch_item{std::move(id), static_cast<std::uint32_t>(items.size()), std::move(what)});
        }
        for (const auto& item : items) open_.erase(item.what.key);
        in_flight_ = items;
        return items;
    }

    /// Takes in outcomes of mutations in flight. Applied and superseded ones leave; refused and held ones go back under what the user did
    /// since, and the whole waits; a transient error stays frozen under its id. Mutations without an outcome stay too.
    mutation_log_report settle(const std::vector<outcome>& outcomes) {
        mutation_log_report report;
        std::unordered_map<mutation_id, std::size_t> places;
        for (std::size_t i = 0; i < in_flight_.size(); ++i) places.emplace(in_flight_[i].id, i);
        std::vector<bool> left(in_flight_.size(), false);
        for (const auto& o : outcomes) {
            const auto at = places.find(o.id);
            if (at == places.end() || left[at->second]) {
                ++report.unknown;
                continue;
            }
            if (o.kind == outcome_kind::error) {
                ++report.errors;
                continue;
            }
            left[at->second] = true;
            batch_item item = std::move(in_flight_[at->second]);
            const record_key key = item.what.key;
            switch (o.kind) {
            case outcome_kind::applied:
                ++report.applied;
                acknowledge(item, o);
                break;
            case outcome_kind::superseded:
                ++report.superseded;
                acknowledged_.erase(key);
                break;
            case outcome_kind::refused:
            case outcome_kind::held: {
                ++report.refused;
                wait_reason why = reason_of(o);
                report.waiting.emplace_back(key, why);
                auto whole = compose((*schemas_)[key.model], std::move(item.what), take_open(key));
                if (!whole) break;
                whole->waiting = std::move(why);
                open_.insert_or_assign(key, std::move(*whole));
                break;
            }
            case outcome_kind::error: break;
            }
        }
        std::vector<batch_item> stay;
        for (std::size_t i = 0; i < left.size(); ++i)
            if (!left[i]) stay.push_back(std::move(in_flight_[i]));
        in_flight_ = std::move(stay);
        return report;
    }

    /// Notes that the authority's own row of @p key at @p version is known: what was acknowledged up to it needs no memory any more.
    void arrived(const record_key& key, std::int64_t version) {
        const auto known = acknowledged_.find(key);
        if (known != acknowledged_.end() && version >= known->second.version) acknowledged_.erase(known);
    }

    /// Lets a waiting change go out again as it is, under a new id.
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<void> retry(const record_key& key) {
        const auto at = open_.find(key);
        if (at == open_.end() || !at->second.waiting) return nothing_waits();
        at->second.waiting.reset();
        return {};
    }

    /// Gives up a waiting change.
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<void> discard(const record_key& key) {
        const auto at = open_.find(key);
        if (at == open_.end() || !at->second.waiting) return nothing_waits();
        open_.erase(at);
        return {};
    }

    /// What the user sees where the authority's row is @p base: `open(frozen(base))`.
    [[nodiscard]] std::optional<record> visible(const record_key& key, std::optional<record> base) const {
        const model_schema& schema = (*schemas_)[key.model];
        const batch_item* below = frozen(key);
        base = overlay(schema, below != nullptr ? &below->what : nullptr, std::move(base));
        const auto above = open_.find(key);
        return overlay(schema, above != open_.end() ? &above->second : nullptr, std::move(base));
    }

    /// Every open change by record, waiting ones among them. Valid until the log is changed.
    [[nodiscard]] const std::map<record_key, intent>& open() const noexcept { return open_; }
    /// The batch in flight, by position; empty: none. Valid until the log is changed.
    [[nodiscard]] const std::vector<batch_item>& in_flight() const noexcept { return in_flight_; }
    /// The frozen change of @p key, or nullptr. Valid until the log is changed. Linear in the batch.
    [[nodiscard]] const batch_item* frozen(const record_key& key) const {
        const auto at = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const batch_item& item) { return item.what.key == key; });
        return at == in_flight_.end() ? nullptr : &*at;
    }
    /// The changes that wait for a person, oldest first.
    [[nodiscard]] std::vector<intent> waiting() const {
        std::vector<intent> out;
        for (const auto& [key, what] : open_)
            if (what.waiting) out.push_back(what);
        std::sort(out.begin(), out.end(), [](const intent& a, const intent& b) { return a.ordinal < b.ordinal; });
        return out;
    }
    [[nodiscard]] mutation_log_counts counts() const {
        mutation_log_counts out;
        for (const auto& [key, what] : open_) ++(what.waiting ? out.waiting : out.open);
        out.frozen = in_flight_.size();
        return out;
    }

private:
    // What was acknowledged without the authority's own row, as a base for what is made on it (ENGINE.md rule 3).
    struct acknowledged_base {
        base_ref base;
        std::int64_t version = 0;
    };

    // Brings a change into the form that an intent has. @return false: it changes nothing
    [[nodiscard]] static bool normalise(const model_schema& schema, intent& made) {
        if (made.op == operation::erase) {
            made.changes = {};
            return true;
        }
        if (made.op == operation::create) {
            made.before.reset();
            const record whole = made.whole(schema.fields.size());
            for (std::size_t f = 0; f < whole.fields.size(); ++f) made.changes.set(static_cast<field_index>(f), whole.fields[f]);
            return true;
        }
        field_changes real;
        for (const auto& change : made.changes)
            if (!made.before || change.field >= made.before->fields.size() || !(made.before->fields[change.field] == change.to))
                real.set(change.field, change.to);
        made.changes = std::move(real);
        return !made.changes.empty();
    }

    [[nodiscard]] std::optional<intent> take_open(const record_key& key) {
        const auto at = open_.find(key);
        if (at == open_.end()) return std::nullopt;
        std::optional<intent> out{std::move(at->second)};
        open_.erase(at);
        return out;
    }

    void acknowledge(const batch_item& item, const outcome& o) {
        if (o.carries_row || o.version == 0) {
            acknowledged_.erase(item.what.key);
            return;
        }
        const auto known = acknowledged_.find(item.what.key);
        const std::int64_t below = known != acknowledged_.end() ? known->second.base.row_version : item.what.base.row_version;
        acknowledged_.insert_or_assign(item.what.key, acknowledged_base{made_over(below, item), o.version});
    }

    [[nodiscard]] static fault nothing_waits() { return {errc::absent, "no change of a record with that key waits"}; }

    const schema_set* schemas_;
    std::map<record_key, intent> open_;
    std::vector<batch_item> in_flight_;
    std::map<record_key, acknowledged_base> acknowledged_;
    std::uint64_t next_ordinal_ = 1;
};

SYNCLINE_NAMESPACE_END

#endif
