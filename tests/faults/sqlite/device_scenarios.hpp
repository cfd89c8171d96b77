#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_SCENARIOS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_SCENARIOS_HPP

// Every operation of a device: what the app does, its start, and each call of `replica`.

#include "faults/sqlite/device.hpp"
#include "faults/sqlite/trial.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace faults {

namespace device_steps {

inline void edited(device& d) {
    d.must_app({"UPDATE node SET a=2 WHERE id='T'", "INSERT INTO node VALUES('T2',1,0,NULL)", "UPDATE node SET b=3 WHERE id='T2'",
                "INSERT INTO child VALUES('C2',1,'T2')", "DELETE FROM node WHERE id='P'"});
}
/// The app's way to change a table: a new one takes its place, and our triggers are gone.
inline std::vector<std::string> rebuild() {
    return {"CREATE TABLE n2(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT UNIQUE)",
            "INSERT INTO n2 SELECT * FROM node",
            "INSERT INTO n2 VALUES('T3',1,1,'t')",
            "PRAGMA defer_foreign_keys=ON",
            "DROP TABLE node",
            "ALTER TABLE n2 RENAME TO node"};
}
inline void synced_and_edited(device& d) {
    d.synced();
    edited(d);
}
/// T frozen at version 5 with a=2 and edited above it.
inline frozen_batch two_layers(device& d, bool numbered) {
    d.synced();
    d.must_app({"UPDATE node SET a=2 WHERE id='T'", "INSERT INTO node VALUES('T2',1,0,NULL)"});
    auto out = d.freeze(numbered);
    d.must_app({"UPDATE node SET b=3 WHERE id='T'"});
    lab_must(d.engine().absorb(d.now));
    return out;
}
/// T waits for a person: its change of a was refused at version 8.
inline void refused(device& d) {
    d.synced();
    d.must_app({"UPDATE node SET a=2 WHERE id='T'"});
    const auto sent = d.freeze();
    lab_must(d.engine().settle(sent.head.id, outcomes{answer_with_row(sent.items[0].id, outcome_kind::refused, 8, node(6, 6))}, d.now));
}
/// The authority has left the change of T undecided, and taken in that of T2; T3 is to be sent.
inline void undecided(device& d) {
    const auto sent = two_layers(d, false);
    outcomes said;
    for (const auto& item : sent.items) {
        outcome o;
        o.id = item.id;
        o.kind = item.what.key == key_named("T") ? outcome_kind::error : outcome_kind::applied;
        o.version = item.what.key == key_named("T") ? 0 : 9;
        said.push_back(std::move(o));
    }
    lab_must(d.engine().settle(sent.head.id, said, d.now));
    d.must_app({"INSERT INTO node VALUES('T3',1,0,NULL)"});
}
inline page next_page() {
    page p;
    p.from = 10;
    p.next = 20;
    p.rows = {image("T", 8, node(7, 7)),          image("T2", 8, node(1, 1)),     image("T4", 8, node(1, 1, "p")), image("T3", 8, node(1, 1, "q")),
              image("C2", 8, child(1, "T3")),     image("C3", 8, child(1, "P2")), image("C1", 9, std::nullopt)};
    p.unread = {unread_row{{"node", "T5"}, 8, "{\"a\":\"one\"}", {errc::malformed_value, "a is not a number"}},
                unread_row{{"dog", "D"}, 8, "{}", {errc::unknown_model, "dog"}}};
    return p;
}
inline void hydrating(device& d) {
    two_layers(d, false);
    d.take({image("T3", 6, node(1)), image("T4", 6, node(1, 0, "q"))});
    lab_must(d.engine().begin_hydration(d.now));
}
inline const std::vector<row_image>& first_part() {
    static const std::vector<row_image> rows{image("T", 9, node(8, 8)), image("T4", 9, node(2, 0, "r"))};
    return rows;
}

}  // namespace device_steps

inline std::vector<scenario<device>> starts_of_a_device() {
    using namespace device_steps;
    const auto starting = [](device& d) { return d.start(); };
    const auto attached = [](device& d) { lab_must(d.attach()); };
    std::vector<scenario<device>> out;
    out.push_back({"device: first start", [](device&) {}, starting, true, {attached}});
    out.push_back({"device: start with edits", synced_and_edited, starting, true});
    out.push_back({"device: start after a rebuild",
                   [](device& d) {
                       d.synced();
                       d.close();
                       d.must_app(rebuild());
                   },
                   starting, true, {attached}});
    out.push_back({"device: uninstall", synced_and_edited,
                   [](device& d) {
                       d.close();
                       return watched_replica_store::uninstall(d.path());
                   },
                   true});
    return out;
}

inline std::vector<scenario<device>> local_work_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    scenario<device> writes{"device: the app writes", [](device& d) { d.synced(); },
                            [](device& d) {
                                return d.app({"UPDATE node SET a=2 WHERE id='T'", "INSERT INTO node VALUES('T2',1,0,NULL)",
                                              "INSERT OR REPLACE INTO node VALUES('T3',1,0,'p')", "DELETE FROM node WHERE id='T2'"});
                            }};
    writes.repeats = false;
    out.push_back(std::move(writes));
    out.push_back({"device: absorb", [](device& d) { d.synced(); edited(d); }, [](device& d) { return told(d.engine().absorb(d.now)); }});
    out.push_back({"device: freeze", synced_and_edited, [](device& d) { return told(d.engine().freeze(100, true, d.drawn(), d.now, nullptr)); }});
    out.push_back({"device: freeze_more", undecided, [](device& d) { return told(d.engine().freeze_more(100, d.drawn(), d.now, nullptr)); }});
    out.push_back({"device: retry", refused, [](device& d) { return d.engine().retry(key_named("T"), d.now); }, false, {}, errc::absent});
    out.push_back({"device: take_client", refused, [](device& d) { return d.engine().take_client(key_named("T"), d.now); }, false, {}, errc::absent});
    out.push_back({"device: discard", refused, [](device& d) { return d.engine().discard(key_named("T"), d.now); }, false, {}, errc::absent});
    out.push_back({"device: renew_source", [](device& d) { two_layers(d, true); },
                   [](device& d) { return d.engine().renew_source(d.drawn(), true, d.now, ""); }});
    out.push_back({"device: note_synced", [](device& d) { d.synced(); }, [](device& d) { return d.engine().note_synced(at(77), true); }});
    out.push_back({"device: lists", [](device& d) { refused(d); lab_must(d.engine().apply(next_page(), d.now)); },
                   [](device& d) {
                       auto& e = d.engine();
                       if (auto r = told(e.standing(d.now)); !r) return r;
                       if (auto r = told(e.status(d.now)); !r) return r;
                       if (auto r = told(e.in_flight(d.now)); !r) return r;
                       if (auto r = told(e.waiting(10, d.now)); !r) return r;
                       if (auto r = told(e.explain(key_named("T"), d.now)); !r) return r;
                       if (auto r = told(e.quarantined(10, d.now)); !r) return r;
                       if (auto r = told(e.unread(nullptr, 10, d.now)); !r) return r;
                       return told(e.lost_by_restore(10, d.now));
                   }});
    return out;
}

inline std::vector<scenario<device>> answers_to_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    auto sent = std::make_shared<frozen_batch>();
    out.push_back({"device: settle, every outcome",
                   [sent](device& d) {
                       d.synced();
                       std::vector<row_image> rows;
                       std::vector<std::string> edits;
                       for (const char* key : {"T2", "T3", "T4", "T5", "T6", "T7"}) {
                           rows.push_back(image(key, 6, node(1)));
                           edits.push_back(std::string{"UPDATE node SET a=2 WHERE id='"}.append(key).append("'"));
                       }
                       d.take(std::move(rows));
                       d.must_app(edits);
                       d.must_app({"UPDATE node SET a=2 WHERE id='T'", "DELETE FROM child WHERE id='C1'"});
                       *sent = d.freeze();
                       d.must_app({"UPDATE node SET b=3 WHERE id IN('T','T4')"});
                   },
                   [sent](device& d) {
                       outcomes told_of;
                       for (const auto& item : sent->items) {
                           const auto& key = item.what.key.key;
                           if (key == "T" || key == "C1") told_of.push_back(answer(item.id, outcome_kind::applied, 8));
                           if (key == "T2") told_of.push_back(answer_with_row(item.id, outcome_kind::applied, 8, node(2, 9)));
                           if (key == "T3") told_of.push_back(answer_with_row(item.id, outcome_kind::superseded, 8, node(9, 9)));
                           if (key == "T4") told_of.push_back(answer_with_row(item.id, outcome_kind::refused, 8, node(9, 9)));
                           if (key == "T5") told_of.push_back(answer(item.id, outcome_kind::held));
                           if (key == "T6") told_of.push_back(answer(item.id, outcome_kind::error));
                           if (key == "T7") told_of.push_back(answer_with_row(item.id, outcome_kind::superseded, 8, std::nullopt));
                       }
                       return told(d.engine().settle(sent->head.id, told_of, d.now));
                   }});
    auto numbered = std::make_shared<frozen_batch>();
    const auto layered = [numbered](device& d) { *numbered = two_layers(d, true); };
    out.push_back({"device: committed", layered, [numbered](device& d) { return told(d.engine().committed(numbered->head.id, 11, "hash", d.now)); }});
    out.push_back({"device: replay", layered,
                   [numbered](device& d) {
                       const std::vector<row_image> rows{image("T", 11, node(2, 0, "t")), image("T2", 11, node(1)), image("T3", 11, node(1, 0, "p"))};
                       return told(d.engine().replay(numbered->head.id, 11, &rows, d.now));
                   }});
    out.push_back({"device: replay without rows", layered, [numbered](device& d) { return told(d.engine().replay(numbered->head.id, 11, nullptr, d.now)); }});
    out.push_back({"device: obstructed", layered,
                   [numbered](device& d) {
                       commit_obstacle conflict;
                       conflict.what = commit_obstacle::kind::version_conflict;
                       conflict.key = key_named("T");
                       conflict.server_version = 8;
                       conflict.server_row = node(7, 7);
                       commit_obstacle refusal;
                       refusal.what = commit_obstacle::kind::refused;
                       refusal.key = key_named("T2");
                       refusal.op = operation::create;
                       refusal.why = wait_reason{errc::validation_failed, "no"};
                       return told(d.engine().obstructed(numbered->head.id, std::vector<commit_obstacle>{conflict, refusal}, d.now));
                   }});
    return out;
}

inline std::vector<scenario<device>> news_for_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    const auto pending = [](device& d) {
        two_layers(d, false);
        d.must_app({"UPDATE child SET a=5 WHERE id='C1'"});
    };
    const auto applying = [](device& d) { return told(d.engine().apply(next_page(), d.now)); };
    out.push_back({"device: apply a page", pending, applying});
    out.push_back({"device: apply, app's own triggers",
                   [pending](device& d) {
                       d.must_app({"CREATE TABLE audit(what)", "CREATE TRIGGER audited AFTER UPDATE ON node BEGIN INSERT INTO audit VALUES(NEW.id); END",
                                   "CREATE TRIGGER follow AFTER INSERT ON node WHEN NEW.b IS NOT NEW.a BEGIN UPDATE node SET b=NEW.a WHERE id=NEW.id; END"});
                       pending(d);
                   },
                   applying});
    out.push_back({"device: apply a bundle", synced_and_edited,
                   [](device& d) { return told(d.engine().apply_bundle(10, 11, images{image("T", 11, node(7, 7)), image("T3", 11, node(1, 0, "q")), image("C1", 11, std::nullopt)}, d.now)); }});
    out.push_back({"device: begin hydration", pending, [](device& d) { return d.engine().begin_hydration(d.now); }});
    out.push_back({"device: stage", hydrating, [](device& d) { return told(d.engine().stage("walk", 0, 5, 9, first_part(), std::nullopt, d.now, {}, false)); }});
    out.push_back({"device: stage the last, and swap",
                   [](device& d) {
                       hydrating(d);
                       lab_must(d.engine().stage("walk", 0, 5, 9, first_part(), std::nullopt, d.now, {}, false));
                   },
                   [](device& d) {
                       const std::vector<row_image> rows{image("T5", 9, node(1)), image("P", 9, node(5, 0, "q")), image("C3", 9, child(1, "P2"))};
                       return told(d.engine().stage("walk", 5, 9, 9, rows, cursor{40}, d.now,
                                                    std::vector<unread_row>{unread_row{{"node", "T3"}, 9, "{}", {errc::malformed_value, "a"}}}, false));
                   }});
    out.push_back({"device: note_epoch with loss",
                   [](device& d) {
                       two_layers(d, true);
                       lab_must(d.engine().note_epoch("e1", lost_intervals{}, d.drawn(), d.now));
                       d.take({image("T3", 9, node(1))});
                   },
                   [](device& d) { return told(d.engine().note_epoch("e2", lost_intervals{lost_interval{7, 1000, 70, 10000}}, d.drawn(), d.now)); }});
    const auto unread = [pending](device& d) {
        pending(d);
        lab_must(d.engine().apply(next_page(), d.now));
    };
    out.push_back({"device: reread", unread,
                   [](device& d) { return told(d.engine().reread(reread_rows{{unread_name{"node", "T5"}, image("T5", 8, node(4))}}, d.now)); }});
    out.push_back({"device: forget_unread", unread, [](device& d) { return d.engine().forget_unread(unread_name{"dog", "D"}, d.now); }});
    out.push_back({"device: dismiss_lost",
                   [](device& d) {
                       d.synced();
                       lab_must(d.engine().note_epoch("e1", lost_intervals{}, d.drawn(), d.now));
                       lab_must(d.engine().note_epoch("e2", lost_intervals{lost_interval{4, 1000, 70, 10000}}, d.drawn(), d.now));
                       lab_must(d.engine().stage("walk", 0, 5, 1001, images{image("T", 1001, node(8, 8))}, cursor{40}, d.now, {}, false));
                   },
                   [](device& d) { return d.engine().dismiss_lost(key_named("T"), d.now); }});
    return out;
}

/// All of them.
inline std::vector<scenario<device>> work_of_a_device() {
    std::vector<scenario<device>> out;
    for (auto part : {starts_of_a_device(), local_work_of_a_device(), answers_to_a_device(), news_for_a_device()})
        for (auto& s : part) out.push_back(std::move(s));
    return out;
}

}  // namespace faults

#endif
