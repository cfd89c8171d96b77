#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_ISOLATION_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_ISOLATION_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/authority_transactions.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: one writer of a tenant, and readers that see one committed state each.

namespace testing::storage {

template <class Make>
void check_authority_isolation(store_kit<Make>& kit) {
    const record_key a{task, "alice-a"};
    const record_key b{task, "alice-b"};

    kit.clause("A2.one_writer", "one writer of a tenant at a time, and afterwards the transaction is over", [&](auto& h, checker& check) {
        auto t = check.must(h.store().begin("alice", access::write), "begin");
        check.refused(h.store().begin("alice", access::write), errc::busy, "begin");
        if constexpr (requires { h.other_store(); }) check.refused(h.other_store().begin("alice", access::write), errc::busy, "begin");
        check.refused(h.app_write("alice", b, task_row("app")), errc::busy, "app_write");
        auto moved = std::move(t);
        check.must(moved.write(a, task_row("one")), "write");
        check.must(moved.commit(), "commit");
        check.refused(moved.current(a), errc::bug, "current");
        check.refused(moved.write(a, task_row("late")), errc::bug, "write");
        check.refused(moved.commit(), errc::bug, "commit");
        check.must(h.store().begin("alice", access::write), "begin");
        check.same(h.row("alice", a), task_row("one"), "row(\"alice\", a)");
    });
    kit.clause("A2.snapshot", "a snapshot sees one committed state, whatever is written meanwhile", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) { write_and_seal(check, t, {{a, task_row("old"), {}}}); });
        auto before = check.must(h.store().begin("alice", access::snapshot), "begin");
        const std::string old = authority_text(check, before, "alice");
        {
            auto t = check.must(h.store().begin("alice", access::write), "begin");
            write_and_seal(check, t, {{a, task_row("new"), {}}, {b, task_row("more"), {}}});
            check.must(t.prune(1), "prune");
            check.same(authority_text(check, before, "alice"), old, "what the snapshot tells");
            auto during = check.must(h.store().begin("alice", access::snapshot), "begin");
            check.same(authority_text(check, during, "alice"), old, "what a snapshot begun meanwhile tells");
            check.must(t.write(a, task_row("staged")), "write");
            check.must(t.commit(), "commit");
            check.same(authority_text(check, during, "alice"), old, "what a snapshot begun meanwhile tells");
            check.none(check.must(during.has_staged(), "has_staged"), "during.has_staged()");
        }
        check.same(authority_text(check, before, "alice"), old, "what the snapshot tells");
        auto after = check.must(h.store().begin("alice", access::snapshot), "begin");
        check.same(check.must(after.current(a), "current"), task_row("staged"), "after.current(a)");
        check.that(check.must(after.has_staged(), "has_staged"), "after.has_staged()");
        check.must(before.commit(), "commit");
        check.must(after.commit(), "commit");
        check.refused(after.head(), errc::bug, "head");
    });
    kit.clause("A2.read_only", "a snapshot cannot write", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) { write_and_seal(check, t, {{a, task_row("old"), {}}}); });
        check.must(h.app_write("alice", b, task_row("staged")), "app_write");
        auto t = check.must(h.store().begin("alice", access::snapshot), "begin");
        const std::string before = authority_text(check, t, "alice");
        check.refused(t.write(a, task_row("x")), errc::bug, "write");
        check.refused(t.erase(a), errc::bug, "erase");
        check.refused(t.take_staged(), errc::bug, "take_staged");
        check.refused(t.append(bundle_of(check.must(t.head(), "head"), {{a, task_row("x"), {}}})), errc::bug, "append");
        check.refused(t.put_receipt("p", receipt{}), errc::bug, "put_receipt");
        check.refused(t.put_bundle_receipt(bundle_receipt{}), errc::bug, "put_bundle_receipt");
        check.refused(t.put_session(push_session{}), errc::bug, "put_session");
        check.refused(t.drop_session("s"), errc::bug, "drop_session");
        check.refused(t.drop_sessions("s", 1), errc::bug, "drop_sessions");
        check.refused(t.append_session("s", 0, {}), errc::bug, "append_session");
        check.refused(t.make_snapshot(snapshot_head{}), errc::bug, "make_snapshot");
        check.refused(t.drop_snapshot("s"), errc::bug, "drop_snapshot");
        check.refused(t.prune(1), errc::bug, "prune");
        check.refused(t.expire(timestamp{}), errc::bug, "expire");
        check.same(authority_text(check, t, "alice"), before, "everything");
    });
    kit.clause("A2.reader", "who reads while a transaction is open sees what was committed before, at every call of it, and all of it afterwards", [&](auto& h, checker& check) {
        before_authority_steps(check, h);
        const std::string before = around_authority_steps(check, h);
        std::string inside;
        change_in(check, h, "alice", [&](auto& t) {
            for (std::size_t i = 0; i < authority_steps; ++i) {
                check.must(authority_step(t, i), "step");
                check.need_same(around_authority_steps(check, h), before, "what a snapshot tells after step " + std::to_string(i));
                if constexpr (requires { h.other_store(); }) {
                    auto theirs = check.must(h.other_store().begin("alice", access::snapshot), "begin");
                    check.need_same(check.must(theirs.current(a), "current"), task_row("two", "sa", "alice-a"), "what a snapshot of another store object tells after step " + std::to_string(i));
                }
            }
            inside = authority_text(check, t, "alice");
        });
        look_at(check, h, "alice", [&](auto& t) { check.same(authority_text(check, t, "alice"), inside, "everything after the commit"); });
        if constexpr (requires { h.other_store(); }) {
            auto theirs = check.must(h.other_store().begin("alice", access::snapshot), "begin");
            check.same(authority_text(check, theirs, "alice"), inside, "everything in another store object after the commit");
        }
    });
    kit.clause("A2.concurrent", "a reader in another thread never sees half a transaction, nor an older state after a newer one", [&](auto& h, checker& check) {
        if constexpr (requires { h.other_store(); }) {
            const auto number = [](const std::optional<record>& row) { return row && !row->fields.empty() ? std::string{row->fields[0].as_string()} : std::string{}; };
            change_in(check, h, "alice", [&](auto& t) { write_and_seal(check, t, {{a, task_row("100"), {}}, {b, task_row("100"), {}}}); });
            std::atomic<bool> over{false};
            auto& theirs = h.other_store();
            // Each side has a report of its own until both have ended; what leaves an adapter as an exception becomes a finding in it.
            report read;
            report wrote;
            std::thread reader([&] {
                run_clause(read, "reader", "", [&](testing::clause& in) {
                    checker look(read, in);
                    std::string newest;
                    for (bool last = false; !last;) {
                        last = over.load();
                        auto t = look.must(theirs.begin("alice", access::snapshot), "begin of a snapshot, which waits for nobody,");
                        const std::string first = number(look.must(t.current(a), "current"));
                        const auto head = look.must(t.head(), "head");
                        look.need_same(number(look.must(t.current(b), "current")), first, "the second of two rows that are written together");
                        look.need_same(std::to_string(head.seq + 99), first, "the row that goes with the number of the newest bundle");
                        look.require(first >= newest, "that the row is no older than when it was read before");
                        newest = first;
                    }
                });
            });
            run_clause(wrote, "writer", "", [&](testing::clause& in) {
                checker write(wrote, in);
                for (int n = 101; n < 160; ++n) {
                    const std::string title = std::to_string(n);
                    change_in(write, h, "alice", [&](auto& t) { write_and_seal(write, t, {{a, task_row(title), {}}, {b, task_row(title), {}}}); });
                }
            });
            over = true;
            reader.join();
            for (const report* side : {&read, &wrote})
                for (const auto& found : side->clauses().front().findings) check.note(found);
            check.that(read.passed() && wrote.passed(), "that the reader sees whole states and the writer is not disturbed");
        } else {
            check.skip("the harness offers no `other_store`");
        }
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
