#ifndef SYNCLINE_STORAGE_FENCED_STORE_HPP
#define SYNCLINE_STORAGE_FENCED_STORE_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// A replica's store behind a fence: while it is up, every transaction first looks whether the lease is still the one that was taken,
/// inside
/// that same transaction, and moves its end on when half of it is over. Down, it is the store itself. Models `replica_store`, so an engine
/// works on it and knows nothing of leases.
///
/// Over a store without leases (`leasing_store`) there is nothing to hold: `take` always succeeds and nothing is looked at.
/// @tparam Store  models `replica_store`; outlives this object
template <replica_store Store>
class fenced_store {
public:
    using transaction = typename Store::transaction;

    explicit fenced_store(Store& store) : store_(&store) {}

    [[nodiscard]] const schema_set& schemas() const { return store_->schemas(); }

    /// Opens a transaction; see `Store`.
    /// @return `errc::busy` when the fence is up and another sync took the lease over; then nothing is open
    [[nodiscard]] result<transaction> begin() {
        auto t = store_->begin();
        if constexpr (leasing_store<Store>) {
            if (!t || !up_ || !holds()) return t;
            auto held = check_lease(*t, held_);
            if (!held) return std::move(held).error();
            held_ = std::move(*held);
            // Not noted in `held_`: whether this transaction commits is not known yet.
            if (is_due(held_, now_))
                if (auto r = t->put_lease(renewed(held_, now_)); !r) return std::move(r).error();
        }
        return t;
    }

    /// Takes the lease, in a transaction of its own.
    /// @param owner  random, for this one sync
    /// @return whether it was free; faults of the store
    [[nodiscard]] result<bool> take(std::string owner, duration length, timestamp now) {
        if constexpr (leasing_store<Store>) {
            auto t = store_->begin();
            if (!t) return std::move(t).error();
            auto mine = take_lease(*t, std::move(owner), held_.owner, length, now);
            if (!mine) return std::move(mine).error();
            if (!*mine) return false;
            if (auto r = t->commit(); !r) return std::move(r).error();
            held_ = std::move(**mine);
        }
        return true;
    }

    /// Moves the lease's end on, in a transaction of its own, where half of its time is over.
    /// @return `errc::busy` when another sync took it over; faults of the store
    [[nodiscard]] result<void> renew(timestamp now) {
        if constexpr (leasing_store<Store>) {
            if (!holds() || !is_due(held_, now)) return {};
            const raised up{*this, now};
            auto t = begin();
            if (!t) return std::move(t).error();
            if (auto r = t->commit(); !r) return r;
            held_ = renewed(held_, now);
        }
        return {};
    }

    /// Gives the lease back, in a transaction of its own; one that was taken over is left alone. Where this fails, it ends by its time.
    [[nodiscard]] result<void> give_back() {
        if constexpr (leasing_store<Store>) {
            if (!holds()) return {};
            auto t = store_->begin();
            if (!t) return std::move(t).error();
            auto now = t->lease();
            if (!now) return std::move(now).error();
            if (is_same_taking(*now, held_))
                if (auto r = give_back_lease(*t, held_); !r) return r;
            if (auto r = t->commit(); !r) return r;
            held_ = sync_lease{};
        }
        return {};
    }

    /// The lease as the data has it now, whoever holds it, read in a transaction of its own; over a store without leases, nobody's.
    [[nodiscard]] result<sync_lease> current() {
        if constexpr (leasing_store<Store>) {
            auto t = store_->begin();
            if (!t) return std::move(t).error();
            auto lease = t->lease();
            if (!lease) return lease;
            if (auto r = t->commit(); !r) return std::move(r).error();
            return lease;
        }
        return sync_lease{};
    }

    /// The lease that was taken and not given back, as it was written last; nullptr: none.
    [[nodiscard]] const sync_lease* held() const noexcept { return holds() ? &held_ : nullptr; }

    /// Keeps the fence up as long as it lives. Transactions that are begun meanwhile belong to the sync that holds the lease.
    class raised {
    public:
        raised(fenced_store& store, timestamp now) : store_(&store), before_(store.up_) {
            store.up_ = true;
            store.now_ = now;
        }
        raised(const raised&) = delete;
        raised& operator=(const raised&) = delete;
        ~raised() { store_->up_ = before_; }

    private:
        fenced_store* store_;
        bool before_;
    };

private:
    [[nodiscard]] bool holds() const noexcept { return !held_.owner.empty(); }

    Store* store_;
    sync_lease held_;  // without an owner: none
    bool up_ = false;
    timestamp now_{};
};

SYNCLINE_NAMESPACE_END

#endif
