#ifndef SYNCLINE_CHANGE_COALESCE_HPP
#define SYNCLINE_CHANGE_COALESCE_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <optional>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The value of one field when an intent that set it to @p to, seeing @p before, is laid over a row that holds @p under.
/// Fields with a merge are overlaid by it; where it cannot merge, the user's value shows until it is decided.
/// @param before  nullptr: the intent saw no row
[[nodiscard]] inline value overlay_field(const field_schema& field, const value* before, const value& under, const value& to,
                                         timestamp edited_at) {
    if (field.merge == nullptr || field.merge->merge == nullptr || before == nullptr || under == *before) return to;
    auto merged = field.merge->merge(merge_input{*before, under, to, timestamp{}, edited_at});
    return merged ? std::move(*merged) : to;
}

/// What a row looks like under one layer: `open(frozen(base))` is two calls (ENGINE.md, INV of the replica).
/// @param layer  nullptr: no layer, the row as it is
/// @return nothing: no row is visible
[[nodiscard]] inline std::optional<record> overlay(const model_schema& schema, const intent* layer, std::optional<record> row) {
    if (layer == nullptr) return row;
    if (layer->op == operation::erase) return std::nullopt;
    if (layer->op == operation::create || !row) return layer->whole(schema.fields.size());
    row->fields.resize(schema.fields.size());
    for (const auto& change : layer->changes) {
        if (change.field >= schema.fields.size()) continue;
        const value* before =
            layer->before && change.field < layer->before->fields.size() ? &layer->before->fields[change.field] : nullptr;
        auto& slot = row->fields[change.field];
        slot = overlay_field(schema.fields[change.field], before, slot, change.to, layer->edited_at);
    }
    return row;
}

/// The visible row of a record: `open(frozen(base))`.
/// @param out_of_view  the record has left the device's view: then no layer is shown but what the user created and has not sent
[[nodiscard]] inline std::optional<record> visible_row(const model_schema& schema, const intent* frozen, const intent* open, std::optional<record> base,
                                                       bool out_of_view) {
    const auto shows = [&](const intent* layer) { return layer != nullptr && (!out_of_view || base || layer->op == operation::create); };
    if (shows(frozen)) base = overlay(schema, frozen, std::move(base));
    if (shows(open)) base = overlay(schema, open, std::move(base));
    return base;
}

/// Two intents of one record, one made after the other, as a single one over the lower one's base (ENGINE.md rule 4; W37):
/// base, image before and ordinal of the lower; fields of the upper over those of the lower; a change by difference adds up;
/// create then erase cancels; erase then create is an update of all fields.
/// The result waits for nothing: an edit of a waiting record is a retry.
/// @return nothing: the two cancel
[[nodiscard]] inline std::optional<intent> compose(const model_schema& schema, std::optional<intent> lower,
                                                   std::optional<intent> upper) {
    if (!lower) return upper;
    if (!upper) return lower;
    const std::size_t count = schema.fields.size();
    intent out = *lower;
    out.waiting.reset();
    out.edited_at = upper->edited_at;

    if (upper->op == operation::erase) {
        if (lower->op == operation::create) return std::nullopt;
        out.op = operation::erase;
        out.changes = {};
        return out;
    }
    if (lower->op == operation::erase) {
        // Never cancels: the record may have been changed by others, and the user wants just this row.
        out.op = lower->before ? operation::update : operation::create;
        out.changes = {};
        const record whole = upper->whole(count);
        for (std::size_t f = 0; f < count; ++f) out.changes.set(static_cast<field_index>(f), whole.fields[f]);
        if (out.op == operation::create) out.unseen = upper->unseen;
        return out;
    }
    for (std::size_t f = 0; f < count && !lower->unseen.empty(); ++f) {
        const auto field = static_cast<field_index>(f);
        if (!lower->unseen.contains(field)) continue;
        if (lower->op == operation::create) {
            if (upper->changes.find(field) != nullptr) out.unseen.erase(field);  // what the user has set is the user's
        } else if (lower->changes.find(field) == nullptr && !upper->unseen.contains(field)) {
            if (!out.before || !upper->before || f >= out.before->fields.size() || f >= upper->before->fields.size()) continue;
            out.before->fields[f] = upper->before->fields[f];  // seen before it was touched
            out.unseen.erase(field);
        }
    }
    for (const auto& change : upper->changes) {
        if (change.field >= count) continue;
        const field_merge* merge = schema.fields[change.field].merge;
        if (merge != nullptr && merge->merge != nullptr && merge->by_difference && upper->before &&
            change.field < upper->before->fields.size()) {
            const value nothing;
            const value* below = lower->changes.find(change.field);
            if (below == nullptr)
                below = lower->before && change.field < lower->before->fields.size() ? &lower->before->fields[change.field]
                                                                                     : &nothing;
            auto sum = merge->merge(merge_input{upper->before->fields[change.field], *below, change.to, lower->edited_at,
                                                upper->edited_at});
            out.changes.set(change.field, sum ? std::move(*sum) : change.to);
        } else {
            out.changes.set(change.field, change.to);
        }
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
