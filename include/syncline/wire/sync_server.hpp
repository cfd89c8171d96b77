#ifndef SYNCLINE_WIRE_SYNC_SERVER_HPP
#define SYNCLINE_WIRE_SYNC_SERVER_HPP

#include <syncline/engine/authority.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/guarded_call.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/bundle/carried_models.hpp>
#include <syncline/wire/bundle/server.hpp>
#include <syncline/wire/mutation/server.hpp>
#include <syncline/wire/server_listeners.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// A server's whole side in one object: an authority over @p Store with one or both wires mounted on the same tables. A callable from request
/// and principal to response: wrap it with an authenticator and hand it to an HTTP adapter, or call it.
///
/// Several threads may call it; requests run one after the other, each in one transaction of the store.
/// @tparam Store  models `authority_store`; outlives the server
template <authority_store Store>
class sync_server {
public:
    /// @param clock   the time now
    /// @param random  64 random bits, unguessable in production: session ids come from it
    /// @param listeners  who wants to know of pushes and pulls
    sync_server(Store& store, authority_options options, std::function<timestamp()> clock, std::function<std::uint64_t()> random,
                server_listeners listeners = {})
        : foreign_keys_hold_sync_keys_(check_of(store)), engine_(store, std::move(options)), clock_(std::move(clock)), random_(std::move(random)), listeners_(std::move(listeners)) {}

    sync_server(const sync_server&) = delete;
    sync_server& operator=(const sync_server&) = delete;

    /// Opens the tables to devices of the mutation wire (Laravel Tether's). Call before the first request.
    void mount_mutation_wire(mutation_server_options options = {}) {
        mutation_prefix_ = options.prefix;
        mutation_.emplace(engine_, std::move(options));
    }
    /// Opens the tables to devices of the bundle wire (go-oversync's). Call before the first request.
    /// @return `errc::unsupported` where a model has buckets, since that wire serves whole tenants, or cannot be carried by it (`bundle_wire::check_carried`),
    ///         or where a foreign key of its table holds something else than another model's sync key; the model, what is wrong with it and what to do is said.
    ///         Then nothing is mounted.
    [[nodiscard]] result<void> mount_bundle_wire(bundle_server_options options = {}) {
        if (auto r = engine_.serves_whole_tenants(); !r) return r;
        if (auto r = bundle_wire::check_carried(engine_.schemas(), options.schema_name); !r) return r;
        if (auto r = foreign_keys_hold_sync_keys_(); !r) return r;
        bundle_prefix_ = options.prefix;
        bundle_.emplace(engine_, std::move(options));
        return {};
    }

    /// Answers a request of @p who; always JSON. Then tells the listeners what it did.
    [[nodiscard]] response operator()(const request& r, const principal& who) {
        served_request served;
        response answer = handle(r, who, served);
        if (const auto* push = std::get_if<push_served>(&served); push != nullptr && listeners_.push_completed)
            static_cast<void>(guarded_call([&] { listeners_.push_completed(*push); }));
        if (const auto* pull = std::get_if<pull_served>(&served); pull != nullptr && listeners_.pull_completed)
            static_cast<void>(guarded_call([&] { listeners_.pull_completed(*pull); }));
        return answer;
    }

    /// The authority behind the wires, for the host's own calls (`retain`, `begin_incarnation`). Not guarded: only while no thread is serving a request.
    [[nodiscard]] authority<Store>& engine() noexcept { return engine_; }

private:
    [[nodiscard]] response handle(const request& r, const principal& who, served_request& served) {
        const std::lock_guard lock{mutex_};
        const std::string_view path = path_without_query(r.path);
        const bool by_mutations = mutation_ && below(path, mutation_prefix_);
        if (!by_mutations && !(bundle_ && below(path, bundle_prefix_))) return json_error(404, "not_found", "no wire is mounted at this path");
        response answer;
        if (auto other = refuse_other_account(r, who)) {
            answer = std::move(*other);
        } else if (by_mutations) {
            answer = mutation_->handle(r, who, clock_());
            served = mutation_->served();
        } else {
            answer = bundle_->handle(r, who, clock_(), random_source{random_});
            served = bundle_->served();
        }
        tell_account(answer, who);
        return answer;
    }
    [[nodiscard]] static bool below(std::string_view path, std::string_view prefix) {
        return path.starts_with(prefix) && path.size() > prefix.size() && path[prefix.size()] == '/';
    }

    // Only a store with tables of its own can have foreign keys that no model describes.
    [[nodiscard]] static std::function<result<void>()> check_of(Store& store) {
        if constexpr (requires { { store.check_foreign_keys_hold_sync_keys() } -> std::same_as<result<void>>; })
            return [&store] { return store.check_foreign_keys_hold_sync_keys(); };
        else
            return [] { return result<void>{}; };
    }

    std::function<result<void>()> foreign_keys_hold_sync_keys_;
    authority<Store> engine_;
    std::function<timestamp()> clock_;
    std::function<std::uint64_t()> random_;
    server_listeners listeners_;
    std::optional<mutation_server<authority<Store>>> mutation_;
    std::optional<bundle_server<authority<Store>>> bundle_;
    std::string mutation_prefix_;
    std::string bundle_prefix_;
    std::mutex mutex_;
};

SYNCLINE_NAMESPACE_END

#endif
