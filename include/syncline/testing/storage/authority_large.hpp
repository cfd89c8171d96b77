#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_LARGE_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_LARGE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/authority_store.hpp>
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

// Clauses of an authority's store: what is large.

namespace testing::storage {

template <class Make>
void check_authority_large(store_kit<Make>& kit) {
    kit.clause("table.large_value", "a value of a megabyte is kept whole, wherever it lies", [&](auto& h, checker& check) {
        const std::size_t octets = kit.options().large_value;
        std::string text(octets, 'x');
        for (std::size_t i = 0; i < octets; i += 4096) text[i] = static_cast<char>('a' + (i / 4096) % 26);
        text.back() = '.';
        record row = sample_row(4, value::text(text));
        row.fields[5] = value::bytes(std::string(octets, '\0') + "end");
        const record_key key{sample, "large"};
        intent change = plain_intent(key, operation::update, 1);
        change.before = row;
        bundle sealed;
        change_in(check, h, "alice", [&](auto& t) {
            sealed = write_and_seal(check, t, {{key, row, "m"}});
            check.must(t.put_session(push_session{"s", "p", "dev", 1, 1, 0, from_microseconds(1000)}), "put_session");
            check.must(t.append_session("s", 0, {mutation{"m", change}}), "append_session");
            check.must(t.make_snapshot(snapshot_head{"snap", "p", 0, 0, 0, from_microseconds(1000)}), "make_snapshot");
            check.must(t.put_note("p", "large", text), "put_note");
        });
        h.reopen();
        check.same(h.row("alice", key), row, "row(\"alice\", key)");
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.current(key), "current"), row, "current(key)");
            check.same(check.some(t.sealed(key), "sealed").row, row, "sealed(key).row");
            check.same(check.must(t.bundle_rows(sealed.head.seq, 0, 9), "bundle_rows"), sealed.rows, "bundle_rows(seq, 0, 9)");
            check.same(check.must(t.latest_after(0, 9), "latest_after"), sealed.rows, "latest_after(0, 9)");
            const auto kept = check.must(t.session_mutations("s"), "session_mutations");
            check.that(kept.size() == 1 && kept[0].what == change, "that the mutation of the session is as it was");
            const auto copied = check.must(t.snapshot_rows("snap", 0, 9), "snapshot_rows");
            check.that(copied.size() == 1 && copied[0].row == row, "that the row of the snapshot is as it was");
            check.same(check.must(t.find_note("p", "large"), "find_note"), text, "find_note(\"p\", \"large\")");
        });
    });
    kit.clause("table.many_rows", "a bundle of thousands of rows is kept, in its order, and can be paged through", [&](auto& h, checker& check) {
        const std::size_t n = kit.options().many_rows;
        std::vector<planned_change> plan;
        for (std::size_t i = 0; i < n; ++i) {
            const std::string name = "k" + std::to_string((i * 7919 + 13) % 1000003);
            plan.push_back({{task, name}, task_row(name), "m" + std::to_string(i)});
        }
        bundle sealed;
        change_in(check, h, "alice", [&](auto& t) {
            for (const auto& p : plan) check.must(t.write(p.key, *p.row), "write");
            const auto staged = check.must(t.take_staged(), "take_staged");
            check.need_same(staged.size(), n, "take_staged().size()");
            for (std::size_t i = 0; i < n; ++i) check.require(staged[i] == plan[i].key, "that staged records come in the order of their first changes");
            sealed = bundle_of(check.must(t.head(), "head"), plan);
            check.must(t.append(sealed), "append");
            check.must(t.make_snapshot(snapshot_head{"snap", "p", 0, 0, 0, from_microseconds(1000)}), "make_snapshot");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            std::size_t found = 0;
            std::int64_t stamp = 0;
            while (found < n) {
                const auto rows = check.must(t.bundle_rows(sealed.head.seq, static_cast<std::uint32_t>(found), 97), "bundle_rows");
                const auto latest = check.must(t.latest_after(stamp, 97), "latest_after");
                check.require(rows.size() == (n - found < 97 ? n - found : 97), "that a page of a bundle is full, until the last");
                check.require(rows == latest, "that the rows of the one bundle come in the same order by stamp");
                for (std::size_t i = 0; i < rows.size(); ++i) check.require(rows[i] == sealed.rows[found + i], "that row " + std::to_string(found + i) + " is as it was sealed");
                found += rows.size();
                stamp = rows.back().stamp;
            }
            check.that(check.must(t.bundle_rows(sealed.head.seq, static_cast<std::uint32_t>(n), 97), "bundle_rows").empty(), "that nothing follows");
            check.same(check.some(t.find_snapshot("snap"), "find_snapshot").row_count, n, "find_snapshot(\"snap\").row_count");
            std::size_t copied = 0;
            record_key last;
            for (;;) {
                const auto page = check.must(t.snapshot_rows("snap", static_cast<std::uint32_t>(copied), 97), "snapshot_rows");
                if (page.empty()) break;
                for (const auto& image : page) {
                    check.require(copied == 0 || last < image.key, "that the rows of a snapshot come by key");
                    last = image.key;
                    ++copied;
                }
            }
            check.same(copied, n, "how many rows the snapshot has");
            for (const auto& p : plan) check.require(check.must(t.current(p.key), "current") == p.row, "that row " + p.key.key + " is as it was written");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
