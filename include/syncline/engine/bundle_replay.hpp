#ifndef SYNCLINE_ENGINE_BUNDLE_REPLAY_HPP
#define SYNCLINE_ENGINE_BUNDLE_REPLAY_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/engine/attachment.hpp>
#include <syncline/engine/freezing.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_intake.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Makes the committed rows of batch @p batch_id the base: its layer goes, the source's next number is due, and the checkpoint moves when the
/// bundle is the next one. What fills an account for the first time has filled it.
/// @param rows  nullptr: the authority no longer keeps them; the device must rehydrate
template <replica_transaction Transaction>
[[nodiscard]] result<void> replay_bundle(Transaction& t, row_placement<Transaction>& rows_of, row_intake<Transaction>& intake, replica_state& state,
                                     std::uint64_t batch_id, std::int64_t seq, const std::vector<row_image>* rows, apply_report& report) {
    auto current = t.current_batch();
    if (!current) return std::move(current).error();
    if (!*current || (*current)->id != batch_id) {
        report.stale = true;
        return {};
    }
    std::vector<batch_item> items;
    if (auto r = frozen_items_of(t, items); !r) return r;
    // Bases are read while the layers still stand.
    std::unordered_map<record_key, known_base, record_key_hash> bases;
    const auto load = [&](const record_key& key) -> result<void> {
        if (bases.contains(key)) return {};
        auto base = rows_of.load(key);
        if (!base) return std::move(base).error();
        bases.emplace(key, std::move(*base));
        return {};
    };
    for (const auto& item : items) {
        if (auto r = load(item.what.key); !r) return r;
        auto& base = bases.at(item.what.key);  // without its rows the commit shows as it was made, until the picture comes
        if (rows == nullptr && base.version < seq) base = known_base{seq, overlay(rows_of.schemas()[item.what.key.model], &item.what, base.row), {}};
    }
    if (rows != nullptr)
        for (const auto& row : *rows) {
            if (auto r = load(row.key); !r) return r;
            auto& base = bases.at(row.key);
            if (row.version > base.version) base = known_base{row.version, row.row, std::nullopt}, ++report.applied;
        }
    if (auto r = t.drop_batch(); !r) return r;
    for (const auto& item : items) {
        auto open = t.open_intent(item.what.key);
        if (!open) return std::move(open).error();
        if (!*open || (*open)->base.after != item.id) continue;
        (*open)->base = base_ref{seq, {}};
        if (auto r = rows_of.put_open(**open); !r) return r;
    }
    // In the order of the bundle, parents before children, so that a row finds what it refers to; then what the bundle has no row of.
    record_names placed;
    const auto place = [&](const record_key& key) { return placed.insert(key).second ? intake.place(key, bases.at(key), nullptr, true) : result<void>{}; };
    if (rows != nullptr)
        for (const auto& row : *rows)
            if (auto r = place(row.key); !r) return r;
    for (const auto& item : items)
        if (auto r = place(item.what.key); !r) return r;
    ++state.next_source_bundle_id;
    state.initialization_id.clear();
    if (rows == nullptr) return begin_picture(t, state);
    if (seq == state.checkpoint + 1) state.checkpoint = seq;
    // What the user gave up in this bundle may be what stood in a row's way.
    return state.needs_hydration ? result<void>{} : intake.retry_quarantined(report);
}

SYNCLINE_NAMESPACE_END

#endif
