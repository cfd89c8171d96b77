#include <syncline/engine/freezing.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

namespace {

using namespace engine_tests;

std::optional<frozen_batch> freeze(device& d, replica_state& state, std::size_t limit, bool numbered) {
    std::optional<frozen_batch> out;
    auto t = lab_must(d.store.begin());
    lab_must(freeze_next(t, d.engine.schemas(), state, limit, numbered, random_source{d.random}, d.now, out));
    return out;
}

}  // namespace

TEST_CASE("freezing: at most as many as asked for, parents before children, each under an id of its own") {
    device d;
    d.write("C1", child_row(1, "P"));
    d.write("P", node_row(2));
    d.write("T", node_row(3));
    lab_must(d.engine.absorb(d.now));
    replica_state state = d.status().state;
    const auto two = freeze(d, state, 2, true);
    REQUIRE(two);
    REQUIRE(two->items.size() == 2);
    CHECK(two->items[0].what.key == key_named("P"));
    CHECK(two->items[0].id != two->items[1].id);
    CHECK(two->head.source_bundle_id == state.next_source_bundle_id);
    CHECK(two->head.frozen_items == 2);
    CHECK(freeze(d, state, 3, false)->head.id == two->head.id + 1);
    CHECK(freeze(d, state, 3, false)->head.source_bundle_id == 0);
    CHECK(!freeze(d, state, 0, false));
}

TEST_CASE("freezing: a new child waits with the creation of its parent, its siblings and erases do not") {
    device d;
    d.write("P", node_row(2));
    const auto batch = d.freeze();
    REQUIRE(batch);
    outcome refused = answer(batch->items.front().id, outcome_kind::refused);
    refused.why = wait_reason{errc::validation_failed, "no"};
    d.settle({refused});
    d.write("C1", child_row(1, "P"));
    d.write("C2", child_row(1, "T"));
    lab_must(d.engine.absorb(d.now));
    auto t = lab_must(d.store.begin());
    CHECK(lab_must(behind_waiting_parent(t, d.engine.schemas(), *lab_must(t.open_intent(key_named("C1"))))));
    CHECK(!lab_must(behind_waiting_parent(t, d.engine.schemas(), *lab_must(t.open_intent(key_named("C2"))))));
    intent gone = *lab_must(t.open_intent(key_named("C1")));
    gone.op = operation::erase;
    CHECK(!lab_must(behind_waiting_parent(t, d.engine.schemas(), gone)));
}
