#ifndef SYNCLINE_STORAGE_MEMORY_TABLE_HPP
#define SYNCLINE_STORAGE_MEMORY_TABLE_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/storage/journal.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A field in which no two records of its model may have the same value; nulls do not count.
struct unique_field {
    model_id model = 0;
    field_index field = 0;
};

/// How the app's tables of a memory store behave beside what the schemas say (fields that are not nullable refuse null).
struct memory_table_options {
    /// What `errc::constraint` guards; on an authority, within a tenant.
    std::vector<unique_field> unique;

    /// Whether an erase runs the schemas' `reference_action`s: every erase on an authority, the app's own on a replica.
    bool foreign_key_actions = true;

    /// Stands for a trigger of the app: may change the row that is being written, by anyone. Must neither throw nor call
    /// the store.
    std::function<void(const record_key&, record&)> trigger;
};

/// The rows of the app's tables, ordered by model and key, with what guards the unique fields. The base of a memory store's state.
struct memory_tables {
    std::map<record_key, record> rows;
    std::map<std::string, record_key> unique;  ///< by model, field and value
};

/// The rules of a memory store's tables, and the only code that changes their rows.
class memory_table_rules {
public:
    memory_table_rules(schema_set schemas, memory_table_options options)
        : schemas_(std::move(schemas)), options_(std::move(options)) {}

    [[nodiscard]] const schema_set& schemas() const noexcept { return schemas_; }
    [[nodiscard]] const memory_table_options& options() const noexcept { return options_; }
    [[nodiscard]] bool foreign_key_actions() const noexcept { return options_.foreign_key_actions; }

    /// The row that is stored when @p row is written: what the app's trigger makes of it.
    [[nodiscard]] record triggered(const record_key& key, record row) const {
        if (options_.trigger) options_.trigger(key, row);
        return row;
    }

    /// Stores @p row, as it is.
    /// @return `errc::unknown_model`; `errc::invalid_key` for an empty key; `errc::constraint`. Then nothing was changed.
    template <class State>
    [[nodiscard]] result<void> put(State& state, undo_journal<State>& journal, const record_key& key, record row) const {
        if (auto fits = check_shape(key, row); !fits) return fits;
        auto wanted = unique_entries(key.model, row);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (!wanted[i]) continue;
            const auto other = state.unique.find(*wanted[i]);
            if (other != state.unique.end() && other->second != key)
                return make_fault(errc::constraint, "unique constraint on `", schemas_[key.model].name, ".",
                                  field_name(options_.unique[i]), "`: another record has this value already; change one of them");
        }
        release_unique(state, journal, key);
        for (const auto& entry : wanted)
            if (entry) journal.put(state, &State::unique, *entry, key);
        journal.put(state, &State::rows, key, std::move(row));
        return {};
    }

    /// Takes the row of @p key out, without foreign-key actions. @return whether it was there
    template <class State>
    bool drop(State& state, undo_journal<State>& journal, const record_key& key) const {
        release_unique(state, journal, key);
        return journal.drop(state, &State::rows, key);
    }

    /// Takes the row of @p key out as the database would: rows that refer to it are erased or lose their reference, as their
    /// schemas say. An absent row is fine.
    /// @param touched  called with the key of every row that is about to be changed, and whether it is erased
    /// @return `errc::constraint`, and then nothing was changed. Complexity: a scan of every referring model per erased row
    template <class State, class Touched>
    [[nodiscard]] result<void> erase(State& state, undo_journal<State>& journal, const record_key& key, Touched touched) const {
        const std::size_t before = journal.mark();
        std::vector<record_key> doomed{key};
        while (!doomed.empty()) {
            const record_key next = std::move(doomed.back());
            doomed.pop_back();
            if (!state.rows.contains(next)) continue;
            touched(next, true);
            drop(state, journal, next);
            if (!options_.foreign_key_actions) continue;
            for (const auto& [model, reference] : referring(next.model)) {
                for (auto& child : rows_referring(state, model, *reference, next.key, state.rows.size())) {
                    if (reference->on_erase == reference_action::cascade) {
                        doomed.push_back(std::move(child));
                    } else if (reference->on_erase == reference_action::set_null) {
                        record row = state.rows.find(child)->second;
                        row.fields[reference->field] = value::null();
                        touched(child, false);
                        if (auto kept = put(state, journal, child, triggered(child, std::move(row))); !kept) {
                            journal.roll_back(state, before);
                            return kept;
                        }
                    }
                }
            }
        }
        return {};
    }

    /// At most @p limit rows whose cascading references name @p key, in key order.
    [[nodiscard]] std::vector<record_key> cascading_to(const memory_tables& tables, const record_key& key, std::size_t limit) const {
        std::vector<record_key> out;
        if (!schemas_.contains(key.model)) return out;
        std::unordered_set<record_key, record_key_hash> known;  // a row may refer to the record by two fields
        for (const auto& [model, reference] : referring(key.model)) {
            if (reference->on_erase != reference_action::cascade) continue;
            for (auto& child : rows_referring(tables, model, *reference, key.key, limit))
                if (out.size() < limit && known.insert(child).second) out.push_back(std::move(child));
        }
        return out;
    }

    /// At most @p limit rows with any reference to @p key, in key order by model.
    [[nodiscard]] std::vector<record_key> referring_to(const memory_tables& tables, const record_key& key, std::size_t limit) const {
        std::vector<record_key> out;
        if (!schemas_.contains(key.model)) return out;
        std::unordered_set<record_key, record_key_hash> known;
        for (const auto& [model, reference] : referring(key.model))
            for (auto& child : rows_referring(tables, model, *reference, key.key, limit))
                if (out.size() < limit && known.insert(child).second) out.push_back(std::move(child));
        return out;
    }

private:
    [[nodiscard]] const std::string& field_name(const unique_field& guarded) const {
        return schemas_[guarded.model].fields[guarded.field].name;
    }

    [[nodiscard]] result<void> check_shape(const record_key& key, const record& row) const {
        if (!schemas_.contains(key.model))
            return make_fault(errc::unknown_model, "there is no model number ", std::to_string(key.model), "; register it before the store is made");
        const model_schema& schema = schemas_[key.model];
        if (key.key.empty()) return make_fault(errc::invalid_key, "a record of model `", schema.name, "` has an empty key");
        if (row.fields.size() != schema.fields.size())
            return make_fault(errc::bug, "a record of model `", schema.name, "` has ", std::to_string(row.fields.size()), " fields, the model has ",
                              std::to_string(schema.fields.size()));
        for (std::size_t f = 0; f < row.fields.size(); ++f)
            if (row.fields[f].is_null() && !schema.fields[f].nullable)
                return make_fault(errc::constraint, "not null constraint on `", schema.name, ".", schema.fields[f].name, "`: the field needs a value");
        return {};
    }

    // One entry per guarded field, in the order of the options; nothing where it does not apply.
    [[nodiscard]] std::vector<std::optional<std::string>> unique_entries(model_id model, const record& row) const {
        std::vector<std::optional<std::string>> out(options_.unique.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            const unique_field& guarded = options_.unique[i];
            if (guarded.model != model || guarded.field >= row.fields.size() || row.fields[guarded.field].is_null()) continue;
            std::string entry;
            byte_writer w{entry};
            w.number(guarded.model);
            w.number(guarded.field);
            w.put(row.fields[guarded.field]);
            out[i] = std::move(entry);
        }
        return out;
    }

    template <class State>
    void release_unique(State& state, undo_journal<State>& journal, const record_key& key) const {
        if (options_.unique.empty()) return;
        const auto old = state.rows.find(key);
        if (old == state.rows.end()) return;
        for (const auto& entry : unique_entries(key.model, old->second))
            if (entry) journal.drop(state, &State::unique, *entry);
    }

    // Every reference of every model to @p target.
    [[nodiscard]] std::vector<std::pair<model_id, const reference_schema*>> referring(model_id target) const {
        std::vector<std::pair<model_id, const reference_schema*>> out;
        for (std::size_t m = 0; m < schemas_.size(); ++m)
            for (const auto& reference : schemas_[static_cast<model_id>(m)].references)
                if (reference.model == schemas_[target].name) out.emplace_back(static_cast<model_id>(m), &reference);
        return out;
    }

    [[nodiscard]] static std::vector<record_key> rows_referring(const memory_tables& tables, model_id model, const reference_schema& reference,
                                                                const std::string& key, std::size_t limit) {
        std::vector<record_key> out;
        for (auto at = tables.rows.lower_bound(record_key{model, {}}); at != tables.rows.end() && at->first.model == model; ++at) {
            if (out.size() >= limit) break;
            if (referenced_key(at->second.fields[reference.field]) == key) out.push_back(at->first);
        }
        return out;
    }

    schema_set schemas_;
    memory_table_options options_;
};

SYNCLINE_NAMESPACE_END

#endif
