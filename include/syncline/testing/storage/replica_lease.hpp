#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_LEASE_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_LEASE_HPP

#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/replica_reference.hpp>

#include <cstdint>
#include <limits>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store that keeps a lease: L1 to L4 of `storage/sync_lease.hpp`.

namespace testing::storage {

template <class Make>
void check_replica_lease(store_kit<Make>& kit) {
    const sync_lease some{"it's \"mine\"; \xF0\x9F\x98\x80", 7, 1'700'000'000'123'456, 60'000'000};

    kit.clause("L1.durable", "what is put is there after the commit, in a store that is opened again too, and never was without it", [&](auto& h, checker& check) {
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.lease(), "lease"), sync_lease{}, "lease()");
            check.must(t.put_lease(some), "put_lease");
            check.same(check.must(t.lease(), "lease"), some, "lease()");
        });
        dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.lease(), "lease"), sync_lease{}, "lease()"); });
        committed(check, h.store(), [&](auto& t) { check.must(t.put_lease(some), "put_lease"); });
        h.reopen();
        sync_lease next = some;
        next.owner.clear();
        next.fence = (std::numeric_limits<std::int64_t>::max)();
        next.expires_us = -1;
        committed(check, h.store(), [&](auto& t) {
            check.same(check.must(t.lease(), "lease"), some, "lease()");
            check.must(t.put_lease(next), "put_lease");
        });
        dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.lease(), "lease"), next, "lease()"); });
    });
    kit.clause("L4.uncounted", "it is nobody's change: it is not captured, and nothing counts it", [&](auto& h, checker& check) {
        const auto before = everything(check, h.store());
        committed(check, h.store(), [&](auto& t) { check.must(t.put_lease(some), "put_lease"); });
        check.same(everything(check, h.store()), before, "everything");
        committed(check, h.store(), [&](auto& t) { check.that(check.must(t.take_captured(), "take_captured").empty(), "take_captured().empty()"); });
    });
    kit.clause("L2.shared", "another store object on the same data has the same one", [&](auto& h, checker& check) {
        if constexpr (requires { h.other_store(); }) {
            committed(check, h.store(), [&](auto& t) { check.must(t.put_lease(some), "put_lease"); });
            committed(check, h.other_store(), [&](auto& t) {
                check.same(check.must(t.lease(), "lease"), some, "lease()");
                check.must(t.put_lease(sync_lease{}), "put_lease");
            });
            dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.lease(), "lease"), sync_lease{}, "lease()"); });
        } else {
            check.skip("the harness offers no `other_store`");
        }
    });
    kit.clause("L3.outlives", "it outlives the store object, also one that ends within a transaction; a fresh store has none", [&](auto& h, checker& check) {
        dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.lease(), "lease"), sync_lease{}, "lease()"); });
        committed(check, h.store(), [&](auto& t) { check.must(t.put_lease(some), "put_lease"); });
        h.reopen();
        dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.lease(), "lease"), some, "lease() in a store that is opened again"); });
        if constexpr (requires { h.crash(); }) {
            {
                auto t = check.must(h.store().begin(), "begin");
                check.must(t.put_lease(sync_lease{}), "put_lease");
                h.crash();
            }
            dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.lease(), "lease"), some, "lease() after a crash"); });
        }
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
