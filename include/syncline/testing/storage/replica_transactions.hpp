#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_TRANSACTIONS_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_TRANSACTIONS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/failing_store.hpp>
#include <syncline/testing/storage/replica_reference.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store: all of a transaction or nothing of it, whatever ends it and wherever; and one writer at a time.

namespace testing::storage {

/// How many steps `replica_step` knows.
inline constexpr std::size_t replica_steps = 29;

/// Fills a fresh store with something in each of its places, and lets the app edit what lies there, so that every step has something to change.
template <class Harness>
void before_replica_steps(checker& check, Harness& h) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    check.must(h.app_write(a, task_row("a", "sa")), "app_write");
    check.must(h.app_write(b, task_row("b")), "app_write");
    committed(check, h.store(), [&](auto& t) {
        check.must(t.take_captured(), "take_captured");
        check.must(t.put_base(a, base_row{3, true, task_row("base"), {}}), "put_base");
        check.must(t.put_open(full_intent(a, 1), 5), "put_open");
        check.must(t.put_open(waiting_intent(b, 2, errc::conflict), 5), "put_open");
        check.must(t.put_batch(batch{1, 2, batch_state::prepared, 0, {}, 2}), "put_batch");
        check.must(t.put_frozen(batch_item{"m1", 0, full_intent(a, 9)}), "put_frozen");
        check.must(t.put_frozen(batch_item{"m2", 1, full_intent(b, 10)}), "put_frozen");
        check.must(t.set_hidden(b, true), "set_hidden");
        check.must(t.quarantine({row_image{b, 4, {}, {}}, wait_reason{}}), "quarantine");
        check.must(t.put_unread({{"m", "u"}, 4, "text", wait_reason{}}), "put_unread");
        check.must(t.put_lost(row_image{a, 4, {}, {}}), "put_lost");
        check.must(t.stage({row_image{a, 4, task_row("staged"), {}}, row_image{b, 4, {}, {}}}), "stage");
    });
    check.must(h.app_write(a, task_row("edited", "sa")), "app_write");
    check.must(h.app_erase(b), "app_erase");
}

/// Step @p i of a transaction that goes through everything a transaction can change, over what `before_replica_steps` left.
template <class T>
[[nodiscard]] result<void> replica_step(T& t, std::size_t i) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key c{task, "c"};
    switch (i) {
    case 0: {
        auto taken = t.take_captured();
        if (!taken) return std::move(taken).error();
        if (taken->size() == 2) return {};
        return make_fault(errc::bug, "two records were edited, `take_captured` names ", std::to_string(taken->size()));
    }
    case 1: return t.write(a, task_row("new", "sb"));
    case 2: return t.write(c, task_row("c", "sa"));
    case 3: return t.erase(a);
    case 4: return t.write(b, task_row("b", "sb"));
    case 5: return t.put_base(a, base_row{4, false, {}, provisional_base{3, "m1"}});
    case 6: return t.put_base(b, base_row{9, true, {}, {}});
    case 7: return t.put_base(a, base_row{});
    case 8: return t.put_open(waiting_intent(a, 7, errc::held), 6);
    case 9: return t.put_open(full_intent(c, 8), 4);
    case 10: return t.drop_open(b);
    case 11: return t.put_batch(batch{1, 2, batch_state::committed_remote, 77, "hash", 2});
    case 12: return t.put_frozen(batch_item{"m3", 2, full_intent(c, 11)});
    case 13: return t.drop_frozen(a);
    case 14: return t.drop_batch();
    case 15: return t.set_hidden(b, false);
    case 16: return t.set_hidden(c, true);
    case 17: return t.quarantine({row_image{c, 4, task_row("q"), "m"}, wait_reason{errc::constraint, "no"}});
    case 18: return t.release(b);
    case 19: return t.put_unread({{"m", "u"}, 5, "", wait_reason{}});
    case 20: return t.put_unread({{"", "v"}, 0, "other", wait_reason{}});
    case 21: return t.drop_unread({"m", "u"});
    case 22: return t.put_lost(row_image{c, 5, task_row("l"), {}});
    case 23: return t.drop_lost(a);
    case 24: return t.put_base(c, base_row{5, true, task_row("l"), {}, true});
    case 25: {
        replica_state state;
        state.source_id = "s";
        return t.put_state(state);
    }
    case 26: return t.stage({row_image{c, 5, task_row("s"), {}}});
    case 27: return t.clear_stage();
    default: return t.stage({row_image{b, 6, {}, {}}});
    }
}

/// The first @p n steps.
template <class T>
void take_replica_steps(checker& check, T& t, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) check.must(replica_step(t, i), "step " + std::to_string(i) + " of the transaction");
}

template <class Make>
void check_replica_atomicity(store_kit<Make>& kit) {
    kit.clause("S1.atomic", "a transaction that is dropped at any call never happened", [&](auto& h, checker& check) {
        before_replica_steps(check, h);
        const std::string before = everything(check, h.store());
        for (std::size_t k = 0; k <= replica_steps; ++k) {
            const auto at = check.at("dropped after call " + std::to_string(k));
            dropped(check, h.store(), [&](auto& t) { take_replica_steps(check, t, k); });
            if (k % 5 == 0) h.reopen();
            check.need_same(everything(check, h.store()), before, "everything");
        }
        std::string inside;
        committed(check, h.store(), [&](auto& t) {
            take_replica_steps(check, t, replica_steps);
            inside = replica_text(check, t);
        });
        check.that(inside != before, "that the transaction changes something");
        check.same(everything(check, h.store()), inside, "everything after the commit");
        h.reopen();
        check.same(everything(check, h.store()), inside, "everything in a store that is opened again");
    });
    kit.clause("S1.every_call", "a transaction of which any one call fails never happened, whether the call had acted or not", [&](auto& h, checker& check) {
        using store_type = std::remove_reference_t<decltype(h.store())>;
        before_replica_steps(check, h);
        const std::string before = everything(check, h.store());
        // The calls: `begin`, the steps, `commit`.
        for (const call_moment moment : {call_moment::before, call_moment::after}) {
            const std::uint64_t last = replica_steps + (moment == call_moment::before ? 2 : 1);
            for (std::uint64_t k = 1; k <= last; ++k) {
                const auto at = check.at("call " + std::to_string(k) + (moment == call_moment::before ? " failed before it acted" : " failed after it had acted"));
                const auto met = std::make_shared<bool>(false);
                failing_replica_store<store_type> failing(h.store(), fail_at_call(k, moment, met));
                if (auto t = failing.begin()) {
                    result<void> went;
                    for (std::size_t i = 0; i < replica_steps && went; ++i) went = replica_step(*t, i);
                    if (went) went = t->commit();
                    check.require(!went, "that the call fails");
                }
                check.require(*met, "that the call comes");
                check.need_same(everything(check, h.store()), before, "everything");
            }
        }
        committed(check, h.store(), [&](auto& t) { take_replica_steps(check, t, replica_steps); });
        check.that(everything(check, h.store()) != before, "that the store goes on afterwards");
    });
    kit.clause("S1.crash", "a program that ends within a transaction, at any call, leaves what was committed before", [&](auto& h, checker& check) {
        before_replica_steps(check, h);
        const std::string before = everything(check, h.store());
        for (std::size_t k = 0; k <= replica_steps; ++k) {
            const auto at = check.at("ended after call " + std::to_string(k));
            {
                auto t = check.must(h.store().begin(), "begin");
                take_replica_steps(check, t, k);
                if constexpr (requires { h.crash(); }) h.crash();
            }
            if constexpr (!requires { h.crash(); }) h.reopen();
            check.need_same(everything(check, h.store()), before, "everything");
        }
        std::string inside;
        committed(check, h.store(), [&](auto& t) {
            take_replica_steps(check, t, replica_steps);
            inside = replica_text(check, t);
        });
        if constexpr (requires { h.crash(); }) h.crash();
        else h.reopen();
        check.same(everything(check, h.store()), inside, "everything that was committed before the program ended");
    });
}

template <class Make>
void check_replica_isolation(store_kit<Make>& kit) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};

    kit.clause("S2.one_transaction", "one transaction at a time, and afterwards it is over", [&](auto& h, checker& check) {
        auto t = check.must(h.store().begin(), "begin");
        check.refused(h.store().begin(), errc::bug, "begin");
        auto moved = std::move(t);
        check.refused(h.store().begin(), errc::bug, "begin");
        check.must(moved.write(a, task_row("one")), "write");
        check.must(moved.commit(), "commit");
        check.refused(moved.visible(a), errc::bug, "visible");
        check.refused(moved.write(a, task_row("late")), errc::bug, "write");
        check.refused(moved.commit(), errc::bug, "commit");
        check.must(h.store().begin(), "begin");
        check.same(h.row(a), task_row("one"), "row(a)");
    });
    kit.clause("S2.one_writer", "nobody else writes while a transaction is open", [&](auto& h, checker& check) {
        {
            auto t = check.must(h.store().begin(), "begin");
            check.must(t.write(a, task_row("ours")), "write");
            check.refused(h.app_write(b, task_row("app")), errc::busy, "app_write");
            check.refused(h.app_erase(a), errc::busy, "app_erase");
            if constexpr (requires { h.other_store(); }) check.refused(h.other_store().begin(), errc::busy, "begin");
            check.must(t.commit(), "commit");
        }
        check.must(h.app_write(b, task_row("app")), "app_write");
        check.same(h.row(a), task_row("ours"), "row(a)");
    });
    kit.clause("S2.reader", "the app reads what was committed while a transaction is open, and never half of it", [&](auto& h, checker& check) {
        if constexpr (requires { h.read_apart(a); }) {
            const record_key c{task, "c"};
            const auto seen = [&] { return show(h.read_apart(a)) + show(h.read_apart(b)) + show(h.read_apart(c)); };
            before_replica_steps(check, h);
            const std::string before = seen();
            std::string inside;
            committed(check, h.store(), [&](auto& t) {
                for (std::size_t i = 0; i < replica_steps; ++i) {
                    check.must(replica_step(t, i), "step");
                    check.need_same(seen(), before, "what is read after step " + std::to_string(i));
                }
                inside = show(check.must(t.visible(a), "visible")) + show(check.must(t.visible(b), "visible")) + show(check.must(t.visible(c), "visible"));
            });
            check.same(seen(), inside, "what is read after the commit");
        } else {
            check.skip("the harness offers no `read_apart`");
        }
    });
    kit.clause("S2.two_objects", "two store objects on the same data are one store: one transaction at a time, and each sees what the other committed", [&](auto& h, checker& check) {
        if constexpr (requires { h.other_store(); }) {
            before_replica_steps(check, h);
            check.same(everything(check, h.other_store()), everything(check, h.store()), "everything");
            {
                auto theirs = check.must(h.other_store().begin(), "begin");
                check.refused(h.store().begin(), errc::busy, "begin");
                take_replica_steps(check, theirs, replica_steps);
                check.must(theirs.commit(), "commit");
            }
            check.same(everything(check, h.store()), everything(check, h.other_store()), "everything");
            check.must(h.app_write(b, task_row("app")), "app_write");
            committed(check, h.store(), [&](auto& t) { check.same(check.must(t.take_captured(), "take_captured").size(), 1, "take_captured().size()"); });
            committed(check, h.other_store(), [&](auto& t) { check.that(check.must(t.take_captured(), "take_captured").empty(), "take_captured().empty()"); });
        } else {
            check.skip("the harness offers no `other_store`");
        }
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
