#ifndef SYNCLINE_ENGINE_PAGE_ROWS_HPP
#define SYNCLINE_ENGINE_PAGE_ROWS_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Fills a page of the mutation wire with rows, each after those it refers to that the device may lack, cycles whole (ENGINE.md rule 6).
/// Lives as long as the transaction.
template <authority_transaction Transaction>
class page_rows {
public:
    page_rows(Transaction& t, const schema_set& schemas, pull_answer& out) : t_(t), schemas_(schemas), out_(out) {}

    /// Learns which records contain a mutation that the device has in flight: their rows say so.
    [[nodiscard]] result<void> contained(const caller& who, const std::vector<mutation_id>& in_flight) {
        for (const auto& id : in_flight) {
            auto known = t_.find_receipt(who.principal, id);
            if (!known) return std::move(known).error();
            if (*known && (*known)->outcome == outcome_kind::applied)
                contained_.insert_or_assign((*known)->key, std::make_pair(id, (*known)->version));
        }
        return {};
    }

    [[nodiscard]] bool has(const record_key& key) const { return sent_.contains(key); }

    /// Adds a row, unless the page has it.
    /// @param lacks  whether the device may lack a live record that is referred to: called with its key and its sealed row; gives `result<bool>`
    /// Complexity: one read per reference
    template <class Lacks>
    [[nodiscard]] result<void> add(const record_key& key, std::int64_t version, timestamp written_at, std::optional<record> row, Lacks lacks) {
        // An explicit stack: a chain of self-references may be as long as the table.
        struct pending {
            row_image image;
            std::vector<record_key> references;
            std::size_t next = 0;
        };
        std::vector<pending> stack;
        const auto push = [&](const record_key& k, std::int64_t v, timestamp written, std::optional<record> r) {
            if (!sent_.insert(k).second) return;
            out_.newest_write = (std::max)(out_.newest_write, written);
            pending p;
            p.image.key = k;
            p.image.version = v;
            if (const auto at = contained_.find(k); at != contained_.end() && v >= at->second.second) p.image.contains = at->second.first;
            if (r) p.references = references_of(schemas_, k.model, *r);
            p.image.row = std::move(r);
            stack.push_back(std::move(p));
        };
        push(key, version, written_at, std::move(row));
        while (!stack.empty()) {
            if (stack.back().next == stack.back().references.size()) {
                out_.rows.rows.push_back(std::move(stack.back().image));
                stack.pop_back();
                continue;
            }
            const record_key parent = stack.back().references[stack.back().next++];
            if (sent_.contains(parent)) continue;
            auto sealed = t_.sealed(parent);
            if (!sealed) return std::move(sealed).error();
            if (!*sealed || !(*sealed)->row) continue;
            auto missing = lacks(parent, **sealed);
            if (!missing) return std::move(missing).error();
            if (*missing) push(parent, (*sealed)->version, (*sealed)->written_at, std::move((*sealed)->row));
        }
        return {};
    }

    /// Adds the removal of a record from the device's view, unless the page has that record.
    void add_removal(const record_key& key) {
        if (sent_.insert(key).second) out_.rows.rows.push_back(row_image{key, 0, std::nullopt, {}});
    }

private:
    Transaction& t_;
    const schema_set& schemas_;
    pull_answer& out_;
    std::unordered_map<record_key, std::pair<mutation_id, std::int64_t>, record_key_hash> contained_;
    std::unordered_set<record_key, record_key_hash> sent_;
};

SYNCLINE_NAMESPACE_END

#endif
