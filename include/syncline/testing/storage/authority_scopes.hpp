#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_SCOPES_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_SCOPES_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/device_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: labels and views, V1 to V3 of `storage/device_view.hpp`.

namespace testing::storage {

[[nodiscard]] inline audience one_of(label_set labels) {
    audience out;
    out.require(std::move(labels));
    return out;
}

/// Two projects, of which one has two tasks, all sealed.
template <class Harness>
void before_labels(checker& check, Harness& h) {
    change_in(check, h, "alice", [&](auto& t) {
        write_and_seal(check, t, {{{project, "P"}, project_row("1"), {}}, {{project, "T"}, project_row("2"), {}}, {{task, "C1"}, task_row("3", {}, "P"), {}}, {{task, "C2"}, task_row("4", {}, {}, "P"), {}}});
    });
}

template <class Make>
void check_authority_scopes(store_kit<Make>& kit) {
    const record_key p{project, "P"};
    const record_key t1{project, "T"};
    const record_key c1{task, "C1"};
    const record_key c2{task, "C2"};

    kit.clause("table.referring", "referring names live records with any reference, at most n", [&](auto& h, checker& check) {
        before_labels(check, h);
        auto t = check.must(h.store().begin("alice", access::snapshot), "begin");
        check.same(sorted(check.must(t.referring(p, 9), "referring")), std::vector<record_key>{c1, c2}, "sorted(referring(p, 9))");
        check.same(check.must(t.referring(p, 1), "referring").size(), 1, "referring(p, 1).size()");
        check.that(check.must(t.referring(t1, 9), "referring").empty(), "referring(t1, 9).empty()");
    });
    kit.clause("V1.relabel", "a later stamp gives a record another place and no version; the order goes on after it", [&](auto& h, checker& check) {
        before_labels(check, h);
        auto t = check.must(h.store().begin("alice", access::write), "begin");
        check.none(check.must(t.audience_of(p), "audience_of"), "audience_of(p)");
        const auto old = check.some(t.sealed(p), "sealed");
        const std::int64_t stamp = check.must(t.head(), "head").stamp + 5;
        check.must(t.relabel(p, stamp, one_of({"x"})), "relabel");
        check.same(check.must(t.audience_of(p), "audience_of"), one_of({"x"}), "audience_of(p)");
        const auto moved = check.some(t.sealed(p), "sealed");
        check.same(moved.version, old.version, "moved.version");
        check.same(moved.stamp, stamp, "moved.stamp");
        check.same(moved.row, old.row, "moved.row");
        check.same(check.must(t.head(), "head").stamp, stamp, "head().stamp");
        const auto last = check.must(t.latest_after(stamp - 1, 9), "latest_after");
        check.need_same(last.size(), 1, "last.size()");
        check.same(last[0].key, p, "last[0].key");
        check.same(last[0].stamp, stamp, "last[0].stamp");
        check.same(last[0].version, old.version, "last[0].version");
        check.same(check.must(t.latest_after(0, 9), "latest_after").size(), 4, "latest_after(0, 9).size()");
        check.same(check.must(t.changes_of(p, 0), "changes_of").size(), 1, "changes_of(p, 0).size()");  // what others did to it is as it was
        check.must(t.relabel(p, stamp, one_of({"y"})), "relabel");  // a stamp that it has already
        check.same(check.some(t.sealed(p), "sealed").stamp, stamp, "sealed(p)->stamp");
        check.none(t.relabel(record_key{project, "nothing"}, stamp, one_of({"x"})), "relabel(nothing, ..)");
        check.must(t.commit(), "commit");
        change_in(check, h, "alice", [&](auto& again) { write_and_seal(check, again, {{p, project_row("again"), {}}}); });
        auto later = check.must(h.store().begin("alice", access::snapshot), "begin");
        check.that(check.some(later.sealed(p), "sealed").stamp > stamp, "later.sealed(p)->stamp > stamp");
        check.same(check.must(later.audience_of(p), "audience_of"), one_of({"y"}), "later.audience_of(p)");
    });
    kit.clause("V2.log", "changes of labels are logged, and kept above the floor; the audience stays", [&](auto& h, checker& check) {
        before_labels(check, h);
        auto t = check.must(h.store().begin("alice", access::write), "begin");
        const std::int64_t first = check.some(t.sealed(p), "sealed").stamp;
        check.must(t.relabel(p, first, one_of({"x"})), "relabel");
        check.must(t.relabel(p, first + 100, one_of({"y"})), "relabel");
        const auto log = check.must(t.audiences_since(p, 0), "audiences_since");
        check.need_same(log.size(), 2, "log.size()");
        check.same(log[0], audience_change{first, std::nullopt, one_of({"x"})}, "log[0]");
        check.same(log[1], audience_change{first + 100, one_of({"x"}), one_of({"y"})}, "log[1]");
        check.same(check.must(t.audiences_since(p, first), "audiences_since").size(), 1, "audiences_since(p, first).size()");
        check.that(check.must(t.audiences_since(t1, 0), "audiences_since").empty(), "audiences_since(t1, 0).empty()");
        check.must(t.prune(check.must(t.head(), "head").seq), "prune");
        check.same(check.must(t.audiences_since(p, 0), "audiences_since").size(), 1, "audiences_since(p, 0).size()");
        check.same(check.must(t.audience_of(p), "audience_of"), one_of({"y"}), "audience_of(p)");
        check.same(check.must(t.latest_after(0, 9), "latest_after").size(), 4, "latest_after(0, 9).size()");
    });
    kit.clause("table.labelled", "labelled names each record with the label once, in pages", [&](auto& h, checker& check) {
        before_labels(check, h);
        auto t = check.must(h.store().begin("alice", access::write), "begin");
        const std::int64_t stamp = check.must(t.head(), "head").stamp;
        for (const auto& k : {p, t1, c1}) check.must(t.relabel(k, stamp, one_of({"x", "z"})), "relabel");
        audience both = one_of({"x"});
        both.require({"y"});
        check.must(t.relabel(c2, stamp, both), "relabel");
        std::vector<record_key> all;
        for (const record_key* after = nullptr;;) {
            const auto some = check.must(t.labelled("x", after, 2), "labelled");
            all.insert(all.end(), some.begin(), some.end());
            if (some.size() < 2) break;
            check.require(all.size() < 9, "that the pages come to an end");
            after = &all.back();
        }
        check.same(sorted(all), sorted({p, t1, c1, c2}), "sorted(all)");
        check.same(check.must(t.labelled("y", nullptr, 9), "labelled"), std::vector<record_key>{c2}, "labelled(\"y\", nullptr, 9)");
        check.that(check.must(t.labelled("none", nullptr, 9), "labelled").empty(), "labelled(\"none\", nullptr, 9).empty()");
        check.must(t.relabel(c2, stamp, one_of({"w"})), "relabel");
        check.that(check.must(t.labelled("y", nullptr, 9), "labelled").empty(), "labelled(\"y\", nullptr, 9).empty()");
        check.same(check.must(t.labelled("x", nullptr, 9), "labelled").size(), 3, "labelled(\"x\", nullptr, 9).size()");
    });
    kit.clause("V3.views", "views are kept by principal and source, and go with the source; the rules' name is kept", [&](auto& h, checker& check) {
        before_labels(check, h);
        auto t = check.must(h.store().begin("alice", access::write), "begin");
        check.that(check.must(t.labelled_by(), "labelled_by").empty(), "labelled_by().empty()");
        check.must(t.set_labelled_by("r2"), "set_labelled_by");
        device_view view{"ann", "phone", "r2", 4, {"a"}, {{4, 3, 2, std::nullopt, {"a"}, {"a"}, {"a"}, {}}}};
        check.must(t.put_view(view), "put_view");
        check.must(t.put_source({"ann", "phone", std::nullopt, 3, from_microseconds(1)}), "put_source");
        check.must(t.commit(), "commit");
        auto again = check.must(h.store().begin("alice", access::write), "begin");
        check.same(check.must(again.labelled_by(), "labelled_by"), "r2", "again.labelled_by()");
        check.same(check.must(again.find_view("ann", "phone"), "find_view"), view, "again.find_view(\"ann\", \"phone\")");
        check.none(check.must(again.find_view("bob", "phone"), "find_view"), "again.find_view(\"bob\", \"phone\")");
        check.must(again.drop_source("ann", "phone"), "drop_source");
        check.none(check.must(again.find_view("ann", "phone"), "find_view"), "again.find_view(\"ann\", \"phone\")");
    });
    kit.clause("A1.scopes", "what was not committed never happened, and a snapshot writes nothing", [&](auto& h, checker& check) {
        before_labels(check, h);
        {
            auto t = check.must(h.store().begin("alice", access::write), "begin");
            check.must(t.relabel(p, check.must(t.head(), "head").stamp + 1, one_of({"x"})), "relabel");
            check.must(t.put_view({"ann", "phone", "", 1, {}, {}}), "put_view");
        }
        auto t = check.must(h.store().begin("alice", access::snapshot), "begin");
        check.none(check.must(t.audience_of(p), "audience_of"), "audience_of(p)");
        check.none(check.must(t.find_view("ann", "phone"), "find_view"), "find_view(\"ann\", \"phone\")");
        check.that(check.must(t.labelled("x", nullptr, 9), "labelled").empty(), "labelled(\"x\", nullptr, 9).empty()");
        check.refused(t.relabel(p, 1, one_of({"x"})), errc::bug, "relabel");
        check.refused(t.put_view({}), errc::bug, "put_view");
        check.refused(t.set_labelled_by("x"), errc::bug, "set_labelled_by");
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
