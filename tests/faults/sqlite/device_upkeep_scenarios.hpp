#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_UPKEEP_SCENARIOS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_DEVICE_UPKEEP_SCENARIOS_HPP

// What a device does beside the way of a change: whose data it holds, who may sync, whether its file is a copy, and what waits for a person.

#include "faults/sqlite/device_scenarios.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace faults {

namespace device_steps {

/// A change in each state that there is, rows that could not be applied or read, and something that a restore took away.
inline void in_every_state(device& d) {
    two_layers(d, true);
    lab_must(d.engine().note_epoch("e1", {}, d.drawn(), d.now));
    lab_must(d.engine().note_account("ann", d.now));
    lab_must(d.engine().apply(next_page(), d.now));
    d.must_app({"UPDATE child SET a=7 WHERE id='C2'", "INSERT INTO node VALUES('T6',1,1,NULL)"});
    lab_must(d.engine().absorb(d.now));
}
/// The lease as a program takes it that is called @p owner.
inline result<std::optional<sync_lease>> take(device& d, const std::string& owner, timestamp when) {
    auto t = d.open_store().begin();
    if (!t) return std::move(t).error();
    auto mine = take_lease(*t, owner, {}, std::chrono::minutes{1}, when);
    if (!mine || !*mine) return mine;
    if (auto r = t->commit(); !r) return std::move(r).error();
    return mine;
}
inline result<void> must_take(device& d, const std::string& owner, timestamp when) {
    auto mine = take(d, owner, when);
    if (!mine) return std::move(mine).error();
    return *mine ? result<void>{} : make_fault(errc::busy, "another holds it");
}
inline void held(device& d) {
    d.synced();
    lab_must(must_take(d, "me", d.now));
}
/// Whoever holds the lease as "me" does something with it, in one transaction.
template <class Put>
result<void> with_lease(device& d, Put put) {
    sync_lease mine;
    mine.owner = "me";
    mine.fence = 1;
    auto t = d.open_store().begin();
    if (!t) return std::move(t).error();
    auto now = check_lease(*t, mine);
    if (!now) return std::move(now).error();
    if (auto r = put(*t, *now); !r) return r;
    return t->commit();
}
/// A sync under a lease: what is done in between is done once, whoever was stopped in the middle before.
inline result<void> sync_under_a_lease(device& d) {
    watched_fence fence{d.open_store()};
    watched_replica<fenced_store<watched_replica_store>> engine{fence.store(), resolver_set{}};
    auto before = fence.current();
    if (!before) return std::move(before).error();
    const timestamp when = before->owner.empty() ? d.now : from_microseconds(before->expires_us + 1);  // later than the one who was stopped
    auto mine = fence.take("me", std::chrono::minutes{1}, when);
    if (!mine) return std::move(mine).error();
    if (!*mine) return make_fault(errc::bug, "the lease is held by one who is gone");
    {
        const fenced_store<watched_replica_store>::raised up{fence.store(), when};
        if (auto r = engine.note_synced(d.now, true); !r) return r;
    }
    if (auto r = fence.renew(when + std::chrono::seconds{50}); !r) return r;
    if (auto r = fence.give_back(); !r) return r;
    auto after = fence.current();
    if (!after) return std::move(after).error();
    return after->owner.empty() ? result<void>{} : make_fault(errc::bug, "the lease was not given back");
}

inline device_world copied() {
    device_world w;
    w.options.token = {"lost", "next"};
    return w;
}
inline device_world with_token(const std::string& last, const std::string& next) {
    device_world w;
    w.options.token = {last, next};
    return w;
}

}  // namespace device_steps

inline std::vector<scenario<device>> accounts_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    out.push_back({"device: note_account", synced_and_edited, [](device& d) { return told(d.engine().note_account("ann", d.now)); }});
    out.push_back({"device: another account's answer", in_every_state, [](device& d) { return told(d.engine().note_account("bob", d.now)); }});
    out.push_back({"device: change_account", in_every_state,
                   [](device& d) { return d.engine().change_account(unsent_changes::discard, d.drawn(), d.now); }});
    out.push_back({"device: change_account, new records stay", in_every_state,
                   [](device& d) { return d.engine().change_account(unsent_changes::keep_new_records, d.drawn(), d.now); }});
    return out;
}

inline std::vector<scenario<device>> connections_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    const auto scope = [](scope_resolution what) { return scope_connection{what, what == scope_resolution::initialize_local ? "right" : "", {}, 0}; };
    for (const auto what : {scope_resolution::remote_authoritative, scope_resolution::initialize_local, scope_resolution::initialize_empty}) {
        const std::string name{what == scope_resolution::remote_authoritative ? "filled" : what == scope_resolution::initialize_local ? "to be filled" : "empty"};
        out.push_back({"device: connected, the account is " + name, synced_and_edited,
                       [=](device& d) { return d.engine().connected(scope(what), true, d.now); }});
    }
    out.push_back({"device: disconnected", [](device& d) {
                       two_layers(d, true);
                       lab_must(d.engine().connected(scope_connection{}, false, d.now));
                   },
                   [](device& d) { return d.engine().disconnected(d.drawn(), d.now); }});
    out.push_back({"device: a new source that the server is told of", synced_and_edited,
                   [](device& d) { return d.engine().renew_source(d.drawn(), false, d.now, "history_pruned"); }});
    for (const bool refused : {false, true})
        out.push_back({refused ? "device: replacement refused" : "device: replacement told", [](device& d) {
                           synced_and_edited(d);
                           lab_must(d.engine().renew_source(d.drawn(), false, d.now, "source_retired"));
                       },
                       [=](device& d) { return d.engine().replacement_told(refused, d.drawn(), d.now); }});
    out.push_back({"device: note_user", synced_and_edited, [](device& d) { return told(d.engine().note_user("ann", d.now)); }});
    out.push_back({"device: detach", in_every_state, [](device& d) { return d.engine().detach(true, d.drawn(), d.now); }});
    return out;
}

inline std::vector<scenario<device>> leases_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    scenario<device> taken{"device: lease taken", [](device& d) { d.synced(); }, [](device& d) { return must_take(d, "me", d.now); }, false, {}, errc::busy};
    taken.repeats = false;
    out.push_back(taken);
    taken.name = "device: lease taken over";
    taken.prepare = [](device& d) {
        d.synced();
        lab_must(must_take(d, "another", d.now));
    };
    taken.operation = [](device& d) { return must_take(d, "me", d.now + std::chrono::minutes{2}); };
    out.push_back(taken);
    out.push_back({"device: lease renewed", held, [](device& d) {
                       return with_lease(d, [&](auto& t, const sync_lease& l) { return t.put_lease(renewed(l, d.now + std::chrono::seconds{40})); });
                   }});
    out.push_back({"device: lease given back", held, [](device& d) { return with_lease(d, [](auto& t, const sync_lease& l) { return give_back_lease(t, l); }); },
                   false, {}, errc::busy});
    out.push_back({"device: one who was taken over",
                   [](device& d) {
                       held(d);
                       lab_must(must_take(d, "another", d.now + std::chrono::minutes{2}));
                   },
                   [](device& d) -> result<void> {
                       auto done = with_lease(d, [&](auto& t, const sync_lease&) { return t.write(key_named("T"), node(99)); });
                       if (done) return make_fault(errc::bug, "it wrote all the same");
                       if (done.error().detail.find("took over") == std::string::npos) return done;
                       return told(d.engine().status(d.now));  // ends what could not be rolled back
                   }});
    scenario<device> whole{"device: a sync under a lease", [](device& d) { d.synced(); }, sync_under_a_lease, false,
                           {[](device& d) { lab_must(d.engine().note_synced(d.now, true)); }}};
    whole.only = {{"syncline_replica_lease", "0"}};  // another number each time
    out.push_back(whole);
    whole.name = "device: a sync after a dead one";
    whole.prepare = [](device& d) {
        d.synced();
        lab_must(must_take(d, "another", d.now));
    };
    out.push_back(seldom<device>(std::move(whole)));
    return out;
}

inline std::vector<scenario<device>> copies_of_a_device() {
    using namespace device_steps;
    const auto opening = [](device& d) { return d.attach(); };
    const auto opened_with = [](const std::string& token) {
        return [token](device& d) {
            const auto then = std::exchange(d.world, with_token({}, token));
            synced_and_edited(d);
            d.close();
            d.world = then;
        };
    };
    std::vector<scenario<device>> out;
    out.push_back({"device: open with its first token", opened_with({}), opening, true});
    out.back().world = with_token({}, "first");
    out.push_back({"device: open with its next token", opened_with("last"), opening, true});
    out.back().world = with_token("last", "next");
    out.push_back({"device: open a copy", opened_with("another"), opening, true});
    out.back().world = copied();
    const auto renewed_only = [](device& d) { lab_must(d.engine().renew_source(d.drawn(), true, d.now, "")); };
    out.push_back({"device: a copy is declared",
                   [opened_with](device& d) {
                       opened_with("another")(d);
                       const auto then = std::exchange(d.world, with_token("another", "another"));
                       lab_must(d.start());
                       (void)d.freeze(true);
                       d.close();
                       d.world = then;
                   },
                   [](device& d) -> result<void> {
                       if (!d.open_store().is_copy()) return {};
                       if (auto r = d.engine().renew_source(d.drawn(), true, d.now, ""); !r) return r;
                       return d.open_store().keep_token();
                   },
                   false, {renewed_only}});
    out.back().world = copied();
    return out;
}

inline std::vector<scenario<device>> upkeep_of_a_device() {
    using namespace device_steps;
    std::vector<scenario<device>> out;
    out.push_back({"device: suspend_capture", synced_and_edited,
                   [](device& d) {
                       d.close();
                       return watched_replica_store::suspend_capture(d.path());
                   },
                   true});
    out.push_back({"device: open after suspended capture",
                   [](device& d) {
                       synced_and_edited(d);
                       d.close();
                       lab_must(watched_replica_store::suspend_capture(d.path()));
                       d.must_app({"UPDATE node SET a=11", "DELETE FROM child", "INSERT INTO node VALUES('T7',1,1,'t7')"});
                   },
                   [](device& d) { return d.attach(); }, true});
    out.push_back({"device: unsyncable",
                   [](device& d) {
                       d.synced();
                       d.must_app({"INSERT INTO node VALUES('',1,1,NULL),(x'00',1,1,NULL),(CAST(x'ff' AS TEXT),1,1,NULL)"});
                   },
                   [](device& d) -> result<void> {
                       auto found = d.open_store().unsyncable(2);
                       if (!found) return std::move(found).error();
                       return found->count == 3 && found->rows.size() == 2 ? result<void>{} : make_fault(errc::bug, "not all were found");
                   }});
    field_changes edits;
    edits.set(0, value::integer(20));
    edits.set(2, value::text("edited"));
    out.push_back({"device: edit", refused, [edits](device& d) { return d.engine().edit(key_named("T"), edits, 8, d.now); }, false, {}, errc::absent});
    out.push_back({"device: hears the authority's clock", synced_and_edited, [](device& d) {
                       d.engine().hear(at(900'000));
                       return told(d.engine().absorb(d.now));
                   }});
    out.push_back({"device: a page releases what waited",
                   [](device& d) {
                       in_every_state(d);
                       d.must_app({"UPDATE node SET b=6 WHERE id='T5'"});
                   },
                   [](device& d) {
                       page p;
                       p.from = 20;
                       p.next = 30;
                       p.rows = {image("P2", 12, node(1)), image("T5", 12, node(4)), image("P", 12, node(1)), image("T4", 12, node(2, 2, "q"))};
                       p.gone = {unread_name{"dog", "D"}};
                       auto done = d.engine().apply(p, d.now);
                       return done && done->stale ? make_fault(errc::stale, "") : told(done);  // a repetition finds its checkpoint moved
                   },
                   false, {}, errc::stale});
    out.push_back({"device: stage the last of a walk that tells deletions",
                   [](device& d) {
                       in_every_state(d);
                       lab_must(d.engine().begin_hydration(d.now));
                       lab_must(d.engine().stage("walk", 0, 5, 9, first_part(), std::nullopt, d.now, {}, true));
                   },
                   [](device& d) { return told(d.engine().stage("walk", 5, 9, 9, {image("C1", 9, std::nullopt)}, cursor{40}, d.now, {}, true)); }});
    out.push_back({"device: a page under a parent that the user erased",
                   [](device& d) {
                       d.synced();
                       d.must_app({"DELETE FROM node WHERE id='P'"});
                       lab_must(d.engine().absorb(d.now));
                   },
                   [](device& d) {
                       page p;
                       p.from = 10;
                       p.next = 20;
                       p.rows = {image("C2", 8, child(1, "P")), image("C1", 8, child(3, "P"))};
                       auto done = d.engine().apply(p, d.now);
                       return done && done->stale ? make_fault(errc::stale, "") : told(done);
                   },
                   false, {}, errc::stale});
    out.push_back({"device: a picture that lacks what was lost",
                   [](device& d) {
                       d.synced();
                       lab_must(d.engine().note_epoch("e1", {}, d.drawn(), d.now));
                       lab_must(d.engine().note_epoch("e2", {lost_interval{4, 1000, 70, 10000}}, d.drawn(), d.now));
                   },
                   [](device& d) { return told(d.engine().stage("walk", 0, 5, 1001, {image("T", 1001, node(8, 8))}, cursor{40}, d.now, {}, false)); }});
    out.push_back({"device: a page of an authority without versions",
                   [](device& d) {
                       lab_must(d.start());
                       lab_must(d.engine().note_epoch(std::string{unversioned_epoch}, {}, d.drawn(), d.now));
                       page first;
                       first.next = 5;
                       first.rows = {image("T", 0, node(3)), image("P", 0, node(1, 0, "p")), image("T2", 0, node(1))};
                       lab_must(d.engine().apply(first, d.now));
                       d.must_app({"UPDATE node SET a=9 WHERE id='T'"});
                   },
                   [](device& d) {
                       page p;
                       p.from = 5;
                       p.next = 9;
                       p.rows = {image("T", 0, node(3, 4)), image("T2", 0, std::nullopt), image("C2", 0, child(1, "P2"))};
                       auto done = d.engine().apply(p, d.now);
                       return done && done->stale ? make_fault(errc::stale, "") : told(done);
                   },
                   false, {}, errc::stale});
    return out;
}

}  // namespace faults

#endif
