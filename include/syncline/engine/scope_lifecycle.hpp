#ifndef SYNCLINE_ENGINE_SCOPE_LIFECYCLE_HPP
#define SYNCLINE_ENGINE_SCOPE_LIFECYCLE_HPP

#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/scope_connection.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

// The first filling of a tenant (bundle wire). Without it two devices that each hold rows from before their first sign-in would both fill the
// account. State is a note of the tenant itself; a tenant that has data counts as filled, whoever wrote them and without any note.

/// How far a tenant has come in being filled for the first time.
enum class scope_state : std::uint8_t {
    uninitialized,  ///< nobody has
    initializing,   ///< one device has the right to, for a while
    initialized,
};

/// The state, and while it is `initializing` who has that right.
struct tenant_scope {
    scope_state state = scope_state::uninitialized;
    std::string principal;
    std::string source;
    std::string initialization_id;
    timestamp expires{};

    /// Whether @p who is the device that has the right to fill the tenant.
    [[nodiscard]] bool owned_by(const caller& who) const { return principal == who.principal && source == who.source; }

    friend bool operator==(const tenant_scope&, const tenant_scope&) = default;
};

/// The name of the note, whose principal is nobody.
inline constexpr std::string_view scope_note = "scope";

/// The stored form of @p scope.
[[nodiscard]] inline std::string encode_tenant_scope(const tenant_scope& scope) {
    std::string out;
    byte_writer w{out};
    w.number(static_cast<std::uint64_t>(scope.state));
    w.text(scope.principal);
    w.text(scope.source);
    w.text(scope.initialization_id);
    w.signed_number(to_microseconds(scope.expires));
    return out;
}

/// Reads `encode_tenant_scope`'s form. @return `errc::corrupt`
[[nodiscard]] inline result<tenant_scope> decode_tenant_scope(std::string_view bytes) {
    byte_reader in{bytes};
    tenant_scope out;
    const std::uint64_t state = in.number();
    out.principal = in.text();
    out.source = in.text();
    out.initialization_id = in.text();
    out.expires = from_microseconds(in.signed_number());
    if (!in.at_end() || state > static_cast<std::uint64_t>(scope_state::initialized))
        return make_fault(errc::corrupt, "the note of how a tenant was first filled does not decode; the bookkeeping tables were changed or damaged");
    out.state = static_cast<scope_state>(state);
    return out;
}

/// The tenant's state at @p now. A right that has run out is none.
template <authority_transaction Transaction>
[[nodiscard]] result<tenant_scope> scope_of(Transaction& t, timestamp now) {
    auto head = t.head();
    if (!head) return std::move(head).error();
    auto staged = head->seq > 0 ? result<bool>{true} : t.has_staged();
    if (!staged) return std::move(staged).error();
    tenant_scope out;
    if (*staged) {
        out.state = scope_state::initialized;
        return out;
    }
    auto note = t.find_note({}, scope_note);
    if (!note) return std::move(note).error();
    if (!*note) return out;
    auto kept = decode_tenant_scope(**note);
    if (!kept) return kept;
    if (kept->state == scope_state::initializing && kept->expires < now) return out;
    return kept;
}

/// Notes that the tenant is filled; whoever had the right to fill it has it no more.
template <authority_transaction Transaction>
[[nodiscard]] result<void> end_initialization(Transaction& t) {
    tenant_scope done;
    done.state = scope_state::initialized;
    return t.put_note({}, scope_note, encode_tenant_scope(done));
}

/// Tells a device what to do first, and gives it the right to fill a tenant that nobody has filled.
/// @param has_rows  whether it has rows to fill the tenant with
/// @param id   of that right, where it is given anew: random, never used before
/// @param ttl  how long the right holds
template <authority_transaction Transaction>
[[nodiscard]] result<scope_connection> connect_scope(Transaction& t, const caller& who, bool has_rows, std::string id, std::chrono::seconds ttl,
                                                     timestamp now) {
    auto scope = scope_of(t, now);
    if (!scope) return std::move(scope).error();
    scope_connection out;
    if (scope->state == scope_state::initialized) return out;
    if (scope->state == scope_state::initializing && !scope->owned_by(who)) {
        out.what = scope_resolution::retry_later;
        out.lease_expires = scope->expires;
        out.retry_after_seconds = (std::max<std::int64_t>)(1, std::chrono::floor<std::chrono::seconds>(scope->expires - now).count());
        return out;
    }
    if (!has_rows) {
        out.what = scope_resolution::initialize_empty;
        if (auto r = end_initialization(t); !r) return std::move(r).error();
        return out;
    }
    if (scope->state == scope_state::uninitialized) {
        scope->state = scope_state::initializing;
        scope->principal = who.principal;
        scope->source = who.source;
        scope->initialization_id = std::move(id);
    }
    scope->expires = now + ttl;
    if (auto r = t.put_note({}, scope_note, encode_tenant_scope(*scope)); !r) return std::move(r).error();
    out.what = scope_resolution::initialize_local;
    out.initialization_id = std::move(scope->initialization_id);
    out.lease_expires = scope->expires;
    return out;
}

/// Whether the tenant can be read: only once it is filled.
/// @return `errc::scope_uninitialized`, `errc::scope_initializing`
template <authority_transaction Transaction>
[[nodiscard]] result<void> check_scope_readable(Transaction& t, timestamp now) {
    auto scope = scope_of(t, now);
    if (!scope) return std::move(scope).error();
    if (scope->state == scope_state::uninitialized)
        return make_fault(errc::scope_uninitialized, "nobody has filled this account yet; connect first");
    if (scope->state == scope_state::initializing)
        return make_fault(errc::scope_initializing, "another device is filling this account for the first time; connect again later");
    return {};
}

/// Whether @p who may go on with a push that it began under @p initialization_id, and gives it more time.
/// @return `errc::initialization_expired`, `errc::initialization_stale` when the tenant is filled or the right is another's
template <authority_transaction Transaction>
[[nodiscard]] result<void> continue_initialization(Transaction& t, const caller& who, std::string_view initialization_id, std::chrono::seconds ttl,
                                                   timestamp now) {
    auto scope = scope_of(t, now);
    if (!scope) return std::move(scope).error();
    if (scope->state == scope_state::uninitialized)
        return make_fault(errc::initialization_expired, "the right to fill this account has run out; connect again");
    if (scope->state == scope_state::initialized)
        return make_fault(errc::initialization_stale, "this account has been filled meanwhile; connect again, and leave `initialization_id` out");
    if (!scope->owned_by(who) || scope->initialization_id != initialization_id)
        return make_fault(errc::initialization_stale, "the right to fill this account is another one by now; connect again");
    scope->expires = now + ttl;
    return t.put_note({}, scope_note, encode_tenant_scope(*scope));
}

/// Whether @p who may begin a push, and gives more time to the one that fills the tenant.
/// @param initialization_id  the right that it names; empty: none
/// @return `errc::scope_uninitialized`; `errc::invalid_argument` for one without while somebody fills it; or as `continue_initialization`
template <authority_transaction Transaction>
[[nodiscard]] result<void> check_scope_writable(Transaction& t, const caller& who, std::string_view initialization_id, std::chrono::seconds ttl,
                                                timestamp now) {
    if (!initialization_id.empty()) return continue_initialization(t, who, initialization_id, ttl, now);
    auto scope = scope_of(t, now);
    if (!scope) return std::move(scope).error();
    if (scope->state == scope_state::uninitialized)
        return make_fault(errc::scope_uninitialized, "nobody has filled this account yet; connect first");
    if (scope->state == scope_state::initializing)
        return make_fault(errc::invalid_argument, "this account is being filled for the first time; connect, and name the `initialization_id` that it gives");
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
