#ifndef SYNCLINE_TESTING_EXPLAIN_HPP
#define SYNCLINE_TESTING_EXPLAIN_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/verdict.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Rows by their records.
using rows_by_key = std::map<record_key, record>;

/// Why a record differs, as far as it is known; empty: nothing is.
using reason_of = std::function<std::string(const record_key&)>;

/// What a test noted of each record while it ran, to explain what came of it: `device A lacks note 3: its delete was pushed by device B; ...`.
class story {
public:
    /// What was done to @p key, as the beginning of a sentence.
    void note(const record_key& key, std::string what) { events_[key].push_back(std::move(what)); }
    /// The events of @p key in their order.
    [[nodiscard]] std::string of(const record_key& key) const {
        std::string out;
        const auto at = events_.find(key);
        if (at == events_.end()) return out;
        for (const auto& what : at->second) out.append(out.empty() ? "" : ", then ").append(what);
        return out;
    }
    /// The same as a callable, which refers to the story.
    [[nodiscard]] reason_of reasons() const {
        return [this](const record_key& key) { return of(key); };
    }

private:
    std::map<record_key, std::vector<std::string>> events_;
};

namespace detail {

[[nodiscard]] inline std::string name_of_record(const schema_set& schemas, const record_key& key) {
    return (schemas.contains(key.model) ? schemas[key.model].name : "model " + std::to_string(key.model)) + " " + key.key;
}

// How one row differs, each field in words; empty: not at all.
[[nodiscard]] inline std::string differences_of(const model_schema& schema, const record& left, const record& right, std::string_view of_right) {
    std::string out;
    const std::size_t n = (std::max)({left.fields.size(), right.fields.size(), schema.fields.size()});
    for (std::size_t f = 0; f < n; ++f) {
        const value a = f < left.fields.size() ? left.fields[f] : value{};
        const value b = f < right.fields.size() ? right.fields[f] : value{};
        if (a == b) continue;
        out.append(out.empty() ? "" : ", ").append(f < schema.fields.size() ? schema.fields[f].name : "field " + std::to_string(f));
        out.append(" is ").append(text_of(a)).append(" and ").append(of_right).append("'s is ").append(text_of(b));
        if (text_of(a) == text_of(b)) out.append(" (").append(name_of(a.kind())).append(" and ").append(name_of(b.kind())).append(")");
    }
    return out;
}

}  // namespace detail

/// Whether @p left and @p right are the same rows. Each difference is said in words, with the reason where @p why knows one.
[[nodiscard]] inline verdict same_rows(const schema_set& schemas, std::string_view left_name, const rows_by_key& left, std::string_view right_name, const rows_by_key& right,
                                       const reason_of& why = {}) {
    verdict out;
    const auto find = [&](std::string what, const record_key& key) {
        const std::string reason = why ? why(key) : std::string{};
        out.find(std::move(what) + (reason.empty() ? "" : ": " + reason));
    };
    for (const auto& [key, row] : right)
        if (!left.contains(key)) find(std::string(left_name) + " lacks " + detail::name_of_record(schemas, key), key);
    for (const auto& [key, row] : left) {
        const auto other = right.find(key);
        if (other == right.end()) {
            find(std::string(left_name) + " has " + detail::name_of_record(schemas, key) + ", which " + std::string(right_name) + " lacks", key);
            continue;
        }
        const std::string how = detail::differences_of(schemas.contains(key.model) ? schemas[key.model] : model_schema{}, row, other->second, right_name);
        if (!how.empty()) find(std::string(left_name) + "'s " + detail::name_of_record(schemas, key) + " differs: " + how, key);
    }
    return out;
}

namespace detail {

// Looks at one device and its server, and knows why a record differs from what the two stores say.
template <replica_store Device, authority_store Server>
class device_explanation {
public:
    device_explanation(Device& device, Server& server, std::string_view tenant) : device_(device), server_(server), tenant_(tenant) {}

    [[nodiscard]] result<verdict> run(std::string_view name) {
        auto t = device_.begin();
        if (!t) return std::move(t).error();
        auto s = server_.begin(tenant_, access::snapshot);
        if (!s) return std::move(s).error();
        std::set<record_key> keys;
        if (auto r = collect(*t, *s, keys); !r) return std::move(r).error();
        rows_by_key left;
        rows_by_key right;
        std::map<record_key, std::string> reasons;
        for (const auto& key : keys) {
            auto here = t->visible(key);
            auto there = s->current(key);
            if (!here) return std::move(here).error();
            if (!there) return std::move(there).error();
            if (*here) left.emplace(key, **here);
            if (*there) right.emplace(key, **there);
            if (*here == *there) continue;
            auto why = reason(*t, *s, key);
            if (!why) return std::move(why).error();
            reasons.emplace(key, *std::move(why));
        }
        return same_rows(device_.schemas(), name, left, "the server", right, [&](const record_key& key) { return reasons[key]; });
    }

private:
    static constexpr std::size_t page = 1000;

    // Every record that either side knows. The change of the newest version of each is kept.
    template <class T, class S>
    [[nodiscard]] result<void> collect(T& t, S& s, std::set<record_key>& keys) {
        auto head = s.head();
        if (!head) return std::move(head).error();
        head_ = *head;
        for (std::int64_t after = 0;;) {
            auto changes = s.latest_after(after, page);
            if (!changes) return std::move(changes).error();
            for (auto& change : *changes) {
                after = change.stamp;
                keys.insert(change.key);
                newest_.insert_or_assign(change.key, change);
            }
            if (changes->size() < page) break;
        }
        std::optional<record_key> last;
        for (;;) {
            auto known = t.bases_within(0, (std::numeric_limits<std::int64_t>::max)(), last ? &*last : nullptr, page);
            if (!known) return std::move(known).error();
            keys.insert(known->begin(), known->end());
            if (known->size() < page) break;
            last = known->back();
        }
        auto state = t.state();
        if (!state) return std::move(state).error();
        checkpoint_ = state->checkpoint;
        for (send_position at{};;) {
            auto open = t.ready_intents(at, page);
            if (!open) return std::move(open).error();
            for (const auto& [position, what] : *open) {
                at = position;
                keys.insert(what.key);
            }
            if (open->size() < page) break;
        }
        auto waiting = t.waiting_intents((std::numeric_limits<std::uint32_t>::max)());
        if (!waiting) return std::move(waiting).error();
        for (const auto& what : *waiting) keys.insert(what.key);
        auto frozen = t.frozen_items(0, (std::numeric_limits<std::uint32_t>::max)());
        if (!frozen) return std::move(frozen).error();
        for (const auto& item : *frozen) keys.insert(item.what.key);
        auto quarantined = t.quarantined((std::numeric_limits<std::uint32_t>::max)());
        if (!quarantined) return std::move(quarantined).error();
        for (const auto& row : *quarantined) quarantine_.emplace(row.image.key, row.why);
        auto hidden = t.hidden();
        if (!hidden) return std::move(hidden).error();
        hidden_.insert(hidden->begin(), hidden->end());
        return {};
    }

    // What the stores tell of @p key, the most telling thing first.
    template <class T, class S>
    [[nodiscard]] result<std::string> reason(T& t, S& s, const record_key& key) {
        std::string out;
        const auto add = [&](std::string what) { out.append(out.empty() ? "" : "; ").append(what); };
        if (const auto at = quarantine_.find(key); at != quarantine_.end())
            add("its row is in quarantine (" + std::string(name_of(at->second.code)) + ": " + at->second.detail + ")");
        auto open = t.open_intent(key);
        if (!open) return std::move(open).error();
        if (*open && (*open)->waiting)
            add("its " + std::string(name_of((*open)->op)) + " there waits for a person (" + std::string(name_of((*open)->waiting->code)) + ": " + (*open)->waiting->detail + ")");
        else if (*open)
            add("its " + std::string(name_of((*open)->op)) + " there was not sent yet");
        auto frozen = t.frozen(key);
        if (!frozen) return std::move(frozen).error();
        if (*frozen) add("its " + std::string(name_of((*frozen)->what.op)) + " there is on its way as `" + (*frozen)->id + "`");
        if (hidden_.contains(key)) add("it is hidden there, since what it refers to is erased or gone");
        auto base = t.base(key);
        if (!base) return std::move(base).error();
        if (base->out_of_view) add("it left the device's view");
        if (const auto at = newest_.find(key); at != newest_.end()) {
            const row_change& change = at->second;
            // A cursor of the bundle wire is a number of a bundle, one of the mutation wire a stamp, and far above.
            const bool by_stamp = checkpoint_ > head_.seq;
            const bool pulled = by_stamp ? checkpoint_ >= change.stamp : checkpoint_ >= change.version;
            auto by = source_of(s, change.version);
            if (!by) return std::move(by).error();
            add("the server's " + std::string(name_of(change.op)) + " of it, bundle " + std::to_string(change.version) + " of " + *by +
                (pulled ? ", was pulled" : ", was not pulled yet: the device is at cursor " + std::to_string(checkpoint_)));
            if (pulled && base->version < change.version) add("the device's base is still at version " + std::to_string(base->version));
        } else if (base->version > 0) {
            add("the server's log does not know it, the device had it at version " + std::to_string(base->version));
        }
        return out;
    }
    template <class S>
    [[nodiscard]] static result<std::string> source_of(S& s, std::int64_t seq) {
        auto heads = s.bundle_heads(seq - 1, 1);
        if (!heads) return std::move(heads).error();
        if (heads->empty() || heads->front().seq != seq) return std::string{"a source that is forgotten"};
        return "`" + heads->front().source + "`";
    }

    Device& device_;
    Server& server_;
    std::string tenant_;
    authority_head head_;
    std::int64_t checkpoint_ = 0;
    std::map<record_key, row_change> newest_;
    std::map<record_key, wait_reason> quarantine_;
    std::set<record_key> hidden_;
};

}  // namespace detail

/// Whether the device over @p device shows what the authority over @p server has for a tenant that it sees all of. Each difference is said with the
/// reason, as far as the two stores tell it: what waits, is on its way, in quarantine or hidden; which bundle changed the record, of whom, and whether
/// the device has pulled it. Changes nothing; the app's edits have to be absorbed before (`status()`, or a sync).
/// @return faults of the stores
template <replica_store Device, authority_store Server>
[[nodiscard]] result<verdict> compare_with_server(std::string_view name, Device& device, Server& server, std::string_view tenant) {
    return detail::device_explanation<Device, Server>(device, server, tenant).run(name);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
