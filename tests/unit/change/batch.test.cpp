#include <syncline/change/batch.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <vector>

namespace batch_test {

using syncline::batch;
using syncline::batch_item;
using syncline::batch_state;

TEST_CASE("batch: a new one is prepared, unnumbered and not committed") {
    const batch b;
    CHECK(b.state == batch_state::prepared);
    CHECK(b.source_bundle_id == 0);
    CHECK(b.committed_seq == 0);
    CHECK(b.committed_hash.empty());
    CHECK(b.frozen_items == 0);
}

TEST_CASE("batch: states have stable numbers, as they lie in stores") {
    static_assert(static_cast<int>(batch_state::prepared) == 1);
    static_assert(static_cast<int>(batch_state::committed_remote) == 2);
    SUCCEED();
}

TEST_CASE("batch: every member takes part in equality") {
    std::vector<batch> all(7);
    all[1].id = 1;
    all[2].source_bundle_id = 1;
    all[3].state = batch_state::committed_remote;
    all[4].committed_seq = 1;
    all[5].committed_hash = "h";
    all[6].frozen_items = 1;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = 0; j < all.size(); ++j) CHECK((all[i] == all[j]) == (i == j));

    std::vector<batch_item> items(4);
    items[1].id = "m";
    items[2].position = 1;
    items[3].what.ordinal = 1;
    for (std::size_t i = 0; i < items.size(); ++i)
        for (std::size_t j = 0; j < items.size(); ++j) CHECK((items[i] == items[j]) == (i == j));
}

}  // namespace batch_test
