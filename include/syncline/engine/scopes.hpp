#ifndef SYNCLINE_ENGINE_SCOPES_HPP
#define SYNCLINE_ENGINE_SCOPES_HPP

#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The buckets that a record lies in, by its schema, key and fields. Pure: the same record always has the same labels.
using bucket_rule = std::function<label_set(const model_schema&, std::string_view key, const record&)>;

/// What a principal of a tenant is granted. Asked anew in every request, before its transaction begins. A fault ends the request. It is not told
/// the device's `client_id`, since a device names that itself (W44).
using grant_rule = std::function<result<label_set>(std::string_view tenant, std::string_view principal)>;

/// Who sees what inside a tenant (ENGINE.md rule 7). A record of a model with buckets is visible to whoever is granted one of its labels, where
/// everything that it refers to is visible too. Models without buckets are visible to the whole tenant.
struct scope_rules {
    std::map<std::string, bucket_rule, std::less<>> buckets{};  ///< by model
    grant_rule granted{};                                       ///< empty: nothing is granted to anybody
    /// Names the rules in `buckets`. Give another name whenever they label any record differently, and when they were switched off for
    /// a while: the next request then labels the tenant's records anew, in one transaction.
    std::string version = "1";

    /// Whether any model has buckets.
    [[nodiscard]] bool any() const noexcept { return !buckets.empty(); }
};

/// The rules of one authority over its models.
class scope_map {
public:
    scope_map(const schema_set& schemas, const scope_rules& rules)
        : any_(rules.any()), version_(rules.version), granted_(rules.granted), of_(schemas.size()), scoped_(schemas.size(), false) {
        for (const auto& [model, rule] : rules.buckets) {
            const auto id = schemas.find(model);
            if (!id || !rule) {
                bad_ = make_fault(errc::invalid_argument, "buckets are given for model `", model,
                                  id ? "` by an empty rule; give a callable" : "`, which is not registered; register it, or take its buckets away");
                continue;
            }
            of_[*id] = rule;
            scoped_[*id] = true;
        }
        for (std::size_t round = 0; round < scoped_.size(); ++round)
            for (std::size_t m = 0; m < scoped_.size(); ++m)
                for (const auto& reference : schemas[static_cast<model_id>(m)].references)
                    if (const auto target = schemas.find(reference.model); target && scoped_[*target]) scoped_[m] = true;
    }

    [[nodiscard]] bool any() const noexcept { return any_; }
    /// Whether the model has buckets, or refers to one that does.
    [[nodiscard]] bool scoped(model_id model) const { return model < scoped_.size() && scoped_[model]; }
    [[nodiscard]] const std::string& version() const noexcept { return version_; }
    /// The record's own labels; nothing: its model has no buckets.
    [[nodiscard]] std::optional<label_set> labels_of(const schema_set& schemas, const record_key& key, const record& row) const {
        if (!of_[key.model]) return std::nullopt;
        return of_[key.model](schemas[key.model], key.key, row);
    }
    /// What @p principal is granted now.
    /// @return what the host's rule returns; `errc::invalid_argument` for buckets of a model that is not registered
    [[nodiscard]] result<label_set> granted(std::string_view tenant, std::string_view principal) const {
        if (bad_) return *bad_;
        return granted_ ? granted_(tenant, principal) : result<label_set>{label_set{}};
    }
    /// A tenant in which not everybody sees everything cannot be served whole, as the bundle wire does.
    [[nodiscard]] result<void> whole_tenants(const schema_set& schemas) const {
        if (bad_) return *bad_;
        for (std::size_t m = 0; m < of_.size(); ++m)
            if (of_[m])
                return make_fault(errc::unsupported, "the bundle wire serves whole tenants, and model `", schemas[static_cast<model_id>(m)].name,
                                  "` has buckets; mount the mutation wire, or take the model out of this server");
        return {};
    }

private:
    bool any_;
    std::string version_;
    grant_rule granted_;
    std::vector<bucket_rule> of_;  // by model; empty: it has no buckets
    std::vector<bool> scoped_;
    std::optional<fault> bad_;
};

/// Who may see a record, by its own labels and those of everything that it refers to, however far. A record that is missing admits nobody.
/// Complexity: one read per record that is referred to and has labels
template <authority_transaction Transaction>
[[nodiscard]] result<audience> audience_now(Transaction& t, const schema_set& schemas, const scope_map& scopes, const record_key& key, const record& row) {
    audience out;
    std::unordered_set<record_key, record_key_hash> met{key};
    std::vector<record_key> left;
    const auto take = [&](const record_key& k, const record& r) {
        if (auto own = scopes.labels_of(schemas, k, r)) out.require(std::move(*own));
        for (auto& parent : references_of(schemas, k.model, r))
            if (scopes.scoped(parent.model) && met.insert(parent).second) left.push_back(std::move(parent));
    };
    take(key, row);
    while (!left.empty()) {
        const record_key next = std::move(left.back());
        left.pop_back();
        auto there = t.current(next);
        if (!there) return std::move(there).error();
        if (*there)
            take(next, **there);
        else
            out.require(label_set{});
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
