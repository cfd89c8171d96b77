#ifndef SYNCLINE_ENGINE_ACCOUNT_CHANGE_HPP
#define SYNCLINE_ENGINE_ACCOUNT_CHANGE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/engine/source_renewal.hpp>
#include <syncline/engine/unread_rows.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What becomes of changes that were not sent when a device is given over to another account.
enum class unsent_changes : std::uint8_t {
    discard,
    /// Records that were created here and never acknowledged go to the new account; changes of the old account's records are discarded.
    keep_new_records,
};

/// Gives a device over to another account: everything that it has from the old one goes, out of the app's tables too, and the next sync builds
/// the state from the new one's picture under a new source (sheet `mutation` W36).
/// Complexity: linear in what the device has, in one transaction
template <replica_transaction Transaction>
[[nodiscard]] result<void> leave_account(Transaction& t, row_placement<Transaction>& rows, unread_rows<Transaction>& unread, replica_state& state,
                                         unsent_changes unsent, random_source random) {
    constexpr std::size_t everything = (std::numeric_limits<std::size_t>::max)();
    std::vector<batch_item> items;
    if (auto r = frozen_items_of(t, items); !r) return r;
    if (auto r = t.drop_batch(); !r) return r;
    for (auto& item : items)
        if (auto r = rows.back_to_open(std::move(item.what), std::nullopt); !r) return r;

    std::vector<intent> open;
    auto ready = t.ready_intents(send_position{}, everything);
    if (!ready) return std::move(ready).error();
    for (auto& [position, what] : *ready) open.push_back(std::move(what));
    auto waiting = t.waiting_intents(everything);
    if (!waiting) return std::move(waiting).error();
    for (auto& what : *waiting) open.push_back(std::move(what));

    std::vector<record_key> changed;
    for (auto& what : open) {
        changed.push_back(what.key);
        if (auto r = t.drop_open(what.key); !r) return r;
        const bool never_acknowledged = what.base.row_version == 0 && what.base.after.empty();
        if (unsent != unsent_changes::keep_new_records || what.op != operation::create || !never_acknowledged) continue;
        what.waiting.reset();
        what.before.reset();
        if (auto r = rows.put_open(what); !r) return r;
    }

    auto refused = t.quarantined(everything);
    if (!refused) return std::move(refused).error();
    for (const auto& q : *refused)
        if (auto r = t.release(q.image.key); !r) return r;
    auto lost = t.lost_rows(everything);
    if (!lost) return std::move(lost).error();
    for (const auto& row : *lost)
        if (auto r = t.drop_lost(row.key); !r) return r;
    if (auto r = unread.clear(); !r) return r;
    if (auto r = t.clear_stage(); !r) return r;

    auto known = t.bases_within(-1, (std::numeric_limits<std::int64_t>::max)(), nullptr, everything);
    if (!known) return std::move(known).error();
    changed.insert(changed.end(), known->begin(), known->end());
    for (const auto& key : changed)
        if (auto r = rows.place(key, known_base{}); !r) return r;

    state.account.clear();
    state.user.clear();
    state.attachment = scope_attachment::anonymous;
    state.initialization_id.clear();
    state.give_up_below = 0;
    state.epoch.clear();
    state.checkpoint = 0;
    state.needs_hydration = true;
    state.hydration_session.clear();
    state.hydration_position = 0;
    state.last_sync_us = state.last_run_us = 0;
    return take_new_source(t, rows, state, random, std::nullopt);
}

SYNCLINE_NAMESPACE_END

#endif
