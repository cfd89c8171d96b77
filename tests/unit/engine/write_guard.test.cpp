#include <syncline/engine/write_guard.hpp>

#include "support/catch.hpp"
#include "unit/engine/scopes_fixture.hpp"

namespace write_guard_test {

using namespace engine_tests;

TEST_CASE("W40: what is not there for the principal is refused alike, without row or version, and the receipt says no more") {
    scoped_server w;
    w.write("T", node_row(1, 2));
    for (const auto* key : {"T", "T3"})
        for (const auto& after : {std::optional{node_row(5, 1)}, std::optional<record>{}}) {
            const std::string id = std::string{key} + (after ? "u" : "d");
            const auto told = w.s.push_one(change_of(id, key, node_row(1, 1), after, 1));
            CHECK(told.kind == outcome_kind::refused);
            CHECK(told.why == nothing_there());
            CHECK(told.version == 0);
            CHECK_FALSE(told.carries_row);
            CHECK(w.s.receipt_of(id)->version == 0);
        }
    CHECK(w.s.row("T") == node_row(1, 2));
}

TEST_CASE("W41: labels that a change adds or takes away must be granted, also by a resolver") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    const auto out = w.s.push_one(change_of("m1", "T", node_row(1, 1), node_row(1, 2), 1));
    CHECK(out.why->code == errc::forbidden);
    CHECK(w.s.row("T") == node_row(1, 1));
    *w.granted = {"g1", "g2"};
    CHECK(w.s.push_one(change_of("m2", "T", node_row(1, 1), node_row(1, 2), 1)).kind == outcome_kind::applied);
    CHECK(w.s.row("T") == node_row(1, 2));

    authority_options o = w.options("1");
    o.resolvers = resolver_set{resolver{[](const conflict&, const resolver_context&) {
        field_changes to;
        to.set(field_b, value::integer(3));
        return resolution{resolution::verb::merged, to, {}};
    }}};
    authority<memory_authority_store> other{w.s.store, o};
    const auto merged = lab_must(other.push(w.s.ann, {change_of("m3", "T", node_row(1, 1), node_row(1, 2), 0)}, w.s.now)).outcomes;
    CHECK(merged[0].kind == outcome_kind::refused);
    CHECK(w.s.row("T") == node_row(1, 2));
}

TEST_CASE("W41: a label that is not granted is not taken away either from a record that stays in view") {
    scoped_server w;
    authority_options o = w.options("2");
    for (auto& [model, rule] : o.scopes.buckets)
        rule = [](const model_schema&, std::string_view, const record& row) { return row.fields[1] == value::integer(12) ? label_set{"g1", "g2"} : label_set{"g1"}; };
    w.write("T", node_row(1, 12));
    authority<memory_authority_store> other{w.s.store, o};
    const auto push = [&](const std::string& id) { return lab_must(other.push(w.s.ann, {change_of(id, "T", node_row(1, 12), node_row(1, 1), 1)}, w.s.now)).outcomes.at(0).kind; };
    CHECK(push("m1") == outcome_kind::refused);
    CHECK(w.s.row("T") == node_row(1, 12));
    *w.granted = {"g1", "g2"};
    CHECK(push("m2") == outcome_kind::applied);
    CHECK(w.s.row("T") == node_row(1, 1));
}

TEST_CASE("W13: an author whose record has left the view is told that the change met others, and nothing of them") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    w.write("U", node_row(1, 1));
    w.write("T", node_row(2, 1));
    const auto met = change_of("m1", "T", node_row(1, 1), node_row(5, 1, 3), 1);  // n is taken, a is the server's
    const auto clean = change_of("m2", "U", node_row(1, 1), node_row(5, 1), 2);
    const auto first = w.s.push({met, clean});
    CHECK(w.s.row("T") == node_row(2, 1, 3));
    CHECK(first[0].kind == outcome_kind::applied);
    CHECK(met_others(first[0]));
    CHECK_FALSE(met_others(first[1]));
    *w.granted = label_set{};
    const auto again = w.s.push({met, clean});
    for (const auto& out : again) {
        CHECK(out.kind == outcome_kind::applied);
        CHECK(out.out_of_view);
        CHECK(out.version == 0);
        CHECK_FALSE(out.carries_row);
    }
    CHECK(met_others(again[0]));
    CHECK_FALSE(met_others(again[1]));
}

TEST_CASE("W40: a change behind one that was refused is held alike, whether its parent exists unseen or not at all") {
    for (const bool exists : {true, false}) {
        scoped_server w;
        if (exists) w.write("P", node_row(1, 2));
        const auto told = w.s.push({change_of("m1", "P", node_row(1, 1), node_row(2, 1), 1), change_of("m2", "C1", {}, scoped_server::child(1, 1, "P"))});
        CHECK(told[0].why->code == errc::absent);
        CHECK(told[1].kind == outcome_kind::held);
    }
}

TEST_CASE("W41: a record that died in view may be erased again, and one that died out of view is unknown") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    w.write("T2", node_row(1, 2));
    w.s.erase("T");
    w.s.erase("T2");
    w.s.seal();
    CHECK(w.s.push_one(change_of("m1", "T", node_row(1, 1), {}, 1)).kind == outcome_kind::applied);
    CHECK(w.s.push_one(change_of("m2", "T2", node_row(1, 2), {}, 2)).why == nothing_there());
    CHECK(w.s.push_one(change_of("m3", "T2", {}, node_row(4, 1))).kind == outcome_kind::applied);
}

TEST_CASE("write guard: where no model has buckets it allows everything and reads nothing") {
    server s;
    const scope_map none{s.engine.schemas(), scope_rules{}};
    auto t = lab_must(s.store.begin("main", access::write));
    lab_must(t.write(key_named("T"), node_row(1)));
    write_guard<memory_authority_store::transaction> guard{t, s.engine.schemas(), none, {}};
    CHECK_FALSE(guard.any());
    CHECK(lab_must(guard.knows(key_named("nothing"))));
    CHECK(lab_must(guard.sees(key_named("T"))));
    CHECK_FALSE(lab_must(guard.sees(key_named("nothing"))));
    CHECK_FALSE(lab_must(guard.before(change_of("m", "nothing", node_row(1), std::nullopt).what, std::nullopt)));
    CHECK_FALSE(lab_must(guard.after(key_named("T"), std::nullopt)));
}

TEST_CASE("W41: a record outside of buckets is written by everybody, but not erased where that takes along, or leaves behind, what is not seen") {
    half_scoped_server w;
    w.write("P", node_row(1));
    w.write("T", node_row(1));
    w.write("C1", half_scoped_server::child(1, 1, "P"));
    w.write("C2", half_scoped_server::child(1, 2, "P"));
    CHECK(w.s.push_one(change_of("m1", "P", node_row(1), node_row(2), 1)).kind == outcome_kind::applied);
    CHECK(w.s.push_one(change_of("m2", "N", {}, node_row(1))).kind == outcome_kind::applied);
    CHECK(w.s.push_one(change_of("m3", "C3", {}, half_scoped_server::child(1, 1, "P"))).kind == outcome_kind::applied);
    const auto refused = w.s.push_one(change_of("m4", "P", node_row(2), {}, w.s.version_of("P")));
    CHECK(refused.kind == outcome_kind::refused);
    CHECK(refused.why->code == errc::forbidden);
    CHECK(w.s.row("C2"));
    CHECK(w.s.push_one(change_of("m5", "T", node_row(1), {}, w.s.version_of("T"))).kind == outcome_kind::applied);
    CHECK(w.s.push_one(change_of("m6", "T3", node_row(1), {}, 1)).kind == outcome_kind::applied);  // there is none, and that is no secret

    auto t = lab_must(w.s.store.begin("main", access::write));
    const scope_map scopes{w.s.engine.schemas(), w.options("1").scopes};
    write_guard<memory_authority_store::transaction> guard{t, w.s.engine.schemas(), scopes, {"g1"}};
    CHECK(lab_must(guard.sees(key_named("P"))));
    CHECK_FALSE(lab_must(guard.sees(key_named("C2"))));
}

TEST_CASE("W41: what lies in no bucket at all can be made by nobody") {
    scoped_server w;
    record row = node_row(1);
    row.fields[field_b] = value{};
    const auto told = w.s.push_one(change_of("m1", "T", {}, row));
    CHECK(told.kind == outcome_kind::refused);
    CHECK(told.why->code == errc::forbidden);
    CHECK_FALSE(w.s.row("T"));
}

TEST_CASE("W41: a record that refers to itself, or a row that is gone again when it is looked at, stands in nobody's way") {
    scoped_tree w;
    const auto change = [](const std::string& id, std::optional<record> before, std::optional<record> after, std::int64_t version) {
        mutation m = change_of(id, "x", before, after, version);
        m.what.key = {0, "x"};
        return m;
    };
    CHECK(w.push(change("m1", {}, scoped_tree::row(1, "x"), 0)).kind == outcome_kind::applied);
    *w.granted = {"g1", "g2"};
    CHECK(w.push(change("m2", scoped_tree::row(1, "x"), scoped_tree::row(2, "x"), 1)).kind == outcome_kind::applied);
    auto erase = change("m3", scoped_tree::row(2, "x"), {}, 2);
    CHECK(w.push(erase).kind == outcome_kind::applied);
    CHECK_FALSE(w.store.row("main", {0, "x"}));

    auto t = lab_must(w.store.begin("main", access::write));
    const scope_map scopes{w.engine.schemas(), w.options().scopes};
    write_guard<memory_authority_store::transaction> guard{t, w.engine.schemas(), scopes, {}};
    CHECK_FALSE(lab_must(guard.after({0, "x"}, std::nullopt)));
}

}  // namespace write_guard_test
