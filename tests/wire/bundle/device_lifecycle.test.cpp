// The life of a device of the bundle wire with one user and the next: open, attach, sync, detach, and taking the library out of the file.

#include <syncline/transport/principal.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace device_lifecycle_test {

using namespace syncline;
using simulation::key_named;
using simulation::memory_lab;

namespace {

using call = std::function<result<response>(const request&)>;
using client = sync_client<memory_replica_store, bundle_client, call>;

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

/// The first field, as the store spells the rest.
std::int64_t first_of(const std::optional<record>& r) { return r ? r->fields[0].as_integer() : -1; }

struct host {
    host() : store(lab.make_authority()), server(*store, {}, [] { return file_sync::noon; }, [random = std::make_shared<seeded_random>(1)] { return random->next(); }) {
        REQUIRE(server.mount_bundle_wire());
    }
    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store;
    sync_server<memory_authority_store> server;
    std::string signed_in = "ann";

    call line() {
        return [this](const request& r) -> result<response> { return server(r, principal{signed_in, signed_in}); };
    }
    std::unique_ptr<client> device(memory_replica_store& of, std::uint64_t seed, bundle_client_options options = {}) {
        auto random = std::make_shared<seeded_random>(seed);
        auto now = std::make_shared<timestamp>(file_sync::noon);
        return std::make_unique<client>(of, line(), std::move(options), sync_surroundings{[now] { return *now; }, [random] { return random->next(); }, [now](timestamp t) { *now = t; }});
    }
};

}  // namespace

TEST_CASE("device lifecycle: attach, sync, detach, and another user on the same device", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    auto a = h.device(*store, 2);
    h.lab.device_write(*store, key_named("T"), row(1));
    CHECK(a->attach().ok());
    CHECK(a->status()->state.attachment == scope_attachment::attached);
    CHECK_FALSE(h.store->row("ann", key_named("T")));
    REQUIRE(a->sync().ok());
    CHECK(first_of(h.store->row("ann", key_named("T"))) == 1);

    // Another one signs in: nothing happens until the device is taken out of the account, and that not while something is unsent.
    h.lab.device_write(*store, key_named("T2"), row(2));
    h.signed_in = "bob";
    CHECK(a->sync().why->code == errc::other_account);
    const auto refused = a->detach();
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::unsent);
    CHECK(first_of(store->row(key_named("T"))) == 1);
    const std::string source = a->status()->state.source_id;
    h.signed_in = "ann";
    CHECK(a->sync_then_detach().ok());
    CHECK(first_of(h.store->row("ann", key_named("T2"))) == 2);
    CHECK_FALSE(store->row(key_named("T")));
    CHECK_FALSE(store->row(key_named("T2")));
    CHECK(a->status()->state.attachment == scope_attachment::anonymous);
    CHECK(a->status()->state.source_id != source);

    // What is written now belongs to whoever signs in next, once.
    h.lab.device_write(*store, key_named("T3"), row(3));
    h.lab.device_write(*store, key_named("T3"), row(4));
    CHECK(a->status()->counts.open == 1);
    h.signed_in = "bob";
    const auto joined = a->sync();
    CHECK(joined.ok());
    CHECK(joined.pushed == 1);
    CHECK(first_of(h.store->row("bob", key_named("T3"))) == 4);
    CHECK_FALSE(h.store->row("ann", key_named("T3")));
    CHECK(a->detach(true));
    h.signed_in = "ann";
    REQUIRE(a->sync().ok());
    CHECK(first_of(store->row(key_named("T"))) == 1);
    CHECK_FALSE(store->row(key_named("T3")));
}

TEST_CASE("device lifecycle: what is unsent may be discarded, and a device that cannot send stays in its account", "[wire]") {
    host h;
    auto store = h.lab.make_replica("a");
    auto a = h.device(*store, 2);
    REQUIRE(a->sync().ok());
    auto down = std::make_unique<client>(*store, call{[](const request&) -> result<response> { return make_fault(errc::unavailable, "offline"); }}, bundle_client_options{},
                                         sync_surroundings{[] { return file_sync::noon; }, [n = std::uint64_t{7}]() mutable { return ++n * 0x9e3779b97f4a7c15ULL; }, [](timestamp) {}});
    h.lab.device_write(*store, key_named("T"), row(1));
    CHECK_FALSE(down->attach("bob").why);  // it is in the account already: the name is noted, and nothing is sent
    CHECK(down->attach("ann").why->code == errc::other_account);
    CHECK(down->detach().error().code == errc::unsent);
    CHECK(first_of(store->row(key_named("T"))) == 1);
    CHECK(down->detach(true));
    CHECK_FALSE(store->row(key_named("T")));
    CHECK(down->status()->state.user.empty());
}

TEST_CASE("device lifecycle: the first device fills the account, the next one joins it, and a rebuild brings the same again", "[wire]") {
    host h;
    auto first = h.lab.make_replica("a");
    auto second = h.lab.make_replica("b");
    auto third = h.lab.make_replica("c");
    bundle_client_options drops;
    drops.anonymous = anonymous_rows::drop;
    auto a = h.device(*first, 2);
    auto b = h.device(*second, 3);
    auto c = h.device(*third, 4, drops);
    h.lab.device_write(*first, key_named("T"), row(1));
    h.lab.device_write(*second, key_named("T2"), row(2));
    h.lab.device_write(*third, key_named("T3"), row(3));
    CHECK(a->attach().ok());
    CHECK(b->sync().why->code == errc::scope_initializing);
    CHECK(b->status()->counts.open == 1);
    REQUIRE(a->sync().ok());
    CHECK(b->sync().ok());
    const auto dropped = c->sync();
    CHECK(dropped.ok());
    CHECK(dropped.given_up == std::vector<record_key>{key_named("T3")});
    CHECK(a->sync().ok());
    for (auto* of : {first.get(), second.get(), third.get()}) {
        CHECK(first_of(of->row(key_named("T"))) == 1);
        CHECK(first_of(of->row(key_named("T2"))) == 2);
        CHECK_FALSE(of->row(key_named("T3")));
    }
    const auto again = b->hydrate();
    CHECK(again.ok());
    CHECK(again.hydrated);
    CHECK(again.differed == 0);
    CHECK(a->push().ok());
}

TEST_CASE("device lifecycle: the library is taken out of a file and put in again, as a device of its own", "[wire]") {
    const scratch_folder folder;
    const std::string served = folder.file("server.db");
    const std::string kept = folder.file("device.db");
    for (const auto& path : {served, kept}) file_sync::run(path, "CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT)");
    file_sync::server with{served, {"t"}};
    file_sync::run(kept, "INSERT INTO t VALUES('x','before the first sign-in')");
    REQUIRE(file_sync::sync(kept, {"t"}, with, file_sync::wire_kind::bundle).ok());
    CHECK(file_sync::ask(served, "SELECT a FROM t WHERE id='x'") == "before the first sign-in");
    const std::string source = file_sync::ask(kept, "SELECT source_id FROM syncline_replica_state");
    REQUIRE(sqlite_replica_store::uninstall(kept));
    CHECK(file_sync::ask(kept, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == "0");
    CHECK(file_sync::ask(kept, "SELECT a FROM t WHERE id='x'") == "before the first sign-in");
    file_sync::run(kept, "INSERT INTO t VALUES('y','while it was out')");
    const auto again = file_sync::sync(kept, {"t"}, with, file_sync::wire_kind::bundle);
    INFO((again.why ? again.why->detail : std::string{}));
    CHECK(again.ok());
    CHECK(file_sync::ask(kept, "SELECT source_id FROM syncline_replica_state") != source);
    CHECK(file_sync::ask(served, "SELECT a FROM t WHERE id='y'") == "while it was out");
    CHECK(file_sync::ask(served, "SELECT count(*) FROM t") == "2");
}

}  // namespace device_lifecycle_test
