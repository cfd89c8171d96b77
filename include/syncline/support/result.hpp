#ifndef SYNCLINE_SUPPORT_RESULT_HPP
#define SYNCLINE_SUPPORT_RESULT_HPP

#include <syncline/support/version.hpp>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What went wrong. Values are never renumbered; `category_of` says what the caller can do.
enum class errc : std::uint16_t {
    // the request or the data is wrong: fix it, the same thing will fail again
    invalid_argument = 1,    ///< a call's argument is outside what it documents
    malformed_json = 2,      ///< text is not JSON, or breaks our bounds (depth, size, duplicates)
    malformed_message = 3,   ///< JSON, but not the message that was expected
    malformed_value = 4,     ///< a value is not of its field's type or not in range
    unknown_model = 5,       ///< no model of that name is registered here
    unknown_field = 6,       ///< the model has no such field
    invalid_key = 7,         ///< empty, null, too long, or not of the key's form
    too_large = 8,           ///< body, batch, row or number of rows above the limit
    invalid_cursor = 9,      ///< negative, from the future, or not ours
    unsupported = 10,        ///< a shape this store or wire refuses by name
    validation_failed = 11,  ///< the host's validator refused the change
    constraint = 12,         ///< the app's own table refused the row (unique, foreign key, check, not null)
    absent = 13,             ///< no such record for this principal
    id_reused = 14,          ///< an id that was already used came with other content
    schema_mismatch = 15,    ///< the table or the peer's model is not what was registered

    // a person must decide
    conflict = 30,      ///< the change's base is not the current record and the resolver would not decide
    held = 31,          ///< waits for another change of its record or its parent
    lost_by_restore = 32,  ///< acknowledged by an authority that was since restored from a backup
    maybe_sent = 33,    ///< a copied or restored device cannot know whether this was sent
    out_of_view = 34,   ///< the record has left what the principal may see
    unsent = 35,        ///< changes that were not sent would be lost: sync first, or say that they may be

    // try again later
    busy = 50,             ///< somebody else holds the lock or the database
    unavailable = 51,      ///< the peer or the network cannot be reached
    timed_out = 52,        ///< no answer in time; the request may have taken effect
    rate_limited = 53,     ///< the peer asks for a pause
    internal = 54,         ///< the peer or a callback failed in an unexpected way
    storage_full = 55,     ///< no space left
    io_error = 56,         ///< the store failed to read or write

    // a different step is needed first
    history_pruned = 70,   ///< the cursor is older than the history that is kept: rehydrate
    stale = 71,            ///< the state moved on meanwhile; the message is dropped
    session_gone = 72,     ///< the session is unknown, expired or was replaced
    out_of_sequence = 73,  ///< the source's numbering does not continue: copied or restored device
    source_retired = 74,   ///< the source was replaced by another
    epoch_changed = 75,    ///< the authority is a new incarnation
    unauthenticated = 76,  ///< credentials missing or refused
    forbidden = 77,        ///< the principal may not do this
    cancelled = 78,        ///< the caller asked to stop
    other_account = 79,    ///< the device holds the data of another account than the one that is signed in
    scope_uninitialized = 80,     ///< nobody has filled the account for the first time: connect first
    scope_initializing = 81,      ///< another device is filling the account for the first time: connect again later
    initialization_stale = 82,    ///< the right to fill the account is another device's, or is used up: connect again
    initialization_expired = 83,  ///< the right to fill the account has run out: connect again
    session_expired = 84,         ///< the session was there, but its time is over: create it again

    // report it
    corrupt = 90,  ///< stored state breaks an invariant
    bug = 91,      ///< a rule of the library was broken by itself or by misuse
};

/// What a caller can do about a fault.
enum class fault_category : std::uint8_t { retry, fix_request, ask_person, take_other_step, report_bug };

/// The action class of @p code.
[[nodiscard]] constexpr fault_category category_of(errc code) noexcept {
    const auto n = static_cast<std::uint16_t>(code);
    if (n < 30) return fault_category::fix_request;
    if (n < 50) return fault_category::ask_person;
    if (n < 70) return fault_category::retry;
    if (n < 90) return fault_category::take_other_step;
    return fault_category::report_bug;
}

/// The stable, lower-case name of @p code, as it appears in logs and JSON errors.
[[nodiscard]] constexpr std::string_view name_of(errc code) noexcept {
    switch (code) {
    case errc::invalid_argument: return "invalid_argument";
    case errc::malformed_json: return "malformed_json";
    case errc::malformed_message: return "malformed_message";
    case errc::malformed_value: return "malformed_value";
    case errc::unknown_model: return "unknown_model";
    case errc::unknown_field: return "unknown_field";
    case errc::invalid_key: return "invalid_key";
    case errc::too_large: return "too_large";
    case errc::invalid_cursor: return "invalid_cursor";
    case errc::unsupported: return "unsupported";
    case errc::validation_failed: return "validation_failed";
    case errc::constraint: return "constraint";
    case errc::absent: return "absent";
    case errc::id_reused: return "id_reused";
    case errc::schema_mismatch: return "schema_mismatch";
    case errc::conflict: return "conflict";
    case errc::held: return "held";
    case errc::lost_by_restore: return "lost_by_restore";
    case errc::maybe_sent: return "maybe_sent";
    case errc::out_of_view: return "out_of_view";
    case errc::unsent: return "unsent";
    case errc::busy: return "busy";
    case errc::unavailable: return "unavailable";
    case errc::timed_out: return "timed_out";
    case errc::rate_limited: return "rate_limited";
    case errc::internal: return "internal";
    case errc::storage_full: return "storage_full";
    case errc::io_error: return "io_error";
    case errc::history_pruned: return "history_pruned";
    case errc::stale: return "stale";
    case errc::session_gone: return "session_gone";
    case errc::out_of_sequence: return "out_of_sequence";
    case errc::source_retired: return "source_retired";
    case errc::epoch_changed: return "epoch_changed";
    case errc::unauthenticated: return "unauthenticated";
    case errc::forbidden: return "forbidden";
    case errc::cancelled: return "cancelled";
    case errc::other_account: return "other_account";
    case errc::scope_uninitialized: return "scope_uninitialized";
    case errc::scope_initializing: return "scope_initializing";
    case errc::initialization_stale: return "initialization_stale";
    case errc::initialization_expired: return "initialization_expired";
    case errc::session_expired: return "session_expired";
    case errc::corrupt: return "corrupt";
    case errc::bug: return "bug";
    }
    return "unknown";
}

/// A failure: a code to branch on, and a sentence for the person who reads it (what, where, why, what to do).
/// The detail never holds user data beyond names of models, fields and keys.
struct fault {
    errc code = errc::bug;
    std::string detail;

    friend bool operator==(const fault&, const fault&) = default;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
// With some optimisation levels, moving an empty std::optional of a class in is said to read what it does not hold.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {

/// Makes the fault of a result whose new value threw while it moved in, so that it holds something all the same.
struct fault_if_thrown {
    void* place;
    bool* good;

    ~fault_if_thrown() {
        if (!place) return;
        ::new (place) fault();
        *good = false;
    }
};

}  // namespace detail

/// A value or a fault. A small subset of `std::expected`'s interface under the same names; never an alias of it, so
/// that two translation units built for different standards agree. No `std::variant` either: this type is made for some
/// hundred values, and each variant costs a compiler about forty functions.
///
/// Reading the value of a failed result ends the program: it is a mistake in the caller, not a condition.
/// Assigning a value whose move throws leaves a fault (`bug`).
template <class T>
class [[nodiscard]] result {
    static constexpr bool moves_without_throwing() { return std::is_nothrow_move_constructible_v<T>; }

public:
    using value_type = T;

    result(const T& value) : good_(true) { ::new (place()) T(value); }
    result(T&& value) noexcept(moves_without_throwing()) : good_(true) { ::new (place()) T(std::move(value)); }
    result(const fault& why) : good_(false) { ::new (place()) fault(why); }
    result(fault&& why) noexcept : good_(false) { ::new (place()) fault(std::move(why)); }

    result(const result& other) requires std::is_copy_constructible_v<T> : good_(other.good_) { construct(other); }
    result(result&& other) noexcept(moves_without_throwing()) : good_(other.good_) { construct(std::move(other)); }
    result& operator=(const result& other) requires std::is_copy_constructible_v<T> { return *this = result(other); }
    result& operator=(result&& other) noexcept(moves_without_throwing()) {
        if (this == &other) return *this;
        destroy();
        detail::fault_if_thrown guard{place(), &good_};
        good_ = other.good_;
        construct(std::move(other));
        guard.place = nullptr;
        return *this;
    }
    ~result() { destroy(); }

    [[nodiscard]] bool has_value() const noexcept { return good_; }
    explicit operator bool() const noexcept { return good_; }

    [[nodiscard]] T& operator*() & { return checked(); }
    [[nodiscard]] const T& operator*() const& { return checked(); }
    [[nodiscard]] T&& operator*() && { return std::move(checked()); }
    [[nodiscard]] T* operator->() { return &checked(); }
    [[nodiscard]] const T* operator->() const { return &checked(); }

    /// The fault. @pre `!has_value()`
    [[nodiscard]] const fault& error() const& { return failed(); }
    [[nodiscard]] fault&& error() && { return std::move(const_cast<fault&>(failed())); }

    template <class U>
    [[nodiscard]] T value_or(U&& otherwise) const& {
        return has_value() ? **this : static_cast<T>(std::forward<U>(otherwise));
    }

private:
    T& checked() {
        if (!good_) std::abort();
        return state_.value;
    }
    const T& checked() const {
        if (!good_) std::abort();
        return state_.value;
    }
    const fault& failed() const {
        if (good_) std::abort();
        return state_.why;
    }
    template <class Other>
    void construct(Other&& other) {
        if (good_)
            ::new (place()) T(std::forward<Other>(other).state_.value);
        else
            ::new (place()) fault(std::forward<Other>(other).state_.why);
    }
    void destroy() noexcept {
        if (good_)
            state_.value.~T();
        else
            state_.why.~fault();
    }
    void* place() noexcept { return &state_; }

    union state {
        state() {}
        ~state() {}
        T value;
        fault why;
    } state_;
    bool good_;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Success without a value, or a fault.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;

    result() = default;
    result(const fault& why) : why_(why), failed_(true) {}
    result(fault&& why) : why_(std::move(why)), failed_(true) {}

    [[nodiscard]] bool has_value() const noexcept { return !failed_; }
    explicit operator bool() const noexcept { return !failed_; }

    /// The fault. @pre `!has_value()`
    [[nodiscard]] const fault& error() const& {
        if (!failed_) std::abort();
        return why_;
    }
    [[nodiscard]] fault&& error() && {
        if (!failed_) std::abort();
        return std::move(why_);
    }

private:
    fault why_;
    bool failed_ = false;
};

/// Builds a fault from pieces without `operator+` chains.
template <class... Parts>
[[nodiscard]] fault make_fault(errc code, const Parts&... parts) {
    fault f{code, {}};
    (f.detail.append(parts), ...);
    return f;
}

SYNCLINE_NAMESPACE_END

#endif
