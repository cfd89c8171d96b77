#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_STAGING_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_STAGING_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: what anyone changed is named.

namespace testing::storage {

template <class Make>
void check_authority_staging(store_kit<Make>& kit) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key c{task, "c"};
    const record_key p{project, "p"};
    using keys = std::vector<record_key>;

    kit.clause("A3.named_once", "what anyone changed is named once, in the order of first change", [&](auto& h, checker& check) {
        check.must(h.app_write("alice", b, task_row("1")), "app_write");
        check.must(h.app_write("alice", a, task_row("1")), "app_write");
        check.must(h.app_write("alice", b, task_row("2")), "app_write");
        h.reopen();
        change_in(check, h, "alice", [&](auto& t) {
            check.that(check.must(t.has_staged(), "has_staged"), "has_staged()");
            check.must(t.write(c, task_row("ours")), "write");
            check.must(t.write(a, task_row("ours")), "write");
            check.must(t.erase({task, "never"}), "erase");
            check.same(check.must(t.take_staged(), "take_staged"), keys{b, a, c}, "take_staged()");
            check.none(check.must(t.has_staged(), "has_staged"), "has_staged()");
            check.that(check.must(t.take_staged(), "take_staged").empty(), "take_staged().empty()");
            check.must(t.write(b, task_row("again")), "write");
            check.must(t.erase(a), "erase");
            check.same(check.must(t.take_staged(), "take_staged"), keys{b, a}, "take_staged()");
        });
        look_at(check, h, "alice", [&](auto& t) { check.none(check.must(t.has_staged(), "has_staged"), "has_staged()"); });
        check.must(h.app_erase("alice", b), "app_erase");
        look_at(check, h, "alice", [&](auto& t) { check.that(check.must(t.has_staged(), "has_staged"), "has_staged()"); });
        change_in(check, h, "alice", [&](auto& t) { check.same(check.must(t.take_staged(), "take_staged"), keys{b}, "take_staged()"); });
    });
    kit.clause("A3.dropped", "taken in a dropped transaction is not taken", [&](auto& h, checker& check) {
        check.must(h.app_write("alice", a, task_row("1")), "app_write");
        {
            auto t = check.must(h.store().begin("alice", access::write), "begin");
            check.same(check.must(t.take_staged(), "take_staged"), keys{a}, "take_staged()");
        }
        h.reopen();
        change_in(check, h, "alice", [&](auto& t) { check.same(check.must(t.take_staged(), "take_staged"), keys{a}, "take_staged()"); });
    });
    kit.clause("A3.left", "staged and left is named by the next transaction, with what it wrote itself", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) { check.must(t.write(a, task_row("1")), "write"); });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) { check.that(check.must(t.has_staged(), "has_staged"), "has_staged()"); });
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.write(b, task_row("2")), "write");
            check.same(check.must(t.take_staged(), "take_staged"), keys{a, b}, "take_staged()");
        });
    });
    kit.clause("A3.recreated", "created and erased again is named or not, but never hides a change", [&](auto& h, checker& check) {
        check.must(h.app_write("alice", a, task_row("1")), "app_write");
        change_in(check, h, "alice", [&](auto& t) { check.must(t.take_staged(), "take_staged"); });
        check.must(h.app_erase("alice", a), "app_erase");
        check.must(h.app_write("alice", a, task_row("2")), "app_write");
        change_in(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.take_staged(), "take_staged"), keys{a}, "take_staged()");
            check.same(check.must(t.current(a), "current"), task_row("2"), "current(a)");
        });
    });
    kit.clause("A3.actions", "foreign-key actions run, for the app's erases and for ours, and what they touch is named", [&](auto& h, checker& check) {
        for (const bool by_app : {true, false}) {
            check.must(h.app_write("alice", p, project_row("p")), "app_write");
            check.must(h.app_write("alice", a, task_row("child", "s", "p")), "app_write");
            check.must(h.app_write("alice", b, task_row("reviewed", {}, {}, "p")), "app_write");
            check.must(h.app_write("alice", c, task_row("other")), "app_write");
            change_in(check, h, "alice", [&](auto& t) {
                check.must(t.take_staged(), "take_staged");
                check.same(check.must(t.referencing(p, 9), "referencing"), keys{a}, "referencing(p, 9)");
                check.that(check.must(t.referencing({project, "q"}, 9), "referencing").empty(), "referencing({project, \"q\"}, 9).empty()");
                check.that(check.must(t.referencing(p, 0), "referencing").empty(), "referencing(p, 0).empty()");
            });
            if (by_app) check.must(h.app_erase("alice", p), "app_erase");
            change_in(check, h, "alice", [&](auto& t) {
                if (!by_app) check.must(t.erase(p), "erase");
                check.same(sorted(check.must(t.take_staged(), "take_staged")), keys{p, a, b}, "sorted(take_staged())");
                check.none(check.must(t.current(a), "current"), "current(a)");
                check.same(check.must(t.current(b), "current"), task_row("reviewed"), "current(b)");
                check.same(check.must(t.current(c), "current"), task_row("other"), "current(c)");
                check.that(check.must(t.referencing(p, 9), "referencing").empty(), "referencing(p, 9).empty()");
            });
        }
    });
    kit.clause("table.referencing", "referencing names live records with a cascading reference, at most n", [&](auto& h, checker& check) {
        check.must(h.app_write("alice", p, project_row("p")), "app_write");
        std::vector<record_key> children;
        for (int i = 0; i < 5; ++i) {
            children.push_back({task, std::to_string(i)});
            check.must(h.app_write("alice", children.back(), task_row("t", {}, "p")), "app_write");
        }
        change_in(check, h, "alice", [&](auto& t) {
            check.same(sorted(check.must(t.referencing(p, 9), "referencing")), children, "sorted(referencing(p, 9))");
            check.same(check.must(t.referencing(p, 1), "referencing").size(), 1, "referencing(p, 1).size()");
            check.same(check.must(t.referencing(p, 4), "referencing").size(), 4, "referencing(p, 4).size()");
            check.must(t.erase(children[0]), "erase");
            check.must(t.write(children[1], task_row("moved")), "write");
            check.same(check.must(t.referencing(p, 9), "referencing").size(), 3, "referencing(p, 9).size()");
            check.that(check.must(t.referencing(children[2], 9), "referencing").empty(), "referencing(children[2], 9).empty()");
        });
    });
    kit.clause("A3.triggers", "the app's triggers run, and the row is what they make of it", [&](auto& h, checker& check) {
        if (!loud_trigger(h, check)) return;
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.write(a, task_row("shout")), "write");
            check.same(check.must(t.current(a), "current"), task_row("SHOUT"), "current(a)");
            check.same(check.must(t.take_staged(), "take_staged"), keys{a}, "take_staged()");
        });
        check.must(h.app_write("alice", b, task_row("shout")), "app_write");
        check.same(h.row("alice", b), task_row("SHOUT"), "row(\"alice\", b)");
    });
    kit.clause("A3.attached", "rows that the tables held when the store was first attached count as changed", [&](auto& h, checker& check) {
        if constexpr (requires { h.attach_to("alice", a, task_row("old")); }) {
            h.attach_to("alice", a, task_row("old"));
        } else {
            check.skip("the harness offers no `attach_to`");
            return;
        }
        look_at(check, h, "alice", [&](auto& t) { check.that(check.must(t.has_staged(), "has_staged"), "has_staged()"); });
        change_in(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.take_staged(), "take_staged"), keys{a}, "take_staged()");
            check.same(check.must(t.current(a), "current"), task_row("old"), "current(a)");
            check.none(check.must(t.sealed(a), "sealed"), "sealed(a)");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) { check.none(check.must(t.has_staged(), "has_staged"), "has_staged()"); });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
