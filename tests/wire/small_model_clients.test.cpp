// The small model takes the engines' steps by itself. Here the wires' own clients and servers go on from its states, over messages, and must
// come to rest where the model does.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/testing/small_model/rules.hpp>
#include <syncline/testing/small_model/world.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace small_model_clients_test {

using namespace syncline;
namespace small_model = syncline::testing::small_model;
using small_model::action;
using small_model::wire_kind;

namespace {

using rows = std::vector<std::optional<record>>;

// The server's rows, then each device's.
[[nodiscard]] rows rows_of(const small_model::world& model, const small_model::state& s) {
    rows out;
    for (std::size_t r = 0; r < small_model::record_count; ++r) out.push_back(model.server_of(s).store->row("tenant", small_model::key_of(r)));
    for (std::size_t d = 0; d < model.within().devices; ++d)
        for (std::size_t r = 0; r < small_model::record_count; ++r) out.push_back(model.device_of(s, d).store->row(small_model::key_of(r)));
    return out;
}

// Where the model comes to rest when all answers on their way are lost, and the devices go one after the other.
[[nodiscard]] rows rest_of_the_model(small_model::world& model, small_model::state s) {
    for (auto& message : s.messages) message = 0;
    while (const auto next = model.towards_rest(s)) {
        auto after = model.after(s, *next);
        if (!after) break;
        s = *after;
    }
    return rows_of(model, s);
}

template <class Options>
[[nodiscard]] rows rest_of_the_clients(const small_model::world& model, const small_model::state& s, const resolver& decides, const Options& wire) {
    auto now = small_model::wall_clock;  // moves only where a client waits
    const auto clock = [&now] { return now; };
    seeded_random draw{7};
    const auto random = [&draw] { return draw.next(); };
    memory_authority_store shared = model.server_of(s).store->copy();
    authority_options options;
    options.resolvers = resolver_set{decides};
    options.max_clock_drift = std::chrono::hours{1};
    sync_server<memory_authority_store> server{shared, options, clock, random, {}};
    server.mount_mutation_wire();
    REQUIRE(server.mount_bundle_wire());
    std::vector<memory_replica_store> stores;
    for (std::size_t d = 0; d < model.within().devices; ++d) stores.push_back(model.device_of(s, d).store->copy());
    for (int round = 0; round < 2; ++round)
        for (std::size_t d = 0; d < stores.size(); ++d) {
            const auto who = small_model::surroundings::caller_of(d);
            authenticated endpoint{allow_anonymous{{who.principal, who.tenant}}, server};
            sync_device_options device;
            device.resolvers = resolver_set{decides};
            device.around = {clock, random, [&now](timestamp until) { now = until; }};
            auto client = make_sync_client(stores[d], loopback{endpoint}, wire, device);
            const auto done = client.sync();
            INFO((done.why ? done.why->detail : std::string{}));
            REQUIRE_FALSE(done.why);
        }
    rows out;
    for (std::size_t r = 0; r < small_model::record_count; ++r) out.push_back(shared.row("tenant", small_model::key_of(r)));
    for (const auto& store : stores)
        for (std::size_t r = 0; r < small_model::record_count; ++r) out.push_back(store.row(small_model::key_of(r)));
    return out;
}

// Walks through the model and lets the clients go on from every state whose number divides by `each`.
template <class Options>
void compare(const small_model::rules& how, const small_model::bounds& within, const Options& wire, std::size_t each) {
    small_model::world model{how, within};
    std::vector<small_model::state> met;
    std::map<std::array<std::uint32_t, 7>, bool> known;
    const auto meet = [&](const small_model::state& s) {
        if (known.emplace(std::array<std::uint32_t, 7>{s.server, s.devices[0], s.devices[1], s.devices[2], s.messages[0], s.messages[1], s.messages[2]}, true).second)
            met.push_back(s);
    };
    for (const auto& s : model.beginnings()) meet(s);
    std::size_t compared = 0, differ = 0;
    for (std::size_t at = 0; at < met.size(); ++at) {
        const auto here = met[at];
        if (at % each == 0) {
            ++compared;
            differ += rest_of_the_model(model, here) == rest_of_the_clients(model, here, how.decides, wire) ? 0 : 1;
        }
        model.steps(here, [&](const small_model::step&, const std::optional<small_model::state>& after) {
            if (after) meet(*after);
        });
    }
    INFO(how.name << ": " << met.size() << " states, " << compared << " compared");
    CHECK(model.violation().empty());
    CHECK(differ == 0);
    CHECK(compared > 50);
}

}  // namespace

TEST_CASE("small model: the mutation wire's client and server come to rest where the model does") {
    compare({"client_wins", wire_kind::mutation, overlap_policy::by_field, resolvers::client_wins{}, nullptr, false}, {2, 2, 1, 0}, mutation_client_options{}, 293);
    compare({"server_wins", wire_kind::mutation, overlap_policy::by_row, resolvers::server_wins{}, nullptr, false}, {2, 1, 1, 0}, mutation_client_options{}, 7);
}

TEST_CASE("small model: the bundle wire's client and server come to rest where the model does") {
    compare({"client_wins", wire_kind::bundle, overlap_policy::by_field, resolvers::client_wins{}, nullptr, false}, {2, 2, 1, 0}, bundle_client_options{}, 151);
    compare({"field_merge", wire_kind::bundle, overlap_policy::by_row, resolvers::field_merge{}, nullptr, false}, {2, 1, 1, 0}, bundle_client_options{}, 7);
}

}  // namespace small_model_clients_test
