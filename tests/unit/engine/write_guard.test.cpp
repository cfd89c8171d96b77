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

}  // namespace write_guard_test
