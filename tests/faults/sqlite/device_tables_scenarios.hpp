#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_TABLES_SCENARIOS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_TABLES_SCENARIOS_HPP

// A device whose tables change, whose bookkeeping is an older one, whose records' keys stand beside the app's own, or whose rows lie in a trash.

#include "faults/sqlite/device_scenarios.hpp"

#include <syncline/model/app_times.hpp>
#include <syncline/model/model_schema.hpp>

#include "support/older_layouts.hpp"

#include <string>
#include <utility>
#include <vector>

namespace faults {

namespace device_steps {

inline schema_set models_with(void (*change)(model_schema& node, model_schema& child)) {
    const schema_set plain = models();
    model_schema node = plain[0];
    model_schema child = plain[1];
    change(node, child);
    schema_set out;
    lab_must(out.add(std::move(node)));
    lab_must(out.add(std::move(child)));
    return out;
}

// What the app's tables become, as models.
inline schema_set with_c() {
    return models_with([](model_schema& node, model_schema&) { node.fields.push_back({"c", value_kind::integer, true, nullptr}); });
}
inline schema_set with_b_called_bb() {
    return models_with([](model_schema& node, model_schema&) { node.fields[1].name = "bb"; });
}
inline schema_set without_b() {
    return models_with([](model_schema& node, model_schema&) { node.fields.erase(node.fields.begin() + 1); });
}
/// Rebuilt with a new field, another one gone, and the rest in another order.
inline schema_set remade() {
    return models_with([](model_schema& node, model_schema&) {
        node.fields = {{"s", value_kind::text, true, nullptr}, {"c", value_kind::integer, true, nullptr}, {"b", value_kind::integer, true, nullptr}};
    });
}

/// A frozen change, an open one over it, one in the log, and a row that waits for its parent.
inline void in_the_old_table(device& d) {
    const auto then = d.world.models;
    d.world.models = models;
    two_layers(d, true);
    lab_must(d.engine().apply(next_page(), d.now));
    d.must_app({"UPDATE node SET b=4 WHERE id='P'", "UPDATE node SET a=5, b=5 WHERE id='T'"});
    d.close();
    d.world.models = then;
}
/// @p after stands at the end of the preparation: what the app does to its tables while no program of ours runs.
inline scenario<device> changed_tables(const std::string& name, schema_set (*after)(), const std::vector<std::string>& statements, bool suspends = false) {
    scenario<device> out{name,
                         [statements, suspends](device& d) {
                             in_the_old_table(d);
                             if (suspends) lab_must(watched_replica_store::suspend_capture(d.path()));
                             d.must_app(statements);
                         },
                         [](device& d) { return d.attach(); },
                         true};
    out.world.models = after;
    return out;
}

inline schema_set keyed_models() {
    return models_with([](model_schema& node, model_schema& child) {
        for (auto* m : {&node, &child}) {
            m->key_name = "tether_id";
            m->key_assigned = true;
        }
    });
}
/// The app's rows have numbers, and refer to each other by them; what names the records stands beside.
inline device_world keyed() {
    device_world w;
    w.tables = "CREATE TABLE node(nr INTEGER PRIMARY KEY, a INTEGER, b INTEGER, s TEXT UNIQUE);"
               "CREATE TABLE child(nr INTEGER PRIMARY KEY, a INTEGER, parent INTEGER REFERENCES node(nr) ON DELETE CASCADE);"
               "INSERT INTO node VALUES(1,1,0,NULL),(2,1,0,'p'); INSERT INTO child VALUES(1,1,2)";
    w.models = keyed_models;
    return w;
}
inline record_key key_of_child(const std::string& key) { return {1, key}; }
/// The rows are known to the authority, and so are some that came from it, which have keys of their own.
inline void keyed_and_synced(device& d) {
    lab_must(d.start());
    const auto first = d.freeze();
    outcomes all;
    for (const auto& item : first.items) all.push_back(answer(item.id, outcome_kind::applied, 5));
    lab_must(d.engine().settle(first.head.id, all, d.now));
    d.take({image("N1", 6, node(1, 1, "n1")), image("N2", 6, node(1, 1)), {key_of_child("K1"), 6, child(1, "N1"), {}}, {key_of_child("K2"), 6, child(1, "N2"), {}}});
}

inline schema_set trashing_models() {
    return models_with([](model_schema& node, model_schema& child) {
        for (auto* m : {&node, &child}) m->times = {time_column{"created_at"}, time_column{"updated_at"}, time_column{"deleted_at"}};
    });
}
inline device_world trashing() {
    device_world w;
    const std::string times = ", created_at INTEGER, updated_at INTEGER, deleted_at DATETIME";
    w.tables = "CREATE TABLE node(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT UNIQUE" + times + ");"
               "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, a INTEGER, parent TEXT REFERENCES node(id) ON DELETE CASCADE" + times + ");"
               "INSERT INTO node(id,a,b,s) VALUES('T',1,0,NULL),('P',1,0,'p'); INSERT INTO child(id,a,parent) VALUES('C1',1,'P');"
               "INSERT INTO node(id,a,b,s,deleted_at) VALUES('T9',1,0,'old','2020-01-01 00:00:00')";
    w.models = trashing_models;
    return w;
}

}  // namespace device_steps

inline std::vector<scenario<device>> changed_tables_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    out.push_back(changed_tables("device: open with a new column", with_c,
                                 {"ALTER TABLE node ADD COLUMN c INTEGER DEFAULT 7", "UPDATE node SET c=8 WHERE id='T2'", "INSERT INTO node(id,c) VALUES('T7',9)"}));
    out.push_back(changed_tables("device: open with a renamed column", with_b_called_bb,
                                 {"ALTER TABLE node RENAME COLUMN b TO bb", "UPDATE node SET bb=8 WHERE id='T2'"}));
    out.push_back(changed_tables("device: open without a column", without_b, {"ALTER TABLE node DROP COLUMN b", "UPDATE node SET a=8 WHERE id='T2'"}, true));
    out.push_back(changed_tables("device: open after the 12 steps", remade,
                                 {"CREATE TABLE n2(id TEXT PRIMARY KEY NOT NULL, s TEXT UNIQUE, c INTEGER NOT NULL DEFAULT 3, b INTEGER)",
                                  "INSERT INTO n2(id,s,b) SELECT id,s,b FROM node", "PRAGMA defer_foreign_keys=ON", "DROP TABLE node",
                                  "ALTER TABLE n2 RENAME TO node", "UPDATE node SET s='later' WHERE id='T2'", "DELETE FROM node WHERE id='P'"}));
    out.push_back(changed_tables("device: open after a table was emptied", models,
                                 {"CREATE TABLE n2(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT UNIQUE)", "PRAGMA defer_foreign_keys=ON", "DELETE FROM child",
                                  "DROP TABLE node", "ALTER TABLE n2 RENAME TO node"}));
    // While the program runs; it hears of it with its next transaction.
    const auto rebuilt_only = [](device& d) { d.must_app(rebuild()); };
    out.push_back(seldom<device>({"device: a rebuild while it runs", synced_and_edited,
                   [](device& d) -> result<void> {
                       auto db = sqlite_database::open(d.path());
                       if (!db) return std::move(db).error();
                       const auto there = db->query_integer("SELECT count(*) FROM node WHERE id='T3'");
                       if (!there) return there.error();
                       if (*there == 0)
                           if (auto r = d.app(rebuild()); !r) return r;
                       return told(d.engine().absorb(d.now));
                   },
                   false, {rebuilt_only}}));
    return out;
}

inline std::vector<scenario<device>> older_layouts_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    for (const int layout : {2, 3, 4, 5, 6, 7})
        out.push_back({"device: open on layout " + std::to_string(layout),
                       [layout](device& d) {
                           in_the_old_table(d);
                           auto db = lab_must(sqlite_database::open(d.path()));
                           older_layouts::replica_to(db, layout);
                       },
                       [](device& d) { return d.attach(); }, true, {}, {}, true, {}, {}, layout == 3 || layout == 4});
    return out;
}

inline std::vector<scenario<device>> keyed_tables_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    const auto opening = [](device& d) { return d.attach(); };
    out.push_back({"device: first opening, keys beside", [](device&) {}, opening, true});
    scenario<device> writes{"device: the app writes, keys beside", keyed_and_synced, [](device& d) {
                                return d.app({"UPDATE node SET a=2 WHERE nr=1", "INSERT INTO node(a) VALUES(3),(4)", "INSERT OR REPLACE INTO node VALUES(8,1,0,'p',NULL)",
                                              "INSERT INTO child(a,parent) SELECT 1,max(nr) FROM node", "DELETE FROM node WHERE s='n1'"});
                            }};
    writes.repeats = false;
    out.push_back(seldom(std::move(writes)));
    out.push_back({"device: absorb, a number given again",
                   [](device& d) {
                       keyed_and_synced(d);
                       d.must_app({"PRAGMA defer_foreign_keys=ON", "UPDATE node SET a=2 WHERE nr=1", "INSERT INTO child(a,parent) VALUES(1,1)",
                                   "INSERT INTO node(a) VALUES(3)", "DELETE FROM child WHERE tether_id='K2'", "DELETE FROM node WHERE tether_id='N2'",
                                   "INSERT INTO node(nr,a) SELECT max(nr)+1,5 FROM node"});
                   },
                   [](device& d) { return told(d.engine().absorb(d.now)); }});
    out.push_back({"device: rows that no trigger named",
                   [](device& d) {
                       keyed_and_synced(d);
                       // The app's own trigger inserts into the table that it stands on; ours does not run inside itself.
                       d.must_app({"CREATE TRIGGER twice AFTER INSERT ON node WHEN NEW.b IS NOT 77 BEGIN INSERT INTO node(a,b) VALUES(NEW.a,77); END",
                                   "INSERT INTO node(a) VALUES(5)"});
                   },
                   [](device& d) { return told(d.engine().absorb(d.now)); }});
    out.push_back({"device: apply a page, keys beside",
                   [](device& d) {
                       keyed_and_synced(d);
                       d.must_app({"UPDATE node SET b=3 WHERE tether_id='N2'"});
                   },
                   [](device& d) {
                       page p;
                       p.from = 10;
                       p.next = 20;
                       p.rows = {{key_of_child("K3"), 8, child(1, "N9"), {}}, image("N9", 8, node(1, 1, "n9")),       image("N2", 8, node(9)),
                                 {key_of_child("K1"), 8, child(2, "N9"), {}}, image("N1", 8, std::nullopt),            {key_of_child("K4"), 8, child(1, "nowhere"), {}},
                                 image("N8", 8, node(1, 1, "p"))};
                       auto done = d.engine().apply(p, d.now);
                       return done && done->stale ? make_fault(errc::stale, "") : told(done);
                   },
                   false, {}, errc::stale});
    out.push_back({"device: swap, keys beside",
                   [](device& d) {
                       keyed_and_synced(d);
                       lab_must(d.engine().begin_hydration(d.now));
                       lab_must(d.engine().stage("walk", 0, 5, 9, {image("N5", 9, node(1)), {key_of_child("K1"), 9, child(3, "N5"), {}}}, std::nullopt, d.now, {}, false));
                   },
                   [](device& d) { return told(d.engine().stage("walk", 5, 9, 9, {image("N2", 9, node(2)), {key_of_child("K5"), 9, child(1, "N2"), {}}}, cursor{40}, d.now, {}, false)); }});
    out.push_back(seldom<device>({"device: open after a rebuild, keys beside",
                   [](device& d) {
                       keyed_and_synced(d);
                       d.close();
                       d.must_app({"CREATE TABLE n2(nr INTEGER PRIMARY KEY, a INTEGER, b INTEGER, s TEXT UNIQUE, tether_id TEXT)",
                                   "INSERT INTO n2 SELECT nr,a,b,s,tether_id FROM node WHERE tether_id IS NOT 'N2'", "INSERT INTO n2(a,s) VALUES(6,'new')",
                                   "PRAGMA defer_foreign_keys=ON", "DELETE FROM child WHERE tether_id='K2'", "DROP TABLE node", "ALTER TABLE n2 RENAME TO node"});
                   },
                   opening, true}));
    out.push_back(seldom<device>({"device: uninstall, keys beside", keyed_and_synced,
                   [](device& d) {
                       d.close();
                       return watched_replica_store::uninstall(d.path());
                   },
                   true}));
    // What the map knows of numbers that nothing has or refers to any more goes whenever the store is opened.
    for (auto& s : out) {
        if (!s.starts)
            s.prepare = [before = s.prepare](device& d) {
                before(d);
                lab_must(d.attach());
            };
        s.only = {{"syncline_replica_keys_0", "\"local\" IN (SELECT nr FROM node) OR \"local\" IN (SELECT parent FROM child)"},
                  {"syncline_replica_keys_1", "\"local\" IN (SELECT nr FROM child)"}};
    }
    return in_world<device>(keyed(), std::move(out));
}

inline std::vector<scenario<device>> trash_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    out.push_back(seldom<device>({"device: first opening with a trash", [](device&) {}, [](device& d) { return d.attach(); }, true}));
    out.push_back({"device: absorb what went into the trash",
                   [](device& d) {
                       d.synced();
                       d.must_app({"UPDATE node SET deleted_at='2024-01-01 00:00:00' WHERE id='T'", "UPDATE child SET deleted_at='2024-01-01 00:00:00'",
                                   "UPDATE node SET deleted_at=NULL, a=4 WHERE id='T9'", "INSERT INTO node(id,a) VALUES('T2',1)"});
                   },
                   [](device& d) { return told(d.engine().absorb(d.now)); }});
    out.push_back({"device: apply a page over a trash",
                   [](device& d) {
                       d.synced();
                       d.take({image("T2", 6, node(1, 0, "x")), image("T3", 6, node(1))});
                       d.must_app({"UPDATE node SET deleted_at='2024-01-01 00:00:00' WHERE id='T2'"});
                       lab_must(d.engine().absorb(d.now));
                   },
                   [](device& d) {
                       page p;
                       p.from = 20;
                       p.next = 30;
                       // What was erased; what comes back; what a row in the trash would keep out; and under what the user put there.
                       p.rows = {image("C1", 8, std::nullopt), image("P", 8, std::nullopt), image("T9", 8, node(3)), image("T4", 8, node(1, 0, "old")), image("T2", 8, node(7))};
                       auto done = d.engine().apply(p, d.now);
                       return done && done->stale ? make_fault(errc::stale, "") : told(done);
                   },
                   false, {}, errc::stale});
    out.push_back({"device: restored from the trash, and swapped",
                   [](device& d) {
                       d.synced();
                       d.take({image("T", 7, std::nullopt)});
                       lab_must(d.engine().begin_hydration(d.now));
                   },
                   [](device& d) { return told(d.engine().stage("walk", 0, 9, 9, {image("T", 9, node(5)), image("T9", 9, node(1, 0, "p"))}, cursor{40}, d.now, {}, false)); }});
    return in_world<device>(trashing(), std::move(out));
}

}  // namespace faults

#endif
