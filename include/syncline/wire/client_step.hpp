#ifndef SYNCLINE_WIRE_CLIENT_STEP_HPP
#define SYNCLINE_WIRE_CLIENT_STEP_HPP

#include <syncline/engine/sync_result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <cstdint>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// What a wire client does in one run.
enum class sync_mode : std::uint8_t {
    push_then_pull,
    push_only,
    pull_only,
    connect_only,  ///< bundle wire: only lets the device into its account, where it is not in it yet; nothing to do on the mutation wire
};

/// Send this request; hand the response, or the fault of the transport, to `on(token, ...)`.
struct send_step {
    std::uint64_t token = 0;  ///< names the request; an answer with another token is dropped
    request what;
};

/// Nothing to do before @p until; then call `next` again.
struct wait_step {
    timestamp until{};
};

/// The run is over.
struct done_step {
    sync_result report;
};

/// What a wire client wants from its driver. Wire clients are state machines with nothing durable of their own:
/// `start(mode)`, then `next(now, random)` until it is done; `on(token, response or fault, now)` takes an answer in; `cancel()` ends the
/// run. Durable state changes only inside the replica's transactions, so dropping the object between any two calls is a crash, and a
/// crash is safe. Push and pull of one client never overlap.
using client_step = std::variant<send_step, wait_step, done_step>;

SYNCLINE_NAMESPACE_END

#endif
