#include <syncline/testing/storage/failing_store.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace failing_store_test {

using namespace syncline;
using namespace syncline::testing;
using namespace store_contract;

static_assert(replica_store<failing_replica_store<memory_replica_store>>);
static_assert(leasing_store<failing_replica_store<memory_replica_store>>);
static_assert(authority_store<failing_authority_store<memory_authority_store>>);

TEST_CASE("failing_store: the chosen call fails and no other, counted from `begin`") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"};
    for (std::uint64_t k = 1; k <= 4; ++k) {
        const auto met = std::make_shared<bool>(false);
        failing_replica_store failing(store, fail_at_call(k, call_moment::before, met));
        std::vector<bool> went;
        {
            auto t = failing.begin();
            went.push_back(t.has_value());
            if (t) {
                went.push_back(t->write(a, task_row(std::to_string(k))).has_value());
                went.push_back(t->visible(a).has_value());
                went.push_back(t->commit().has_value());
            }
        }
        INFO("call " << k);
        CHECK(*met);
        REQUIRE(went.size() >= k);
        for (std::size_t i = 0; i < went.size(); ++i) CHECK(went[i] == (i + 1 != k));
        // The store was not asked: the write that failed is not there, what was done beside it is.
        CHECK(store.row(a).has_value() == (k == 3));
        must(store.app_erase(a));
    }
}

TEST_CASE("failing_store: a call that fails afterwards has acted, and a commit does not fail afterwards") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"};
    failing_replica_store failing(store, fail_at_call(2, call_moment::after));
    {
        auto t = must(failing.begin());
        CHECK(fault_of(t.write(a, task_row("one"))) == errc::io_error);
        CHECK(must(t.visible(a)) == task_row("one"));
        must(t.commit());
    }
    CHECK(store.row(a) == task_row("one"));
    failing_replica_store at_commit(store, fail_at_call(2, call_moment::after));
    must(must(at_commit.begin()).commit());
    failing_replica_store told_late(store, fail_at_call(3, call_moment::after_commit));
    auto t = must(told_late.begin());
    must(t.erase(a));
    CHECK(fault_of(t.commit()) == errc::io_error);
    CHECK_FALSE(store.row(a));
}

TEST_CASE("failing_store: a server's store fails in the same way, for each of its transactions") {
    memory_authority_store store{schemas()};
    failing_authority_store failing(store, fail_at_call(3));
    auto reading = must(failing.begin("alice", access::snapshot));
    must(reading.head());
    CHECK(fault_of(reading.head()) == errc::io_error);
    must(reading.head());
    failing_authority_store at_once(store, fail_at_call(1));
    CHECK(fault_of(at_once.begin_incarnation("second", from_microseconds(1))) == errc::io_error);
    must(at_once.begin_incarnation("second", from_microseconds(1)));
    CHECK(&failing.schemas() == &std::as_const(store).schemas());
}

}  // namespace failing_store_test
