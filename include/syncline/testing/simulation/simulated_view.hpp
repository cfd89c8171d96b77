#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_VIEW_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_VIEW_HPP

#include <syncline/engine/scopes.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Who may see what in a run, told without any engine: a record is visible where one of its buckets is granted, and everything that it refers to
/// is visible. Without buckets everybody sees everything.
class simulated_view {
public:
    /// @param setup, schemas  must outlive this object
    simulated_view(const simulation_setup& setup, const schema_set& schemas) : setup_(&setup), schemas_(&schemas) {}

    [[nodiscard]] bool any() const noexcept { return !setup_->buckets.empty(); }
    /// A person comes, and is granted every second label.
    void enter(const std::string& person) {
        if (granted_.contains(person)) return;
        std::vector<std::string> all;
        for (std::size_t i = 0; i < setup_->labels.size(); i += 2) all.push_back(setup_->labels[i]);
        granted_.emplace(person, label_set{std::move(all)});
    }
    /// Grants a person a label, or takes it away.
    /// @return which; nothing: there are no buckets, or it changes nothing
    [[nodiscard]] std::optional<std::string> change(const std::string& person, bool grants, std::uint32_t die) {
        if (!any()) return std::nullopt;
        const std::string& label = setup_->labels[die % setup_->labels.size()];
        auto& has = granted_.at(person);
        if (has.contains(label) == grants) return std::nullopt;
        std::vector<std::string> now;
        for (const auto& l : has)
            if (l != label) now.push_back(l);
        if (grants) now.push_back(label);
        has = label_set{std::move(now)};
        return label;
    }
    /// The same, as an authority is told. Must not outlive this object.
    [[nodiscard]] scope_rules scopes() const {
        scope_rules out;
        if (!any()) return out;
        out.buckets = setup_->buckets;
        out.granted = [this](std::string_view, std::string_view who) -> result<label_set> {
            const auto at = granted_.find(who);
            return at == granted_.end() ? label_set{} : at->second;
        };
        return out;
    }
    /// Whether a person sees the record @p key.
    /// @param rows  `std::optional<record>(const record_key&)`: the rows as the server has them
    template <class Rows>
    [[nodiscard]] bool visible(const std::string& person, const record_key& key, Rows rows) const {
        std::vector<record_key> on_the_way;
        return any() ? visible_from(person, key, rows, on_the_way) : rows(key).has_value();
    }

private:
    template <class Rows>
    [[nodiscard]] bool visible_from(const std::string& person, const record_key& key, Rows& rows, std::vector<record_key>& on_the_way) const {
        for (const auto& above : on_the_way)
            if (above == key) return true;  // records that refer to each other are visible together, or not
        const auto row = rows(key);
        if (!row) return false;
        const auto& schema = (*schemas_)[key.model];
        if (const auto rule = setup_->buckets.find(schema.name); rule != setup_->buckets.end() && !rule->second(schema, key.key, *row).meets(granted_.at(person))) return false;
        on_the_way.push_back(key);
        for (const auto& to : references_of(*schemas_, key.model, *row))
            if (!visible_from(person, to, rows, on_the_way)) return false;
        on_the_way.pop_back();
        return true;
    }

    const simulation_setup* setup_;
    const schema_set* schemas_;
    std::map<std::string, label_set, std::less<>> granted_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
