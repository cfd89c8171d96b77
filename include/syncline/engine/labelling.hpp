#ifndef SYNCLINE_ENGINE_LABELLING_HPP
#define SYNCLINE_ENGINE_LABELLING_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Keeps, inside one transaction, who may see a record: labels what was sealed, and what refers to it, however far. A record whose
/// audience changes because of another one gets a stamp and no version (ENGINE.md, "Pages, buckets and grants").
template <authority_transaction Transaction>
class labelling {
public:
    labelling(Transaction& t, const schema_set& schemas, const scope_map& scopes, timestamp now)
        : t_(t), schemas_(schemas), scopes_(scopes), now_(now) {}

    /// Labels the records that changed after @p stamp.
    /// Complexity: one read per changed record, per record that it refers to, and per record that refers to one whose audience changed
    [[nodiscard]] result<void> sealed_after(std::int64_t stamp) {
        std::vector<row_change> changes;
        for (std::int64_t from = stamp;;) {
            auto some = t_.latest_after(from, page);
            if (!some) return std::move(some).error();
            const bool last = some->size() < page;
            if (!some->empty()) from = some->back().stamp;
            for (auto& c : *some)
                if (scopes_.scoped(c.key.model)) changes.push_back(std::move(c));
            if (last) break;
        }
        std::vector<record_key> moved;
        for (const auto& change : changes) {
            // What refers to a record that came or went is visible, or not, from here on.
            bool changed = change.op != operation::update;
            if (change.after) {
                auto who = label(change.key, *change.after, change.stamp);
                if (!who) return std::move(who).error();
                changed = changed || *who;
            }
            if (changed) moved.push_back(change.key);
        }
        while (!moved.empty()) {
            const record_key key = std::move(moved.back());
            moved.pop_back();
            auto above = t_.referring(key, everything);
            if (!above) return std::move(above).error();
            for (auto& child : *above) {
                if (child == key) continue;
                auto row = t_.current(child);
                if (!row) return std::move(row).error();
                if (!*row) continue;
                auto who = label(child, **row, std::nullopt);
                if (!who) return std::move(who).error();
                if (*who) moved.push_back(std::move(child));
            }
        }
        return {};
    }

    /// Labels every record of the tenant, since that was done by other rules.
    [[nodiscard]] result<void> follow_rules() {
        auto head = t_.head();
        if (!head) return std::move(head).error();
        for (std::int64_t from = 0; from < head->stamp;) {
            auto some = t_.latest_after(from, page);
            if (!some) return std::move(some).error();
            if (some->empty()) break;
            for (const auto& change : *some) {
                from = change.stamp;
                if (from > head->stamp) break;
                if (!change.after) {
                    if (auto r = label_tombstone(change.key); !r) return r;
                } else if (auto who = label(change.key, *change.after, std::nullopt); !who) {
                    return std::move(who).error();
                }
            }
        }
        return t_.set_labelled_by(scopes_.version());
    }

private:
    static constexpr std::size_t page = 500;
    static constexpr std::size_t everything = (std::numeric_limits<std::size_t>::max)();

    // @param stamp  of the change that is labelled; nothing: the record gets a new one
    // @return whether the audience changed
    [[nodiscard]] result<bool> label(const record_key& key, const record& row, std::optional<std::int64_t> stamp) {
        auto who = audience_now(t_, schemas_, scopes_, key, row);
        if (!who) return std::move(who).error();
        return put(key, *who, stamp);
    }
    // Who saw it is not known any more, so nobody is told that it is gone.
    [[nodiscard]] result<void> label_tombstone(const record_key& key) {
        if (!scopes_.scoped(key.model)) return {};
        audience nobody;
        nobody.require(label_set{});
        auto done = put(key, nobody, std::nullopt);
        return done ? result<void>{} : std::move(done).error();
    }
    [[nodiscard]] result<bool> put(const record_key& key, const audience& who, std::optional<std::int64_t> stamp) {
        auto before = t_.audience_of(key);
        if (!before) return std::move(before).error();
        if (*before && **before == who) return false;
        if (!stamp) {
            auto head = t_.head();
            if (!head) return std::move(head).error();
            stamp = next_stamp(newest_stamp(*head), to_microseconds(now_));
        }
        if (auto r = t_.relabel(key, *stamp, who); !r) return std::move(r).error();
        return true;
    }

    Transaction& t_;
    const schema_set& schemas_;
    const scope_map& scopes_;
    timestamp now_;
};

/// Seals like `seal`, and labels what was sealed.
/// @return the rows of the bundle
template <authority_transaction Transaction>
[[nodiscard]] result<std::vector<row_change>> seal_labelled(Transaction& t, const schema_set& schemas, const scope_map& scopes, const bundle_source& from,
                                                const own_writes& own, timestamp now) {
    if (!scopes.any()) return seal(t, schemas, from, own, now);
    auto head = t.head();
    if (!head) return std::move(head).error();
    auto sealed = seal(t, schemas, from, own, now);
    if (!sealed) return sealed;
    labelling<Transaction> labels{t, schemas, scopes, now};
    auto by = t.labelled_by();
    if (!by) return std::move(by).error();
    if (auto r = *by == scopes.version() ? labels.sealed_after(head->stamp) : labels.follow_rules(); !r) return std::move(r).error();
    return sealed;
}

SYNCLINE_NAMESPACE_END

#endif
