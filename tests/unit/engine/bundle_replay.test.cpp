#include <syncline/engine/bundle_replay.hpp>

#include "unit/engine/fixture.hpp"

namespace bundle_replay_test {

using namespace engine_tests;

TEST_CASE("bundle replay: committed rows become the base, the number moves on, and the right to fill the account is used up") {
    device d;
    lab_must(d.engine.connected(scope_connection{scope_resolution::initialize_local, "right", {}, 0}, false, d.now));
    d.write("T", node_row(1));
    const auto batch = lab_must(d.engine.freeze(10, true, d.random, d.now));
    REQUIRE(batch);
    const std::vector<row_image> rows{row_image{key_named("T"), 1, node_row(7), {}}};
    lab_must(d.engine.replay(batch->head.id, 1, &rows, d.now));
    CHECK(d.row("T") == std::optional{node_row(7)});
    const auto state = d.status().state;
    CHECK(state.next_source_bundle_id == 2);
    CHECK(state.checkpoint == 1);
    CHECK(state.initialization_id.empty());
    CHECK(d.status().counts.frozen == 0);
}

TEST_CASE("bundle replay: while another picture is awaited, the commit shows as it was made, whatever the checkpoint") {
    device d;
    d.write("T", node_row(1));
    const auto batch = *d.freeze(10, true);
    REQUIRE(lab_must(d.engine.committed(batch.head.id, 5, "h", d.now)));
    const bool awaited = GENERATE(true, false);
    REQUIRE(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("s", 0, 1, 9, {}, cursor{9}, d.now)).hydrated);
    if (awaited) REQUIRE(d.engine.begin_hydration(d.now));
    const std::vector<row_image> rows{image("T", 5, node_row(1))};
    CHECK(lab_must(d.engine.replay(batch.head.id, 5, &rows, d.now)).applied == (awaited ? 1u : 0u));
    CHECK(d.row("T") == (awaited ? std::optional{node_row(1)} : std::nullopt));
    CHECK(d.base("T").version == (awaited ? 5 : 0));
    d.check();
}

}  // namespace bundle_replay_test
