#ifndef SYNCLINE_WIRE_ACCOUNT_HPP
#define SYNCLINE_WIRE_ACCOUNT_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/http_fault.hpp>

#include <optional>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// The header, on either wire, by which a server tells with every answer whose data it speaks of, and a Syncline device says whose it holds
/// (sheet `mutation` W36): a device on which another person signs in would else send that person's token with the changes of the one before,
/// and miss all rows that are older than the other's cursor. Peers that do not know it pass over it.
inline constexpr std::string_view account_header = "Syncline-Account";

/// What the header says of @p who: the same for the same tenant and principal, and otherwise opaque.
[[nodiscard]] inline std::string account_tag(const principal& who) {
    // The length keeps apart what one name ends with and the other begins with.
    std::string both = std::to_string(who.tenant.size());
    both.append(":").append(who.tenant).append(who.id);
    return sha256_hex(both).substr(0, 32);
}

/// Tells @p who with @p answer.
inline void tell_account(response& answer, const principal& who) { set_header(answer.headers, account_header, account_tag(who)); }

/// What @p answer tells; empty: nothing.
[[nodiscard]] inline std::string told_account(const response& answer) {
    const auto told = find_header(answer.headers, account_header);
    return told ? std::string{*told} : std::string{};
}

/// What a device says to its host, and a server to such a device.
[[nodiscard]] inline fault other_account() {
    return fault{errc::other_account, "this device holds the data of another account, so nothing was sent or taken in; sign in as before, or give the "
                                      "data over by change_account"};
}

/// Refuses a device that holds the data of somebody else; nothing: the request may go on.
[[nodiscard]] inline std::optional<response> refuse_other_account(const request& r, const principal& who) {
    const auto holds = find_header(r.headers, account_header);
    if (!holds || *holds == account_tag(who)) return std::nullopt;
    return fault_response(other_account());
}

SYNCLINE_NAMESPACE_END

#endif
