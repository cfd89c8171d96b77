#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_SESSIONS_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_SESSIONS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: receipts, push sessions, and what expires.

namespace testing::storage {

template <class Make>
void check_authority_sessions(store_kit<Make>& kit) {
    const record_key a{task, "a"};

    kit.clause("table.receipts", "receipts are kept per principal and id, whole, and the last one put holds", [&](auto& h, checker& check) {
        receipt full;
        full.id = "m'\"1";
        full.outcome = outcome_kind::refused;
        full.key = a;
        full.version = (std::numeric_limits<std::int64_t>::max)();
        full.clean = true;
        full.carries_row = true;
        full.after = "m0";
        full.content_hash = std::string("\0h\xFF", 3);
        full.why = wait_reason{errc::constraint, "it's so"};
        full.messages = {{"title", "too \"long\""}, {"", "and more"}};
        receipt other;
        other.id = full.id;
        other.outcome = outcome_kind::superseded;
        change_in(check, h, "alice", [&](auto& t) {
            check.none(check.must(t.find_receipt("p", full.id), "find_receipt"), "find_receipt(\"p\", full.id)");
            check.must(t.put_receipt("p", other), "put_receipt");
            check.must(t.put_receipt("p", full), "put_receipt");
            check.must(t.put_receipt("P", other), "put_receipt");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.find_receipt("p", full.id), "find_receipt"), full, "find_receipt(\"p\", full.id)");
            check.same(check.must(t.find_receipt("P", full.id), "find_receipt"), other, "find_receipt(\"P\", full.id)");
            check.none(check.must(t.find_receipt("", full.id), "find_receipt"), "find_receipt(\"\", full.id)");
            check.none(check.must(t.find_receipt("p", "m"), "find_receipt"), "find_receipt(\"p\", \"m\")");
        });
    });
    kit.clause("A4.receipts", "a receipt is found whatever was looked for, written and undone before it in the transaction", [&](auto& h, checker& check) {
        std::map<std::pair<std::string, std::string>, std::string> known;
        seeded_random draw{11};
        for (int round = 0; round < 30; ++round) {
            const bool kept = draw.chance(3, 4);
            auto working = known;
            auto t = check.must(h.store().begin("alice", access::write), "begin");
            for (int step = 0; step < 20; ++step) {
                const std::string principal(1 + draw.below(2), 'p');
                const std::string id = "m" + std::to_string(100 + draw.below(25));
                const auto look = [&](const auto& expected) {
                    const auto found = check.must(t.find_receipt(principal, id), "find_receipt");
                    check.need_same(found.has_value(), expected.contains({principal, id}), "found.has_value()");
                    if (found) check.need_same(found->content_hash, expected.at({principal, id}), "found->content_hash");
                };
                const bool in_savepoint = draw.chance(1, 4);
                auto inner = working;
                if (in_savepoint) check.must(t.savepoint(), "savepoint");
                if (draw.chance(1, 3)) {
                    receipt r;
                    r.id = id;
                    r.content_hash = std::to_string(round * 100 + step);
                    check.must(t.put_receipt(principal, r), "put_receipt");
                    inner[{principal, id}] = r.content_hash;
                }
                look(inner);
                const bool undone = in_savepoint && draw.chance(1, 2);
                if (in_savepoint) check.must(undone ? t.rollback_to_savepoint() : t.release_savepoint(), "the end of the savepoint");
                if (!undone) working = inner;
                look(working);
            }
            if (kept) {
                check.must(t.commit(), "commit");
                known = working;
            }
        }
        check.that(known.size() > 20, "known.size() > 20");
    });
    kit.clause("table.bundle_receipts", "bundle receipts are kept per source and number, and the last number is known", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.last_source_bundle_id("dev"), "last_source_bundle_id"), 0, "last_source_bundle_id(\"dev\")");
            for (const std::int64_t n : {1, 2, 10, 9}) check.must(t.put_bundle_receipt(bundle_receipt{"dev", n, n * 2, std::string("h\0", 2), 3, "an'n"}), "put_bundle_receipt");
            check.must(t.put_bundle_receipt(bundle_receipt{"dev2", 77, 1, {}, 0}), "put_bundle_receipt");
            check.must(t.put_bundle_receipt(bundle_receipt{"de", 3, 1, {}, 0}), "put_bundle_receipt");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.find_bundle_receipt("dev", 2), "find_bundle_receipt"), bundle_receipt{"dev", 2, 4, std::string("h\0", 2), 3, "an'n"}, "find_bundle_receipt(\"dev\", 2)");
            check.none(check.must(t.find_bundle_receipt("dev", 3), "find_bundle_receipt"), "find_bundle_receipt(\"dev\", 3)");
            check.none(check.must(t.find_bundle_receipt("DEV", 2), "find_bundle_receipt"), "find_bundle_receipt(\"DEV\", 2)");
            check.same(check.must(t.last_source_bundle_id("dev"), "last_source_bundle_id"), 10, "last_source_bundle_id(\"dev\")");
            check.same(check.must(t.last_source_bundle_id("dev2"), "last_source_bundle_id"), 77, "last_source_bundle_id(\"dev2\")");
            check.same(check.must(t.last_source_bundle_id("de"), "last_source_bundle_id"), 3, "last_source_bundle_id(\"de\")");
            check.same(check.must(t.last_source_bundle_id("d"), "last_source_bundle_id"), 0, "last_source_bundle_id(\"d\")");
        });
    });
    kit.clause("table.sessions", "sessions keep their mutations by ordinal, until they are dropped", [&](auto& h, checker& check) {
        const timestamp soon = from_microseconds(1000);
        const auto numbered = [&](std::uint32_t n) { return mutation{"m" + std::to_string(n), full_intent(a, n)}; };
        const auto ids = [](const std::vector<mutation>& ms) {
            std::string out;
            for (const auto& m : ms) out.append(m.id).append(" ");
            return out;
        };
        push_session s{"s'1", "p", "dev", 5, 40, 0, soon};
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.put_session(s), "put_session");
            check.must(t.put_session(push_session{"s2", "p", "dev", 5, 1, 0, soon}), "put_session");
            check.must(t.put_session(push_session{"s3", "p", "dev", 6, 1, 0, soon}), "put_session");
            check.must(t.append_session("s'1", 0, {numbered(0), numbered(1)}), "append_session");
            check.must(t.append_session("s2", 0, {numbered(77)}), "append_session");
            check.must(t.append_session("s3", 0, {numbered(88)}), "append_session");
        });
        change_in(check, h, "alice", [&](auto& t) {
            for (std::uint32_t n = 2; n < 12; ++n) check.must(t.append_session("s'1", n, {numbered(n)}), "append_session");
            check.must(t.append_session("s'1", 12, {}), "append_session");
            s.received_rows = 12;
            s.expires = from_microseconds(2000);
            check.must(t.put_session(s), "put_session");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.find_session("s'1"), "find_session"), s, "find_session(\"s'1\")");
            check.none(check.must(t.find_session("s"), "find_session"), "find_session(\"s\")");
            const auto kept = check.must(t.session_mutations("s'1"), "session_mutations");
            check.same(ids(kept), "m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 m10 m11 ", "ids(kept)");
            for (std::uint32_t n = 0; n < 12; ++n) check.same(kept[n].what, full_intent(a, n), "kept[n].what");
            check.same(ids(check.must(t.session_mutations("s2"), "session_mutations")), "m77 ", "ids(session_mutations(\"s2\"))");
        });
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.drop_session("s'1"), "drop_session");
            check.must(t.drop_session("s'1"), "drop_session");
            check.none(check.must(t.find_session("s'1"), "find_session"), "find_session(\"s'1\")");
            check.must(t.put_session(s), "put_session");
            check.that(check.must(t.session_mutations("s'1"), "session_mutations").empty(), "session_mutations(\"s'1\").empty()");
            check.must(t.drop_sessions("dev", 5), "drop_sessions");
            check.none(check.must(t.find_session("s'1"), "find_session"), "find_session(\"s'1\")");
            check.none(check.must(t.find_session("s2"), "find_session"), "find_session(\"s2\")");
            check.that(check.must(t.session_mutations("s2"), "session_mutations").empty(), "session_mutations(\"s2\").empty()");
            check.that(check.must(t.find_session("s3"), "find_session").has_value(), "find_session(\"s3\").has_value()");
            check.must(t.drop_sessions("other", 6), "drop_sessions");
            check.same(ids(check.must(t.session_mutations("s3"), "session_mutations")), "m88 ", "ids(session_mutations(\"s3\"))");
        });
    });
    kit.clause("table.expire", "what has expired goes, what has not stays", [&](auto& h, checker& check) {
        const auto at = [](std::int64_t us) { return from_microseconds(us); };
        change_in(check, h, "alice", [&](auto& t) {
            for (const std::int64_t us : {10, 20, 30}) {
                check.must(t.put_session(push_session{"s" + std::to_string(us), "p", "dev", us, 1, 0, at(us)}), "put_session");
                check.must(t.append_session("s" + std::to_string(us), 0, {mutation{"m", plain_intent(a, operation::erase, 1)}}), "append_session");
                check.same(check.must(t.make_snapshot(snapshot_head{"h" + std::to_string(us), "p", 0, 0, 0, at(us)}), "make_snapshot").newest_write, (timestamp::min)(), "make_snapshot(snapshot_head{\"h\" + to_string(us), \"p\", 0, 0, 0, at(u...");
            }
            check.must(t.expire(at(20)), "expire");
            check.none(check.must(t.find_session("s10"), "find_session"), "find_session(\"s10\")");
            check.that(check.must(t.session_mutations("s10"), "session_mutations").empty(), "session_mutations(\"s10\").empty()");
            check.none(check.must(t.find_snapshot("h10"), "find_snapshot"), "find_snapshot(\"h10\")");
            for (const char* id : {"20", "30"}) {
                check.that(check.must(t.find_session(std::string{"s"}.append(id)), "find_session").has_value(), "find_session(string{\"s\"}.append(id)).has_value()");
                check.same(check.must(t.session_mutations(std::string{"s"}.append(id)), "session_mutations").size(), 1, "session_mutations(string{\"s\"}.append(id)).size()");
                check.that(check.must(t.find_snapshot(std::string{"h"}.append(id)), "find_snapshot").has_value(), "find_snapshot(string{\"h\"}.append(id)).has_value()");
            }
            check.must(t.expire(at(31)), "expire");
            check.none(check.must(t.find_session("s30"), "find_session"), "find_session(\"s30\")");
            check.none(check.must(t.find_snapshot("h30"), "find_snapshot"), "find_snapshot(\"h30\")");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
