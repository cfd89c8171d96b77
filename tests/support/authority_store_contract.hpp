#ifndef SYNCLINE_TESTS_SUPPORT_AUTHORITY_STORE_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_AUTHORITY_STORE_CONTRACT_HPP

#include "support/authority_history_contract.hpp"
#include "support/authority_notes_contract.hpp"
#include "support/authority_store_model.hpp"
#include "support/store_contract.hpp"

#include <syncline/storage/authority_store.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// The executable form of the table and of A1 to A7 in `storage/authority_store.hpp`.
//
//   TEST_CASE("my_store: keeps the authority store's contract") { store_contract::check_authority_store([] { return my_harness{}; }); }
//
// `make()` gives a harness over a store that is fresh and empty, with the models of `store_contract::schemas()`:
//
//   h.store()                      the store, by reference
//   h.reopen()                     closes the store and opens it again on the same data; no transaction is open then
//   h.app_write(tenant, key, row)  what the app does by plain SQL: insert or replace, committed; result<void>
//   h.app_erase(tenant, key)       the same for delete, foreign keys on
//   h.row(tenant, key)             the row as the app reads it now, std::optional<record>
//
// and where it can:
//
//   h.install_trigger()            from now on an app trigger turns the title "shout" of a written `task` into "SHOUT"
//   h.holds(kind, value)           whether the app's column of a field of that kind can keep the value; without it: always.
//                                  What it cannot keep, `write` must refuse (`unsupported` or `constraint`)
//   h.other_store()                a second store object on the same data, by reference
//   h.attach_to(tenant, key, row)  starts anew: the tables hold that row before a store is attached to them for the first time

namespace store_contract {

template <class Make>
void check_authority_rows(Make make) {
    auto h = make();
    const record_key a{task, "a"};
    const record_key b{task, "b"};

    SECTION("what is written is current, in the transaction and after it") {
        change_in(h, "alice", [&](auto& t) {
            CHECK_FALSE(must(t.current(a)));
            must(t.write(a, task_row("one")));
            CHECK(must(t.current(a)) == task_row("one"));
            must(t.write(a, task_row("two", "slug")));
            must(t.write(b, task_row("b")));
            must(t.erase(b));
            must(t.erase(b));
            CHECK_FALSE(must(t.current(b)));
        });
        h.reopen();
        CHECK(h.row("alice", a) == task_row("two", "slug"));
        CHECK_FALSE(h.row("alice", b));
    }
    SECTION("every key is kept apart from its neighbours, in the tables and in the history") {
        const auto keys = awkward_keys();
        change_in(h, "alice", [&](auto& t) {
            std::vector<planned_change> plan;
            for (std::size_t i = 0; i < keys.size(); ++i) plan.push_back({{task, keys[i]}, task_row(std::to_string(i)), keys[i]});
            write_and_seal(t, plan);
            for (std::size_t i = 0; i < keys.size(); ++i) {
                receipt r;
                r.id = keys[i];
                r.key = {task, keys[i]};
                r.version = static_cast<std::int64_t>(i);
                must(t.put_receipt(keys[keys.size() - 1 - i], r));
                must(t.put_bundle_receipt(bundle_receipt{keys[i], static_cast<std::int64_t>(i + 1), 1, keys[i], 1, keys[i]}));
            }
        });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                INFO("key " << quoted(keys[i]));
                CHECK(must(t.current(key)) == task_row(std::to_string(i)));
                const auto s = must(t.sealed(key));
                CHECK((s && s->row == task_row(std::to_string(i))));
                const auto marks = must(t.changes_of(key, 0));
                REQUIRE(marks.size() == 1);
                CHECK((marks[0].writer == keys[i]));  // not every key can stand in a report
                const auto r = must(t.find_receipt(keys[keys.size() - 1 - i], keys[i]));
                CHECK((r && r->version == static_cast<std::int64_t>(i) && r->key == key));
                CHECK(must(t.last_source_bundle_id(keys[i])) == static_cast<std::int64_t>(i + 1));
            }
            CHECK(must(t.latest_after(0, 1000)).size() == keys.size());
        });
    }
    SECTION("a value is kept exactly, in the table and in the history, or refused") {
        const record_key s{sample, "s"};
        const schema_set models = schemas();
        for (const auto& awkward : awkward_values()) {
            const std::size_t field = awkward.field;
            const value& v = awkward.v;
            INFO(models[sample].fields[field].name << " = " << show(v));
            bool holds = true;
            if constexpr (requires { h.holds(v.kind(), v); }) holds = h.holds(models[sample].fields[field].kind, v);
            const record row = sample_row(field, v);
            change_in(h, "alice", [&](auto& t) {
                must(t.erase(s));
                if (holds) {
                    const bundle sealed = write_and_seal(t, {{s, row, {}}});
                    CHECK(must(t.bundle_rows(sealed.head.seq, 0, 9)) == sealed.rows);
                } else {
                    const errc code = fault_of(t.write(s, row));
                    CHECK((code == errc::unsupported || code == errc::constraint));
                    CHECK_FALSE(must(t.current(s)));
                }
            });
            if (!holds) continue;
            CHECK(show(h.row("alice", s)) == show(row));
            look_at(h, "alice", [&](auto& t) {
                CHECK(must(t.current(s)) == row);
                CHECK(must(t.sealed(s))->row == row);
            });
        }
    }
    SECTION("A7: a refused write is undone, says which constraint, and the transaction goes on") {
        change_in(h, "alice", [&](auto& t) {
            must(t.write(a, task_row("a", "taken")));
            must(t.take_staged());
            const auto refused = t.write(b, task_row("b", "taken"));
            CHECK(fault_of(refused) == errc::constraint);
            CHECK(refused.error().detail.find("slug") != std::string::npos);
            CHECK_FALSE(must(t.current(b)));
            record untitled = task_row("x");
            untitled.fields[0] = value::null();
            const auto null = t.write(a, untitled);
            CHECK(fault_of(null) == errc::constraint);
            CHECK(null.error().detail.find("title") != std::string::npos);
            CHECK(must(t.current(a)) == task_row("a", "taken"));
            CHECK_FALSE(must(t.has_staged()));
            must(t.savepoint());
            CHECK(fault_of(t.write(b, task_row("b", "taken"))) == errc::constraint);
            must(t.rollback_to_savepoint());
            must(t.write(b, task_row("b", "free")));
        });
        CHECK(h.row("alice", a) == task_row("a", "taken"));
        CHECK(h.row("alice", b) == task_row("b", "free"));
    }
    SECTION("A6: nothing of another tenant is visible or changed") {
        const record_key p{project, "p"};
        change_in(h, "alice", [&](auto& t) {
            write_and_seal(t, {{p, project_row("hers"), "m"}, {a, task_row("hers", "slug", "p"), "m"}}, "dev", 1);
            receipt r;
            r.id = "m";
            must(t.put_receipt("p", r));
            must(t.put_bundle_receipt(bundle_receipt{"dev", 1, 1, "h", 1}));
            must(t.put_session(push_session{"s", "p", "dev", 2, 1, 0, from_microseconds(9)}));
            must(t.append_session("s", 0, {mutation{"m", plain_intent(a, operation::erase, 1)}}));
            snapshot_head wanted;
            wanted.id = "snap";
            wanted.expires = from_microseconds(9);
            must(t.make_snapshot(wanted));
            must(t.write(a, task_row("hers, unsealed", "slug", "p")));
        });
        std::string hers;
        look_at(h, "alice", [&](auto& t) { hers = authority_text(t, "alice"); });
        change_in(h, "bob", [&](auto& t) {
            CHECK_FALSE(must(t.has_staged()));
            CHECK(must(t.take_staged()).empty());
            CHECK_FALSE(must(t.current(a)));
            CHECK_FALSE(must(t.sealed(a)));
            CHECK(must(t.changes_of(a, 0)).empty());
            CHECK(must(t.referencing(p, 9)).empty());
            CHECK(must(t.latest_after(0, 9)).empty());
            CHECK(must(t.bundle_heads(0, 9)).empty());
            CHECK(must(t.bundle_rows(1, 0, 9)).empty());
            CHECK(must(t.head()).seq == 0);
            CHECK(must(t.head()).stamp == 0);
            CHECK_FALSE(must(t.find_receipt("p", "m")));
            CHECK_FALSE(must(t.find_bundle_receipt("dev", 1)));
            CHECK(must(t.last_source_bundle_id("dev")) == 0);
            CHECK_FALSE(must(t.find_session("s")));
            CHECK(must(t.session_mutations("s")).empty());
            CHECK_FALSE(must(t.find_snapshot("snap")));
            CHECK(must(t.snapshot_rows("snap", 0, 9)).empty());
            CHECK(fault_of(t.write(a, task_row("his"))) == errc::absent);
            must(t.erase(a));
            must(t.erase(p));
            CHECK_FALSE(must(t.has_staged()));
            must(t.drop_session("s"));
            must(t.drop_sessions("dev", 2));
            must(t.drop_snapshot("snap"));
            must(t.expire(from_microseconds(1000)));
            write_and_seal(t, {{{task, "his"}, task_row("his", "slug"), {}}});
            must(t.prune(1));
        });
        look_at(h, "alice", [&](auto& t) {
            CHECK(authority_text(t, "alice") == hers);
            CHECK(must(t.current(a)) == task_row("hers, unsealed", "slug", "p"));
            CHECK(must(t.find_session("s")).has_value());
            CHECK(must(t.session_mutations("s")).size() == 1);
            CHECK(must(t.snapshot_rows("snap", 0, 9)).size() == 2);
            CHECK(must(t.head()).seq == 1);
        });
    }
}

template <class Make>
void check_authority_transactions(Make make) {
    auto h = make();
    using transaction = typename std::remove_reference_t<decltype(h.store())>::transaction;
    const record_key a{task, "alice-a"};
    const record_key b{task, "alice-b"};
    const record_key p{project, "alice-a"};

    SECTION("A2: one writer of a tenant at a time, and afterwards the transaction is over") {
        auto t = must(h.store().begin("alice", access::write));
        CHECK(fault_of(h.store().begin("alice", access::write)) == errc::busy);
        if constexpr (requires { h.other_store(); }) CHECK(fault_of(h.other_store().begin("alice", access::write)) == errc::busy);
        CHECK(fault_of(h.app_write("alice", b, task_row("app"))) == errc::busy);
        auto moved = std::move(t);
        must(moved.write(a, task_row("one")));
        must(moved.commit());
        CHECK(fault_of(moved.current(a)) == errc::bug);
        CHECK(fault_of(moved.write(a, task_row("late"))) == errc::bug);
        CHECK(fault_of(moved.commit()) == errc::bug);
        must(h.store().begin("alice", access::write));
        CHECK(h.row("alice", a) == task_row("one"));
    }
    SECTION("A2: a snapshot sees one committed state, whatever is written meanwhile") {
        change_in(h, "alice", [&](auto& t) { write_and_seal(t, {{a, task_row("old"), {}}}); });
        auto before = must(h.store().begin("alice", access::snapshot));
        const std::string old = authority_text(before, "alice");
        {
            auto t = must(h.store().begin("alice", access::write));
            write_and_seal(t, {{a, task_row("new"), {}}, {b, task_row("more"), {}}});
            must(t.prune(1));
            CHECK(authority_text(before, "alice") == old);
            auto during = must(h.store().begin("alice", access::snapshot));
            CHECK(authority_text(during, "alice") == old);
            must(t.write(a, task_row("staged")));
            must(t.commit());
            CHECK(authority_text(during, "alice") == old);
            CHECK_FALSE(must(during.has_staged()));
        }
        CHECK(authority_text(before, "alice") == old);
        auto after = must(h.store().begin("alice", access::snapshot));
        CHECK(must(after.current(a)) == task_row("staged"));
        CHECK(must(after.has_staged()));
        must(before.commit());
        must(after.commit());
        CHECK(fault_of(after.head()) == errc::bug);
    }
    SECTION("A2: a snapshot cannot write") {
        change_in(h, "alice", [&](auto& t) { write_and_seal(t, {{a, task_row("old"), {}}}); });
        must(h.app_write("alice", b, task_row("staged")));
        auto t = must(h.store().begin("alice", access::snapshot));
        const std::string before = authority_text(t, "alice");
        CHECK(fault_of(t.write(a, task_row("x"))) == errc::bug);
        CHECK(fault_of(t.erase(a)) == errc::bug);
        CHECK(fault_of(t.take_staged()) == errc::bug);
        CHECK(fault_of(t.append(bundle_of(must(t.head()), {{a, task_row("x"), {}}}))) == errc::bug);
        CHECK(fault_of(t.put_receipt("p", receipt{})) == errc::bug);
        CHECK(fault_of(t.put_bundle_receipt(bundle_receipt{})) == errc::bug);
        CHECK(fault_of(t.put_session(push_session{})) == errc::bug);
        CHECK(fault_of(t.drop_session("s")) == errc::bug);
        CHECK(fault_of(t.drop_sessions("s", 1)) == errc::bug);
        CHECK(fault_of(t.append_session("s", 0, {})) == errc::bug);
        CHECK(fault_of(t.make_snapshot(snapshot_head{})) == errc::bug);
        CHECK(fault_of(t.drop_snapshot("s")) == errc::bug);
        CHECK(fault_of(t.prune(1)) == errc::bug);
        CHECK(fault_of(t.expire(timestamp{})) == errc::bug);
        CHECK(authority_text(t, "alice") == before);
    }
    SECTION("A1: a transaction that is dropped at any call never happened") {
        const timestamp soon = from_microseconds(1000);
        change_in(h, "alice", [&](auto& t) {
            write_and_seal(t, {{p, project_row("p"), "m0"}, {a, task_row("one", "sa", "alice-a"), "m0"}}, "dev", 1);
            write_and_seal(t, {{a, task_row("two", "sa", "alice-a"), "m1"}}, "dev", 2);
            must(t.put_session(push_session{"s", "p", "dev", 3, 2, 0, soon}));
            must(t.append_session("s", 0, {mutation{"x", full_intent(a, 1)}}));
            must(t.put_session(push_session{"s2", "p", "dev", 4, 2, 0, soon}));
            snapshot_head wanted{"snap", "p", 0, 0, 0, soon};
            must(t.make_snapshot(wanted));
        });
        must(h.app_write("alice", b, task_row("foreign", "sb")));
        const auto text = [&] {
            auto t = must(h.store().begin("alice", access::snapshot));
            std::string out = authority_text(t, "alice", {"m1", "m2"});
            out.append(std::to_string(must(t.last_source_bundle_id("dev")))).append(" ");
            for (const char* id : {"s", "s2", "s3"}) {
                const auto s = must(t.find_session(id));
                out.append(s ? s->source + std::to_string(s->received_rows) : "none").append(" ");
                for (const auto& m : must(t.session_mutations(id))) out.append(m.id).append(show(m.what));
            }
            for (const char* id : {"snap", "snap2"}) {
                const auto s = must(t.find_snapshot(id));
                out.append(s ? std::to_string(s->seq) : "none").append("\n").append(show(must(t.snapshot_rows(id, 0, 99))));
            }
            return out;
        };
        receipt r;
        r.id = "m2";
        const std::vector<std::function<void(transaction&)>> steps = {
            [&](auto& t) { CHECK(must(t.take_staged()).size() == 1); },
            [&](auto& t) { must(t.append(bundle_of(must(t.head()), {{b, task_row("foreign", "sb"), {}}}))); },
            [&](auto& t) { must(t.write(a, task_row("mine", "sc", "alice-a"))); },
            [&](auto& t) { must(t.savepoint()); },
            [&](auto& t) { must(t.write({task, "alice-B"}, task_row("new", "sa"))); },
            [&](auto& t) { must(t.rollback_to_savepoint()); },
            [&](auto& t) { must(t.erase(p)); },
            [&](auto& t) { CHECK(must(t.take_staged()).size() == 2); },
            [&](auto& t) { must(t.append(bundle_of(must(t.head()), {{p, {}, "m2"}, {a, {}, "m2"}}))); },
            [&](auto& t) { must(t.put_receipt("p", r)); },
            [&](auto& t) { must(t.put_bundle_receipt(bundle_receipt{"dev", 3, 4, "h", 2, "bob"})); },
            [&](auto& t) { must(t.put_session(push_session{"s", "p", "dev", 3, 2, 1, soon})); },
            [&](auto& t) { must(t.append_session("s", 1, {mutation{"y", full_intent(b, 2)}})); },
            [&](auto& t) { must(t.drop_session("s")); },
            [&](auto& t) { must(t.drop_sessions("dev", 4)); },
            [&](auto& t) { must(t.put_session(push_session{"s3", "p", "dev", 5, 2, 0, soon})); },
            [&](auto& t) { must(t.make_snapshot(snapshot_head{"snap2", "p", 0, 0, 0, soon})); },
            [&](auto& t) { must(t.drop_snapshot("snap")); },
            [&](auto& t) { must(t.prune(2)); },
            [&](auto& t) { must(t.write({task, "alice-B"}, task_row("late"))); },
            [&](auto& t) { must(t.expire(from_microseconds(2000))); },
        };
        const std::string before = text();
        for (std::size_t k = 0; k <= steps.size(); ++k) {
            INFO("dropped after call " << k);
            {
                auto t = must(h.store().begin("alice", access::write));
                for (std::size_t i = 0; i < k; ++i) steps[i](t);
            }
            if (k % 5 == 0) h.reopen();
            REQUIRE(text() == before);
            look_at(h, "bob", [&](auto& t) { CHECK_FALSE(must(t.has_staged())); });
        }
        change_in(h, "alice", [&](auto& t) {
            for (const auto& step : steps) step(t);
        });
        const std::string after = text();
        CHECK(after != before);
        h.reopen();
        CHECK(text() == after);
        CHECK_FALSE(h.row("alice", p));
        CHECK_FALSE(h.row("alice", a));
        CHECK(h.row("alice", {task, "alice-B"}) == task_row("late"));
    }
    SECTION("A4: going back to a savepoint undoes rows and staged names since then, and only those") {
        must(h.app_write("alice", p, project_row("p")));
        must(h.app_write("alice", b, task_row("child", "sb", "alice-a")));
        change_in(h, "alice", [&](auto& t) {
            must(t.take_staged());
            must(t.write(a, task_row("before")));
            for (int i = 0; i < 3; ++i) {
                must(t.savepoint());
                must(t.write(a, task_row("inside")));
                must(t.write({task, "alice-B"}, task_row("inside")));
                must(t.erase(p));
                CHECK_FALSE(must(t.current(b)));
                must(t.rollback_to_savepoint());
                CHECK(must(t.current(a)) == task_row("before"));
                CHECK(must(t.current(b)) == task_row("child", "sb", "alice-a"));
            }
            must(t.savepoint());
            must(t.write(b, task_row("released", "sb2")));
            must(t.release_savepoint());
            CHECK(must(t.take_staged()) == std::vector<record_key>{a, b});
            must(t.savepoint());
            must(t.write(a, task_row("undone")));
            must(t.rollback_to_savepoint());
            CHECK_FALSE(must(t.has_staged()));
        });
        CHECK(h.row("alice", a) == task_row("before"));
        CHECK(h.row("alice", b) == task_row("released", "sb2"));
        CHECK(h.row("alice", p) == project_row("p"));
        CHECK_FALSE(h.row("alice", {task, "alice-B"}));
    }
}

/// Checks an authority's store against its whole contract; see the top of this file.
/// @param make  gives a harness over a fresh store; called once per section
template <class Make>
void check_authority_store(Make make) {
    SECTION("rows") { check_authority_rows(make); }
    SECTION("transactions") { check_authority_transactions(make); }
    SECTION("staging") { check_authority_staging(make); }
    SECTION("history") { check_authority_history(make); }
    SECTION("receipts and sessions") { check_authority_sessions(make); }
    SECTION("notes") { check_authority_notes(make); }
    SECTION("incarnations") { check_authority_incarnations(make); }
    SECTION("random operations do what a list of bundles would do") {
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            auto h = make();
            run_random_authority(h, seed);
        }
    }
}

}  // namespace store_contract

#endif
