#ifndef SYNCLINE_TESTS_SUPPORT_REPLICA_STORE_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_REPLICA_STORE_CONTRACT_HPP

#include "support/replica_layers_contract.hpp"
#include "support/replica_store_model.hpp"
#include "support/store_contract.hpp"

#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// The executable form of the table and of S1 to S6 in `storage/replica_store.hpp`, and of L1 to L4 in `storage/sync_lease.hpp` for a store
// that
// keeps a lease.
//
//   TEST_CASE("my_store: keeps the replica store's contract") { store_contract::check_replica_store([] { return my_harness{}; }); }
//
// `make()` gives a harness over a store that is fresh and empty, with the models of `store_contract::schemas()`:
//
//   h.store()              the store, by reference
//   h.reopen()             closes the store and opens it again on the same data; no transaction is open then
//   h.app_write(key, row)  what the app does by plain SQL: insert or replace, committed; result<void>, errc::busy when it cannot
//   h.app_erase(key)       the same for delete, foreign keys on
//   h.row(key)             the row as the app reads it now, std::optional<record>
//
// and where it can:
//
//   h.install_trigger()    from now on an app trigger turns the title "shout" of a written `task` into "SHOUT"
//   h.holds(kind, value)   whether the app's column of a field of that kind can keep the value; without it: always. What it
//                          cannot keep, `write` must refuse (`unsupported` or `constraint`)
//   h.other_store()        a second store object on the same data, by reference

namespace store_contract {

template <class Store>
using transaction_of = typename std::remove_reference_t<Store>::transaction;

/// Everything that a replica's store holds, as text.
template <class Store>
std::string everything(Store& store) {
    auto t = must(store.begin());
    return replica_text(t);
}

template <class Make>
void check_replica_rows(Make make) {
    auto h = make();
    const record_key k{task, "k"};

    SECTION("what is written is visible, in the transaction and after it") {
        committed(h.store(), [&](auto& t) {
            CHECK_FALSE(must(t.visible(k)));
            must(t.write(k, task_row("one")));
            CHECK(must(t.visible(k)) == task_row("one"));
            must(t.write(k, task_row("two", "slug")));
            CHECK(must(t.visible(k)) == task_row("two", "slug"));
        });
        CHECK(h.row(k) == task_row("two", "slug"));
        h.reopen();
        CHECK(h.row(k) == task_row("two", "slug"));
        dropped(h.store(), [&](auto& t) { CHECK(must(t.visible(k)) == task_row("two", "slug")); });
    }
    SECTION("erase takes the row away, and an absent row is fine") {
        must(h.app_write(k, task_row("one")));
        committed(h.store(), [&](auto& t) {
            must(t.erase(k));
            CHECK_FALSE(must(t.visible(k)));
            must(t.erase(k));
            must(t.erase(record_key{task, "never"}));
        });
        h.reopen();
        CHECK_FALSE(h.row(k));
    }
    SECTION("the same key in two models is two records") {
        committed(h.store(), [&](auto& t) {
            must(t.write(k, task_row("one")));
            must(t.write(record_key{project, "k"}, project_row("p")));
            must(t.erase(k));
        });
        CHECK(h.row(record_key{project, "k"}) == project_row("p"));
        CHECK_FALSE(h.row(k));
    }
    SECTION("every key is kept apart from its neighbours, in the tables and in the bookkeeping") {
        const auto keys = awkward_keys();
        committed(h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                const auto n = std::to_string(i);
                must(t.write(key, task_row(n)));
                must(t.put_base(key, base_row{static_cast<std::int64_t>(i + 1), true, task_row(n), {}}));
                must(t.put_open(plain_intent(key, operation::update, i + 1), 0));
                must(t.put_frozen(batch_item{keys[i], static_cast<std::uint32_t>(i), plain_intent(key, operation::create, i + 1)}));
                must(t.set_hidden(key, true));
                must(t.quarantine({row_image{key, static_cast<std::int64_t>(i), task_row(n), keys[i]}, wait_reason{errc::constraint, keys[i]}}));
                must(t.stage({row_image{key, static_cast<std::int64_t>(i), {}, {}}}));
                must(t.put_unread({{keys[i], keys[keys.size() - 1 - i]}, static_cast<std::int64_t>(i), keys[i], {errc::malformed_value, keys[i]}}));
            }
        });
        h.reopen();
        committed(h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                INFO("key " << quoted(keys[i]));
                CHECK(h.row(key) == task_row(std::to_string(i)));
                CHECK(must(t.base(key)).version == static_cast<std::int64_t>(i + 1));
                const auto open = must(t.open_intent(key));
                CHECK((open && open->key == key && open->ordinal == i + 1));
                const auto frozen = must(t.frozen(key));
                CHECK((frozen && frozen->id == keys[i]));
            }
            auto sorted = keys;
            std::sort(sorted.begin(), sorted.end(), [&](const std::string& a, const std::string& b) {
                if constexpr (requires { h.is_before(a, b); }) return h.is_before(a, b);
                else return a < b;
            });
            const auto staged = must(t.staged(nullptr, 1000));
            REQUIRE(staged.size() == keys.size());
            for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(staged[i].key.key == sorted[i]);
            CHECK(must(t.hidden()).size() == keys.size());
            CHECK(must(t.quarantined(1000)).size() == keys.size());
            const auto unread = must(t.unread(nullptr, 1000));
            REQUIRE(unread.size() == keys.size());
            for (std::size_t i = 0; i < sorted.size(); ++i) {
                CHECK((unread[i].name.model == sorted[i] && unread[i].text == sorted[i] && unread[i].why.detail == sorted[i]));
                CHECK(must(t.unread(&unread[i].name, 1000)).size() == sorted.size() - 1 - i);
            }
            for (std::size_t i = 0; i < keys.size(); i += 2) {
                const record_key key{task, keys[i]};
                must(t.erase(key));
                must(t.put_base(key, base_row{}));
                must(t.drop_open(key));
                must(t.drop_frozen(key));
                must(t.set_hidden(key, false));
                must(t.release(key));
                must(t.drop_unread({keys[i], keys[keys.size() - 1 - i]}));
            }
        });
        dropped(h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                INFO("key " << quoted(keys[i]));
                const bool kept = i % 2 == 1;
                CHECK(must(t.visible(key)).has_value() == kept);
                CHECK((must(t.base(key)) != base_row{}) == kept);
                CHECK(must(t.open_intent(key)).has_value() == kept);
                CHECK(must(t.frozen(key)).has_value() == kept);
            }
            CHECK(must(t.hidden()).size() == keys.size() / 2);
            CHECK(must(t.quarantined(1000)).size() == keys.size() / 2);
            CHECK(must(t.unread(nullptr, 1000)).size() == keys.size() / 2);
        });
    }
    SECTION("a value is kept exactly or refused, never changed") {
        const record_key s{sample, "s"};
        const schema_set models = schemas();
        for (const auto& awkward : awkward_values()) {
            const std::size_t field = awkward.field;
            const value& v = awkward.v;
            INFO(models[sample].fields[field].name << " = " << show(v));
            bool holds = true;
            if constexpr (requires { h.holds(v.kind(), v); }) holds = h.holds(models[sample].fields[field].kind, v);
            committed(h.store(), [&](auto& t) {
                must(t.erase(s));
                const auto done = t.write(s, sample_row(field, v));
                if (holds) {
                    must(done);
                } else {
                    const errc code = fault_of(done);
                    CHECK((code == errc::unsupported || code == errc::constraint));
                    CHECK_FALSE(must(t.visible(s)));
                }
            });
            if (holds) {
                CHECK(show(h.row(s)) == show(sample_row(field, v)));
                dropped(h.store(), [&](auto& t) { CHECK(must(t.visible(s)) == sample_row(field, v)); });
            }
        }
    }
    SECTION("the bookkeeping keeps every value exactly") {
        committed(h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < 20; ++i) {
                const record_key key{sample, std::to_string(i)};
                must(t.put_base(key, base_row{1, true, awkward_row(i), provisional_base{-1, "it's"}}));
                must(t.put_lost(row_image{key, 6, awkward_row(i), {}}));
                must(t.put_open(full_intent(key, i + 1), 0));
                must(t.put_frozen(batch_item{std::to_string(i), static_cast<std::uint32_t>(i), full_intent(key, i + 100)}));
                must(t.stage({row_image{key, 7, awkward_row(i), "c"}}));
                must(t.quarantine({row_image{key, 8, awkward_row(i), "c"}, wait_reason{errc::constraint, "why"}}));
            }
        });
        h.reopen();
        dropped(h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < 20; ++i) {
                const record_key key{sample, std::to_string(i)};
                CHECK(must(t.base(key)) == base_row{1, true, awkward_row(i), provisional_base{-1, "it's"}});
                CHECK(must(t.open_intent(key)) == full_intent(key, i + 1));
                CHECK(must(t.frozen(key)) == batch_item{std::to_string(i), static_cast<std::uint32_t>(i), full_intent(key, i + 100)});
            }
            for (const auto& image : must(t.staged(nullptr, 100))) CHECK(image.row == awkward_row(std::stoul(image.key.key)));
            for (const auto& image : must(t.lost_rows(100))) CHECK(image == row_image{image.key, 6, awkward_row(std::stoul(image.key.key)), {}});
            CHECK(must(t.lost_rows(100)).size() == 20);
            for (const auto& q : must(t.quarantined(100))) CHECK(q.image.row == awkward_row(std::stoul(q.image.key.key)));
        });
    }
}

template <class Make>
void check_replica_transactions(Make make) {
    auto h = make();
    using transaction = transaction_of<decltype(h.store())>;
    const record_key a{task, "a"};
    const record_key b{task, "b"};

    SECTION("S1, S2: one transaction at a time, and afterwards it is over") {
        auto t = must(h.store().begin());
        CHECK(fault_of(h.store().begin()) == errc::bug);
        auto moved = std::move(t);
        CHECK(fault_of(h.store().begin()) == errc::bug);
        must(moved.write(a, task_row("one")));
        must(moved.commit());
        CHECK(fault_of(moved.visible(a)) == errc::bug);
        CHECK(fault_of(moved.write(a, task_row("late"))) == errc::bug);
        CHECK(fault_of(moved.commit()) == errc::bug);
        must(h.store().begin());
        CHECK(h.row(a) == task_row("one"));
    }
    SECTION("S2: nobody else writes while a transaction is open") {
        {
            auto t = must(h.store().begin());
            must(t.write(a, task_row("ours")));
            CHECK(fault_of(h.app_write(b, task_row("app"))) == errc::busy);
            CHECK(fault_of(h.app_erase(a)) == errc::busy);
            if constexpr (requires { h.other_store(); }) CHECK(fault_of(h.other_store().begin()) == errc::busy);
            must(t.commit());
        }
        must(h.app_write(b, task_row("app")));
        CHECK(h.row(a) == task_row("ours"));
    }
    SECTION("S1: a transaction that is dropped at any call never happened") {
        must(h.app_write(a, task_row("a", "sa")));
        must(h.app_write(b, task_row("b")));
        const record_key c{task, "c"};
        committed(h.store(), [&](auto& t) {
            must(t.take_captured());
            must(t.put_base(a, base_row{3, true, task_row("base"), {}}));
            must(t.put_open(full_intent(a, 1), 5));
            must(t.put_open(waiting_intent(b, 2, errc::conflict), 5));
            must(t.put_batch(batch{1, 2, batch_state::prepared, 0, {}, 2}));
            must(t.put_frozen(batch_item{"m1", 0, full_intent(a, 9)}));
            must(t.put_frozen(batch_item{"m2", 1, full_intent(b, 10)}));
            must(t.set_hidden(b, true));
            must(t.quarantine({row_image{b, 4, {}, {}}, wait_reason{}}));
            must(t.put_unread({{"m", "u"}, 4, "text", wait_reason{}}));
            must(t.put_lost(row_image{a, 4, {}, {}}));
            must(t.stage({row_image{a, 4, task_row("staged"), {}}, row_image{b, 4, {}, {}}}));
        });
        must(h.app_write(a, task_row("edited", "sa")));
        must(h.app_erase(b));
        replica_state state;
        state.source_id = "s";
        const std::vector<std::function<void(transaction&)>> steps = {
            [&](auto& t) { CHECK(must(t.take_captured()).size() == 2); },
            [&](auto& t) { must(t.write(a, task_row("new", "sb"))); },
            [&](auto& t) { must(t.write(c, task_row("c", "sa"))); },
            [&](auto& t) { must(t.erase(a)); },
            [&](auto& t) { must(t.write(b, task_row("b", "sb"))); },
            [&](auto& t) { must(t.put_base(a, base_row{4, false, {}, provisional_base{3, "m1"}})); },
            [&](auto& t) { must(t.put_base(b, base_row{9, true, {}, {}})); },
            [&](auto& t) { must(t.put_base(a, base_row{})); },
            [&](auto& t) { must(t.put_open(waiting_intent(a, 7, errc::held), 6)); },
            [&](auto& t) { must(t.put_open(full_intent(c, 8), 4)); },
            [&](auto& t) { must(t.drop_open(b)); },
            [&](auto& t) { must(t.put_batch(batch{1, 2, batch_state::committed_remote, 77, "hash", 2})); },
            [&](auto& t) { must(t.put_frozen(batch_item{"m3", 2, full_intent(c, 11)})); },
            [&](auto& t) { must(t.drop_frozen(a)); },
            [&](auto& t) { must(t.drop_batch()); },
            [&](auto& t) { must(t.set_hidden(b, false)); },
            [&](auto& t) { must(t.set_hidden(c, true)); },
            [&](auto& t) { must(t.quarantine({row_image{c, 4, task_row("q"), "m"}, wait_reason{errc::constraint, "no"}})); },
            [&](auto& t) { must(t.release(b)); },
            [&](auto& t) { must(t.put_unread({{"m", "u"}, 5, "", wait_reason{}})); },
            [&](auto& t) { must(t.put_unread({{"", "v"}, 0, "other", wait_reason{}})); },
            [&](auto& t) { must(t.drop_unread({"m", "u"})); },
            [&](auto& t) { must(t.put_lost(row_image{c, 5, task_row("l"), {}})); },
            [&](auto& t) { must(t.drop_lost(a)); },
            [&](auto& t) { must(t.put_base(c, base_row{5, true, task_row("l"), {}, true})); },
            [&](auto& t) { must(t.put_state(state)); },
            [&](auto& t) { must(t.stage({row_image{c, 5, task_row("s"), {}}})); },
            [&](auto& t) { must(t.clear_stage()); },
            [&](auto& t) { must(t.stage({row_image{b, 6, {}, {}}})); },
        };
        const std::string before = everything(h.store());
        for (std::size_t k = 0; k <= steps.size(); ++k) {
            INFO("dropped after call " << k);
            dropped(h.store(), [&](auto& t) {
                for (std::size_t i = 0; i < k; ++i) steps[i](t);
            });
            if (k % 5 == 0) h.reopen();
            REQUIRE(everything(h.store()) == before);
        }
        std::string inside;
        committed(h.store(), [&](auto& t) {
            for (const auto& step : steps) step(t);
            inside = replica_text(t);
        });
        CHECK(inside != before);
        CHECK(everything(h.store()) == inside);
        h.reopen();
        CHECK(everything(h.store()) == inside);
    }
    SECTION("S6: a refused write is undone, says which constraint, and the transaction goes on") {
        committed(h.store(), [&](auto& t) {
            must(t.write(a, task_row("a", "taken")));
            const auto refused = t.write(b, task_row("b", "taken"));
            CHECK(fault_of(refused) == errc::constraint);
            CHECK(refused.error().detail.find("slug") != std::string::npos);
            CHECK_FALSE(must(t.visible(b)));
            record untitled = task_row("x");
            untitled.fields[0] = value::null();
            const auto null = t.write(a, untitled);
            CHECK(fault_of(null) == errc::constraint);
            CHECK(null.error().detail.find("title") != std::string::npos);
            CHECK(must(t.visible(a)) == task_row("a", "taken"));
            must(t.write(b, task_row("b", "free")));
            CHECK(fault_of(t.write(b, task_row("b2", "taken"))) == errc::constraint);
            CHECK(must(t.visible(b)) == task_row("b", "free"));
            must(t.write(a, task_row("a2", "taken")));
            must(t.erase(a));
            must(t.write(b, task_row("b3", "taken")));
        });
        CHECK_FALSE(h.row(a));
        CHECK(h.row(b) == task_row("b3", "taken"));
        CHECK(fault_of(h.app_write(a, task_row("a", "taken"))) == errc::constraint);
        dropped(h.store(), [&](auto& t) {
            CHECK(must(t.take_captured()).empty());
            CHECK(must(t.take_diverted()).empty());
        });
    }
}

template <class Make>
void check_replica_capture(Make make) {
    auto h = make();
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key p{project, "p"};
    const auto absorb = [&] { committed(h.store(), [](auto& t) { must(t.take_captured()); }); };
    const auto captured = [&] {
        auto t = must(h.store().begin());
        return net_edits(t);
    };

    SECTION("S4: every edit of the app is given, with the row before the first one") {
        must(h.app_write(a, task_row("old")));
        must(h.app_write(b, task_row("gone")));
        absorb();
        CHECK(captured().empty());
        must(h.app_write(a, task_row("new")));
        must(h.app_write(a, task_row("newer")));
        must(h.app_erase(b));
        const record_key c{task, "c"};
        must(h.app_write(c, task_row("made")));
        h.reopen();
        const auto edits = captured();
        REQUIRE(edits.size() == 3);
        CHECK(edits[0].key == a);
        CHECK(edits[0].before == task_row("old"));
        CHECK_FALSE(edits[0].recreated);
        CHECK(edits[1].key == b);
        CHECK(edits[1].before == task_row("gone"));
        CHECK(edits[2].key == c);
        CHECK_FALSE(edits[2].before);
    }
    SECTION("S4: edits are given in the order in which the records were first changed") {
        for (const char* k : {"z", "m", "a", "q"}) must(h.app_write(record_key{task, k}, task_row(k)));
        must(h.app_write(p, project_row("p")));
        must(h.app_write(record_key{task, "m"}, task_row("again")));
        std::string order;
        for (const auto& e : captured()) order.append(e.key.key);
        CHECK(order == "zmaqp");
    }
    SECTION("S4: what came to nothing is no edit") {
        must(h.app_write(a, task_row("old")));
        absorb();
        must(h.app_write(a, task_row("new")));
        must(h.app_write(a, task_row("old")));
        must(h.app_write(b, task_row("x")));
        must(h.app_erase(b));
        CHECK(captured().empty());
    }
    SECTION("S4: a record that was erased and created again says so") {
        must(h.app_write(a, task_row("old")));
        absorb();
        must(h.app_erase(a));
        must(h.app_write(a, task_row("new")));
        auto edits = captured();
        REQUIRE(edits.size() == 1);
        CHECK(edits[0].before == task_row("old"));
        CHECK(edits[0].recreated);
        must(h.app_erase(a));
        edits = captured();
        REQUIRE(edits.size() == 1);
        CHECK(edits[0].before == task_row("old"));
    }
    SECTION("S4: taken once; a dropped transaction took nothing") {
        must(h.app_write(a, task_row("one")));
        dropped(h.store(), [](auto& t) {
            CHECK(must(t.take_captured()).size() == 1);
            CHECK(must(t.take_captured()).empty());
        });
        h.reopen();
        committed(h.store(), [](auto& t) { CHECK(must(t.take_captured()).size() == 1); });
        CHECK(captured().empty());
        must(h.app_write(a, task_row("two")));
        const auto edits = captured();
        REQUIRE(edits.size() == 1);
        CHECK(edits[0].before == task_row("one"));
    }
    SECTION("S3, S4: our writes are not captured, and a later edit starts from them") {
        committed(h.store(), [&](auto& t) {
            must(t.write(a, task_row("ours")));
            must(t.write(b, task_row("ours")));
            must(t.erase(b));
            CHECK(must(t.take_captured()).empty());
            CHECK(must(t.take_diverted()).empty());
        });
        CHECK(captured().empty());
        must(h.app_write(a, task_row("app")));
        const auto edits = captured();
        REQUIRE(edits.size() == 1);
        CHECK(edits[0].before == task_row("ours"));
    }
    SECTION("S3: our erase runs no foreign-key actions; the app's does, and they are captured") {
        must(h.app_write(p, project_row("p")));
        must(h.app_write(a, task_row("child", {}, "p")));
        must(h.app_write(b, task_row("reviewed", {}, {}, "p")));
        absorb();
        dropped(h.store(), [&](auto& t) {
            must(t.erase(p));
            CHECK(must(t.visible(a)) == task_row("child", {}, "p"));
            CHECK(must(t.visible(b)) == task_row("reviewed", {}, {}, "p"));
        });
        must(h.app_erase(p));
        CHECK_FALSE(h.row(a));
        CHECK(h.row(b) == task_row("reviewed"));
        auto edits = captured();
        REQUIRE(edits.size() == 3);
        std::sort(edits.begin(), edits.end(), [](const auto& x, const auto& y) { return x.key < y.key; });
        CHECK(edits[0].before == project_row("p"));
        CHECK(edits[1].before == task_row("child", {}, "p"));
        CHECK(edits[2].before == task_row("reviewed", {}, {}, "p"));
    }
    SECTION("S4: an app's write that is refused is no edit") {
        must(h.app_write(a, task_row("a", "s")));
        absorb();
        CHECK(fault_of(h.app_write(b, task_row("b", "s"))) == errc::constraint);
        CHECK(captured().empty());
    }
    if constexpr (requires { h.install_trigger(); }) {
        SECTION("S3: rows that the app's triggers changed under our writes are named, once, and only in that transaction") {
            h.install_trigger();
            committed(h.store(), [&](auto& t) {
                must(t.write(a, task_row("quiet")));
                CHECK(must(t.take_diverted()).empty());
                must(t.write(a, task_row("shout")));
                must(t.write(b, task_row("calm")));
                CHECK(must(t.visible(a)) == task_row("SHOUT"));
                CHECK(must(t.take_diverted()) == std::vector<diverted_row>{{a, task_row("shout")}});
                CHECK(must(t.take_diverted()).empty());
                must(t.write(b, task_row("shout")));
            });
            committed(h.store(), [&](auto& t) {
                CHECK(must(t.take_diverted()).empty());
                CHECK(must(t.take_captured()).empty());
                CHECK(must(t.visible(b)) == task_row("SHOUT"));
            });
        }
        SECTION("S4: what a trigger makes of the app's write is part of the edit") {
            h.install_trigger();
            must(h.app_write(a, task_row("quiet")));
            absorb();
            must(h.app_write(a, task_row("shout")));
            const auto edits = captured();
            REQUIRE(edits.size() == 1);
            CHECK(edits[0].before == task_row("quiet"));
            CHECK(h.row(a) == task_row("SHOUT"));
        }
    }
}

/// L1 to L4 of `storage/sync_lease.hpp`, for a store that keeps a lease.
template <class Make>
void check_replica_lease(Make make) {
    auto h = make();
    const sync_lease some{"it's \"mine\"; \xF0\x9F\x98\x80", 7, 1'700'000'000'123'456, 60'000'000};

    SECTION("L1, L3: what is put is there after the commit, in a store that is opened again too, and never was without it") {
        dropped(h.store(), [&](auto& t) {
            CHECK(must(t.lease()) == sync_lease{});
            must(t.put_lease(some));
            CHECK(must(t.lease()) == some);
        });
        dropped(h.store(), [&](auto& t) { CHECK(must(t.lease()) == sync_lease{}); });
        committed(h.store(), [&](auto& t) { must(t.put_lease(some)); });
        h.reopen();
        sync_lease next = some;
        next.owner.clear();
        next.fence = (std::numeric_limits<std::int64_t>::max)();
        next.expires_us = -1;
        committed(h.store(), [&](auto& t) {
            CHECK(must(t.lease()) == some);
            must(t.put_lease(next));
        });
        dropped(h.store(), [&](auto& t) { CHECK(must(t.lease()) == next); });
    }
    SECTION("L4: it is nobody's change") {
        const auto before = everything(h.store());
        committed(h.store(), [&](auto& t) { must(t.put_lease(some)); });
        CHECK(everything(h.store()) == before);
        committed(h.store(), [&](auto& t) { CHECK(must(t.take_captured()).empty()); });
    }
    if constexpr (requires { h.other_store(); }) {
        SECTION("L2: another store object on the same data has the same one") {
            committed(h.store(), [&](auto& t) { must(t.put_lease(some)); });
            committed(h.other_store(), [&](auto& t) {
                CHECK(must(t.lease()) == some);
                must(t.put_lease(sync_lease{}));
            });
            dropped(h.store(), [&](auto& t) { CHECK(must(t.lease()) == sync_lease{}); });
        }
    }
}

/// Checks a replica's store against its whole contract; see the top of this file.
/// @param make  gives a harness over a fresh store; called once per section
template <class Make>
void check_replica_store(Make make) {
    SECTION("rows") { check_replica_rows(make); }
    SECTION("transactions") { check_replica_transactions(make); }
    SECTION("capture") { check_replica_capture(make); }
    SECTION("layers") { check_replica_layers(make); }
    if constexpr (leasing_store<std::remove_cvref_t<decltype(make().store())>>) {
        SECTION("lease") { check_replica_lease(make); }
    }
    SECTION("random operations do what a map would do") {
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            auto h = make();
            run_random_replica(h, seed);
        }
    }
}

}  // namespace store_contract

#endif
