#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_LAYERS_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_LAYERS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store: what lies over and beside the rows.

namespace testing::storage {

template <class Make>
void check_replica_layers(store_kit<Make>& kit) {
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();

    kit.clause("table.base", "base: unknown is the default, an empty one forgets the key", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.same(check.must(t.base(a), "base"), base_row{}, "base(a)");
            check.must(t.put_base(a, base_row{0, true, {}, provisional_base{0, "m"}}), "put_base");
            check.must(t.put_base(b, base_row{5, true, {}, {}}), "put_base");
            check.same(check.must(t.base(a), "base"), base_row{0, true, {}, provisional_base{0, "m"}}, "base(a)");
            check.same(check.must(t.base(b), "base"), base_row{5, true, {}, {}}, "base(b)");
            check.same(check.must(t.unstaged(nullptr, all), "unstaged"), std::vector<record_key>{a, b}, "unstaged(nullptr, all)");
            check.must(t.put_base(a, base_row{}), "put_base");
            check.same(check.must(t.base(a), "base"), base_row{}, "base(a)");
            check.same(check.must(t.unstaged(nullptr, all), "unstaged"), std::vector<record_key>{b}, "unstaged(nullptr, all)");
            check.must(t.put_base(b, base_row{6, false, {}, {}}), "put_base");
        });
        h.reopen();
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.base(a), "base"), base_row{}, "base(a)");
            check.same(check.must(t.base(b), "base"), base_row{6, false, {}, {}}, "base(b)");
        });
    });
    kit.clause("table.open", "open: one per record, the last one put", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.none(check.must(t.open_intent(a), "open_intent"), "open_intent(a)");
            check.must(t.put_open(full_intent(a, 1), 3), "put_open");
            check.must(t.put_open(full_intent(a, 2), 1), "put_open");
            check.same(check.must(t.open_intent(a), "open_intent"), full_intent(a, 2), "open_intent(a)");
            check.same(check.must(t.ready_intents({}, all), "ready_intents").size(), 1, "ready_intents({}, all).size()");
            check.must(t.put_open(waiting_intent(a, 2, errc::conflict), 1), "put_open");
            check.that(check.must(t.ready_intents({}, all), "ready_intents").empty(), "ready_intents({}, all).empty()");
            check.same(check.must(t.waiting_intents(all), "waiting_intents"), std::vector<intent>{waiting_intent(a, 2, errc::conflict)}, "waiting_intents(all)");
            check.must(t.drop_open(a), "drop_open");
            check.must(t.drop_open(a), "drop_open");
            check.none(check.must(t.open_intent(a), "open_intent"), "open_intent(a)");
            check.that(check.must(t.waiting_intents(all), "waiting_intents").empty(), "waiting_intents(all).empty()");
        });
    });
    kit.clause("S5.ready", "ready intents come by class, then ordinal, after the position, at most n", [&](auto& h, checker& check) {
        std::vector<std::pair<send_position, record_key>> expected;
        committed(check, h.store(), [&](auto& t) {
            std::uint64_t ordinal = 50;
            for (const std::int32_t c : {3, -1, 0, (std::numeric_limits<std::int32_t>::max)(), 1 << 24, 3})
                for (int i = 0; i < 3; ++i) {
                    --ordinal;
                    const record_key k{task, std::to_string(ordinal)};
                    check.must(t.put_open(plain_intent(k, operation::update, ordinal), c), "put_open");
                    expected.emplace_back(send_position{c, ordinal}, k);
                    check.must(t.put_open(waiting_intent(record_key{project, k.key}, ordinal + 100, errc::held), c), "put_open");
                }
        });
        h.reopen();
        std::sort(expected.begin(), expected.end());
        auto t = check.must(h.store().begin(), "begin");
        const auto page_after = [&](send_position after, std::size_t n) {
            std::vector<std::pair<send_position, record_key>> out;
            for (auto& [at, what] : check.must(t.ready_intents(after, n), "ready_intents")) out.emplace_back(at, what.key);
            return out;
        };
        check.same(page_after({}, all), expected, "page_after({}, all)");
        check.that(page_after({}, 0).empty(), "page_after({}, 0).empty()");
        for (std::size_t i = 0; i < expected.size(); ++i)
            for (const std::size_t n : {std::size_t{1}, std::size_t{4}, expected.size(), expected.size() + 1})
                check.same(page_after(expected[i].first, n), slice(expected, [&](const auto& e) { return e.first > expected[i].first; }, n), "page_after(expected[i].first, n)");
        const auto waiting = check.must(t.waiting_intents(all), "waiting_intents");
        check.need_same(waiting.size(), expected.size(), "waiting.size()");
        for (std::size_t i = 1; i < waiting.size(); ++i) check.that(waiting[i - 1].ordinal < waiting[i].ordinal, "waiting[i - 1].ordinal < waiting[i].ordinal");
        check.that(check.must(t.waiting_intents(0), "waiting_intents").empty(), "waiting_intents(0).empty()");
        check.same(check.must(t.waiting_intents(2), "waiting_intents").size(), 2, "waiting_intents(2).size()");
    });
    kit.clause("table.batch", "batch: at most one, replaced as a whole, dropped with its items", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.none(check.must(t.current_batch(), "current_batch"), "current_batch()");
            check.must(t.put_batch(batch{1, 7, batch_state::prepared, 0, {}, 2}), "put_batch");
            const batch done{(std::numeric_limits<std::uint64_t>::max)() / 2, 8, batch_state::committed_remote, 9, "h'", 3, "t'"};
            check.must(t.put_batch(done), "put_batch");
            check.same(check.must(t.current_batch(), "current_batch"), done, "current_batch()");
            check.must(t.put_frozen(batch_item{"m", 0, full_intent(a, 1)}), "put_frozen");
        });
        h.reopen();
        committed(check, h.store(), [&](auto& t) {
            check.same(check.some(t.current_batch(), "current_batch").source_bundle_id, 8, "current_batch()->source_bundle_id");
            check.must(t.drop_batch(), "drop_batch");
            check.must(t.drop_batch(), "drop_batch");
            check.none(check.must(t.current_batch(), "current_batch"), "current_batch()");
            check.none(check.must(t.frozen(a), "frozen"), "frozen(a)");
            check.that(check.must(t.frozen_items(0, all), "frozen_items").empty(), "frozen_items(0, all).empty()");
        });
    });
    kit.clause("S5.frozen", "frozen items come by position from the position given, at most n; one per record", [&](auto& h, checker& check) {
        std::vector<batch_item> expected;
        committed(check, h.store(), [&](auto& t) {
            check.must(t.put_batch(batch{1, 1, batch_state::prepared, 0, {}, 12}), "put_batch");
            for (const std::uint32_t position : {7u, 300u, 0u, 2u, 70000u, 11u, 1u}) {
                expected.push_back(batch_item{"id" + std::to_string(position), position, full_intent(record_key{task, std::to_string(99 - position % 90)}, position)});
                check.must(t.put_frozen(expected.back()), "put_frozen");
            }
            check.must(t.put_frozen(batch_item{"first", 500, full_intent(a, 1)}), "put_frozen");
            expected.push_back(batch_item{"second", 501, full_intent(a, 2)});
            check.must(t.put_frozen(expected.back()), "put_frozen");
        });
        h.reopen();
        std::sort(expected.begin(), expected.end(), [](const auto& x, const auto& y) { return x.position < y.position; });
        auto t = check.must(h.store().begin(), "begin");
        check.same(check.must(t.frozen_items(0, all), "frozen_items"), expected, "frozen_items(0, all)");
        for (const std::uint32_t from : {0u, 1u, 3u, 7u, 8u, 501u, 502u, 70000u, 70001u})
            for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{100}})
                check.same(check.must(t.frozen_items(from, n), "frozen_items"), slice(expected, [&](const auto& e) { return e.position >= from; }, n), "frozen_items(from, n)");
        check.must(t.drop_frozen(a), "drop_frozen");
        check.must(t.drop_frozen(a), "drop_frozen");
        check.none(check.must(t.frozen(a), "frozen"), "frozen(a)");
        check.same(check.must(t.frozen_items(0, all), "frozen_items").size(), expected.size() - 1, "frozen_items(0, all).size()");
        check.that(check.must(t.current_batch(), "current_batch").has_value(), "current_batch().has_value()");
    });
    kit.clause("table.state", "hidden, quarantine and state are kept; a quarantined key is replaced", [&](auto& h, checker& check) {
        replica_state s;
        s.source_id = "s'1";
        s.next_source_bundle_id = 5;
        s.next_ordinal = 1ull << 40;
        s.next_batch_id = 9;
        s.checkpoint = (std::numeric_limits<std::int64_t>::max)();
        s.epoch = "e\"";
        s.needs_hydration = true;
        s.hydration_session = "h";
        s.hydration_position = 12;
        s.last_sync_us = -3;
        s.last_run_us = (std::numeric_limits<std::int64_t>::max)();
        s.attachment = scope_attachment::reconnecting;
        s.user = "u'";
        s.initialization_id = "i\"";
        s.replaced_source = "r;";
        s.replacement_reason = "history_pruned";
        s.give_up_below = 1ull << 41;
        s.clock_us = (std::numeric_limits<std::int64_t>::max)() - 4;
        committed(check, h.store(), [&](auto& t) {
            check.same(check.must(t.state(), "state"), replica_state{}, "state()");
            check.must(t.put_state(s), "put_state");
            check.must(t.set_hidden(b, true), "set_hidden");
            check.must(t.set_hidden(b, true), "set_hidden");
            check.must(t.set_hidden(a, false), "set_hidden");
            check.must(t.quarantine({row_image{a, 1, task_row("one"), {}}, wait_reason{errc::constraint, "first"}}), "quarantine");
            check.must(t.quarantine({row_image{a, 2, {}, "m"}, wait_reason{errc::absent, "second"}}), "quarantine");
            check.must(t.quarantine({row_image{b, 3, {}, {}}, wait_reason{}}), "quarantine");
            check.that(check.must(t.quarantined(0), "quarantined").empty(), "quarantined(0).empty()");
            check.same(check.must(t.quarantined(1), "quarantined").size(), 1, "quarantined(1).size()");
            check.same(check.must(t.quarantined(all), "quarantined").size(), 2, "quarantined(all).size()");
            check.must(t.release(b), "release");
            check.must(t.release(b), "release");
        });
        h.reopen();
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.state(), "state"), s, "state()");
            check.same(check.must(t.hidden(), "hidden"), std::vector<record_key>{b}, "hidden()");
            const auto q = check.must(t.quarantined(all), "quarantined");
            check.need_same(q.size(), 1, "q.size()");
            check.same(q[0].image, row_image{a, 2, {}, "m"}, "q[0].image");
            check.same(q[0].why, wait_reason{errc::absent, "second"}, "q[0].why");
        });
    });
    kit.clause("table.unread", "rows that could not be read are kept by name, with what was received, and the same name replaces", [&](auto& h, checker& check) {
        const unread_row nameless{{"", "made up"}, 0, "{\"model\":null}", {errc::malformed_message, "no `model`"}};
        const unread_row named{{"task", "a"}, 7, "", {errc::malformed_value, "it's \"much\""}};
        committed(check, h.store(), [&](auto& t) {
            check.that(check.must(t.unread(nullptr, all), "unread").empty(), "unread(nullptr, all).empty()");
            check.must(t.put_unread({named.name, 3, "first", {errc::unknown_model, "first"}}), "put_unread");
            check.must(t.put_unread(named), "put_unread");
            check.must(t.put_unread(nameless), "put_unread");
            check.must(t.put_unread({{"task", "b"}, 1, "x", {}}), "put_unread");
            check.that(check.must(t.unread(nullptr, 0), "unread").empty(), "unread(nullptr, 0).empty()");
            check.same(check.must(t.unread(nullptr, 2), "unread").size(), 2, "unread(nullptr, 2).size()");
            check.must(t.drop_unread({"task", "b"}), "drop_unread");
            check.must(t.drop_unread({"task", "b"}), "drop_unread");
            check.must(t.drop_unread({"tas", "ka"}), "drop_unread");
        });
        h.reopen();
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.unread(nullptr, all), "unread"), std::vector<unread_row>{nameless, named}, "unread(nullptr, all)");
            check.same(check.must(t.unread(&nameless.name, all), "unread"), std::vector<unread_row>{named}, "unread(&nameless.name, all)");
            check.that(check.must(t.unread(&named.name, all), "unread").empty(), "unread(&named.name, all).empty()");
            check.same(check.must(t.find_unread(named.name), "find_unread"), named, "find_unread(named.name)");
            check.none(check.must(t.find_unread({"task", "b"}), "find_unread"), "find_unread({\"task\", \"b\"})");
        });
    });
    kit.clause("table.staged", "staged and unstaged rows come in key order, page by page", [&](auto& h, checker& check) {
        std::vector<row_image> expected;
        std::vector<record_key> unstaged;
        committed(check, h.store(), [&](auto& t) {
            for (const model_id m : {task, project})
                for (const char* k : {"b", "a'", "B", "a", "ab", "\xC3\xA9"}) {
                    const record_key key{m, k};
                    check.must(t.stage({row_image{key, 1, {}, {}}}), "stage");
                    expected.push_back(row_image{key, 2, m == task ? task_row(k) : project_row(k), "c"});
                    check.must(t.put_base(key, base_row{1, false, {}, {}}), "put_base");
                    const record_key other{m, std::string{k} + "-"};
                    check.must(t.put_base(other, base_row{2, true, {}, {}}), "put_base");
                    unstaged.push_back(other);
                }
            check.must(t.stage(expected), "stage");
            check.must(t.stage({}), "stage");
        });
        h.reopen();
        std::sort(expected.begin(), expected.end(), [](const auto& x, const auto& y) { return x.key < y.key; });
        std::sort(unstaged.begin(), unstaged.end());
        auto t = check.must(h.store().begin(), "begin");
        check.same(show(check.must(t.staged(nullptr, all), "staged")), show(expected), "staged(nullptr, all)");
        check.same(check.must(t.unstaged(nullptr, all), "unstaged"), unstaged, "unstaged(nullptr, all)");
        check.that(check.must(t.staged(nullptr, 0), "staged").empty(), "staged(nullptr, 0).empty()");
        check.that(check.must(t.unstaged(nullptr, 0), "unstaged").empty(), "unstaged(nullptr, 0).empty()");
        for (const auto& key : {record_key{project, ""}, expected[0].key, unstaged[3], expected[5].key, expected.back().key, record_key{sample, "z"}})
            for (const std::size_t n : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
                check.same(check.must(t.staged(&key, n), "staged"), slice(expected, [&](const auto& e) { return key < e.key; }, n), "staged(&key, n)");
                check.same(check.must(t.unstaged(&key, n), "unstaged"), slice(unstaged, [&](const auto& e) { return key < e; }, n), "unstaged(&key, n)");
            }
        check.must(t.clear_stage(), "clear_stage");
        check.that(check.must(t.staged(nullptr, all), "staged").empty(), "staged(nullptr, all).empty()");
        check.same(check.must(t.unstaged(nullptr, all), "unstaged").size(), unstaged.size() + expected.size(), "unstaged(nullptr, all).size()");
    });
    kit.clause("table.presence", "presence tells whether anything lies there, for each place by itself", [&](auto& h, checker& check) {
        const auto present = [&](auto put) {
            replica_presence out;
            dropped(check, h.store(), [&](auto& t) {
                put(t);
                out = check.must(t.presence(), "presence");
            });
            return out;
        };
        check.same(present([](auto&) {}), replica_presence{}, "present([](auto&) {})");
        check.same(present([&](auto& t) { check.must(t.put_open(full_intent(a, 1), 0), "put_open"); }), replica_presence{true, false, false, false}, "presence()");
        check.same(present([&](auto& t) { check.must(t.put_open(waiting_intent(a, 1, errc::held), 0), "put_open"); }), replica_presence{true, false, false, false}, "presence()");
        check.same(present([&](auto& t) { check.must(t.put_frozen(batch_item{"m", 0, full_intent(a, 4)}), "put_frozen"); }), replica_presence{false, true, false, false}, "presence()");
        check.same(present([&](auto& t) { check.must(t.quarantine({row_image{a, 1, {}, {}}, wait_reason{}}), "quarantine"); }), replica_presence{false, false, true, false}, "presence()");
        check.same(present([&](auto& t) { check.must(t.put_unread({{"task", "a"}, 1, {}, {}}), "put_unread"); }), replica_presence{false, false, false, true}, "presence()");
    });
    kit.clause("table.counts", "counts tell what lies where", [&](auto& h, checker& check) {
        dropped(check, h.store(), [&](auto& t) {
            check.must(t.put_open(full_intent(a, 1), 0), "put_open");
            check.must(t.put_open(full_intent(b, 2), 0), "put_open");
            check.must(t.put_open(waiting_intent(record_key{task, "c"}, 3, errc::held), 0), "put_open");
            check.must(t.put_frozen(batch_item{"m", 0, full_intent(a, 4)}), "put_frozen");
            check.must(t.quarantine({row_image{a, 1, {}, {}}, wait_reason{}}), "quarantine");
            const auto n = check.must(t.counts(), "counts");
            check.same(n.open, 2, "n.open");
            check.same(n.waiting, 1, "n.waiting");
            check.same(n.frozen, 1, "n.frozen");
            check.same(n.quarantined, 1, "n.quarantined");
            check.same(n.unread, 0, "n.unread");
            check.must(t.put_unread({{"task", "a"}, 1, {}, {}}), "put_unread");
            check.same(check.must(t.counts(), "counts").unread, 1, "counts().unread");
        });
        dropped(check, h.store(), [&](auto& t) {
            const auto n = check.must(t.counts(), "counts");
            check.same(n.open + n.waiting + n.frozen + n.quarantined + n.unread, 0, "n.open + n.waiting + n.frozen + n.quarantined + n.unread");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
