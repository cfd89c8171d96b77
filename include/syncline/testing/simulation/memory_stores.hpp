#ifndef SYNCLINE_TESTING_SIMULATION_MEMORY_STORES_HPP
#define SYNCLINE_TESTING_SIMULATION_MEMORY_STORES_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What a simulation needs of stores: how they are made and copied, and how an app reads and writes its own tables, past Syncline. Whoever
/// simulates over a store of their own writes a class like `memory_stores`, which is one. The tenant is `main`.
template <class S>
concept simulated_stores = std::constructible_from<S, const schema_set&> &&
    requires(S& s, typename S::replica_store& device, typename S::authority_store& server, const record_key& key, const record& row, const std::string& name) {
        { s.make_replica(name) } -> std::same_as<std::unique_ptr<typename S::replica_store>>;
        { s.make_authority() } -> std::same_as<std::unique_ptr<typename S::authority_store>>;
        { s.copy(device, name) } -> std::same_as<std::unique_ptr<typename S::replica_store>>;
        { s.copy_server(server) } -> std::same_as<std::unique_ptr<typename S::authority_store>>;
        { s.write(device, key, row) } -> std::same_as<result<void>>;
        { s.erase(device, key) } -> std::same_as<result<void>>;
        { s.row(device, key) } -> std::same_as<std::optional<record>>;
        { s.write(server, key, row) } -> std::same_as<result<void>>;
        { s.erase(server, key) } -> std::same_as<result<void>>;
        { s.row(server, key) } -> std::same_as<std::optional<record>>;
    };

/// Stores whose devices can begin with an older program, which knows only the first fields of some models (`simulation_setup::first_fields`).
template <class S>
concept growing_stores = simulated_stores<S> && requires(S& s, typename S::replica_store& device, const std::string& name, const schema_set& known) {
    { s.make_replica(name, known) } -> std::same_as<std::unique_ptr<typename S::replica_store>>;
    { s.grown(device, name, known) } -> std::same_as<result<std::unique_ptr<typename S::replica_store>>>;
};

/// Stores that know what their media hold when power fails in the midst of a commit. Of others a commit is there then, or it is not.
template <class S>
concept tearing_stores = simulated_stores<S> && requires(S& s, typename S::replica_store& device, const std::string& name, std::uint32_t die) {
    /// Of the device @p name, whose medium was @p before and was to be @p after; @p die says how much of that had arrived. Both stay open meanwhile.
    { s.torn(device, device, name, die) } -> std::same_as<std::unique_ptr<typename S::replica_store>>;
};

/// Stores in memory.
class memory_stores {
public:
    using replica_store = memory_replica_store;
    using authority_store = memory_authority_store;

    explicit memory_stores(const schema_set& schemas) : schemas_(schemas) {}

    /// A fresh store for the device @p name.
    [[nodiscard]] std::unique_ptr<replica_store> make_replica(const std::string& /*name*/) { return std::make_unique<replica_store>(schemas_); }
    /// The same for a program that knows just the models @p known.
    [[nodiscard]] std::unique_ptr<replica_store> make_replica(const std::string& /*name*/, const schema_set& known) { return std::make_unique<replica_store>(known); }
    /// The store of the device @p name with what @p from holds, opened by a program that knows @p known: fields have come since.
    [[nodiscard]] result<std::unique_ptr<replica_store>> grown(replica_store& from, const std::string& /*name*/, const schema_set& known) {
        auto out = from.grown(known);
        if (!out) return std::move(out).error();
        return std::make_unique<replica_store>(std::move(*out));
    }
    [[nodiscard]] std::unique_ptr<authority_store> make_authority() { return std::make_unique<authority_store>(schemas_); }
    /// The store of the device @p name with what @p from holds: a copy of its files, a backup, or a backup that is put back. An older store of
    /// that name is closed by then.
    [[nodiscard]] std::unique_ptr<replica_store> copy(replica_store& from, const std::string& /*name*/) { return std::make_unique<replica_store>(from.copy()); }
    [[nodiscard]] std::unique_ptr<authority_store> copy_server(authority_store& from) { return std::make_unique<authority_store>(from.copy()); }

    [[nodiscard]] result<void> write(replica_store& s, const record_key& key, const record& row) { return s.app_write(key, row); }
    [[nodiscard]] result<void> erase(replica_store& s, const record_key& key) { return s.app_erase(key); }
    [[nodiscard]] std::optional<record> row(replica_store& s, const record_key& key) { return s.row(key); }
    [[nodiscard]] result<void> write(authority_store& s, const record_key& key, const record& row) { return s.app_write("main", key, row); }
    [[nodiscard]] result<void> erase(authority_store& s, const record_key& key) { return s.app_erase("main", key); }
    [[nodiscard]] std::optional<record> row(authority_store& s, const record_key& key) { return s.row("main", key); }

private:
    schema_set schemas_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
