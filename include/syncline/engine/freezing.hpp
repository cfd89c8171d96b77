#ifndef SYNCLINE_ENGINE_FREEZING_HPP
#define SYNCLINE_ENGINE_FREEZING_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Freezes the next batch of a device that has none in flight: at most @p limit open intents that wait for nothing, in the order of
/// sending, get their ids here (ENGINE.md rule 4). A creation goes before what refers to it, also where it was made later: then it stands
/// in front of that change (rule 11).
/// @param numbered  the batch gets the source's next bundle number
/// @param out       the batch; left alone when there is nothing to send
template <replica_transaction Transaction>
[[nodiscard]] result<void> freeze_next(Transaction& t, const schema_set& schemas, replica_state& state, std::size_t limit, bool numbered,
                                       random_source random, timestamp now, std::optional<frozen_batch>& out) {
    const auto open_of = [&](const record_key& key) { return t.open_intent(key); };
    std::vector<intent> chosen;
    record_names taken;
    record_names held;
    send_position after;
    while (chosen.size() < limit) {
        auto some = t.ready_intents(after, (std::min<std::size_t>)(limit - chosen.size(), 500));
        if (!some) return std::move(some).error();
        if (some->empty()) break;
        after = some->back().first;
        for (auto& [position, open] : *some) {
            if (taken.contains(open.key)) continue;
            auto first = needed_creations(schemas, open, open_of, taken, held);
            if (!first) return std::move(first).error();
            if (!*first) {
                held.insert(open.key);
                continue;
            }
            (*first)->push_back(std::move(open));
            for (auto& what : **first) {
                if (chosen.size() == limit) break;
                taken.insert(what.key);
                chosen.push_back(std::move(what));
            }
        }
    }
    if (chosen.empty()) return {};
    batch head;
    head.id = state.next_batch_id++;
    head.source_bundle_id = numbered ? state.next_source_bundle_id : 0;
    head.frozen_items = static_cast<std::uint32_t>(chosen.size());
    if (auto r = t.put_batch(head); !r) return r;
    out.emplace();
    out->head = head;
    ulid_generator ids;
    for (auto& open : chosen) {
        batch_item item{to_string(ids.next(now, random)), static_cast<std::uint32_t>(out->items.size()), std::move(open)};
        if (auto r = t.drop_open(item.what.key); !r) return r;
        if (auto r = t.put_frozen(item); !r) return r;
        out->items.push_back(std::move(item));
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
