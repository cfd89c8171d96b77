#ifndef SYNCLINE_TESTING_WIRE_BUNDLE_PUSH_CLAUSES_HPP
#define SYNCLINE_TESTING_WIRE_BUNDLE_PUSH_CLAUSES_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/bundle_speaker.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

namespace detail {

inline void expect_told_bundle(clause& c, const wire_answer& a, const std::string& source, std::int64_t number, const std::string& what) {
    const auto b = bundle_speaker::bundle_of(a.root());
    c.expect(a.status() == 200 && a.is_json() && b.seq > 0 && b.row_count > 0 && !b.hash.empty(), what + " tells `bundle_seq`, `row_count` and `bundle_hash`, found " + a.told());
    c.expect(b.source == source && b.source_bundle_id == number, what + " tells its `source_id` and `source_bundle_id`, found " + a.told());
}

}  // namespace detail

/// Checks the sessions by which bundles are pushed (sheet `bundle` 1.4 to 1.7, 2.2).
inline void check_bundle_push(bundle_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();
    const wire_field& first = s.fields.front();
    const std::string nobody = run.fresh_uuid();

    run.clause("bundle 1.4 create", "a session is made for the next bundle of its source, and for no other", [&](clause& c) {
        const std::string source = say.joined(c);
        const auto made = say.create(c, source, 1, 3);
        c.expect(made.status() == 200 && made.is_json() && made.text("status") == "staging" && !made.text("push_id").empty(), "a new session is `staging` under a `push_id`, found " + made.told());
        c.expect(made.integer("planned_row_count") == 3, "`planned_row_count` is told back, found " + made.told());
        c.expect(made.integer("next_expected_row_ordinal").value_or(0) == 0, "a new session waits for row 0, found " + made.told());
        say.drop(c, source, made.text("push_id"));
        for (const char* body : {"[", "{\"source_bundle_id\":\"one\",\"planned_row_count\":1}"}) {
            const auto a = say.post(c, "/push-sessions", body, source);
            c.expect(a.status() == 400 && !a.text("error").empty(), std::string("a session from ").append(body).append(" is refused with 400, found ") + a.told());
        }
        say.expect_error(c, say.post(c, "/push-sessions", say.create_body(0, 1), source), 400, "push_session_invalid", "a bundle numbered 0");
        say.expect_error(c, say.post(c, "/push-sessions", say.create_body(-1, 1), source), 400, "push_session_invalid", "a bundle numbered -1");
        say.expect_error(c, say.post(c, "/push-sessions", say.create_body(1, 0), source), 400, "push_session_invalid", "a bundle of no rows");
        say.expect_error(c, say.create(c, source, 2, 1), 409, "source_sequence_out_of_order", "a bundle that leaves one out");
    });

    run.clause("bundle 1.5 chunk", "rows are taken in order, and the answer says which is next", [&](clause& c) {
        const std::string source = say.joined(c);
        const std::string id = say.create(c, source, 1, 3).text("push_id");
        const std::vector<std::string> rows{say.insert(say.key()), say.insert(say.key()), say.insert(say.key())};
        const auto sent = say.chunk(c, source, id, 0, {rows[0]});
        c.expect(sent.status() == 200 && sent.is_json() && sent.text("push_id") == id && sent.integer("next_expected_row_ordinal") == 1,
                 "a chunk is answered with `push_id` and `next_expected_row_ordinal`, found " + sent.told());
        say.expect_error(c, say.chunk(c, source, id, 2, {rows[2]}), 409, "push_chunk_out_of_order", "a chunk that leaves a row out");
        const auto again = say.chunk(c, source, id, 0, {rows[0]});
        c.expect((again.status() == 200 && again.integer("next_expected_row_ordinal") == 1) || (run.original() && again.text("error") == "push_chunk_out_of_order"),
                 "a chunk that comes again is answered as the first time, found " + again.told());
        c.expect(say.chunk(c, source, id, 1, {rows[1]}).integer("next_expected_row_ordinal") == 2, "the chunk that is next is taken after one that was not");
        say.expect_error(c, say.chunk(c, source, id, 2, {rows[2], say.insert(say.key())}), 400, "push_chunk_invalid", "a chunk beyond the planned rows");
        say.expect_error(c, say.chunk(c, source, nobody, 0, {rows[0]}), 404, "push_session_not_found", "a chunk for no session");
        c.expect(say.chunk(c, source, id, 2, {rows[2]}).integer("next_expected_row_ordinal") == 3, "the last row is taken");
        c.expect(say.commit(c, source, id).integer("row_count") == 3, "the bundle has its rows once each");
    });

    run.clause("bundle 1.5 bad rows", "a row that cannot be is refused with its chunk, and the session goes on", [&](clause& c) {
        const std::string source = say.joined(c), key = say.key();
        const std::string id = say.create(c, source, 1, 1).text("push_id");
        const std::string good = say.insert(key);
        const auto with = [&](const wire_members& changed) {
            wire_members members{{"schema", wire_text(s.schema)}, {"table", wire_text(s.model)}, {"key", wire_object({{s.key, wire_text(key)}})},
                                 {"op", "\"INSERT\""}, {"base_row_version", "0"}, {"payload", say.payload(key)}};
            for (const auto& [name, json] : changed)
                for (auto& m : members)
                    if (m.first == name) m.second = json;
            return wire_object(members);
        };
        const std::vector<std::pair<std::string, std::string>> wrong{
            {"of an unknown table", with({{"table", "\"no_such_table\""}})},
            {"of an unknown schema", with({{"schema", "\"no_such_schema\""}})},
            {"of a table with a bad name", with({{"table", "\"bad name\""}})},
            {"without its key", with({{"key", "{}"}})},
            {"with a key that is a number", with({{"key", wire_object({{s.key, "7"}})}})},
            {"with an unknown op", with({{"op", "\"UPSERT\""}})},
            {"that inserts without a payload", say.row(key, "INSERT", 0, {})},
            {"that inserts null", with({{"payload", "null"}})},
            {"that inserts a list", with({{"payload", "[]"}})},
            {"that deletes with a payload", with({{"op", "\"DELETE\""}})},
            {"whose payload has another key", with({{"payload", say.payload(say.key())}})},
        };
        for (const auto& [what, row] : wrong) say.expect_error(c, say.chunk(c, source, id, 0, {row}), 400, "push_chunk_invalid", "a row " + what);
        say.expect_error(c, say.chunk(c, source, id, 0, {good, good}), 400, "push_chunk_invalid", "a record twice in a chunk");
        say.expect_error(c, say.chunk(c, source, id, 0, {}), 400, "push_chunk_invalid", "a chunk of no rows");
        say.expect_error(c, say.post(c, "/push-sessions/" + id + "/chunks", wire_object({{"start_row_ordinal", "-1"}, {"rows", wire_array({good})}}), source), 400, "push_chunk_invalid",
                         "a chunk from row -1");
        say.expect_error(c, say.post(c, "/push-sessions/" + id + "/chunks", "{", source), 400, "invalid_request", "a chunk that is no JSON");
        c.expect(say.seen(c, key).empty(), "nothing of it is written");
        // A column that there is not may be found with the chunk or with the commit, which the original answers with 500 (8.2, 13).
        const auto sent = say.chunk(c, source, id, 0, {with({{"payload", "{\"no_such_column\":1," + say.payload(key).substr(1)}})});
        const auto done = sent.status() == 200 ? say.commit(c, source, id) : sent;
        c.expect(done.status() >= 400 && (done.status() < 500 || run.original()), "a row with an unknown column is refused with 4xx, found " + done.told());
        c.expect(say.seen(c, key).empty(), "nothing of a row with an unknown column is written");
        if (sent.status() == 200) return;  // the session has its one row
        c.expect(say.chunk(c, source, id, 0, {good}).status() == 200 && say.commit(c, source, id).status() == 200, "the session takes a good row after bad ones");
    });

    run.clause("bundle 1.2 limits", "what capabilities bound is bounded", [&](clause& c) {
        constexpr std::int64_t worth_sending = 20'000;
        const std::string source = say.joined(c);
        const auto told = say.get(c, "/capabilities", source);
        const auto limits = told.root().find("bundle_limits");
        c.require(limits.has_value(), "capabilities tell `bundle_limits`, found " + told.told());
        const auto chunk = wire_answer::integer_of(*limits, "max_rows_per_push_chunk").value_or(0);
        if (chunk > 0 && chunk <= worth_sending) {
            const std::string id = say.create(c, source, 1, static_cast<std::size_t>(chunk) + 1).text("push_id");
            std::vector<std::string> rows;
            for (std::int64_t i = 0; i <= chunk; ++i) rows.push_back(say.insert(say.key()));
            const auto a = say.chunk(c, source, id, 0, rows);
            c.expect((a.status() == 400 && a.text("error") == "push_chunk_invalid") || a.status() == 413, "a chunk of more rows than there may be is refused with 400 `push_chunk_invalid`, found " + a.told());
            say.drop(c, source, id);
        }
        const auto most = wire_answer::integer_of(*limits, "max_bundles_per_pull").value_or(0);
        if (most > 0) say.expect_error(c, say.get(c, say.pull_path(say.head(c, source), most + 1), source), 400, "invalid_request", "a pull of more bundles than there may be");
        c.expect(chunk > 0 || most > 0, "some limit is told, found " + told.told());
    });

    constexpr std::string_view bounded = "a body beyond the server's bound is refused with 413";
    if (!s.largest_body) run.skip("bundle 1.1 too large", bounded, "the subject names no bound");
    else
        run.clause("bundle 1.1 too large", bounded, [&](clause& c) {
            const std::string source = say.joined(c), key = say.key();
            const std::string id = say.create(c, source, 1, 1).text("push_id");
            request large = wire_run::make(http_method::post, say.path("/push-sessions/" + id + "/chunks"),
                                           say.chunk_body(0, {say.insert(key, wire_text(std::string(*s.largest_body, 'x')))}), s.account);
            large.headers.push_back({"Oversync-Source-ID", source});
            const int status = run.ask_too_much(c, large);
            c.expect(status == 413, "a chunk that is too large is refused with 413, found " + std::to_string(status));
            const auto done = say.commit(c, source, id);
            c.expect(done.status() != 200 && say.seen(c, key).empty(), "nothing of it is written, found " + done.told());
            say.drop(c, source, id);
        });

    run.clause("bundle 1.6 commit", "a commit tells its bundle, and ends its session", [&](clause& c) {
        const std::string source = say.joined(c), key = say.key();
        const std::string id = say.create(c, source, 1, 2).text("push_id");
        say.chunk(c, source, id, 0, {say.insert(key)});
        say.expect_error(c, say.commit(c, source, id), 400, "push_commit_invalid", "a commit before all rows are there");
        c.expect(say.seen(c, key).empty(), "rows are not written before they are committed");
        say.chunk(c, source, id, 1, {say.insert(say.key())});
        const auto done = say.commit(c, source, id);
        detail::expect_told_bundle(c, done, source, 1, "a commit");
        c.expect(done.integer("row_count") == 2, "`row_count` is the number of rows, found " + done.told());
        say.expect_first(c, say.seen(c, key), first.one, "after a commit");
        say.expect_error(c, say.commit(c, source, id), 404, "push_session_not_found", "a second commit of a session");
        say.expect_error(c, say.commit(c, source, nobody), 404, "push_session_not_found", "a commit of no session");
    });

    run.clause("bundle 1.7 drop", "a session that is given up leaves nothing behind", [&](clause& c) {
        const std::string source = say.joined(c), key = say.key();
        const std::string id = say.stage(c, source, 1, {say.insert(key)});
        const auto dropped = say.drop(c, source, id);
        c.expect(dropped.status() == 204 && dropped.raw().body.empty(), "a session is given up with 204 and no body, found " + dropped.told());
        say.expect_error(c, say.drop(c, source, id), 404, "push_session_not_found", "giving up what was given up");
        say.expect_error(c, say.commit(c, source, id), 404, "push_session_not_found", "a commit of what was given up");
        c.expect(say.seen(c, key).empty(), "nothing of it is written");
        c.expect(say.push(c, source, 1, {say.insert(say.key())}).source_bundle_id == 1, "its number is free");
    });

    run.clause("bundle 2.2 replay", "a bundle that comes again is told as the first time, and takes effect once", [&](clause& c) {
        const std::string source = say.joined(c), other = say.joined(c), key = say.key();
        const auto b = say.push(c, source, 1, {say.insert(key)});
        const auto later = say.push(c, other, 1, {say.update(key, first.other, b.seq)});
        const auto again = say.create(c, source, 1, 1);
        c.expect_text(again.text("status"), "already_committed", "the status of a bundle that comes again");
        detail::expect_told_bundle(c, again, source, 1, "a replay");
        c.expect(say.bundle_of(again.root()) == b, "a replay tells what the commit told, found " + again.told());
        c.expect(say.head(c, source) == later.seq, "a replay makes no new bundle");
        say.expect_first(c, say.seen(c, key), first.other, "after an old bundle came again");
        const auto next = say.push(c, source, 2, {say.insert(say.key())});
        c.expect(next.seq == later.seq + 1, "the next bundle of the source follows");
    });

    run.clause("bundle 2.2 abandoned", "a session that is made again takes the place of the abandoned one", [&](clause& c) {
        const std::string source = say.joined(c), key = say.key(), kept = say.key();
        const std::string old = say.stage(c, source, 1, {say.insert(key)});
        const auto fresh = say.create(c, source, 1, 1);
        c.require(fresh.text("status") == "staging" && fresh.text("push_id") != old, "making a session again gives a new one, found " + fresh.told());
        say.expect_error(c, say.commit(c, source, old), 404, "push_session_not_found", "a commit of the abandoned session");
        const std::string id = fresh.text("push_id");
        c.expect(say.chunk(c, source, id, 0, {say.insert(kept)}).integer("next_expected_row_ordinal") == 1, "the new session begins without rows");
        c.expect(say.commit(c, source, id).integer("row_count") == 1, "the new session has its own rows only");
        c.expect(say.seen(c, key).empty() && !say.seen(c, kept).empty(), "what the abandoned session held is not written");
    });

    run.beyond_original("bundle 2.2 own session", "a session is its source's: another one of the same account cannot drive it", "sessions are checked for their user, not for their source (8.2, 14)", [&](clause& c) {
        const std::string source = say.joined(c), other = say.joined(c);
        const std::string id = say.stage(c, source, 1, {say.insert(say.key())});
        say.expect_error(c, say.chunk(c, other, id, 0, {say.insert(say.key())}), 403, "push_session_forbidden", "a chunk of another source");
        say.expect_error(c, say.commit(c, other, id), 403, "push_session_forbidden", "a commit of another source");
        say.expect_error(c, say.drop(c, other, id), 403, "push_session_forbidden", "another source's giving up");
        c.expect(say.commit(c, source, id).status() == 200, "its own source commits it");
    });

    run.clause("bundle 2.2 atomic", "a bundle with one row that conflicts is not applied at all", [&](clause& c) {
        const std::string source = say.joined(c), other = say.joined(c);
        const std::string taken = say.key(), before = say.key(), after = say.key();
        const auto theirs = say.push(c, other, 1, {say.insert(taken)});
        const std::string id = say.stage(c, source, 1, {say.insert(before), say.insert(taken, first.other), say.insert(after)});
        say.expect_error(c, say.commit(c, source, id), 409, "push_conflict", "a bundle with a row that conflicts");
        c.expect(say.seen(c, before).empty() && say.seen(c, after).empty(), "no row of a bundle that conflicts is written");
        say.expect_first(c, say.seen(c, taken), first.one, "after a bundle that conflicts");
        c.expect(say.head(c, source) == theirs.seq, "a bundle that conflicts takes no number");
        say.drop(c, source, id);
        c.expect(say.push(c, source, 1, {say.insert(before), say.update(taken, first.other, theirs.seq), say.insert(after)}).seq == theirs.seq + 1, "put right, it is the next bundle under the same number");
    });
}

/// Checks when rows conflict, and what is told of it (sheet `bundle` 2.2, 3.1).
inline void check_bundle_conflicts(bundle_speaker& say) {
    wire_run& run = say.run();
    const wire_field& first = say.subject().fields.front();

    // Commits one row that must conflict. @return the member `conflict`, as an answer of its own
    const auto refused = [&say](clause& c, const std::string& source, const std::string& row, const std::string& what) {
        const std::string id = say.stage(c, source, 1, {row});
        const auto a = say.commit(c, source, id);
        say.expect_error(c, a, 409, "push_conflict", what);
        say.drop(c, source, id);
        const auto conflict = a.root().find("conflict");
        c.require(conflict && conflict->is_object(), what + " is told in `conflict`, found " + a.told());
        return wire_answer{response{a.status(), {{"Content-Type", "application/json"}}, wire_json(*conflict)}};
    };
    const auto expect_told = [&say](clause& c, const wire_answer& a, const std::string& key, std::string_view op, std::int64_t base, std::int64_t version, bool deleted, bool has_row) {
        c.expect(a.text("schema") + "." + a.text("table") == say.table(), "a conflict names the table, found " + a.told());
        const auto named = a.root().find("key");
        c.expect(named && wire_answer::text_of(*named, say.subject().key) == key, "a conflict names the key, found " + a.told());
        c.expect(a.text("op") == op && a.integer("base_row_version") == base, "a conflict tells `op` and `base_row_version` as they were sent, found " + a.told());
        c.expect(a.integer("server_row_version") == version, "`server_row_version` is " + std::to_string(version) + ", found " + a.told());
        c.expect(a.truth("server_row_deleted") == deleted, std::string("`server_row_deleted` is ").append(deleted ? "true" : "false").append(", found ") + a.told());
        const auto row = a.root().find("server_row");
        c.expect(row && (has_row ? row->is_object() : row->is_null()), std::string("`server_row` is ").append(has_row ? "the row" : "null").append(", found ") + a.told());
    };

    run.clause("bundle 3.1 live row", "who did not know the current row of a record is told it", [&](clause& c) {
        const std::string writer = say.joined(c), late = say.joined(c), key = say.key();
        const auto one = say.push(c, writer, 1, {say.insert(key)});
        const auto two = say.push(c, writer, 2, {say.update(key, first.other, one.seq)});
        for (const auto& [op, row, base] : std::vector<std::tuple<std::string, std::string, std::int64_t>>{
                 {"INSERT", say.insert(key, first.third), 0}, {"INSERT", say.insert(key, first.third, two.seq), two.seq}, {"UPDATE", say.update(key, first.third, one.seq), one.seq},
                 {"UPDATE", say.update(key, first.third, 0), 0}, {"DELETE", say.erase(key, one.seq), one.seq}}) {
            const auto told = refused(c, late, row, "the " + op + " on version " + std::to_string(base) + " of a record at another");
            expect_told(c, told, key, op, base, two.seq, false, true);
            if (const auto server = told.root().find("server_row")) say.expect_first(c, wire_json(*server), first.other, "in `server_row`");
        }
        say.expect_first(c, say.seen(c, key), first.other, "after changes that conflict");
        c.expect(say.push(c, late, 1, {say.update(key, first.third, two.seq)}).seq == two.seq + 1, "the same change on the current version is taken");
        say.expect_first(c, say.seen(c, key), first.third, "after a change on the current version");
    });

    run.clause("bundle 3.1 absent row", "a record that is not there can be inserted only, and a deleted one on its tombstone", [&](clause& c) {
        const std::string writer = say.joined(c), late = say.joined(c), key = say.key(), never = say.key();
        expect_told(c, refused(c, late, say.update(never, first.other, 0), "the update of a record that never was"), never, "UPDATE", 0, 0, false, false);
        expect_told(c, refused(c, late, say.erase(never, 0), "the delete of a record that never was"), never, "DELETE", 0, 0, false, false);
        // Syncline takes it: there is nobody's row that it could overwrite.
        if (run.original()) expect_told(c, refused(c, late, say.insert(never, {}, 1), "the insert of a record that never was on a version"), never, "INSERT", 1, 0, false, false);
        const auto made = say.push(c, writer, 1, {say.insert(key)});
        const auto gone = say.push(c, writer, 2, {say.erase(key, made.seq)});
        expect_told(c, refused(c, late, say.update(key, first.other, made.seq), "the update of a record that is gone"), key, "UPDATE", made.seq, gone.seq, true, false);
        expect_told(c, refused(c, late, say.insert(key), "the insert on a tombstone that was not known"), key, "INSERT", 0, gone.seq, true, false);
        const auto back = say.push(c, late, 1, {say.insert(key, first.third, gone.seq)});
        c.expect(back.seq == gone.seq + 1, "an insert on the tombstone is taken");
        say.expect_first(c, say.seen(c, key), first.third, "after an insert on its tombstone");
    });
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
