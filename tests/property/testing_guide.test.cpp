// The examples of docs/testing.md.

#include <syncline/conflict/merge_laws.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/conflict_case.hpp>
#include <syncline/testing/fake_clock.hpp>
#include <syncline/testing/mapper_case.hpp>
#include <syncline/testing/merge_properties.hpp>
#include <syncline/testing/noted_random.hpp>
#include <syncline/testing/resolver_convergence.hpp>
#include <syncline/testing/scripted_mutation_server.hpp>
#include <syncline/testing/scripted_network.hpp>
#include <syncline/testing/simulation/simulate.hpp>
#include <syncline/testing/small_model/explore.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>

namespace testing_guide_test {

using namespace syncline;

namespace {

model_schema tasks() {
    model_schema task;
    task.name = "task";
    task.fields = {{"title", value_kind::text, true, nullptr}, {"points", value_kind::integer, true, nullptr}};
    return task;
}

// [resolver]
resolution keep_both_titles(const conflict& c, const resolver_context&) {
    if (c.server == nullptr || c.client == nullptr) return resolution::defer("one side erased the task");
    field_changes fields;
    fields.set(0, value::text(c.server->fields[0].as_string() + " / " + c.client->fields[0].as_string()));
    return resolution::merged(fields, "both titles are kept");
}
// [/resolver]

// [mapper]
std::optional<rejection> trim_titles(const caller&, mutation& m) {
    const value* title = m.what.changes.find(0);
    if (title == nullptr) return std::nullopt;
    const auto from = title->as_string().find_first_not_of(' ');
    if (from == std::string::npos) return rejection{{errc::validation_failed, "no title"}, {{"title", "is empty"}}};
    m.what.changes.set(0, value::text(title->as_string().substr(from)));
    return std::nullopt;
}
// [/mapper]

// [merge]
// Meant to keep the greater of two numbers; where the client's is not greater, it forgets what the server made of it.
struct greater {
    static constexpr bool accepts(value_kind kind) noexcept { return kind == value_kind::integer; }
    static constexpr std::optional<std::int64_t> merge_integers(std::int64_t base, std::int64_t server, std::int64_t client) {
        if (server == base) return client;
        if (client == base) return server;
        return client > server ? client : base;
    }
    static std::optional<value> merge(const merge_input& in) {
        if (in.server == in.base) return in.client;
        if (in.client == in.base) return in.server;
        if (in.base.is_null() || in.server.is_null() || in.client.is_null()) return std::nullopt;
        return value::integer(*merge_integers(in.base.as_integer(), in.server.as_integer(), in.client.as_integer()));
    }
    static constexpr field_merge erased{"greater", &merge, false};
};
static_assert(merge_laws::deterministic<greater> && merge_laws::keeps_base<greater>);
static_assert(!merge_laws::commutative<greater> && !merge_laws::idempotent<greater>);
// [/merge]

// [note]
struct note {
    std::string id, title;
    std::optional<std::string> body;

    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return key_field<"id", &note::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &note::title>(), field<"body", &note::body>()}; }
    };
};
// [/note]

// [erased_stays]
// The user's word counts, but for a record that somebody erased: that stays erased.
resolution erased_stays(const conflict& c, const resolver_context&) {
    return c.server == nullptr ? resolution::take_server("it was erased") : resolution::take_client();
}
// [/erased_stays]

}  // namespace

// [fixtures]
TEST_CASE("a change whose answer is lost is sent again under its id, and one that is refused waits") {
    schema_set schemas;
    const record_key k1{*schemas.add(tasks()), "k1"};
    testing::fake_clock clock;
    testing::noted_random random(1);
    testing::scripted_mutation_server server(schemas);
    testing::scripted_network net([&](const request& r) { return server(r); });
    memory_replica_store store(schemas);
    sync_client<memory_replica_store, mutation_client, std::function<result<response>(const request&)>> client(
        store, net.transport(), mutation_client_options{}, sync_surroundings{clock.reader(), random.bits(), clock.waiter()});
    INFO(random.text());

    net.on(http_method::post, "/push").answer_lost();  // the server acts, and the device never hears of it
    REQUIRE(store.app_write(k1, record{{value::text("milk"), {}}}));
    CHECK(client.sync().ok());
    server.refuse(k1, errc::validation_failed, "too long", {{"title", "is too long"}});
    REQUIRE(store.app_write(k1, record{{value::text("milk and much more"), {}}}));
    CHECK(client.sync().failed == 1);

    CHECK(server.pushes[0].mutations[0].id == server.pushes[1].mutations[0].id);
    CHECK(net.as_scripted());
}
// [/fixtures]

// [resolver_case]
TEST_CASE("both titles are kept") {
    const auto d = testing::conflict_case(tasks())
                       .base({{"title", value::text("milk")}})
                       .server({{"title", value::text("bread")}})
                       .client({{"title", value::text("cheese")}})
                       .decide(keep_both_titles);
    CHECK(d.field("title") == value::text("bread / cheese"));
    CHECK(d.sound());
}
// [/resolver_case]

// [mapper_case]
TEST_CASE("titles are trimmed, and none may be empty") {
    schema_set schemas;
    REQUIRE(schemas.add(tasks()));
    const auto titled = [&](const char* to) { return testing::edit(schemas, "task", "k1").set("title", value::text(to)); };
    CHECK(testing::mapper_case(schemas, titled("  milk")).map(trim_titles).field("title") == value::text("milk"));
    CHECK(testing::mapper_case(schemas, titled("  ")).map(trim_titles).message("title") == "is empty");
}
// [/mapper_case]

// [merge_case]
TEST_CASE("the greater number wins") {
    const auto found = testing::check_merge<greater>({.seed = 7});
    CHECK(found.text().find("breaks the idempotent law: base 0, server -1, client -1") != std::string::npos);
}
// [/merge_case]

// [convergence]
TEST_CASE("whoever wrote last wins, and everybody agrees on it") {
    schema_set schemas;
    REQUIRE(schemas.add(tasks()));
    const auto report = testing::check_convergence(schemas, "task", resolvers::last_write_wins{});
    INFO(report.text());
    CHECK(report.passed());
}
// [/convergence]

// [interleavings]
TEST_CASE("what was erased stays erased, in every order") {
    namespace small_model = testing::small_model;
    testing::report report;
    const small_model::rules how{.name = "erased_stays", .wire = small_model::wire_kind::bundle, .decides = erased_stays};
    const auto found = small_model::explore(how, {.devices = 2, .operations = 2, .per_device = 1}, report);
    INFO(report.text());
    CHECK(report.passed());
    CHECK(found.states > 1000);
}
// [/interleavings]

// [simulation]
TEST_CASE("notes survive whatever happens to devices, network and server") {
    auto setup = testing::simulation_setup::of<note>();
    setup.resolved_by(erased_stays);
    setup.weights.set(testing::deed::lose_answer, 60).set(testing::deed::restore_server, 0);
    const auto report = testing::simulate(setup, 1, 50);
    INFO(report.text());
    CHECK(report.passed());
}
// [/simulation]

}  // namespace testing_guide_test
