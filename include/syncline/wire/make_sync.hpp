#ifndef SYNCLINE_WIRE_MAKE_SYNC_HPP
#define SYNCLINE_WIRE_MAKE_SYNC_HPP

#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/transport.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/server_listeners.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>
#include <syncline/wire/system_surroundings.hpp>

#include <utility>

SYNCLINE_NAMESPACE_BEGIN

// The usual way to make a client and a server: the operating system's clock and randomness, and as few words as will do.

/// What a device's client is made of beside store, transport and wire; name what is to be otherwise.
struct sync_device_options {
    resolver_set resolvers{};        ///< on the bundle wire, and at a foreign server, they decide conflicts
    replica_options replica{};
    sync_client_options client{};    ///< lease and listeners
    sync_surroundings around = system_surroundings();
};

/// A client of the mutation wire over @p store, through @p carrier.
/// @param store  outlives the client
template <replica_store Store, transport Transport>
[[nodiscard]] sync_client<Store, mutation_client, Transport> make_sync_client(Store& store, Transport carrier, mutation_client_options wire = {},
                                                                              sync_device_options device = {}) {
    return {store, std::move(carrier), std::move(wire), std::move(device.around), std::move(device.resolvers), device.replica, std::move(device.client)};
}

/// A client of the bundle wire over @p store, through @p carrier. Conflicts are decided here, by the resolvers in @p device.
/// @param store  outlives the client
template <replica_store Store, transport Transport>
[[nodiscard]] sync_client<Store, bundle_client, Transport> make_sync_client(Store& store, Transport carrier, bundle_client_options wire,
                                                                            sync_device_options device = {}) {
    return {store, std::move(carrier), std::move(wire), std::move(device.around), std::move(device.resolvers), device.replica, std::move(device.client)};
}

/// A server over @p store. No wire is mounted yet.
/// @param store  outlives the server
template <authority_store Store>
[[nodiscard]] sync_server<Store> make_sync_server(Store& store, authority_options options = {}, server_listeners listeners = {}) {
    return {store, std::move(options), system_now, system_random_bits, std::move(listeners)};
}

SYNCLINE_NAMESPACE_END

#endif
