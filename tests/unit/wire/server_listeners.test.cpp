#include <syncline/wire/server_listeners.hpp>

#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace server_listeners_test {

using namespace syncline;
using simulation::key_named;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);
const principal ann{"ann", "main"};

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

using call = std::function<result<response>(const request&)>;

// A server whose validator refuses the record P, and whose listeners write down what they hear, call the server, and throw.
struct listening {
    listening() {
        server_listeners listeners;
        listeners.push_completed = [this](const push_served& p) {
            pushes.push_back(p);
            there = lab.server_row(*store, key_named("T"));
            CHECK((*server)(request{http_method::get, "/nothing", {}, {}}, ann).status == 404);
            throw std::runtime_error("of the host");
        };
        listeners.pull_completed = [this](const pull_served& p) {
            pulls.push_back(p);
            throw 7;
        };
        authority_options options;
        options.validate = [](const proposed_change& c) -> std::optional<rejection> {
            if (c.key != key_named("P")) return std::nullopt;
            return rejection{{errc::validation_failed, "no"}, {{"a", "is not liked"}}};
        };
        auto random = std::make_shared<seeded_random>(1);
        server = std::make_unique<sync_server<memory_authority_store>>(*store, options, [] { return noon; },
                                                                       [random] { return random->next(); }, listeners);
        server->mount_mutation_wire();
        REQUIRE(server->mount_bundle_wire());
    }
    call transport() {
        return [this](const request& r) -> result<response> { return (*server)(r, ann); };
    }
    void forget() {
        pushes.clear();
        pulls.clear();
    }

    simulation::memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store = lab.make_authority();
    std::unique_ptr<sync_server<memory_authority_store>> server;
    std::vector<push_served> pushes;
    std::vector<pull_served> pulls;
    std::optional<record> there;
};

sync_surroundings quiet(std::uint64_t seed) {
    auto random = std::make_shared<seeded_random>(seed);
    return {[] { return noon; }, [random] { return random->next(); }, [](timestamp) {}};
}

template <template <class> class Wire, class Options>
void check_counts(Options options) {
    listening s;
    auto first = s.lab.make_replica("a");
    auto second = s.lab.make_replica("b");
    sync_client<memory_replica_store, Wire, call> a{*first, s.transport(), options, quiet(2)};
    sync_client<memory_replica_store, Wire, call> b{*second, s.transport(), options, quiet(3)};

    CHECK(a.pull().ok());  // a device of the mutation wire asks a server that it does not know yet for a row before it pushes
    if (std::is_same_v<Options, bundle_client_options>) CHECK(b.pull().ok());  // takes the picture of an account that was begun
    s.forget();

    s.lab.device_write(*first, key_named("T"), row(1));
    s.lab.device_write(*first, key_named("T2"), row(2));
    CHECK(a.push().ok());
    REQUIRE(s.pushes.size() == 1);
    CHECK(s.pushes[0].who == ann);
    CHECK(s.pushes[0].source == a.status()->state.source_id);
    CHECK(s.pushes[0].applied == 2);
    CHECK(s.pushes[0].refused + s.pushes[0].superseded + s.pushes[0].conflicts + s.pushes[0].undecided == 0);
    CHECK(s.there);
    CHECK(s.pulls.empty());

    CHECK(b.pull().ok());
    REQUIRE(s.pulls.size() == 1);
    CHECK(s.pulls[0].who == ann);
    CHECK(s.pulls[0].source == b.status()->state.source_id);
    CHECK(s.pulls[0].rows == 2);
    CHECK_FALSE(s.pulls[0].more);
    CHECK(s.pulls[0].snapshot == std::is_same_v<Options, mutation_client_options>);
    CHECK(b.pull().ok());
    CHECK_FALSE(s.pulls[1].snapshot);

    s.forget();
    s.lab.device_write(*first, key_named("T"), row(3));
    s.lab.device_write(*second, key_named("T"), row(4));
    CHECK(a.sync().ok());
    s.forget();
    CHECK(b.sync().ok());
    REQUIRE_FALSE(s.pushes.empty());
    CHECK(s.pushes[0].conflicts == 1);

    s.forget();
    s.lab.device_write(*second, key_named("P"), row(5));
    const auto refused = b.sync();
    CHECK(refused.failed == 1);
    REQUIRE_FALSE(s.pushes.empty());
    CHECK(s.pushes[0].refused == 1);
    CHECK(s.pushes[0].applied == 0);
    REQUIRE(refused.validation_errors().size() == 1);
    CHECK_FALSE(refused.validation_errors()[0].messages[0].text.empty());

    s.forget();
    REQUIRE(b.rebuild());
    CHECK(b.pull().hydrated);
    REQUIRE_FALSE(s.pulls.empty());
    CHECK(s.pulls[0].rows == 2);
    CHECK(s.pulls[0].snapshot);
}

}  // namespace

TEST_CASE("server listeners: hear who pushed and pulled and how much, when it is durable, and cannot break an answer") {
    SECTION("mutation wire") { check_counts<mutation_client>(mutation_client_options{}); }
    SECTION("bundle wire") { check_counts<bundle_client>(bundle_client_options{}); }
}

TEST_CASE("server listeners: what is no push and no pull is not told") {
    listening s;
    CHECK((*s.server)(request{http_method::get, "/sync/capabilities", {{"Oversync-Source-ID", "s"}}, {}}, ann).status == 200);
    CHECK((*s.server)(request{http_method::post, "/tether/push", {}, "{"}, ann).status != 200);
    CHECK((*s.server)(request{http_method::post, "/tether/pull", {}, "[]"}, ann).status != 200);
    CHECK(s.pushes.empty());
    CHECK(s.pulls.empty());
}

}  // namespace server_listeners_test
