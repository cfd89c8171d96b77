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
};

/// A frozen, immutable set of intents that goes out together. Its items are kept one by one, so that each leaves on its
/// own outcome.
struct batch {
    std::uint64_t id = 0;              ///< local; an answer is matched to the batch by it
    std::int64_t source_bundle_id = 0; ///< bundle wire: this source's contiguous number; 0 on the mutation wire
    batch_state state = batch_state::prepared;
    std::int64_t committed_seq = 0;    ///< the bundle_seq, once `committed_remote`
    std::string committed_hash;        ///< the authority's hash of the committed rows, where the wire has one
    std::uint32_t frozen_items = 0;    ///< how many items it was frozen with

    friend bool operator==(const batch&, const batch&) = default;
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
