#ifndef SYNCLINE_ENGINE_ATTACHMENT_HPP
#define SYNCLINE_ENGINE_ATTACHMENT_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/freezing.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/engine/scope_connection.hpp>
#include <syncline/engine/source_renewal.hpp>
#include <syncline/model/record.hpp>
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

/// Asks for the authority's picture, from its first row on; what was staged of another one goes.
template <replica_transaction Transaction>
[[nodiscard]] result<void> begin_picture(Transaction& t, replica_state& state) {
    state.needs_hydration = true;
    state.hydration_session.clear();
    state.hydration_position = 0;
    return t.clear_stage();
}

/// Takes in how an authority of the bundle wire lets the device in (sheet `bundle` 2.1, 2.9). What the device holds of an account that is new
/// to the authority, or that this one has forgotten meanwhile, belongs to a timeline that is gone: it is compared with the picture.
/// @param drop  where the account has data, changes that were made before anybody signed in are given up when the picture is swapped in
template <replica_transaction Transaction>
[[nodiscard]] result<void> enter_scope(Transaction& t, replica_state& state, const scope_connection& scope, bool drop) {
    if (scope.what == scope_resolution::retry_later) return {};
    const bool filled = scope.what == scope_resolution::remote_authoritative;
    const lost_intervals everything{lost_interval{0, (std::numeric_limits<std::int64_t>::max)(), 0, (std::numeric_limits<std::int64_t>::max)()}};
    bool gone = false;
    if (!filled || state.attachment == scope_attachment::reconnecting) {
        auto holds = mark_lost_bases(t, everything);
        if (!holds) return std::move(holds).error();
        auto waited = release_lost_quarantined(t, everything);
        if (!waited) return std::move(waited).error();
        gone = *holds || *waited;
        state.checkpoint = 0;
    }
    if (!filled) {
        // Where nothing was ever committed, there is no source to retire. Told later, it would name a successor that has written meanwhile.
        state.replaced_source.clear();
        state.replacement_reason.clear();
    }
    state.give_up_below = filled && drop && state.attachment == scope_attachment::anonymous ? state.next_ordinal : 0;
    state.attachment = scope_attachment::attached;
    state.initialization_id = scope.what == scope_resolution::initialize_local ? scope.initialization_id : std::string{};
    if (filled || gone) return begin_picture(t, state);
    state.needs_hydration = false;  // the account is empty, and so is what the device has of it
    state.hydration_session.clear();
    state.hydration_position = 0;
    return t.clear_stage();
}

/// The authority does not let the device in, or not any more: it is to ask again. One that was to fill the account and did not belongs to nobody again.
/// One that was in it takes a fresh source, before the right to fill the account is given to one: an authority that forgot the account forgot the numbers.
template <replica_transaction Transaction>
[[nodiscard]] result<void> leave_scope(Transaction& t, row_placement<Transaction>& rows, replica_state& state, random_source random) {
    const bool was_in = state.initialization_id.empty() && state.attachment == scope_attachment::attached;
    if (state.attachment == scope_attachment::attached) state.attachment = was_in ? scope_attachment::reconnecting : scope_attachment::anonymous;
    state.initialization_id.clear();
    return was_in ? take_new_source(t, rows, state, random, std::nullopt) : result<void>{};
}

/// Gives up the changes that were made before anybody signed in, where that was chosen when the device was let in: those of records that no
/// authority ever acknowledged. Later changes stay. Runs in the transaction that swaps the account's picture in.
template <replica_transaction Transaction>
[[nodiscard]] result<void> give_up_anonymous(Transaction& t, row_placement<Transaction>& rows, replica_state& state, apply_report& report) {
    if (state.give_up_below == 0) return {};
    const std::uint64_t below = std::exchange(state.give_up_below, 0);
    constexpr std::size_t everything = (std::numeric_limits<std::size_t>::max)();
    const auto anonymous = [below](const intent& what) { return what.ordinal < below && what.base.row_version == 0 && what.base.after.empty(); };

    // A batch of such changes is on no way that could end well: the right to fill the account was another device's.
    auto current = t.current_batch();
    if (!current) return std::move(current).error();
    if (*current && (*current)->state == batch_state::prepared) {
        std::vector<batch_item> items;
        if (auto r = frozen_items_of(t, items); !r) return r;
        if (auto r = t.drop_batch(); !r) return r;
        for (auto& item : items)
            if (auto r = rows.back_to_open(std::move(item.what), std::nullopt); !r) return r;
    }
    std::vector<record_key> gone;
    auto ready = t.ready_intents(send_position{}, everything);
    if (!ready) return std::move(ready).error();
    for (const auto& [position, what] : *ready)
        if (anonymous(what)) gone.push_back(what.key);
    auto waiting = t.waiting_intents(everything);
    if (!waiting) return std::move(waiting).error();
    for (const auto& what : *waiting)
        if (anonymous(what)) gone.push_back(what.key);
    for (const auto& key : gone)
        if (auto r = t.drop_open(key); !r) return r;
    for (const auto& key : gone)
        if (auto r = rows.rebase(key); !r) return r;
    report.given_up = std::move(gone);
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
