#ifndef SYNCLINE_ENGINE_LEGACY_BASE_HPP
#define SYNCLINE_ENGINE_LEGACY_BASE_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/engine/legacy_memory.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Whether what a client sent for a field means what is stored there: clients that send no base spell values their own way.
using value_equivalence = std::function<bool(const field_schema&, const value& sent, const value& stored)>;

/// What is known where a mutation without a base comes in.
struct legacy_evidence {
    const model_schema& schema;
    const std::optional<record>& current;
    const std::optional<sealed_row>& sealed;
    const std::vector<row_change>& history;  ///< the kept changes of the record, ascending
    const legacy_device& device;
    const legacy_record& known;              ///< as it was before this mutation
    std::int64_t sent_version = 0;           ///< of the row after `known.sent_by`
    const authority_head& head;
    const value_equivalence& same;
};

/// What is made of it.
struct legacy_judgement {
    bool reachable = true;           ///< the history that it takes is still kept; otherwise every field counts as changed by others
    base_ref base;
    field_set edited;                ///< of the fields that were sent
    std::optional<record> before{};  ///< the row as the client saw it, as far as it is known

    friend bool operator==(const legacy_judgement&, const legacy_judgement&) = default;
};

namespace detail {

// The record's version that a device holds which has pulled so far: 0 where it was not there yet, or where that is not known. A page tells rows
// as they are; one that was sealed again behind the cursor by then was not in it.
[[nodiscard]] inline std::int64_t version_at(const legacy_evidence& in, const pulled_to& shown) {
    std::int64_t version = 0;
    for (const auto& change : in.history) {
        if (change.stamp <= shown.at)
            version = change.version;
        else if (change.stamp <= shown.head)
            return 0;
    }
    if (version == 0 && in.sealed && shown.at >= in.head.floor_stamp) version = in.sealed->pruned_version;
    return version;
}

[[nodiscard]] inline const record* image_at(const legacy_evidence& in, std::int64_t version) {
    for (const auto& change : in.history)
        if (change.version == version) return change.after ? &*change.after : nullptr;
    return nullptr;
}

[[nodiscard]] inline bool holds(const legacy_evidence& in, const record* row, field_index field, const value& sent) {
    return row != nullptr && field < row->fields.size() && in.same(in.schema.fields[field], sent, row->fields[field]);
}

// Whether the device may hold what it sent last: not any more once the row after that was delivered, or once it was told of another.
// @param run  in which the mutation came first
[[nodiscard]] inline bool holds_sent(const legacy_evidence& in, std::int64_t delivered, std::int64_t run) {
    return in.known.sent && in.sent_version > delivered && (in.known.told == 0 || in.known.told >= run);
}

[[nodiscard]] inline bool sent_before(const legacy_evidence& in, field_index field, const value& sent, std::int64_t delivered, std::int64_t run) {
    const value* earlier = holds_sent(in, delivered, run) ? in.known.sent->find(field) : nullptr;
    return earlier != nullptr && in.same(in.schema.fields[field], sent, *earlier);
}

}  // namespace detail

/// The cursor that @p version of a record was written on at the earliest: what the device had shown when its last run but this one began, or
/// when the mutation was left out first. One that first came asking for everything, and never pushed the record, had it no earlier than then.
[[nodiscard]] inline pulled_to earliest_cursor(const legacy_device& device, const legacy_record& known, std::int64_t version) noexcept {
    const pulled_to shown = known.held && version <= known.held_to ? *known.held : device.base;
    return known.last.empty() && device.first && *device.first > shown.at ? pulled_to{*device.first, *device.first} : shown;
}

/// Finds the base of @p sent, whose `changes` are the whole payload, and which fields of it the user edited (ENGINE.md rule 9).
///
/// The base is the row as of `earliest_cursor`, raised to a later one that was delivered only where the fields that were not edited agree with
/// no older one. A field was edited where it differs from what the device sent before and may still hold, and from every value that it had
/// since the last earlier run with the record began; where there was none, from every value that the log has.
/// Complexity: linear in the kept changes of the record
[[nodiscard]] inline legacy_judgement judge_legacy(const legacy_evidence& in, const intent& sent) {
    legacy_judgement out;
    const bool pushed = !in.known.last.empty();
    const auto number = static_cast<std::int64_t>(sent.ordinal);
    const bool held = in.known.held && number <= in.known.held_to;
    const std::int64_t run = held ? in.known.held_run : in.device.run;
    const pulled_to earliest = earliest_cursor(in.device, in.known, number);
    const std::int64_t delivered = detail::version_at(in, earliest);
    // Who made a later change had seen no less.
    const std::int64_t low = (std::max)(delivered, number > in.known.version ? in.known.base : 0);
    const std::int64_t high = (std::max)(low, detail::version_at(in, in.device.presented));
    const std::int64_t window = held ? in.known.held_window : !pushed ? 0 : in.known.run == run ? in.known.earlier_start : in.known.run_start;
    const std::int64_t needed = window > 0 ? window : low;
    out.reachable = !is_lost_stamp(in.head.lost, earliest.at) && !(in.sealed && in.sealed->pruned_version > needed);
    out.base = {low, in.known.last};

    const field_set named = sent.changes.fields();
    if (sent.op == operation::erase || !in.current) {
        out.edited = named;
    } else {
        for (const auto& change : sent.changes) {
            if (change.field >= in.schema.fields.size()) continue;
            bool seen = detail::holds(in, &*in.current, change.field, change.to) || detail::sent_before(in, change.field, change.to, delivered, run);
            const record* at_start = nullptr;  // the row as the window begins
            for (const auto& past : in.history) {
                const record* image = past.after ? &*past.after : nullptr;
                if (past.version <= window)
                    at_start = image;
                else
                    seen = seen || detail::holds(in, image, change.field, change.to);
            }
            if (!seen && !detail::holds(in, at_start, change.field, change.to)) out.edited.insert(change.field);
        }
        const auto agrees = [&](std::int64_t version) {
            const record* image = detail::image_at(in, version);
            return std::all_of(sent.changes.begin(), sent.changes.end(), [&](const field_value& c) {
                return out.edited.contains(c.field) || c.field >= in.schema.fields.size() || detail::holds(in, image, c.field, c.to) ||
                       detail::sent_before(in, c.field, c.to, delivered, run);
            });
        };
        // A row that is no longer kept may be what all of it agrees with.
        const bool kept = low == 0 || std::any_of(in.history.begin(), in.history.end(), [&](const row_change& c) { return c.version == low; });
        if (kept && !agrees(low))
            for (const auto& past : in.history)
                if (past.version > low && past.version <= high && agrees(past.version)) {
                    out.base.row_version = past.version;
                    break;
                }
    }
    if (!out.reachable) {
        out.base = {};
        return out;
    }

    // What a merge takes for the base of a field: what the device sent last, or the row that was delivered since.
    const record* image = detail::image_at(in, out.base.row_version);
    const bool own = detail::holds_sent(in, out.base.row_version, run);
    record before = image != nullptr ? *image : in.current ? *in.current : record{};
    before.fields.resize(in.schema.fields.size());
    for (const auto& change : sent.changes) {
        if (change.field >= before.fields.size()) continue;
        const value* earlier = own ? in.known.sent->find(change.field) : nullptr;
        if (!out.edited.contains(change.field))
            before.fields[change.field] = change.to;
        else if (earlier != nullptr)
            before.fields[change.field] = *earlier;
        else if (image == nullptr)
            return out;
    }
    if (in.current || image != nullptr) out.before = std::move(before);
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
