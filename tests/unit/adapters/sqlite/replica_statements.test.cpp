#include <syncline/adapters/sqlite/replica_statements.hpp>

#include <syncline/adapters/sqlite/replica_store.hpp>

#include "support/catch.hpp"

#include <type_traits>
#include <utility>

namespace replica_statements_test {

using namespace syncline;

TEST_CASE("sqlite_replica_statements: a transaction is moved, never copied, and rolls back when it is dropped or assigned over") {
    using transaction = sqlite_replica_store::transaction;
    static_assert(!std::is_copy_constructible_v<transaction> && !std::is_copy_assignable_v<transaction>);
    auto db = sqlite_database::open(":memory:", {});
    REQUIRE(db);
    REQUIRE(db->execute("CREATE TABLE t(id TEXT PRIMARY KEY, a INTEGER) WITHOUT ROWID"));
    auto store = sqlite_replica_store::open(db->handle(), std::vector<std::string>{"t"});
    REQUIRE(store);
    const unread_row row{{"t", "k"}, 1, "{}", {errc::malformed_value, "why"}};
    {
        auto t = store->begin();
        REQUIRE(t);
        REQUIRE(t->put_unread(row));
        auto moved = std::move(*t);
        CHECK(moved.find_unread(row.name).has_value());
        const auto over = t->put_unread(row);
        REQUIRE_FALSE(over);
        CHECK(over.error().code == errc::bug);
    }
    auto t = store->begin();
    REQUIRE(t);
    auto found = t->find_unread(row.name);
    REQUIRE(found);
    CHECK_FALSE(found->has_value());
    REQUIRE(t->put_unread(row));
    REQUIRE(t->commit());
    auto again = store->begin();
    REQUIRE(again);
    CHECK(*again->find_unread(row.name) == row);
}

}  // namespace replica_statements_test
