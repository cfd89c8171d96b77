#include <syncline/testing/explain.hpp>

#include <syncline/conflict/resolvers.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/fake_clock.hpp>
#include <syncline/testing/noted_random.hpp>
#include <syncline/testing/scripted_network.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "unit/testing/task_model.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace explain_test {

using namespace testing_tests;
using syncline::testing::compare_with_server;
using syncline::testing::fake_clock;
using syncline::testing::noted_random;
using syncline::testing::rows_by_key;
using syncline::testing::same_rows;
using syncline::testing::scripted_network;
using syncline::testing::story;

namespace {

template <template <class> class Wire>
struct world {
    using client_type = sync_client<memory_replica_store, Wire, std::function<result<response>(const request&)>>;
    fake_clock clock{from_microseconds(1'700'000'000'000'000), duration{1}};
    noted_random random{1};
    memory_authority_store server_store{tasks()};
    sync_server<memory_authority_store> server{server_store, rules(), clock.reader(), random.bits()};
    scripted_network net{[this](const request& r) { return server(r, principal{"ann", "main"}); }};
    memory_replica_store store{tasks()};
    std::optional<client_type> client;

    static authority_options rules() {
        authority_options o;
        o.resolvers = resolver_set{resolvers::defer_to_user{}};
        o.validate = [](const proposed_change& c) -> std::optional<rejection> {
            if (c.after == nullptr || !(c.after->fields[0] == value::text("bad"))) return std::nullopt;
            return rejection{{errc::validation_failed, "a bad title"}, {}};
        };
        return o;
    }
    template <class Options>
    explicit world(Options options) {
        server.mount_mutation_wire();
        REQUIRE(server.mount_bundle_wire());
        client.emplace(store, net.transport(), std::move(options), sync_surroundings{clock.reader(), random.bits(), clock.waiter()}, resolver_set{resolvers::defer_to_user{}});
        REQUIRE(client->sync().ok());
    }
    std::string differs() {
        REQUIRE(client->status());
        REQUIRE(server.engine().seal_foreign("main", clock.now()));
        const auto found = compare_with_server("device A", store, server_store, "main");
        REQUIRE(found);
        return found->text();
    }
    void theirs(const char* key, record row) { REQUIRE(server_store.app_write("main", task_key(key), row)); }
    void mine(const char* key, record row) { REQUIRE(store.app_write(task_key(key), row)); }
};

}  // namespace

TEST_CASE("explain: rows that differ are told in words, with what the test noted of them") {
    const rows_by_key server{{task_key("1"), a_task("milk", 1)}, {task_key("3"), a_task("note")}};
    CHECK(same_rows(tasks(), "device A", server, "the server", server));
    const rows_by_key device{{task_key("1"), record{{value::text("bread"), value::real(1)}}}, {task_key("2"), a_task("old")}};
    story told;
    told.note(task_key("3"), "its delete was pushed by device B");
    told.note(task_key("3"), "device C created it anew");
    CHECK(same_rows(tasks(), "device A", device, "the server", server, told.reasons()).text() ==
          "device A lacks task 3: its delete was pushed by device B, then device C created it anew\n"
          "device A's task 1 differs: title is \"bread\" and the server's is \"milk\", points is 1 and the server's is 1 (real and integer)\n"
          "device A has task 2, which the server lacks");
    CHECK(same_rows(tasks(), "A", {{{7, "x"}, record{{value::integer(1)}}}}, "B", {{{7, "x"}, record{}}}).text() == "A's model 7 x differs: field 0 is 1 and B's is nothing");
}

TEST_CASE("explain: a device on the mutation wire that has not pulled, has not sent, or waits") {
    world<mutation_client> w{mutation_client_options{}};
    w.theirs("k1", a_task("milk"));
    CHECK(w.differs().find("device A lacks task k1: the server's create of it, bundle 1 of `server`, was not pulled yet: the device is at cursor ") == 0);
    REQUIRE(w.client->sync().ok());
    CHECK(w.differs() == "holds");
    w.mine("k2", a_task("bread"));
    CHECK(w.differs() == "device A has task k2, which the server lacks: its create there was not sent yet");
    w.net.on(http_method::post, "/push").request_lost(errc::unauthenticated);
    CHECK_FALSE(w.client->sync().ok());
    CHECK(w.differs().find("device A has task k2, which the server lacks: its create there is on its way as `") == 0);
    REQUIRE(w.client->sync().ok());
    CHECK(w.differs() == "holds");
    w.mine("k5", a_task("bad"));
    REQUIRE(w.client->sync().ok());
    CHECK(w.differs() == "device A has task k5, which the server lacks: its create there waits for a person (validation_failed: a bad title)");
    REQUIRE(w.client->discard(task_key("k5")));
    w.theirs("k1", a_task("theirs"));
    w.mine("k1", a_task("mine"));
    REQUIRE(w.client->sync().ok());
    const std::string waits = w.differs();
    CHECK(waits.find(R"(device A's task k1 differs: title is "mine" and the server's is "theirs": its update there waits for a person (conflict: )") == 0);
    CHECK(waits.find("; the server's update of it, bundle 3 of `server`, was pulled") != std::string::npos);
    REQUIRE(w.store.app_erase(task_key("k2")));
    CHECK(w.differs().find("device A lacks task k2: its erase there was not sent yet; the server's create of it, bundle 2 of `") == 0);
}

TEST_CASE("explain: a device on the bundle wire, and rows that no layer explains") {
    world<bundle_client> w{bundle_client_options{}};
    w.theirs("k1", a_task("milk"));
    CHECK(w.differs().find("device A lacks task k1: the server's create of it, bundle 1 of `server`, was not pulled yet: the device is at cursor 0") == 0);
    REQUIRE(w.client->sync().ok());
    CHECK(w.differs() == "holds");
    {
        auto t = *w.store.begin();
        REQUIRE(t.write(task_key("k1"), a_task("torn")));
        REQUIRE(t.commit());
    }
    CHECK(w.differs() == R"(device A's task k1 differs: title is "torn" and the server's is "milk": the server's create of it, bundle 1 of `server`, was pulled)");
    {
        auto t = *w.store.begin();
        base_row base;
        base.version = 4;
        base.image_kept = true;
        REQUIRE(t.put_base(task_key("k7"), base));
        REQUIRE(t.write(task_key("k7"), a_task("stray")));
        REQUIRE(t.quarantine({{task_key("k7"), 4, a_task("x"), {}}, {errc::constraint, "not unique"}}));
        REQUIRE(t.commit());
    }
    CHECK(w.differs().find("device A has task k7, which the server lacks: its row is in quarantine (constraint: not unique); the server's log does not know it, "
                           "the device had it at version 4") != std::string::npos);
}

TEST_CASE("explain: a device that holds less than it says, a row out of view or hidden, and a bundle that is forgotten") {
    world<mutation_client> w{mutation_client_options{}};
    w.theirs("k1", a_task("milk"));
    REQUIRE(w.client->sync().ok());
    w.theirs("k2", a_task("bread"));
    REQUIRE(w.client->sync().ok());
    {
        auto t = *w.store.begin();
        base_row base;
        base.version = 0;
        base.out_of_view = true;
        REQUIRE(t.put_base(task_key("k1"), base));
        REQUIRE(t.erase(task_key("k1")));
        REQUIRE(t.set_hidden(task_key("k2"), true));
        REQUIRE(t.erase(task_key("k2")));
        REQUIRE(t.commit());
        auto s = *w.server_store.begin("main", access::write);
        REQUIRE(s.prune(1));
        REQUIRE(s.commit());
    }
    const auto found = compare_with_server("device A", w.store, w.server_store, "main");
    REQUIRE(found);
    CHECK(found->findings() == std::vector<std::string>{
                                   "device A lacks task k1: it left the device's view; the server's create of it, bundle 1 of a source that is forgotten, was pulled; "
                                   "the device's base is still at version 0",
                                   "device A lacks task k2: it is hidden there, since what it refers to is erased or gone; the server's create of it, bundle 2 of `server`, was pulled"});
    auto s = *w.server_store.begin("main", access::write);
    REQUIRE(s.prune(2));
    REQUIRE(s.commit());
    CHECK(compare_with_server("device A", w.store, w.server_store, "main")->says("bundle 2 of a source that is forgotten"));
}

TEST_CASE("explain: more records than one page of a store's") {
    world<mutation_client> w{mutation_client_options{}};
    for (int n = 0; n < 1001; ++n) w.theirs(std::to_string(n).c_str(), a_task("milk"));
    REQUIRE(w.client->sync().ok());
    for (int n = 0; n < 1001; ++n) w.mine(std::to_string(n).c_str(), a_task("bread"));
    REQUIRE(w.client->status());
    const auto found = compare_with_server("device A", w.store, w.server_store, "main");
    REQUIRE(found);
    CHECK(found->findings().size() == 1001);
    CHECK(found->says("its update there was not sent yet"));
}

}  // namespace explain_test
