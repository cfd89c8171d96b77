#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_CAPTURE_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_CAPTURE_HPP

#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/replica_reference.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store: what the app does is captured, what the device does is not.

namespace testing::storage {

/// Takes what the app did before.
template <class Harness>
void absorb(checker& check, Harness& h) {
    committed(check, h.store(), [&](auto& t) { check.must(t.take_captured(), "take_captured"); });
}
/// What the app did since, without taking it.
template <class Harness>
[[nodiscard]] std::vector<captured_edit> captured(checker& check, Harness& h) {
    auto t = check.must(h.store().begin(), "begin");
    return net_edits(check, t);
}

template <class Make>
void check_replica_capture(store_kit<Make>& kit) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key p{project, "p"};

    kit.clause("S4.every_edit", "every edit of the app is given, with the row before the first one", [&](auto& h, checker& check) {
        check.must(h.app_write(a, task_row("old")), "app_write");
        check.must(h.app_write(b, task_row("gone")), "app_write");
        absorb(check, h);
        check.that(captured(check, h).empty(), "that no edit is captured");
        check.must(h.app_write(a, task_row("new")), "app_write");
        check.must(h.app_write(a, task_row("newer")), "app_write");
        check.must(h.app_erase(b), "app_erase");
        const record_key c{task, "c"};
        check.must(h.app_write(c, task_row("made")), "app_write");
        h.reopen();
        const auto edits = captured(check, h);
        check.need_same(edits.size(), 3, "edits.size()");
        check.same(edits[0].key, a, "edits[0].key");
        check.same(edits[0].before, task_row("old"), "edits[0].before");
        check.none(edits[0].recreated, "edits[0].recreated");
        check.same(edits[1].key, b, "edits[1].key");
        check.same(edits[1].before, task_row("gone"), "edits[1].before");
        check.same(edits[2].key, c, "edits[2].key");
        check.none(edits[2].before, "edits[2].before");
    });
    kit.clause("S4.order", "edits are given in the order in which the records were first changed", [&](auto& h, checker& check) {
        for (const char* k : {"z", "m", "a", "q"}) check.must(h.app_write(record_key{task, k}, task_row(k)), "app_write");
        check.must(h.app_write(p, project_row("p")), "app_write");
        check.must(h.app_write(record_key{task, "m"}, task_row("again")), "app_write");
        std::string order;
        for (const auto& e : captured(check, h)) order.append(e.key.key);
        check.same(order, "zmaqp", "order");
    });
    kit.clause("S4.nothing", "what came to nothing is no edit", [&](auto& h, checker& check) {
        check.must(h.app_write(a, task_row("old")), "app_write");
        absorb(check, h);
        check.must(h.app_write(a, task_row("new")), "app_write");
        check.must(h.app_write(a, task_row("old")), "app_write");
        check.must(h.app_write(b, task_row("x")), "app_write");
        check.must(h.app_erase(b), "app_erase");
        check.that(captured(check, h).empty(), "that no edit is captured");
    });
    kit.clause("S4.recreated", "a record that was erased and created again says so", [&](auto& h, checker& check) {
        check.must(h.app_write(a, task_row("old")), "app_write");
        absorb(check, h);
        check.must(h.app_erase(a), "app_erase");
        check.must(h.app_write(a, task_row("new")), "app_write");
        auto edits = captured(check, h);
        check.need_same(edits.size(), 1, "edits.size()");
        check.same(edits[0].before, task_row("old"), "edits[0].before");
        check.that(edits[0].recreated, "edits[0].recreated");
        check.must(h.app_erase(a), "app_erase");
        edits = captured(check, h);
        check.need_same(edits.size(), 1, "edits.size()");
        check.same(edits[0].before, task_row("old"), "edits[0].before");
        // The same row again is no less of a new one.
        check.must(h.app_write(a, task_row("old")), "app_write");
        edits = captured(check, h);
        check.need_same(edits.size(), 1, "edits.size()");
        check.same(edits[0].after, task_row("old"), "edits[0].after");
        check.that(edits[0].recreated, "edits[0].recreated");
    });
    kit.clause("S4.taken_once", "taken once; a dropped transaction took nothing", [&](auto& h, checker& check) {
        check.must(h.app_write(a, task_row("one")), "app_write");
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.take_captured(), "take_captured").size(), 1, "take_captured().size()");
            check.that(check.must(t.take_captured(), "take_captured").empty(), "take_captured().empty()");
        });
        h.reopen();
        committed(check, h.store(), [&](auto& t) { check.same(check.must(t.take_captured(), "take_captured").size(), 1, "take_captured().size()"); });
        check.that(captured(check, h).empty(), "that no edit is captured");
        check.must(h.app_write(a, task_row("two")), "app_write");
        const auto edits = captured(check, h);
        check.need_same(edits.size(), 1, "edits.size()");
        check.same(edits[0].before, task_row("one"), "edits[0].before");
    });
    kit.clause("S3.not_captured", "our writes are not captured, and a later edit starts from them", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.must(t.write(a, task_row("ours")), "write");
            check.must(t.write(b, task_row("ours")), "write");
            check.must(t.erase(b), "erase");
            check.that(check.must(t.take_captured(), "take_captured").empty(), "take_captured().empty()");
            check.that(check.must(t.take_diverted(), "take_diverted").empty(), "take_diverted().empty()");
        });
        check.that(captured(check, h).empty(), "that no edit is captured");
        check.must(h.app_write(a, task_row("app")), "app_write");
        const auto edits = captured(check, h);
        check.need_same(edits.size(), 1, "edits.size()");
        check.same(edits[0].before, task_row("ours"), "edits[0].before");
    });
    kit.clause("S3.no_actions", "our erase runs no foreign-key actions; the app's does, and they are captured", [&](auto& h, checker& check) {
        check.must(h.app_write(p, project_row("p")), "app_write");
        check.must(h.app_write(a, task_row("child", {}, "p")), "app_write");
        check.must(h.app_write(b, task_row("reviewed", {}, {}, "p")), "app_write");
        absorb(check, h);
        dropped(check, h.store(), [&](auto& t) {
            check.must(t.erase(p), "erase");
            check.same(check.must(t.visible(a), "visible"), task_row("child", {}, "p"), "visible(a)");
            check.same(check.must(t.visible(b), "visible"), task_row("reviewed", {}, {}, "p"), "visible(b)");
        });
        check.must(h.app_erase(p), "app_erase");
        check.none(h.row(a), "row(a)");
        check.same(h.row(b), task_row("reviewed"), "row(b)");
        auto edits = captured(check, h);
        check.need_same(edits.size(), 3, "edits.size()");
        std::sort(edits.begin(), edits.end(), [](const auto& x, const auto& y) { return x.key < y.key; });
        check.same(edits[0].before, project_row("p"), "edits[0].before");
        check.same(edits[1].before, task_row("child", {}, "p"), "edits[1].before");
        check.same(edits[2].before, task_row("reviewed", {}, {}, "p"), "edits[2].before");
    });
    kit.clause("S4.refused", "an app's write that is refused is no edit", [&](auto& h, checker& check) {
        check.must(h.app_write(a, task_row("a", "s")), "app_write");
        absorb(check, h);
        check.refused(h.app_write(b, task_row("b", "s")), errc::constraint, "app_write");
        check.that(captured(check, h).empty(), "that no edit is captured");
    });
    kit.clause("S3.diverted", "rows that the app's triggers changed under our writes are named, once, and only in that transaction", [&](auto& h, checker& check) {
        if (!loud_trigger(h, check)) return;
        committed(check, h.store(), [&](auto& t) {
            check.must(t.write(a, task_row("quiet")), "write");
            check.that(check.must(t.take_diverted(), "take_diverted").empty(), "take_diverted().empty()");
            check.must(t.write(a, task_row("shout")), "write");
            check.must(t.write(b, task_row("calm")), "write");
            check.same(check.must(t.visible(a), "visible"), task_row("SHOUT"), "visible(a)");
            check.same(check.must(t.take_diverted(), "take_diverted"), std::vector<diverted_row>{{a, task_row("shout")}}, "take_diverted()");
            check.that(check.must(t.take_diverted(), "take_diverted").empty(), "take_diverted().empty()");
            check.must(t.write(b, task_row("shout")), "write");
        });
        committed(check, h.store(), [&](auto& t) {
            check.that(check.must(t.take_diverted(), "take_diverted").empty(), "take_diverted().empty()");
            check.that(check.must(t.take_captured(), "take_captured").empty(), "take_captured().empty()");
            check.same(check.must(t.visible(b), "visible"), task_row("SHOUT"), "visible(b)");
        });
    });
    kit.clause("S4.triggers", "what a trigger makes of the app's write is part of the edit", [&](auto& h, checker& check) {
        if (!loud_trigger(h, check)) return;
        check.must(h.app_write(a, task_row("quiet")), "app_write");
        absorb(check, h);
        check.must(h.app_write(a, task_row("shout")), "app_write");
        const auto edits = captured(check, h);
        check.need_same(edits.size(), 1, "edits.size()");
        check.same(edits[0].before, task_row("quiet"), "edits[0].before");
        check.same(h.row(a), task_row("SHOUT"), "row(a)");
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
