#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_ROWS_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_ROWS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of a replica's store: rows, keys, values, and writes that are refused.

namespace testing::storage {

template <class Make>
void check_replica_rows(store_kit<Make>& kit) {
    const record_key k{task, "k"};
    const record_key a{task, "a"};
    const record_key b{task, "b"};

    kit.clause("S2.own_writes", "what is written is visible, in the transaction and after it", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.none(check.must(t.visible(k), "visible"), "visible(k)");
            check.must(t.write(k, task_row("one")), "write");
            check.same(check.must(t.visible(k), "visible"), task_row("one"), "visible(k)");
            check.must(t.write(k, task_row("two", "slug")), "write");
            check.same(check.must(t.visible(k), "visible"), task_row("two", "slug"), "visible(k)");
        });
        check.same(h.row(k), task_row("two", "slug"), "row(k)");
        h.reopen();
        check.same(h.row(k), task_row("two", "slug"), "row(k)");
        dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.visible(k), "visible"), task_row("two", "slug"), "visible(k)"); });
    });
    kit.clause("S3.erase", "erase takes the row away, and an absent row is fine", [&](auto& h, checker& check) {
        check.must(h.app_write(k, task_row("one")), "app_write");
        committed(check, h.store(), [&](auto& t) {
            check.must(t.erase(k), "erase");
            check.none(check.must(t.visible(k), "visible"), "visible(k)");
            check.must(t.erase(k), "erase");
            check.must(t.erase(record_key{task, "never"}), "erase");
        });
        h.reopen();
        check.none(h.row(k), "row(k)");
    });
    kit.clause("table.models", "the same key in two models is two records", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.must(t.write(k, task_row("one")), "write");
            check.must(t.write(record_key{project, "k"}, project_row("p")), "write");
            check.must(t.erase(k), "erase");
        });
        check.same(h.row(record_key{project, "k"}), project_row("p"), "row(record_key{project, \"k\"})");
        check.none(h.row(k), "row(k)");
    });
    kit.clause("table.keys", "every key is kept apart from its neighbours, in the tables and in the bookkeeping", [&](auto& h, checker& check) {
        const auto keys = awkward_keys();
        committed(check, h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                const auto n = std::to_string(i);
                check.must(t.write(key, task_row(n)), "write");
                check.must(t.put_base(key, base_row{static_cast<std::int64_t>(i + 1), true, task_row(n), {}}), "put_base");
                check.must(t.put_open(plain_intent(key, operation::update, i + 1), 0), "put_open");
                check.must(t.put_frozen(batch_item{keys[i], static_cast<std::uint32_t>(i), plain_intent(key, operation::create, i + 1)}), "put_frozen");
                check.must(t.set_hidden(key, true), "set_hidden");
                check.must(t.quarantine({row_image{key, static_cast<std::int64_t>(i), task_row(n), keys[i]}, wait_reason{errc::constraint, keys[i]}}), "quarantine");
                check.must(t.stage({row_image{key, static_cast<std::int64_t>(i), {}, {}}}), "stage");
                check.must(t.put_unread({{keys[i], keys[keys.size() - 1 - i]}, static_cast<std::int64_t>(i), keys[i], {errc::malformed_value, keys[i]}}), "put_unread");
            }
        });
        h.reopen();
        committed(check, h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                const auto at = check.at("key " + quoted(keys[i]));
                check.same(h.row(key), task_row(std::to_string(i)), "row(key)");
                check.same(check.must(t.base(key), "base").version, static_cast<std::int64_t>(i + 1), "base(key).version");
                const auto open = check.must(t.open_intent(key), "open_intent");
                check.that(open && open->key == key && open->ordinal == i + 1, "open && open->key == key && open->ordinal == i + 1");
                const auto frozen = check.must(t.frozen(key), "frozen");
                check.that(frozen && frozen->id == keys[i], "frozen && frozen->id == keys[i]");
            }
            auto sorted = keys;
            std::sort(sorted.begin(), sorted.end(), [&](const std::string& x, const std::string& y) {
                if constexpr (requires { h.is_before(x, y); }) return h.is_before(x, y);
                else return x < y;
            });
            const auto staged = check.must(t.staged(nullptr, 1000), "staged");
            check.need_same(staged.size(), keys.size(), "staged.size()");
            for (std::size_t i = 0; i < sorted.size(); ++i) check.same(staged[i].key.key, sorted[i], "staged[i].key.key");
            check.same(check.must(t.hidden(), "hidden").size(), keys.size(), "hidden().size()");
            check.same(check.must(t.quarantined(1000), "quarantined").size(), keys.size(), "quarantined(1000).size()");
            const auto unread = check.must(t.unread(nullptr, 1000), "unread");
            check.need_same(unread.size(), keys.size(), "unread.size()");
            for (std::size_t i = 0; i < sorted.size(); ++i) {
                check.that(unread[i].name.model == sorted[i] && unread[i].text == sorted[i] && unread[i].why.detail == sorted[i], "unread[i].name.model == sorted[i] && unread[i].text == sorted[i] &&...");
                check.same(check.must(t.unread(&unread[i].name, 1000), "unread").size(), sorted.size() - 1 - i, "unread(&unread[i].name, 1000).size()");
            }
            for (std::size_t i = 0; i < keys.size(); i += 2) {
                const record_key key{task, keys[i]};
                check.must(t.erase(key), "erase");
                check.must(t.put_base(key, base_row{}), "put_base");
                check.must(t.drop_open(key), "drop_open");
                check.must(t.drop_frozen(key), "drop_frozen");
                check.must(t.set_hidden(key, false), "set_hidden");
                check.must(t.release(key), "release");
                check.must(t.drop_unread({keys[i], keys[keys.size() - 1 - i]}), "drop_unread");
            }
        });
        dropped(check, h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const record_key key{task, keys[i]};
                const auto at = check.at("key " + quoted(keys[i]));
                const bool kept = i % 2 == 1;
                check.same(check.must(t.visible(key), "visible").has_value(), kept, "visible(key).has_value()");
                check.same((check.must(t.base(key), "base") != base_row{}), kept, "(base(key) != base_row{})");
                check.same(check.must(t.open_intent(key), "open_intent").has_value(), kept, "open_intent(key).has_value()");
                check.same(check.must(t.frozen(key), "frozen").has_value(), kept, "frozen(key).has_value()");
            }
            check.same(check.must(t.hidden(), "hidden").size(), keys.size() / 2, "hidden().size()");
            check.same(check.must(t.quarantined(1000), "quarantined").size(), keys.size() / 2, "quarantined(1000).size()");
            check.same(check.must(t.unread(nullptr, 1000), "unread").size(), keys.size() / 2, "unread(nullptr, 1000).size()");
        });
    });
    kit.clause("table.values", "a value is kept exactly or refused, never changed", [&](auto& h, checker& check) {
        const record_key s{sample, "s"};
        const schema_set models = schemas();
        for (const auto& awkward : awkward_values()) {
            const std::size_t field = awkward.field;
            const value& v = awkward.v;
            const auto at = check.at(models[sample].fields[field].name + " = " + show(v));
            bool holds = true;
            if constexpr (requires { h.holds(v.kind(), v); }) holds = h.holds(models[sample].fields[field].kind, v);
            committed(check, h.store(), [&](auto& t) {
                check.must(t.erase(s), "erase");
                const auto done = t.write(s, sample_row(field, v));
                if (holds) {
                    check.must(done, "done");
                } else {
                    const errc code = check.fault_of(done, "done");
                    check.that(code == errc::unsupported || code == errc::constraint, "code == errc::unsupported || code == errc::constraint");
                    check.none(check.must(t.visible(s), "visible"), "visible(s)");
                }
            });
            if (holds) {
                check.same(show(h.row(s)), show(sample_row(field, v)), "row(s)");
                dropped(check, h.store(), [&](auto& t) { check.same(check.must(t.visible(s), "visible"), sample_row(field, v), "visible(s)"); });
            }
        }
    });
    kit.clause("table.bookkeeping", "the bookkeeping keeps every value exactly", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < 20; ++i) {
                const record_key key{sample, std::to_string(i)};
                check.must(t.put_base(key, base_row{1, true, awkward_row(i), provisional_base{-1, "it's"}}), "put_base");
                check.must(t.put_lost(row_image{key, 6, awkward_row(i), {}}), "put_lost");
                check.must(t.put_open(full_intent(key, i + 1), 0), "put_open");
                check.must(t.put_frozen(batch_item{std::to_string(i), static_cast<std::uint32_t>(i), full_intent(key, i + 100)}), "put_frozen");
                check.must(t.stage({row_image{key, 7, awkward_row(i), "c"}}), "stage");
                check.must(t.quarantine({row_image{key, 8, awkward_row(i), "c"}, wait_reason{errc::constraint, "why"}}), "quarantine");
            }
        });
        h.reopen();
        dropped(check, h.store(), [&](auto& t) {
            for (std::size_t i = 0; i < 20; ++i) {
                const record_key key{sample, std::to_string(i)};
                check.same(check.must(t.base(key), "base"), base_row{1, true, awkward_row(i), provisional_base{-1, "it's"}}, "base(key)");
                check.same(check.must(t.open_intent(key), "open_intent"), full_intent(key, i + 1), "open_intent(key)");
                check.same(check.must(t.frozen(key), "frozen"), batch_item{std::to_string(i), static_cast<std::uint32_t>(i), full_intent(key, i + 100)}, "frozen(key)");
            }
            for (const auto& image : check.must(t.staged(nullptr, 100), "staged")) check.same(image.row, awkward_row(std::stoul(image.key.key)), "image.row");
            for (const auto& image : check.must(t.lost_rows(100), "lost_rows")) check.same(image, row_image{image.key, 6, awkward_row(std::stoul(image.key.key)), {}}, "image");
            check.same(check.must(t.lost_rows(100), "lost_rows").size(), 20, "lost_rows(100).size()");
            for (const auto& q : check.must(t.quarantined(100), "quarantined")) check.same(q.image.row, awkward_row(std::stoul(q.image.key.key)), "q.image.row");
        });
    });
    kit.clause("S6.refused", "a refused write is undone, says which constraint, and the transaction goes on", [&](auto& h, checker& check) {
        committed(check, h.store(), [&](auto& t) {
            check.must(t.write(a, task_row("a", "taken")), "write");
            const auto refused = t.write(b, task_row("b", "taken"));
            check.need_refused(refused, errc::constraint, "write of a slug that is taken");
            check.that(refused.error().detail.find("slug") != std::string::npos, "the fault names `slug`");
            check.none(check.must(t.visible(b), "visible"), "visible(b)");
            record untitled = task_row("x");
            untitled.fields[0] = value::null();
            const auto null = t.write(a, untitled);
            check.need_refused(null, errc::constraint, "write without a title");
            check.that(null.error().detail.find("title") != std::string::npos, "the fault names `title`");
            check.same(check.must(t.visible(a), "visible"), task_row("a", "taken"), "visible(a)");
            check.must(t.write(b, task_row("b", "free")), "write");
            check.refused(t.write(b, task_row("b2", "taken")), errc::constraint, "write");
            check.same(check.must(t.visible(b), "visible"), task_row("b", "free"), "visible(b)");
            check.must(t.write(a, task_row("a2", "taken")), "write");
            check.must(t.erase(a), "erase");
            check.must(t.write(b, task_row("b3", "taken")), "write");
        });
        check.none(h.row(a), "row(a)");
        check.same(h.row(b), task_row("b3", "taken"), "row(b)");
        check.refused(h.app_write(a, task_row("a", "taken")), errc::constraint, "app_write");
        dropped(check, h.store(), [&](auto& t) {
            check.that(check.must(t.take_captured(), "take_captured").empty(), "take_captured().empty()");
            check.that(check.must(t.take_diverted(), "take_diverted").empty(), "take_diverted().empty()");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
