#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_HISTORY_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_HISTORY_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: what is sealed, pruned and copied.

namespace testing::storage {

template <class Make>
void check_authority_history(store_kit<Make>& kit) {
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key c{task, "c"};
    const record_key p{project, "p"};
    using limits = std::numeric_limits<std::int64_t>;

    kit.clause("table.fresh", "a fresh tenant has numbers of nothing, and an epoch that stays", [&](auto& h, checker& check) {
        std::string epoch;
        look_at(check, h, "alice", [&](auto& t) {
            const auto head = check.must(t.head(), "head");
            epoch = head.epoch;
            check.none(epoch.empty(), "epoch.empty()");
            check.same(head, authority_head{0, 0, 0, 0, epoch}, "head");
            check.none(check.must(t.sealed(a), "sealed"), "sealed(a)");
            check.that(check.must(t.latest_after(0, all), "latest_after").empty(), "latest_after(0, all).empty()");
            check.that(check.must(t.bundle_heads(0, all), "bundle_heads").empty(), "bundle_heads(0, all).empty()");
            check.that(check.must(t.bundle_rows(1, 0, all), "bundle_rows").empty(), "bundle_rows(1, 0, all).empty()");
        });
        change_in(check, h, "alice", [&](auto& t) { write_and_seal(check, t, {{a, task_row("1"), {}}}); });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) { check.same(check.must(t.head(), "head").epoch, epoch, "head().epoch"); });
    });
    kit.clause("A5.whole", "a sealed bundle is kept whole, and the row as it was sealed", [&](auto& h, checker& check) {
        bundle one;
        bundle two;
        change_in(check, h, "alice", [&](auto& t) {
            one = write_and_seal(check, t, {{p, project_row("p"), {}}, {a, task_row("1", "s", "p"), "m'1"}}, "dev'", 7);
            check.same(check.must(t.head(), "head").seq, 1, "head().seq");
            two = write_and_seal(check, t, {{a, task_row("2"), "m2"}, {b, task_row("b"), "m3"}, {p, {}, {}}});
        });
        check.must(h.app_write("alice", a, task_row("unsealed")), "app_write");
        check.must(h.app_erase("alice", b), "app_erase");
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            const auto head = check.must(t.head(), "head");
            check.same(head.seq, two.head.seq, "head.seq");
            check.same(head.stamp, two.rows.back().stamp, "head.stamp");
            check.same(check.must(t.sealed(a), "sealed"), sealed_row{2, two.rows[0].stamp, task_row("2"), 0, two.rows[0].written_at}, "sealed(a)");
            check.same(check.must(t.sealed(b), "sealed"), sealed_row{2, two.rows[1].stamp, task_row("b"), 0, two.rows[1].written_at}, "sealed(b)");
            check.same(check.must(t.sealed(p), "sealed"), sealed_row{2, two.rows[2].stamp, std::nullopt, 0, two.rows[2].written_at}, "sealed(p)");
            check.same(check.must(t.current(a), "current"), task_row("unsealed"), "current(a)");
            check.same(check.must(t.bundle_heads(0, all), "bundle_heads"), std::vector<bundle_head>{one.head, two.head}, "bundle_heads(0, all)");
            check.same(check.must(t.bundle_heads(1, all), "bundle_heads"), std::vector<bundle_head>{two.head}, "bundle_heads(1, all)");
            check.that(check.must(t.bundle_heads(2, all), "bundle_heads").empty(), "bundle_heads(2, all).empty()");
            check.same(check.must(t.bundle_heads(0, 1), "bundle_heads"), std::vector<bundle_head>{one.head}, "bundle_heads(0, 1)");
            check.that(check.must(t.bundle_heads(0, 0), "bundle_heads").empty(), "bundle_heads(0, 0).empty()");
            check.same(check.must(t.bundle_rows(1, 0, all), "bundle_rows"), one.rows, "bundle_rows(1, 0, all)");
            check.same(check.must(t.bundle_rows(2, 0, all), "bundle_rows"), two.rows, "bundle_rows(2, 0, all)");
            for (const std::uint32_t from : {0u, 1u, 2u, 3u, 4u})
                for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}})
                    check.same(check.must(t.bundle_rows(2, from, n), "bundle_rows"), slice(two.rows, [&](const auto& r) { return static_cast<std::uint32_t>(std::find(two.rows.begin(), two.rows.end(), r) - two.rows.begin()) >= from; }, n), "bundle_rows(2, from, n)");
            check.same(check.must(t.changes_of(a, 0), "changes_of"), std::vector<change_mark>{{1, one.rows[1].fields, "m'1"}, {2, two.rows[0].fields, "m2"}}, "changes_of(a, 0)");
            check.same(check.must(t.changes_of(a, 1), "changes_of").size(), 1, "changes_of(a, 1).size()");
            check.that(check.must(t.changes_of(a, 2), "changes_of").empty(), "changes_of(a, 2).empty()");
            const auto foreign = check.must(t.changes_of(p, 0), "changes_of");
            check.that(!foreign.empty() && foreign.back().writer.empty(), "that a foreign change has no writer");
        });
    });
    kit.clause("table.latest", "the last change of each record comes by stamp, after the cursor, at most n", [&](auto& h, checker& check) {
        std::vector<row_change> expected;
        change_in(check, h, "alice", [&](auto& t) {
            write_and_seal(check, t, {{a, task_row("1"), {}}, {b, task_row("1"), {}}, {c, task_row("1"), {}}, {p, project_row("p"), {}}});
            const auto two = write_and_seal(check, t, {{b, task_row("2"), {}}, {c, {}, {}}});
            const auto three = write_and_seal(check, t, {{a, task_row("3"), {}}});
            const auto one = check.must(t.bundle_rows(1, 0, all), "bundle_rows");
            expected = {one[3], two.rows[0], two.rows[1], three.rows[0]};
            write_and_seal(check, t, {});
        });
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.latest_after(0, all), "latest_after"), expected, "latest_after(0, all)");
            for (std::int64_t cursor = 0; cursor <= check.must(t.head(), "head").stamp + 1; ++cursor)
                for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4}})
                    check.same(check.must(t.latest_after(cursor, n), "latest_after"), slice(expected, [&](const auto& r) { return r.stamp > cursor; }, n), "latest_after(cursor, n)");
            check.that(check.must(t.latest_after((limits::max)(), all), "latest_after").empty(), "latest_after((limits::max)(), all).empty()");
        });
    });
    kit.clause("A5.pruning", "pruning forgets what is superseded up to the floor and keeps every record's last change", [&](auto& h, checker& check) {
        bundle one;
        bundle two;
        bundle three;
        change_in(check, h, "alice", [&](auto& t) {
            one = write_and_seal(check, t, {{a, task_row("1"), "m1"}, {b, task_row("1"), "m1"}, {c, task_row("1"), "m1"}, {p, project_row("p"), "m1"}});
            two = write_and_seal(check, t, {{a, task_row("2"), "m2"}, {b, {}, "m2"}});
            three = write_and_seal(check, t, {{a, task_row("3"), "m3"}, {c, task_row("3"), "m3"}});
        });
        std::vector<row_change> latest;
        look_at(check, h, "alice", [&](auto& t) { latest = check.must(t.latest_after(0, all), "latest_after"); });
        change_in(check, h, "alice", [&](auto& t) { check.must(t.prune(2), "prune"); });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            const auto head = check.must(t.head(), "head");
            check.same(head.seq, 3, "head.seq");
            check.same(head.floor_seq, 2, "head.floor_seq");
            check.same(head.floor_stamp, two.rows.back().stamp, "head.floor_stamp");
            check.same(check.must(t.bundle_heads(0, all), "bundle_heads"), std::vector<bundle_head>{three.head}, "bundle_heads(0, all)");
            check.same(check.must(t.bundle_rows(3, 0, all), "bundle_rows"), three.rows, "bundle_rows(3, 0, all)");
            check.same(check.must(t.latest_after(0, all), "latest_after"), latest, "latest_after(0, all)");
            check.same(check.some(t.sealed(a), "sealed").pruned_version, 2, "sealed(a)->pruned_version");
            check.same(check.some(t.sealed(b), "sealed").pruned_version, 2, "sealed(b)->pruned_version");
            check.none(check.some(t.sealed(b), "sealed").row, "sealed(b)->row");
            check.same(check.some(t.sealed(b), "sealed").version, 2, "sealed(b)->version");
            check.same(check.some(t.sealed(c), "sealed").pruned_version, 1, "sealed(c)->pruned_version");
            check.same(check.some(t.sealed(c), "sealed").row, task_row("3"), "sealed(c)->row");
            check.same(check.some(t.sealed(p), "sealed").pruned_version, 1, "sealed(p)->pruned_version");
            check.same(check.some(t.sealed(p), "sealed").row, project_row("p"), "sealed(p)->row");
            check.same(check.must(t.changes_of(a, 0), "changes_of"), std::vector<change_mark>{{3, three.rows[0].fields, "m3"}}, "changes_of(a, 0)");
            check.same(check.must(t.changes_of(b, 0), "changes_of"), std::vector<change_mark>{{2, two.rows[1].fields, "m2"}}, "changes_of(b, 0)");
            check.same(check.must(t.changes_of(p, 0), "changes_of"), std::vector<change_mark>{{1, one.rows[3].fields, "m1"}}, "changes_of(p, 0)");
        });
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.prune(1), "prune");
            check.same(check.must(t.head(), "head").floor_seq, 2, "head().floor_seq");
            check.must(t.prune(3), "prune");
            check.same(check.must(t.head(), "head").floor_seq, 3, "head().floor_seq");
            check.same(check.must(t.head(), "head").floor_stamp, three.rows.back().stamp, "head().floor_stamp");
            check.that(check.must(t.bundle_heads(0, all), "bundle_heads").empty(), "bundle_heads(0, all).empty()");
            check.same(check.must(t.latest_after(0, all), "latest_after"), latest, "latest_after(0, all)");
            check.same(check.some(t.sealed(a), "sealed").pruned_version, 3, "sealed(a)->pruned_version");
            check.same(check.some(t.sealed(c), "sealed").pruned_version, 3, "sealed(c)->pruned_version");
            const auto four = write_and_seal(check, t, {{b, task_row("back"), "m4"}});
            check.same(four.head.seq, 4, "four.head.seq");
            check.same(check.some(t.sealed(b), "sealed").pruned_version, 2, "sealed(b)->pruned_version");
            // What only being the last one had kept below the floor goes with the next.
            check.same(check.must(t.changes_of(b, 0), "changes_of"), std::vector<change_mark>{{4, four.rows[0].fields, "m4"}}, "changes_of(b, 0)");
            check.same(check.must(t.history_of(b), "history_of"), four.rows, "history_of(b)");
            check.same(check.must(t.bundle_heads(0, all), "bundle_heads"), std::vector<bundle_head>{four.head}, "bundle_heads(0, all)");
            check.must(t.prune(99), "prune");
            check.same(check.must(t.head(), "head").floor_seq, 4, "head().floor_seq");
            check.same(check.must(t.head(), "head").floor_stamp, four.rows.back().stamp, "head().floor_stamp");
            const auto five = write_and_seal(check, t, {{a, task_row("5"), {}}, {c, task_row("5"), {}}});
            check.same(five.head.seq, 5, "five.head.seq");
            check.same(check.must(t.history_of(a), "history_of").size() + check.must(t.history_of(c), "history_of").size(), five.rows.size(), "history_of(a).size() + history_of(c).size()");
            check.same(check.must(t.history_of(p), "history_of").size(), 1, "history_of(p).size()");
        });
    });
    kit.clause("table.snapshot", "a snapshot copies the sealed live rows, by rank and key, and stays as it is", [&](auto& h, checker& check) {
        const record_key s{sample, "s"};  // of the lowest rank, though its model was registered last
        const timestamp soon = from_microseconds(1000);
        bundle one;
        snapshot_head made;
        change_in(check, h, "alice", [&](auto& t) {
            one = write_and_seal(check, t, {{b, task_row("b"), {}}, {p, project_row("p"), {}}, {a, task_row("a"), {}}, {c, task_row("c"), {}}, {{project, "B"}, project_row("B"), {}}, {s, sample_row(4, value::text("s")), {}}});
            write_and_seal(check, t, {{b, task_row("b2"), {}}, {c, {}, {}}});
            check.must(t.write({task, "staged"}, task_row("not sealed")), "write");
            check.must(t.write(a, task_row("not sealed")), "write");
            made = check.must(t.make_snapshot(snapshot_head{"snap'", "princ", 99, 99, 99, soon}), "make_snapshot");
            timestamp newest = (timestamp::min)();
            for (const auto& key : {a, b, p, s, record_key{project, "B"}}) newest = (std::max)(newest, check.some(t.sealed(key), "sealed").written_at);
            check.that(check.some(t.sealed(c), "sealed").written_at > newest, "sealed(c)->written_at > newest");
            check.same(made, snapshot_head{"snap'", "princ", 2, check.must(t.head(), "head").stamp, 5, soon, newest}, "made");
        });
        const std::vector<row_image> expected = {row_image{{project, "B"}, 1, project_row("B"), {}}, row_image{p, 1, project_row("p"), {}},
                                                 row_image{s, 1, sample_row(4, value::text("s")), {}},
                                                 row_image{a, 1, task_row("a"), {}}, row_image{b, 2, task_row("b2"), {}}};
        check.must(h.app_erase("alice", b), "app_erase");
        change_in(check, h, "alice", [&](auto& t) {
            write_and_seal(check, t, {{a, {}, {}}, {p, project_row("changed"), {}}});
            check.must(t.prune(3), "prune");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.find_snapshot("snap'"), "find_snapshot"), made, "find_snapshot(\"snap'\")");
            check.none(check.must(t.find_snapshot("snap"), "find_snapshot"), "find_snapshot(\"snap\")");
            check.none(t.renew_snapshot("snap'", soon), "renew_snapshot(\"snap'\", soon)");
            check.same(show(check.must(t.snapshot_rows("snap'", 0, all), "snapshot_rows")), show(expected), "snapshot_rows(\"snap'\", 0, all)");
            check.that(check.must(t.snapshot_rows("snap'", 5, all), "snapshot_rows").empty(), "snapshot_rows(\"snap'\", 5, all).empty()");
            check.that(check.must(t.snapshot_rows("snap'", 400, all), "snapshot_rows").empty(), "snapshot_rows(\"snap'\", 400, all).empty()");
            check.that(check.must(t.snapshot_rows("snap'", 0, 0), "snapshot_rows").empty(), "snapshot_rows(\"snap'\", 0, 0).empty()");
            check.that(check.must(t.snapshot_rows("other", 0, all), "snapshot_rows").empty(), "snapshot_rows(\"other\", 0, all).empty()");
            for (std::uint32_t from = 0; from < 5; ++from)
                for (const std::size_t n : {std::size_t{1}, std::size_t{3}}) {
                    const auto page = check.must(t.snapshot_rows("snap'", from, n), "snapshot_rows");
                    check.need_same(page.size(), (std::min)(n, expected.size() - from), "page.size()");
                    for (std::size_t i = 0; i < page.size(); ++i) check.same(page[i], expected[from + i], "page[i]");
                }
        });
        change_in(check, h, "alice", [&](auto& t) {
            // It lives on under another time, with the rows that it had; one that is not there is not made by it.
            check.must(t.renew_snapshot("snap'", from_microseconds(2000)), "renew_snapshot");
            check.must(t.renew_snapshot("snap", from_microseconds(2000)), "renew_snapshot");
            check.none(check.must(t.find_snapshot("snap"), "find_snapshot"), "find_snapshot(\"snap\")");
            check.must(t.expire(from_microseconds(2000)), "expire");
            made.expires = from_microseconds(2000);
            check.same(check.must(t.find_snapshot("snap'"), "find_snapshot"), made, "find_snapshot(\"snap'\")");
            check.same(show(check.must(t.snapshot_rows("snap'", 0, all), "snapshot_rows")), show(expected), "snapshot_rows(\"snap'\", 0, all)");
            check.must(t.drop_snapshot("snap'"), "drop_snapshot");
            check.must(t.drop_snapshot("snap'"), "drop_snapshot");
            check.none(check.must(t.find_snapshot("snap'"), "find_snapshot"), "find_snapshot(\"snap'\")");
            check.that(check.must(t.snapshot_rows("snap'", 0, all), "snapshot_rows").empty(), "snapshot_rows(\"snap'\", 0, all).empty()");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
