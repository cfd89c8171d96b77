#ifndef SYNCLINE_MODEL_FIELD_CHOICE_HPP
#define SYNCLINE_MODEL_FIELD_CHOICE_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Which columns of a table are synced, where the model was read from the database. By default all.
struct field_choice {
    std::vector<std::string> only;       ///< just these; empty: all
    std::vector<std::string> except;     ///< all but these; they stay the table's own on either side
    std::vector<std::string> read_only;  ///< of those that are synced: taken in from the authority and never sent (`field_schema::read_only`)
};

/// Leaves in @p schema the fields of @p choice, in their order. References by a field that goes are plain data of the table from then on.
/// @return the model; `errc::unknown_field` for a name that is no field of it, `errc::invalid_argument` where both lists are given
[[nodiscard]] inline result<model_schema> choose_fields(model_schema schema, const field_choice& choice) {
    if (!choice.only.empty() && !choice.except.empty())
        return make_fault(errc::invalid_argument, "model `", schema.name, "`: name the fields that are synced, or those that are not; not both");
    const auto names = [](const std::vector<std::string>& list, const std::string& name) { return std::find(list.begin(), list.end(), name) != list.end(); };
    const auto stays = [&](const std::string& name) { return choice.only.empty() ? !names(choice.except, name) : names(choice.only, name); };
    for (const auto* list : {&choice.only, &choice.except, &choice.read_only})
        for (const auto& name : *list)
            if (!schema.find_field(name) || (list == &choice.read_only && !stays(name)))
                return make_fault(errc::unknown_field, "model `", schema.name, "` syncs no field `", name, "`");
    std::vector<field_schema> kept;
    std::vector<std::optional<field_index>> moved(schema.fields.size());
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
        if (!stays(schema.fields[f].name)) continue;
        moved[f] = static_cast<field_index>(kept.size());
        kept.push_back(std::move(schema.fields[f]));
        kept.back().read_only = kept.back().read_only || names(choice.read_only, kept.back().name);
    }
    schema.fields = std::move(kept);
    std::erase_if(schema.references, [&](const reference_schema& r) { return r.field >= moved.size() || !moved[r.field]; });
    for (auto& r : schema.references) r.field = *moved[r.field];
    return schema;
}

SYNCLINE_NAMESPACE_END

#endif
