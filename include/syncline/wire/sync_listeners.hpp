#ifndef SYNCLINE_WIRE_SYNC_LISTENERS_HPP
#define SYNCLINE_WIRE_SYNC_LISTENERS_HPP

#include <syncline/engine/sync_result.hpp>
#include <syncline/support/guarded_call.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/client_step.hpp>

#include <cstddef>
#include <functional>
#include <type_traits>

SYNCLINE_NAMESPACE_BEGIN

/// Who wants to know what a `sync_client` does. Each may be empty. They are called on the thread that syncs, outside of locks and
/// transactions,
/// one after the other; an exception is counted in `sync_result::listener_failures` and goes no further. They may call the client: a sync
/// that they start is skipped, since one is running.
struct sync_listeners {
    /// A sync has the lock and begins. Not called for one that is skipped.
    std::function<void(sync_mode)> started;
    /// A change met changes of others. The decision is durable and the server's state, where it was told, taken in. Called once for each
    /// of `sync_result::met`, while the sync goes on.
    std::function<void(const sync_conflict&)> conflict;
    /// An answer of the server was taken in: what the sync has settled so far. For a display of progress; the counts only grow.
    std::function<void(const sync_result&)> progressed;
    /// A sync that had begun is over and has given the lock back, whether a fault ended it or not.
    std::function<void(const sync_result&)> completed;
};

/// Calls @p listener, where there is one, with @p what.
/// @return 1 when it ended with an exception, else 0
template <class What>
[[nodiscard]] std::size_t tell(const std::function<void(What)>& listener, std::type_identity_t<What> what) {
    return !listener || guarded_call([&] { listener(what); }) ? 0 : 1;
}

SYNCLINE_NAMESPACE_END

#endif
