#include <syncline/change/bundle.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <vector>

namespace bundle_test {

using syncline::bundle;
using syncline::bundle_head;
using syncline::from_microseconds;
using syncline::record;
using syncline::row_change;
using syncline::row_image;

namespace {

template <class T>
void all_differ(const std::vector<T>& all) {
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = 0; j < all.size(); ++j) {
            CAPTURE(i, j);
            CHECK((all[i] == all[j]) == (i == j));
        }
}

}  // namespace

TEST_CASE("bundle: every member of a row change takes part in equality, so that no difference is overlooked") {
    std::vector<row_change> all(9);
    all[1].key.key = "k";
    all[2].op = syncline::operation::erase;
    all[3].version = 1;
    all[4].stamp = 1;
    all[5].after = record{};
    all[6].fields.insert(0);
    all[7].writer = "m";
    all[8].written_at = from_microseconds(1);
    all_differ(all);
}

TEST_CASE("bundle: a row that is gone differs from a row without fields") {
    std::vector<row_image> all(5);
    all[1].row = record{};
    all[2].key.model = 1;
    all[3].version = 1;
    all[4].contains = "m";
    all_differ(all);
    CHECK_FALSE(row_image{}.row);
    CHECK_FALSE(row_change{}.after);
}

TEST_CASE("bundle: heads and bundles are equal when all of them is") {
    std::vector<bundle_head> heads(6);
    heads[1].seq = 1;
    heads[2].source = "server";
    heads[3].source_bundle_id = 1;
    heads[4].row_count = 1;
    heads[5].first_stamp = 1;
    all_differ(heads);
    std::vector<bundle> bundles(3);
    bundles[1].head.seq = 1;
    bundles[2].rows.emplace_back();
    all_differ(bundles);
}

TEST_CASE("bundle: a record leaves the view where neither a row nor a version is told, which is no deletion") {
    row_image image;
    CHECK(leaves_view(image));
    image.version = 7;
    CHECK_FALSE(leaves_view(image));
    image.row = record{};
    CHECK_FALSE(leaves_view(image));
    image.version = 0;
    CHECK_FALSE(leaves_view(image));
}

}  // namespace bundle_test
