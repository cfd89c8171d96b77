#ifndef SYNCLINE_WIRE_MUTATION_PAYLOAD_MAPPER_HPP
#define SYNCLINE_WIRE_MUTATION_PAYLOAD_MAPPER_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Shapes the row of one record on a device, on its way to the server or from it; a fault keeps that record back, and nothing else. A pure function
/// of its arguments: what is sent again under its id is shaped again, and must come out as before.
using payload_mapper = std::function<result<void>(const model_schema&, const record_key&, record&)>;

namespace mutation_wire {

/// Shapes @p row; without a mapper it stays as it is.
[[nodiscard]] inline result<void> shape_row(const payload_mapper& mapper, const model_schema& schema, const record_key& key, record& row) {
    if (!mapper) return {};
    auto done = mapper(schema, key, row);
    row.fields.resize(schema.fields.size());
    return done;
}

/// Shapes what @p what writes: the row before and the row after it. Changed is what the user changed, and what differs between the two then.
[[nodiscard]] inline result<void> shape_intent(const payload_mapper& mapper, const model_schema& schema, intent& what) {
    if (!mapper || what.op == operation::erase) return {};
    record after = what.whole(schema.fields.size());
    if (auto r = shape_row(mapper, schema, what.key, after); !r) return r;
    const bool known = what.before.has_value();
    record before = known ? std::move(*what.before) : record{};
    before.fields.resize(schema.fields.size());
    if (known)
        if (auto r = shape_row(mapper, schema, what.key, before); !r) return r;
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
        const auto field = static_cast<field_index>(f);
        if (what.op == operation::create || what.changes.find(field) != nullptr || (known && after.fields[f] != before.fields[f]))
            what.changes.set(field, std::move(after.fields[f]));
    }
    if (known) what.before = std::move(before);
    return {};
}

/// Mutations as they are sent.
struct shaped_batch {
    std::vector<batch_item> items;
    std::optional<std::pair<mutation_id, fault>> refused;  ///< the first that the mapper refuses; then the items are not all of them
};

/// Shapes the first @p count of @p items.
[[nodiscard]] inline shaped_batch shape_batch(const payload_mapper& mapper, const schema_set& schemas, const std::vector<batch_item>& items, std::size_t count) {
    shaped_batch out;
    for (std::size_t i = 0; i < count; ++i) {
        out.items.push_back(items[i]);
        intent& what = out.items.back().what;
        if (auto r = shape_intent(mapper, schemas[what.key.model], what); !r) {
            out.refused.emplace(items[i].id, std::move(r).error());
            break;
        }
    }
    return out;
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
