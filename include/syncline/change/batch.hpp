#ifndef SYNCLINE_CHANGE_BATCH_HPP
#define SYNCLINE_CHANGE_BATCH_HPP

#include <syncline/change/intent.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// How far a frozen batch has come.
enum class batch_state : std::uint8_t {
    prepared = 1,          ///< frozen; whether the authority has it is not known
    committed_remote = 2,  ///< bundle wire: the authority acknowledged the commit; its rows are still to be replayed
    undecided = 3,         ///< mutation wire: the authority has answered, and not decided what is left
};

/// A set of frozen, immutable intents that goes out together. Its items are kept one by one, so that each leaves on its
/// own outcome. On the mutation wire, others join those that the authority leaves undecided (`freeze_batch`).
struct batch {
    std::uint64_t id = 0;              ///< local; an answer is matched to the batch by it
    std::int64_t source_bundle_id = 0; ///< bundle wire: this source's contiguous number; 0 on the mutation wire
    batch_state state = batch_state::prepared;
    std::int64_t committed_seq = 0;    ///< the bundle_seq, once `committed_remote`
    std::string committed_hash;        ///< the authority's hash of the committed rows, where the wire has one
    std::uint32_t frozen_items = 0;    ///< how many items were frozen into it
    std::string token{};               ///< drawn at random when it was made: a copy of the device numbers its batches alike, and draws another

    friend bool operator==(const batch&, const batch&) = default;
};

/// Where a batch of the mutation wire stands among those of its source, as an authority keeps it of the last one (`continue_sequence`).
struct batch_mark {
    std::uint64_t number = 0;  ///< `batch::id`: rises from batch to batch
    std::string token;         ///< `batch::token`

    friend bool operator==(const batch_mark&, const batch_mark&) = default;
};

/// One frozen intent with the id it was given.
struct batch_item {
    mutation_id id;
    std::uint32_t position = 0;  ///< its place in the batch, from 0
    intent what;

    friend bool operator==(const batch_item&, const batch_item&) = default;
};

/// One frozen intent as the authority receives it.
struct mutation {
    mutation_id id;
    intent what;
};

SYNCLINE_NAMESPACE_END

#endif
