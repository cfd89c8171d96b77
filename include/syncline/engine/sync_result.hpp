#ifndef SYNCLINE_ENGINE_SYNC_RESULT_HPP
#define SYNCLINE_ENGINE_SYNC_RESULT_HPP

#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A change that was not applied, and why.
struct sync_rejection {
    mutation_id id;       ///< empty where the wire has none, and where the change never went out
    record_key key;
    outcome_kind kind = outcome_kind::refused;
    wait_reason why;
    std::vector<field_message> messages;
};

/// A change that met changes of others, and what became of it.
struct sync_conflict {
    mutation_id id;                   ///< of the change
    std::string model;                ///< the model's name
    record_key key;
    /// Superseded: the server's row stays; refused: it waits for a person; applied: merged, or laid over.
    outcome_kind kind = outcome_kind::applied;
    std::string rule;                 ///< how it was decided, in words; empty: the server does not say
    std::optional<record> server;     ///< the server's row, which the device has taken in; nothing: gone, or not told
    std::int64_t server_version = 0;  ///< and its version; 0: not told
};

/// What the validator said of one record.
struct record_errors {
    record_key key;
    std::vector<field_message> messages;  ///< at least one; where it named no field, one with its words and an empty field
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
    std::vector<record_key> given_up;  ///< records whose changes, made before anybody signed in, were given up for the account's (`anonymous_rows::drop`)
    std::size_t differed = 0;     ///< records that this picture showed otherwise than the device had them. Of a `rebuild` right after a sync
                                  ///< that ended well: how many had diverged (W51)
    bool skipped = false;         ///< another sync was running, here or elsewhere on the same data; nothing was done
    bool behind = false;          ///< the last answer told of changes that this device does not have yet: a pull would bring them
    std::vector<sync_rejection> rejections;
    std::optional<fault> why;     ///< what ended it early; nothing: it ran to its end
    std::optional<timestamp> not_before;  ///< until when the server asked for no other request (`Retry-After`); past where the run waited for it
    std::vector<std::string> decisions;  ///< for each conflict in words: record, outcome, rule, resolver, winner, versions
    std::vector<sync_conflict> met;      ///< each conflict, `conflicts` in number
    std::size_t listener_failures = 0;   ///< listeners of the host that ended with an exception

    [[nodiscard]] bool ok() const noexcept { return !why; }

    [[nodiscard]] bool has_rejections() const noexcept { return !rejections.empty(); }

    /// The rejections for @p reason, in the order of sending.
    [[nodiscard]] std::vector<sync_rejection> rejections_for(errc reason) const {
        std::vector<sync_rejection> out;
        for (const auto& r : rejections)
            if (r.why.code == reason) out.push_back(r);
        return out;
    }

    /// The same by the reason's name: that of the code (`name_of`), or Tether's `not_found` for `absent`. An unknown name has none.
    [[nodiscard]] std::vector<sync_rejection> rejections_for(std::string_view reason) const {
        std::vector<sync_rejection> out;
        for (const auto& r : rejections)
            if (name_of(r.why.code) == reason || (reason == "not_found" && r.why.code == errc::absent)) out.push_back(r);
        return out;
    }

    /// What the validator said, by record, in the order of sending: several rejections of one record are put together.
    [[nodiscard]] std::vector<record_errors> validation_errors() const {
        std::vector<record_errors> out;
        for (const auto& r : rejections) {
            if (r.why.code != errc::validation_failed) continue;
            auto at = std::find_if(out.begin(), out.end(), [&](const record_errors& e) { return e.key == r.key; });
            if (at == out.end()) at = out.insert(out.end(), record_errors{r.key, {}});
            at->messages.insert(at->messages.end(), r.messages.begin(), r.messages.end());
            if (r.messages.empty()) at->messages.push_back({{}, r.why.detail});
        }
        return out;
    }

    /// Counts and keeps changes that wait instead of being sent (`freeze_batch`).
    void note(const std::vector<waiting_change>& set_aside) {
        failed += set_aside.size();
        for (const auto& change : set_aside) rejections.push_back({{}, change.first, outcome_kind::refused, change.second, {}});
    }

    /// Counts, keeps and explains conflicts, the same on either wire.
    void note(const schema_set& schemas, const std::vector<decided_conflict>& conflicts_met) {
        conflicts += conflicts_met.size();
        for (const auto& c : conflicts_met) {
            const std::string& model = schemas[c.key.model].name;
            met.push_back({c.id, model, c.key, c.kind, c.rule, c.server, c.server_version});
            if (c.rule.empty()) continue;
            std::string text{model};
            text.append(" ").append(c.key.key).append(": ").append(name_of(c.kind)).append("; ").append(c.rule);
            decisions.push_back(std::move(text));
        }
    }
};

SYNCLINE_NAMESPACE_END

#endif
