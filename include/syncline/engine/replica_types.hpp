#ifndef SYNCLINE_ENGINE_REPLICA_TYPES_HPP
#define SYNCLINE_ENGINE_REPLICA_TYPES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A frozen batch with its items, as a wire sends it.
struct frozen_batch {
    batch head;
    std::vector<batch_item> items;  ///< by position
};

/// What one call that took in rows did.
struct apply_report {
    bool stale = false;             ///< the page did not continue the checkpoint and was dropped
    std::size_t applied = 0;        ///< rows that were news; those that had to be quarantined among them
    std::size_t skipped = 0;        ///< rows that were no news: older than what is held, or the echo of an acknowledged change
    std::size_t quarantined = 0;    ///< rows that the app's table refused
    bool hydrated = false;          ///< a staged picture was swapped in
};

/// What one call that settled a batch did.
struct settle_report {
    bool stale = false;             ///< the answer was for another batch and was dropped
    std::size_t applied = 0;
    std::size_t superseded = 0;
    std::size_t refused = 0;        ///< refused and held: they wait for a person
    std::size_t errors = 0;         ///< transient: they stay frozen under their ids
    std::vector<std::pair<record_key, wait_reason>> waiting;
};

/// Everything that `status()` tells.
struct replica_status {
    replica_state state;
    replica_counts counts;
};

SYNCLINE_NAMESPACE_END

#endif
