#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_RANDOM_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_RANDOM_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/replica_reference.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Random operations on a replica's store and on the reference side by side.

namespace testing::storage {

/// One random writing operation, on the store's transaction and on the reference.
template <class T>
void random_replica_operation(checker& check, T& t, replica_reference& m, seeded_random& draw, std::uint64_t& counter) {
    const auto keys = universe();
    record_key k = keys[draw.below(keys.size())];
    if (k.key == "never") k.key = "a";
    const std::uint64_t n = ++counter;
    const auto number = std::to_string(n);
    record row = k.model == project ? project_row(number) : k.model == task ? task_row(number, draw.chance(1, 2) ? "s" + std::to_string(draw.below(3)) : "") : sample_row(4, value::text(number));
    switch (draw.below(17)) {
    case 0:
    case 1:
    case 2: {
        const auto done = t.write(k, row);
        check.require(done.has_value() != m.refuses(k, row), "done.has_value() != m.refuses(k, row)");
        if (done)
            m.rows[k] = row;
        else
            check.refused(done, errc::constraint, "done");
        break;
    }
    case 3:
        check.must(t.erase(k), "erase");
        m.rows.erase(k);
        break;
    case 4:
    case 5: {
        base_row b;
        if (draw.chance(3, 4)) b.version = static_cast<std::int64_t>(n);
        b.image_kept = draw.chance(1, 2);
        if (b.image_kept && draw.chance(1, 2)) b.image = row;
        if (draw.chance(1, 3)) b.provisional = provisional_base{static_cast<std::int64_t>(n / 2), number};
        b.lost = b.version != 0 && draw.chance(1, 4);
        check.must(t.put_base(k, b), "put_base");
        if (b.version == 0 && !b.image && !b.provisional)
            m.bases.erase(k);
        else
            m.bases[k] = b;
        break;
    }
    case 6:
    case 7: {
        const auto c = static_cast<std::int32_t>(draw.below(4));
        const intent i = draw.chance(1, 3) ? waiting_intent(k, n, errc::conflict) : full_intent(k, n);
        check.must(t.put_open(i, c), "put_open");
        m.open[k] = {i, c};
        break;
    }
    case 8:
        check.must(t.drop_open(k), "drop_open");
        m.open.erase(k);
        break;
    case 9: {
        const batch b{n, static_cast<std::int64_t>(n), batch_state::prepared, 0, number, 1, number};
        check.must(t.put_batch(b), "put_batch");
        m.in_flight = b;
        break;
    }
    case 10:
        if (draw.chance(1, 4)) {
            check.must(t.drop_batch(), "drop_batch");
            m.in_flight.reset();
            m.items.clear();
        } else {
            check.must(t.drop_frozen(k), "drop_frozen");
            m.items.erase(k);
        }
        break;
    case 11: {
        const batch_item i{number, static_cast<std::uint32_t>(n), full_intent(k, n)};
        check.must(t.put_frozen(i), "put_frozen");
        m.items[k] = i;
        break;
    }
    case 12: {
        const bool hide = draw.chance(1, 2);
        check.must(t.set_hidden(k, hide), "set_hidden");
        if (hide)
            m.hidden_keys.insert(k);
        else
            m.hidden_keys.erase(k);
        break;
    }
    case 13:
        if (draw.chance(1, 2)) {
            const quarantined_row q{row_image{k, static_cast<std::int64_t>(n), row, number}, wait_reason{errc::constraint, number}};
            check.must(t.quarantine(q), "quarantine");
            m.sick[k] = q;
        } else {
            check.must(t.release(k), "release");
            m.sick.erase(k);
        }
        break;
    case 14:
        if (draw.chance(1, 6)) {
            check.must(t.clear_stage(), "clear_stage");
            m.stage_rows.clear();
        } else {
            std::optional<record> staged;
            if (draw.chance(2, 3)) staged = row;
            const row_image image{k, static_cast<std::int64_t>(n), staged, number};
            check.must(t.stage({image}), "stage");
            m.stage_rows[k] = image;
        }
        break;
    case 15: {
        const unread_name name{n % 3 == 0 ? "" : "model", k.key};
        const unread_row u{name, static_cast<std::int64_t>(n), number, wait_reason{errc::malformed_value, number}};
        if (n % 5 < 3) {
            check.must(t.put_unread(u), "put_unread");
            m.illegible[name] = u;
        } else {
            check.must(t.drop_unread(name), "drop_unread");
            m.illegible.erase(name);
        }
        m.scalars.source_id = number;
        m.scalars.checkpoint = static_cast<cursor>(n);
        m.scalars.next_ordinal = n * n;
        check.must(t.put_state(m.scalars), "put_state");
        break;
    }
    case 16:
        if (draw.chance(2, 3)) {
            const row_image image{k, static_cast<std::int64_t>(n), draw.chance(2, 3) ? std::optional{row} : std::nullopt, {}};
            check.must(t.put_lost(image), "put_lost");
            m.gone[k] = image;
        } else {
            check.must(t.drop_lost(k), "drop_lost");
            m.gone.erase(k);
        }
        break;
    }
}

/// Random edits of the app, random transactions, each committed or dropped, the store opened anew now and then; after every step
/// the store tells what the reference tells.
template <class Harness>
void run_random_replica(checker& check, Harness& h, std::uint64_t seed) {
    const auto at_seed = check.at("seed " + std::to_string(seed));
    seeded_random draw{seed};
    replica_reference model;
    std::uint64_t counter = 0;
    const auto keys = universe();
    for (int round = 0; round < 40; ++round) {
        const auto at_round = check.at("round " + std::to_string(round));
        for (auto edits = draw.below(5); edits > 0; --edits) {
            record_key k = keys[draw.below(keys.size())];
            if (k.key == "never") k.key = "a";
            if (draw.chance(2, 3)) {
                const auto number = std::to_string(++counter);
                const record row = k.model == project ? project_row(number) : k.model == task ? task_row(number, draw.chance(1, 2) ? "s" + std::to_string(draw.below(3)) : "") : sample_row(4, value::text(number));
                const auto done = h.app_write(k, row);
                check.require(done.has_value() != model.refuses(k, row), "done.has_value() != model.refuses(k, row)");
                if (!done) continue;
                model.capture(k, true);
                model.rows[k] = row;
            } else {
                check.must(h.app_erase(k), "app_erase");
                if (!model.rows.contains(k)) continue;
                model.capture(k, false);
                model.rows.erase(k);
            }
        }
        replica_reference working = model;
        bool kept = false;
        {
            auto t = check.must(h.store().begin(), "begin");
            if (draw.chance(1, 2)) {
                check.must(t.take_captured(), "take_captured");
                working.log.clear();
            }
            for (auto operations = draw.below(12); operations > 0; --operations) random_replica_operation(check, t, working, draw, counter);
            const send_position after{static_cast<std::int32_t>(draw.below(4)), draw.below(counter + 1)};
            check.need_same(check.must(t.ready_intents(after, 2), "ready_intents"), check.must(working.ready_intents(after, 2), "ready_intents"), "ready_intents(after, 2)");
            check.require(check.must(t.frozen_items(static_cast<std::uint32_t>(draw.below(counter + 1)), 1), "frozen_items").size() <= 1, "frozen_items(static_cast<uint32_t>(draw.below(counter + 1)), 1).siz...");
            const record_key& from = keys[draw.below(keys.size())];
            check.need_same(check.must(t.staged(&from, 2), "staged"), check.must(working.staged(&from, 2), "staged"), "staged(&from, 2)");
            check.need_same(check.must(t.lost_rows(2), "lost_rows"), check.must(working.lost_rows(2), "lost_rows"), "lost_rows(2)");
            const auto low = static_cast<std::int64_t>(draw.below(counter + 1));
            check.need_same(check.must(t.bases_within(low, low + 20, &from, 2), "bases_within"), check.must(working.bases_within(low, low + 20, &from, 2), "bases_within"), "bases_within(low, low + 20, &from, 2)");
            check.need_same(check.must(t.bases_within(0, 1000000, nullptr, 2), "bases_within"), check.must(working.bases_within(0, 1000000, nullptr, 2), "bases_within"), "bases_within(0, 1000000, nullptr, 2)");
            check.need_same(check.must(t.unstaged(&from, 2), "unstaged"), check.must(working.unstaged(&from, 2), "unstaged"), "unstaged(&from, 2)");
            const unread_name after_name{"model", from.key};
            check.need_same(check.must(t.unread(&after_name, 2), "unread"), check.must(working.unread(&after_name, 2), "unread"), "unread(&after_name, 2)");
            kept = draw.chance(2, 3);
            if (kept) check.must(t.commit(), "commit");
        }
        if (kept) model = working;
        if (draw.chance(1, 8)) h.reopen();
        replica_reference expected = model;
        auto t = check.must(h.store().begin(), "begin");
        check.need_same(replica_text(check, t), replica_text(check, expected), "everything");
    }
}


/// `random`: a store and the reference, side by side.
template <class Make>
void check_replica_random(store_kit<Make>& kit) {
    for (std::uint64_t seed = kit.options().first_seed; seed < kit.options().first_seed + kit.options().seeds; ++seed)
        kit.clause("random", "random operations do what a map would do", [&](auto& h, checker& check) { run_random_replica(check, h, seed); });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
