#ifndef SYNCLINE_ENGINE_SCOPE_CONNECTION_HPP
#define SYNCLINE_ENGINE_SCOPE_CONNECTION_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// What a device that connects to an account is to do first (bundle wire).
enum class scope_resolution : std::uint8_t {
    remote_authoritative,  ///< the account has data, or was begun empty: take what the authority has
    initialize_local,      ///< nobody has filled it: this device may, by the push that names the initialization id
    initialize_empty,      ///< nobody has filled it, and this device has nothing either: it now counts as filled
    retry_later,           ///< another device is filling it
};

/// The answer to a device that connects.
struct scope_connection {
    scope_resolution what = scope_resolution::remote_authoritative;
    std::string initialization_id;          ///< `initialize_local`: names the right to fill the account
    timestamp lease_expires{};              ///< `initialize_local`, `retry_later`: until when that right holds
    std::int64_t retry_after_seconds = 0;   ///< `retry_later`: when to ask again, at least 1

    friend bool operator==(const scope_connection&, const scope_connection&) = default;
};

SYNCLINE_NAMESPACE_END

#endif
