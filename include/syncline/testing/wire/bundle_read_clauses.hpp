#ifndef SYNCLINE_TESTING_WIRE_BUNDLE_READ_CLAUSES_HPP
#define SYNCLINE_TESTING_WIRE_BUNDLE_READ_CLAUSES_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/bundle_speaker.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Checks what pulls and committed bundles tell (sheet `bundle` 1.8, 1.9, 2.3, 2.11).
inline void check_bundle_pull(bundle_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();
    const wire_field& first = s.fields.front();

    run.clause("bundle 1.8 rows", "the rows of a committed bundle can be had, page by page, by every source of the account", [&](clause& c) {
        const std::string source = say.joined(c), other = say.joined(c);
        std::vector<std::string> keys, rows;
        for (int i = 0; i < 3; ++i) {
            keys.push_back(say.key());
            rows.push_back(say.insert(keys.back()));
        }
        const auto b = say.push(c, source, 1, rows);
        const std::string at = "/committed-bundles/" + std::to_string(b.seq) + "/rows";
        std::vector<told_row> found;
        std::string from;
        for (std::int64_t i = 0; i < 3; ++i) {
            const auto page = say.get(c, at + "?max_rows=1" + from, other);
            c.require(page.status() == 200 && page.is_json(), "a page of a bundle's rows is answered with 200 and a JSON object, found " + page.told());
            c.expect(say.bundle_of(page.root()) == b, "each page tells what the commit told, found " + page.told());
            const auto list = say.rows_of(page.root());
            c.require(list.size() == 1, "a page has no more rows than `max_rows`, and no fewer while there are; found " + page.told());
            say.expect_told_row(c, list[0], b.seq);
            c.expect(page.integer("next_row_ordinal") == i, "`next_row_ordinal` is the place of the last row, from 0; found " + page.told());
            c.expect(page.truth("has_more") == (i < 2), "`has_more` says whether rows are missing, found " + page.told());
            found.push_back(list[0]);
            from = "&after_row_ordinal=" + std::to_string(i);
        }
        for (std::size_t i = 0; i < 3; ++i) c.expect(found[i].key == keys[i] && found[i].table == say.table(), "rows come in the order of the upload, found " + found[i].json);
        const auto whole = say.get(c, at, other);
        c.expect(say.rows_of(whole.root()) == found, "one page has what the pages had, found " + whole.told());
        say.expect_error(c, say.get(c, at + "?max_rows=0", source), 400, "committed_bundle_chunk_invalid", "a page of no rows");
        say.expect_error(c, say.get(c, "/committed-bundles/one/rows", source), 400, "committed_bundle_chunk_invalid", "a bundle that is no number");
        say.expect_error(c, say.get(c, "/committed-bundles/" + std::to_string(b.seq + 1000) + "/rows", source), 404, "committed_bundle_not_found", "a bundle that is not there");
    });

    run.clause("bundle 2.11 hash", "a bundle's hash is that of its rows in canonical form", [&](clause& c) {
        const std::string source = say.joined(c), key = say.key(), odd = say.key();
        const auto one = say.push(c, source, 1, {say.insert(key), say.insert(odd, first.third)});
        const auto two = say.push(c, source, 2, {say.update(key, first.other, one.seq), say.erase(odd, one.seq)});
        for (const auto& b : say.walk(c, source, one.seq - 1)) {
            const auto& wanted = b.head.seq == one.seq ? one : two;
            if (b.head.seq != one.seq && b.head.seq != two.seq) continue;
            c.expect_text(b.head.hash, wanted.hash, "the hash that a pull tells");
            c.expect_text(bundle_speaker::hash_of(b.rows), wanted.hash, "the SHA-256 of the rows' canonical form");
        }
    });

    run.clause("bundle 1.9 pull", "a pull tells bundles with their rows, and how far the account is", [&](clause& c) {
        const std::string source = say.joined(c), key = say.key();
        const auto b = say.push(c, source, 1, {say.insert(key)});
        const auto a = say.pull(c, say.source(), b.seq - 1);
        c.expect(a.has_list("bundles") && a.integer("stable_bundle_seq") == b.seq && a.truth("has_more") == false,
                 "a pull tells `stable_bundle_seq`, `bundles` and `has_more`, found " + a.told());
        const auto list = say.bundles_of(a);
        c.require(list.size() == 1, "one bundle after the cursor comes, the device's own too; found " + a.told());
        c.expect(list[0].head.seq == b.seq && list[0].head.source == source && list[0].head.source_bundle_id == 1, "a bundle tells whose it is, found " + a.told());
        c.require(list[0].rows.size() == 1, "a bundle has its rows, found " + a.told());
        say.expect_told_row(c, list[0].rows[0], b.seq);
        c.expect(list[0].rows[0].key == key && list[0].rows[0].table == say.table() && list[0].rows[0].op == "INSERT", "a row tells its record and what became of it, found " + a.told());
        say.expect_first(c, list[0].rows[0].payload, first.one, "in a pulled row");
        const auto none = say.pull(c, source, b.seq);
        c.expect(none.has_list("bundles") && none.list("bundles").empty() && none.truth("has_more") == false, "at the end `bundles` is an empty array, found " + none.told());
        for (const char* query : {"after_bundle_seq=-1", "after_bundle_seq=soon", "max_bundles=0", "max_bundles=many", "target_bundle_seq=-1"})
            say.expect_error(c, say.get(c, std::string("/pull?") + query, source), 400, "invalid_request", std::string("a pull with ") + query);
    });

    run.clause("bundle 2.3 order", "bundles are numbered without a gap in the order of their commits, whoever writes", [&](clause& c) {
        const std::string one = say.joined(c), two = say.joined(c);
        const auto before = say.head(c, one);
        std::vector<told_bundle> made;
        for (std::int64_t i = 0; i < 3; ++i) {
            made.push_back(say.push(c, one, i + 1, {say.insert(say.key())}));
            made.push_back(say.push(c, two, i + 1, {say.insert(say.key()), say.insert(say.key())}));
        }
        for (std::size_t i = 0; i < made.size(); ++i)
            c.expect(made[i].seq == before + 1 + static_cast<std::int64_t>(i), "each commit has the number after the last one's, found " + std::to_string(made[i].seq) + " after " + std::to_string(before + static_cast<std::int64_t>(i)));
        const auto pulled = say.walk(c, one, before);
        c.require(pulled.size() == made.size(), "a pull has every bundle, once; found " + std::to_string(pulled.size()) + " of " + std::to_string(made.size()));
        for (std::size_t i = 0; i < made.size(); ++i) {
            c.expect(pulled[i].head.seq == made[i].seq && pulled[i].head.source == made[i].source && pulled[i].head.source_bundle_id == made[i].source_bundle_id,
                     "a pull has the bundles in the order of their commits, found " + std::to_string(pulled[i].head.seq) + " for " + std::to_string(made[i].seq));
            c.expect(pulled[i].rows.size() == static_cast<std::size_t>(made[i].row_count), "a pulled bundle has all its rows");
        }
    });

    run.clause("bundle 2.3 pages", "pages under one ceiling bring every bundle once, whatever is written meanwhile", [&](clause& c) {
        const std::string reader = say.joined(c), writer = say.joined(c);
        const auto before = say.head(c, reader);
        std::vector<std::int64_t> wanted;
        std::int64_t number = 0;
        for (int i = 0; i < 5; ++i) wanted.push_back(say.push(c, writer, ++number, {say.insert(say.key())}).seq);
        for (const std::int64_t most : {std::int64_t{1}, std::int64_t{2}}) {
            const auto list = say.walk(c, reader, before, most, [&] { say.push(c, writer, ++number, {say.insert(say.key())}); });
            for (const auto seq : wanted)
                c.expect(std::count_if(list.begin(), list.end(), [&](const pulled_bundle& b) { return b.head.seq == seq; }) == 1, "bundle " + std::to_string(seq) + " comes once");
            c.expect(!list.empty() && list.back().head.seq == before + static_cast<std::int64_t>(list.size()), "no number is left out");
            wanted.clear();
            for (std::int64_t seq = before + 1; seq <= before + number; ++seq) wanted.push_back(seq);
        }
        const auto page = say.pull(c, reader, before, 2), again = say.pull(c, reader, before, 2);
        c.expect_text(again.raw().body, page.raw().body, "a page that is asked for again, its answer having been lost");
    });

    run.beyond_original("bundle 2.3 bad cursor", "a cursor or a ceiling that this server never gave is refused", "a future cursor is served as if it were there (OS-AUD-003)", [&](clause& c) {
        const std::string source = say.joined(c);
        const auto head = say.head(c, source);
        say.expect_error(c, say.get(c, say.pull_path(head + 1000), source), 409, "history_pruned", "a cursor from the future");
        say.expect_error(c, say.get(c, say.pull_path(head, {}, head + 1000), source), 409, "history_pruned", "a ceiling in the future");
    });

    run.clause("bundle 2.2 tombstone", "a delete comes to every device, as a row without a payload", [&](clause& c) {
        const std::string source = say.joined(c), gone = say.key(), stays = say.key();
        const auto made = say.push(c, source, 1, {say.insert(gone), say.insert(stays)});
        const auto b = say.push(c, source, 2, {say.erase(gone, made.seq)});
        c.expect(b.row_count == 1, "a bundle with one delete has one row");
        const auto list = say.walk(c, say.joined(c), made.seq);
        c.require(list.size() == 1 && list[0].rows.size() == 1, "a pull after a delete brings the delete");
        const auto& row = list[0].rows[0];
        say.expect_told_row(c, row, b.seq);
        c.expect(row.key == gone && row.op == "DELETE", "the deleted record is a DELETE, found " + row.json);
        c.expect(say.seen(c, gone).empty(), "a new device does not get a record that is gone");
        c.expect(!say.seen(c, stays).empty(), "a new device gets the record that stays");
    });
}

/// Checks snapshots, the replacement of a source that asks for one, and that accounts are apart (sheet `bundle` 1.11 to 1.13, 2.4, 2.5, 4.4).
inline void check_bundle_snapshots(bundle_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();
    const wire_field& first = s.fields.front();

    run.clause("bundle 1.11 snapshot", "a snapshot is made, read page by page, and given up", [&](clause& c) {
        const std::string source = say.joined(c);
        const auto b = say.push(c, source, 1, {say.insert(say.key()), say.insert(say.key()), say.insert(say.key())});
        const auto made = say.post(c, "/snapshot-sessions", {}, source);
        const auto count = made.integer("row_count").value_or(0);
        c.require(made.status() == 200 && made.is_json() && !made.text("snapshot_id").empty(), "a snapshot has a `snapshot_id`, found " + made.told());
        c.expect(made.integer("snapshot_bundle_seq") == b.seq && count >= 3 && !made.text("expires_at").empty(), "a snapshot tells `snapshot_bundle_seq`, `row_count` and `expires_at`, found " + made.told());
        const std::string at = "/snapshot-sessions/" + made.text("snapshot_id");
        const std::int64_t most = (std::max)(std::int64_t{1}, count / 2);
        std::int64_t got = 0;
        for (bool more = true; more;) {
            const auto page = say.get(c, at + "?after_row_ordinal=" + std::to_string(got) + "&max_rows=" + std::to_string(most), source);
            c.require(page.status() == 200 && page.is_json(), "a page of a snapshot is answered with 200 and a JSON object, found " + page.told());
            c.expect(page.text("snapshot_id") == made.text("snapshot_id") && page.integer("snapshot_bundle_seq") == b.seq, "a page tells which snapshot it is of, found " + page.told());
            const auto rows = say.rows_of(page.root());
            c.require(!rows.empty() && static_cast<std::int64_t>(rows.size()) <= most, "a page has no more rows than `max_rows`, and some while there are; found " + page.told());
            for (const auto& r : rows) {
                c.expect(!r.key.empty() && r.payload.starts_with("{"), "a row of a snapshot has its key and its payload, found " + r.json);
                c.expect(r.row_version > 0 && r.row_version <= b.seq, "`row_version` is that of the bundle that wrote the row, found " + r.json);
            }
            got += static_cast<std::int64_t>(rows.size());
            c.expect(page.integer("next_row_ordinal") == got, "`next_row_ordinal` is the number of rows so far, found " + page.told());
            more = page.truth("has_more").value_or(false);
            c.expect(more == (got < count), "`has_more` says whether rows are missing, found " + page.told());
            c.require(got <= count, "there are no more rows than `row_count`, found " + page.told());
        }
        c.expect(got == count, "there are as many rows as `row_count` says");
        say.expect_error(c, say.get(c, at + "?max_rows=0", source), 400, "snapshot_chunk_invalid", "a page of no rows");
        say.expect_error(c, say.get(c, at + "?after_row_ordinal=-1", source), 400, "snapshot_chunk_invalid", "a page from row -1");
        say.expect_error(c, say.post(c, "/snapshot-sessions", "{", source), 400, "snapshot_session_invalid", "a snapshot from what is no JSON");
        say.expect_error(c, say.post(c, "/snapshot-sessions", "{\"no_such_member\":1}", source), 400, "snapshot_session_invalid", "a snapshot with an unknown member");
        const auto dropped = say.ask(c, http_method::erase, at, {}, source);
        c.expect(dropped.status() == 204 && dropped.raw().body.empty(), "a snapshot is given up with 204 and no body, found " + dropped.told());
        say.expect_error(c, say.get(c, at, source), 404, "snapshot_session_not_found", "a page of a snapshot that was given up");
    });

    run.clause("bundle 2.4 snapshot", "a snapshot is one moment: all live rows at one number, whatever is written meanwhile", [&](clause& c) {
        const std::string source = say.joined(c), writer = say.joined(c);
        const std::string changed = say.key(), gone = say.key(), erased = say.key(), late = say.key();
        const auto made = say.push(c, writer, 1, {say.insert(changed), say.insert(gone), say.insert(erased)});
        const auto before = say.push(c, writer, 2, {say.update(changed, first.other, made.seq), say.erase(gone, made.seq)});
        const auto snap = say.post(c, "/snapshot-sessions", {}, source);
        c.require(snap.status() == 200, "a snapshot can be made, found " + snap.told());
        say.push(c, writer, 3, {say.update(changed, first.third, before.seq), say.erase(erased, made.seq), say.insert(late)});
        const std::string at = "/snapshot-sessions/" + snap.text("snapshot_id");
        std::map<std::string, told_row> rows;
        std::size_t got = 0;
        for (bool more = true; more;) {
            const auto page = say.get(c, at + "?max_rows=2&after_row_ordinal=" + std::to_string(got), source);
            c.require(page.status() == 200, "a page of a snapshot can be had, found " + page.told());
            const auto list = say.rows_of(page.root());
            for (const auto& r : list) c.expect(rows.emplace(r.table + " " + r.key, r).second, "a record stands in a snapshot once, found " + r.json);
            got += list.size();
            more = page.truth("has_more").value_or(false) && !list.empty();
        }
        say.ask(c, http_method::erase, at, {}, source);
        const auto of = [&](const std::string& key) { return rows.find(say.table() + " " + key); };
        c.expect(of(gone) == rows.end() && of(late) == rows.end(), "what was deleted before, and what came after, is not in it");
        c.expect(of(erased) != rows.end(), "what was deleted after is in it");
        if (c.expect(of(changed) != rows.end(), "a live row is in it")) {
            say.expect_first(c, of(changed)->second.payload, first.other, "in a snapshot, of a row that was changed after");
            c.expect(of(changed)->second.row_version == before.seq, "`row_version` is that of the last change before, found " + of(changed)->second.json);
        }
        // From there on a pull brings the rest.
        const auto rest = say.walk(c, source, snap.integer("snapshot_bundle_seq").value_or(0));
        c.expect(rest.size() == 1 && rest[0].rows.size() == 3, "a pull from the snapshot's number brings what came after");
    });

    run.clause("bundle 2.5 replacement", "a source that cannot go on is replaced by a new one, once", [&](clause& c) {
        const std::string old = say.joined(c), fresh = say.source();
        say.push(c, old, 1, {say.insert(say.key())});
        const auto replace = [&](const std::string& previous, const std::string& next, const std::string& reason) {
            const auto a = say.post(c, "/snapshot-sessions",
                                    wire_object({{"source_replacement", wire_object({{"previous_source_id", wire_text(previous)}, {"new_source_id", wire_text(next)}, {"reason", wire_text(reason)}})}}), old);
            if (a.status() == 200) say.ask(c, http_method::erase, "/snapshot-sessions/" + a.text("snapshot_id"), {}, old);
            return a;
        };
        say.expect_error(c, replace(say.source(), fresh, "history_pruned"), 400, "snapshot_session_invalid", "replacing another source");
        say.expect_error(c, replace(old, old, "history_pruned"), 400, "snapshot_session_invalid", "replacing a source by itself");
        say.expect_error(c, replace(old, fresh, "weariness"), 400, "snapshot_session_invalid", "replacing a source for no good reason");
        c.expect(replace(old, fresh, "history_pruned").status() == 200, "a source can be replaced");
        c.expect(replace(old, fresh, "history_pruned").status() == 200, "the same replacement again is answered as the first time");
        say.expect_error(c, replace(old, say.source(), "history_pruned"), 409, "source_retired", "another replacement");
        const auto refused = say.create(c, old, 2, 1);
        say.expect_error(c, refused, 409, "source_retired", "a push of a source that was replaced");
        c.expect(refused.text("source_id") == old && refused.text("replaced_by_source_id") == fresh, "it is told which source took its place, found " + refused.told());
        c.expect(say.pull(c, old, say.head(c, old)).status() == 200, "a source that was replaced may read");
        c.expect(say.push(c, fresh, 1, {say.insert(say.key())}).source_bundle_id == 1, "the new source begins with bundle 1");
    });

    constexpr std::string_view apart = "a stranger sees nothing of the account and drives none of its sessions";
    if (!s.stranger) {
        run.skip("bundle 4.4 isolation", apart, "the subject names no stranger");
        return;
    }
    run.clause("bundle 4.4 isolation", apart, [&](clause& c) {
        const auto& who = *s.stranger;
        const std::string source = say.joined(c), enemy = say.joined(c, who), key = say.key();
        const auto b = say.push(c, source, 1, {say.insert(key, first.third)});
        const std::string staged = say.stage(c, source, 2, {say.insert(say.key())});
        const auto snap = say.post(c, "/snapshot-sessions", {}, source);
        const auto ask = [&](http_method m, const std::string& endpoint, const std::string& body = {}) {
            auto a = say.ask(c, m, endpoint, body, enemy, who);
            c.expect(a.raw().body.find(key) == std::string::npos, "no answer to a stranger names the account's record, found " + a.told());
            return a;
        };
        // Forbidden, as at the original, or, which tells less, not there at all.
        const auto refused = [&](const wire_answer& a, const std::string& session, const std::string& what) {
            const bool hidden = a.status() == 404;
            say.expect_error(c, a, hidden ? 404 : 403, session + (hidden ? "_not_found" : "_forbidden"), what);
        };
        refused(ask(http_method::post, "/push-sessions/" + staged + "/chunks", say.chunk_body(0, {say.insert(say.key())})), "push_session", "a stranger's chunk");
        refused(ask(http_method::post, "/push-sessions/" + staged + "/commit"), "push_session", "a stranger's commit");
        refused(ask(http_method::erase, "/push-sessions/" + staged), "push_session", "a stranger's giving up");
        const std::string at = "/snapshot-sessions/" + snap.text("snapshot_id");
        refused(ask(http_method::get, at), "snapshot_session", "a stranger's page of a snapshot");
        refused(ask(http_method::erase, at), "snapshot_session", "a stranger's giving up of a snapshot");
        ask(http_method::get, "/committed-bundles/" + std::to_string(b.seq) + "/rows");
        const auto theirs = ask(http_method::post, "/snapshot-sessions");
        c.expect(theirs.status() == 200, "a stranger may take a snapshot of their own, found " + theirs.told());
        ask(http_method::get, "/snapshot-sessions/" + theirs.text("snapshot_id"));
        ask(http_method::get, "/pull");
        // The names of the two accounts have nothing to do with each other.
        const auto create = ask(http_method::post, "/push-sessions", say.create_body(3, 1));
        c.expect(create.status() == 409, "a stranger's source has numbers of its own, found " + create.told());
        c.expect(say.commit(c, source, staged).status() == 200, "the account's session is unharmed");
        say.ask(c, http_method::erase, at, {}, source);
        say.expect_first(c, say.seen(c, key), first.third, "after a stranger tried");
    });
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
