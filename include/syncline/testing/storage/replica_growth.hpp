#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_GROWTH_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_GROWTH_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/replica_capture.hpp>
#include <syncline/testing/storage/replica_reference.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store: the app's program is replaced by one that knows more fields (S7).

namespace testing::storage {

/// Where `later` stands in a row of `task`, for a program that knows it.
inline constexpr field_index task_later = 4;

/// The models of a program that knows one field more than that of `schemas()`: `task.later`, a text or null.
[[nodiscard]] inline schema_set grown_schemas() {
    schema_set out;
    for (model_schema m : schemas()) {
        if (m.name == "task") m.fields.push_back({"later", value_kind::text, true, nullptr});
        (void)out.add(std::move(m));  // as many as there were, and every name once
    }
    return out;
}

/// A row of `task` as such a program has it.
[[nodiscard]] inline record grown_row(record row, value later = {}) {
    row.fields.push_back(std::move(later));
    return row;
}

/// Lets the harness open its store again as a program with @p models; where it cannot, says that the clause is skipped.
template <class Harness>
[[nodiscard]] bool learn(Harness& h, checker& check, const schema_set& models) {
    if constexpr (requires { h.learn(models); }) {
        h.learn(models);
        return true;
    } else {
        check.skip("the harness offers no `learn`");
        return false;
    }
}

/// Brings the store to where a device stands that has pulled.
template <class Harness>
void pulled(checker& check, Harness& h) {
    committed(check, h.store(), [&](auto& t) {
        auto s = check.must(t.state(), "state");
        s.checkpoint = 7;
        check.must(t.put_state(s), "put_state");
    });
}

/// What the first edit since names as unseen, of an app that gives the row of @p key another title.
template <class Harness>
[[nodiscard]] field_set named_with_an_edit(checker& check, Harness& h, const record_key& key, const std::string& title) {
    check.must(h.app_write(key, grown_row(task_row(title))), "app_write");
    const auto edits = captured(check, h);
    check.need_same(edits.size(), 1, "edits.size()");
    absorb(check, h);
    return edits[0].unseen;
}

template <class Make>
void check_replica_growth(store_kit<Make>& kit) {
    const record_key a{task, "a"}, b{task, "b"}, c{task, "c"}, d{task, "d"}, p{project, "p"}, x{sample, "x"};
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    field_set later;
    later.insert(task_later);

    kit.clause("S7.asks", "a store that has pulled asks for the state anew when the program knows more, and begins anew what is half staged", [&](auto& h, checker& check) {
        replica_state s;
        committed(check, h.store(), [&](auto& t) {
            s = check.must(t.state(), "state");
            s.source_id = "device";
            s.checkpoint = 7;
            s.next_ordinal = 5;
            s.hydration_session = "walk";
            s.hydration_position = 3;
            check.must(t.put_state(s), "put_state");
            check.must(t.stage({row_image{a, 3, task_row("staged"), {}}, row_image{p, 4, project_row("staged"), {}}}), "stage");
        });
        if (!storage::learn(h, check, grown_schemas())) return;
        dropped(check, h.store(), [&](auto& t) {
            const auto now = check.must(t.state(), "state");
            check.that(now.needs_hydration, "state().needs_hydration");
            check.same(now.hydration_session, std::string{}, "state().hydration_session");
            check.same(now.hydration_position, 0, "state().hydration_position");
            check.that(check.must(t.staged(nullptr, all), "staged").empty(), "staged(nullptr, all).empty()");
            s.needs_hydration = true;
            s.hydration_session.clear();
            s.hydration_position = 0;
            check.that(now == s, "that the rest of state() is as it was");
        });
    });
    kit.clause("S7.never_pulled", "one that has never pulled asks for nothing: its bases become provisional, for every row to count as news, and edits name the field", [&](auto& h, checker& check) {
        check.must(h.app_write(a, task_row("one")), "app_write");
        absorb(check, h);
        committed(check, h.store(), [&](auto& t) {
            check.must(t.put_base(a, base_row{4, false, {}, {}}), "put_base");
            check.must(t.put_base(b, base_row{5, true, {}, provisional_base{3, "m"}}), "put_base");
            check.must(t.put_base(c, base_row{0, true, {}, provisional_base{0, "m"}}), "put_base");
            check.must(t.put_base(p, base_row{7, true, project_row("p"), {}}), "put_base");
        });
        if (!storage::learn(h, check, grown_schemas())) return;
        dropped(check, h.store(), [&](auto& t) {
            check.none(check.must(t.state(), "state").needs_hydration, "state().needs_hydration");
            check.same(check.must(t.base(a), "base"), base_row{4, false, {}, provisional_base{4, {}}}, "base(a)");
            check.same(check.must(t.base(b), "base"), base_row{5, true, {}, provisional_base{3, "m"}}, "base(b)");
            check.same(check.must(t.base(c), "base"), base_row{0, true, {}, provisional_base{0, "m"}}, "base(c)");
            check.same(check.must(t.base(p), "base"), base_row{7, true, project_row("p"), {}}, "base(p)");
        });
        check.same(named_with_an_edit(check, h, a, "two"), later, "unseen of an edit");
    });
    kit.clause("S7.same", "a program that knows what the one before it knew changes nothing", [&](auto& h, checker& check) {
        pulled(check, h);
        committed(check, h.store(), [&](auto& t) {
            auto s = check.must(t.state(), "state");
            s.hydration_session = "walk";
            s.hydration_position = 3;
            check.must(t.put_state(s), "put_state");
            check.must(t.write(a, task_row("one")), "write");
            check.must(t.stage({row_image{a, 3, task_row("staged"), {}}}), "stage");
        });
        check.must(h.app_write(b, task_row("made")), "app_write");
        const auto state_of = [&] {
            auto t = check.must(h.store().begin(), "begin");
            return check.must(t.state(), "state");
        };
        const auto before = everything(check, h.store());
        const auto state = state_of();
        if (!storage::learn(h, check, schemas())) return;
        check.same(everything(check, h.store()), before, "everything");
        check.that(state_of() == state, "that state() is as it was");
        for (const auto& e : captured(check, h)) check.same(e.unseen, field_set{}, "unseen of an edit");
        absorb(check, h);
        // And so does the one after it, when the state has come.
        (void)storage::learn(h, check, grown_schemas());
        auto asked = state_of();
        asked.needs_hydration = false;
        committed(check, h.store(), [&](auto& t) { check.must(t.put_state(asked), "put_state"); });
        (void)storage::learn(h, check, grown_schemas());
        check.that(state_of() == asked, "that state() is as it was put");
        check.same(named_with_an_edit(check, h, a, "two"), field_set{}, "unseen of an edit");
    });
    kit.clause("S7.rows", "rows and images are there as they were, with nothing in the new field", [&](auto& h, checker& check) {
        pulled(check, h);
        for (const auto& key : {a, b}) check.must(h.app_write(key, task_row(key.key, "slug of " + key.key)), "app_write");
        check.must(h.app_write(p, project_row("p")), "app_write");
        absorb(check, h);
        const unread_row illegible{{"task", "u"}, 6, "{}", wait_reason{errc::malformed_message, "no title"}};
        committed(check, h.store(), [&](auto& t) {
            check.must(t.put_base(a, base_row{4, true, task_row("base of a"), {}}), "put_base");
            check.must(t.put_base(b, base_row{5, false, {}, {}}), "put_base");
            check.must(t.put_base(c, base_row{6, true, {}, {}}), "put_base");
            check.must(t.put_base(p, base_row{7, true, project_row("base of p"), {}}), "put_base");
            check.must(t.quarantine({row_image{c, 8, task_row("sick"), "m"}, wait_reason{errc::constraint, "slug"}}), "quarantine");
            check.must(t.put_lost(row_image{d, 9, task_row("lost"), {}}), "put_lost");
            check.must(t.put_unread(illegible), "put_unread");
            check.must(t.set_hidden(b, true), "set_hidden");
        });
        if (!storage::learn(h, check, grown_schemas())) return;
        for (const auto& key : {a, b}) check.same(h.row(key), grown_row(task_row(key.key, "slug of " + key.key)), "row(" + key.key + ")");
        check.same(h.row(p), project_row("p"), "row(p)");
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.visible(a), "visible"), grown_row(task_row("a", "slug of a")), "visible(a)");
            check.same(check.must(t.visible(p), "visible"), project_row("p"), "visible(p)");
            check.same(check.must(t.base(a), "base"), base_row{4, true, grown_row(task_row("base of a")), {}}, "base(a)");
            check.same(check.must(t.base(b), "base"), base_row{5, false, {}, {}}, "base(b)");
            check.same(check.must(t.base(c), "base"), base_row{6, true, {}, {}}, "base(c)");
            check.same(check.must(t.base(p), "base"), base_row{7, true, project_row("base of p"), {}}, "base(p)");
            const auto sick = check.must(t.quarantined(all), "quarantined");
            check.need_same(sick.size(), 1, "quarantined(all).size()");
            check.same(sick[0].image, row_image{c, 8, grown_row(task_row("sick")), "m"}, "quarantined(all)[0].image");
            check.same(check.must(t.lost_rows(all), "lost_rows"), std::vector<row_image>{row_image{d, 9, grown_row(task_row("lost")), {}}}, "lost_rows(all)");
            check.same(check.must(t.find_unread(illegible.name), "find_unread"), illegible, "find_unread(illegible.name)");
            check.same(check.must(t.hidden(), "hidden"), std::vector<record_key>{b}, "hidden()");
        });
        // They go on from there, and the table refuses what it refused.
        committed(check, h.store(), [&](auto& t) {
            check.must(t.write(a, grown_row(task_row("a", "slug of a"), value::text("soon"))), "write");
            check.refused(t.write(b, grown_row(task_row("b", "slug of a"))), errc::constraint, "write");
        });
        check.same(h.row(a), grown_row(task_row("a", "slug of a"), value::text("soon")), "row(a)");
    });
    kit.clause("S7.layers", "open and frozen changes are as they were and name the new field; a creation has nothing in it", [&](auto& h, checker& check) {
        pulled(check, h);
        intent update = plain_intent(a, operation::update, 1);
        update.before = task_row("base");
        update.changes.set(0, value::text("one"));
        update.base = {4, "m"};
        intent creation = plain_intent(b, operation::create, 2);
        for (std::size_t f = 0; f < 4; ++f) creation.changes.set(static_cast<field_index>(f), task_row("made").fields[f]);
        intent erasure = plain_intent(c, operation::erase, 3);
        erasure.before = task_row("gone");
        erasure.waiting = wait_reason{errc::held, "by hand"};
        const intent of_another_model = full_intent(x, 4);
        const auto in_flight = [&] {
            intent what = update;
            what.key = d;
            what.ordinal = 5;
            return batch_item{"m5", 0, what};
        }();
        committed(check, h.store(), [&](auto& t) {
            check.must(t.put_open(update, 1), "put_open");
            check.must(t.put_open(creation, 0), "put_open");
            check.must(t.put_open(erasure, 0), "put_open");
            check.must(t.put_open(of_another_model, 0), "put_open");
            check.must(t.put_batch(batch{}), "put_batch");
            check.must(t.put_frozen(in_flight), "put_frozen");
        });
        if (!storage::learn(h, check, grown_schemas())) return;
        const auto grown = [&](intent what) {
            if (what.before) what.before = grown_row(*what.before);
            if (what.op == operation::create) what.changes.set(task_later, value{});
            what.unseen = later;
            return what;
        };
        dropped(check, h.store(), [&](auto& t) {
            // Their texts say what differs, and say nothing of `unseen`.
            const auto is = [&](const std::optional<intent>& found, const intent& wanted, const std::string& what) {
                check.same(found, wanted, what);
                if (found) check.same(found->unseen, wanted.unseen, what + "->unseen");
            };
            is(check.must(t.open_intent(a), "open_intent"), grown(update), "open_intent(a)");
            is(check.must(t.open_intent(b), "open_intent"), grown(creation), "open_intent(b)");
            is(check.must(t.open_intent(c), "open_intent"), grown(erasure), "open_intent(c)");
            is(check.must(t.open_intent(x), "open_intent"), of_another_model, "open_intent(x)");
            const auto frozen = check.some(t.frozen(d), "frozen(d)");
            check.same(frozen.id, in_flight.id, "frozen(d)->id");
            is(frozen.what, grown(in_flight.what), "frozen(d)->what");
            const auto ready = check.must(t.ready_intents({}, all), "ready_intents");
            check.need_same(ready.size(), 3, "ready_intents({}, all).size()");
            for (std::size_t i = 0; i < 3; ++i) check.same(ready[i].second.key, std::vector<record_key>{b, x, a}[i], "ready_intents({}, all)[" + std::to_string(i) + "]");
            is(ready[2].second, grown(update), "ready_intents({}, all)[2]");
            const auto waiting = check.must(t.waiting_intents(all), "waiting_intents");
            check.need_same(waiting.size(), 1, "waiting_intents(all).size()");
            is(waiting[0], grown(erasure), "waiting_intents(all)[0]");
            check.that(check.must(t.current_batch(), "current_batch").has_value(), "that a batch is in flight");
        });
    });
    kit.clause("S7.names", "every edit names the new field, whether it was captured before or made after", [&](auto& h, checker& check) {
        pulled(check, h);
        for (const auto& key : {a, b, c, d}) check.must(h.app_write(key, task_row("one")), "app_write");
        absorb(check, h);
        check.must(h.app_write(a, task_row("two")), "app_write");
        check.must(h.app_write(p, project_row("p")), "app_write");
        if (!storage::learn(h, check, grown_schemas())) return;
        check.must(h.app_write(b, grown_row(task_row("two"))), "app_write");
        check.must(h.app_write(c, grown_row(task_row("one"), value::text("soon"))), "app_write");
        check.must(h.app_erase(d), "app_erase");
        h.reopen();
        const auto edits = captured(check, h);
        check.need_same(edits.size(), 5, "edits.size()");
        for (const auto& e : edits) {
            const auto of = check.at(e.key.key);
            if (e.key == p) {
                check.same(e.unseen, field_set{}, "unseen");
                continue;
            }
            check.same(e.before, grown_row(task_row("one")), "before");
            check.same(e.unseen, later, "unseen");
        }
    });
    kit.clause("S7.made", "of a record that the app made only what nobody has set is named", [&](auto& h, checker& check) {
        pulled(check, h);
        for (const auto& key : {a, b}) check.must(h.app_write(key, task_row("made")), "app_write");
        if (!storage::learn(h, check, grown_schemas())) return;
        check.must(h.app_write(b, grown_row(task_row("made"), value::text("soon"))), "app_write");
        check.must(h.app_write(c, grown_row(task_row("made"))), "app_write");
        check.must(h.app_write(d, grown_row(task_row("made"), value::text("soon"))), "app_write");
        const auto edits = captured(check, h);
        check.need_same(edits.size(), 4, "edits.size()");
        for (const auto& e : edits) {
            const auto of = check.at(e.key.key);
            check.none(e.before, "before");
            check.same(e.unseen, e.key == a || e.key == c ? later : field_set{}, "unseen");
        }
    });
    kit.clause("S7.until", "the new field is named until `needs_hydration` is put false, and from then on it is a field like the others", [&](auto& h, checker& check) {
        pulled(check, h);
        check.must(h.app_write(a, task_row("one")), "app_write");
        absorb(check, h);
        if (!storage::learn(h, check, grown_schemas())) return;
        replica_state s;
        committed(check, h.store(), [&](auto& t) {
            s = check.must(t.state(), "state");
            s.hydration_session = "walk";
            check.must(t.put_state(s), "put_state");
        });
        h.reopen();
        check.same(named_with_an_edit(check, h, a, "two"), later, "unseen while the state is fetched");
        s.needs_hydration = false;
        s.hydration_session.clear();
        dropped(check, h.store(), [&](auto& t) { check.must(t.put_state(s), "put_state"); });
        check.same(named_with_an_edit(check, h, a, "three"), later, "unseen after a transaction that was dropped");
        committed(check, h.store(), [&](auto& t) { check.must(t.put_state(s), "put_state"); });
        check.same(named_with_an_edit(check, h, a, "four"), field_set{}, "unseen of an edit after that");
        h.reopen();
        check.same(named_with_an_edit(check, h, a, "five"), field_set{}, "unseen in a store that is opened again");
        dropped(check, h.store(), [&](auto& t) { check.none(check.must(t.state(), "state").needs_hydration, "state().needs_hydration"); });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
