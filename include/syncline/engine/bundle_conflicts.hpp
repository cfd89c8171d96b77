#ifndef SYNCLINE_ENGINE_BUNDLE_CONFLICTS_HPP
#define SYNCLINE_ENGINE_BUNDLE_CONFLICTS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/conflict/decide.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The deciding place of the bundle wire: thaws a batch that could not commit and decides its conflicts (ENGINE.md rules 1 and 12); and of the
/// mutation wire where the authority is a foreign one, which compares clocks and decides nothing about the content.
/// Lives as long as the transaction.
template <replica_transaction Transaction>
class bundle_conflicts {
public:
    /// @param clock      of the device
    /// @param authority  the authority's clock, as far as it was heard: no change of this device counts as made later. The earliest time
    ///                   there is: unheard
    bundle_conflicts(Transaction& t, const schema_set& schemas, const resolver_set& resolvers, row_placement<Transaction>& rows,
                     replica_state& state, hybrid_clock& clock, timestamp authority, timestamp now)
        : t_(t), schemas_(schemas), resolvers_(resolvers), rows_(rows), state_(state), clock_(clock), authority_(authority), now_(now) {}

    /// @param items      the whole batch in flight
    /// @param obstacles  what the authority named; rows that are not in the batch are passed over
    [[nodiscard]] result<settle_report> settle(std::vector<batch_item>& items, const std::vector<commit_obstacle>& obstacles) {
        return settle(items, obstacles, [&] { return t_.drop_batch(); });
    }

    /// The same for a foreign authority of the mutation wire, which names the rows by their mutations: only @p items leave the batch.
    [[nodiscard]] result<settle_report> settle_some(std::vector<batch_item>& items, const std::vector<commit_obstacle>& obstacles) {
        return settle(items, obstacles, [&]() -> result<void> {
            for (const auto& item : items)
                if (auto r = rows_.drop_frozen(item.what.key); !r) return r;
            return {};
        });
    }

private:
    template <class Thaw>
    [[nodiscard]] result<settle_report> settle(std::vector<batch_item>& items, const std::vector<commit_obstacle>& obstacles, Thaw thaw) {
        // Bases are read while the layers still stand.
        for (const auto& item : items)
            if (auto r = load(item.what.key); !r) return std::move(r).error();
        for (const auto& o : obstacles)
            if (o.what == commit_obstacle::kind::cascade)
                if (auto r = load(o.victim); !r) return std::move(r).error();
        if (auto r = thaw(); !r) return std::move(r).error();

        std::unordered_map<record_key, const commit_obstacle*, record_key_hash> named;
        for (const auto& o : obstacles) named.emplace(o.key, &o);
        for (auto& item : items) {
            const auto at = named.find(item.what.key);
            const commit_obstacle* met = at == named.end() ? nullptr : at->second;
            result<void> done;
            deciding_ = item.id;
            if (met == nullptr)
                done = rows_.back_to_open(std::move(item.what), std::nullopt);
            else if (met->what == commit_obstacle::kind::version_conflict)
                done = decide_version(std::move(item.what), *met);
            else if (met->what == commit_obstacle::kind::cascade)
                done = meet_cascade(std::move(item), *met);
            else
                done = wait(std::move(item.what), met->why.value_or(wait_reason{errc::constraint, "the server refused the row"}));
            if (!done) return std::move(done).error();
        }
        for (const auto& key : order_) {
            auto placed = rows_.place(key, bases_.at(key), true);
            // What the app's table has no room for yet comes with its own bundle or page; layers that went must not show until then.
            if (!placed && refuses_row(placed.error().code)) placed = rows_.rebase(key);
            if (!placed && !refuses_row(placed.error().code)) return std::move(placed).error();
        }
        return std::move(report_);
    }

    [[nodiscard]] result<void> load(const record_key& key) {
        if (bases_.contains(key)) return {};
        auto base = rows_.load(key);
        if (!base) return std::move(base).error();
        bases_.emplace(key, std::move(*base));
        order_.push_back(key);
        return {};
    }

    [[nodiscard]] result<void> wait(intent what, wait_reason why) {
        ++report_.refused;
        report_.waiting.emplace_back(what.key, why);
        return rows_.back_to_open(std::move(what), std::move(why));
    }

    [[nodiscard]] timestamp believed_time(const intent& what, timestamp server_time) const noexcept {
        return clamped_time(what.edited_at, authority_, duration{0}, server_time);
    }

    void note(const record_key& key, outcome_kind kind, std::string rule) {
        const auto& base = bases_.at(key);
        report_.conflicts.push_back({key, kind, std::move(rule), deciding_, base.row, base.version});
    }

    void take(const record_key& key, const std::optional<record>& row, std::int64_t version) {
        auto& base = bases_.at(key);
        if (version >= base.version) base = known_base{version, row, std::nullopt};
    }

    [[nodiscard]] result<void> decide_version(intent frozen, const commit_obstacle& met) {
        const record_key key = frozen.key;
        const model_schema& schema = schemas_[key.model];
        auto open = t_.open_intent(key);
        if (!open) return std::move(open).error();
        if (*open)
            if (auto r = t_.drop_open(key); !r) return r;
        auto whole = compose(schema, std::move(frozen), std::move(*open));
        take(key, met.server_row, met.server_version);
        if (!whole) return {};
        if (met.server_row) whole->drop_unset();

        field_set foreign = schema.all_fields();
        if (whole->before && met.server_row) foreign = differing_fields(*met.server_row, *whole->before);
        const decision_input in{schema,  *whole, met.server_row, met.server_version, foreign, met.server_written_at,
                                believed_time(*whole, met.server_written_at)};
        decision d = decide(in, resolvers_, resolver_context{{}, now_});
        note(key,
             d.what == decision::verb::take_server ? outcome_kind::superseded
             : d.what == decision::verb::refuse    ? outcome_kind::refused
                                                   : outcome_kind::applied,
             std::move(d.rule));
        switch (d.what) {
        case decision::verb::take_server: ++report_.superseded; return {};
        case decision::verb::nothing: return {};
        case decision::verb::refuse: return wait(std::move(*whole), d.why.value_or(wait_reason{}));
        case decision::verb::erase:
            whole->base = base_ref{met.server_version, {}};
            whole->before = met.server_row;
            return rows_.put_open(*whole);
        case decision::verb::write: break;
        }
        intent moved = *whole;
        moved.op = met.server_row ? operation::update : operation::create;
        moved.base = base_ref{met.server_version, {}};
        moved.before = met.server_row;
        moved.changes = {};
        moved.unseen = {};
        for (std::size_t f = 0; f < schema.fields.size(); ++f) {
            const auto field = static_cast<field_index>(f);
            const bool mine = !met.server_row || whole->changes.find(field) != nullptr || !(d.row->fields[f] == met.server_row->fields[f]);
            if (mine && !d.lost.contains(field)) moved.changes.set(field, d.row->fields[f]);
        }
        return rows_.put_open(moved);
    }

    [[nodiscard]] result<void> meet_cascade(batch_item item, const commit_obstacle& met) {
        const record_key key = item.what.key;
        auto& victim = bases_.at(met.victim);
        if (met.server_version > victim.version) victim = known_base{met.server_version, met.server_row, std::nullopt};
        // Of the record itself the authority told no time, only of the one that would go.
        const auto& base = bases_.at(key);
        const decision_input in{schemas_[key.model], item.what, base.row, base.version, {}, unknown_time, believed_time(item.what, unknown_time)};
        decision d = decide_cascade(in, schemas_[met.victim.model].name, resolvers_, resolver_context{{}, now_});
        // Where the user made the record again meanwhile, both layers together are no erase: whoever was to win, nobody stands in its way.
        auto again = t_.open_intent(key);
        if (!again) return std::move(again).error();
        if (*again && d.what != decision::verb::refuse) return rows_.back_to_open(std::move(item.what), std::nullopt);
        if (d.what == decision::verb::take_server) {
            note(key, outcome_kind::superseded, std::move(d.rule));
            ++report_.superseded;
            return {};
        }
        if (d.what == decision::verb::erase) {
            auto above = t_.open_intent(met.victim);
            if (!above) return std::move(above).error();
            if (met.server_row && !*above) {
                // The erase takes the record along by name, on the version that was just seen.
                note(key, outcome_kind::applied, std::move(d.rule));
                intent along;
                along.key = met.victim;
                along.op = operation::erase;
                along.before = met.server_row;
                along.base = base_ref{met.server_version, {}};
                along.ordinal = state_.next_ordinal++;
                along.edited_at = clock_.tick(now_);
                if (auto r = rows_.put_open(along); !r) return r;
                return rows_.back_to_open(std::move(item.what), std::nullopt);
            }
            d.rule.append("; it waits, for that record has a change of its own");
            d.why = wait_reason{errc::conflict, "the erase would take along a record that has a change of its own; settle that first"};
        }
        note(key, outcome_kind::refused, std::move(d.rule));
        return wait(std::move(item.what), d.why.value_or(wait_reason{}));
    }

    Transaction& t_;
    const schema_set& schemas_;
    const resolver_set& resolvers_;
    row_placement<Transaction>& rows_;
    replica_state& state_;
    hybrid_clock& clock_;
    timestamp authority_;
    timestamp now_;
    std::unordered_map<record_key, known_base, record_key_hash> bases_;
    std::vector<record_key> order_;
    mutation_id deciding_;
    settle_report report_;
};

SYNCLINE_NAMESPACE_END

#endif
