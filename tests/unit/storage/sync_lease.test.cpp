#include <syncline/storage/sync_lease.hpp>

#include <syncline/storage/memory_replica_store.hpp>

#include "support/archetypes/leasing_store.hpp"
#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace sync_lease_test {

using namespace syncline;
using store_contract::must;

namespace {

constexpr duration minute = std::chrono::seconds{60};
constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

struct data {
    memory_replica_store store{store_contract::schemas()};

    std::optional<sync_lease> take(const std::string& owner, timestamp now, const std::string& own_last = {}, duration length = minute) {
        auto t = must(store.begin());
        auto mine = must(take_lease(t, owner, own_last, length, now));
        must(t.commit());
        return mine;
    }
    bool still(const sync_lease& mine) {
        auto t = must(store.begin());
        const auto held = check_lease(t, mine);
        if (!held) CHECK(held.error().code == errc::busy);
        return held.has_value();
    }
};

}  // namespace

TEST_CASE("sync lease: a holder's name stands in front of its token, whatever it is made of") {
    for (const char* name : {"", "editor", "the editor, process 7", " "}) {
        CAPTURE(name);
        sync_lease lease;
        lease.owner = named_owner(name, "7e3c");
        CHECK(holder_name(lease) == name);
        CHECK(lease.owner.substr(lease.owner.size() - 4) == "7e3c");
    }
    CHECK(holder_name(sync_lease{}).empty());
}

TEST_CASE("sync lease: a free one is taken, a held one is not, and one whose time is up is taken over") {
    data d;
    const auto first = d.take("a", noon);
    REQUIRE(first);
    CHECK(first->fence == 1);
    CHECK_FALSE(d.take("b", noon));
    CHECK_FALSE(d.take("b", noon + minute - duration{1}));
    CHECK(d.still(*first));
    const auto second = d.take("b", noon + minute);
    REQUIRE(second);
    CHECK(second->fence == 2);
    CHECK_FALSE(d.still(*first));
    CHECK(d.still(*second));
}

TEST_CASE("sync lease: one whose time is up is its holder's still, as long as nobody took it over") {
    data d;
    const auto mine = d.take("a", noon);
    REQUIRE(mine);
    CHECK(d.still(*mine));
    auto t = must(d.store.begin());
    must(t.put_lease(renewed(*mine, noon + 10 * minute)));
    must(t.commit());
    CHECK_FALSE(d.take("b", noon + 10 * minute));
    CHECK(d.still(*mine));
}

TEST_CASE("sync lease: one that is given back is free at once, and the next one's fence is higher") {
    data d;
    const auto first = d.take("a", noon);
    REQUIRE(first);
    auto t = must(d.store.begin());
    must(give_back_lease(t, *first));
    must(t.commit());
    CHECK_FALSE(d.still(*first));
    const auto second = d.take("b", noon);
    REQUIRE(second);
    CHECK(second->fence == first->fence + 1);
}

TEST_CASE("sync lease: the same token with another fence is another holder") {
    data d;
    const auto first = d.take("a", noon);
    REQUIRE(first);
    const auto again = d.take("a", noon, "a");
    REQUIRE(again);
    CHECK_FALSE(d.still(*first));
    CHECK(d.still(*again));
}

TEST_CASE("sync lease: a sync that ended without giving it back is followed at once by the next one of its program") {
    data d;
    REQUIRE(d.take("a", noon));
    CHECK_FALSE(d.take("b", noon, "another"));
    CHECK(d.take("b", noon, "a"));
}

TEST_CASE("sync lease: a clock that jumps back keeps a dead holder's lease for twice its length at most") {
    data d;
    const timestamp far = noon + std::chrono::hours{24 * 365 * 100};
    const auto lost = d.take("dead", far);
    REQUIRE(lost);
    const auto mine = d.take("b", noon);
    REQUIRE(mine);
    CHECK_FALSE(d.still(*lost));
    SECTION("a small step back knocks nobody out") {
        CHECK_FALSE(d.take("c", noon - minute));
        CHECK(d.still(*mine));
    }
    SECTION("a large one does, and the fence keeps them apart") {
        const auto next = d.take("c", noon - minute - duration{1});
        REQUIRE(next);
        CHECK_FALSE(d.still(*mine));
    }
}

TEST_CASE("sync lease: is moved on when half of its time is over, and when its end is too far ahead") {
    const sync_lease lease{"a", 1, to_microseconds(noon + minute), minute.count()};
    CHECK_FALSE(is_due(lease, noon));
    CHECK_FALSE(is_due(lease, noon + minute / 2 - duration{1}));
    CHECK(is_due(lease, noon + minute / 2));
    CHECK(is_due(lease, noon + 2 * minute));
    CHECK(is_due(lease, noon - duration{1}));
}

TEST_CASE("sync lease: numbers at the ends of what is possible hold nobody up for ever") {
    using limits = std::numeric_limits<std::int64_t>;
    const auto held = [](std::int64_t expires, std::int64_t length, timestamp now) {
        return is_held(sync_lease{"a", 1, expires, length}, now);
    };
    CHECK_FALSE(held((limits::max)(), minute.count(), noon));
    CHECK_FALSE(held((limits::max)(), -1, noon));
    CHECK_FALSE(held((limits::max)(), (limits::min)(), noon));
    CHECK_FALSE(held((limits::min)(), minute.count(), noon));
    CHECK_FALSE(held(to_microseconds(noon) + 1, 0, noon));
    CHECK(held((limits::max)(), (limits::max)(), noon));
    CHECK(held((limits::min)() + 5, minute.count(), (timestamp::min)()));
    CHECK(renewed(sync_lease{"a", 1, 0, minute.count()}, (timestamp::max)()).expires_us == (limits::max)());
    CHECK(detail::microseconds_after(noon, duration{-5}) == to_microseconds(noon));
}

}  // namespace sync_lease_test
