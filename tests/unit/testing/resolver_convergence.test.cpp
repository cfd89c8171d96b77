#include <syncline/testing/resolver_convergence.hpp>

#include <syncline/conflict/merges.hpp>
#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resolver_convergence_test {

using namespace syncline;
using syncline::testing::check_convergence;
using syncline::testing::convergence_options;
using syncline::testing::passed;
using syncline::testing::report;

namespace {

const schema_set& schemas() {
    static const schema_set all = [] {
        model_schema s;
        s.name = "task";
        s.fields = {{"title", value_kind::text, true, nullptr}, {"votes", value_kind::integer, true, &merges::counter::erased}, {"points", value_kind::integer, true, nullptr}};
        schema_set made;
        static_cast<void>(*made.add(s));
        return made;
    }();
    return all;
}

report broken_by(const resolver& r, convergence_options options = {}) {
    options.first_finding = true;
    return check_convergence(schemas(), "task", r, options);
}

}  // namespace

TEST_CASE("resolver_convergence: those that are shipped converge, alike on either wire") {
    convergence_options with_other;
    with_other.others = {{{0, "other"}, record{{value::text("x"), value{}, value{}}}}};
    std::vector<resolver> all{resolver{}, resolvers::field_merge{}, resolvers::defer_to_user{}, resolvers::client_wins{}, resolvers::last_write_wins{}};
    if (test_support::is_slow()) all.resize(2);
    for (const resolver& r : all) {
        // A record that was there from the beginning is not one that was written.
        const report found = check_convergence(schemas(), "task", r, r ? convergence_options{} : with_other);
        CHECK(passed(found));
        CHECK(found.clauses().size() == 9);
        CHECK(found.find("wires")->checks == 26 * 2 * 2 * 4);
        CHECK(found.find("converges")->checks == 26 * 2 * 2 * 4 * 2);
    }
}

TEST_CASE("resolver_convergence: one that sets a field which the client may have left alone converges, alike on either wire") {
    const report found = check_convergence(schemas(), "task", [](const conflict& c, const resolver_context&) {
        if (c.server == nullptr || c.client == nullptr) return resolution::take_server("gone");
        field_changes set;
        set.set(2, value::integer(8));
        return resolution::merged(set);
    });
    CHECK(passed(found));
}

TEST_CASE("resolver_convergence: wires is broken by an answer that depends on where it is given") {
    const report found = broken_by([](const conflict& c, const resolver_context& context) {
        return context.principal.empty() || c.client_op == operation::create ? resolution::take_client("here") : resolution::take_server("there");
    });
    CHECK(found.broken() == std::vector<std::string>{"wires"});
    CHECK(found.find("wires")->findings.front() ==
          "A: update of the first field, B: update of the first field (B's is later), A's arrives first, both on the bundle wire: the server ends with "
          "00000000000000000000000001 = \"text 2\", 10, 10, waiting: 0 and 0; both on the mutation wire with 00000000000000000000000001 = \"text 1\", 10, 10, "
          "waiting: 0 and 0");
}

TEST_CASE("resolver_convergence: the laws of single answers are asked of each") {
    int calls = 0;
    const report moody = broken_by([&](const conflict&, const resolver_context&) { return ++calls % 2 == 0 ? resolution::take_server() : resolution::take_client(); });
    CHECK(moody.find("deterministic")->found > 0);
    const report invents = broken_by([](const conflict&, const resolver_context&) {
        field_changes f;
        f.set(7, value::text("x"));
        return resolution::merged(f);
    });
    CHECK(invents.find("record")->findings.front() == "record: `merged` sets field 7, and model `task` has 3 fields beside its key; set those by `field_index_of`");
    const report silent = broken_by([](const conflict&, const resolver_context&) { return resolution::refuse({}); });
    CHECK(silent.broken() == std::vector<std::string>{"reason"});
    const report impatient = broken_by([](const conflict&, const resolver_context& context) {
        return context.now < from_microseconds(1'700'003'600'000'000) ? resolution::defer() : resolution::take_client();
    });
    CHECK(impatient.find("stable")->found > 0);
}

TEST_CASE("resolver_convergence: quiet and converges are broken by what is done to a device's tables besides") {
    std::int64_t edits = 0;
    convergence_options restless;
    restless.after_sync = [&](memory_replica_store& of) {
        for (auto [key, row] : of.rows(0)) {
            row.fields[2] = value::integer(++edits);
            static_cast<void>(of.app_write({0, key}, row));
        }
    };
    const report endless = broken_by(resolvers::client_wins{}, restless);
    CHECK(endless.find("quiet")->found == 1);
    CHECK(endless.find("quiet")->findings.front() ==
          "A: create, B: create (B's is later), A's arrives first, both on the mutation wire: something is still being sent or taken in after 6 rounds");
    // Once, when nothing is left to do.
    convergence_options late;
    late.most_rounds = 2;
    int syncs = 0;
    late.after_sync = [&](memory_replica_store& of) {
        if (++syncs == 8) static_cast<void>(of.app_erase({0, "00000000000000000000000001"}));
    };
    CHECK(broken_by(resolvers::client_wins{}, late).find("quiet")->found == 1);
    convergence_options damaged;
    damaged.after_sync = [](memory_replica_store& of) {
        // Past the engine: what stands in the row is no edit of the user, and not what the server told.
        auto t = *of.begin();
        static_cast<void>(t.write({0, "00000000000000000000000001"}, record{{value::text("torn"), value{}, value{}}}));
        static_cast<void>(t.commit());
    };
    const report torn = broken_by(resolvers::client_wins{}, damaged);
    CHECK(torn.find("converges")->found > 0);
    CHECK(torn.find("converges")->findings.front().find("device A has 00000000000000000000000001 = \"torn\", nothing, nothing, the server has ") != std::string::npos);
}

TEST_CASE("resolver_convergence: key is broken by a record beside the one in conflict") {
    convergence_options stray;
    stray.after_sync = [](memory_replica_store& of) {
        if (!of.row({0, "stray"})) static_cast<void>(of.app_write({0, "stray"}, record{{value::text("x"), value{}, value{}}}));
    };
    CHECK(broken_by(resolvers::client_wins{}, stray).find("key")->found > 0);
}

TEST_CASE("resolver_convergence: a model that is not there is no case") {
    const report found = check_convergence(schemas(), "tasks", {});
    CHECK(found.broken() == std::vector<std::string>{"setup"});
    CHECK(found.find("setup")->findings.front() == "no model `tasks` with fields is among the schemas");
}

TEST_CASE("resolver_convergence: a field of every kind gets values of its kind, and what the device may not set is left alone") {
    schema_set all;
    model_schema s;
    s.name = "folder";
    REQUIRE(all.add(s));
    s.name = "thing";
    s.fields = {{"folder", value_kind::text, true, nullptr}};
    for (const auto kind : {value_kind::null, value_kind::boolean, value_kind::real, value_kind::decimal, value_kind::bytes, value_kind::time, value_kind::json})
        s.fields.push_back({std::string(name_of(kind)), kind, true, nullptr});
    s.fields.push_back({"made_by", value_kind::text, true, nullptr});
    s.fields.back().read_only = true;
    s.references = {{0, "folder", reference_action::cascade}};
    REQUIRE(all.add(s));
    convergence_options options;
    options.others = {{{0, "f"}, record{}}};
    options.first_finding = true;
    CHECK(passed(check_convergence(all, "thing", resolvers::client_wins{}, options)));
    const auto thing = [](const char* folder) { return record{{value::text(folder), value{}, value{}, value{}, value{}, value{}, value{}, value{}, value{}}}; };
    options.others.push_back({{1, "other"}, thing("f")});
    options.after_sync = [&](memory_replica_store& of) {
        if (!of.row({1, "a stray"})) static_cast<void>(of.app_write({1, "a stray"}, thing("f")));
    };
    CHECK(check_convergence(all, "thing", resolvers::client_wins{}, options).find("key")->found > 0);
    CHECK(check_convergence(all, "folder", resolvers::client_wins{}).find("setup")->findings.front() == "no model `folder` with fields is among the schemas");
}

TEST_CASE("resolver_convergence: values of the user's, what cannot be set up, and keys that a wire does not carry") {
    convergence_options options;
    options.value_of = [](const field_schema& f, int number) { return f.name == "votes" && number > 0 ? value::text("many") : value::null(); };
    options.others = {{{7, "x"}, record{}}};
    const report found = broken_by(resolvers::client_wins{}, options);
    CHECK(found.find("setup")->findings.front().find("unknown_model: ") != std::string::npos);
    convergence_options one;
    one.first_finding = true;
    schema_set counted;
    model_schema s;
    s.name = "thing";
    s.key_kind = value_kind::integer;
    s.fields = {{"title", value_kind::text, true, nullptr}};
    REQUIRE(counted.add(s));
    CHECK(check_convergence(counted, "thing", {}, one).find("setup")->findings.front().find("the bundle wire cannot carry model `thing`") != std::string::npos);
}

}  // namespace resolver_convergence_test
