#ifndef SYNCLINE_CHANGE_QUEUE_RULES_HPP
#define SYNCLINE_CHANGE_QUEUE_RULES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// What a queue of changes goes by, whoever keeps it: the engines in a store, `mutation_log` in memory.

/// Where a change stands in the order of sending and running (ENGINE.md rule 11): writes by rising rank of their model, so that a
/// record comes before those that refer to it, then erases by falling rank. Among equals the older one is first.
[[nodiscard]] inline std::int32_t send_class_of(const schema_set& schemas, const intent& what) {
    const auto rank = static_cast<std::int32_t>(schemas.rank_of(what.key.model));
    return what.op == operation::erase ? (std::int32_t{1} << 24) - rank : rank;
}

/// The records that @p what needs, by the references that it sets: while one of them waits, it may have to stay (`stays_behind`).
[[nodiscard]] inline std::vector<record_key> needed_by(const schema_set& schemas, const intent& what) {
    if (what.op == operation::erase) return {};
    return references_of(schemas, what.key.model, what.whole(schemas[what.key.model].fields.size()), what.changes.fields());
}

/// Whether a change stays open behind @p needed, the open change of a record that it refers to (promise 4): a new record behind any
/// change that waits, any other write behind a creation that waits.
[[nodiscard]] inline bool stays_behind(const intent& what, const intent& needed) {
    return needed.waiting && (what.op == operation::create || needed.op == operation::create);
}

/// The base of what is made on top of @p own, a change in flight or acknowledged (ENGINE.md rule 3): the newest version of which nothing
/// was hidden from the user, then @p own.
/// @param row_version  of the row below @p own, or what was known before
[[nodiscard]] inline base_ref made_over(std::int64_t row_version, const batch_item& own) {
    return {(std::min)(row_version, own.what.base.row_version), own.id};
}

/// Why a change that @p o refuses or holds waits: what the authority said, or else that it is a conflict, or held.
[[nodiscard]] inline wait_reason reason_of(const outcome& o) {
    return o.why.value_or(wait_reason{o.kind == outcome_kind::held ? errc::held : errc::conflict, {}});
}

SYNCLINE_NAMESPACE_END

#endif
