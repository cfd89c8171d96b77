#include <syncline/storage/fenced_store.hpp>

#include <syncline/storage/memory_replica_store.hpp>

#include "support/archetypes/replica_store.hpp"
#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace fenced_store_test {

using namespace syncline;
using store_contract::must;
using store_contract::task;

static_assert(replica_store<fenced_store<memory_replica_store>>);
static_assert(replica_store<fenced_store<archetypes::replica_store_archetype>>, "a store without leases can be fenced too");

namespace {

// A store that keeps no lease.
struct bare_transaction : memory_replica_store::transaction {
    explicit bare_transaction(memory_replica_store::transaction of) : memory_replica_store::transaction(std::move(of)) {}
    void lease() = delete;
    void put_lease() = delete;
};
struct bare_store {
    using transaction = bare_transaction;
    const schema_set& schemas() const { return inner.schemas(); }
    result<bare_transaction> begin() {
        auto t = inner.begin();
        if (!t) return std::move(t).error();
        return bare_transaction{std::move(*t)};
    }
    memory_replica_store inner{store_contract::schemas()};
};
static_assert(replica_store<bare_store> && !leasing_store<bare_store>);

constexpr duration minute = std::chrono::seconds{60};
constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);
const record_key k{task, "k"};

// Two programs on the same data.
struct two {
    memory_replica_store data{store_contract::schemas()};
    fenced_store<memory_replica_store> a{data};
    fenced_store<memory_replica_store> b{data};

    sync_lease kept() {
        auto t = must(data.begin());
        return must(t.lease());
    }
};

bool writes(fenced_store<memory_replica_store>& store, const std::string& title, timestamp now) {
    const fenced_store<memory_replica_store>::raised up{store, now};
    auto t = store.begin();
    if (!t) {
        CHECK(t.error().code == errc::busy);
        return false;
    }
    must(t->write(k, store_contract::task_row(title)));
    must(t->commit());
    return true;
}

}  // namespace

TEST_CASE("fenced store: only one of two programs has the lease at a time") {
    two s;
    CHECK_FALSE(s.a.held());
    must(s.a.give_back());  // nothing to give
    CHECK(must(s.a.take("a", minute, noon)));
    REQUIRE(s.a.held());
    CHECK(*s.a.held() == s.kept());
    must(s.b.give_back());
    CHECK(s.kept().owner == "a");
    CHECK_FALSE(must(s.b.take("b", minute, noon)));
    CHECK_FALSE(s.b.held());
    CHECK(must(s.b.current()).owner == "a");
    must(s.a.give_back());
    CHECK_FALSE(s.a.held());
    CHECK(must(s.b.current()).owner.empty());
    CHECK(must(s.b.take("b", minute, noon)));
}

TEST_CASE("fenced store: a holder that was taken over changes nothing any more, in no transaction") {
    two s;
    REQUIRE(must(s.a.take("a", minute, noon)));
    CHECK(writes(s.a, "one", noon));
    REQUIRE(must(s.b.take("b", minute, noon + minute)));
    CHECK_FALSE(writes(s.a, "two", noon + minute));
    CHECK(s.data.row(k) == store_contract::task_row("one"));
    CHECK(writes(s.b, "three", noon + minute));
    CHECK_FALSE(writes(s.a, "four", noon + minute));
    CHECK_FALSE(s.a.renew(noon + 2 * minute));
    must(s.a.give_back());  // does not take it away from the other
    CHECK(s.kept().owner == "b");
    CHECK(writes(s.b, "five", noon + minute));
    CHECK(s.data.row(k) == store_contract::task_row("five"));
}

TEST_CASE("fenced store: while the fence is down it is the store itself") {
    two s;
    REQUIRE(must(s.a.take("a", minute, noon)));
    REQUIRE(must(s.b.take("b", minute, noon + minute)));
    auto t = must(s.a.begin());
    must(t.write(k, store_contract::task_row("by hand")));
    must(t.commit());
    CHECK(s.data.row(k) == store_contract::task_row("by hand"));
}

TEST_CASE("fenced store: a transaction moves the lease on when half of it is over, and only when it commits") {
    two s;
    REQUIRE(must(s.a.take("a", minute, noon)));
    const auto taken = s.kept();
    CHECK(writes(s.a, "one", noon + minute / 4));
    CHECK(s.kept() == taken);
    {
        const fenced_store<memory_replica_store>::raised up{s.a, noon + minute / 2};
        auto dropped = must(s.a.begin());
        CHECK(must(dropped.lease()).expires_us == to_microseconds(noon + minute / 2 + minute));
    }
    CHECK(s.kept() == taken);
    must(s.a.renew(noon + minute / 2));
    CHECK(s.kept().expires_us == to_microseconds(noon + minute / 2 + minute));
    CHECK(s.kept().fence == taken.fence);
    CHECK(writes(s.a, "two", noon + minute + minute / 4));
    CHECK(s.kept().expires_us == to_microseconds(noon + 2 * minute + minute / 4));
    CHECK_FALSE(must(s.b.take("b", minute, noon + 2 * minute)));
}

TEST_CASE("fenced store: a lease that was never given back is taken over at once by the same program") {
    two s;
    REQUIRE(must(s.a.take("a", minute, noon)));
    CHECK_FALSE(must(s.b.take("b", minute, noon)));
    CHECK(must(s.a.take("a2", minute, noon)));
    CHECK(s.kept().owner == "a2");
    CHECK(s.kept().fence == 2);
}

TEST_CASE("fenced store: over a store without leases nothing is held, and nothing is in the way") {
    bare_store data;
    fenced_store<bare_store> a{data};
    fenced_store<bare_store> b{data};
    CHECK(must(a.take("a", minute, noon)));
    CHECK(must(b.take("b", minute, noon)));
    CHECK_FALSE(a.held());
    {
        const fenced_store<bare_store>::raised up{a, noon + 10 * minute};
        auto t = must(a.begin());
        must(t.write(k, store_contract::task_row("one")));
        must(t.commit());
    }
    CHECK(a.renew(noon));
    CHECK(a.give_back());
    CHECK(data.inner.row(k) == store_contract::task_row("one"));
}

}  // namespace fenced_store_test
