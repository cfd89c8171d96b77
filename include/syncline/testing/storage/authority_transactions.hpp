#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_TRANSACTIONS_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_TRANSACTIONS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/failing_store.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: all of a transaction or nothing of it, whatever ends it and wherever.

namespace testing::storage {

/// How many steps `authority_step` knows.
inline constexpr std::size_t authority_steps = 21;

/// Fills a fresh store with something in each of its places, and lets the app write beside, so that every step has something to change.
template <class Harness>
void before_authority_steps(checker& check, Harness& h) {
    const record_key a{task, "alice-a"};
    const record_key b{task, "alice-b"};
    const record_key p{project, "alice-a"};
    const timestamp soon = from_microseconds(1000);
    change_in(check, h, "alice", [&](auto& t) {
        write_and_seal(check, t, {{p, project_row("p"), "m0"}, {a, task_row("one", "sa", "alice-a"), "m0"}}, "dev", 1);
        write_and_seal(check, t, {{a, task_row("two", "sa", "alice-a"), "m1"}}, "dev", 2);
        check.must(t.put_session(push_session{"s", "p", "dev", 3, 2, 0, soon}), "put_session");
        check.must(t.append_session("s", 0, {mutation{"x", full_intent(a, 1)}}), "append_session");
        check.must(t.put_session(push_session{"s2", "p", "dev", 4, 2, 0, soon}), "put_session");
        snapshot_head wanted{"snap", "p", 0, 0, 0, soon};
        check.must(t.make_snapshot(wanted), "make_snapshot");
    });
    check.must(h.app_write("alice", b, task_row("foreign", "sb")), "app_write");
}

/// What the steps can change, as text.
template <class Harness>
[[nodiscard]] std::string around_authority_steps(checker& check, Harness& h) {
    auto t = check.must(h.store().begin("alice", access::snapshot), "begin");
    std::string out = authority_text(check, t, "alice", {"m1", "m2"});
    out.append(std::to_string(check.must(t.last_source_bundle_id("dev"), "last_source_bundle_id"))).append(" ");
    for (const char* id : {"s", "s2", "s3"}) {
        const auto s = check.must(t.find_session(id), "find_session");
        out.append(s ? s->source + std::to_string(s->received_rows) : "none").append(" ");
        for (const auto& m : check.must(t.session_mutations(id), "session_mutations")) out.append(m.id).append(show(m.what));
    }
    for (const char* id : {"snap", "snap2"}) {
        const auto s = check.must(t.find_snapshot(id), "find_snapshot");
        out.append(s ? std::to_string(s->seq) : "none").append("\n").append(show(check.must(t.snapshot_rows(id, 0, 99), "snapshot_rows")));
    }
    return out;
}

namespace detail {

template <class T>
[[nodiscard]] result<void> append_planned(T& t, const std::vector<planned_change>& plan) {
    auto head = t.head();
    if (!head) return std::move(head).error();
    return t.append(bundle_of(*head, plan));
}
template <class T>
[[nodiscard]] result<void> take_staged_keys(T& t, std::size_t expected) {
    auto staged = t.take_staged();
    if (!staged) return std::move(staged).error();
    if (staged->size() == expected) return {};
    return make_fault(errc::bug, std::to_string(expected), " records were changed, `take_staged` names ", std::to_string(staged->size()));
}

}  // namespace detail

/// Step @p i of a transaction that goes through everything a transaction can change, over what `before_authority_steps` left.
template <class T>
[[nodiscard]] result<void> authority_step(T& t, std::size_t i) {
    const record_key a{task, "alice-a"};
    const record_key b{task, "alice-b"};
    const record_key other{task, "alice-B"};
    const record_key p{project, "alice-a"};
    const timestamp soon = from_microseconds(1000);
    switch (i) {
    case 0: return detail::take_staged_keys(t, 1);
    case 1: return detail::append_planned(t, {{b, task_row("foreign", "sb"), {}}});
    case 2: return t.write(a, task_row("mine", "sc", "alice-a"));
    case 3: return t.savepoint();
    case 4: return t.write(other, task_row("new", "sa"));
    case 5: return t.rollback_to_savepoint();
    case 6: return t.erase(p);
    case 7: return detail::take_staged_keys(t, 2);
    case 8: return detail::append_planned(t, {{p, {}, "m2"}, {a, {}, "m2"}});
    case 9: {
        receipt r;
        r.id = "m2";
        return t.put_receipt("p", r);
    }
    case 10: return t.put_bundle_receipt(bundle_receipt{"dev", 3, 4, "h", 2, "bob"});
    case 11: return t.put_session(push_session{"s", "p", "dev", 3, 2, 1, soon});
    case 12: return t.append_session("s", 1, {mutation{"y", full_intent(b, 2)}});
    case 13: return t.drop_session("s");
    case 14: return t.drop_sessions("dev", 4);
    case 15: return t.put_session(push_session{"s3", "p", "dev", 5, 2, 0, soon});
    case 16: {
        auto made = t.make_snapshot(snapshot_head{"snap2", "p", 0, 0, 0, soon});
        if (!made) return std::move(made).error();
        return {};
    }
    case 17: return t.drop_snapshot("snap");
    case 18: return t.prune(2);
    case 19: return t.write(other, task_row("late"));
    default: return t.expire(from_microseconds(2000));
    }
}

/// The first @p n steps.
template <class T>
void take_authority_steps(checker& check, T& t, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) check.must(authority_step(t, i), "step " + std::to_string(i) + " of the transaction");
}

template <class Make>
void check_authority_atomicity(store_kit<Make>& kit) {
    kit.clause("A1.atomic", "a transaction that is dropped at any call never happened", [&](auto& h, checker& check) {
        before_authority_steps(check, h);
        const std::string before = around_authority_steps(check, h);
        for (std::size_t k = 0; k <= authority_steps; ++k) {
            const auto at = check.at("dropped after call " + std::to_string(k));
            {
                auto t = check.must(h.store().begin("alice", access::write), "begin");
                take_authority_steps(check, t, k);
            }
            if (k % 5 == 0) h.reopen();
            check.need_same(around_authority_steps(check, h), before, "everything");
            look_at(check, h, "bob", [&](auto& t) { check.none(check.must(t.has_staged(), "has_staged"), "has_staged() of another tenant"); });
        }
        change_in(check, h, "alice", [&](auto& t) { take_authority_steps(check, t, authority_steps); });
        const std::string after = around_authority_steps(check, h);
        check.that(after != before, "that the transaction changes something");
        h.reopen();
        check.same(around_authority_steps(check, h), after, "everything in a store that is opened again");
        check.none(h.row("alice", {project, "alice-a"}), "row(\"alice\", p)");
        check.none(h.row("alice", {task, "alice-a"}), "row(\"alice\", a)");
        check.same(h.row("alice", {task, "alice-B"}), task_row("late"), "row(\"alice\", B)");
    });
    kit.clause("A1.every_call", "a transaction of which any one call fails never happened, whether the call had acted or not", [&](auto& h, checker& check) {
        using store_type = std::remove_reference_t<decltype(h.store())>;
        before_authority_steps(check, h);
        const std::string before = around_authority_steps(check, h);
        // The calls: `begin`, the steps, of which two ask for the head first, `commit`.
        constexpr std::uint64_t acting = authority_steps + 3;
        for (const call_moment moment : {call_moment::before, call_moment::after}) {
            const std::uint64_t last = moment == call_moment::before ? acting + 1 : acting;
            for (std::uint64_t k = 1; k <= last; ++k) {
                const auto at = check.at("call " + std::to_string(k) + (moment == call_moment::before ? " failed before it acted" : " failed after it had acted"));
                const auto met = std::make_shared<bool>(false);
                failing_authority_store<store_type> failing(h.store(), fail_at_call(k, moment, met));
                if (auto t = failing.begin("alice", access::write)) {
                    result<void> went;
                    for (std::size_t i = 0; i < authority_steps && went; ++i) went = authority_step(*t, i);
                    if (went) went = t->commit();
                    check.require(!went, "that the call fails");
                }
                check.require(*met, "that the call comes");
                check.need_same(around_authority_steps(check, h), before, "everything");
            }
        }
        change_in(check, h, "alice", [&](auto& t) { take_authority_steps(check, t, authority_steps); });
        check.that(around_authority_steps(check, h) != before, "that the store goes on afterwards");
    });
    kit.clause("A1.crash", "a program that ends within a transaction, at any call, leaves what was committed before", [&](auto& h, checker& check) {
        before_authority_steps(check, h);
        const std::string before = around_authority_steps(check, h);
        for (std::size_t k = 0; k <= authority_steps; ++k) {
            const auto at = check.at("ended after call " + std::to_string(k));
            {
                auto t = check.must(h.store().begin("alice", access::write), "begin");
                take_authority_steps(check, t, k);
                if constexpr (requires { h.crash(); }) h.crash();
            }
            if constexpr (!requires { h.crash(); }) h.reopen();
            check.need_same(around_authority_steps(check, h), before, "everything");
        }
        change_in(check, h, "alice", [&](auto& t) { take_authority_steps(check, t, authority_steps); });
        const std::string after = around_authority_steps(check, h);
        check.that(after != before, "that the transaction changes something");
        if constexpr (requires { h.crash(); }) h.crash();
        else h.reopen();
        check.same(around_authority_steps(check, h), after, "everything that was committed before the program ended");
    });
    kit.clause("A4.savepoints", "going back to a savepoint undoes rows and staged names since then, and only those", [&](auto& h, checker& check) {
        const record_key a{task, "alice-a"};
        const record_key b{task, "alice-b"};
        const record_key p{project, "alice-a"};
        check.must(h.app_write("alice", p, project_row("p")), "app_write");
        check.must(h.app_write("alice", b, task_row("child", "sb", "alice-a")), "app_write");
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.take_staged(), "take_staged");
            check.must(t.write(a, task_row("before")), "write");
            for (int i = 0; i < 3; ++i) {
                check.must(t.savepoint(), "savepoint");
                check.must(t.write(a, task_row("inside")), "write");
                check.must(t.write({task, "alice-B"}, task_row("inside")), "write");
                check.must(t.erase(p), "erase");
                check.none(check.must(t.current(b), "current"), "current(b)");
                check.must(t.rollback_to_savepoint(), "rollback_to_savepoint");
                check.same(check.must(t.current(a), "current"), task_row("before"), "current(a)");
                check.same(check.must(t.current(b), "current"), task_row("child", "sb", "alice-a"), "current(b)");
            }
            check.must(t.savepoint(), "savepoint");
            check.must(t.write(b, task_row("released", "sb2")), "write");
            check.must(t.release_savepoint(), "release_savepoint");
            check.same(check.must(t.take_staged(), "take_staged"), std::vector<record_key>{a, b}, "take_staged()");
            check.must(t.savepoint(), "savepoint");
            check.must(t.write(a, task_row("undone")), "write");
            check.must(t.rollback_to_savepoint(), "rollback_to_savepoint");
            check.none(check.must(t.has_staged(), "has_staged"), "has_staged()");
        });
        check.same(h.row("alice", a), task_row("before"), "row(\"alice\", a)");
        check.same(h.row("alice", b), task_row("released", "sb2"), "row(\"alice\", b)");
        check.same(h.row("alice", p), project_row("p"), "row(\"alice\", p)");
        check.none(h.row("alice", {task, "alice-B"}), "row(\"alice\", {task, \"alice-B\"})");
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
