#ifndef SYNCLINE_TESTS_SUPPORT_FILE_SYNC_HPP
#define SYNCLINE_TESTS_SUPPORT_FILE_SYNC_HPP

// Devices and a server over SQLite files, on either wire, without a network: what tests need that copy, restore or write the files between two syncs.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/bundle/server.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace file_sync {

using namespace syncline;
using store_contract::must;

inline constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

enum class wire_kind { mutation, bundle };

/// Runs SQL on the file at @p path as any program may.
inline void run(const std::string& path, const std::string& sql) {
    auto db = must(sqlite_database::open(path));
    must(db.execute("PRAGMA synchronous=OFF"));
    must(db.execute(sql));
}
inline std::string ask(const std::string& path, const std::string& sql) {
    auto db = must(sqlite_database::open(path));
    return must(db.query_text(sql));
}

/// The models of the tables called @p names in the file at @p path.
inline schema_set models_in(const std::string& path, const std::vector<std::string>& names) {
    auto db = must(sqlite_database::open(path));
    schema_set out;
    for (const auto& name : names) must(out.add(must(read_model_schema(db, name))));
    return out;
}

class server {
public:
    server(const std::string& path, const schema_set& models, sqlite_authority_options options = {})
        : store(must(sqlite_authority_store::open(path, models, quick(std::move(options))))), engine(store), mutations_(engine), bundles_(engine) {}
    server(const std::string& path, const std::vector<std::string>& tables) : server(path, models_in(path, tables)) {}

    response handle(wire_kind by, const request& what, const principal& who) {
        return by == wire_kind::mutation ? mutations_.handle(what, who, noon) : bundles_.handle(what, who, noon, random);
    }

    sqlite_authority_store store;
    authority<sqlite_authority_store> engine;
    seeded_random random{3};  ///< of all parties: goes on from sync to sync, so that no id comes twice

private:
    static sqlite_authority_options quick(sqlite_authority_options o) {
        o.durability = sqlite_durability::normal;
        return o;
    }
    mutation_server<authority<sqlite_authority_store>> mutations_;
    bundle_server<authority<sqlite_authority_store>> bundles_;
};

namespace detail {

template <class Client>
sync_result drive(Client& client, wire_kind by, server& with, const principal& who) {
    client.start(sync_mode::push_then_pull);
    for (int steps = 0; steps < 1000; ++steps) {
        auto step = must(client.next(noon, with.random));
        if (auto* done = std::get_if<done_step>(&step)) return done->report;
        REQUIRE(std::holds_alternative<send_step>(step));
        const auto& send = std::get<send_step>(step);
        must(client.on(send.token, with.handle(by, send.what, who), noon, with.random));
    }
    FAIL("the sync does not end");
    return {};
}

}  // namespace detail

/// One sync of the device's store @p device.
inline sync_result sync(sqlite_replica_store& device, server& with, wire_kind by, const principal& who = {"ann", "main"}) {
    replica<sqlite_replica_store> engine{device};
    must(engine.open(with.random, noon));
    if (by == wire_kind::mutation) {
        mutation_client<replica<sqlite_replica_store>> client{engine};
        return detail::drive(client, by, with, who);
    }
    bundle_client<replica<sqlite_replica_store>> client{engine};
    return detail::drive(client, by, with, who);
}

/// The same of the device's file at @p path, which a program opens for it.
inline sync_result sync(const std::string& path, const std::vector<std::string>& tables, server& with, wire_kind by, const principal& who = {"ann", "main"}) {
    auto device = must(sqlite_replica_store::open(path, tables));
    return sync(device, with, by, who);
}

}  // namespace file_sync

#endif
