#include <syncline/engine/waiting_changes.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

namespace waiting_changes_test {

using namespace engine_tests;

namespace {

// The user made a 2 of 1; the server refused it and has 6 there, and 6 in b.
struct refused_device : device {
    refused_device() {
        take({image_of("T", 5, node_row(1))});
        write("T", node_row(2));
        answer(node_row(6, 6));
    }
    static row_image image_of(const std::string& key, std::int64_t version, std::optional<record> row) {
        return {key_named(key), version, std::move(row), {}};
    }
    void answer(std::optional<record> server_row) {
        outcome o;
        o.id = freeze()->items[0].id;
        o.kind = outcome_kind::refused;
        o.why = wait_reason{errc::conflict, "it was not decided"};
        o.version = 8;
        o.carries_row = true;
        o.row = std::move(server_row);
        settle({o});
    }
    result<void> edit(field_changes to, std::optional<std::int64_t> seen = std::nullopt) {
        return engine.edit(key_named("T"), to, seen, now);
    }
};

field_changes set(field_index field, value to) {
    field_changes out;
    out.set(field, std::move(to));
    return out;
}

// Nothing: it went well.
template <class T>
std::optional<errc> code_of(const result<T>& r) {
    return r ? std::optional<errc>{} : std::optional{r.error().code};
}

field_set fields(std::initializer_list<field_index> of) {
    field_set out;
    for (const auto f : of) out.insert(f);
    return out;
}

}  // namespace

TEST_CASE("waiting changes: a change is explained by what the user wrote and what the server has (promise 12) (W35)") {
    refused_device d;
    const auto e = lab_must(d.engine.explain(key_named("T"), d.now));
    CHECK(e.model == "node");
    CHECK(e.server == node_row(6, 6));
    CHECK(e.server_version == 8);
    REQUIRE(e.fields.size() == 2);
    CHECK(e.fields[0].wrote == value::integer(2));
    CHECK(e.fields[0].server == value::integer(6));
    CHECK_FALSE(e.fields[1].wrote);
    CHECK(e.text.find("it was not decided") != std::string::npos);
    CHECK(code_of(d.engine.explain(key_named("T2"), d.now)) == errc::absent);
    CHECK(code_of(d.engine.explain(record_key{9, "T"}, d.now)) == errc::unknown_model);
    d.check();
}

TEST_CASE("waiting changes: an edit replaces the value, keeps the others, and goes out on what the server has (promise 2)") {
    refused_device d;
    REQUIRE(d.edit(set(field_b, value::integer(7))));
    CHECK(d.row("T") == node_row(2, 7));
    auto next = d.freeze();
    REQUIRE(next);
    CHECK(next->items[0].what.base == base_ref{8, {}});
    CHECK(next->items[0].what.before == node_row(6, 6));
    CHECK(next->items[0].what.changes.fields() == fields({field_a, field_b}));
    d.check();
    // Nothing waits any more.
    CHECK(code_of(d.edit(set(field_a, value::integer(3)))) == errc::absent);
}

TEST_CASE("waiting changes: a field that is edited to what the server has is no longer changed") {
    refused_device d;
    SECTION("another one is") {
        auto edits = set(field_a, value::integer(6));
        edits.set(field_b, value::integer(9));
        REQUIRE(d.edit(edits));
        CHECK(d.row("T") == node_row(6, 9));
        CHECK(d.freeze()->items[0].what.changes.fields() == fields({field_b}));
    }
    SECTION("nothing is left, so nothing is sent") {
        REQUIRE(d.edit(set(field_a, value::integer(6))));
        CHECK(d.row("T") == node_row(6, 6));
        CHECK(!d.freeze());
        CHECK(!d.open("T"));
    }
    d.check();
}

TEST_CASE("waiting changes: an edit of what the person did not see is refused, and changes nothing") {
    refused_device d;
    const auto seen = lab_must(d.engine.explain(key_named("T"), d.now)).server_version;
    d.take({refused_device::image_of("T", 9, node_row(7, 6))});
    const auto before = d.row("T");
    CHECK(code_of(d.edit(set(field_a, value::integer(3)), seen)) == errc::stale);
    CHECK(d.row("T") == before);
    CHECK(d.open("T")->waiting);
    CHECK(d.edit(set(field_a, value::integer(3)), 9));
    CHECK(d.row("T") == node_row(3, 6));
    d.check();
}

TEST_CASE("waiting changes: an edit that does not fit the model, or the table, is refused by name and changes nothing (promise 11)") {
    refused_device d;
    const auto before = d.row("T");
    CHECK(code_of(d.edit(set(200, value::integer(3)))) == errc::unknown_field);
    const auto kind = d.edit(set(field_a, value::text("3")));
    REQUIRE(code_of(kind) == errc::malformed_value);
    CHECK(kind.error().detail.find("`a`") != std::string::npos);
    CHECK(d.row("T") == before);
    CHECK(d.open("T")->waiting);
    CHECK(d.edit(set(field_a, value::null())));
    d.check();
}

TEST_CASE("waiting changes: the app's own table can refuse an edit; then it waits as it did") {
    memory_table_options unique;
    unique.unique = {{node_model, 0}};
    device d{resolver_set{}, unique};
    d.take({refused_device::image_of("T", 5, node_row(1)), refused_device::image_of("T2", 5, node_row(4))});
    d.write("T", node_row(2));
    outcome o;
    o.id = d.freeze()->items[0].id;
    o.kind = outcome_kind::refused;
    o.why = wait_reason{errc::validation_failed, "no"};
    d.settle({o});
    CHECK(code_of(d.engine.edit(key_named("T"), set(field_a, value::integer(4)), std::nullopt, d.now)) == errc::constraint);
    CHECK(d.row("T") == node_row(2));
    CHECK(d.open("T")->waiting);
    CHECK(d.engine.edit(key_named("T"), set(field_a, value::integer(3)), std::nullopt, d.now));
    CHECK(d.row("T") == node_row(3));
    d.check();
}

TEST_CASE("waiting changes: an edit of a record that is gone makes it again whole, and a deletion has no fields to edit") {
    for (const bool erases : {false, true}) {
        device d;
        d.take({refused_device::image_of("T", 5, node_row(1, 4))});
        erases ? d.erase("T") : d.write("T", node_row(2, 4));
        outcome o;
        o.id = d.freeze()->items[0].id;
        o.kind = outcome_kind::refused;
        o.why = wait_reason{errc::conflict, "no"};
        o.version = 8;
        o.carries_row = true;
        d.settle({o});
        const auto done = d.engine.edit(key_named("T"), set(field_b, value::integer(5)), 8, d.now);
        CHECK(done.has_value() == !erases);
        if (erases) {
            CHECK(code_of(done) == errc::invalid_argument);
            CHECK(d.open("T")->waiting);
        } else {
            CHECK(d.freeze()->items[0].what.op == operation::create);
            CHECK(d.row("T") == node_row(2, 5));
        }
        d.check();
    }
}

TEST_CASE("waiting changes: a value with a merge that is edited is the person's, and what was counted meanwhile is in it") {
    device d;
    d.take({refused_device::image_of("T", 5, node_row(1, 0, 10))});
    d.write("T", node_row(2, 0, 13));
    outcome o;
    o.id = d.freeze()->items[0].id;
    o.kind = outcome_kind::refused;
    o.why = wait_reason{errc::conflict, "no"};
    o.version = 8;
    o.carries_row = true;
    o.row = node_row(6, 0, 20);
    d.settle({o});
    SECTION("not named: the difference is kept") {
        REQUIRE(d.engine.edit(key_named("T"), set(field_a, value::integer(3)), std::nullopt, d.now));
        CHECK(d.row("T") == node_row(3, 0, 23));
    }
    SECTION("named: it is what the person says") {
        REQUIRE(d.engine.edit(key_named("T"), set(field_n, value::integer(30)), std::nullopt, d.now));
        CHECK(d.row("T") == node_row(2, 0, 30));
    }
    d.check();
}

TEST_CASE("waiting changes: a field that needs a value cannot be edited to nothing, and the refusal says so") {
    model_schema item;
    item.name = "item";
    item.fields = {{"name", value_kind::text, false, nullptr}};
    schema_set schemas;
    lab_must(schemas.add(item));
    memory_replica_store store{schemas};
    replica<memory_replica_store> engine{store};
    seeded_random random{1};
    const auto now = at(2000);
    lab_must(engine.open(random, now));
    const record_key key{0, "x"};
    lab_must(store.app_write(key, record{{value::text("a")}}));
    const auto batch = lab_must(engine.freeze(10, false, random, now));
    lab_must(engine.settle(batch->head.id, {answer(batch->items[0].id, outcome_kind::refused)}, now));
    for (const auto& wrong : {value{}, value::integer(3)}) {
        const auto refused = engine.edit(key, set(0, wrong), std::nullopt, now);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::malformed_value);
        CHECK(refused.error().detail.find("`name` of model `item` is of kind text and cannot be empty") != std::string::npos);
    }
    CHECK(engine.edit(key, set(0, value::text("b")), std::nullopt, now));
}

}  // namespace waiting_changes_test
