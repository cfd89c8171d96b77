#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_TABLES_SCENARIOS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_TABLES_SCENARIOS_HPP

// A server whose tables change, whose bookkeeping is an older one, that serves several tenants, whose records' keys stand beside the app's own, or
// whose rows lie in a trash.

#include "faults/sqlite/device_tables_scenarios.hpp"
#include "faults/sqlite/server_scenarios.hpp"

#include <syncline/adapters/sqlite/authority_capture.hpp>

#include "support/older_layouts.hpp"

#include <string>
#include <utility>
#include <vector>

namespace faults {

namespace server_steps {

/// In the tables that were: sealed, with an upload in progress, a receipt, a device that sends no base, and something not sealed yet.
inline void in_the_old_tables(server& s) {
    const auto then = s.world.models;
    s.world.models = models;
    staged_for_push(s);
    lab_must(s.engine().create_session(s.ann, 1, 3, "session", s.now, {}));
    lab_must(s.engine().append_chunk(s.ann, "session", 0, upload(), s.now, {}));
    {
        auto t = lab_must(s.store().begin("main", access::write));
        lab_must(t.put_note("ann", "legacy/device/x", "as it was"));
        lab_must(t.put_note("ann", "another", "stays"));
        lab_must(t.commit());
    }
    s.close();
    s.world.models = then;
}
inline scenario<server> changed_tables(const std::string& name, schema_set (*after)(), const std::vector<std::string>& statements, bool suspends = false) {
    scenario<server> out{name,
                         [statements, suspends](server& s) {
                             in_the_old_tables(s);
                             if (suspends) {
                                 auto db = lab_must(sqlite_database::open(s.path()));
                                 lab_must(detach_sqlite_authority(db, false));
                             }
                             s.must_other(statements);
                         },
                         [](server& s) { return s.attach(); },
                         true};
    out.world.models = after;
    return out;
}

inline server_world keyed() {
    server_world w;
    w.tables = device_steps::keyed().tables;
    w.models = device_steps::keyed_models;
    return w;
}
inline server_world trashing() {
    server_world w;
    w.tables = device_steps::trashing().tables;
    w.models = device_steps::trashing_models;
    return w;
}
inline server_world owned() {
    server_world w;
    w.tables = "CREATE TABLE node(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT, owner TEXT NOT NULL, UNIQUE(owner,s));"
               "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, a INTEGER, parent TEXT REFERENCES node(id) ON DELETE CASCADE, owner TEXT NOT NULL);"
               "INSERT INTO node VALUES('T',1,0,NULL,'main'),('P',1,0,'p','main'),('O',1,0,'p','other'); INSERT INTO child VALUES('C1',1,'P','main'),('C2',1,'O','other')";
    w.options.owner_column = "owner";
    w.tenants = {"main", "other"};
    return w;
}
inline std::string kinds_of(const push_answer& answer) {
    std::string out;
    for (const auto& o : answer.outcomes) out.append(name_of(o.kind)).append(" ");
    return out;
}
/// A push whose outcomes are these, told the first time or again.
inline result<void> push(server& s, std::vector<mutation> all, const std::string& kinds) {
    auto answer = s.engine().push(s.ann, std::move(all), s.now, nullptr, std::nullopt);
    if (!answer) return std::move(answer).error();
    return kinds_of(*answer) == kinds ? result<void>{} : make_fault(errc::bug, kinds_of(*answer));
}
inline mutation about_child(mutation m) {
    m.what.key.model = 1;
    return m;
}
/// Sealed, with rows that came from devices.
inline void keyed_and_sealed(server& s) {
    lab_must(s.attach());
    lab_must(s.engine().seal_foreign("main", at(1000)));
    lab_must(push(s,
                  {change_of("k1", "N1", std::nullopt, node(1, 1, "n1")), change_of("k2", "N2", std::nullopt, node(1, 1)),
                   about_child(change_of("k3", "K1", std::nullopt, child(1, "N1"))), about_child(change_of("k4", "K2", std::nullopt, child(1, "N2")))},
                  "applied applied applied applied "));
}

}  // namespace server_steps

inline std::vector<scenario<server>> changed_tables_of_a_server() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    out.push_back(changed_tables("server: open with a new column", device_steps::with_c, {"ALTER TABLE node ADD COLUMN c INTEGER DEFAULT 7", "UPDATE node SET c=8 WHERE id='T'"}));
    out.push_back(changed_tables("server: open with a renamed column", device_steps::with_b_called_bb, {"ALTER TABLE node RENAME COLUMN b TO bb"}));
    out.push_back(changed_tables("server: open without a column", device_steps::without_b, {"ALTER TABLE node DROP COLUMN b"}, true));
    out.push_back(changed_tables("server: open after the 12 steps", device_steps::remade,
                                 {"CREATE TABLE n2(id TEXT PRIMARY KEY NOT NULL, s TEXT UNIQUE, c INTEGER NOT NULL DEFAULT 3, b INTEGER)",
                                  "INSERT INTO n2(id,s,b) SELECT id,s,b FROM node", "PRAGMA defer_foreign_keys=ON", "DROP TABLE node", "ALTER TABLE n2 RENAME TO node"}));
    // While the server runs: its next write finds it.
    const std::vector<std::string> rebuild = {"CREATE TABLE n2(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT UNIQUE)",
                                              "INSERT INTO n2 SELECT * FROM node WHERE id='P'", "INSERT INTO n2 VALUES('T3',1,1,'t')",
                                              "PRAGMA defer_foreign_keys=ON", "DROP TABLE node", "ALTER TABLE n2 RENAME TO node"};
    out.push_back(seldom<server>({"server: a rebuild while it runs", staged,
                   [rebuild](server& s) -> result<void> {
                       auto db = sqlite_database::open(s.path());
                       if (!db) return std::move(db).error();
                       const auto there = db->query_integer("SELECT count(*) FROM node WHERE id='T3'");
                       if (!there) return there.error();
                       if (*there == 0)
                           if (auto r = s.other(rebuild); !r) return r;
                       return told(s.engine().seal_foreign("main", s.now));
                   },
                   false, {[rebuild](server& s) { s.must_other(rebuild); }}}));
    scenario<server> in_part{"server: push of a part of a new row",
                             [](server& s) {
                                 in_the_old_tables(s);
                                 s.must_other({"ALTER TABLE node ADD COLUMN c INTEGER DEFAULT 7"});
                                 lab_must(s.attach());
                             },
                             [](server& s) -> result<void> {
                                 auto m = change_of("n1", "T7", std::nullopt, node(1));
                                 m.what.changes = {};
                                 m.what.changes.set(0, value::integer(1));
                                 if (auto r = push(s, {std::move(m)}, "applied "); !r) return r;
                                 auto t = s.store().begin("main", access::snapshot);
                                 if (!t) return std::move(t).error();
                                 auto row = t->current(key_named("T7"));
                                 if (!row) return std::move(row).error();
                                 return *row && (*row)->fields[3] == value::integer(7) ? result<void>{} : make_fault(errc::bug, "it has no default");
                             }};
    in_part.world.models = device_steps::with_c;
    out.push_back(std::move(in_part));
    for (const auto& [format, with_labels] : {std::pair{1, false}, std::pair{1, true}, std::pair{2, true}})
        out.push_back({"server: open format " + std::to_string(format) + (with_labels ? "" : " without labels"),
                       [f = format, labels = with_labels](server& s) {
                           in_the_old_tables(s);
                           auto db = lab_must(sqlite_database::open(s.path()));
                           older_layouts::authority_to(db, f, labels);
                       },
                       [](server& s) { return s.attach(); }, true});
    const auto detached = [](bool tables_too) {
        return [tables_too](server& s) -> result<void> {
            s.close();
            auto db = sqlite_database::open(s.path());
            if (!db) return std::move(db).error();
            return detach_sqlite_authority(*db, tables_too);
        };
    };
    out.push_back({"server: detach", staged, detached(true), true});
    out.push_back({"server: detach, the history stays", staged, detached(false), true});
    out.push_back({"server: unsyncable",
                   [](server& s) {
                       s.sealed();
                       s.must_other({"INSERT INTO node VALUES('',1,1,NULL),(x'00',1,1,NULL)"});
                       lab_must(s.engine().seal_foreign("main", s.now));
                   },
                   [](server& s) -> result<void> {
                       auto found = s.store().unsyncable(1);
                       if (!found) return std::move(found).error();
                       return found->count == 2 && found->rows.size() == 1 ? result<void>{} : make_fault(errc::bug, "not all were found");
                   }});
    return out;
}

inline std::vector<scenario<server>> owned_tables_of_a_server() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    const auto both = [](server& s) {
        lab_must(s.attach());
        for (const auto& tenant : s.world.tenants) lab_must(s.engine().seal_foreign(tenant, at(1000)));
        s.must_other({"UPDATE node SET b=5 WHERE id='T'"});
        lab_must(s.engine().seal_foreign("main", at(1001)));
        s.must_other({"UPDATE node SET a=9 WHERE id IN ('P','O')", "INSERT INTO node VALUES('T2',1,0,NULL,'other')"});
    };
    out.push_back(seldom<server>({"server: first opening with owners", [](server&) {}, [](server& s) { return s.attach(); }, true}));
    out.push_back({"server: one tenant is sealed", both, [](server& s) { return told(s.engine().seal_foreign("main", s.now)); }});
    out.push_back({"server: another tenant's keys are pushed", both, [](server& s) {
                       // Neither a key nor a parent of theirs, by no operation; a new row gets this owner, whatever is taken elsewhere.
                       return push(s,
                                   {change_of("o3", "C3", std::nullopt, child(1, "O")), change_of("o1", "O", node(1), node(2), 1),
                                    change_of("o2", "C2", std::nullopt, child(3, "P")), change_of("o4", "T7", std::nullopt, node(1, 0, "q")),
                                    change_of("o5", "C1", child(1, "P"), child(2, "P"), 1)},
                                   "refused superseded refused applied applied ");
                   }});
    scenario<server> writes{"server: another program writes for two tenants", both, [](server& s) {
                                return s.other({"UPDATE node SET a=a+1", "DELETE FROM node WHERE id='O'", "INSERT OR REPLACE INTO node VALUES('P',5,5,'p','other')"});
                            }};
    writes.repeats = false;
    out.push_back(std::move(writes));
    return in_world<server>(owned(), std::move(out));
}

inline std::vector<scenario<server>> keyed_tables_of_a_server() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    out.push_back(seldom<server>({"server: first opening, keys beside", [](server&) {}, [](server& s) { return s.attach(); }, true}));
    scenario<server> writes{"server: another program writes, keys beside", keyed_and_sealed, [](server& s) {
                                return s.other({"UPDATE node SET a=2 WHERE nr=1", "INSERT INTO node(a) VALUES(3),(4)", "INSERT OR REPLACE INTO node VALUES(8,1,0,'p',NULL)",
                                                "INSERT INTO child(a,parent) SELECT 1,max(nr) FROM node", "DELETE FROM node WHERE s='n1'"});
                            }};
    writes.repeats = false;
    out.push_back(std::move(writes));
    const auto stirred = [](server& s) {
        keyed_and_sealed(s);
        s.must_other({"CREATE TRIGGER twice AFTER INSERT ON node WHEN NEW.b IS NOT 77 BEGIN INSERT INTO node(a,b) VALUES(NEW.a,77); END", "INSERT INTO node(a) VALUES(5)",
                      "DELETE FROM node WHERE tether_id='N2'", "UPDATE child SET parent=1 WHERE nr=1"});
    };
    out.push_back({"server: seal, keys beside", stirred, [](server& s) { return told(s.engine().seal_foreign("main", s.now)); }});
    out.push_back({"server: push, keys beside", stirred, [](server& s) {
                       return push(s,
                                   {change_of("p1", "N3", std::nullopt, node(1, 1)), about_child(change_of("p2", "K3", std::nullopt, child(1, "N3"))),
                                    about_child(change_of("p3", "K1", child(1, "N1"), child(1, "N3"), 2)), about_child(change_of("p4", "K4", std::nullopt, child(1, "nowhere"))),
                                    change_of("p5", "N1", node(1, 1, "n1"), std::nullopt, 2)},
                                   "applied applied applied refused applied ");
                   }});
    out.push_back(seldom<server>({"server: commit_session, keys beside",
                   [](server& s) {
                       keyed_and_sealed(s);
                       lab_must(s.engine().create_session(s.ann, 1, 2, "session", s.now, {}));
                       lab_must(s.engine().append_chunk(s.ann, "session", 0,
                                                        {change_of("b1", "N3", std::nullopt, node(1)), about_child(change_of("b2", "K3", std::nullopt, child(1, "N3")))}, s.now, {}));
                   },
                   [](server& s) -> result<void> {
                       auto answer = s.engine().commit_session(s.ann, "session", s.now);
                       if (!answer) return std::move(answer).error();
                       return answer->committed ? result<void>{} : make_fault(errc::bug, "it was not committed");
                   },
                   false, {}, errc::session_gone}));
    out.push_back(seldom<server>({"server: detach, keys beside", keyed_and_sealed,
                   [](server& s) -> result<void> {
                       s.close();
                       auto db = sqlite_database::open(s.path());
                       if (!db) return std::move(db).error();
                       return detach_sqlite_authority(*db, true);
                   },
                   true}));
    // What the map knows of numbers that nothing has or refers to any more goes whenever the store is opened.
    for (auto& s : out) {
        if (!s.starts)
            s.prepare = [before = s.prepare](server& it) {
                before(it);
                lab_must(it.attach());
            };
        s.only = {{"syncline_authority_keys_node", "\"local\" IN (SELECT nr FROM node) OR \"local\" IN (SELECT parent FROM child)"},
                  {"syncline_authority_keys_child", "\"local\" IN (SELECT nr FROM child)"}};
    }
    return in_world<server>(keyed(), std::move(out));
}

inline std::vector<scenario<server>> trash_of_a_server() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    out.push_back(seldom<server>({"server: first opening with a trash", [](server&) {}, [](server& s) { return s.attach(); }, true}));
    const auto trashed = [](server& s) {
        s.sealed();
        s.must_other({"UPDATE node SET deleted_at='2024-01-01 00:00:00' WHERE id='T'", "INSERT INTO node(id,a,s,deleted_at) VALUES('T8',1,'eight','2024-01-01 00:00:00')",
                      "UPDATE node SET deleted_at=NULL WHERE id='T9'"});
    };
    out.push_back({"server: seal over a trash", trashed, [](server& s) { return told(s.engine().seal_foreign("main", s.now)); }});
    out.push_back({"server: push over a trash", trashed, [](server& s) {
                       // Into the trash, with what refers to it; out of it; and a value that a row there holds.
                       return push(s,
                                   {change_of("d1", "C1", child(1, "P"), std::nullopt, 1), change_of("d2", "P", node(1, 0, "p"), std::nullopt, 1),
                                    change_of("d3", "T", std::nullopt, node(7)), change_of("d4", "T2", std::nullopt, node(1, 1, "eight"))},
                                   "applied applied applied refused ");
                   }});
    return in_world<server>(trashing(), std::move(out));
}

}  // namespace faults

#endif
