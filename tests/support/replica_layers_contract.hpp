#ifndef SYNCLINE_TESTS_SUPPORT_REPLICA_LAYERS_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_REPLICA_LAYERS_CONTRACT_HPP

// Part of the replica store's contract: what lies over and beside the rows. `replica_store_contract.hpp` says what the harness
// must offer.

#include "support/store_contract.hpp"

#include <syncline/storage/replica_store.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace store_contract {

/// Runs @p work in a transaction and commits it.
template <class Store, class Work>
void committed(Store& store, Work work) {
    auto t = must(store.begin());
    work(t);
    must(t.commit());
}
/// Runs @p work in a transaction and drops it.
template <class Store, class Work>
void dropped(Store& store, Work work) {
    auto t = must(store.begin());
    work(t);
}

template <class Make>
void check_replica_layers(Make make) {
    auto h = make();
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();

    SECTION("base: unknown is the default, an empty one forgets the key") {
        committed(h.store(), [&](auto& t) {
            CHECK(must(t.base(a)) == base_row{});
            must(t.put_base(a, base_row{0, true, {}, provisional_base{0, "m"}}));
            must(t.put_base(b, base_row{5, true, {}, {}}));
            CHECK(must(t.base(a)) == base_row{0, true, {}, provisional_base{0, "m"}});
            CHECK(must(t.base(b)) == base_row{5, true, {}, {}});
            CHECK(must(t.unstaged(nullptr, all)) == std::vector<record_key>{a, b});
            must(t.put_base(a, base_row{}));
            CHECK(must(t.base(a)) == base_row{});
            CHECK(must(t.unstaged(nullptr, all)) == std::vector<record_key>{b});
            must(t.put_base(b, base_row{6, false, {}, {}}));
        });
        h.reopen();
        dropped(h.store(), [&](auto& t) {
            CHECK(must(t.base(a)) == base_row{});
            CHECK(must(t.base(b)) == base_row{6, false, {}, {}});
        });
    }
    SECTION("open: one per record, the last one put") {
        committed(h.store(), [&](auto& t) {
            CHECK_FALSE(must(t.open_intent(a)));
            must(t.put_open(full_intent(a, 1), 3));
            must(t.put_open(full_intent(a, 2), 1));
            CHECK(must(t.open_intent(a)) == full_intent(a, 2));
            CHECK(must(t.ready_intents({}, all)).size() == 1);
            must(t.put_open(waiting_intent(a, 2, errc::conflict), 1));
            CHECK(must(t.ready_intents({}, all)).empty());
            CHECK(must(t.waiting_intents(all)) == std::vector<intent>{waiting_intent(a, 2, errc::conflict)});
            must(t.drop_open(a));
            must(t.drop_open(a));
            CHECK_FALSE(must(t.open_intent(a)));
            CHECK(must(t.waiting_intents(all)).empty());
        });
    }
    SECTION("S5: ready intents come by class, then ordinal, after the position, at most n") {
        std::vector<std::pair<send_position, record_key>> expected;
        committed(h.store(), [&](auto& t) {
            std::uint64_t ordinal = 50;
            for (const std::int32_t c : {3, -1, 0, (std::numeric_limits<std::int32_t>::max)(), 1 << 24, 3})
                for (int i = 0; i < 3; ++i) {
                    --ordinal;
                    const record_key k{task, std::to_string(ordinal)};
                    must(t.put_open(plain_intent(k, operation::update, ordinal), c));
                    expected.emplace_back(send_position{c, ordinal}, k);
                    must(t.put_open(waiting_intent(record_key{project, k.key}, ordinal + 100, errc::held), c));
                }
        });
        h.reopen();
        std::sort(expected.begin(), expected.end());
        auto t = must(h.store().begin());
        const auto page_after = [&](send_position after, std::size_t n) {
            std::vector<std::pair<send_position, record_key>> out;
            for (auto& [at, what] : must(t.ready_intents(after, n))) out.emplace_back(at, what.key);
            return out;
        };
        CHECK(page_after({}, all) == expected);
        CHECK(page_after({}, 0).empty());
        for (std::size_t i = 0; i < expected.size(); ++i)
            for (const std::size_t n : {std::size_t{1}, std::size_t{4}, expected.size(), expected.size() + 1})
                CHECK(page_after(expected[i].first, n) == slice(expected, [&](const auto& e) { return e.first > expected[i].first; }, n));
        const auto waiting = must(t.waiting_intents(all));
        REQUIRE(waiting.size() == expected.size());
        for (std::size_t i = 1; i < waiting.size(); ++i) CHECK(waiting[i - 1].ordinal < waiting[i].ordinal);
        CHECK(must(t.waiting_intents(0)).empty());
        CHECK(must(t.waiting_intents(2)).size() == 2);
    }
    SECTION("batch: at most one, replaced as a whole, dropped with its items") {
        committed(h.store(), [&](auto& t) {
            CHECK_FALSE(must(t.current_batch()));
            must(t.put_batch(batch{1, 7, batch_state::prepared, 0, {}, 2}));
            const batch done{(std::numeric_limits<std::uint64_t>::max)() / 2, 8, batch_state::committed_remote, 9, "h'", 3, "t'"};
            must(t.put_batch(done));
            CHECK(must(t.current_batch()) == done);
            must(t.put_frozen(batch_item{"m", 0, full_intent(a, 1)}));
        });
        h.reopen();
        committed(h.store(), [&](auto& t) {
            CHECK(must(t.current_batch())->source_bundle_id == 8);
            must(t.drop_batch());
            must(t.drop_batch());
            CHECK_FALSE(must(t.current_batch()));
            CHECK_FALSE(must(t.frozen(a)));
            CHECK(must(t.frozen_items(0, all)).empty());
        });
    }
    SECTION("S5: frozen items come by position from the position given, at most n; one per record") {
        std::vector<batch_item> expected;
        committed(h.store(), [&](auto& t) {
            must(t.put_batch(batch{1, 1, batch_state::prepared, 0, {}, 12}));
            for (const std::uint32_t position : {7u, 300u, 0u, 2u, 70000u, 11u, 1u}) {
                expected.push_back(batch_item{"id" + std::to_string(position), position, full_intent(record_key{task, std::to_string(99 - position % 90)}, position)});
                must(t.put_frozen(expected.back()));
            }
            must(t.put_frozen(batch_item{"first", 500, full_intent(a, 1)}));
            expected.push_back(batch_item{"second", 501, full_intent(a, 2)});
            must(t.put_frozen(expected.back()));
        });
        h.reopen();
        std::sort(expected.begin(), expected.end(), [](const auto& x, const auto& y) { return x.position < y.position; });
        auto t = must(h.store().begin());
        CHECK(must(t.frozen_items(0, all)) == expected);
        for (const std::uint32_t from : {0u, 1u, 3u, 7u, 8u, 501u, 502u, 70000u, 70001u})
            for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{100}})
                CHECK(must(t.frozen_items(from, n)) == slice(expected, [&](const auto& e) { return e.position >= from; }, n));
        must(t.drop_frozen(a));
        must(t.drop_frozen(a));
        CHECK_FALSE(must(t.frozen(a)));
        CHECK(must(t.frozen_items(0, all)).size() == expected.size() - 1);
        CHECK(must(t.current_batch()).has_value());
    }
    SECTION("hidden, quarantine and state are kept; a quarantined key is replaced") {
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
        committed(h.store(), [&](auto& t) {
            CHECK(must(t.state()) == replica_state{});
            must(t.put_state(s));
            must(t.set_hidden(b, true));
            must(t.set_hidden(b, true));
            must(t.set_hidden(a, false));
            must(t.quarantine({row_image{a, 1, task_row("one"), {}}, wait_reason{errc::constraint, "first"}}));
            must(t.quarantine({row_image{a, 2, {}, "m"}, wait_reason{errc::absent, "second"}}));
            must(t.quarantine({row_image{b, 3, {}, {}}, wait_reason{}}));
            CHECK(must(t.quarantined(0)).empty());
            CHECK(must(t.quarantined(1)).size() == 1);
            CHECK(must(t.quarantined(all)).size() == 2);
            must(t.release(b));
            must(t.release(b));
        });
        h.reopen();
        dropped(h.store(), [&](auto& t) {
            CHECK(must(t.state()) == s);
            CHECK(must(t.hidden()) == std::vector<record_key>{b});
            const auto q = must(t.quarantined(all));
            REQUIRE(q.size() == 1);
            CHECK(q[0].image == row_image{a, 2, {}, "m"});
            CHECK(q[0].why == wait_reason{errc::absent, "second"});
        });
    }
    SECTION("rows that could not be read are kept by name, with what was received, and the same name replaces") {
        const unread_row nameless{{"", "made up"}, 0, "{\"model\":null}", {errc::malformed_message, "no `model`"}};
        const unread_row named{{"task", "a"}, 7, "", {errc::malformed_value, "it's \"much\""}};
        committed(h.store(), [&](auto& t) {
            CHECK(must(t.unread(nullptr, all)).empty());
            must(t.put_unread({named.name, 3, "first", {errc::unknown_model, "first"}}));
            must(t.put_unread(named));
            must(t.put_unread(nameless));
            must(t.put_unread({{"task", "b"}, 1, "x", {}}));
            CHECK(must(t.unread(nullptr, 0)).empty());
            CHECK(must(t.unread(nullptr, 2)).size() == 2);
            must(t.drop_unread({"task", "b"}));
            must(t.drop_unread({"task", "b"}));
            must(t.drop_unread({"tas", "ka"}));
        });
        h.reopen();
        dropped(h.store(), [&](auto& t) {
            CHECK(must(t.unread(nullptr, all)) == std::vector<unread_row>{nameless, named});
            CHECK(must(t.unread(&nameless.name, all)) == std::vector<unread_row>{named});
            CHECK(must(t.unread(&named.name, all)).empty());
            CHECK(must(t.find_unread(named.name)) == named);
            CHECK_FALSE(must(t.find_unread({"task", "b"})));
        });
    }
    SECTION("staged and unstaged rows come in key order, page by page") {
        std::vector<row_image> expected;
        std::vector<record_key> unstaged;
        committed(h.store(), [&](auto& t) {
            for (const model_id m : {task, project})
                for (const char* k : {"b", "a'", "B", "a", "ab", "\xC3\xA9"}) {
                    const record_key key{m, k};
                    must(t.stage({row_image{key, 1, {}, {}}}));
                    expected.push_back(row_image{key, 2, m == task ? task_row(k) : project_row(k), "c"});
                    must(t.put_base(key, base_row{1, false, {}, {}}));
                    const record_key other{m, std::string{k} + "-"};
                    must(t.put_base(other, base_row{2, true, {}, {}}));
                    unstaged.push_back(other);
                }
            must(t.stage(expected));
            must(t.stage({}));
        });
        h.reopen();
        std::sort(expected.begin(), expected.end(), [](const auto& x, const auto& y) { return x.key < y.key; });
        std::sort(unstaged.begin(), unstaged.end());
        auto t = must(h.store().begin());
        CHECK(show(must(t.staged(nullptr, all))) == show(expected));
        CHECK(must(t.unstaged(nullptr, all)) == unstaged);
        CHECK(must(t.staged(nullptr, 0)).empty());
        CHECK(must(t.unstaged(nullptr, 0)).empty());
        for (const auto& key : {record_key{project, ""}, expected[0].key, unstaged[3], expected[5].key, expected.back().key, record_key{sample, "z"}})
            for (const std::size_t n : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
                CHECK(must(t.staged(&key, n)) == slice(expected, [&](const auto& e) { return key < e.key; }, n));
                CHECK(must(t.unstaged(&key, n)) == slice(unstaged, [&](const auto& e) { return key < e; }, n));
            }
        must(t.clear_stage());
        CHECK(must(t.staged(nullptr, all)).empty());
        CHECK(must(t.unstaged(nullptr, all)).size() == unstaged.size() + expected.size());
    }
    SECTION("presence tells whether anything lies there, for each place by itself") {
        const auto present = [&](auto put) {
            replica_presence out;
            dropped(h.store(), [&](auto& t) {
                put(t);
                out = must(t.presence());
            });
            return out;
        };
        CHECK(present([](auto&) {}) == replica_presence{});
        CHECK(present([&](auto& t) { must(t.put_open(full_intent(a, 1), 0)); }) == replica_presence{true, false, false, false});
        CHECK(present([&](auto& t) { must(t.put_open(waiting_intent(a, 1, errc::held), 0)); }) == replica_presence{true, false, false, false});
        CHECK(present([&](auto& t) { must(t.put_frozen(batch_item{"m", 0, full_intent(a, 4)})); }) == replica_presence{false, true, false, false});
        CHECK(present([&](auto& t) { must(t.quarantine({row_image{a, 1, {}, {}}, wait_reason{}})); }) == replica_presence{false, false, true, false});
        CHECK(present([&](auto& t) { must(t.put_unread({{"task", "a"}, 1, {}, {}})); }) == replica_presence{false, false, false, true});
    }
    SECTION("counts tell what lies where") {
        dropped(h.store(), [&](auto& t) {
            must(t.put_open(full_intent(a, 1), 0));
            must(t.put_open(full_intent(b, 2), 0));
            must(t.put_open(waiting_intent(record_key{task, "c"}, 3, errc::held), 0));
            must(t.put_frozen(batch_item{"m", 0, full_intent(a, 4)}));
            must(t.quarantine({row_image{a, 1, {}, {}}, wait_reason{}}));
            const auto n = must(t.counts());
            CHECK(n.open == 2);
            CHECK(n.waiting == 1);
            CHECK(n.frozen == 1);
            CHECK(n.quarantined == 1);
            CHECK(n.unread == 0);
            must(t.put_unread({{"task", "a"}, 1, {}, {}}));
            CHECK(must(t.counts()).unread == 1);
        });
        dropped(h.store(), [](auto& t) {
            const auto n = must(t.counts());
            CHECK(n.open + n.waiting + n.frozen + n.quarantined + n.unread == 0);
        });
    }
}

}  // namespace store_contract

#endif
