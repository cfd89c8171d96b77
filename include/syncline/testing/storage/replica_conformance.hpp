#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_CONFORMANCE_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_CONFORMANCE_HPP

#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/replica_capture.hpp>
#include <syncline/testing/storage/replica_growth.hpp>
#include <syncline/testing/storage/replica_large.hpp>
#include <syncline/testing/storage/replica_layers.hpp>
#include <syncline/testing/storage/replica_lease.hpp>
#include <syncline/testing/storage/replica_random.hpp>
#include <syncline/testing/storage/replica_rows.hpp>
#include <syncline/testing/storage/replica_transactions.hpp>

#include <type_traits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Checks a replica's store against its whole contract: S1 to S7 and the table of `storage/replica_store.hpp`, and L1 to L4 of
/// `storage/sync_lease.hpp` where it keeps a lease.
///
///     testing::report r;
///     testing::check_replica_store(r, [] { return my_harness{}; });
///     INFO(r.text());
///     CHECK(r.passed());
///
/// The names of the clauses are those of the contract, `S4.order`; `table.` stands for a row of the table of expressions, `random` for random
/// operations side by side with a store of plain maps.
///
/// @param make  gives a harness over a store that is fresh and empty, with the models of `testing::storage::schemas()`; called once for each clause.
///              A harness `h` has
///
/// | expression | meaning |
/// |---|---|
/// | `h.store()` | the store, by reference |
/// | `h.reopen()` | closes the store and opens it again on the same data; no transaction is open then |
/// | `h.app_write(key, row)` | what the app does by plain SQL: insert or replace, committed; `result<void>`, `errc::busy` when it cannot, `errc::constraint` when the table refuses |
/// | `h.app_erase(key)` | the same for delete, foreign-key actions run |
/// | `h.row(key)` | the row as the app reads it now, `std::optional<record>`; no transaction is open then, or the caller's has written nothing |
///
///              and where it can (a clause that needs what it has not is skipped, and the report says so)
///
/// | expression | meaning |
/// |---|---|
/// | `h.crash()` | the program ends while a transaction may be open, and starts again: `h.store()` is a new one over what the medium holds. What was there before stays valid until the next call, so that the open transaction can be dropped |
/// | `h.read_apart(key)` | as `row`, by a connection of its own, while a transaction is open |
/// | `h.other_store()` | a second store object on the same data, by reference |
/// | `h.install_trigger()` | from now on an app trigger turns the title "shout" of a written `task` into "SHOUT" |
/// | `h.holds(kind, value)` | whether the app's column of a field of that kind can keep the value; without it: always. What it cannot keep, `write` must refuse |
/// | `h.learn(schemas)` | closes the store and opens it again as a program that knows these models, and so does `h.reopen()` from then on: each has the fields that it had, and may have more behind them, nullable ones. The rows that are there have null in them |
/// | `h.is_before(a, b)` | which of two keys comes first in the store's order; without it: by octets |
template <class Make>
void check_replica_store(report& r, Make make, const storage_kit_options& how = {}) {
    storage::store_kit<Make> kit(r, make, how);
    storage::check_replica_rows(kit);
    storage::check_replica_atomicity(kit);
    storage::check_replica_isolation(kit);
    storage::check_replica_capture(kit);
    storage::check_replica_layers(kit);
    storage::check_replica_growth(kit);
    storage::check_replica_large(kit);
    if constexpr (leasing_store<std::remove_cvref_t<decltype(std::declval<decltype(make())&>().store())>>) storage::check_replica_lease(kit);
    storage::check_replica_random(kit);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
