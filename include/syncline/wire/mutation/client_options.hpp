#ifndef SYNCLINE_WIRE_MUTATION_CLIENT_OPTIONS_HPP
#define SYNCLINE_WIRE_MUTATION_CLIENT_OPTIONS_HPP

#include <syncline/change/backoff.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/mutation/payload_mapper.hpp>
#include <syncline/wire/mutation/plain_values.hpp>

#include <cstddef>
#include <functional>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// How a client of the mutation wire is set up.
struct mutation_client_options {
    std::string push_path = "/tether/push";
    std::string pull_path = "/tether/pull";
    std::size_t batch_size = 100;    ///< mutations of one request, to begin with; 0: all that wait
    /// A Syncline server that decides one full request after the other gets larger ones, up to this many mutations and about a MiB, since each
    /// costs it a commit on the disk. `batch_size` or less: they stay as they are.
    std::size_t grown_batch_size = 2000;
    std::size_t page_size = 1000;    ///< rows of one page
    std::size_t ask_again = 100;     ///< of the rows that could not be read, so many are asked for again in one request
    std::size_t max_set_aside = 3;   ///< in a row: a server that refuses that many changes, each alone, may be at fault itself
    std::size_t max_requests = 100'000;  ///< of one run: a guard against a server that never comes to an end
    backoff_policy backoff_after_failure;
    json_limits json{64u << 20};     ///< bounds of an answer's body
    /// The `client_id` that is sent, asked once a run; empty: the replica's own source id, which is drawn at random and kept. One that is
    /// given must be this installation's alone.
    std::function<std::string()> client_id;
    std::size_t max_attempts = 3;    ///< how often a change that a foreign server answers with `error` is sent in all; then it waits
    /// Against a foreign server, which takes whole rows: pull before changes are pushed, in a push alone too, so that fields which the user
    /// did not touch carry the newest values that are known (W01, W39).
    bool pull_first = true;
    plain_values plain;              ///< how values are written for a foreign server, and read
    payload_mapper outbound;         ///< on the row that a write makes, before it is sent; what it refuses waits. Empty: none
    payload_mapper inbound;          ///< on every row that the server sends; one that it refuses is kept aside as unread. Empty: none
};

SYNCLINE_NAMESPACE_END

#endif
