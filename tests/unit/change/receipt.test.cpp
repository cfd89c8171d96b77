#include <syncline/change/receipt.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <set>
#include <string_view>
#include <vector>

namespace receipt_test {

using syncline::bundle_receipt;
using syncline::errc;
using syncline::name_of;
using syncline::outcome;
using syncline::outcome_kind;
using syncline::receipt;
using syncline::record;
using syncline::wait_reason;

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

TEST_CASE("receipt: outcome kinds have stable numbers and names of their own") {
    static_assert(static_cast<int>(outcome_kind::applied) == 1 && static_cast<int>(outcome_kind::superseded) == 2);
    static_assert(static_cast<int>(outcome_kind::refused) == 3 && static_cast<int>(outcome_kind::held) == 4);
    static_assert(static_cast<int>(outcome_kind::error) == 5);
    std::set<std::string_view> names;
    for (int kind = 1; kind <= 5; ++kind) names.insert(name_of(static_cast<outcome_kind>(kind)));
    CHECK(names.size() == 5);
    CHECK(names.count("unknown") == 0);
    CHECK(name_of(static_cast<outcome_kind>(6)) == "unknown");
}

TEST_CASE("receipt: every member takes part in equality") {
    std::vector<receipt> all(11);
    all[1].id = "m";
    all[2].outcome = outcome_kind::held;
    all[3].key.key = "k";
    all[4].version = 1;
    all[5].clean = true;
    all[6].carries_row = true;
    all[7].after = "m";
    all[8].content_hash = "h";
    all[9].why = wait_reason{errc::conflict, ""};
    all[10].messages.push_back({"title", "is empty"});
    all_differ(all);

    std::vector<bundle_receipt> bundles(6);
    bundles[1].source = "s";
    bundles[2].source_bundle_id = 1;
    bundles[3].seq = 1;
    bundles[4].content_hash = "h";
    bundles[5].row_count = 1;
    all_differ(bundles);
}

TEST_CASE("outcome: every member takes part in equality, and a row that is gone is not a row without fields") {
    std::vector<outcome> all(10);
    all[1].id = "m";
    all[2].kind = outcome_kind::refused;
    all[3].version = 1;
    all[4].clean = true;
    all[5].carries_row = true;
    all[6].row = record{};
    all[7].why = wait_reason{errc::held, ""};
    all[8].messages.push_back({"", "text"});
    all[9].rule = "rule";
    all_differ(all);
}

}  // namespace receipt_test
