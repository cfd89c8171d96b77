#ifndef SYNCLINE_MODEL_MODEL_SCHEMA_HPP
#define SYNCLINE_MODEL_MODEL_SCHEMA_HPP

#include <syncline/model/app_times.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// When two changes of one record count as overlapping.
enum class overlap_policy : std::uint8_t {
    by_field,      ///< where they change the same field (the default): others are merged and no resolver is asked
    by_row,        ///< always: any two changes of one record
    by_timestamp,  ///< Tether's rule: when the change is older than the row; off unless named
};

/// What the database does to a referencing record when the referenced one is erased.
enum class reference_action : std::uint8_t { none, cascade, set_null };

/// One field of a model.
struct field_schema {
    std::string name;
    value_kind kind = value_kind::text;  ///< the natural kind of its values; null is always possible where `nullable`
    bool nullable = true;
    const field_merge* merge = nullptr;  ///< not owned, static; nullptr: a plain register
    /// Taken in from the authority and never sent: what the app writes to it, other than with a new record, is put back.
    bool read_only = false;
};

/// A field that holds the key of another record.
struct reference_schema {
    field_index field = 0;
    std::string model;  ///< the referenced model's name
    reference_action on_erase = reference_action::none;
};

/// The run-time description of a model: what the engines, stores and wires work on. Made from `model_traits<T>` or from
/// a table of a database.
struct model_schema {
    std::string name;
    std::string key_name = "id";               ///< the key's column
    value_kind key_kind = value_kind::text;    ///< how the app's table stores the key: text, integer or bytes (UUID)
    /// The key is a ULID beside the app's own primary key, which stays local: whoever inserts a row may leave the key out, and the store gives it one.
    bool key_assigned = false;
    std::vector<field_schema> fields;          ///< without the key
    std::vector<reference_schema> references;
    overlap_policy overlap = overlap_policy::by_field;
    std::string table;  ///< the app's table where it differs from `name`; empty: the same
    app_times times;    ///< columns in which the app's table notes its rows' times

    /// The table's name.
    [[nodiscard]] const std::string& table_name() const noexcept { return table.empty() ? name : table; }

    /// The position of the field called @p field_name, if there is one. Linear in the number of fields.
    [[nodiscard]] std::optional<field_index> find_field(std::string_view field_name) const {
        for (std::size_t i = 0; i < fields.size(); ++i)
            if (fields[i].name == field_name) return static_cast<field_index>(i);
        return std::nullopt;
    }

    /// Whether @p column is set with the times of writes: the table has it, and it is no field.
    [[nodiscard]] bool notes_time(const time_column& column) const { return column.is_there() && !find_field(column.name); }

    /// The set of all fields.
    [[nodiscard]] field_set all_fields() const { return field_set::first(fields.size()); }
};

/// The models that one store, engine or server works on, in a fixed order. Ids are positions in it.
class schema_set {
public:
    /// Adds @p schema.
    /// @return its id; or `errc::invalid_argument` for an empty or repeated name, a key without a name, a field without or with a
    ///         repeated name, one named like the key, more than `max_fields` fields, or a reference by a field that is not
    ///         there, or a column for times that is the key, stands twice, or holds soft deletes and is a field.
    [[nodiscard]] result<model_id> add(model_schema schema) {
        if (schema.name.empty()) return make_fault(errc::invalid_argument, "a model without a name was registered; give it one");
        if (find(schema.name))
            return make_fault(errc::invalid_argument, "model `", schema.name, "` is registered twice; register each model once");
        if (schema.key_name.empty())
            return make_fault(errc::invalid_argument, "model `", schema.name, "` names no key column");
        if (schema.fields.size() > max_fields)
            return make_fault(errc::invalid_argument, "model `", schema.name, "` has more than 256 fields; split it");
        for (std::size_t i = 0; i < schema.fields.size(); ++i) {
            const auto& f = schema.fields[i];
            if (f.name.empty()) return make_fault(errc::invalid_argument, "model `", schema.name, "` has a field without a name");
            if (f.name == schema.key_name)
                return make_fault(errc::invalid_argument, "model `", schema.name, "`: field `", f.name, "` has the name of the key");
            for (std::size_t j = 0; j < i; ++j)
                if (schema.fields[j].name == f.name)
                    return make_fault(errc::invalid_argument, "model `", schema.name, "`: field `", f.name, "` is listed twice");
        }
        for (const auto& r : schema.references)
            if (r.field >= schema.fields.size())
                return make_fault(errc::invalid_argument, "model `", schema.name, "`: a reference to `", r.model,
                                  "` names a field that the model does not have");
        const auto& times = schema.times;
        for (const auto* column : {&times.created_at, &times.updated_at, &times.deleted_at}) {
            if (!column->is_there()) continue;
            if (column->name == schema.key_name)
                return make_fault(errc::invalid_argument, "model `", schema.name, "`: the key column `", column->name, "` cannot note times");
            for (const auto* other : {&times.created_at, &times.updated_at, &times.deleted_at})
                if (other != column && other->name == column->name)
                    return make_fault(errc::invalid_argument, "model `", schema.name, "`: the column `", column->name, "` is to note two times; name one for each");
        }
        if (times.deleted_at.is_there() && schema.find_field(times.deleted_at.name))
            return make_fault(errc::invalid_argument, "model `", schema.name, "`: the soft-delete column `", times.deleted_at.name,
                              "` is listed as a field; leave it out, deletes and restores are synced as such");
        models_.push_back(std::move(schema));
        rank();
        return static_cast<model_id>(models_.size() - 1);
    }

    [[nodiscard]] std::size_t size() const noexcept { return models_.size(); }
    [[nodiscard]] bool contains(model_id id) const noexcept { return id < models_.size(); }
    /// The schema of @p id. @pre `contains(id)`
    [[nodiscard]] const model_schema& operator[](model_id id) const { return models_[id]; }
    [[nodiscard]] auto begin() const noexcept { return models_.begin(); }
    [[nodiscard]] auto end() const noexcept { return models_.end(); }

    /// The id of the model called @p name.
    [[nodiscard]] std::optional<model_id> find(std::string_view name) const {
        for (std::size_t i = 0; i < models_.size(); ++i)
            if (models_[i].name == name) return static_cast<model_id>(i);
        return std::nullopt;
    }

    /// How deep the model stands under the models it refers to: a referenced model's rank is lower, except within a
    /// cycle. Writes run in rising, erases in falling rank.
    [[nodiscard]] std::uint32_t rank_of(model_id id) const { return ranks_[id]; }

private:
    void rank() {
        ranks_.assign(models_.size(), 0);
        // Longest path by relaxation; a cycle is cut off by the bounded number of rounds.
        for (std::size_t round = 0; round < models_.size(); ++round)
            for (std::size_t i = 0; i < models_.size(); ++i)
                for (const auto& r : models_[i].references)
                    if (const auto target = find(r.model); target && *target != i && ranks_[i] <= ranks_[*target] &&
                                                           ranks_[*target] + 1 < models_.size())
                        ranks_[i] = ranks_[*target] + 1;
    }

    std::vector<model_schema> models_;
    std::vector<std::uint32_t> ranks_;
};

SYNCLINE_NAMESPACE_END

#endif
