#ifndef SYNCLINE_ENGINE_VIEW_PULL_HPP
#define SYNCLINE_ENGINE_VIEW_PULL_HPP

#include <syncline/change/cursor.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/page_rows.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/device_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What a device is told after a cursor where not everybody sees everything (ENGINE.md rule 7), in one transaction of the authority's
/// store for writing. Lives as long as that.
///
/// A page first tells what changed after the mark's position: a visible record by its row, one that was visible before by its removal. When
/// nothing of that is left, the records with each label that was gained or lost since are looked through; then the device holds
/// just what is granted. A finished look does not begin again unless its label comes or goes again, so pulls end.
template <authority_transaction Transaction>
class view_pull {
public:
    view_pull(Transaction& t, const schema_set& schemas, const scope_map& scopes, const caller& who, label_set granted)
        : t_(t), schemas_(schemas), scopes_(scopes), who_(who), granted_(std::move(granted)) {}

    /// Makes the page and remembers what the device has with it. The caller commits.
    /// @param needs  receives the stamp after which this device needs the history
    /// @return `errc::history_pruned` for a cursor that is not known here, or whose history is gone
    [[nodiscard]] result<pull_answer> page(const pull_query& query, std::size_t limit, std::size_t most_examined, cursor& needs) {
        auto head = t_.head();
        if (!head) return std::move(head).error();
        if (query.from < 0 || query.from > most_cursor)
            return make_fault(errc::invalid_cursor, "no server gives such a cursor; present the one of the last answer, or none");
        auto view = view_of(t_, scopes_, who_);
        if (!view) return std::move(view).error();
        auto mark = begin(*view, query.from, *head);
        if (!mark) return std::move(mark).error();
        needs = query.from == 0 ? head->stamp : mark->walk ? (std::min)(*mark->walk, head->stamp) : mark->since;
        const view_mark before = *mark;
        take_grants(*mark);
        began_ = mark->position;

        pull_answer out;
        page_rows<Transaction> rows{t_, schemas_, out};
        if (auto r = rows.contained(who_, query.in_flight); !r) return std::move(r).error();
        for (const auto& key : query.again) {
            auto known = t_.sealed(key);
            if (!known) return std::move(known).error();
            if (*known)
                if (auto r = tell(rows, *mark, key, std::move(**known), false); !r) return std::move(r).error();
        }
        limit += out.rows.rows.size();  // what was asked for again does not count
        auto told = tell_changes(rows, *mark, out, limit, most_examined);
        if (!told) return std::move(told).error();
        auto looked = *told ? look_through(rows, *mark, out, limit) : told;
        if (!looked) return std::move(looked).error();
        if (*told) {
            mark->walk.reset();
            mark->since = mark->position;
        }
        if (*looked) {
            mark->complete = mark->possible = granted_;
            mark->scans.clear();
        }
        out.rows.from = query.from;
        out.rows.more = !*looked;
        out.rows.head_seq = head->seq;
        out.epoch = head->epoch;
        if (auto r = remember(*view, before, *mark, query.from, head->stamp); !r) return std::move(r).error();
        out.rows.next = mark->number;
        out.head_stamp = out.rows.more ? mark->number + 1 : mark->number;
        told_ = mark->position;
        return out;
    }

    /// The stamps up to which changes were told with the cursor that the last `page` was asked with, and with the one that it gave.
    [[nodiscard]] cursor shown() const noexcept { return began_; }
    [[nodiscard]] cursor told() const noexcept { return told_; }

    /// Notes that a push of the device was answered: it may hold records that it saw in the answer.
    /// @param took_away  the answer said of a record that it is out of view: the device gives up what it has of it, under whatever label it had it
    /// @return a number above the device's cursor where there is something for it to pull, or else that cursor
    [[nodiscard]] result<cursor> pushed(bool took_away) {
        auto view = view_of(t_, scopes_, who_);
        if (!view) return std::move(view).error();
        auto head = t_.head();
        if (!head) return std::move(head).error();
        bool changed = !granted_.within(view->pushed);
        if (changed) view->pushed = united(view->pushed, granted_);
        for (auto& m : view->marks) {
            const label_set fresh = without(granted_, m.granted);
            if (took_away && !m.possible.within(granted_)) {
                changed = true;
                m.complete = common(m.complete, granted_);
                std::erase_if(m.scans, [&](const label_scan& s) { return !granted_.contains(s.label); });
            }
            if (granted_.within(m.possible) && fresh.empty()) continue;
            changed = true;
            m.possible = united(m.possible, granted_);
            std::erase_if(m.scans, [&](const label_scan& s) { return fresh.contains(s.label); });
        }
        if (changed)
            if (auto r = t_.put_view(*view); !r) return std::move(r).error();
        if (view->marks.empty()) return head->stamp;
        const auto& last = view->marks.back();
        return last.position < head->stamp || last.granted != granted_ || !last.scans.empty() ? last.number + 1 : last.number;
    }

private:
    static constexpr cursor most_cursor = (std::numeric_limits<cursor>::max)() / 2;
    static constexpr std::size_t most_marks = 8;
    static constexpr std::size_t chunk = 500;

    [[nodiscard]] static result<device_view> view_of(Transaction& t, const scope_map& scopes, const caller& who) {
        auto known = t.find_view(who.principal, who.source);
        if (!known) return std::move(known).error();
        device_view out = known->value_or(device_view{who.principal, who.source, {}, 0, {}, {}});
        if (out.rules != scopes.version()) {  // what it was told was told by other rules
            out.rules = scopes.version();
            out.marks.clear();
        }
        return out;
    }

    [[nodiscard]] result<view_mark> begin(device_view& view, cursor from, const authority_head& head) {
        if (from == 0) {
            view_mark m;
            m.walk = head.stamp;
            // Whoever begins from nothing holds nothing of before, but what it saw in answers to pushes.
            m.since = view.pushed.empty() ? head.stamp : 0;
            m.complete = m.granted = granted_;
            m.possible = united(granted_, view.pushed);
            return m;
        }
        const auto at = std::find_if(view.marks.begin(), view.marks.end(), [&](const view_mark& m) { return m.number == from; });
        const bool kept = at != view.marks.end() && !is_lost_stamp(head.lost, at->position) &&
                          (reachable(at->since, head.floor_stamp) ||
                           (at->walk && *at->walk >= head.floor_stamp && !is_lost_stamp(head.lost, *at->walk)));
        if (kept) return *at;
        // Numbers given from here on are above the one that the device has.
        view.newest = (std::max)(view.newest, from);
        std::erase_if(view.marks, [&](const view_mark& m) { return m.number <= from; });
        if (auto r = t_.put_view(view); !r) return std::move(r).error();
        return make_fault(errc::history_pruned, "what this cursor stands for is not known here any more; start again without a cursor");
    }

    // What was granted and is not, and what is granted and was not, is looked through from the first record.
    void take_grants(view_mark& m) const {
        const label_set moved = united(without(m.granted, granted_), without(granted_, m.granted));
        m.complete = common(m.complete, granted_);
        m.possible = united(m.possible, granted_);
        std::vector<label_scan> scans;
        for (const auto& label : without(m.possible, m.complete)) {
            const auto known = std::find_if(m.scans.begin(), m.scans.end(), [&](const label_scan& s) { return s.label == label; });
            scans.push_back(known != m.scans.end() && !moved.contains(label) ? *known : label_scan{label, std::nullopt, false});
        }
        m.scans = std::move(scans);
        m.granted = granted_;
    }

    // @return whether nothing of the changes is left
    [[nodiscard]] result<bool> tell_changes(page_rows<Transaction>& rows, view_mark& m, pull_answer& out, std::size_t limit, std::size_t most_examined) {
        std::size_t examined = 0;
        while (out.rows.rows.size() < limit && examined < most_examined) {
            auto changes = t_.latest_after(m.position, (std::min)(chunk, limit));
            if (!changes) return std::move(changes).error();
            if (changes->empty()) return true;
            for (auto& change : *changes) {
                if (out.rows.rows.size() >= limit) return false;
                if (auto r = tell(rows, m, change.key, sealed_row{change.version, change.stamp, std::move(change.after), 0, change.written_at}, false); !r)
                    return std::move(r).error();
                m.position = change.stamp;
                ++examined;
            }
        }
        auto left = t_.latest_after(m.position, 1);
        if (!left) return std::move(left).error();
        return left->empty();
    }

    // @return whether nothing is left to be looked at
    [[nodiscard]] result<bool> look_through(page_rows<Transaction>& rows, view_mark& m, pull_answer& out, std::size_t limit) {
        for (auto& scan : m.scans) {
            while (!scan.done) {
                if (out.rows.rows.size() >= limit) return false;
                auto keys = t_.labelled(scan.label, scan.at ? &*scan.at : nullptr, chunk);
                if (!keys) return std::move(keys).error();
                for (const auto& key : *keys) {
                    if (out.rows.rows.size() >= limit) return false;
                    auto known = t_.sealed(key);
                    if (!known) return std::move(known).error();
                    if (*known)
                        if (auto r = tell(rows, m, key, std::move(**known), true); !r) return std::move(r).error();
                    scan.at = key;
                }
                scan.done = keys->size() < chunk;
            }
        }
        return true;
    }

    // @param only_news  what the device holds already need not be told again
    [[nodiscard]] result<void> tell(page_rows<Transaction>& rows, const view_mark& m, const record_key& key, sealed_row row, bool only_news) {
        auto who = t_.audience_of(key);
        if (!who) return std::move(who).error();
        const bool everybody = !scopes_.scoped(key.model);
        if (everybody || (*who && (*who)->admits(granted_))) {
            if (only_news && (everybody || (*who)->admits(m.complete))) return {};
            return rows.add(key, row.version, row.written_at, std::move(row.row), [&](const record_key& parent, const sealed_row& there) { return lacks(m, parent, there); });
        }
        auto held = may_be_held(m, key, *who);
        if (!held) return std::move(held).error();
        return *held ? remove(rows, m, key) : result<void>{};
    }

    [[nodiscard]] result<bool> lacks(const view_mark& m, const record_key& key, const sealed_row& row) {
        if (!scopes_.scoped(key.model)) return row.stamp > began_;
        auto who = t_.audience_of(key);
        if (!who) return std::move(who).error();
        if (!*who || !(*who)->admits(granted_)) return false;
        return row.stamp > began_ || !(*who)->admits(m.complete);
    }

    [[nodiscard]] result<bool> may_be_held(const view_mark& m, const record_key& key, const std::optional<audience>& who) {
        if (who && who->admits(m.possible)) return true;
        auto changes = t_.audiences_since(key, m.since);
        if (!changes) return std::move(changes).error();
        return std::any_of(changes->begin(), changes->end(), [&](const audience_change& c) {
            return (c.before && c.before->admits(m.possible)) || c.after.admits(m.possible);
        });
    }

    // What refers to a record goes before it.
    [[nodiscard]] result<void> remove(page_rows<Transaction>& rows, const view_mark& m, const record_key& first) {
        struct pending {
            record_key key;
            std::vector<record_key> above;
            std::size_t next = 0;
        };
        std::vector<pending> stack;
        std::unordered_set<record_key, record_key_hash> met;
        const auto push = [&](const record_key& key) -> result<void> {
            if (rows.has(key) || !met.insert(key).second) return {};
            auto above = t_.referring(key, (std::numeric_limits<std::size_t>::max)());
            if (!above) return std::move(above).error();
            stack.push_back({key, std::move(*above), 0});
            return {};
        };
        if (auto r = push(first); !r) return r;
        while (!stack.empty()) {
            if (stack.back().next == stack.back().above.size()) {
                rows.add_removal(stack.back().key);
                stack.pop_back();
                continue;
            }
            const record_key child = stack.back().above[stack.back().next++];
            auto who = t_.audience_of(child);
            if (!who) return std::move(who).error();
            if (*who && (*who)->admits(granted_)) continue;
            auto held = may_be_held(m, child, *who);
            if (!held) return std::move(held).error();
            if (*held)
                if (auto r = push(child); !r) return r;
        }
        return {};
    }

    // A page after which the device has just what it had keeps its cursor, and one that was made before is known by the cursor that it got.
    [[nodiscard]] result<void> remember(device_view& view, const view_mark& before, view_mark& after, cursor presented, std::int64_t stamp) {
        const auto same = [&](view_mark m) {
            m.number = after.number;
            return m == after;
        };
        const bool moved = presented == 0 || !same(before);
        const std::size_t old = std::erase_if(view.marks, [&](const view_mark& m) { return m.number < presented; });
        if (moved) {
            const auto known = std::find_if(view.marks.begin(), view.marks.end(), same);
            if (known != view.marks.end()) {
                after.number = known->number;
            } else {
                after.number = view.newest = (std::max)({view.newest + 1, stamp, cursor{1}});
                view.marks.push_back(after);
                // The one that was presented stays: the answer may be lost again and again.
                if (view.marks.size() > most_marks) view.marks.erase(view.marks.begin() + (presented != 0 ? 1 : 0));
            }
        }
        return moved || old != 0 ? t_.put_view(view) : result<void>{};
    }

    Transaction& t_;
    const schema_set& schemas_;
    const scope_map& scopes_;
    const caller& who_;
    label_set granted_;
    cursor began_ = 0;  // the position when the page began
    cursor told_ = 0;   // and when it ended
};

SYNCLINE_NAMESPACE_END

#endif
