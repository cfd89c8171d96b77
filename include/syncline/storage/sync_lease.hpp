#ifndef SYNCLINE_STORAGE_SYNC_LEASE_HPP
#define SYNCLINE_STORAGE_SYNC_LEASE_HPP

#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Who may sync on a store's data, as the data itself says.
struct sync_lease {
    std::string owner;            ///< the holder's token, random for each sync; empty: nobody
    std::int64_t fence = 0;       ///< counts the holders: each one's is higher than all before
    std::int64_t expires_us = 0;  ///< by the holder's clock, microseconds; the holder moves it on while it syncs
    std::int64_t length_us = 0;   ///< for how long the holder takes it each time, microseconds

    friend bool operator==(const sync_lease&, const sync_lease&) = default;
};

/// A replica's transaction that also keeps a lease: the optional capability with which several programs can share one device's data and
/// only one of them syncs at a time.
///
/// Semantic requirements beside S1 to S7, cited by number in the conformance kit:
/// - L1  The lease is part of the transaction: what `put_lease` wrote is there after `commit()`, and never was without it.
/// - L2  All store objects on the same data, in all processes, have the same lease. With S2 (no other writer while a transaction is open) a
///       transaction that has read the lease can rely on it until it ends.
/// - L3  It outlives the store object, and the process where the data does. A fresh store has a default-constructed one.
/// - L4  It is nobody's change: it is not captured, and no count of `counts()` includes it.
///
/// | expression | returns | meaning |
/// |---|---|---|
/// | `t.lease()` | `result<sync_lease>` | as it was put last |
/// | `t.put_lease(l)` | `result<void>` | replaces it |
template <class T>
concept leasing_transaction = replica_transaction<T> && requires(T t, const sync_lease& l) {
    { t.lease() } -> std::same_as<result<sync_lease>>;
    { t.put_lease(l) } -> std::same_as<result<void>>;
};

/// A device's storage that also keeps a lease. Clients ask for it where it is there, and do without where it is not.
template <class S>
concept leasing_store = replica_store<S> && leasing_transaction<typename S::transaction>;

// What holds, whatever clocks do: a sync writes nothing in a transaction that finds another owner or fence in the lease (`fenced_store`),
// and
// transactions come one after the other. So at no time can two syncs both change the data, and one that was taken over changes nothing
// more.
// The clock decides only about politeness: whether one that is still alive is waited for. A clock that jumps ahead by more than the lease
// cuts
// off a live holder, which ends with a fault and loses nothing. One that jumps back can keep a dead holder's lease for at most twice its
// length, since an end farther off than that cannot have been written by the clock that reads it.

namespace detail {

/// @p us microseconds after @p now, as far as the numbers reach.
[[nodiscard]] constexpr std::int64_t microseconds_after(timestamp now, duration length) noexcept {
    const std::int64_t at = to_microseconds(now);
    const std::int64_t more = length.count() > 0 ? length.count() : 0;
    return at > (std::numeric_limits<std::int64_t>::max)() - more ? (std::numeric_limits<std::int64_t>::max)() : at + more;
}

}  // namespace detail

/// An owner's token with the holder's name, in words for a person, in front of it; without a name, the token.
/// @param token  without blanks
[[nodiscard]] inline std::string named_owner(std::string name, std::string_view token) {
    if (!name.empty()) name.push_back(' ');
    return name.append(token);
}

/// The name of the one who holds @p lease, as `named_owner` put it there; empty: it has none.
[[nodiscard]] inline std::string holder_name(const sync_lease& lease) {
    const auto blank = lease.owner.rfind(' ');
    return blank == std::string::npos ? std::string{} : lease.owner.substr(0, blank);
}

/// Whether somebody holds @p lease at @p now: it has an owner, and its end is ahead, but no farther than twice its length.
[[nodiscard]] constexpr bool is_held(const sync_lease& lease, timestamp now) noexcept {
    const std::int64_t at = to_microseconds(now);
    if (lease.owner.empty() || lease.expires_us <= at || lease.length_us <= 0) return false;
    const std::int64_t longest = lease.length_us > (std::numeric_limits<std::int64_t>::max)() / 2 ? lease.length_us : 2 * lease.length_us;
    return lease.expires_us < (std::numeric_limits<std::int64_t>::min)() + longest || lease.expires_us - longest <= at;
}

/// Takes the lease of @p t's data for @p owner, where nobody holds it.
/// @param owner     random, not empty, used for this one sync
/// @param own_last  the token of an earlier sync of the caller that is known to be over; empty: none. It is taken over at once
/// @return the lease, to be kept for the fence; nothing: another one holds it
template <leasing_transaction Transaction>
[[nodiscard]] result<std::optional<sync_lease>> take_lease(Transaction& t, std::string owner, const std::string& own_last, duration length,
                                                            timestamp now) {
    auto held = t.lease();
    if (!held) return std::move(held).error();
    if (is_held(*held, now) && held->owner != own_last) return std::optional<sync_lease>{};
    sync_lease mine;
    mine.owner = std::move(owner);
    mine.fence = held->fence + 1;
    mine.expires_us = detail::microseconds_after(now, length);
    mine.length_us = length.count();
    if (auto r = t.put_lease(mine); !r) return std::move(r).error();
    return std::optional<sync_lease>{std::move(mine)};
}

/// Whether the lease that stands is the one that was taken as @p mine: its end may have moved.
[[nodiscard]] inline bool is_same_taking(const sync_lease& standing, const sync_lease& mine) noexcept {
    return standing.owner == mine.owner && standing.fence == mine.fence;
}

/// Checks inside a transaction that @p mine is still the lease, whether or not its time is up: nobody took it over.
/// @return the lease as it stands; `errc::busy` when another one has it or had it since
template <leasing_transaction Transaction>
[[nodiscard]] result<sync_lease> check_lease(Transaction& t, const sync_lease& mine) {
    auto held = t.lease();
    if (!held || is_same_taking(*held, mine)) return held;
    return make_fault(errc::busy, "another sync took over this one's lease, since it was not renewed in time; this one changes nothing "
                                  "any more: sync again");
}

/// Whether @p lease should be moved on: half of its time is over, or a clock that jumped back has left its end too far ahead.
[[nodiscard]] constexpr bool is_due(const sync_lease& lease, timestamp now) noexcept {
    return lease.expires_us <= detail::microseconds_after(now, duration{lease.length_us / 2}) ||
           lease.expires_us > detail::microseconds_after(now, duration{lease.length_us});
}

/// @p lease with its end moved on, to be put. @pre `check_lease` in the same transaction
[[nodiscard]] inline sync_lease renewed(sync_lease lease, timestamp now) {
    lease.expires_us = detail::microseconds_after(now, duration{lease.length_us});
    return lease;
}

/// Gives the lease back, in @p t; its fence stays, so that the next one's is higher. @pre `check_lease(t, mine)`
template <leasing_transaction Transaction>
[[nodiscard]] result<void> give_back_lease(Transaction& t, const sync_lease& mine) {
    sync_lease free;
    free.fence = mine.fence;
    return t.put_lease(free);
}

SYNCLINE_NAMESPACE_END

#endif
