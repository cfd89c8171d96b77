// Adapters of a server's storage, each broken in one way: the clause that is about it catches it, and none is without an adapter that it catches.

#include <syncline/testing/storage/authority_conformance.hpp>

#include <syncline/testing/report.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"
#include "unit/testing/storage/broken_authority_store.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace authority_conformance_test {

using namespace syncline;
using broken_authority::flaw;
using broken_authority::harness;

namespace {

struct broken {
    flaw kind;
    const char* clause;  ///< that catches it
    const char* what;
};

const std::vector<broken> adapters{
    {flaw::own_writes_unseen, "A2.own_writes", "reads do not see what the transaction wrote"},
    {flaw::keys_without_case, "table.keys", "keys are compared without case"},
    {flaw::text_ends_at_nul, "table.values", "a text ends at its first NUL"},
    {flaw::refused_stays, "A7.refused", "a write that is refused takes the row that stood there away"},
    {flaw::receipts_of_all, "A6.tenants", "receipts are looked for among those of all tenants"},
    {flaw::drop_commits, "A1.atomic", "a transaction that is dropped is committed"},
    {flaw::drop_keeps_the_first_calls, "A1.every_call", "what a transaction did before one of its first calls failed stays"},
    {flaw::last_commit_lost, "A1.crash", "the last commit is not on the medium when the program ends"},
    {flaw::savepoint_released, "A4.savepoints", "going back to a savepoint keeps what was done since"},
    {flaw::receipts_outlive_savepoint, "A4.receipts", "going back to a savepoint keeps receipts"},
    {flaw::bug_for_busy, "A2.one_writer", "a tenant that somebody writes is a bug of the caller"},
    {flaw::live_snapshot, "A2.snapshot", "a snapshot reads the tables as they are now"},
    {flaw::snapshot_ignores_writes, "A2.read_only", "a write on a snapshot goes well and does nothing"},
    {flaw::second_object_reads_dirty, "A2.reader", "a second store object reads what is not committed"},
    {flaw::mixes_states, "A2.concurrent", "a reader sees a row as it was once, beside new ones"},
    {flaw::staged_by_key, "A3.named_once", "staged records come by key"},
    {flaw::taken_for_good, "A3.dropped", "what a dropped transaction took is no longer staged"},
    {flaw::own_changes_unstaged, "A3.left", "what is left staged is forgotten at the commit"},
    {flaw::recreated_hidden, "A3.recreated", "a row that was made again is not named"},
    {flaw::actions_unstaged, "A3.actions", "what foreign-key actions touched is not named"},
    {flaw::references_without_end, "table.referencing", "a page of referring records has no end"},
    {flaw::row_as_written, "A3.triggers", "the row is given as it was written, not as the trigger made it"},
    {flaw::attached_unstaged, "A3.attached", "rows that were there before the store count as known"},
    {flaw::no_epoch, "table.fresh", "the data have no name of their incarnation"},
    {flaw::changes_reversed, "A5.whole", "changes come newest first"},
    {flaw::cursor_included, "table.latest", "a page begins with the change that it goes on after"},
    {flaw::tombstones_pruned, "A5.pruning", "tombstones are pruned"},
    {flaw::snapshot_by_key_alone, "table.snapshot", "the rows of a snapshot come by key, whatever their model's rank"},
    {flaw::first_receipt_stays, "table.receipts", "a receipt that is put again does not replace"},
    {flaw::last_put_is_last, "table.bundle_receipts", "the last number of a source is the one put last"},
    {flaw::ordinals_by_text, "table.sessions", "ordinals are ordered as texts"},
    {flaw::expires_at_once, "table.expire", "what expires at a time is gone at that time"},
    {flaw::note_ends_at_nul, "table.notes", "the name of a note ends at its first NUL"},
    {flaw::tenant_notes_of_all, "table.tenant_notes", "the tenant's notes are everybody's"},
    {flaw::prefix_ends_at_nul, "table.note_prefix", "a prefix ends at its first NUL"},
    {flaw::snapshot_ignores_notes, "A1.notes", "a note on a snapshot goes well and is not kept"},
    {flaw::nothing_lost, "A8.jump", "what a restore undid is not told"},
    {flaw::one_loss_known, "A8.twice", "only the last restore is known"},
    {flaw::nameless_incarnation, "A8.names", "an incarnation needs no name"},
    {flaw::incarnation_ignored, "A8.busy", "an incarnation is begun while somebody writes, and is not"},
    {flaw::sessions_outlive, "A8.sessions", "push sessions outlive the restore"},
    {flaw::cascading_only, "table.referring", "only cascading references count"},
    {flaw::relabel_in_place, "V1.relabel", "new labels do not move a record in the order of changes"},
    {flaw::log_repeats, "V2.log", "the log of labels begins with the change that it goes on after"},
    {flaw::labelled_twice, "table.labelled", "a labelled record comes twice"},
    {flaw::view_outlives, "V3.views", "a device's view outlives the device"},
    {flaw::snapshot_ignores_labels, "A1.scopes", "labels on a snapshot go well and are not kept"},
    {flaw::cut_at_64k, "table.large_value", "a text has at most 65535 octets"},
    {flaw::rows_beyond_1000, "table.many_rows", "a transaction loses what it writes after its thousandth row"},
    {flaw::history_of_one, "random", "the history of a record is its last change"},
    {flaw::changes_forgotten, "A5.whole", "changes of one model are not kept"},
    {flaw::foreign_by_somebody, "A5.whole", "a foreign change has a writer"},
    {flaw::receipt_forgotten, "table.keys", "receipts are not found"},
    {flaw::receipt_without_version, "table.keys", "receipts have another version"},
    {flaw::receipt_without_key, "table.keys", "receipts have another key"},
    {flaw::session_forgotten, "table.large_value", "a session has no mutations"},
    {flaw::session_cut, "table.large_value", "the mutations of a session are empty"},
    {flaw::snapshot_forgotten, "table.large_value", "a snapshot has no rows"},
    {flaw::snapshot_cut, "table.large_value", "the rows of a snapshot lose their values"},
    {flaw::snapshot_reversed, "table.many_rows", "a page of a snapshot comes in reverse"},
    {flaw::reader_misses_a_row, "A2.concurrent", "a reader does not see a row"},
    {flaw::reader_sees_no_fields, "A2.concurrent", "a reader sees a row without its fields"},
    {flaw::writer_refused_in_turn, "A2.concurrent", "a writer is refused now and then, though others only read"},
    {flaw::staged_short, "A1.every_call", "the last staged record is not named"},
};

testing::report found_in(flaw kind, const std::string& only) {
    testing::report r;
    testing::storage_kit_options how;
    how.only = only;
    if (!only.empty()) how.seeds = 3;
    testing::check_authority_store(r, [kind] { return harness{kind}; }, how);
    return r;
}

}  // namespace

TEST_CASE("authority_conformance: each broken store is caught by the clause that is about it") {
    for (const auto& b : adapters) {
        const auto r = found_in(b.kind, b.clause);
        INFO(b.what << "\n" << r.text());
        const auto names = r.broken();
        CHECK(std::find(names.begin(), names.end(), b.clause) != names.end());
    }
}

TEST_CASE("authority_conformance: in a store without a flaw nothing is found, nothing is skipped, and every clause has an adapter that it catches") {
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

}  // namespace authority_conformance_test
