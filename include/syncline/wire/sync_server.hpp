#ifndef SYNCLINE_WIRE_SYNC_SERVER_HPP
#define SYNCLINE_WIRE_SYNC_SERVER_HPP

#include <syncline/engine/authority.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/authority_totals.hpp>
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
#include <syncline/wire/server_status.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
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
        : store_(store), engine_(store, std::move(options)), clock_(std::move(clock)), random_(std::move(random)), listeners_(std::move(listeners)) {}

    sync_server(const sync_server&) = delete;
    sync_server& operator=(const sync_server&) = delete;
    /// Ends its streams.
    ~sync_server() { look_->end(); }

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
        if (auto r = bundle_wire::check_carried(engine_.schemas()); !r) return r;
        if (auto r = foreign_keys_hold_sync_keys(); !r) return r;
        bundle_prefix_ = options.prefix;
        bundle_.emplace(engine_, std::move(options));
        bundle_->watch().look_with(look_);
        return {};
    }

    /// Answers a request of @p who; always JSON, but for the stream of `watch`. Then tells the listeners what it did. While shutting down and for ever
    /// after, 503 `service_unavailable`, but for a request that had begun to arrive before (`request::began`).
    [[nodiscard]] response operator()(const request& r, const principal& who) {
        // Counted before it is asked whether there is a shutdown: so one that begins now sees either no request or this one.
        const counted_in here{in_flight_};
        if (comes_too_late(r)) {
            response refused = json_error(503, "service_unavailable", "the server is shutting down");
            set_header(refused.headers, "Retry-After", "5");
            return refused;
        }
        served_request served;
        response answer = handle(r, who, served);
        if (const auto* push = std::get_if<push_served>(&served); push != nullptr && listeners_.push_completed)
            static_cast<void>(guarded_call([&] { listeners_.push_completed(*push); }));
        if (const auto* pull = std::get_if<pull_served>(&served); pull != nullptr && listeners_.pull_completed)
            static_cast<void>(guarded_call([&] { listeners_.pull_completed(*pull); }));
        return answer;
    }

    /// Begins to shut down: requests that come from now on are refused, streams end, requests that are being served finish, and so do those that the adapter
    /// has begun to read, where it tells so. Does not wait. Any thread; for good. `status().life` becomes `closed` once nothing is in flight here; that
    /// nothing is being read any more the adapter knows (`httplib_server::stop` waits for it).
    void begin_shutdown() noexcept {
        std::int64_t none = running;
        shutdown_.compare_exchange_strong(none, std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count());
        if (bundle_)
            if (watch_hub* hub = bundle_->watch().hub()) hub->close();
    }

    /// Looks for what other programs wrote or committed, and for what the host did by `engine()`, and tells the devices that watch. Open streams do so by
    /// themselves every `bundle_watch_options::look_every`; after a write of the host's own it spares them the wait. Cheap where nothing is new. Any thread.
    void look_for_changes() {
        const std::lock_guard lock{mutex_};
        look(true);
    }

    /// How the server does. It may wait for the request that is being served. Any thread.
    /// @return faults of the store
    [[nodiscard]] result<server_status> status() {
        const std::lock_guard lock{mutex_};
        server_status out;
        out.in_flight = in_flight_;
        out.life = shutdown_ == running ? lifecycle::running : out.in_flight > 0 || watchers() > 0 ? lifecycle::shutting_down : lifecycle::closed;
        out.watchers = watchers();
        out.counts = counts_;
        if (bundle_) bundle_->describe(out);
        if constexpr (totalling_store<Store>) {
            auto totals = store_.totals();
            if (!totals) return std::move(totals).error();
            out.totals = *totals;
        }
        return out;
    }

    /// That a page about the server is mounted: capabilities say so from now on. Call before the first request.
    void offer_status() noexcept {
        if (bundle_) bundle_->offer_status();
    }

    /// The authority behind the wires, for the host's own calls (`retain`, `begin_incarnation`). Not guarded: only while no thread is serving a request.
    [[nodiscard]] authority<Store>& engine() noexcept { return engine_; }

private:
    struct counted_in {
        std::atomic<std::int64_t>& count;
        explicit counted_in(std::atomic<std::int64_t>& of) : count(of) { ++count; }
        counted_in(const counted_in&) = delete;
        counted_in& operator=(const counted_in&) = delete;
        ~counted_in() { --count; }
    };

    [[nodiscard]] bool comes_too_late(const request& r) const noexcept {
        const std::int64_t since = shutdown_;
        return since != running && !(r.began && *r.began <= since);
    }

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
        counts_.count(r, answer);
        // By whatever way a bundle came to be: pushed on either wire, or sealed on the way to a page.
        if (bundle_) static_cast<void>(bundle_->watch().announce(who.tenant, clock_()));
        return answer;
    }

    [[nodiscard]] std::int64_t watchers() {
        const watch_hub* hub = bundle_ ? bundle_->watch().hub() : nullptr;
        return hub != nullptr ? static_cast<std::int64_t>(hub->subscribers()) : 0;
    }

    // @pre the mutex is held
    // @param now_too  also where the last look was not long ago
    void look(bool now_too) {
        if (!bundle_ || bundle_->watch().hub() == nullptr) return;
        const timestamp now = clock_();
        // A clock that jumped back makes nobody wait.
        if (!now_too && looked_ && now >= *looked_ && now < later(*looked_, bundle_->watch().options().look_every)) return;
        looked_ = now;
        std::optional<std::int64_t> version;
        if constexpr (versioned_store<Store>) {
            // Before the look: what is committed after this is seen by the next one.
            if (auto v = store_.data_version()) version = *v;
            if (version && version == version_ && !now_too) return;
        }
        bool complete = true;
        for (const auto& tenant : bundle_->watch().hub()->tenants()) complete = bundle_->watch().announce(tenant, now).value_or(false) && complete;
        version_ = complete ? version : std::nullopt;
    }
    [[nodiscard]] static bool below(std::string_view path, std::string_view prefix) {
        return path.starts_with(prefix) && path.size() > prefix.size() && path[prefix.size()] == '/';
    }

    // Only a store with tables of its own can have foreign keys that no model describes.
    [[nodiscard]] result<void> foreign_keys_hold_sync_keys() {
        if constexpr (requires { { store_.check_foreign_keys_hold_sync_keys() } -> std::same_as<result<void>>; })
            return store_.check_foreign_keys_hold_sync_keys();
        else
            return {};
    }

    Store& store_;
    authority<Store> engine_;
    std::function<timestamp()> clock_;
    std::function<std::uint64_t()> random_;
    server_listeners listeners_;
    std::optional<mutation_server<authority<Store>>> mutation_;
    std::optional<bundle_server<authority<Store>>> bundle_;
    std::string mutation_prefix_;
    std::string bundle_prefix_;
    std::mutex mutex_;
    std::atomic<std::int64_t> in_flight_ = 0;
    static constexpr std::int64_t running = (std::numeric_limits<std::int64_t>::max)();
    std::atomic<std::int64_t> shutdown_ = running;  // when it began, as `request::began` has it
    served_counts counts_;
    std::optional<timestamp> looked_;        // when streams looked last
    std::optional<std::int64_t> version_;    // of the store, as far as was looked
    std::shared_ptr<watch_look> look_ = std::make_shared<watch_look>([this] {
        const std::lock_guard lock{mutex_};
        look(false);
    });
};

SYNCLINE_NAMESPACE_END

#endif
