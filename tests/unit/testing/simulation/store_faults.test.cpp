#include <syncline/testing/simulation/store_faults.hpp>

#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <cstdint>
#include <optional>

namespace store_faults_test {

using namespace syncline;
using namespace syncline::testing;
using store_contract::task;
using store_contract::task_row;

namespace {

/// Writes one row, in three calls: begin, write, commit.
result<void> written(faulty_replica_store<memory_replica_store>& store) {
    auto t = store.begin();
    if (!t) return std::move(t).error();
    if (auto r = t->write({task, "a"}, task_row("one")); !r) return r;
    return t->commit();
}

/// What went wrong with it; nothing: it went well.
std::optional<errc> fault_of(const result<void>& done) { return done ? std::optional<errc>{} : done.error().code; }

}  // namespace

TEST_CASE("store_faults: power goes at the chosen call, a commit may have taken effect then, and nothing works until it is back") {
    for (const bool after_commit : {false, true})
        for (std::uint64_t k = 1; k <= 3; ++k) {
            CAPTURE(k, after_commit);
            memory_replica_store under{store_contract::schemas()};
            store_faults faults;
            faulty_replica_store store(under, faults);
            faults.arm(k, after_commit);
            CHECK(fault_of(written(store)) == errc::io_error);
            CHECK(faults.blown());
            CHECK(fault_of(written(store)) == errc::io_error);
            CHECK(under.row({task, "a"}).has_value() == (k == 3 && after_commit));
            CHECK(faults.commits() == (k == 3 && after_commit ? 1U : 0U));
            faults.replace();
            CHECK(written(store));
            CHECK(under.row({task, "a"}));
        }
}

TEST_CASE("store_faults: what goes on without power commits nothing") {
    memory_replica_store under{store_contract::schemas()};
    store_faults faults;
    faulty_replica_store store(under, faults);
    auto t = store.begin();
    REQUIRE(t);
    faults.arm(1, true);
    CHECK(fault_of(t->write({task, "a"}, task_row("one"))) == errc::io_error);
    CHECK(fault_of(t->commit()) == errc::io_error);
    CHECK_FALSE(under.row({task, "a"}));
    CHECK(faults.commits() == 0);
}

TEST_CASE("store_faults: a call that fails once does nothing, and later ones work") {
    for (std::uint64_t k = 1; k <= 3; ++k) {
        CAPTURE(k);
        memory_replica_store under{store_contract::schemas()};
        store_faults faults;
        faulty_replica_store store(under, faults);
        faults.fail_once(k, errc::storage_full);
        CHECK(fault_of(written(store)) == errc::storage_full);
        CHECK_FALSE(under.row({task, "a"}));
        CHECK(faults.was_refused());
        CHECK_FALSE(faults.was_refused());
        CHECK(written(store));
        CHECK(faults.commits() == 1);
    }
}

TEST_CASE("store_faults: a commit in which power goes is written, counts for nothing, and what was there before it can be kept") {
    memory_replica_store under{store_contract::schemas()};
    store_faults faults;
    faulty_replica_store store(under, faults);
    std::optional<bool> was_there;
    faults.tear(2, [&] { was_there = under.copy().row({task, "a"}).has_value(); });
    {
        const auto other = written(store);  // the first commit is not the one
        CHECK(other);
    }
    CHECK_FALSE(was_there);
    CHECK(faults.commits() == 1);
    REQUIRE(under.app_erase({task, "a"}));
    CHECK(fault_of(written(store)) == errc::io_error);
    CHECK(was_there == std::optional{false});
    CHECK(under.row({task, "a"}));
    CHECK(faults.is_torn());
    CHECK(faults.commits() == 1);
    CHECK(fault_of(written(store)) == errc::io_error);
    faults.replace();
    CHECK_FALSE(faults.is_torn());
    CHECK(written(store));
    CHECK_FALSE(faults.is_torn());
}

TEST_CASE("store_faults: a store that is held refuses one transaction, and one that finds no memory throws") {
    memory_replica_store under{store_contract::schemas()};
    store_faults faults;
    faulty_replica_store store(under, faults);
    faults.refuse_once();
    CHECK(fault_of(written(store)) == errc::busy);
    for (std::uint64_t k = 1; k <= 3; ++k) {
        faults.exhaust_after(k);
        CHECK_FALSE(store_faults::survives([&] { (void)written(store); }));
        CHECK_FALSE(under.row({task, "a"}));
    }
    CHECK(store_faults::survives([&] { CHECK(written(store)); }));
    CHECK(under.row({task, "a"}));
}

}  // namespace store_faults_test
