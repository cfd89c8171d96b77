#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_VIEWS_SCENARIOS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_SERVER_VIEWS_SCENARIOS_HPP

// What a server remembers of single devices: of those that send no base, what they have seen; where models have buckets, what they may see.

#include "faults/sqlite/server_tables_scenarios.hpp"

#include <syncline/engine/legacy_memory.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace faults {

namespace server_steps {

inline const value_equivalence& same_values() {
    static const value_equivalence same = [](const field_schema&, const value& a, const value& b) { return a == b; };
    return same;
}
/// A mutation as a device sends it that sends no base: the whole row, and its own number.
inline mutation whole(const mutation_id& id, const std::string& key, const std::optional<record>& row, std::uint64_t number) {
    mutation m = change_of(id, key, std::nullopt, row);
    m.what.op = row ? operation::update : operation::erase;
    m.what.ordinal = number;
    return m;
}
inline result<push_answer> push_without_bases(server& s, const caller& who, std::vector<mutation> all) { return s.engine().push(who, std::move(all), s.now, &same_values(), std::nullopt); }
inline pull_query from_cursor(cursor from, bool legacy) {
    pull_query q;
    q.from = from;
    q.legacy = legacy;
    return q;
}
inline result<pull_answer> pull(server& s, const caller& who, cursor from, bool legacy) { return s.engine().pull(who, from_cursor(from, legacy), s.now); }
/// A device that has pulled everything, shown it, and pushed once since.
inline cursor known_without_bases(server& s) {
    s.sealed();
    const cursor next = lab_must(pull(s, s.ann, 0, true)).rows.next;
    lab_must(pull(s, s.ann, next, true));
    lab_must(push_without_bases(s, s.ann, {whole("l1", "T", node(2, 5), 1)}));
    return next;
}

inline server_world granted(label_set labels, const std::string& version = "1") {
    server_world w;
    const bucket_rule by_b = [](const model_schema& m, std::string_view, const record& row) {
        if (m.name == "child") return label_set{"children"};
        return row.fields[1].is_null() ? label_set{} : label_set{"g" + std::to_string(row.fields[1].as_integer())};
    };
    w.scopes.buckets = {{"node", by_b}, {"child", by_b}};
    w.scopes.granted = [labels](std::string_view, std::string_view) -> result<label_set> { return labels; };
    w.scopes.version = version;
    return w;
}
/// Sealed, and pulled to the end by a device that was granted g0 and g1, and children. @return its cursor
inline cursor pulled(server& s, bool legacy = false) {
    const auto then = std::exchange(s.world, granted({"g0", "g1", "children"}));
    s.sealed();
    s.must_other({"INSERT INTO node VALUES('N1',1,1,NULL),('N2',1,2,NULL),('N3',1,3,NULL)", "INSERT INTO child VALUES('C2',1,'N1'),('C3',1,'N2')"});
    cursor at = 0;
    for (bool more = true; more;) {
        auto answer = lab_must(pull(s, s.ann, at, legacy));
        at = answer.rows.next;
        more = answer.rows.more;
    }
    s.close();
    s.world = then;
    lab_must(s.attach());
    return at;
}
/// What others do, by which records come into view and leave it, with what refers to them.
inline void moved_about(server& s) {
    s.must_other({"UPDATE node SET b=2 WHERE id='N1'", "UPDATE node SET b=1 WHERE id='N3'", "DELETE FROM node WHERE id='N2'", "UPDATE node SET a=5 WHERE id='P'"});
}

}  // namespace server_steps

inline std::vector<scenario<server>> devices_without_bases() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    // A pull notes the device's cursor and then what it has seen; of the cursor it may as well be later.
    out.push_back({"server: first pull without bases", [](server& s) { s.sealed(); }, [](server& s) { return told(pull(s, s.ann, 0, true)); }, false,
                   {[](server& s) { noted_only(s, std::nullopt, 1003); },
                    [](server& s) {
                        auto t = lab_must(s.store().begin("main", access::write));
                        lab_must(note_legacy_pull(t, s.store().schemas(), "ann", "device", 0, 1003, 1003));
                        lab_must(t.commit());
                    }}});
    out.push_back({"server: push without bases",
                   [](server& s) {
                       known_without_bases(s);
                       s.must_other({"UPDATE node SET a=9 WHERE id='T'"});
                   },
                   [](server& s) {
                       return told(push_without_bases(s, s.ann,
                                                      {whole("l2", "T", node(3, 5), 2), whole("l3", "T2", node(1), 3), whole("l4", "T4", node(1, 13), 4), whole("l5", "T4", node(2, 13), 5),
                                                       whole("l6", "C1", std::nullopt, 6)}));
                   }});
    auto shown = std::make_shared<cursor>();
    out.push_back({"server: pull without bases ends a run", [shown](server& s) { *shown = known_without_bases(s); },
                   [shown](server& s) { return told(pull(s, s.ann, *shown, true)); }});
    out.push_back({"server: a device changes its id", [shown](server& s) { *shown = known_without_bases(s); },
                   [shown](server& s) {
                       return told(push_without_bases(s, caller{"main", "ann", "renamed"}, {whole("l2", "T", node(3, 5), 2), whole("l3", "T2", node(1), 1)}));
                   }});
    out.push_back({"server: retain forgets a device",
                   [](server& s) {
                       known_without_bases(s);
                       s.must_other({"DELETE FROM node WHERE id='P'"});
                   },
                   [](server& s) { return told(s.engine().retain("main", 1, s.now + std::chrono::hours{24 * 400})); }});
    return out;
}

inline std::vector<scenario<server>> views_of_devices() {
    using namespace server_steps;
    std::vector<scenario<server>> out;
    const auto in = [&](const server_world& world, scenario<server> s) {
        s.world = world;
        out.push_back(std::move(s));
    };
    const label_set all{"g0", "g1", "children"};
    auto shown = std::make_shared<cursor>();
    const auto moved = [shown](server& s) {
        *shown = pulled(s);
        moved_about(s);
    };
    in(granted(all), {"server: seal and label", moved, [](server& s) { return told(s.engine().seal_foreign("main", s.now)); }});
    in(granted(all), seldom<server>({"server: pull a view", moved, [shown](server& s) { return told(pull(s, s.ann, *shown, false)); }}));
    in(granted({"g1", "g3", "children"}), {"server: pull a view, other grants", moved, [shown](server& s) { return told(pull(s, s.ann, *shown, false)); }});
    in(granted({}), {"server: pull a view, all taken away", [shown](server& s) { *shown = pulled(s); }, [shown](server& s) { return told(pull(s, s.ann, *shown, false)); }});
    in(granted(all), {"server: push into a view", moved, [](server& s) {
                          // N4 is not granted, N3 was just moved in; N1 moved out, its child went along; T leaves the view by this very change.
                          return push(s,
                                      {change_of("v1", "N4", std::nullopt, node(1, 4)), change_of("v2", "N5", std::nullopt, node(1, 1)), change_of("v3", "N1", node(1, 1), node(2, 1), 3),
                                       change_of("v4", "C5", std::nullopt, child(1, "N5")), change_of("v5", "C2", child(1, "N1"), child(2, "N1"), 3)},
                                      "refused applied refused applied held ");
                      }});
    in(granted({"g1", "children"}), seldom<server>({"server: push after a grant was taken away", moved, [](server& s) {
                                         return push(s, {change_of("v1", "P", node(1, 0, "p"), node(2, 0, "p"), 1), change_of("v2", "N5", std::nullopt, node(1, 1))}, "refused applied ");
                                     }}));
    in(granted(all, "2"), {"server: labelled by other rules", moved, [](server& s) { return told(s.engine().seal_foreign("main", s.now)); }});
    in(granted(all), {"server: retain forgets a view",
                      [](server& s) {
                          pulled(s);
                          moved_about(s);
                      },
                      [](server& s) { return told(s.engine().retain("main", 1, s.now + std::chrono::hours{24 * 400})); }});
    in(granted({"g1", "children"}), {"server: pull a view without bases",
                                     [shown](server& s) {
                                         *shown = pulled(s, true);
                                         moved_about(s);
                                     },
                                     [shown](server& s) { return told(pull(s, s.ann, *shown, true)); }});
    return out;
}

}  // namespace faults

#endif
