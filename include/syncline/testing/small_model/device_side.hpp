#ifndef SYNCLINE_TESTING_SMALL_MODEL_DEVICE_SIDE_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_DEVICE_SIDE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/engine/content_hash.hpp>
#include <syncline/engine/freezing.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/small_model/names.hpp>
#include <syncline/testing/small_model/parts.hpp>
#include <syncline/testing/small_model/rules.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

/// What is asked of one record of a device.
struct device_record {
    std::uint32_t visible = 0;      ///< row numbers
    std::uint32_t base = 0;
    std::int64_t base_version = 0;
    bool provisional = false;
    bool open = false;
    bool waiting = false;
    bool frozen = false;
    /// By how much `b` is ahead of the base, where it is a counter, both rows are there and every layer is an update.
    std::optional<std::int64_t> ahead;
};

/// What one device holds.
struct device_part {
    std::uint8_t device = 0;
    std::uint8_t operations = 0;  ///< that its user has done
    std::shared_ptr<memory_replica_store> store;
    std::array<device_record, record_count> records{};
    cursor checkpoint = 0;
    part_number batch = 0;        ///< in flight
    bool committed = false;       ///< the server has it, its rows are awaited (bundle wire)
    bool ready = false;           ///< something open would be sent
    fingerprints names;
};

/// The devices' side of an exploration. Every step is the engine's: it runs on a copy of the store, once for each state that a device can be in.
class device_side {
public:
    device_side(surroundings& in, traffic& on_the_way) : in_(&in), traffic_(&on_the_way) {}

    [[nodiscard]] const device_part& operator[](part_number n) const { return parts_[n]; }
    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }

    /// A device that was just set up.
    [[nodiscard]] part_number fresh(std::uint8_t device) {
        auto store = std::make_shared<memory_replica_store>(in_->schemas);
        seeded_random draw{seed_of(device, 0)};
        replica<memory_replica_store> engine{*store, resolver_set{in_->how.decides}};
        if (!in_->went(engine.open(draw, wall_clock), "opening the device")) return 0;
        auto t = store->begin();
        if (!in_->went(t, "opening the device")) return 0;
        auto state = t->state();
        if (!in_->went(state, "opening the device")) return 0;
        state->source_id = surroundings::source_of(device);
        state->attachment = scope_attachment::attached;  // as after a first connection
        if (!in_->went(t->put_state(*state), "opening the device") || !in_->went(t->commit(), "opening the device")) return 0;
        return keep(device, 0, std::move(store));
    }

    /// What the device's user can do with @p record: the parts of `action` that apply.
    [[nodiscard]] bool possible(part_number n, action what, std::uint8_t record) const {
        const auto& r = parts_[n].records[record];
        switch (what) {
        case action::create: return r.visible == 0;
        case action::set_a:
        case action::set_b:
        case action::erase: return r.visible != 0;
        case action::keep:
        case action::give_up: return r.waiting;
        default: return false;
        }
    }

    /// The device after its user has done @p what, or after it has frozen what is open. 0: a violation was noted.
    [[nodiscard]] part_number after(part_number n, action what, std::uint8_t record) {
        return once(n, (std::uint64_t{static_cast<std::uint8_t>(what)} << 1U) | record, [&] { return run(n, what, record); });
    }

    /// The device after it has taken in @p message.
    [[nodiscard]] part_number taken(part_number n, part_number message) {
        return once(n, 256 + std::uint64_t{message}, [&] { return take(n, traffic_->messages[message]); });
    }

private:
    [[nodiscard]] static std::uint64_t seed_of(std::uint8_t device, std::uint64_t batch) noexcept { return 1000 * (batch + 1) + device; }

    template <class Make>
    [[nodiscard]] part_number once(part_number n, std::uint64_t what, Make make) {
        const std::uint64_t key = (std::uint64_t{n} << 32U) | what;
        if (const auto at = after_.find(key); at != after_.end()) return at->second;
        const part_number made = make();
        if (made != 0) after_.emplace(key, made);
        return made;
    }

    [[nodiscard]] part_number run(part_number n, action what, std::uint8_t record) {
        const std::uint8_t device = parts_[n].device;
        auto store = std::make_shared<memory_replica_store>(parts_[n].store->copy());
        replica<memory_replica_store> engine{*store, resolver_set{in_->how.decides}};
        if (what == action::freeze) {
            seeded_random draw{seed_of(device, next_batch(*store))};
            auto frozen = engine.freeze(100, in_->how.wire == wire_kind::bundle, draw, wall_clock);
            if (!in_->went(frozen, "freezing")) return 0;
            return keep(device, parts_[n].operations, std::move(store));
        }
        const auto operation = static_cast<std::uint8_t>(parts_[n].operations + 1);
        if (what == action::keep || what == action::give_up) {
            const auto done = what == action::keep ? engine.take_client(key_of(record), wall_clock) : engine.discard(key_of(record), wall_clock);
            if (!in_->went(done, "deciding what waits")) return 0;
            return keep(device, operation, std::move(store));
        }
        if (!in_->went(what == action::erase ? store->app_erase(key_of(record)) : store->app_write(key_of(record), edited(*store, what, device, operation, record)), "the user's edit"))
            return 0;
        if (!in_->went(engine.absorb(wall_clock), "absorbing an edit")) return 0;
        return keep(device, operation, std::move(store));
    }

    [[nodiscard]] syncline::record edited(const memory_replica_store& store, action what, std::uint8_t device, std::uint8_t operation, std::uint8_t record) const {
        const value tag = value::integer(tagged_value(device, operation));
        syncline::record row = store.row(key_of(record)).value_or(syncline::record{});
        row.fields.resize(2);
        if (what != action::set_b) row.fields[0] = tag;
        if (what == action::set_b && in_->counts()) row.fields[1] = value::integer(row.fields[1].as_integer() + 1);
        if (what != action::set_a && !in_->counts()) row.fields[1] = tag;
        if (what == action::create && in_->counts()) row.fields[1] = value::integer(0);
        return row;
    }

    [[nodiscard]] static std::uint64_t next_batch(memory_replica_store& store) {
        auto t = store.begin();
        if (!t) return 0;
        auto state = t->state();
        return state ? state->next_batch_id : 0;
    }

    [[nodiscard]] part_number take(part_number n, const message_part& m) {
        const device_part& was = parts_[n];
        auto store = std::make_shared<memory_replica_store>(was.store->copy());
        replica<memory_replica_store> engine{*store, resolver_set{in_->how.decides}};
        engine.hear(m.heard);
        switch (m.what) {
        case message_part::kind::outcomes: {
            auto done = engine.settle(m.batch_id, m.outcomes, wall_clock);
            if (!in_->went(done, "taking in outcomes")) return 0;
            in_->require(done->stale || all_told(m.outcomes, *done), "a change met changes of others, and the device's user is not told");
            break;
        }
        case message_part::kind::page: {
            auto done = engine.apply(m.rows, wall_clock);
            if (!in_->went(done, "taking in a page")) return 0;
            in_->require(done->quarantined == 0, "a row of a page was quarantined");
            break;
        }
        case message_part::kind::commit:
            if (m.commit.committed) {
                if (!in_->went(engine.committed(m.batch_id, m.commit.committed->seq, {}, wall_clock), "noting a commit")) return 0;
            } else if (!in_->went(engine.obstructed(m.batch_id, m.commit.obstacles, wall_clock), "deciding conflicts")) {
                return 0;
            }
            break;
        case message_part::kind::committed:
            if (!in_->went(engine.replay(m.batch_id, m.seq, &m.images, wall_clock), "replaying what was committed")) return 0;
            break;
        case message_part::kind::bundle:
            if (!in_->went(engine.apply_bundle(m.from, m.seq, m.images, wall_clock), "taking in a bundle")) return 0;
            break;
        }
        const part_number made = keep(was.device, was.operations, std::move(store));
        if (made == 0) return 0;
        const device_part& is = parts_[made];
        in_->require(is.checkpoint >= parts_[n].checkpoint, "a device's checkpoint went back");
        if (m.what == message_part::kind::commit)
            for (std::size_t r = 0; r < record_count; ++r) {
                const auto &before = parts_[n].records[r].ahead, &after = is.records[r].ahead;
                in_->require(!before || !after || *before == *after, "what a user has counted up and not sent was changed by a decision");
            }
        return made;
    }

    [[nodiscard]] static bool all_told(const std::vector<outcome>& outcomes, const settle_report& report) {
        for (const auto& o : outcomes) {
            if (!met_others(o)) continue;
            bool told = false;
            for (const auto& c : report.conflicts) told = told || c.id == o.id;
            if (!told) return false;
        }
        return true;
    }

    // Reads the store, checks what holds of every device, and gives the part its number.
    [[nodiscard]] part_number keep(std::uint8_t device, std::uint8_t operations, std::shared_ptr<memory_replica_store> store) {
        device_part out;
        out.device = device;
        out.operations = operations;
        std::array<base_row, record_count> bases;
        std::array<std::optional<record>, record_count> visible;
        std::array<std::optional<intent>, record_count> open;
        std::array<std::optional<batch_item>, record_count> frozen;
        auto t = store->begin();
        if (!in_->went(t, "reading the device")) return 0;
        const auto has = t->presence();
        const auto state = t->state();
        const auto current = t->current_batch();
        if (!has || !state || !current) return in_->fail("the device cannot be read"), 0;
        if (!in_->require(!has->quarantined && !has->unread && !state->needs_hydration, "something was quarantined, unread, or needs a new picture")) return 0;
        std::vector<batch_item> items;
        if (!in_->went(frozen_items_of(*t, items), "reading the batch")) return 0;
        for (std::size_t r = 0; r < record_count; ++r) {
            const record_key key = key_of(r);
            auto b = t->base(key);
            auto v = t->visible(key);
            auto o = t->open_intent(key);
            auto f = t->frozen(key);
            if (!b || !v || !o || !f) return in_->fail("the device cannot be read"), 0;
            bases[r] = std::move(*b);
            visible[r] = std::move(*v);
            open[r] = std::move(*o);
            frozen[r] = std::move(*f);
            if (frozen[r] && !*current) return in_->fail("a change is frozen and in no batch"), 0;
            device_record& told = out.records[r];
            told.open = open[r].has_value();
            told.waiting = open[r] && open[r]->waiting;
            told.frozen = frozen[r].has_value();
            told.provisional = bases[r].provisional.has_value();
            told.base_version = bases[r].version;
            const std::optional<record> base = bases[r].image_kept ? bases[r].image : told.base_version != 0 || told.provisional ? visible[r] : std::optional<record>{};
            in_->require(bases[r].image_kept || (!told.open && !told.frozen) || (told.base_version == 0 && !told.provisional), "a layer lies over a base whose row is not kept");
            told.base = in_->rows.of(base);
            told.visible = in_->rows.of(visible[r]);
            const auto shown = visible_row(in_->schemas[0], frozen[r] ? &frozen[r]->what : nullptr, open[r] ? &*open[r] : nullptr, base, false);
            in_->require(shown == visible[r], "what a device shows is not open(frozen(base))");
            const bool updates = (!open[r] || open[r]->op == operation::update) && (!frozen[r] || frozen[r]->what.op == operation::update);
            if (in_->counts() && base && visible[r] && updates) told.ahead = visible[r]->fields[1].as_integer() - base->fields[1].as_integer();
            out.ready = out.ready || (open[r] && !open[r]->waiting);
        }
        out.checkpoint = state->checkpoint;
        out.committed = *current && (*current)->state == batch_state::committed_remote;
        if (*current) out.batch = note(device, **current, items);
        std::string plain;
        out.names = write_under(in_->all, in_->names, plain, [&](part_writer& w) {
            w.number(std::uint64_t{operations});
            w.number(static_cast<std::int64_t>(state->next_source_bundle_id));
            w.number(state->next_ordinal);
            w.number(state->next_batch_id);
            w.number(stamp_number(state->checkpoint));
            w.time(from_microseconds(state->clock_us));
            w.flag(current->has_value());
            if (*current) {
                w.number((*current)->id);
                w.number((*current)->source_bundle_id);
                w.number(std::uint64_t{static_cast<std::uint8_t>((*current)->state)});
                w.number((*current)->committed_seq);
                for (const auto& item : items) w.id(item.id);
            }
            for (std::size_t place = 0; place < record_count; ++place) {
                const std::size_t r = w.as().record[0] == 0 ? place : record_count - 1 - place;
                w.put(visible[r]);
                w.number(bases[r].version);
                w.flag(bases[r].image_kept);
                if (bases[r].image_kept) w.put(bases[r].image);
                w.flag(bases[r].provisional.has_value());
                if (bases[r].provisional) {
                    w.number(bases[r].provisional->row_version);
                    w.id(bases[r].provisional->after);
                }
                for (const intent* layer : {open[r] ? &*open[r] : nullptr, frozen[r] ? &frozen[r]->what : nullptr}) {
                    w.flag(layer != nullptr);
                    if (layer == nullptr) continue;
                    w.put(*layer);
                    w.number(layer->ordinal);
                }
            }
        });
        plain.push_back(static_cast<char>(device));
        out.store = std::move(store);
        return parts_.number_of(std::move(plain), [&] { return std::move(out); });
    }

    // Stamps begin with the clock.
    [[nodiscard]] static std::int64_t stamp_number(cursor c) noexcept { return c >= to_microseconds(wall_clock) ? c - to_microseconds(wall_clock) : c; }

    [[nodiscard]] part_number note(std::uint8_t device, const batch& head, const std::vector<batch_item>& items) {
        batch_part b;
        b.device = device;
        b.head = head;
        for (const auto& item : items) {
            if (in_->names.ids.emplace(item.id, id_meaning{device, head.id, item.position}).second) in_->names.mutations.push_back(item.id);
            in_->names.contents.insert_or_assign(content_hash(in_->schemas, item.what), item.what);
            b.items.push_back({item.id, item.what});
        }
        in_->names.bundles.insert_or_assign(bundle_content_hash(in_->schemas, b.items), b.items);
        return traffic_->add(*in_, std::move(b));
    }

    surroundings* in_;
    traffic* traffic_;
    pool<device_part> parts_;
    std::unordered_map<std::uint64_t, part_number> after_;
};

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
