#ifndef SYNCLINE_ENGINE_WRITE_GUARD_HPP
#define SYNCLINE_ENGINE_WRITE_GUARD_HPP

#include <syncline/change/intent.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What every write to a record that is not there for this principal is told, whether it does not exist, is another tenant's, or is not
/// visible: nothing tells these apart (promise 8).
[[nodiscard]] inline wait_reason nothing_there() {
    return {errc::absent, "there is no such record here, or it refers to one that is not there; it may belong to somebody else"};
}

/// Authorises the mutations of one principal, in one transaction of the authority's store: by the row before and by the row after (ENGINE.md,
/// "Pages, buckets and grants"; W40, W41). Lives as long as that. Where no model has buckets it allows everything and reads nothing.
template <authority_transaction Transaction>
class write_guard {
public:
    write_guard(Transaction& t, const schema_set& schemas, const scope_map& scopes, label_set granted)
        : t_(t), schemas_(schemas), scopes_(scopes), granted_(std::move(granted)) {}

    [[nodiscard]] bool any() const noexcept { return scopes_.any(); }

    /// Whether the principal may know of @p key: it is visible, or was when it was erased.
    [[nodiscard]] result<bool> knows(const record_key& key) {
        if (!any() || !scopes_.scoped(key.model)) return true;
        auto who = t_.audience_of(key);
        if (!who) return std::move(who).error();
        if (!*who || !(*who)->admits(granted_)) return false;
        // What this request has done to it, or to what it refers to, is not sealed yet.
        auto row = t_.current(key);
        if (!row) return std::move(row).error();
        if (!*row) return true;
        auto now = audience_now(t_, schemas_, scopes_, key, **row);
        if (!now) return std::move(now).error();
        return now->admits(granted_);
    }
    /// Whether @p key is there for the principal.
    [[nodiscard]] result<bool> sees(const record_key& key) {
        auto row = t_.current(key);
        if (!row) return std::move(row).error();
        if (!*row) return false;
        if (!any() || !scopes_.scoped(key.model)) return true;
        auto now = audience_now(t_, schemas_, scopes_, key, **row);
        if (!now) return std::move(now).error();
        return now->admits(granted_);
    }

    /// Why @p what may not even be decided.
    /// @param current  the row as it is
    [[nodiscard]] result<std::optional<wait_reason>> before(const intent& what, const std::optional<record>& current) {
        using answer = std::optional<wait_reason>;
        if (!any()) return answer{};
        if (!scopes_.scoped(what.key.model)) return what.op == operation::erase && current ? cascade(what.key) : result<answer>{answer{}};
        const model_schema& schema = schemas_[what.key.model];
        const record whole = what.whole(schema.fields.size());
        if (what.op == operation::create) {
            // Asked before anything is looked up, so that the answer says nothing about the key.
            const auto labels = scopes_.labels_of(schemas_, what.key, whole);
            if (labels && (!labels->within(granted_) || labels->empty())) return answer{not_granted()};
            if (current) {
                auto seen = sees(what.key);
                if (!seen) return std::move(seen).error();
                if (!*seen) return answer{nothing_there()};
            }
        } else {
            auto known = current ? sees(what.key) : knows(what.key);
            if (!known) return std::move(known).error();
            if (!*known) return answer{nothing_there()};
        }
        if (what.op == operation::erase) return current ? cascade(what.key) : result<answer>{answer{}};
        for (const auto& parent : references_of(schemas_, what.key.model, whole, what.op == operation::create ? schema.all_fields() : what.changes.fields())) {
            if (parent == what.key || !scopes_.scoped(parent.model)) continue;
            auto seen = sees(parent);
            if (!seen) return std::move(seen).error();
            if (!*seen) return answer{nothing_there()};
        }
        return answer{};
    }

    /// Why the row that was just written may not stay.
    /// @param before  the row before
    [[nodiscard]] result<std::optional<wait_reason>> after(const record_key& key, const std::optional<record>& before) {
        using answer = std::optional<wait_reason>;
        if (!any() || !scopes_.scoped(key.model)) return answer{};
        auto row = t_.current(key);
        if (!row) return std::move(row).error();
        if (!*row) return answer{};
        const auto now = scopes_.labels_of(schemas_, key, **row).value_or(label_set{});
        const auto old = before ? scopes_.labels_of(schemas_, key, *before).value_or(label_set{}) : label_set{};
        if (!without(now, old).within(granted_) || !without(old, now).within(granted_)) return answer{not_granted()};
        auto who = audience_now(t_, schemas_, scopes_, key, **row);
        if (!who) return std::move(who).error();
        if (who->admits(granted_)) return answer{};
        return answer{before ? not_granted() : nothing_there()};
    }

private:
    [[nodiscard]] static wait_reason not_granted() {
        return {errc::forbidden, "the change puts the record where you may not write, or takes it out of there; change what decides who sees it"};
    }

    // An erase must not reach what the principal does not see, however far, whatever a resolver says.
    [[nodiscard]] result<std::optional<wait_reason>> cascade(const record_key& first) {
        std::unordered_set<record_key, record_key_hash> met{first};
        std::unordered_set<record_key, record_key_hash> walked{first};
        std::vector<record_key> left{first};
        while (!left.empty()) {
            const record_key key = std::move(left.back());
            left.pop_back();
            auto hit = t_.referring(key, (std::numeric_limits<std::size_t>::max)());
            if (!hit) return std::move(hit).error();
            for (const auto& child : *hit) {
                if (!met.insert(child).second) continue;
                auto seen = sees(child);
                if (!seen) return std::move(seen).error();
                if (!*seen)
                    return std::optional{wait_reason{errc::forbidden, "something that you do not see refers to the record; ask somebody who sees it"}};
            }
            auto gone = t_.referencing(key, (std::numeric_limits<std::size_t>::max)());
            if (!gone) return std::move(gone).error();
            for (auto& child : *gone)
                if (walked.insert(child).second) left.push_back(std::move(child));
        }
        return std::optional<wait_reason>{};
    }

    Transaction& t_;
    const schema_set& schemas_;
    const scope_map& scopes_;
    label_set granted_;
};

SYNCLINE_NAMESPACE_END

#endif
