#include <syncline/wire/account.hpp>

#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace account_test {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);
const principal ann{"ann", "north"};
const principal bob{"bob", "south"};

record row(std::int64_t a) { return record{{value::integer(a), value::integer(1), value::integer(0), value::integer(0), value{}}}; }

using call = std::function<result<response>(const request&)>;

/// A server with rows of two tenants, and a device on which one person signs in after the other.
template <template <class> class Wire, class Options>
struct shared_device {
    shared_device() {
        server.mount_mutation_wire();
        REQUIRE(server.mount_bundle_wire());
        // The second one's rows are the older ones: they lie below the first one's cursor.
        for (const char* key : {"T", "P"}) lab_must(authority->app_write("south", key_named(std::string{key} + "s"), row(1)));
        lab_must(server.engine().seal_foreign("south", noon));
        for (int i = 0; i < 5; ++i) {
            for (const char* key : {"T", "P"}) lab_must(authority->app_write("north", key_named(std::string{key} + "n"), row(i)));
            lab_must(server.engine().seal_foreign("north", noon));
        }
    }
    std::set<std::string> here() {
        std::set<std::string> out;
        for (const auto& [key, r] : store->rows(simulation::node_model)) out.insert(key);
        return out;
    }
    std::set<std::string> there(const std::string& tenant) {
        std::set<std::string> out;
        for (const auto& [key, r] : authority->rows(tenant, simulation::node_model)) out.insert(key);
        return out;
    }
    void write(const std::string& key, std::int64_t a) { lab_must(store->app_write(key_named(key), row(a))); }

    simulation::memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> authority = lab.make_authority();
    seeded_random random{5};
    sync_server<memory_authority_store> server{*authority, {}, [] { return noon; }, [this] { return random.next(); }};
    std::unique_ptr<memory_replica_store> store = lab.make_replica("d");
    principal who = ann;
    std::vector<request> sent;
    sync_client<memory_replica_store, Wire, call> client{*store,
                                                         [this](const request& r) -> result<response> {
                                                             sent.push_back(r);
                                                             return server(r, who);
                                                         },
                                                         Options{}, sync_surroundings{[] { return noon; }, [this] { return random.next(); }, [](timestamp) {}}};
};

using names = std::set<std::string>;

template <class Device>
void another_person_signs_in(Device d, unsent_changes unsent) {
    REQUIRE(d->client.sync().ok());
    CHECK(d->here() == names{"Pn", "Tn"});
    d->write("Tn", 77);  // not sent yet
    d->write("T2", 78);

    d->who = bob;
    const auto refused = d->client.sync();
    REQUIRE(refused.why);
    CHECK(refused.why->code == errc::other_account);
    CHECK(refused.pushed == 0);
    CHECK(refused.pulled == 0);
    CHECK(d->there("south") == names{"Ps", "Ts"});
    CHECK(d->here() == names{"Pn", "T2", "Tn"});

    lab_must(d->client.change_account(unsent));
    const bool kept = unsent == unsent_changes::keep_new_records;
    CHECK(d->here() == (kept ? names{"T2"} : names{}));
    const auto theirs = d->client.sync();
    CHECK(theirs.ok());
    REQUIRE(d->client.sync().ok());
    CHECK(d->here() == (kept ? names{"Ps", "T2", "Ts"} : names{"Ps", "Ts"}));
    CHECK(d->there("south") == d->here());
    CHECK(d->there("north") == names{"Pn", "Tn"});
    CHECK(d->authority->row("north", key_named("Tn"))->fields[0] == value::integer(4));
    CHECK(lab_must(d->client.waiting()).empty());
    CHECK(lab_must(d->client.status()).counts.open == 0);
}

}  // namespace

TEST_CASE("account: tenant and principal tell accounts apart, and nothing can be read from the tag", "[wire]") {
    const std::vector<principal> all{{"a", "bc"}, {"ab", "c"}, {"b", "ac"}, {"c", "ab"}, {"", "abc"}, {"a:b", "1"}, {"b", "1:a"}, {"ann", "main"}, {"bob", "main"}};
    std::set<std::string> tags;
    for (const auto& who : all) {
        CHECK(account_tag(who) == account_tag(who));
        CHECK(account_tag(who).size() == 32);
        tags.insert(account_tag(who));
    }
    CHECK(tags.size() == all.size());
}

TEST_CASE("account: a server does nothing for a device that holds somebody else's data, on either wire (W36)", "[wire]") {
    shared_device<mutation_client, mutation_client_options> d;
    d.write("T2", 1);
    REQUIRE(d.client.sync().ok());
    REQUIRE(d.sent.size() >= 2);
    const auto before = d.there("south");
    for (const std::string path : {"/tether/push", "/tether/pull", "/sync/push-sessions", "/sync/pull"}) {
        INFO(path);
        request r{path.ends_with("pull") && path.starts_with("/sync") ? http_method::get : http_method::post, path, d.sent.back().headers, d.sent.front().body};
        set_header(r.headers, account_header, account_tag(ann));
        const auto answer = d.server(r, bob);
        CHECK(answer.status == 409);
        CHECK(fault_of(answer).code == errc::other_account);
        CHECK(told_account(answer) == account_tag(bob));
    }
    CHECK(d.there("south") == before);
    CHECK(told_account(d.server(request{http_method::post, "/tether/pull", {}, R"({"client_id":"old"})"}, bob)) == account_tag(bob));
}

TEST_CASE("account: nothing is sent under another person's name, and giving the device over brings all of that person's rows (W36)", "[wire]") {
    for (const auto unsent : {unsent_changes::discard, unsent_changes::keep_new_records}) {
        INFO((unsent == unsent_changes::discard ? "unsent changes are discarded" : "new records are kept"));
        another_person_signs_in(std::make_unique<shared_device<mutation_client, mutation_client_options>>(), unsent);
        another_person_signs_in(std::make_unique<shared_device<bundle_client, bundle_client_options>>(), unsent);
    }
}

TEST_CASE("account: signing in as before goes on where it was", "[wire]") {
    shared_device<mutation_client, mutation_client_options> d;
    REQUIRE(d.client.sync().ok());
    d.write("T2", 78);
    d.who = bob;
    CHECK(d.client.sync().why->code == errc::other_account);
    d.who = ann;
    const auto report = d.client.sync();
    CHECK(report.ok());
    CHECK(report.pushed == 1);
    CHECK_FALSE(report.hydrated);
    CHECK(d.there("north") == names{"Pn", "T2", "Tn"});
}

TEST_CASE("account: a change on its way when the other person signs in is neither lost nor sent twice", "[wire]") {
    for (const bool answered : {true, false}) {
        INFO((answered ? "the server has it, its answer was lost" : "the server never had it"));
        shared_device<mutation_client, mutation_client_options> d;
        REQUIRE(d.client.sync().ok());
        d.write("T2", 1);
        auto& engine = d.client.engine();
        auto batch = lab_must(engine.freeze(10, false, d.random, noon));
        REQUIRE(batch);
        if (answered) lab_must(d.server.engine().push(caller{"north", "ann", lab_must(engine.status(noon)).state.source_id}, {mutation{batch->items[0].id, batch->items[0].what}}, noon));
        lab_must(d.client.change_account(unsent_changes::keep_new_records));
        d.who = bob;
        REQUIRE(d.client.sync().ok());
        REQUIRE(d.client.sync().ok());
        // A record that the first account has already cannot become the second one's too: then it waits for a person.
        CHECK(d.there("south") == (answered ? names{"Ps", "Ts"} : names{"Ps", "T2", "Ts"}));
        CHECK(lab_must(d.client.waiting()).size() == (answered ? 1 : 0));
        CHECK(d.here() == names{"Ps", "T2", "Ts"});
        CHECK(d.there("north") == (answered ? names{"Pn", "T2", "Tn"} : names{"Pn", "Tn"}));
    }
}

}  // namespace account_test
