#ifndef SYNCLINE_TESTS_SUPPORT_REPLICA_STORE_MODEL_HPP
#define SYNCLINE_TESTS_SUPPORT_REPLICA_STORE_MODEL_HPP

#include "support/store_contract.hpp"

#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

// A replica's store as plain maps, copied whole for every transaction: slow and obviously right. Random operations run on it
// and on a real store side by side.

namespace store_contract {

/// The few records that random operations use, and a few that they do not.
inline std::vector<record_key> universe() {
    std::vector<record_key> out;
    for (const char* k : {"a", "b", "B", "c'", "d\"", "\xC3\xA9", "never"}) {
        out.push_back({project, k});
        out.push_back({task, k});
    }
    for (const char* k : {"x", "y"}) out.push_back({sample, k});
    std::sort(out.begin(), out.end());
    return out;
}

/// The captured edits without those that came to nothing, in the order given.
template <class T>
std::vector<captured_edit> net_edits(T& t) {
    std::vector<captured_edit> out;
    for (auto& e : must(t.take_captured())) {
        const auto after = must(t.visible(e.key));
        const bool again = e.before && after && e.recreated;
        if (e.before == after && !again) continue;
        out.push_back(captured_edit{e.key, e.before, e.after, again});
    }
    return out;
}

/// Everything that a transaction can see, as text.
template <class T>
std::string replica_text(T& t) {
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    std::string out{"captured\n"};
    for (const auto& e : net_edits(t)) out.append("  ").append(show(e.key)).append(e.recreated ? " again " : " ").append(show(e.before)).append(" -> ").append(show(e.after)).append("\n");
    for (const auto& k : universe()) {
        out.append(show(k)).append(" ").append(show(must(t.visible(k))));
        const auto b = must(t.base(k));
        out.append(" base v").append(std::to_string(b.version)).append(b.image_kept ? " kept " : " ").append(show(b.image));
        if (b.provisional) out.append(" on ").append(std::to_string(b.provisional->row_version)).append(quoted(b.provisional->after));
        if (b.lost) out.append(" of a lost timeline");
        const auto open = must(t.open_intent(k));
        out.append(" open ").append(open ? show(*open) : "none");
        const auto frozen = must(t.frozen(k));
        out.append(" frozen ").append(frozen ? quoted(frozen->id).append("@").append(std::to_string(frozen->position)).append(show(frozen->what)) : "none");
        out.append("\n");
    }
    out.append("ready\n");
    for (const auto& [at, what] : must(t.ready_intents({}, all)))
        out.append("  ").append(std::to_string(at.send_class)).append("/").append(std::to_string(at.ordinal)).append(show(what.key)).append("\n");
    out.append("waiting\n").append(show(must(t.waiting_intents(all))));
    if (const auto b = must(t.current_batch()))
        out.append("batch ").append(std::to_string(b->id)).append(" ").append(std::to_string(b->source_bundle_id)).append(" ")
            .append(std::to_string(static_cast<int>(b->state))).append(" ").append(std::to_string(b->committed_seq)).append(quoted(b->committed_hash))
            .append(std::to_string(b->frozen_items)).append("\n");
    for (const auto& i : must(t.frozen_items(0, all))) out.append("frozen ").append(quoted(i.id)).append(" ").append(show(i.what.key)).append("\n");
    auto hidden = must(t.hidden());
    std::sort(hidden.begin(), hidden.end());
    out.append("hidden\n").append(show(hidden));
    auto quarantined = must(t.quarantined(all));
    std::sort(quarantined.begin(), quarantined.end(), [](const auto& x, const auto& y) { return x.image.key < y.image.key; });
    for (const auto& q : quarantined) out.append("quarantined ").append(show(q.image)).append(show(std::optional{q.why})).append("\n");
    for (const auto& u : must(t.unread(nullptr, all)))
        out.append("unread ").append(quoted(u.name.model)).append(quoted(u.name.key)).append(std::to_string(u.version)).append(quoted(u.text))
            .append(show(std::optional{u.why})).append("\n");
    out.append("lost\n").append(show(must(t.lost_rows(all)))).append("within\n").append(show(must(t.bases_within(5, 90, nullptr, all))));
    const auto s = must(t.state());
    out.append("state ").append(s.source_id).append(" ").append(std::to_string(s.checkpoint)).append(" ").append(std::to_string(s.next_ordinal)).append("\n");
    out.append("staged\n").append(show(must(t.staged(nullptr, all))));
    out.append("unstaged\n").append(show(must(t.unstaged(nullptr, all))));
    const auto has = must(t.presence());
    for (const bool any : {has.intents, has.frozen, has.quarantined, has.unread}) out.append(any ? "some " : "none ");
    const auto n = must(t.counts());
    for (const auto c : {n.open, n.waiting, n.frozen, n.quarantined, n.unread, n.lost}) out.append(std::to_string(c)).append(" ");
    return out;
}

/// The reference: a transaction is a copy.
struct replica_reference {
    struct captured_row {
        std::optional<record> before;
        bool was_absent = false;
        bool recreated = false;
        std::uint64_t order = 0;
    };
    std::map<record_key, record> rows;
    std::map<record_key, captured_row> log;
    std::uint64_t next = 0;
    std::map<record_key, base_row> bases;
    std::map<record_key, std::pair<intent, std::int32_t>> open;
    std::optional<batch> in_flight;
    std::map<record_key, batch_item> items;
    std::set<record_key> hidden_keys;
    std::map<record_key, quarantined_row> sick;
    std::map<unread_name, unread_row> illegible;
    std::map<record_key, row_image> gone;
    std::map<record_key, row_image> stage_rows;
    replica_state scalars;

    template <class Map>
    static auto at(const Map& map, const record_key& k) {
        const auto found = map.find(k);
        return found == map.end() ? std::optional<typename Map::mapped_type>{} : std::optional{found->second};
    }
    [[nodiscard]] bool refuses(const record_key& k, const record& r) const {
        if (k.model != task || r.fields[task_slug].is_null()) return false;
        return std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
            return row.first.model == task && row.first != k && row.second.fields[task_slug] == r.fields[task_slug];
        });
    }
    void capture(const record_key& k, bool stays) {
        const auto now = at(rows, k);
        if (!log.contains(k)) log[k] = captured_row{now, false, false, next++};
        auto& e = log[k];
        if (stays && !now && e.was_absent) e.recreated = true;
        if (!stays) e.was_absent = true;
    }

    // The shape of a transaction, as far as `replica_text` needs it.
    result<std::vector<captured_edit>> take_captured() {
        std::map<std::uint64_t, captured_edit> ordered;
        for (const auto& [k, e] : log) ordered.emplace(e.order, captured_edit{k, e.before, at(rows, k), e.recreated});
        log.clear();
        std::vector<captured_edit> out;
        for (auto& [order, e] : ordered) out.push_back(e);
        return out;
    }
    result<std::optional<record>> visible(const record_key& k) { return at(rows, k); }
    result<base_row> base(const record_key& k) { return at(bases, k).value_or(base_row{}); }
    result<std::optional<intent>> open_intent(const record_key& k) {
        const auto o = at(open, k);
        return o ? std::optional{o->first} : std::optional<intent>{};
    }
    result<std::optional<batch_item>> frozen(const record_key& k) { return at(items, k); }
    result<std::vector<std::pair<send_position, intent>>> ready_intents(send_position after, std::size_t n) {
        std::vector<std::pair<send_position, intent>> sorted;
        for (const auto& [k, o] : open)
            if (!o.first.waiting) sorted.emplace_back(send_position{o.second, o.first.ordinal}, o.first);
        std::sort(sorted.begin(), sorted.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
        return slice(sorted, [&](const auto& i) { return i.first > after; }, n);
    }
    result<std::vector<intent>> waiting_intents(std::size_t n) {
        std::vector<intent> sorted;
        for (const auto& [k, o] : open)
            if (o.first.waiting) sorted.push_back(o.first);
        std::sort(sorted.begin(), sorted.end(), [](const auto& x, const auto& y) { return x.ordinal < y.ordinal; });
        return slice(sorted, [](const auto&) { return true; }, n);
    }
    result<std::optional<batch>> current_batch() { return in_flight; }
    result<std::vector<batch_item>> frozen_items(std::uint32_t from, std::size_t n) {
        std::vector<batch_item> sorted;
        for (const auto& [k, i] : items) sorted.push_back(i);
        std::sort(sorted.begin(), sorted.end(), [](const auto& x, const auto& y) { return x.position < y.position; });
        return slice(sorted, [&](const auto& i) { return i.position >= from; }, n);
    }
    result<std::vector<record_key>> hidden() { return std::vector<record_key>(hidden_keys.begin(), hidden_keys.end()); }
    result<std::vector<quarantined_row>> quarantined(std::size_t) {
        std::vector<quarantined_row> out;
        for (const auto& [k, q] : sick) out.push_back(q);
        return out;
    }
    result<std::vector<unread_row>> unread(const unread_name* after, std::size_t n) {
        std::vector<unread_row> out;
        for (const auto& [name, u] : illegible)
            if ((after == nullptr || *after < name) && out.size() < n) out.push_back(u);
        return out;
    }
    result<std::vector<record_key>> bases_within(std::int64_t low, std::int64_t high, const record_key* after, std::size_t n) {
        std::vector<record_key> out;
        for (const auto& [k, b] : bases)
            if ((after == nullptr || *after < k) && low < b.version && b.version < high && out.size() < n) out.push_back(k);
        return out;
    }
    result<std::vector<row_image>> lost_rows(std::size_t n) {
        std::vector<row_image> out;
        for (const auto& [k, r] : gone)
            if (out.size() < n) out.push_back(r);
        return out;
    }
    result<replica_state> state() { return scalars; }
    result<std::vector<row_image>> staged(const record_key* after, std::size_t n) {
        std::vector<row_image> out;
        for (const auto& [k, r] : stage_rows)
            if ((after == nullptr || *after < k) && out.size() < n) out.push_back(r);
        return out;
    }
    result<std::vector<record_key>> unstaged(const record_key* after, std::size_t n) {
        std::vector<record_key> out;
        for (const auto& [k, b] : bases)
            if ((after == nullptr || *after < k) && !stage_rows.contains(k) && out.size() < n) out.push_back(k);
        return out;
    }
    result<replica_presence> presence() { return replica_presence{!open.empty(), !items.empty(), !sick.empty(), !illegible.empty()}; }
    result<replica_counts> counts() {
        replica_counts n;
        for (const auto& [k, o] : open) ++(o.first.waiting ? n.waiting : n.open);
        n.frozen = items.size();
        n.quarantined = sick.size();
        n.unread = illegible.size();
        n.lost = gone.size();
        return n;
    }
};

/// One random writing operation, on the store's transaction and on the reference.
template <class T>
void random_replica_operation(T& t, replica_reference& m, seeded_random& draw, std::uint64_t& counter) {
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
        REQUIRE(done.has_value() != m.refuses(k, row));
        if (done)
            m.rows[k] = row;
        else
            REQUIRE(done.error().code == errc::constraint);
        break;
    }
    case 3:
        must(t.erase(k));
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
        must(t.put_base(k, b));
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
        must(t.put_open(i, c));
        m.open[k] = {i, c};
        break;
    }
    case 8:
        must(t.drop_open(k));
        m.open.erase(k);
        break;
    case 9: {
        const batch b{n, static_cast<std::int64_t>(n), batch_state::prepared, 0, number, 1, number};
        must(t.put_batch(b));
        m.in_flight = b;
        break;
    }
    case 10:
        if (draw.chance(1, 4)) {
            must(t.drop_batch());
            m.in_flight.reset();
            m.items.clear();
        } else {
            must(t.drop_frozen(k));
            m.items.erase(k);
        }
        break;
    case 11: {
        const batch_item i{number, static_cast<std::uint32_t>(n), full_intent(k, n)};
        must(t.put_frozen(i));
        m.items[k] = i;
        break;
    }
    case 12: {
        const bool hide = draw.chance(1, 2);
        must(t.set_hidden(k, hide));
        if (hide)
            m.hidden_keys.insert(k);
        else
            m.hidden_keys.erase(k);
        break;
    }
    case 13:
        if (draw.chance(1, 2)) {
            const quarantined_row q{row_image{k, static_cast<std::int64_t>(n), row, number}, wait_reason{errc::constraint, number}};
            must(t.quarantine(q));
            m.sick[k] = q;
        } else {
            must(t.release(k));
            m.sick.erase(k);
        }
        break;
    case 14:
        if (draw.chance(1, 6)) {
            must(t.clear_stage());
            m.stage_rows.clear();
        } else {
            std::optional<record> staged;
            if (draw.chance(2, 3)) staged = row;
            const row_image image{k, static_cast<std::int64_t>(n), staged, number};
            must(t.stage({image}));
            m.stage_rows[k] = image;
        }
        break;
    case 15: {
        const unread_name name{n % 3 == 0 ? "" : "model", k.key};
        const unread_row u{name, static_cast<std::int64_t>(n), number, wait_reason{errc::malformed_value, number}};
        if (n % 5 < 3) {
            must(t.put_unread(u));
            m.illegible[name] = u;
        } else {
            must(t.drop_unread(name));
            m.illegible.erase(name);
        }
        m.scalars.source_id = number;
        m.scalars.checkpoint = static_cast<cursor>(n);
        m.scalars.next_ordinal = n * n;
        must(t.put_state(m.scalars));
        break;
    }
    case 16:
        if (draw.chance(2, 3)) {
            const row_image image{k, static_cast<std::int64_t>(n), draw.chance(2, 3) ? std::optional{row} : std::nullopt, {}};
            must(t.put_lost(image));
            m.gone[k] = image;
        } else {
            must(t.drop_lost(k));
            m.gone.erase(k);
        }
        break;
    }
}

/// Random edits of the app, random transactions, each committed or dropped, the store opened anew now and then; after every step
/// the store tells what the reference tells.
template <class Harness>
void run_random_replica(Harness& h, std::uint64_t seed) {
    INFO("seed " << seed);
    seeded_random draw{seed};
    replica_reference model;
    std::uint64_t counter = 0;
    const auto keys = universe();
    for (int round = 0; round < 40; ++round) {
        INFO("round " << round);
        for (auto edits = draw.below(5); edits > 0; --edits) {
            record_key k = keys[draw.below(keys.size())];
            if (k.key == "never") k.key = "a";
            if (draw.chance(2, 3)) {
                const auto number = std::to_string(++counter);
                const record row = k.model == project ? project_row(number) : k.model == task ? task_row(number, draw.chance(1, 2) ? "s" + std::to_string(draw.below(3)) : "") : sample_row(4, value::text(number));
                const auto done = h.app_write(k, row);
                REQUIRE(done.has_value() != model.refuses(k, row));
                if (!done) continue;
                model.capture(k, true);
                model.rows[k] = row;
            } else {
                must(h.app_erase(k));
                if (!model.rows.contains(k)) continue;
                model.capture(k, false);
                model.rows.erase(k);
            }
        }
        replica_reference working = model;
        bool kept = false;
        {
            auto t = must(h.store().begin());
            if (draw.chance(1, 2)) {
                must(t.take_captured());
                working.log.clear();
            }
            for (auto operations = draw.below(12); operations > 0; --operations) random_replica_operation(t, working, draw, counter);
            const send_position after{static_cast<std::int32_t>(draw.below(4)), draw.below(counter + 1)};
            REQUIRE(must(t.ready_intents(after, 2)) == must(working.ready_intents(after, 2)));
            REQUIRE(must(t.frozen_items(static_cast<std::uint32_t>(draw.below(counter + 1)), 1)).size() <= 1);
            const record_key& from = keys[draw.below(keys.size())];
            REQUIRE(must(t.staged(&from, 2)) == must(working.staged(&from, 2)));
            REQUIRE(must(t.lost_rows(2)) == must(working.lost_rows(2)));
            const auto low = static_cast<std::int64_t>(draw.below(counter + 1));
            REQUIRE(must(t.bases_within(low, low + 20, &from, 2)) == must(working.bases_within(low, low + 20, &from, 2)));
            REQUIRE(must(t.unstaged(&from, 2)) == must(working.unstaged(&from, 2)));
            const unread_name after_name{"model", from.key};
            REQUIRE(must(t.unread(&after_name, 2)) == must(working.unread(&after_name, 2)));
            kept = draw.chance(2, 3);
            if (kept) must(t.commit());
        }
        if (kept) model = working;
        if (draw.chance(1, 8)) h.reopen();
        replica_reference expected = model;
        auto t = must(h.store().begin());
        REQUIRE(replica_text(t) == replica_text(expected));
    }
}

}  // namespace store_contract

#endif
