#include <syncline/adapters/sqlite/row_digest.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <map>
#include <string>

namespace row_digest_test {

using namespace syncline;

TEST_CASE("sqlite_row_digest: equal values and only they have one digest, and none is the one of nothing") {
    std::map<std::uint64_t, value> seen;
    std::size_t different = 0;
    for (const auto& awkward : store_contract::awkward_values()) {
        const std::uint64_t digest = sqlite_value_digest(awkward.v);
        CHECK(digest != 0);
        const auto [at, is_new] = seen.emplace(digest, awkward.v);
        if (is_new) ++different;
        CHECK(at->second == awkward.v);
    }
    CHECK(different > 50);
    CHECK(sqlite_value_digest(value{}) != sqlite_value_digest(value::text("")));
    CHECK(sqlite_value_digest(value::text("a")) != sqlite_value_digest(value::bytes("a")));
}

TEST_CASE("sqlite_row_digest: tells the fields that changed, and passes over what it does not know") {
    record row{{value::integer(1), value::text("x"), value{}}};
    const std::string digest = sqlite_row_digest(row);
    CHECK(digest.size() == 1 + 3 * sqlite_field_digest_size);
    CHECK(fields_unlike_sqlite_digest(row, digest).empty());
    row.fields[1] = value::text("y");
    row.fields[2] = value::integer(0);
    const field_set changed = fields_unlike_sqlite_digest(row, digest);
    CHECK(changed.size() == 2);
    CHECK(changed.contains(1));
    CHECK(changed.contains(2));
    row.fields.push_back(value::integer(9));
    CHECK_FALSE(fields_unlike_sqlite_digest(row, digest).contains(3));
    CHECK(fields_unlike_sqlite_digest(row, begin_sqlite_digest() + std::string(24, '\0')).empty());
    CHECK(sqlite_row_digest(std::nullopt).empty());
    CHECK_FALSE(sqlite_row_digest(record{}).empty());
}

}  // namespace row_digest_test
