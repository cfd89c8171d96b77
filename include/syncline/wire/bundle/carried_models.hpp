#ifndef SYNCLINE_WIRE_BUNDLE_CARRIED_MODELS_HPP
#define SYNCLINE_WIRE_BUNDLE_CARRIED_MODELS_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/bundle/rows.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The column in which go-oversync's servers keep whose row it is; no payload may have it (sheet 1.5).
inline constexpr std::string_view reserved_column = "_sync_scope_id";

/// Checks that the wire can carry the records of every model as they are: for a server, which must find out before the first device does.
///
/// What it carries are rows of tables with one key that is a text or a UUID, whose references hold such keys of tables that are served too (sheet 4.3).
/// Names are not told apart by the case of their letters. Go-oversync's clients know no names but of letters, digits and underscores (sheet 1.5); our own
/// devices take any.
/// @return `errc::unsupported`, with the model, what is wrong with it, and what to do
[[nodiscard]] inline result<void> check_carried(const schema_set& schemas) {
    const auto refused = [](const model_schema& model, const std::string& what, std::string_view remedy) {
        return make_fault(errc::unsupported, "the bundle wire cannot carry model `", model.name, "`: ", what, "; ", remedy);
    };
    constexpr std::string_view instead = ", or take the model out of this server, or mount the mutation wire alone";
    const auto or_else = [&](std::string_view remedy) { return std::string{remedy}.append(instead); };
    const auto quoted = [](std::string_view before, std::string_view name, std::string_view after) {
        return std::string{before}.append(" `").append(name).append("`").append(after);
    };
    for (model_id id = 0; id < schemas.size(); ++id) {
        const model_schema& model = schemas[id];
        for (model_id other = 0; other < id; ++other)
            if (detail::same_letters(schemas[other].table_name(), model.table_name()))
                return refused(model, quoted("its table", model.table_name(), "").append(" has the name of model `").append(schemas[other].name).append("`'s, `")
                                          .append(schemas[other].table_name()).append("`, but for the case of letters, which the wire does not tell apart"),
                               or_else("rename one of them"));

        std::vector<std::string_view> columns{model.key_name};
        for (const auto& f : model.fields) columns.push_back(f.name);
        for (auto c = columns.begin(); c != columns.end(); ++c) {
            if (detail::same_letters(*c, reserved_column))
                return refused(model, quoted("it has the column", *c, ", by whose name go-oversync keeps rows apart, and which no payload may have"),
                               or_else(c == columns.begin() ? "rename it" : "rename it or leave it out of the model"));
            const auto twin = std::find_if(columns.begin(), c, [&](std::string_view earlier) { return detail::same_letters(earlier, *c); });
            if (twin != c)
                return refused(model, quoted("its columns", *twin, "").append(quoted(" and", *c, " differ in the case of letters alone, which the wire does not tell apart")),
                               or_else("rename one of them"));
        }

        if (model.key_kind != value_kind::text && model.key_kind != value_kind::bytes)
            return refused(model, quoted("its key", model.key_name, " holds ").append(name_of(model.key_kind)).append("s, and the wire's keys are texts or UUIDs"),
                           or_else("give it a key of text or a UUID of 16 octets, or one that the store assigns beside the app's own (`sync_key`)"));
        for (const auto& r : model.references) {
            const field_schema& field = model.fields[r.field];
            const auto target = schemas.find(r.model);
            if (!target)
                return refused(model, quoted("its field", field.name, "").append(quoted(" refers to", r.model, ", which is not served here")), or_else("serve that model too, or leave the field out of the model"));
            // What is no text or UUID names no record of the other table.
            if (field.kind != value_kind::text && field.kind != value_kind::bytes)
                return refused(model, quoted("its field", field.name, "").append(" holds ").append(name_of(field.kind)).append(quoted("s and refers to", r.model, ""))
                                          .append(", whose sync keys are texts or UUIDs"),
                               or_else("let the foreign key hold the sync key"));
        }
    }
    return {};
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
