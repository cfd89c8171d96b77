#ifndef SYNCLINE_TESTING_SIMULATION_OLDER_PROGRAMS_HPP
#define SYNCLINE_TESTING_SIMULATION_OLDER_PROGRAMS_HPP

/// @file
/// A simulation's programs that know fewer fields than the server.

#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/memory_stores.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include <memory>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What devices open their stores with: a program that knows every field, or one that was made before some came (`simulation_setup::first_fields`).
template <simulated_stores Stores>
class older_programs {
public:
    using store_type = std::unique_ptr<typename Stores::replica_store>;

    /// @param schemas  all that there is; must outlive this object
    /// @pre `setup.problem()` is nothing
    older_programs(const simulation_setup& setup, const schema_set& schemas)
        : schemas_(&schemas), known_(setup.older(schemas).value_or(schemas)), any_(!setup.first_fields.empty()) {}

    /// Whether there are such programs.
    [[nodiscard]] bool any() const noexcept { return any_; }

    /// A fresh store for the device @p name.
    [[nodiscard]] store_type make_store(Stores& stores, const std::string& name, bool knows_all) const {
        if constexpr (growing_stores<Stores>)
            if (!knows_all) return stores.make_replica(name, known_);
        return stores.make_replica(name);
    }
    /// Gives @p store every field; what it holds may be from an older program or not.
    /// @pre no program has it open
    [[nodiscard]] result<void> bring_up(Stores& stores, const std::string& name, store_type& store) const {
        if constexpr (growing_stores<Stores>) {
            if (!any_) return {};
            auto grown = stores.grown(*store, name, *schemas_);
            if (!grown) return std::move(grown).error();
            store = std::move(*grown);
        }
        return {};
    }

private:
    const schema_set* schemas_;
    schema_set known_;
    bool any_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
