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
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

class device {
public:
    using carrier = std::function<syncline::result<syncline::response>(const syncline::request&)>;
    using client_type = syncline::sync_client<syncline::sqlite_replica_store, syncline::mutation_client, carrier>;
    using bundle_type = syncline::sync_client<syncline::sqlite_replica_store, syncline::bundle_client, carrier>;

    /// The list in @p a.database; it talks to no server.
    /// @param make  makes the file where there is none
    device(const arguments& a, bool make);
    /// The same, for the server that @p a names. Throws a `failure` where the list has synced by another wire than @p a asks for: each counts in its own way
    /// how far a device is.
    /// @param stop  ends a sync that is going on; outlives this object
    device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners);
    device(const device&) = delete;
    device& operator=(const device&) = delete;
    ~device();

    /// For what needs no server, which is the same whatever the wire. @pre made without one
    [[nodiscard]] client_type& client() { return *std::get<by_mutations>(client_); }
    /// @p use with the client of the wire that is spoken.
    template <class F>
    decltype(auto) with_client(F use) {
        return std::visit([&](auto& client) -> decltype(auto) { return use(*client); }, client_);
    }
    [[nodiscard]] const syncline::model_schema& schema() const { return store_.schemas()[0]; }

private:
    using http_handle = std::shared_ptr<syncline::httplib_transport>;
    using by_mutations = std::unique_ptr<client_type>;
    using by_bundles = std::unique_ptr<bundle_type>;
    device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners, http_handle http);

    syncline::sqlite_replica_store store_;
    std::variant<by_mutations, by_bundles> client_;
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
