#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_ROWS_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_ROWS_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: rows, keys, values, tenants, and writes that are refused.

namespace testing::storage {

template <class Make>
void check_authority_rows(store_kit<Make>& kit) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};

    kit.clause("A2.own_writes", "what is written is current, in the transaction and after it", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) {
            check.none(check.must(t.current(a), "current"), "current(a)");
            check.must(t.write(a, task_row("one")), "write");
            check.same(check.must(t.current(a), "current"), task_row("one"), "current(a)");
            check.must(t.write(a, task_row("two", "slug")), "write");
            check.must(t.write(b, task_row("b")), "write");
            check.must(t.erase(b), "erase");
            check.must(t.erase(b), "erase");
            check.none(check.must(t.current(b), "current"), "current(b)");
        });
        h.reopen();
        check.same(h.row("alice", a), task_row("two", "slug"), "row(\"alice\", a)");
        check.none(h.row("alice", b), "row(\"alice\", b)");
    });
    kit.clause("table.keys", "every key is kept apart from its neighbours, in the tables and in the history", [&](auto& h, checker& check) {
        const auto keys = awkward_keys();
        change_in(check, h, "alice", [&](auto& t) {
            std::vector<planned_change> plan;
            for (std::size_t i = 0; i < keys.size(); ++i) plan.push_back({{task, keys[i]}, task_row(std::to_string(i)), keys[i]});
            write_and_seal(check, t, plan);
            for (std::size_t i = 0; i < keys.size(); ++i) {
                receipt r;
                r.id = keys[i];
                r.key = {task, keys[i]};
                r.version = static_cast<std::int64_t>(i);
                check.must(t.put_receipt(keys[keys.size() - 1 - i], r), "put_receipt");
                check.must(t.put_bundle_receipt(bundle_receipt{keys[i], static_cast<std::int64_t>(i + 1), 1, keys[i], 1, keys[i]}), "put_bundle_receipt");
            }
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                const auto at = check.at("key " + quoted(keys[i]));
                check.same(check.must(t.current(key), "current"), task_row(std::to_string(i)), "current(key)");
                const auto s = check.must(t.sealed(key), "sealed");
                check.that(s && s->row == task_row(std::to_string(i)), "s && s->row == task_row(to_string(i))");
                const auto marks = check.must(t.changes_of(key, 0), "changes_of");
                check.need_same(marks.size(), 1, "marks.size()");
                check.same(marks[0].writer, keys[i], "marks[0].writer");  // not every key can stand in a report
                const auto r = check.must(t.find_receipt(keys[keys.size() - 1 - i], keys[i]), "find_receipt");
                check.that(r && r->version == static_cast<std::int64_t>(i) && r->key == key, "r && r->version == static_cast<int64_t>(i) && r->key == key");
                check.same(check.must(t.last_source_bundle_id(keys[i]), "last_source_bundle_id"), static_cast<std::int64_t>(i + 1), "last_source_bundle_id(keys[i])");
            }
            check.same(check.must(t.latest_after(0, 1000), "latest_after").size(), keys.size(), "latest_after(0, 1000).size()");
        });
    });
    kit.clause("table.values", "a value is kept exactly, in the table and in the history, or refused", [&](auto& h, checker& check) {
        const record_key s{sample, "s"};
        const schema_set models = schemas();
        for (const auto& awkward : awkward_values()) {
            const std::size_t field = awkward.field;
            const value& v = awkward.v;
            const auto at = check.at(models[sample].fields[field].name + " = " + show(v));
            bool holds = true;
            if constexpr (requires { h.holds(v.kind(), v); }) holds = h.holds(models[sample].fields[field].kind, v);
            const record row = sample_row(field, v);
            change_in(check, h, "alice", [&](auto& t) {
                check.must(t.erase(s), "erase");
                if (holds) {
                    const bundle sealed = write_and_seal(check, t, {{s, row, {}}});
                    check.same(check.must(t.bundle_rows(sealed.head.seq, 0, 9), "bundle_rows"), sealed.rows, "bundle_rows(sealed.head.seq, 0, 9)");
                } else {
                    const errc code = check.fault_of(t.write(s, row), "write");
                    check.that(code == errc::unsupported || code == errc::constraint, "code == errc::unsupported || code == errc::constraint");
                    check.none(check.must(t.current(s), "current"), "current(s)");
                }
            });
            if (!holds) continue;
            check.same(show(h.row("alice", s)), show(row), "row(\"alice\", s)");
            look_at(check, h, "alice", [&](auto& t) {
                check.same(check.must(t.current(s), "current"), row, "current(s)");
                check.same(check.some(t.sealed(s), "sealed").row, row, "sealed(s)->row");
            });
        }
    });
    kit.clause("A7.refused", "a refused write is undone, says which constraint, and the transaction goes on", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.write(a, task_row("a", "taken")), "write");
            check.must(t.take_staged(), "take_staged");
            const auto refused = t.write(b, task_row("b", "taken"));
            check.need_refused(refused, errc::constraint, "write of a slug that is taken");
            check.that(refused.error().detail.find("slug") != std::string::npos, "the fault names `slug`");
            check.none(check.must(t.current(b), "current"), "current(b)");
            record untitled = task_row("x");
            untitled.fields[0] = value::null();
            const auto null = t.write(a, untitled);
            check.need_refused(null, errc::constraint, "write without a title");
            check.that(null.error().detail.find("title") != std::string::npos, "the fault names `title`");
            check.same(check.must(t.current(a), "current"), task_row("a", "taken"), "current(a)");
            check.none(check.must(t.has_staged(), "has_staged"), "has_staged()");
            check.must(t.savepoint(), "savepoint");
            check.refused(t.write(b, task_row("b", "taken")), errc::constraint, "write");
            check.must(t.rollback_to_savepoint(), "rollback_to_savepoint");
            check.must(t.write(b, task_row("b", "free")), "write");
        });
        check.same(h.row("alice", a), task_row("a", "taken"), "row(\"alice\", a)");
        check.same(h.row("alice", b), task_row("b", "free"), "row(\"alice\", b)");
    });
    kit.clause("A6.tenants", "nothing of another tenant is visible or changed", [&](auto& h, checker& check) {
        const record_key p{project, "p"};
        change_in(check, h, "alice", [&](auto& t) {
            write_and_seal(check, t, {{p, project_row("hers"), "m"}, {a, task_row("hers", "slug", "p"), "m"}}, "dev", 1);
            receipt r;
            r.id = "m";
            check.must(t.put_receipt("p", r), "put_receipt");
            check.must(t.put_bundle_receipt(bundle_receipt{"dev", 1, 1, "h", 1}), "put_bundle_receipt");
            check.must(t.put_session(push_session{"s", "p", "dev", 2, 1, 0, from_microseconds(9)}), "put_session");
            check.must(t.append_session("s", 0, {mutation{"m", plain_intent(a, operation::erase, 1)}}), "append_session");
            snapshot_head wanted;
            wanted.id = "snap";
            wanted.expires = from_microseconds(9);
            check.must(t.make_snapshot(wanted), "make_snapshot");
            check.must(t.write(a, task_row("hers, unsealed", "slug", "p")), "write");
        });
        std::string hers;
        look_at(check, h, "alice", [&](auto& t) { hers = authority_text(check, t, "alice"); });
        change_in(check, h, "bob", [&](auto& t) {
            check.none(check.must(t.has_staged(), "has_staged"), "has_staged()");
            check.that(check.must(t.take_staged(), "take_staged").empty(), "take_staged().empty()");
            check.none(check.must(t.current(a), "current"), "current(a)");
            check.none(check.must(t.sealed(a), "sealed"), "sealed(a)");
            check.that(check.must(t.changes_of(a, 0), "changes_of").empty(), "changes_of(a, 0).empty()");
            check.that(check.must(t.referencing(p, 9), "referencing").empty(), "referencing(p, 9).empty()");
            check.that(check.must(t.latest_after(0, 9), "latest_after").empty(), "latest_after(0, 9).empty()");
            check.that(check.must(t.bundle_heads(0, 9), "bundle_heads").empty(), "bundle_heads(0, 9).empty()");
            check.that(check.must(t.bundle_rows(1, 0, 9), "bundle_rows").empty(), "bundle_rows(1, 0, 9).empty()");
            check.same(check.must(t.head(), "head").seq, 0, "head().seq");
            check.same(check.must(t.head(), "head").stamp, 0, "head().stamp");
            check.none(check.must(t.find_receipt("p", "m"), "find_receipt"), "find_receipt(\"p\", \"m\")");
            check.none(check.must(t.find_bundle_receipt("dev", 1), "find_bundle_receipt"), "find_bundle_receipt(\"dev\", 1)");
            check.same(check.must(t.last_source_bundle_id("dev"), "last_source_bundle_id"), 0, "last_source_bundle_id(\"dev\")");
            check.none(check.must(t.find_session("s"), "find_session"), "find_session(\"s\")");
            check.that(check.must(t.session_mutations("s"), "session_mutations").empty(), "session_mutations(\"s\").empty()");
            check.none(check.must(t.find_snapshot("snap"), "find_snapshot"), "find_snapshot(\"snap\")");
            check.that(check.must(t.snapshot_rows("snap", 0, 9), "snapshot_rows").empty(), "snapshot_rows(\"snap\", 0, 9).empty()");
            check.refused(t.write(a, task_row("his")), errc::absent, "write");
            check.must(t.erase(a), "erase");
            check.must(t.erase(p), "erase");
            check.none(check.must(t.has_staged(), "has_staged"), "has_staged()");
            check.must(t.drop_session("s"), "drop_session");
            check.must(t.drop_sessions("dev", 2), "drop_sessions");
            check.must(t.drop_snapshot("snap"), "drop_snapshot");
            check.must(t.expire(from_microseconds(1000)), "expire");
            write_and_seal(check, t, {{{task, "his"}, task_row("his", "slug"), {}}});
            check.must(t.prune(1), "prune");
        });
        look_at(check, h, "alice", [&](auto& t) {
            check.same(authority_text(check, t, "alice"), hers, "everything");
            check.same(check.must(t.current(a), "current"), task_row("hers, unsealed", "slug", "p"), "current(a)");
            check.that(check.must(t.find_session("s"), "find_session").has_value(), "find_session(\"s\").has_value()");
            check.same(check.must(t.session_mutations("s"), "session_mutations").size(), 1, "session_mutations(\"s\").size()");
            check.same(check.must(t.snapshot_rows("snap", 0, 9), "snapshot_rows").size(), 2, "snapshot_rows(\"snap\", 0, 9).size()");
            check.same(check.must(t.head(), "head").seq, 1, "head().seq");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
