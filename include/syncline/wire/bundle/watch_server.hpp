#ifndef SYNCLINE_WIRE_BUNDLE_WATCH_SERVER_HPP
#define SYNCLINE_WIRE_BUNDLE_WATCH_SERVER_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/bundle/codes.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/bundle/watch_hub.hpp>
#include <syncline/wire/bundle/watch_messages.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// How a server tells devices of new bundles (`GET watch`). Off until it is turned on.
struct bundle_watch_options {
    bool enabled = false;
    /// Who may watch; empty: everybody. Called for each request of capabilities and of watch, under the server's lock.
    std::function<bool(const principal&)> allows = {};
    duration heartbeat = std::chrono::seconds{25};  ///< how often a stream is shown to be alive; must be positive
    std::size_t max_subscribers = 1000;             ///< of all; one more is answered with 429
    std::size_t max_subscribers_of_principal = 16;  ///< likewise
    /// How often open streams look for what other programs wrote or committed, all of them together. 0: never; then the host calls
    /// `sync_server::look_for_changes`.
    duration look_every = std::chrono::seconds{1};
};

/// What open streams share: how to make the server look for changes of others, for as long as it lives. Any thread.
class watch_look {
public:
    explicit watch_look(std::function<void()> look) : look_(std::move(look)) {}

    /// Looks, unless somebody does at this moment or the server is gone.
    void operator()() {
        const std::unique_lock lock{mutex_, std::try_to_lock};
        if (lock && look_) look_();
    }
    /// Waits for a look that is going on; there is none after it.
    void end() {
        const std::lock_guard lock{mutex_};
        look_ = nullptr;
    }

private:
    std::mutex mutex_;
    std::function<void()> look_;
};

/// The body of an answer to `GET watch`: bundle events and heartbeats (sheet `bundle` 1.10).
class bundle_watch_stream final : public event_stream {
public:
    /// @param look        called now and then; may be null
    /// @param look_every  0: never
    bundle_watch_stream(watch_subscription subscription, duration heartbeat, std::shared_ptr<watch_look> look, duration look_every)
        : subscription_(std::move(subscription)), heartbeat_(heartbeat), look_(look_every > duration::zero() ? std::move(look) : nullptr),
          look_every_(look_every), next_beat_(heartbeat), next_look_(look_every) {}

    void wake_with(std::function<void()> wake) override { subscription_.wake_with(std::move(wake)); }

    [[nodiscard]] stream_step next(duration elapsed) override {
        stream_step out;
        if (look_ && elapsed >= next_look_) {
            next_look_ = elapsed + look_every_;
            (*look_)();
        }
        out.over = subscription_.closed();
        if (const auto news = subscription_.take()) out.bytes = bundle_wire::write_bundle_event(*news);
        if (elapsed >= next_beat_) {
            next_beat_ = elapsed + heartbeat_;
            out.bytes.append(bundle_wire::heartbeat);
        }
        out.again = look_ ? (std::min)(next_beat_, next_look_) : next_beat_;
        return out;
    }

private:
    watch_subscription subscription_;
    duration heartbeat_;
    std::shared_ptr<watch_look> look_;
    duration look_every_;
    duration next_beat_;
    duration next_look_;
};

/// The endpoint `watch` of a bundle wire's server. One object is used by one thread at a time; its hub by any.
/// @tparam Authority  an `authority<Store>`; outlives the endpoint
template <class Authority>
class bundle_watch_endpoint {
public:
    bundle_watch_endpoint(Authority& engine, bundle_watch_options options)
        : engine_(&engine), options_(std::move(options)),
          hub_(options_.enabled ? std::make_unique<watch_hub>(options_.max_subscribers, options_.max_subscribers_of_principal) : nullptr) {
        options_.heartbeat = (std::max)(options_.heartbeat, duration{std::chrono::milliseconds{1}});
    }

    /// Whether @p who may watch: what capabilities say.
    [[nodiscard]] bool offered_to(const principal& who) const { return hub_ && (!options_.allows || options_.allows(who)); }

    /// Who is told of new bundles; nullptr: watching is off.
    [[nodiscard]] watch_hub* hub() const noexcept { return hub_.get(); }
    [[nodiscard]] const bundle_watch_options& options() const noexcept { return options_; }

    /// What streams that are opened from now on call to look for changes of others.
    void look_with(std::shared_ptr<watch_look> look) { look_ = std::move(look); }

    /// Answers `GET watch?after_bundle_seq=`, with a stream or a refusal.
    [[nodiscard]] response answer(const request& r, const principal& who, timestamp now) {
        using bundle_wire::step;
        if (hub_ && !offered_to(who)) return json_error(403, "bundle_change_watch_forbidden", "watching is not open to this user; poll instead");
        auto after = bundle_wire::query_number(r.path, "after_bundle_seq", 0, 0);
        if (!after) return json_error(400, "invalid_request", after.error().detail);
        if (!hub_) return json_error(503, "bundle_change_watch_disabled", "watching is turned off on this server; poll instead");
        if (auto r2 = engine_->serves_whole_tenants(); !r2) return bundle_wire::fault_response(step::watch, r2.error());
        // Before the look at what is there: whatever comes after that is told by the hub.
        auto place = hub_->subscribe(who, *after);
        if (!place && place.error().code == errc::unavailable) return bundle_wire::fault_response(step::watch, place.error());
        auto newest = engine_->newest_bundle(who.tenant, now);
        if (!newest) return bundle_wire::fault_response(step::watch, newest.error());
        if (!place) {
            response refused = bundle_wire::fault_response(step::watch, place.error());
            set_header(refused.headers, "Retry-After", "30");
            return refused;
        }
        place->offer({newest->newest.seq, {}, 0});
        response out{200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}, {}};
        out.stream = std::make_shared<bundle_watch_stream>(*std::move(place), options_.heartbeat, look_, options_.look_every);
        return out;
    }

    /// Tells the subscribers of @p tenant of its newest bundle, if they do not know it; what other programs wrote is sealed first.
    /// @return whether that was all: false where somebody holds the lock; faults of the store
    [[nodiscard]] result<bool> announce(const std::string& tenant, timestamp now) {
        if (!hub_ || !hub_->has_subscribers(tenant)) return true;
        auto end = engine_->newest_bundle(tenant, now);
        if (!end) return std::move(end).error();
        const bundle_head& newest = end->newest;
        if (newest.seq > 0) hub_->publish(tenant, {newest.seq, newest.source, bundle_wire::source_bundle_id_of(newest)});
        return !end->more;
    }

private:
    Authority* engine_;
    bundle_watch_options options_;
    std::unique_ptr<watch_hub> hub_;
    std::shared_ptr<watch_look> look_;
};

SYNCLINE_NAMESPACE_END

#endif
