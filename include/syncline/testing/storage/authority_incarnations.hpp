#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_INCARNATIONS_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_INCARNATIONS_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: A8, what begins after the data were restored from a backup.

namespace testing::storage {

/// The head of @p tenant, as a snapshot tells it.
template <class Harness>
[[nodiscard]] authority_head head_of(checker& check, Harness& h, const std::string& tenant) {
    authority_head out;
    look_at(check, h, tenant, [&](auto& t) { out = check.must(t.head(), "head"); });
    return out;
}

template <class Make>
void check_authority_incarnations(store_kit<Make>& kit) {
    const record_key a{task, "alice-a"};
    const timestamp now = from_microseconds(5'000'000'000);

    kit.clause("A8.jump", "a new incarnation has another epoch and jumps above every tenant's numbers", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) { write_and_seal(check, t, {{a, task_row("one"), {}}}); });
        for (int i = 0; i < 3; ++i) change_in(check, h, "bob", [&](auto& t) { write_and_seal(check, t, {{record_key{task, "bob-a"}, task_row(std::to_string(i)), {}}}); });
        const auto alice = head_of(check, h, "alice");
        const auto bob = head_of(check, h, "bob");
        check.that(alice.lost.empty(), "alice.lost.empty()");
        check.must(h.store().begin_incarnation("second", now), "begin_incarnation");
        h.reopen();
        const first_numbers first = numbers_after_restore({bob.seq, (std::max)(alice.stamp, bob.stamp)}, to_microseconds(now));
        check.same(head_of(check, h, "alice").epoch, "second", "head_of(\"alice\").epoch");
        check.same(head_of(check, h, "alice").seq, alice.seq, "head_of(\"alice\").seq");
        check.same(head_of(check, h, "alice").lost, lost_intervals{{alice.seq, first.seq, alice.stamp, first.stamp}}, "head_of(\"alice\").lost");
        check.same(head_of(check, h, "bob").lost, lost_intervals{{bob.seq, first.seq, bob.stamp, first.stamp}}, "head_of(\"bob\").lost");
        check.same(next_bundle_seq(head_of(check, h, "alice")), first.seq, "next_bundle_seq(head_of(\"alice\"))");
        check.same(newest_stamp(head_of(check, h, "alice")), first.stamp - 1, "newest_stamp(head_of(\"alice\"))");
    });
    kit.clause("A8.twice", "a second one goes on from the first, whether or not anything was sealed in between", [&](auto& h, checker& check) {
        check.must(h.store().begin_incarnation("second", now), "begin_incarnation");
        const auto second = head_of(check, h, "alice");
        check.must(h.store().begin_incarnation("third", now), "begin_incarnation");
        const auto third = head_of(check, h, "alice");
        check.need_same(third.lost.size(), 2, "third.lost.size()");
        check.same(third.lost[0], second.lost[0], "third.lost[0]");
        check.that(third.lost[1].before_seq > second.lost[0].before_seq, "third.lost[1].before_seq > second.lost[0].before_seq");
        check.that(third.lost[1].before_stamp > second.lost[0].before_stamp, "third.lost[1].before_stamp > second.lost[0].before_stamp");
        h.reopen();
        check.same(head_of(check, h, "alice"), third, "head_of(\"alice\")");
    });
    kit.clause("A8.names", "its name is not empty and not the current one", [&](auto& h, checker& check) {
        const auto before = head_of(check, h, "alice");
        check.refused(h.store().begin_incarnation("", now), errc::invalid_argument, "begin_incarnation");
        check.refused(h.store().begin_incarnation(before.epoch, now), errc::invalid_argument, "begin_incarnation");
        check.same(head_of(check, h, "alice"), before, "head_of(\"alice\")");
    });
    kit.clause("A8.busy", "nobody writes meanwhile", [&](auto& h, checker& check) {
        auto t = check.must(h.store().begin("alice", access::write), "begin");
        check.refused(h.store().begin_incarnation("second", now), errc::busy, "begin_incarnation");
    });
    kit.clause("A8.sessions", "sessions are gone, and a snapshot that is read goes on as it was", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) {
            write_and_seal(check, t, {{a, task_row("one"), {}}});
            check.must(t.put_session(push_session{"s", "p", "dev", 1, 1, 0, now}), "put_session");
            check.must(t.append_session("s", 0, {mutation{"m", plain_intent(a, operation::erase, 1)}}), "append_session");
            check.must(t.make_snapshot(snapshot_head{"h", "p", 0, 0, 0, now}), "make_snapshot");
        });
        {
            auto reading = check.must(h.store().begin("alice", access::snapshot), "begin");
            const auto epoch = check.must(reading.head(), "head").epoch;
            check.must(h.store().begin_incarnation("second", now), "begin_incarnation");
            check.same(check.must(reading.head(), "head").epoch, epoch, "reading.head().epoch");
            check.that(check.must(reading.find_session("s"), "find_session").has_value(), "reading.find_session(\"s\").has_value()");
        }
        look_at(check, h, "alice", [&](auto& t) {
            check.none(check.must(t.find_session("s"), "find_session"), "find_session(\"s\")");
            check.that(check.must(t.session_mutations("s"), "session_mutations").empty(), "session_mutations(\"s\").empty()");
            check.none(check.must(t.find_snapshot("h"), "find_snapshot"), "find_snapshot(\"h\")");
            check.that(check.must(t.snapshot_rows("h", 0, 10), "snapshot_rows").empty(), "snapshot_rows(\"h\", 0, 10).empty()");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
