#ifndef SYNCLINE_ENGINE_RUNNING_ORDER_HPP
#define SYNCLINE_ENGINE_RUNNING_ORDER_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The order in which a request's mutations run (ENGINE.md rule 11): writes by rising model rank, then erases by falling
/// rank, each as sent otherwise. Gives positions in @p mutations.
[[nodiscard]] inline std::vector<std::size_t> running_order(const schema_set& schemas, const std::vector<mutation>& mutations) {
    std::vector<std::size_t> order(mutations.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const auto x = send_class_of(schemas, mutations[a].what);
        const auto y = send_class_of(schemas, mutations[b].what);
        return x != y ? x < y : a < b;
    });
    return order;
}

/// Refines @p order, which `running_order` gave, where records of one rank refer to each other: writes run what is referred to first, erases
/// what refers first, and otherwise as they were; the mutations of one record stand together there, as sent.
/// @param t  tells what the records to be erased refer to, since an erase carries no row
/// Complexity: linear; one read per erase in a model that refers to its own rank
template <authority_transaction Transaction>
[[nodiscard]] result<void> order_within_ranks(Transaction& t, const schema_set& schemas, const std::vector<mutation>& mutations, std::vector<std::size_t>& order) {
    std::vector<bool> refers(schemas.size(), false);  // by model, to its own rank
    for (std::size_t m = 0; m < refers.size(); ++m)
        for (const auto& reference : schemas[static_cast<model_id>(m)].references)
            if (const auto target = schemas.find(reference.model))
                refers[m] = refers[m] || schemas.rank_of(*target) == schemas.rank_of(static_cast<model_id>(m));
    if (std::find(refers.begin(), refers.end(), true) == refers.end()) return {};

    for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
        const auto class_here = send_class_of(schemas, mutations[order[begin]].what);
        bool any = false;
        for (end = begin; end < order.size() && send_class_of(schemas, mutations[order[end]].what) == class_here; ++end)
            any = any || refers[mutations[order[end]].what.key.model];
        if (!any) continue;
        std::vector<record_key> keys;
        std::vector<std::vector<record_key>> references;
        std::vector<std::vector<std::size_t>> of_record;
        std::unordered_map<record_key, std::size_t, record_key_hash> at;
        for (std::size_t i = begin; i < end; ++i) {
            const intent& what = mutations[order[i]].what;
            const auto [known, fresh] = at.emplace(what.key, keys.size());
            if (fresh) {
                keys.push_back(what.key);
                references.emplace_back();
                of_record.emplace_back();
            }
            of_record[known->second].push_back(order[i]);
            std::optional<record> row;
            if (what.op != operation::erase) {
                row = what.whole(schemas[what.key.model].fields.size());
            } else if (fresh && refers[what.key.model]) {
                auto current = t.current(what.key);
                if (!current) return std::move(current).error();
                row = std::move(*current);
            }
            if (!row) continue;
            for (auto& other : references_of(schemas, what.key.model, *row)) references[known->second].push_back(std::move(other));
        }
        const bool erases = mutations[order[begin]].what.op == operation::erase;
        if (erases) {  // from the last to the first, and turned round at the end: so they keep their order otherwise
            std::reverse(keys.begin(), keys.end());
            std::reverse(references.begin(), references.end());
            std::reverse(of_record.begin(), of_record.end());
        }
        auto sorted = referenced_first(keys, references);
        if (erases) std::reverse(sorted.begin(), sorted.end());
        std::size_t place = begin;
        for (const std::size_t record : sorted)
            for (const std::size_t i : of_record[record]) order[place++] = i;
    }
    return {};
}

/// Runs what a constraint stops again, once the rest of its request ran: a value that is to be unique changes hands where the record that
/// had it is erased by the same request, and erases run after writes. Rounds go on while one gets less to do than the one before, but no more
/// than `most_rounds`, so that no request can make its authority try each change as often as it has changes; in the last one nothing may be
/// put off.
/// @param attempt     `(std::size_t position, bool last) -> result<bool>`: true when it is to be put off, in the order it was tried
/// @param next_round  called before each round but the first
/// Complexity: one attempt each where no constraint is met, `most_rounds` at worst
inline constexpr int most_rounds = 8;
template <class Attempt, class NextRound>
[[nodiscard]] result<void> run_in_rounds(std::vector<std::size_t> order, Attempt attempt, NextRound next_round) {
    bool last = false;
    int round = 1;
    for (std::vector<std::size_t> later; !order.empty(); order.swap(later)) {
        later.clear();
        for (const std::size_t i : order) {
            auto put_off = attempt(i, last);
            if (!put_off) return std::move(put_off).error();
            if (*put_off) later.push_back(i);
        }
        last = later.size() == order.size() || ++round == most_rounds;
        if (!later.empty()) next_round();
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
