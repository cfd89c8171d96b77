#include <syncline/wire/make_sync.hpp>

#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace make_sync_test {

using namespace syncline;

namespace {

struct note {
    std::string id;
    std::string text;
    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return key_field<"id", &note::id>(); }
        static constexpr auto fields() { return std::tuple{field<"text", &note::text>()}; }
    };
};

const record_key the_note{0, "n"};

schema_set notes() {
    auto models = schemas_of<note>();
    REQUIRE(models);
    return *std::move(models);
}

struct endpoint_of_notes {
    memory_authority_store store{notes()};
    sync_server<memory_authority_store> server = make_sync_server(store);
    authenticated<allow_anonymous, sync_server<memory_authority_store>> handler{allow_anonymous{}, server};
};

// Two devices that wrote the same field of the same record without knowing of each other: whose text does the second one show?
template <class Options>
std::string text_after_conflict(Options options, const resolver& decides, endpoint_of_notes& to) {
    memory_replica_store first{notes()};
    memory_replica_store second{notes()};
    auto a = make_sync_client(first, loopback{to.handler}, options);
    auto b = make_sync_client(second, loopback{to.handler}, options, {.resolvers = resolver_set{decides}});
    REQUIRE(first.app_write(the_note, to_record(note{"n", "start"})));
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    REQUIRE(first.app_write(the_note, to_record(note{"n", "of the first"})));
    REQUIRE(second.app_write(the_note, to_record(note{"n", "of the second"})));
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    auto row = second.row(the_note);
    REQUIRE(row);
    return row->fields[0].as_string();
}

}  // namespace

TEST_CASE("make sync: a server speaks no wire until one is mounted") {
    endpoint_of_notes to;
    memory_replica_store store{notes()};
    auto device = make_sync_client(store, loopback{to.handler});
    REQUIRE(store.app_write(the_note, to_record(note{"n", "text"})));
    CHECK_FALSE(device.pull().ok());
    to.server.mount_mutation_wire();
    CHECK(device.sync().ok());
    CHECK(to.store.row("main", the_note) == to_record(note{"n", "text"}));
}

TEST_CASE("make sync: the kind of the options names the wire, and so who decides a conflict") {
    endpoint_of_notes mutation;
    mutation.server.mount_mutation_wire();
    CHECK(text_after_conflict(mutation_client_options{}, resolvers::client_wins{}, mutation) == "of the first");

    endpoint_of_notes bundle;
    REQUIRE(bundle.server.mount_bundle_wire());
    CHECK(text_after_conflict(bundle_client_options{}, resolvers::client_wins{}, bundle) == "of the second");
    endpoint_of_notes again;
    REQUIRE(again.server.mount_bundle_wire());
    CHECK(text_after_conflict(bundle_client_options{}, resolvers::server_wins{}, again) == "of the first");
}

TEST_CASE("make sync: what is named of a device is its client's: its clock and its listeners") {
    endpoint_of_notes to;
    to.server.mount_mutation_wire();
    memory_replica_store store{notes()};
    const timestamp then = from_microseconds(1'700'000'000'000'000);
    sync_device_options device;
    device.around = {[then] { return then; }, system_random_bits, [](timestamp) {}};
    std::size_t started = 0;
    device.client.listeners.started = [&](sync_mode) { ++started; };
    auto client = make_sync_client(store, [&](const request& r) { return loopback{to.handler}(r); }, mutation_client_options{}, device);
    REQUIRE(client.sync().ok());
    CHECK(started == 1);
    CHECK(client.status()->state.last_sync_us == to_microseconds(then));
}

}  // namespace make_sync_test
