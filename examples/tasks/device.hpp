#ifndef SYNCLINE_EXAMPLES_TASKS_DEVICE_HPP
#define SYNCLINE_EXAMPLES_TASKS_DEVICE_HPP

// The app's file as a device that syncs.

#include "arguments.hpp"
#include "stop_request.hpp"

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/result.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

class device {
public:
    using carrier = std::function<syncline::result<syncline::response>(const syncline::request&)>;
    using client_type = syncline::sync_client<syncline::sqlite_replica_store, syncline::mutation_client, carrier>;

    /// The list in @p a.database; it talks to no server.
    /// @param make  makes the file where there is none
    device(const arguments& a, bool make);
    /// The same, for the server that @p a names.
    /// @param stop  ends a sync that is going on; outlives this object
    device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners);
    device(const device&) = delete;
    device& operator=(const device&) = delete;
    ~device();

    [[nodiscard]] client_type& client() { return client_; }
    [[nodiscard]] const syncline::model_schema& schema() const { return store_.schemas()[0]; }

private:
    using http_handle = std::shared_ptr<syncline::httplib_transport>;
    device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners, http_handle http);

    syncline::sqlite_replica_store store_;
    client_type client_;
    stop_request* stop_ = nullptr;
};

/// Who holds a lease, in words.
std::string name_of_holder(const syncline::sync_lease& lease);

/// The value of @p outcome; throws a `failure` that says what can be done.
template <class T>
T or_fail(syncline::result<T> outcome) {
    if (!outcome) throw failure{problem_of(outcome.error())};
    if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

#endif
