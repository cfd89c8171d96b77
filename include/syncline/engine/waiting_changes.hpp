#ifndef SYNCLINE_ENGINE_WAITING_CHANGES_HPP
#define SYNCLINE_ENGINE_WAITING_CHANGES_HPP

#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/engine/waiting_explanation.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What a person does with the changes that wait, inside one transaction of a replica's store. Lives as long as the transaction. Every
/// function is `errc::absent` when nothing waits for the record.
template <replica_transaction Transaction>
class waiting_changes {
public:
    waiting_changes(Transaction& t, const schema_set& schemas, row_placement<Transaction>& rows, hybrid_clock& clock)
        : t_(t), schemas_(schemas), rows_(rows), clock_(clock) {}

    /// Sends it again as it is, under a new id.
    [[nodiscard]] result<void> retry(const record_key& key) {
        auto open = find(key);
        if (!open) return std::move(open).error();
        open->waiting.reset();
        return rows_.put_open(*open);
    }

    /// Gives it up: the record shows what the authority has.
    [[nodiscard]] result<void> discard(const record_key& key) {
        auto open = find(key);
        if (!open) return std::move(open).error();
        auto base = rows_.load(key);
        if (!base) return std::move(base).error();
        if (auto r = t_.drop_open(key); !r) return r;
        return rows_.place(key, *base, true);
    }

    /// Lays it on what the authority has now and sends it again. This is the person's word, so it moves the base (ENGINE.md rule 1).
    /// @param edits  values that replace those of the change, or join it; a field that comes to what the authority has is no longer changed
    /// @param seen   the version that the person saw; nothing: whatever is there
    /// @return `errc::out_of_view`; `errc::stale` when the authority's row is not the one that was seen; `errc::unknown_field`; `errc::malformed_value`, by
    ///         name,
    ///         for a value that is not of its field's kind, or for nothing where something must be; `errc::invalid_argument` for an
    ///         edit of an erase
    [[nodiscard]] result<void> take_client(const record_key& key, const field_changes& edits, std::optional<std::int64_t> seen,
                                           timestamp now) {
        auto open = find(key);
        if (!open) return std::move(open).error();
        const model_schema& schema = schemas_[key.model];
        if (auto r = fits(schema, *open, edits); !r) return r;
        auto base = rows_.load(key);
        if (!base) return std::move(base).error();
        if (base->out_of_view && open->op != operation::create)
            return make_fault(errc::out_of_view, "the record has left what you may see; the change goes out when it returns, or discard it");
        if (seen && *seen != base->version)
            return make_fault(errc::stale, "the server's record has changed since it was looked at; look again, then edit");
        intent moved = std::move(*open);
        moved.waiting.reset();
        if (base->row) moved.drop_unset();
        if (moved.op == operation::erase && !base->row) return give_up(key, *base);
        if (moved.op != operation::erase) {
            const record whole = moved.whole(schema.fields.size());
            if (!base->row)
                for (std::size_t f = 0; f < whole.fields.size(); ++f) moved.changes.set(static_cast<field_index>(f), whole.fields[f]);
            // What the person saw: fields with a merge stay merged when the base moves under them.
            if (const auto shown = overlay(schema, &moved, base->row); shown && base->row) {
                const field_changes asked = moved.changes;
                for (const auto& change : asked)
                    if (change.field < shown->fields.size()) moved.changes.set(change.field, shown->fields[change.field]);
            }
            for (const auto& edit : edits) moved.changes.set(edit.field, edit.to);
            if (base->row && !edits.empty()) {
                const field_changes asked = moved.changes;
                const auto& there = base->row->fields;
                for (const auto& change : asked)
                    if (change.field < there.size() && change.to == there[change.field]) moved.changes.erase(change.field);
                if (moved.changes.empty()) return give_up(key, *base);
            }
            moved.op = base->row ? operation::update : operation::create;
        }
        moved.edited_at = clock_.tick(now);  // the person has seen what the base is now
        moved.before = base->row;
        moved.unseen = {};
        moved.base = base->provisional ? base_ref{base->provisional->row_version, base->provisional->after} : base_ref{base->version, {}};
        if (auto r = rows_.put_open(moved); !r) return r;
        return rows_.place(key, *base, true);
    }

    /// Why it waits, and what stands against what.
    [[nodiscard]] result<waiting_explanation> explain(const record_key& key) {
        auto open = find(key);
        if (!open) return std::move(open).error();
        auto base = rows_.load(key);
        if (!base) return std::move(base).error();
        return explain_waiting(schemas_[key.model], *open, base->row, base->version);
    }

private:
    [[nodiscard]] result<intent> find(const record_key& key) {
        if (!schemas_.contains(key.model))
            return make_fault(errc::unknown_model, "there is no model number ", std::to_string(key.model), " here");
        auto open = t_.open_intent(key);
        if (!open) return std::move(open).error();
        if (!*open || !(*open)->waiting)
            return make_fault(errc::absent, "no change of a record of model `", schemas_[key.model].name, "` with that key waits");
        return std::move(**open);
    }

    [[nodiscard]] result<void> give_up(const record_key& key, const known_base& base) {
        if (auto r = t_.drop_open(key); !r) return r;
        return rows_.place(key, base, true);
    }

    [[nodiscard]] static result<void> fits(const model_schema& schema, const intent& open, const field_changes& edits) {
        if (!edits.empty() && open.op == operation::erase)
            return make_fault(errc::invalid_argument, "the change of model `", schema.name,
                              "` that waits is a deletion and has no fields; retry or discard it");
        for (const auto& edit : edits) {
            if (edit.field >= schema.fields.size())
                return make_fault(errc::unknown_field, "model `", schema.name, "` has no field number ", std::to_string(edit.field));
            const field_schema& field = schema.fields[edit.field];
            if (edit.to.is_null() ? !field.nullable : edit.to.kind() != field.kind)
                return make_fault(errc::malformed_value, "field `", field.name, "` of model `", schema.name, "` is of kind ",
                                  name_of(field.kind),
                                  field.nullable ? "" : " and cannot be empty", "; the edit gives ", name_of(edit.to.kind()));
        }
        return {};
    }

    Transaction& t_;
    const schema_set& schemas_;
    row_placement<Transaction>& rows_;
    hybrid_clock& clock_;
};

SYNCLINE_NAMESPACE_END

#endif
