#ifndef SYNCLINE_ENGINE_SYNC_RESULT_HPP
#define SYNCLINE_ENGINE_SYNC_RESULT_HPP

#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A change that was not applied, and why.
struct sync_rejection {
    mutation_id id;       ///< empty where the wire has none
    record_key key;
    outcome_kind kind = outcome_kind::refused;
    wait_reason why;
    std::vector<field_message> messages;
};

/// What one sync did: everything that was settled and the fault that ended it, if any, together (W34).
struct sync_result {
    std::size_t pushed = 0;       ///< changes that the authority decided: applied or superseded
    std::size_t pulled = 0;       ///< rows taken in, own echoes not counted
    std::size_t conflicts = 0;    ///< changes that met changes of others: merged, superseded or refused for it
    std::size_t failed = 0;       ///< changes that were refused or held: they wait for a person
    std::size_t pull_errors = 0;  ///< rows that could not be read, or not be applied; they are kept aside and asked for again
    std::size_t lost = 0;         ///< rows that a restore of the server from a backup took away or changed back: see `lost_by_restore`
    std::size_t retried = 0;      ///< requests that were sent again
    bool hydrated = false;        ///< the state was built anew from the authority's picture
    bool skipped = false;         ///< another sync was running
    std::vector<sync_rejection> rejections;
    std::optional<fault> why;     ///< what ended it early; nothing: it ran to its end
    std::vector<std::string> decisions;  ///< for each conflict in words: record, outcome, rule, resolver, winner, versions

    [[nodiscard]] bool ok() const noexcept { return !why; }

    /// Counts and explains conflicts, the same on either wire.
    void note(const schema_set& schemas, const std::vector<decided_conflict>& met) {
        conflicts += met.size();
        for (const auto& c : met) {
            if (c.rule.empty()) continue;
            std::string text{schemas[c.key.model].name};
            text.append(" ").append(c.key.key).append(": ").append(name_of(c.kind)).append("; ").append(c.rule);
            decisions.push_back(std::move(text));
        }
    }
};

SYNCLINE_NAMESPACE_END

#endif
