#ifndef SYNCLINE_WIRE_MUTATION_WITNESS_HPP
#define SYNCLINE_WIRE_MUTATION_WITNESS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace mutation_wire {

/// Whether @p item can be sent before the others of @p batch and is judged for itself: a write that refers to no record which they create. A
/// deletion is not, since they may be what has to go before it.
[[nodiscard]] inline bool stands_alone(const schema_set& schemas, const frozen_batch& batch, const batch_item& item) {
    if (item.what.op == operation::erase) return false;
    const auto needed = needed_by(schemas, item.what);
    return std::none_of(batch.items.begin(), batch.items.end(), [&](const batch_item& other) {
        return other.what.op == operation::create && std::find(needed.begin(), needed.end(), other.what.key) != needed.end();
    });
}

/// A change that the server refused when it was sent alone.
using refused_change = std::pair<mutation_id, fault>;

/// Puts a change in front of @p batch that a server is to be asked about next, since it refused each of @p refused: where it takes this one in, the
/// fault lies in those; where it goes on refusing, in none (W22). Which one is drawn, so that in the long run no others can keep it from being found.
/// @return false: there is none, and nothing was moved. Complexity: linear in the batch for each change that refers to others
[[nodiscard]] inline bool bring_witness(const schema_set& schemas, frozen_batch& batch, const std::vector<refused_change>& refused, random_source random) {
    std::vector<std::size_t> able;
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
        const auto& id = batch.items[i].id;
        if (std::any_of(refused.begin(), refused.end(), [&](const refused_change& r) { return r.first == id; })) continue;
        if (stands_alone(schemas, batch, batch.items[i])) able.push_back(i);
    }
    if (able.empty()) return false;
    const auto place = static_cast<std::ptrdiff_t>(able[random.next() % able.size()]);
    std::rotate(batch.items.begin(), batch.items.begin() + place, batch.items.begin() + place + 1);
    if (!batch.rows.empty()) std::rotate(batch.rows.begin(), batch.rows.begin() + place, batch.rows.begin() + place + 1);
    return true;
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
