#include <syncline/wire/mutation/payload_mapper.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <string>
#include <utility>
#include <vector>

namespace payload_mapper_test {

using namespace mutation_tests;
namespace mw = syncline::mutation_wire;

namespace {

value plus(const value& v, std::int64_t by) { return v.is_null() ? v : value::integer(v.as_integer() + by); }

// A device that holds `a` and the counter `n` as a thousand more than the server has.
mutation_client_options a_thousand_more() {
    mutation_client_options o;
    o.outbound = [](const model_schema&, const record_key&, record& row) -> result<void> {
        for (const std::size_t f : {0U, 2U}) row.fields[f] = plus(row.fields[f], -1000);
        return {};
    };
    o.inbound = [](const model_schema&, const record_key&, record& row) -> result<void> {
        for (const std::size_t f : {0U, 2U}) row.fields[f] = plus(row.fields[f], 1000);
        return {};
    };
    return o;
}
record as_on_server(record row) {
    for (const std::size_t f : {0U, 2U}) row.fields[f] = plus(row.fields[f], -1000);
    return row;
}

}  // namespace

TEST_CASE("payload mapper: the row before and the row after are shaped, and changed is what the user changed or the mapper makes differ") {
    model_schema schema;
    schema.name = "m";
    schema.fields = {{"a", value_kind::integer}, {"b", value_kind::integer}, {"c", value_kind::integer}};
    const payload_mapper twice = [](const model_schema&, const record_key&, record& row) -> result<void> {
        row.fields[0] = plus(row.fields[0], -1);
        row.fields[1] = row.fields[0];  // follows from the other
        return {};
    };
    intent what;
    what.op = operation::update;
    what.before = record{{value::integer(1), value::integer(0), value::integer(9)}};
    what.changes.set(0, value::integer(5));
    REQUIRE(mw::shape_intent(twice, schema, what));
    CHECK(*what.changes.find(0) == value::integer(4));
    REQUIRE(what.changes.find(1) != nullptr);
    CHECK(*what.changes.find(1) == value::integer(4));
    CHECK(what.changes.size() == 2);
    CHECK(what.before == record{{value::integer(0), value::integer(0), value::integer(9)}});

    what = {};
    what.op = operation::create;
    what.changes.set(0, value::integer(5));
    REQUIRE(mw::shape_intent(twice, schema, what));
    CHECK(what.changes.size() == 3);
    CHECK_FALSE(what.before);

    // An update of a row that was not in sight: nothing tells what the mapper changed beside what the user did.
    what = {};
    what.op = operation::update;
    what.changes.set(0, value::integer(5));
    REQUIRE(mw::shape_intent(twice, schema, what));
    CHECK(what.changes.size() == 1);
    CHECK_FALSE(what.before);
    const intent shaped = what;
    REQUIRE(mw::shape_intent({}, schema, what));
    CHECK(what == shaped);

    const payload_mapper never = [](const model_schema&, const record_key&, record&) -> result<void> { return make_fault(errc::validation_failed, "no"); };
    CHECK_FALSE(mw::shape_intent(never, schema, what));
    what.op = operation::erase;
    CHECK(mw::shape_intent(never, schema, what));
}

TEST_CASE("payload mapper: a device may hold rows in a form of its own, whatever happens to them", "[wire]") {
    // Every sequence of three steps of either side, a sync of either device among them.
    for (int steps = 0; steps < 6 * 6 * 6; ++steps) {
        world w;
        device a{w, "a", a_thousand_more()}, b{w, "b"};
        a.write("T", 1001, 1);
        auto row = *a.at("T");
        row.fields[2] = value::integer(1000);
        w.lab.device_write(*a.store, key_named("T"), row);
        REQUIRE(a.sync().ok());
        REQUIRE(b.sync().ok());
        for (int left = steps, n = 0; n < 3; ++n, left /= 6) {
            switch (left % 6) {
            case 0: a.set("T", 0, 1005 + n); break;
            case 1: a.set("T", 2, a.at("T")->fields[2].as_integer() + 3); break;
            case 2: b.set("T", 0, 7 + n); break;
            case 3: b.set("T", 2, b.at("T")->fields[2].as_integer() + 2); break;
            case 4: a.sync(); break;
            case 5: b.sync(); break;
            }
        }
        for (int round = 0; round < 2; ++round)
            for (auto* d : {&a, &b}) REQUIRE(d->sync().ok());
        INFO("steps " << steps);
        CHECK(as_on_server(*a.at("T")) == w.at("T"));
        CHECK(b.at("T") == w.at("T"));
        CHECK(w.at("T")->fields[0].as_integer() < 100);
        CHECK(w.at("T")->fields[2].as_integer() < 100);
        CHECK(lab_must(a.engine.waiting(10, noon)).empty());
    }
}

TEST_CASE("payload mapper: what one refuses waits, or is kept aside, and stops nobody else", "[wire]") {
    world w;
    mutation_client_options o;
    bool strict = true;
    o.outbound = o.inbound = [&strict](const model_schema&, const record_key& key, record&) -> result<void> {
        if (strict && (key.key == "T2" || key.key == "T8")) return make_fault(errc::validation_failed, "not this one");
        return {};
    };
    device a{w, "a", o}, b{w, "b"};
    for (const char* key : {"T1", "T2", "T3"}) a.write(key, 1, 1);
    for (const char* key : {"T7", "T8", "T9"}) b.write(key, 1, 1);
    REQUIRE(b.sync().ok());
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.pushed == 2);
    CHECK(report.failed == 1);
    CHECK(report.pulled == 2);
    CHECK(report.pull_errors == 1);
    const auto waiting = lab_must(a.engine.waiting(10, noon));
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].key == key_named("T2"));
    CHECK(waiting[0].waiting->detail == "not this one");
    CHECK_FALSE(a.at("T8"));
    // Once the mapper takes it, it is read again without being sent again.
    strict = false;
    REQUIRE(a.engine.retry(key_named("T2"), noon));
    CHECK(a.sync().ok());
    CHECK(a.at("T8") == w.at("T8"));
    CHECK(w.at("T2"));
}

TEST_CASE("payload mapper: a server shapes every row that leaves it, for each principal, and its own mapper takes it back", "[wire]") {
    // Whoever is not the boss sees `a` as a thousand more, and no `m`.
    const auto boss = [](const caller& who) { return who.principal == "boss"; };
    mutation_server_options options;
    options.outbound = [boss](const caller& who, const model_schema&, const record_key&, record& row) {
        if (boss(who)) return;
        row.fields[0] = plus(row.fields[0], 1000);
        row.fields[3] = value{};
    };
    const mutation_mapper mapper = [boss](const caller& who, mutation& m) -> std::optional<rejection> {
        if (boss(who)) return std::nullopt;
        field_changes back;
        for (const auto& c : m.what.changes)
            if (c.field != 3) back.set(c.field, c.field == 0 ? plus(c.to, -1000) : c.to);
        m.what.changes = back;
        if (m.what.before) m.what.before->fields[0] = plus(m.what.before->fields[0], -1000);
        return std::nullopt;
    };
    world w{resolver_set{}, options, mapper};
    device a{w, "a"}, b{w, "boss"};
    b.write("T", 1, 1);
    b.set("T", 3, 42);
    REQUIRE(b.sync().ok());
    REQUIRE(a.sync().ok());
    CHECK(a.at("T")->fields[0] == value::integer(1001));
    CHECK(a.at("T")->fields[3] == value{});
    // A conflict that the server wins carries its row.
    a.set("T", 0, 1005);
    b.set("T", 0, 6);
    REQUIRE(b.sync().ok());
    REQUIRE(a.sync(sync_mode::push_only).ok());
    CHECK(a.at("T")->fields[0] == value::integer(1006));
    CHECK(a.at("T")->fields[3] == value{});
    a.set("T", 0, 1009);
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    CHECK(b.at("T")->fields[0] == value::integer(9));
    CHECK(b.at("T")->fields[3] == value::integer(42));
    CHECK(a.at("T")->fields[0] == value::integer(1009));
    // So do the answers to a client that sends no bases.
    const std::string push = R"({"client_id":"c","mutations":[{"mutation_id":"m1","entity_id":"T","model":"node","operation":"update","payload":{"a":2},"version":1,"timestamp":1}]})";
    const auto told = w.handle(request{http_method::post, "/tether/push", {}, push}, "c").body;
    CHECK(told.find(R"("tether_id":"T","a":1009,"b":1,"n":0,"m":null)") != std::string::npos);
    const auto page = w.handle(request{http_method::post, "/tether/pull", {}, R"({"client_id":"c"})"}, "c").body;
    CHECK(page.find(R"("a":1009)") != std::string::npos);
    CHECK((told + page).find("42") == std::string::npos);
}

}  // namespace payload_mapper_test
