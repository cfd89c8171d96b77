#ifndef SYNCLINE_ENGINE_SOURCE_RENEWAL_HPP
#define SYNCLINE_ENGINE_SOURCE_RENEWAL_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/freezing.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Puts a batch in flight that is numbered back to open; with @p why any batch, whose intents then wait for it. One of the mutation wire keeps
/// its ids otherwise, since a receipt may still answer them.
template <replica_transaction Transaction>
[[nodiscard]] result<void> thaw_batch(Transaction& t, row_placement<Transaction>& rows, const std::optional<wait_reason>& why) {
    auto current = t.current_batch();
    if (!current) return std::move(current).error();
    if (!*current || ((*current)->source_bundle_id == 0 && !why)) return {};
    std::vector<batch_item> items;
    if (auto r = frozen_items_of(t, items); !r) return r;
    if (auto r = t.drop_batch(); !r) return r;
    for (auto& item : items) {
        const record_key key = item.what.key;
        if (auto r = rows.back_to_open(std::move(item.what), why); !r) return r;
        if (auto r = rows.rebase(key); !r) return r;
    }
    return {};
}

/// Gives the device a new source id, whose bundles are numbered from 1, because the old one's history is broken (ENGINE.md rules 8 and 10), and
/// thaws the batch in flight (`thaw_batch`).
///
/// A replacement that no authority was told of is forgotten: who takes a source this way has met an authority that forgot the account or was
/// restored, and knows no source to retire; or belongs to another account, whose authority must not hear of it; or is a copy, whose original tells
/// of its own. Nothing hangs on being told: the former source is never written under again, and what was numbered there is open or waits.
/// @param why  what the batch's intents wait for, whatever the wire; nothing: they go out again by themselves
template <replica_transaction Transaction>
[[nodiscard]] result<void> take_new_source(Transaction& t, row_placement<Transaction>& rows, replica_state& state, random_source random,
                                           const std::optional<wait_reason>& why) {
    if (auto r = thaw_batch(t, rows, why); !r) return r;
    state.source_id = to_string(make_uuid_v4(random));
    state.next_source_bundle_id = 1;
    state.replaced_source.clear();
    state.replacement_reason.clear();
    return {};
}

/// The same where the authority is to be told which source took the place of which, because of @p reason (sheet `bundle` 2.5). Until it was told, a
/// source under which nothing was numbered stays: it has no history that could be broken. The authority may have heard of it as the successor of the
/// one that it knows, its answer being lost, and would take any other one for a copy's.
template <replica_transaction Transaction>
[[nodiscard]] result<void> take_successor(Transaction& t, row_placement<Transaction>& rows, replica_state& state, random_source random,
                                          const std::optional<wait_reason>& why, std::string reason) {
    auto current = t.current_batch();
    if (!current) return std::move(current).error();
    const bool used = state.next_source_bundle_id != 1 || (*current && (*current)->source_bundle_id != 0);
    if (!state.replaced_source.empty() && !used) return thaw_batch(t, rows, why);
    std::string before = state.source_id;
    if (auto r = take_new_source(t, rows, state, random, why); !r) return r;
    state.replaced_source = std::move(before);
    state.replacement_reason = std::move(reason);
    return {};
}

/// Lets every open intent wait for @p why.
template <replica_transaction Transaction>
[[nodiscard]] result<void> hold_open(Transaction& t, row_placement<Transaction>& rows, const wait_reason& why) {
    for (;;) {
        auto some = t.ready_intents(send_position{}, 500);  // those that wait now are in it no longer
        if (!some) return std::move(some).error();
        if (some->empty()) return {};
        for (auto& [position, open] : *some) {
            open.waiting = why;
            if (auto r = rows.put_open(open); !r) return r;
        }
    }
}

/// Marks every base whose version was given in a timeline that is gone, so that any row of the authority replaces it.
/// @return whether there was one
template <replica_transaction Transaction>
[[nodiscard]] result<bool> mark_lost_bases(Transaction& t, const lost_intervals& lost) {
    bool any = false;
    for (const auto& interval : lost) {
        std::optional<record_key> last;
        while (true) {
            auto keys = t.bases_within(interval.after_seq, interval.before_seq, last ? &*last : nullptr, 500);
            if (!keys) return std::move(keys).error();
            if (keys->empty()) break;
            any = true;
            last = keys->back();
            for (const auto& key : *keys) {
                auto base = t.base(key);
                if (!base) return std::move(base).error();
                base->lost = true;
                if (auto r = t.put_base(key, *base); !r) return std::move(r).error();
            }
        }
    }
    return any;
}

/// Gives up the quarantined rows whose version was given in a timeline that is gone: their numbers are above those of the rows that the
/// authority has now. Each is kept as lost, unless the record's own base is, whose image was seen.
/// @pre `mark_lost_bases` was called
/// @return whether there was one
template <replica_transaction Transaction>
[[nodiscard]] result<bool> release_lost_quarantined(Transaction& t, const lost_intervals& lost) {
    auto rows = t.quarantined((std::numeric_limits<std::size_t>::max)());
    if (!rows) return std::move(rows).error();
    bool any = false;
    for (auto& q : *rows) {
        if (!is_lost_seq(lost, q.image.version)) continue;
        any = true;
        if (auto r = t.release(q.image.key); !r) return std::move(r).error();
        auto base = t.base(q.image.key);
        if (!base) return std::move(base).error();
        if (base->lost || !q.image.row) continue;
        if (auto r = t.put_lost(q.image); !r) return std::move(r).error();
    }
    return any;
}

/// What a device does when the authority tells that restores undid @p lost: marks what it holds of that, and where there was any, or a batch was
/// acknowledged there, takes a new source.
template <replica_transaction Transaction>
[[nodiscard]] result<void> leave_lost_timeline(Transaction& t, row_placement<Transaction>& rows, replica_state& state, const lost_intervals& lost,
                                               random_source random) {
    auto holds = mark_lost_bases(t, lost);
    if (!holds) return std::move(holds).error();
    auto waited = release_lost_quarantined(t, lost);
    if (!waited) return std::move(waited).error();
    auto current = t.current_batch();
    if (!current) return std::move(current).error();
    const bool acknowledged = *current && (*current)->state == batch_state::committed_remote && is_lost_seq(lost, (*current)->committed_seq);
    return *holds || *waited || acknowledged ? take_new_source(t, rows, state, random, std::nullopt) : result<void>{};
}

/// What a device does when an authority that gave its rows no versions is replaced by one that does: no version that is held means anything
/// there, and whether it knows of the batch in flight cannot be told, so that waits for a person.
template <replica_transaction Transaction>
[[nodiscard]] result<void> leave_unversioned(Transaction& t, row_placement<Transaction>& rows, replica_state& state, random_source random) {
    if (auto r = take_new_source(t, rows, state, random,
                                 wait_reason{errc::maybe_sent, "the server was replaced while the change was on its way, so it may have arrived; "
                                                               "compare with the record, then retry or discard it"});
        !r)
        return r;
    const lost_intervals everything{lost_interval{0, (std::numeric_limits<std::int64_t>::max)(), 0, (std::numeric_limits<std::int64_t>::max)()}};
    if (auto holds = mark_lost_bases(t, everything); !holds) return std::move(holds).error();
    if (auto waited = release_lost_quarantined(t, everything); !waited) return std::move(waited).error();
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
