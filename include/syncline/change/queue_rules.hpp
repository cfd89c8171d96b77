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
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <utility>
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
    if (what.op == operation::erase || schemas[what.key.model].references.empty()) return {};
    return references_of(schemas, what.key.model, what.whole(schemas[what.key.model].fields.size()), what.changes.fields());
}

/// Whether a change stays open behind @p needed, the open change of a record that it refers to (promise 4): a new record behind any
/// change that waits, any other write behind a creation that waits.
[[nodiscard]] inline bool stays_behind(const intent& what, const intent& needed) {
    return needed.waiting && (what.op == operation::create || needed.op == operation::create);
}

/// Records by name.
using record_names = std::unordered_set<record_key, record_key_hash>;

/// The open creations that have to go out before @p open, or with it: of what it refers to, of what that refers to, and so on; each after
/// those that it needs itself.
/// @param find    gives the open change of a record: a callable from `const record_key&` to `result<std::optional<intent>>`
/// @param chosen  records whose changes go out already
/// @param held    records that stay behind
/// @return nothing: @p open stays behind, with a record whose own change waits for a person (`stays_behind`), or with a creation that stays
///         behind itself; nothing else is held back; or a fault of @p find. Complexity: one look per record that is needed and not in either set
template <class Find>
[[nodiscard]] result<std::optional<std::vector<intent>>> needed_creations(const schema_set& schemas, const intent& open, Find&& find,
                                                                          const record_names& chosen, const record_names& held) {
    struct part {
        intent what;
        std::vector<record_key> needs;
        std::size_t next = 0;
    };
    std::vector<intent> out;
    std::optional<std::vector<intent>> stays;
    auto needs = needed_by(schemas, open);
    if (needs.empty()) return std::optional{std::move(out)};
    // An explicit stack: a chain of records that refer to each other may be long.
    record_names met{open.key};
    std::vector<part> stack;
    stack.push_back({open, std::move(needs)});
    while (true) {
        if (stack.back().next == stack.back().needs.size()) {
            if (stack.size() == 1) return std::optional{std::move(out)};
            out.push_back(std::move(stack.back().what));
            stack.pop_back();
            continue;
        }
        const record_key parent = stack.back().needs[stack.back().next++];
        if (chosen.contains(parent) || !met.insert(parent).second) continue;
        auto above = find(parent);
        if (!above) return std::move(above).error();
        if (!*above) continue;
        if (stays_behind(stack.back().what, **above)) return stays;
        if ((*above)->op != operation::create) continue;  // the record is there, whatever becomes of its change
        if (held.contains(parent)) return stays;
        auto of_parent = needed_by(schemas, **above);
        stack.push_back({std::move(**above), std::move(of_parent)});
    }
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
