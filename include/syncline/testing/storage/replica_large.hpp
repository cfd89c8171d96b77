#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_LARGE_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_LARGE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store: what is large.

namespace testing::storage {

template <class Make>
void check_replica_large(store_kit<Make>& kit) {
    kit.clause("table.large_value", "a value of a megabyte is kept whole, wherever it lies", [&](auto& h, checker& check) {
        const std::size_t octets = kit.options().large_value;
        std::string text(octets, 'x');
        for (std::size_t i = 0; i < octets; i += 4096) text[i] = static_cast<char>('a' + (i / 4096) % 26);
        text.back() = '.';
        record row = sample_row(4, value::text(text));
        row.fields[5] = value::bytes(std::string(octets, '\0') + "end");
        const record_key key{sample, "large"};
        intent change = plain_intent(key, operation::update, 1);
        change.before = row;
        change.changes.set(4, value::text(text + "!"));
        const row_image image{key, 3, row, "c"};
        committed(check, h.store(), [&](auto& t) {
            check.must(t.write(key, row), "write");
            check.must(t.put_base(key, base_row{3, true, row, {}}), "put_base");
            check.must(t.put_open(change, 0), "put_open");
            check.must(t.put_frozen(batch_item{"m", 0, change}), "put_frozen");
            check.must(t.stage({image}), "stage");
            check.must(t.put_lost(image), "put_lost");
            check.must(t.quarantine({image, wait_reason{}}), "quarantine");
            check.must(t.put_unread({{"m", "u"}, 1, text, wait_reason{}}), "put_unread");
        });
        h.reopen();
        check.same(h.row(key), row, "row(key)");
        dropped(check, h.store(), [&](auto& t) {
            check.same(check.must(t.visible(key), "visible"), row, "visible(key)");
            check.same(check.must(t.base(key), "base").image, row, "base(key).image");
            check.same(check.must(t.open_intent(key), "open_intent"), change, "open_intent(key)");
            check.same(check.some(t.frozen(key), "frozen").what, change, "frozen(key)");
            check.same(check.must(t.staged(nullptr, 9), "staged"), std::vector<row_image>{image}, "staged(nullptr, 9)");
            check.same(check.must(t.lost_rows(9), "lost_rows"), std::vector<row_image>{image}, "lost_rows(9)");
            const auto sick = check.must(t.quarantined(9), "quarantined");
            check.that(sick.size() == 1 && sick[0].image == image, "that the quarantined row is as it was");
            check.same(check.some(t.find_unread({"m", "u"}), "find_unread").text, text, "find_unread(u).text");
        });
    });
    kit.clause("table.many_rows", "thousands of rows in one transaction are kept, in their order, and can be paged through", [&](auto& h, checker& check) {
        const std::size_t n = kit.options().many_rows;
        std::vector<record_key> keys;
        for (std::size_t i = 0; i < n; ++i) keys.push_back({task, "k" + std::to_string(i * 7919 % n)});
        committed(check, h.store(), [&](auto& t) {
            std::uint64_t ordinal = 0;
            for (const auto& key : keys) {
                ++ordinal;
                check.must(t.write(key, task_row(key.key)), "write");
                check.must(t.put_base(key, base_row{static_cast<std::int64_t>(ordinal), false, {}, {}}), "put_base");
                check.must(t.put_open(plain_intent(key, operation::update, ordinal), 0), "put_open");
                check.must(t.put_frozen(batch_item{key.key, static_cast<std::uint32_t>(n - ordinal), plain_intent(key, operation::update, ordinal)}), "put_frozen");
                if (ordinal % 2 == 0) check.must(t.stage({row_image{key, 1, {}, {}}}), "stage");
            }
        });
        h.reopen();
        std::vector<record_key> in_order = keys;
        std::sort(in_order.begin(), in_order.end());
        in_order.erase(std::unique(in_order.begin(), in_order.end()), in_order.end());
        dropped(check, h.store(), [&](auto& t) {
            // Pages of the staged and of the unstaged rows, which are all together.
            std::vector<record_key> found;
            for (bool staged : {true, false}) {
                record_key after;
                for (bool first = true;; first = false) {
                    std::vector<record_key> page;
                    if (staged)
                        for (auto& image : check.must(t.staged(first ? nullptr : &after, 97), "staged")) page.push_back(image.key);
                    else page = check.must(t.unstaged(first ? nullptr : &after, 97), "unstaged");
                    check.require(page.size() <= 97, "that a page has at most as many rows as were asked for");
                    if (page.empty()) break;
                    for (const auto& key : page) {
                        check.require(first || after < key, "that pages go on in the order of keys");
                        after = key;
                        first = false;
                        found.push_back(key);
                    }
                    check.require(found.size() <= n, "that pages come to an end");
                }
            }
            std::sort(found.begin(), found.end());
            check.that(found == in_order, "that the pages of staged and unstaged rows name every row once");
            send_position last;
            std::size_t ready = 0;
            for (;;) {
                const auto page = check.must(t.ready_intents(last, 97), "ready_intents");
                if (page.empty()) break;
                for (const auto& [at, what] : page) {
                    check.require(last < at, "that ready intents come in the order of sending");
                    last = at;
                    ++ready;
                }
            }
            check.same(ready, in_order.size(), "how many intents are ready");
            const auto items = check.must(t.frozen_items(0, n + 1), "frozen_items");
            check.need_same(items.size(), in_order.size(), "frozen_items(0, n + 1).size()");
            for (std::size_t i = 1; i < items.size(); ++i) check.require(items[i - 1].position < items[i].position, "that frozen items come by position");
            for (const auto& key : in_order) check.require(check.must(t.visible(key), "visible") == task_row(key.key), "that row " + key.key + " is as it was written");
            check.same(check.must(t.counts(), "counts").open, in_order.size(), "counts().open");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
