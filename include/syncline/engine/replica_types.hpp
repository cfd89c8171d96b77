#ifndef SYNCLINE_ENGINE_REPLICA_TYPES_HPP
#define SYNCLINE_ENGINE_REPLICA_TYPES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How a replica is set up.
struct replica_options {
    /// How far ahead of the device's own clock a time that the authority tells is followed. A device's clock may be days behind and its
    /// edits are still timed after what the user saw; one that is off by more than this seldom gets as far as an answer, since the
    /// certificates of TLS are not valid yet then. And where a server's clock stands in the year 2200, the times of this device run
    /// ahead by no more than this, and for no longer than this after that clock was set right.
    duration max_clock_drift = std::chrono::hours{24 * 30};
};

/// What a replica keeps as its authority's epoch where that authority has none, and gives its rows no versions: a foreign server of the
/// mutation wire.
inline constexpr std::string_view unversioned_epoch = "unversioned";

/// Whether the replica numbers the rows of its authority itself.
[[nodiscard]] inline bool numbers_rows_here(const replica_state& state) noexcept { return state.epoch == unversioned_epoch; }

/// A frozen batch with its items, as a wire sends it.
struct frozen_batch {
    batch head;
    std::vector<batch_item> items;  ///< by position
    std::vector<record> rows{};     ///< for an authority without versions: the whole row that each write makes, as known now
};

/// A change that met changes of others, and what was decided, by the authority or by the replica.
struct decided_conflict {
    record_key key;
    outcome_kind kind = outcome_kind::applied;  ///< where the replica decided: `applied` is sent as the decision made it
    std::string rule;                           ///< see `decision::rule`
    mutation_id id{};                           ///< of the change
    std::optional<record> server{};             ///< the authority's row as it was told; nothing: gone, or not told
    std::int64_t server_version = 0;            ///< and its version; 0: not told

    friend bool operator==(const decided_conflict&, const decided_conflict&) = default;
};

/// What one call that took in rows did.
struct apply_report {
    bool stale = false;             ///< the page did not continue the checkpoint and was dropped
    std::size_t applied = 0;        ///< rows that were news; those that had to be quarantined among them
    std::size_t skipped = 0;        ///< rows that were no news: older than what is held, or the echo of an acknowledged change
    std::size_t quarantined = 0;    ///< rows that the app's table refused, or that refer to a record which is not there
    std::size_t unread = 0;         ///< rows that could not be read, and were not known as such
    std::size_t lost = 0;           ///< rows that a restore of the authority took away or changed back
    bool hydrated = false;          ///< a staged picture was swapped in
    std::vector<record_key> given_up{};  ///< records whose anonymous change was given up for the picture
    std::vector<decided_conflict> conflicts{};  ///< changes in flight that a row contained, with another value of a field than theirs
    std::size_t differed = 0;       ///< records that the picture shows in another version, or with other content, than they were known in
};

/// A change that waits for a person, and why.
using waiting_change = std::pair<record_key, wait_reason>;

/// What one call that settled a batch did.
struct settle_report {
    bool stale = false;             ///< the answer was for another batch and was dropped
    std::size_t applied = 0;
    std::size_t superseded = 0;
    std::size_t refused = 0;        ///< refused and held: they wait for a person
    std::size_t errors = 0;         ///< transient: they stay frozen under their ids
    std::size_t provisional = 0;    ///< applied, and the authority's own row is still to come
    std::vector<waiting_change> waiting;
    std::vector<decided_conflict> conflicts;  ///< every change that met changes of others: merged, superseded, or refused for it

    /// Adds what another part of the same call did.
    void add(settle_report other) {
        applied += other.applied;
        superseded += other.superseded;
        refused += other.refused;
        errors += other.errors;
        provisional += other.provisional;
        for (auto& w : other.waiting) waiting.push_back(std::move(w));
        for (auto& c : other.conflicts) conflicts.push_back(std::move(c));
    }
};

/// Where a device stands: what a wire's client asks before each step.
struct replica_standing {
    replica_state state;
    replica_presence has;
};

/// Everything that `status()` tells.
struct replica_status {
    replica_state state;
    replica_counts counts;
};

SYNCLINE_NAMESPACE_END

#endif
