#ifndef SYNCLINE_STORAGE_MEMORY_SCOPES_HPP
#define SYNCLINE_STORAGE_MEMORY_SCOPES_HPP

#include <syncline/model/labels.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/device_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What an authority's memory store keeps of labels and views, for one tenant. A base of that store's state.
struct memory_scopes {
    std::map<record_key, audience> audiences;
    std::map<std::pair<record_key, std::int64_t>, audience_change> audience_log;  ///< by record and stamp
    std::map<std::pair<std::string, record_key>, bool> by_label;
    std::string rules;  ///< by which the records are labelled
    std::map<std::pair<std::string, std::string>, device_view> views;
};

/// The functions of `scoping_transaction` for the memory store's transaction, which derives from this.
/// @tparam Transaction  has `seen_`, `journal()`, `may_write()`, `find` and `core_`, and befriends this class
template <class Transaction>
class memory_scope_calls {
public:
    [[nodiscard]] result<std::vector<record_key>> referring(const record_key& key, std::size_t limit) const {
        if (self().core_ == nullptr) return Transaction::over();
        return self().core_->rules.referring_to(*self().seen_, key, limit);
    }
    [[nodiscard]] result<std::optional<audience>> audience_of(const record_key& key) const { return self().find(&memory_scopes::audiences, key); }
    /// Also `errc::bug` for a record that was never sealed.
    [[nodiscard]] result<void> relabel(const record_key& key, std::int64_t stamp, const audience& who) {
        if (auto r = self().may_write(); !r) return r;
        auto& now = *self().seen_;
        const auto known = now.sealed.find(key);
        if (known == now.sealed.end()) return make_fault(errc::bug, "a record is labelled that was never sealed");
        if (stamp > known->second.stamp) {
            auto moved = known->second;
            self().journal().drop(now, &Transaction::state::latest, std::int64_t{moved.stamp});
            moved.stamp = stamp;
            self().journal().put(now, &Transaction::state::sealed, key, std::move(moved));
            self().journal().put(now, &Transaction::state::latest, stamp, key);
            auto head = now.head;
            if (stamp > head.stamp) {
                head.stamp = stamp;
                self().journal().set(now, &Transaction::state::head, std::move(head));
            }
        }
        const auto old = now.audiences.find(key);
        audience_change change{stamp, old == now.audiences.end() ? std::optional<audience>{} : std::optional<audience>{old->second}, who};
        if (change.before)
            for (const auto& label : change.before->labels()) self().journal().drop(now, &memory_scopes::by_label, std::pair{label, key});
        for (const auto& label : who.labels()) self().journal().put(now, &memory_scopes::by_label, std::pair{label, key}, true);
        self().journal().put(now, &memory_scopes::audiences, key, who);
        self().journal().put(now, &memory_scopes::audience_log, std::pair{key, stamp}, std::move(change));
        return {};
    }
    [[nodiscard]] result<std::vector<audience_change>> audiences_since(const record_key& key, std::int64_t stamp) const {
        if (self().core_ == nullptr) return Transaction::over();
        std::vector<audience_change> out;
        const auto& log = self().seen_->audience_log;
        for (auto at = log.upper_bound({key, stamp}); at != log.end() && at->first.first == key; ++at) out.push_back(at->second);
        return out;
    }
    [[nodiscard]] result<std::vector<record_key>> labelled(std::string_view label, const record_key* after, std::size_t limit) const {
        if (self().core_ == nullptr) return Transaction::over();
        std::vector<record_key> out;
        const auto& all = self().seen_->by_label;
        const std::string name{label};
        auto at = after != nullptr ? all.upper_bound({name, *after}) : all.lower_bound({name, record_key{}});
        for (; at != all.end() && at->first.first == name && out.size() < limit; ++at) out.push_back(at->first.second);
        return out;
    }
    [[nodiscard]] result<std::string> labelled_by() const {
        if (self().core_ == nullptr) return Transaction::over();
        return self().seen_->rules;
    }
    [[nodiscard]] result<void> set_labelled_by(std::string_view rules) {
        if (auto r = self().may_write(); !r) return r;
        self().journal().set(*self().seen_, &memory_scopes::rules, std::string{rules});
        return {};
    }
    [[nodiscard]] result<std::optional<device_view>> find_view(std::string_view principal, std::string_view source) const {
        return self().find(&memory_scopes::views, std::pair{std::string{principal}, std::string{source}});
    }
    [[nodiscard]] result<void> put_view(const device_view& view) {
        if (auto r = self().may_write(); !r) return r;
        self().journal().put(*self().seen_, &memory_scopes::views, std::pair{view.principal, view.source}, view);
        return {};
    }

protected:
    void drop_view(std::string_view principal, std::string_view source) {
        self().journal().drop(*self().seen_, &memory_scopes::views, std::pair{std::string{principal}, std::string{source}});
    }
    void prune_audiences(std::int64_t floor_stamp) {
        auto& now = *self().seen_;
        std::vector<std::pair<record_key, std::int64_t>> gone;
        for (const auto& [name, change] : now.audience_log)
            if (change.stamp <= floor_stamp) gone.push_back(name);
        for (const auto& name : gone) self().journal().drop(now, &memory_scopes::audience_log, name);
    }

private:
    [[nodiscard]] Transaction& self() noexcept { return static_cast<Transaction&>(*this); }
    [[nodiscard]] const Transaction& self() const noexcept { return static_cast<const Transaction&>(*this); }
};

SYNCLINE_NAMESPACE_END

#endif
