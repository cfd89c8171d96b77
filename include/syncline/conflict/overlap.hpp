#ifndef SYNCLINE_CONFLICT_OVERLAP_HPP
#define SYNCLINE_CONFLICT_OVERLAP_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

SYNCLINE_NAMESPACE_BEGIN

/// What stands against each other where overlap is judged.
struct overlap_question {
    field_set client_fields;  ///< the fields that the change sets; all for a create or an erase
    field_set foreign_fields; ///< the fields that others changed since the change's base; empty: nobody changed anything
    timestamp client_time{};  ///< when the change was made, as it says, clamped
    timestamp server_time{};  ///< when the authority's row was written
};

/// The client's fields that others' changes stand against, before any field merge (ENGINE.md rule 3, DESIGN.md
/// "Defaults"). Causal first: without a change of others nothing overlaps, whatever the policy and the clocks say.
///
/// - `by_field`: those that both changed;
/// - `by_row`: all of them, as soon as others changed anything;
/// - `by_timestamp`: all of them where the change is older than the row, none where it is as old or newer.
[[nodiscard]] constexpr field_set overlapping_fields(overlap_policy policy, const overlap_question& q) noexcept {
    if (q.foreign_fields.empty()) return {};
    switch (policy) {
    case overlap_policy::by_field: return q.client_fields & q.foreign_fields;
    case overlap_policy::by_row: return q.client_fields;
    case overlap_policy::by_timestamp: return q.client_time < q.server_time ? q.client_fields : field_set{};
    }
    return q.client_fields;
}

/// Whether there is anything to resolve or to merge field by field: whether any field overlaps.
[[nodiscard]] constexpr bool overlaps(overlap_policy policy, const overlap_question& q) noexcept {
    return !overlapping_fields(policy, q).empty();
}

SYNCLINE_NAMESPACE_END

#endif
