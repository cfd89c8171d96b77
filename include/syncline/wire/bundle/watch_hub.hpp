#ifndef SYNCLINE_WIRE_BUNDLE_WATCH_HUB_HPP
#define SYNCLINE_WIRE_BUNDLE_WATCH_HUB_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/principal.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// That a tenant's log has a new newest bundle.
struct bundle_news {
    std::int64_t seq = 0;
    std::string source;                 ///< whose bundle it is; empty: not told, as for one that was there before the subscription
    std::int64_t source_bundle_id = 0;

    friend bool operator==(const bundle_news&, const bundle_news&) = default;
};

namespace detail {

// What one subscriber waits for: one slot, in which the newest wins.
class watch_slot {
public:
    explicit watch_slot(std::int64_t after) : told_(after) {}

    void offer(const bundle_news& news) {
        std::function<void()> wake;
        {
            const std::lock_guard lock{mutex_};
            if (news.seq <= told_ || (waiting_ && news.seq <= waiting_->seq)) return;
            waiting_ = news;
            wake = wake_;
        }
        if (wake) wake();
    }
    void close() {
        std::function<void()> wake;
        {
            const std::lock_guard lock{mutex_};
            closed_ = true;
            wake = wake_;
        }
        if (wake) wake();
    }
    void wake_with(std::function<void()> wake) {
        const std::lock_guard lock{mutex_};
        wake_ = std::move(wake);
    }
    [[nodiscard]] std::optional<bundle_news> take() {
        const std::lock_guard lock{mutex_};
        if (waiting_) told_ = waiting_->seq;
        return std::exchange(waiting_, std::nullopt);
    }
    [[nodiscard]] bool closed() {
        const std::lock_guard lock{mutex_};
        return closed_;
    }

private:
    std::mutex mutex_;
    std::int64_t told_;
    std::optional<bundle_news> waiting_;
    bool closed_ = false;
    std::function<void()> wake_;
};

// Who listens to which tenant. Shared with the subscriptions, which may outlive the hub.
struct watch_room {
    std::mutex mutex;
    std::map<std::string, std::vector<std::shared_ptr<watch_slot>>, std::less<>> tenants;
    std::map<std::pair<std::string, std::string>, std::size_t> of_principal;  // by tenant and id
    std::size_t count = 0;
    bool closed = false;
};

}  // namespace detail

/// One subscriber of a `watch_hub`; ends with this object. Its functions are called by one thread at a time.
class watch_subscription {
public:
    watch_subscription(std::shared_ptr<detail::watch_room> room, std::shared_ptr<detail::watch_slot> slot, principal who)
        : room_(std::move(room)), slot_(std::move(slot)), who_(std::move(who)) {}
    watch_subscription(watch_subscription&&) noexcept = default;
    watch_subscription& operator=(watch_subscription&&) = delete;
    ~watch_subscription() {
        if (!room_) return;
        const std::lock_guard lock{room_->mutex};
        const auto at = room_->tenants.find(who_.tenant);
        std::erase(at->second, slot_);
        if (at->second.empty()) room_->tenants.erase(at);
        const auto mine = room_->of_principal.find({who_.tenant, who_.id});
        if (--mine->second == 0) room_->of_principal.erase(mine);
        --room_->count;
    }

    /// What is new since the last call, if anything: the newest bundle, never one that is not above the last one told.
    [[nodiscard]] std::optional<bundle_news> take() { return slot_->take(); }
    /// Tells this subscriber alone, such as of what was there before it came.
    void offer(const bundle_news& news) { slot_->offer(news); }
    /// Whether the hub is closed.
    [[nodiscard]] bool closed() { return slot_->closed(); }
    /// @param wake  called from any thread whenever there is something to take, and when the hub closes; it does not block and calls nothing here. A publisher that had
    ///              begun may call it once more when this is gone, so it owns what it touches
    void wake_with(std::function<void()> wake) { slot_->wake_with(std::move(wake)); }
    [[nodiscard]] const principal& who() const noexcept { return who_; }

private:
    std::shared_ptr<detail::watch_room> room_;  // empty: moved away
    std::shared_ptr<detail::watch_slot> slot_;
    principal who_;
};

/// Tells subscribers of new bundles of their tenant (sheet `bundle` 1.10): wake-ups, not a queue. Each subscriber has one slot, so a slow one costs
/// nothing more. No I/O, no thread; any thread may call it. Whoever publishes does so after the commit.
class watch_hub {
public:
    /// @param most             of all subscribers
    /// @param most_of_principal  of those of one principal
    explicit watch_hub(std::size_t most = 1000, std::size_t most_of_principal = 16)
        : most_(most), most_of_principal_(most_of_principal), room_(std::make_shared<detail::watch_room>()) {}
    watch_hub(const watch_hub&) = delete;
    watch_hub& operator=(const watch_hub&) = delete;
    /// As `close`.
    ~watch_hub() { close(); }

    /// Adds a subscriber that knows everything up to @p after.
    /// @return `errc::unavailable` once closed; `errc::rate_limited` when there are too many, of all or of this principal
    [[nodiscard]] result<watch_subscription> subscribe(const principal& who, std::int64_t after) {
        const std::lock_guard lock{room_->mutex};
        if (room_->closed) return make_fault(errc::unavailable, "the server is shutting down");
        if (room_->count >= most_) return make_fault(errc::rate_limited, "the server has as many watchers as it takes; poll, and try again later");
        auto& mine = room_->of_principal[{who.tenant, who.id}];
        if (mine >= most_of_principal_) {
            if (mine == 0) room_->of_principal.erase({who.tenant, who.id});
            return make_fault(errc::rate_limited, "this principal has as many watchers as one may have; poll, and try again later");
        }
        auto slot = std::make_shared<detail::watch_slot>(after);
        room_->tenants[who.tenant].push_back(slot);
        ++mine;
        ++room_->count;
        return watch_subscription{room_, std::move(slot), who};
    }

    /// Tells all subscribers of @p tenant that know less.
    void publish(std::string_view tenant, const bundle_news& news) {
        std::vector<std::shared_ptr<detail::watch_slot>> all;
        {
            const std::lock_guard lock{room_->mutex};
            const auto at = room_->tenants.find(tenant);
            if (at == room_->tenants.end()) return;
            all = at->second;
        }
        for (const auto& slot : all) slot->offer(news);
    }

    /// Ends every subscription and takes no more.
    void close() {
        std::vector<std::shared_ptr<detail::watch_slot>> all;
        {
            const std::lock_guard lock{room_->mutex};
            room_->closed = true;
            for (const auto& [tenant, listening] : room_->tenants) all.insert(all.end(), listening.begin(), listening.end());
        }
        for (const auto& slot : all) slot->close();
    }

    [[nodiscard]] std::size_t subscribers() const {
        const std::lock_guard lock{room_->mutex};
        return room_->count;
    }
    /// Whether anybody listens to @p tenant.
    [[nodiscard]] bool has_subscribers(std::string_view tenant) const {
        const std::lock_guard lock{room_->mutex};
        return room_->tenants.find(tenant) != room_->tenants.end();
    }
    /// The tenants that somebody listens to.
    [[nodiscard]] std::vector<std::string> tenants() const {
        std::vector<std::string> out;
        const std::lock_guard lock{room_->mutex};
        for (const auto& [tenant, listening] : room_->tenants) out.push_back(tenant);
        return out;
    }

private:
    std::size_t most_;
    std::size_t most_of_principal_;
    std::shared_ptr<detail::watch_room> room_;
};

SYNCLINE_NAMESPACE_END

#endif
