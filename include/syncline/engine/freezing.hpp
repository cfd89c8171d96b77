#ifndef SYNCLINE_ENGINE_FREEZING_HPP
#define SYNCLINE_ENGINE_FREEZING_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/conflict/time_texts.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Appends the items of the batch in flight to @p out, by position.
template <replica_transaction Transaction>
[[nodiscard]] result<void> frozen_items_of(Transaction& t, std::vector<batch_item>& out) {
    constexpr std::size_t most = 500;
    for (std::uint32_t from = 0;;) {
        auto some = t.frozen_items(from, most);
        if (!some) return std::move(some).error();
        if (some->empty()) return {};
        from = some->back().position + 1;
        for (auto& item : *some) out.push_back(std::move(item));
        if (some->size() < most) return {};
    }
}

namespace detail {

/// At most @p limit open intents that wait for nothing, in the order of sending. A creation goes before what refers to it, also where it was
/// made later: then it stands in front of that change (ENGINE.md rule 11). A change that no peer is to be sent is left waiting for a person instead.
/// @param taken      records whose changes are on their way: what is open over one stays, and what refers to one may go
/// @param set_aside  gets those that wait from now on, and why; nullptr: nobody asks
template <replica_transaction Transaction>
[[nodiscard]] result<std::vector<intent>> next_to_send(Transaction& t, const schema_set& schemas, std::size_t limit, record_names taken,
                                                       std::vector<waiting_change>* set_aside) {
    const auto open_of = [&](const record_key& key) { return t.open_intent(key); };
    std::vector<intent> chosen;
    record_names held;
    // Looked at before a change has an id: what may have been sent once is the authority's to answer.
    const auto sendable = [&](const intent& open) -> result<bool> {
        auto fit = check_time_texts(schemas, open);
        if (fit) return true;
        intent waits = open;
        waits.waiting = wait_reason{fit.error().code, std::move(fit.error().detail)};
        if (auto r = t.put_open(waits, send_class_of(schemas, waits)); !r) return std::move(r).error();
        held.insert(open.key);
        if (set_aside != nullptr) set_aside->emplace_back(open.key, std::move(*waits.waiting));
        return false;
    };
    send_position after;
    while (chosen.size() < limit) {
        auto some = t.ready_intents(after, (std::min<std::size_t>)(limit - chosen.size(), 500));
        if (!some) return std::move(some).error();
        if (some->empty()) break;
        after = some->back().first;
        for (auto& [position, open] : *some) {
            if (taken.contains(open.key) || held.contains(open.key)) continue;
            auto fit = sendable(open);
            if (!fit) return std::move(fit).error();
            if (!*fit) continue;
            auto first = needed_creations(schemas, open, open_of, taken, held);
            if (!first) return std::move(first).error();
            if (!*first) {
                held.insert(open.key);
                continue;
            }
            bool whole = true;
            for (const auto& parent : **first) {
                auto parent_fit = sendable(parent);
                if (!parent_fit) return std::move(parent_fit).error();
                whole = whole && *parent_fit;
            }
            if (!whole) {
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
    return chosen;
}

}  // namespace detail

/// What becomes of a batch that is in flight.
enum class batch_growth : std::uint8_t {
    none,     ///< it is given out as it is
    fill_up,  ///< one that the authority has answered and left undecided is filled up, so that it keeps nothing behind it from being sent
};

/// Gives out the batch in flight, or makes the next one: open intents get their ids here (ENGINE.md rule 4). What joins a batch stands after what is
/// there.
/// @param limit     how many items the batch has at most, unless it has more already
/// @param numbered  bundle wire: a new batch gets the source's next bundle number
/// @param out       the batch; left alone when there is nothing to send
/// @param set_aside  gets the changes that no peer is to be sent (`check_time_texts`), which wait for a person from now on, and why; nullptr: nobody asks
template <replica_transaction Transaction>
[[nodiscard]] result<void> freeze_batch(Transaction& t, const schema_set& schemas, replica_state& state, std::size_t limit, bool numbered,
                                        batch_growth growth, random_source random, timestamp now, std::optional<frozen_batch>& out,
                                        std::vector<waiting_change>* set_aside = nullptr) {
    auto current = t.current_batch();
    if (!current) return std::move(current).error();
    frozen_batch made;
    record_names taken;
    if (*current) {
        made.head = std::move(**current);
        if (auto r = frozen_items_of(t, made.items); !r) return r;
        for (const auto& item : made.items) taken.insert(item.what.key);
    }
    const bool grows = !*current || (made.head.state == batch_state::undecided && growth == batch_growth::fill_up);
    std::vector<intent> chosen;
    if (grows && made.items.size() < limit) {
        auto more = detail::next_to_send(t, schemas, limit - made.items.size(), std::move(taken), set_aside);
        if (!more) return std::move(more).error();
        chosen = std::move(*more);
    }
    if (!chosen.empty()) {
        if (!*current) {
            made.head.id = state.next_batch_id++;
            made.head.source_bundle_id = numbered ? state.next_source_bundle_id : 0;
            made.head.token = to_string(make_uuid_v4(random));
        }
        made.head.frozen_items += static_cast<std::uint32_t>(chosen.size());
        if (auto r = t.put_batch(made.head); !r) return r;
        ulid_generator ids;
        auto position = made.items.empty() ? std::uint32_t{0} : made.items.back().position + 1;
        for (auto& open : chosen) {
            batch_item item{to_string(ids.next(now, random)), position++, std::move(open)};
            if (auto r = t.drop_open(item.what.key); !r) return r;
            if (auto r = t.put_frozen(item); !r) return r;
            made.items.push_back(std::move(item));
        }
    }
    if (*current || !chosen.empty()) out = std::move(made);
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
