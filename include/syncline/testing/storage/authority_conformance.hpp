#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_CONFORMANCE_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_CONFORMANCE_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_history.hpp>
#include <syncline/testing/storage/authority_incarnations.hpp>
#include <syncline/testing/storage/authority_isolation.hpp>
#include <syncline/testing/storage/authority_large.hpp>
#include <syncline/testing/storage/authority_notes.hpp>
#include <syncline/testing/storage/authority_random.hpp>
#include <syncline/testing/storage/authority_rows.hpp>
#include <syncline/testing/storage/authority_scopes.hpp>
#include <syncline/testing/storage/authority_sessions.hpp>
#include <syncline/testing/storage/authority_staging.hpp>
#include <syncline/testing/storage/authority_transactions.hpp>
#include <syncline/testing/storage/checker.hpp>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Checks an authority's store against its whole contract: A1 to A8 and the table of `storage/authority_store.hpp`, and V1 to V3 of
/// `storage/device_view.hpp`.
///
///     testing::report r;
///     testing::check_authority_store(r, [] { return my_harness{}; });
///     INFO(r.text());
///     CHECK(r.passed());
///
/// The names of the clauses are those of the contract, `A4.savepoints`; `table.` stands for a row of the table of expressions, `random` for
/// random operations side by side with a list of all bundles.
///
/// @param make  gives a harness over a store that is fresh and empty, with the models of `testing::storage::schemas()`; called once for each clause.
///              A harness `h` has
///
/// | expression | meaning |
/// |---|---|
/// | `h.store()` | the store, by reference |
/// | `h.reopen()` | closes the store and opens it again on the same data; no transaction is open then |
/// | `h.app_write(tenant, key, row)` | what the app does by plain SQL: insert or replace, committed; `result<void>` |
/// | `h.app_erase(tenant, key)` | the same for delete, foreign-key actions run |
/// | `h.row(tenant, key)` | the row as the app reads it now, `std::optional<record>` |
///
///              and where it can (a clause that needs what it has not is skipped, and the report says so)
///
/// | expression | meaning |
/// |---|---|
/// | `h.crash()` | the program ends while a transaction may be open, and starts again: `h.store()` is a new one over what the medium holds. What was there before stays valid until the next call, so that the open transaction can be dropped |
/// | `h.other_store()` | a second store object on the same data, by reference; used in another thread, too |
/// | `h.install_trigger()` | from now on an app trigger turns the title "shout" of a written `task` into "SHOUT" |
/// | `h.holds(kind, value)` | whether the app's column of a field of that kind can keep the value; without it: always. What it cannot keep, `write` must refuse (`unsupported` or `constraint`) |
/// | `h.attach_to(tenant, key, row)` | starts anew: the tables hold that row before a store is attached to them for the first time |
template <class Make>
void check_authority_store(report& r, Make make, const storage_kit_options& how = {}) {
    storage::store_kit<Make> kit(r, make, how);
    storage::check_authority_rows(kit);
    storage::check_authority_atomicity(kit);
    storage::check_authority_isolation(kit);
    storage::check_authority_staging(kit);
    storage::check_authority_history(kit);
    storage::check_authority_sessions(kit);
    storage::check_authority_notes(kit);
    storage::check_authority_incarnations(kit);
    storage::check_authority_scopes(kit);
    storage::check_authority_large(kit);
    storage::check_authority_random(kit);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
