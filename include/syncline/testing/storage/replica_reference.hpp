#ifndef SYNCLINE_TESTING_STORAGE_REPLICA_REFERENCE_HPP
#define SYNCLINE_TESTING_STORAGE_REPLICA_REFERENCE_HPP

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
#include <syncline/testing/storage/show.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// A replica's store as plain maps, copied whole for every transaction: slow and obviously right. And texts of all that a store holds.

namespace testing::storage {

/// The few records that random operations use, and a few that they do not.
[[nodiscard]] inline std::vector<record_key> universe() {
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
[[nodiscard]] std::vector<captured_edit> net_edits(checker& check, T& t) {
    std::vector<captured_edit> out;
    for (auto& e : check.must(t.take_captured(), "take_captured")) {
        const auto after = check.must(t.visible(e.key), "visible");
        const bool again = e.before && after && e.recreated;
        if (e.before == after && !again) continue;
        out.push_back(captured_edit{e.key, e.before, e.after, again, e.unseen});
    }
    return out;
}

/// Everything that a transaction can see, as text.
template <class T>
[[nodiscard]] std::string replica_text(checker& check, T& t) {
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    std::string out{"captured\n"};
    for (const auto& e : net_edits(check, t)) out.append("  ").append(show(e.key)).append(e.recreated ? " again " : " ").append(show(e.before)).append(" -> ").append(show(e.after)).append("\n");
    for (const auto& k : universe()) {
        out.append(show(k)).append(" ").append(show(check.must(t.visible(k), "visible")));
        const auto b = check.must(t.base(k), "base");
        out.append(" ").append(show(b));
        const auto open = check.must(t.open_intent(k), "open_intent");
        out.append(" open ").append(open ? show(*open) : "none");
        const auto frozen = check.must(t.frozen(k), "frozen");
        out.append(" frozen ").append(frozen ? show(*frozen) : "none");
        out.append("\n");
    }
    out.append("ready\n");
    for (const auto& [at, what] : check.must(t.ready_intents({}, all), "ready_intents"))
        out.append("  ").append(std::to_string(at.send_class)).append("/").append(std::to_string(at.ordinal)).append(show(what.key)).append("\n");
    out.append("waiting\n").append(show(check.must(t.waiting_intents(all), "waiting_intents")));
    if (const auto b = check.must(t.current_batch(), "current_batch"))
        out.append("batch ").append(std::to_string(b->id)).append(" ").append(std::to_string(b->source_bundle_id)).append(" ")
            .append(std::to_string(static_cast<int>(b->state))).append(" ").append(std::to_string(b->committed_seq)).append(quoted(b->committed_hash))
            .append(std::to_string(b->frozen_items)).append("\n");
    for (const auto& i : check.must(t.frozen_items(0, all), "frozen_items")) out.append("frozen ").append(quoted(i.id)).append(" ").append(show(i.what.key)).append("\n");
    auto hidden = check.must(t.hidden(), "hidden");
    std::sort(hidden.begin(), hidden.end());
    out.append("hidden\n").append(show(hidden));
    auto quarantined = check.must(t.quarantined(all), "quarantined");
    std::sort(quarantined.begin(), quarantined.end(), [](const auto& x, const auto& y) { return x.image.key < y.image.key; });
    for (const auto& q : quarantined) out.append("quarantined ").append(show(q.image)).append(show(std::optional{q.why})).append("\n");
    for (const auto& u : check.must(t.unread(nullptr, all), "unread"))
        out.append("unread ").append(quoted(u.name.model)).append(quoted(u.name.key)).append(std::to_string(u.version)).append(quoted(u.text))
            .append(show(std::optional{u.why})).append("\n");
    out.append("lost\n").append(show(check.must(t.lost_rows(all), "lost_rows"))).append("within\n").append(show(check.must(t.bases_within(5, 90, nullptr, all), "bases_within")));
    const auto s = check.must(t.state(), "state");
    out.append("state ").append(s.source_id).append(" ").append(std::to_string(s.checkpoint)).append(" ").append(std::to_string(s.next_ordinal)).append("\n");
    out.append("staged\n").append(show(check.must(t.staged(nullptr, all), "staged")));
    out.append("unstaged\n").append(show(check.must(t.unstaged(nullptr, all), "unstaged")));
    const auto has = check.must(t.presence(), "presence");
    for (const bool any : {has.intents, has.frozen, has.quarantined, has.unread}) out.append(any ? "some " : "none ");
    const auto n = check.must(t.counts(), "counts");
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
        for (const auto& [k, e] : log) ordered.emplace(e.order, captured_edit{k, e.before, at(rows, k), e.recreated, {}});
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

/// Everything that a replica's store holds, as text.
template <class Store>
[[nodiscard]] std::string everything(checker& check, Store& store) {
    auto t = check.must(store.begin(), "begin");
    return replica_text(check, t);
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
