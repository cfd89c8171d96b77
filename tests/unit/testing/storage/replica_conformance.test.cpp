// Adapters of a device's storage, each broken in one way: the clause that is about it catches it, and none is without an adapter that it catches.

#include <syncline/testing/storage/replica_conformance.hpp>

#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/replica_growth.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/testing/storage/broken_replica_store.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace replica_conformance_test {

using namespace syncline;
using broken_replica::flaw;
using broken_replica::harness;

namespace {

struct broken {
    flaw kind;
    const char* clause;  ///< that catches it
    const char* what;
};

const std::vector<broken> adapters{
    {flaw::reads_committed, "S2.own_writes", "reads do not see what the transaction wrote"},
    {flaw::erases_no_absent, "S3.erase", "erasing an absent row is a fault"},
    {flaw::one_key_for_all_models, "table.models", "one key is one row, whatever the model"},
    {flaw::keys_without_case, "table.keys", "keys are compared without case"},
    {flaw::text_ends_at_nul, "table.values", "a text ends at its first NUL"},
    {flaw::milliseconds, "table.bookkeeping", "times are kept in milliseconds"},
    {flaw::refused_stays, "S6.refused", "a write that is refused takes the row that stood there away"},
    {flaw::drop_commits, "S1.atomic", "a transaction that is dropped is committed"},
    {flaw::drop_leaves_a_row, "S1.every_call", "one row of a transaction that was dropped stays"},
    {flaw::last_commit_lost, "S1.crash", "the last commit is not on the medium when the program ends"},
    {flaw::busy_for_bug, "S2.one_transaction", "a second transaction of one object is `busy`"},
    {flaw::app_write_ignored, "S2.one_writer", "the app is told that its write went well, and it is gone"},
    {flaw::dirty_read, "S2.reader", "the app reads what is not committed"},
    {flaw::data_of_its_own, "S2.two_objects", "a second store object has data of its own"},
    {flaw::erase_not_captured, "S4.every_edit", "an erase of the app is not captured"},
    {flaw::order_by_key, "S4.order", "edits come by key"},
    {flaw::nothing_is_an_edit, "S4.nothing", "a row that is as it was counts as made"},
    {flaw::never_recreated, "S4.recreated", "a row that was made again looks as if it had been changed"},
    {flaw::taken_again, "S4.taken_once", "edits are given again and again"},
    {flaw::captures_itself, "S3.not_captured", "the device's own writes are captured"},
    {flaw::cascades, "S3.no_actions", "the device's erase runs the app's foreign-key actions"},
    {flaw::refused_is_captured, "S4.refused", "a write that the table refused is captured"},
    {flaw::never_diverts, "S3.diverted", "rows that a trigger changed are not named"},
    {flaw::trigger_is_an_edit, "S4.triggers", "what a trigger makes of an edit is another edit"},
    {flaw::keeps_empty_base, "table.base", "an empty base does not forget the key"},
    {flaw::first_open_stays, "table.open", "a second layer of a record does not replace the first"},
    {flaw::ready_by_ordinal, "S5.ready", "ready intents come by ordinal alone"},
    {flaw::items_outlive_batch, "table.batch", "a batch is dropped without its items"},
    {flaw::frozen_by_text, "S5.frozen", "positions are ordered as texts"},
    {flaw::clock_forgotten, "table.state", "one of the scalars has no column"},
    {flaw::first_unread_stays, "table.unread", "a row that could not be read is not replaced by the next of its name"},
    {flaw::page_repeats, "table.staged", "a page begins with the row that it goes on after"},
    {flaw::quarantine_absent, "table.presence", "quarantined rows are not present"},
    {flaw::waiting_is_open, "table.counts", "what waits is counted as open"},
    {flaw::cut_at_64k, "table.large_value", "a text has at most 65535 octets"},
    {flaw::rows_beyond_1000, "table.many_rows", "a transaction loses what it writes after its thousandth row"},
    {flaw::fence_forgotten, "L1.durable", "a lease has no fence"},
    {flaw::lease_of_its_own, "L2.shared", "each store object has a lease of its own"},
    {flaw::lease_ends_with_the_program, "L3.outlives", "the lease is forgotten with the store object"},
    {flaw::lease_counted, "L4.uncounted", "a lease counts as an open change"},
    {flaw::asks_for_nothing, "S7.asks", "what a new field has at the authority is never fetched"},
    {flaw::asks_without_a_pull, "S7.never_pulled", "the state is asked for anew where it was never asked for"},
    {flaw::asks_at_each_opening, "S7.same", "each opening asks for the state anew"},
    {flaw::images_stay_narrow, "S7.rows", "base images have no value of a new field"},
    {flaw::layers_know_all, "S7.layers", "changes that are there know nothing of a new field"},
    {flaw::erases_name_nothing, "S7.names", "an erase does not name the new fields"},
    {flaw::creations_name_all, "S7.made", "of a record that the app made the new fields are named whatever they have"},
    {flaw::named_for_ever, "S7.until", "the new fields are named for ever"},
    {flaw::lost_without_end, "random", "a page of lost rows has no end"},
};

testing::report found_in(flaw kind, const std::string& only) {
    testing::report r;
    testing::storage_kit_options how;
    how.only = only;
    if (!only.empty()) how.seeds = 3;
    testing::check_replica_store(r, [kind] { return harness{kind}; }, how);
    return r;
}

// It offers what it must, and no more.
struct bare_harness {
    harness full{flaw::none};

    broken_replica::store& store() { return full.store(); }
    void reopen() { full.reopen(); }
    result<void> app_write(const record_key& key, const record& row) { return full.app_write(key, row); }
    result<void> app_erase(const record_key& key) { return full.app_erase(key); }
    std::optional<record> row(const record_key& key) { return full.row(key); }
};

}  // namespace

TEST_CASE("replica_conformance: each broken store is caught by the clause that is about it") {
    for (const auto& b : adapters) {
        const auto r = found_in(b.kind, b.clause);
        INFO(b.what << "\n" << r.text());
        const auto names = r.broken();
        CHECK(std::find(names.begin(), names.end(), b.clause) != names.end());
    }
}

TEST_CASE("replica_conformance: in a store without a flaw nothing is found, nothing is skipped, and every clause has an adapter that it catches") {
    const auto r = found_in(flaw::none, "");
    store_contract::passed(r);
    std::set<std::string> caught;
    for (const auto& b : adapters) caught.insert(b.clause);
    for (const auto& clause : r.clauses()) {
        INFO(clause.name);
        CHECK(clause.skipped.empty());
        CHECK(caught.count(clause.name) == 1);
    }
    CHECK(caught.size() == r.clauses().size());
}

TEST_CASE("replica_conformance: where the harness cannot let the program learn a field, that is why the clauses about it are skipped") {
    testing::report r;
    auto make = [] { return bare_harness{}; };
    const testing::storage_kit_options how;
    testing::storage::store_kit<decltype(make)> kit(r, make, how);
    testing::storage::check_replica_growth(kit);
    CHECK(r.passed());
    CHECK(r.clauses().size() == 8);
    for (const auto& clause : r.clauses()) CHECK(clause.skipped == "the harness offers no `learn`");
}

TEST_CASE("replica_conformance: a random finding names its seed, and the seed alone finds it again") {
    const auto all = found_in(flaw::lost_without_end, "random");
    REQUIRE_FALSE(all.passed());
    const std::string text = all.find("random")->findings.front();
    const auto at = text.find("seed ");
    REQUIRE(at != std::string::npos);
    testing::storage_kit_options how;
    how.only = "random";
    how.first_seed = std::stoull(text.substr(at + 5));
    how.seeds = 1;
    testing::report again;
    testing::check_replica_store(again, [] { return harness{flaw::lost_without_end}; }, how);
    REQUIRE_FALSE(again.passed());
    CHECK(again.find("random")->findings.front() == text);
}

}  // namespace replica_conformance_test
