#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_SCENARIOS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_SCENARIOS_HPP

// Every operation of a server: what other programs do, its start, and each call of `authority`.

#include "faults/sqlite/server.hpp"
#include "faults/sqlite/trial.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace faults {

namespace server_steps {

inline void staged(server& s) {
    s.sealed();
    s.must_other({"UPDATE node SET a=9 WHERE id='T'", "INSERT INTO node VALUES('T2',1,0,NULL)", "DELETE FROM node WHERE id='P'"});
}
/// One request with every outcome but `error`: T merges with what another did, P is refused for what refers to it, T3 by the table, T4 by the
/// validator and with it what was made on top; T2, C2 and the erase of C1 take effect, and m7 is decided before.
inline std::vector<mutation> changes() {
    auto again = change_of("m6", "T4", node(1, 13), node(2, 13));
    again.what.base.after = "m5";
    return {change_of("m1", "T", node(1), node(2), 1),
            change_of("m2", "T2", std::nullopt, node(1, 2)),
            change_of("m3", "C2", std::nullopt, child(1, "T2")),
            change_of("m4", "T3", std::nullopt, node(1, 1, "p")),
            change_of("m5", "T4", std::nullopt, node(1, 13)),
            again,
            change_of("m7", "T5", std::nullopt, node(1)),
            change_of("m8", "C1", child(1, "P"), std::nullopt, 1),
            change_of("m9", "T", node(1), node(1, 7), 1)};
}
inline void staged_for_push(server& s) {
    s.sealed();
    lab_must(s.engine().push(s.ann, mutations{change_of("m7", "T5", std::nullopt, node(1))}, s.now, nullptr, std::nullopt));
    s.must_other({"UPDATE node SET a=4 WHERE id='P'"});
}
inline result<void> pushed(server& s) {
    auto answer = s.engine().push(s.ann, changes(), s.now, nullptr, batch_mark{1, "t"});
    if (!answer) return std::move(answer).error();
    std::string kinds;
    for (const auto& o : answer->outcomes) kinds.append(name_of(o.kind)).append(" ");
    // Told the first time or again, the outcomes are these.
    if (kinds != "applied applied applied refused refused held applied applied superseded ") return make_fault(errc::bug, kinds);
    return {};
}
inline std::vector<mutation> upload() {
    return {change_of("b1", "T", node(1, 5), node(3, 5), 2), change_of("b2", "T2", std::nullopt, node(1)), change_of("b3", "C2", std::nullopt, child(1, "T2"))};
}
inline void uploaded(server& s, bool whole) {
    s.sealed();
    lab_must(s.engine().create_session(s.ann, 1, 3, "session", s.now, {}));
    if (whole) lab_must(s.engine().append_chunk(s.ann, "session", 0, upload(), s.now, {}));
}
/// A pull is up to two transactions beside its reading: others' changes are sealed, and the device's cursor is noted.
inline void sealed_only(server& s) { lab_must(s.engine().seal_foreign("main", s.now)); }
inline void noted_only(server& s, std::optional<std::int64_t> seq, std::optional<std::int64_t> stamp) {
    auto t = lab_must(s.store().begin("main", access::write));
    lab_must(t.put_source(source_mark{s.ann.principal, s.ann.source, seq, stamp, s.now}));
    lab_must(t.commit());
}
inline pull_query everything() {
    pull_query q;
    q.from = 1;  // before every row; of a device that begins at 0 the newest stamp is noted, which is another one before and after sealing
    q.in_flight = {"m1", "m2"};
    q.again = {key_named("C1")};
    return q;
}

}  // namespace server_steps

inline std::vector<scenario<server>> starts_of_a_server() {
    const auto starting = [](server& s) { return s.attach(); };
    std::vector<scenario<server>> out;
    out.push_back({"server: first start", [](server&) {}, starting, true});
    out.push_back({"server: start again", server_steps::staged, starting, true});
    out.push_back({"server: start after a rebuild",
                   [](server& s) {
                       s.sealed();
                       s.close();
                       s.must_other({"CREATE TABLE n2(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT UNIQUE)",
                                     "INSERT INTO n2 SELECT * FROM node WHERE id='P'", "INSERT INTO n2 VALUES('T3',1,1,'t')",
                                     "PRAGMA defer_foreign_keys=ON", "DROP TABLE node", "ALTER TABLE n2 RENAME TO node"});
                   },
                   starting, true});
    out.push_back({"server: start after two columns changed names",
                   [](server& s) {
                       s.sealed();
                       s.close();
                       s.must_other({"ALTER TABLE node RENAME COLUMN a TO c", "ALTER TABLE node RENAME COLUMN b TO a", "ALTER TABLE node RENAME COLUMN c TO b",
                                     "UPDATE node SET a=6 WHERE id='P'"});
                   },
                   starting, true});
    scenario<server> writes{"server: another program writes", [](server& s) { s.sealed(); },
                            [](server& s) {
                                return s.other({"UPDATE node SET a=9 WHERE id='T'", "INSERT OR REPLACE INTO node VALUES('T2',1,0,'p')", "DELETE FROM node WHERE id='T2'"});
                            }};
    writes.repeats = false;
    out.push_back(std::move(writes));
    out.push_back({"server: begin_incarnation", [](server& s) { server_steps::uploaded(s, true); lab_must(s.engine().create_snapshot(s.ann, "picture", s.now, std::nullopt, 0)); },
                   [](server& s) { return s.engine().begin_incarnation("e2", s.now); }, false, {}, errc::invalid_argument});
    return out;
}

inline std::vector<scenario<server>> pushes_and_pulls_of_a_server() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    out.push_back({"server: seal", staged, [](server& s) { return told(s.engine().seal_foreign("main", s.now)); }});
    out.push_back({"server: push, every outcome", staged_for_push, pushed});
    out.push_back({"server: push again", [](server& s) { staged_for_push(s); lab_must(pushed(s)); }, pushed});
    out.push_back({"server: pull", staged, [](server& s) { return told(s.engine().pull(s.ann, everything(), s.now)); }, false,
                   {sealed_only, [](server& s) { noted_only(s, std::nullopt, 1); }}});
    out.push_back({"server: bundles_after", staged, [](server& s) { return told(s.engine().bundles_after(s.ann, 1, 10, 0, s.now)); }, false,
                   {sealed_only, [](server& s) { noted_only(s, 1, std::nullopt); }}});
    out.push_back({"server: head", staged, [](server& s) { return told(s.engine().head("main")); }});
    const auto old = [](server& s) {
        s.sealed();
        lab_must(s.engine().pull(caller{"main", "bob", "gone"}, pull_query{}, s.now));
        for (int i = 0; i < 4; ++i) {
            s.must_other({"UPDATE node SET a=a+1 WHERE id='T'"});
            lab_must(s.engine().seal_foreign("main", s.now));
        }
        s.must_other({"DELETE FROM node WHERE id='P'"});
    };
    out.push_back({"server: prune", old, [](server& s) { return s.engine().prune("main", 4, s.now); }});
    out.push_back({"server: what a stream looks at", [](server& s) { s.sealed(); }, [](server& s) {
                       if (auto r = told(s.store().data_version()); !r) return r;
                       return told(s.engine().newest_bundle("main", s.now));
                   }});
    out.push_back({"server: the host writes", old, [](server& s) {
                       const auto one_more = [](auto& t) -> result<void> {
                           auto row = t.current(key_named("T"));
                           if (!row) return std::move(row).error();
                           record next = row->value_or(node(0));
                           next.fields[0] = value::integer(next.fields[0].as_integer() + 1);
                           return t.write(key_named("T"), next);
                       };
                       return told(s.engine().write_as("main", "host", one_more, s.now));
                   }});
    out.push_back({"server: totals", old, [](server& s) { return told(s.store().totals()); }});
    out.push_back({"server: foreign keys looked at", old, [](server& s) { return s.store().check_foreign_keys_hold_sync_keys(); }});
    out.push_back({"server: retain", old, [](server& s) { return told(s.engine().retain("main", 2, s.now + std::chrono::hours{24 * 400})); }});
    return out;
}

inline std::vector<scenario<server>> sessions_of_a_server() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    out.push_back({"server: create_session",
                   [](server& s) {
                       uploaded(s, true);
                       lab_must(s.engine().create_session(caller{"main", "ann", "older"}, 1, 3, "other", at(1500), {}));
                       lab_must(s.engine().create_snapshot(s.ann, "expired", at(1500), std::nullopt, 0));
                       s.must_other({"UPDATE node SET a=9 WHERE id='P'", "UPDATE syncline_authority_sessions SET expires=1 WHERE id='other'",
                                     "UPDATE syncline_authority_snapshots SET expires=1"});
                   },
                   [](server& s) { return told(s.engine().create_session(s.ann, 1, 3, "anew", s.now, {})); }});
    out.push_back({"server: append_chunk", [](server& s) { uploaded(s, false); },
                   [](server& s) { return told(s.engine().append_chunk(s.ann, "session", 0, upload(), s.now, {})); }});
    out.push_back({"server: commit_session", [](server& s) { uploaded(s, true); },
                   [](server& s) -> result<void> {
                       auto answer = s.engine().commit_session(s.ann, "session", s.now);
                       if (!answer) return std::move(answer).error();
                       if (!answer->committed) return make_fault(errc::bug, "it was not committed");
                       return {};
                   },
                   false, {}, errc::session_gone});
    out.push_back({"server: commit_session, obstructed",
                   [](server& s) {
                       uploaded(s, true);
                       s.must_other({"UPDATE node SET a=9 WHERE id='T'", "INSERT INTO node VALUES('T7',1,0,NULL)"});
                   },
                   [](server& s) -> result<void> {
                       auto answer = s.engine().commit_session(s.ann, "session", s.now);
                       if (!answer) return std::move(answer).error();
                       if (answer->committed) return make_fault(errc::bug, "it was committed");
                       return {};
                   }});
    out.push_back({"server: delete_session", [](server& s) { uploaded(s, true); }, [](server& s) { return s.engine().delete_session(s.ann, "session", s.now); },
                   false, {}, errc::session_gone});
    out.push_back({"server: committed_rows", staged, [](server& s) { return told(s.engine().committed_rows(s.ann, 1, 1, 10)); }});
    out.push_back({"server: create_snapshot", staged, [](server& s) { return told(s.engine().create_snapshot(s.ann, "picture", s.now, std::nullopt, 0)); }});
    const auto pictured = [](server& s) {
        staged(s);
        lab_must(s.engine().create_snapshot(s.ann, "picture", s.now, std::nullopt, 0));
    };
    out.push_back({"server: snapshot_page", pictured, [](server& s) { return told(s.engine().snapshot_page(s.ann, "picture", 1, 10, s.now)); }});
    out.push_back({"server: delete_snapshot", pictured, [](server& s) { return s.engine().delete_snapshot(s.ann, "picture"); }, false, {}, errc::session_gone});
    out.push_back({"server: snapshot_page, more time",
                   [pictured](server& s) {
                       pictured(s);
                       s.must_other({"UPDATE syncline_authority_snapshots SET expires=" + std::to_string(to_microseconds(s.now))});
                   },
                   [](server& s) { return told(s.engine().snapshot_page(s.ann, "picture", 1, 10, s.now)); }, false,
                   {[](server&) {}}});  // the page is served though the time could not be given
    out.push_back({"server: connect", staged, [](server& s) { return told(s.engine().connect(s.ann, true, "right", s.now)); }});
    out.push_back({"server: committed_bundle", staged, [](server& s) { return told(s.engine().committed_bundle(s.ann, 1)); }});
    out.push_back({"server: standing", staged, [](server& s) { return told(s.engine().standing("main", "dev")); }});
    out.push_back({"server: create_snapshot, source replaced", staged, [](server& s) {
                       return told(s.engine().create_snapshot(s.ann, "picture", s.now, source_replacement{s.ann.source, "next", "history_pruned"}, 0));
                   }});
    return out;
}

/// All of them.
inline std::vector<scenario<server>> work_of_a_server() {
    std::vector<scenario<server>> out;
    for (auto part : {starts_of_a_server(), pushes_and_pulls_of_a_server(), sessions_of_a_server()})
        for (auto& s : part) out.push_back(std::move(s));
    return out;
}

}  // namespace faults

#endif
