#ifndef SYNCLINE_WIRE_HTTP_FAULT_HPP
#define SYNCLINE_WIRE_HTTP_FAULT_HPP

#include <syncline/support/json_tape.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The HTTP status under which a server reports @p code.
[[nodiscard]] constexpr int http_status_of(errc code) noexcept {
    switch (code) {
    case errc::invalid_argument:
    case errc::malformed_json: return 400;
    case errc::malformed_message:
    case errc::malformed_value:
    case errc::unknown_model:
    case errc::unknown_field:
    case errc::invalid_key:
    case errc::validation_failed:
    case errc::constraint:
    case errc::schema_mismatch:
    case errc::unsupported: return 422;
    case errc::too_large: return 413;
    case errc::unauthenticated: return 401;
    case errc::forbidden: return 403;
    case errc::absent:
    case errc::session_gone: return 404;
    case errc::rate_limited: return 429;
    case errc::invalid_cursor:
    case errc::id_reused:
    case errc::conflict:
    case errc::held:
    case errc::lost_by_restore:
    case errc::maybe_sent:
    case errc::out_of_view:
    case errc::unsent:
    case errc::history_pruned:
    case errc::stale:
    case errc::out_of_sequence:
    case errc::source_retired:
    case errc::epoch_changed:
    case errc::other_account:
    case errc::scope_uninitialized:
    case errc::scope_initializing:
    case errc::initialization_stale: return 409;
    case errc::initialization_expired:
    case errc::session_expired: return 410;
    case errc::busy:
    case errc::unavailable:
    case errc::timed_out:
    case errc::storage_full:
    case errc::cancelled: return 503;
    case errc::internal:
    case errc::io_error:
    case errc::corrupt:
    case errc::bug: return 500;
    }
    return 500;
}

/// The error code called @p name, as `name_of` prints it.
[[nodiscard]] constexpr std::optional<errc> errc_named(std::string_view name) noexcept {
    // The name of numbers that no code has.
    if (name == name_of(errc{})) return std::nullopt;
    for (std::uint16_t n = 1; n < 100; ++n)
        if (const auto code = static_cast<errc>(n); name_of(code) == name) return code;
    return std::nullopt;
}

/// A fault as an HTTP answer: always JSON, with `Retry-After` where trying again helps.
[[nodiscard]] inline response fault_response(const fault& why) {
    response r = json_error(http_status_of(why.code), name_of(why.code), why.detail);
    if (r.status == 503 || r.status == 429) set_header(r.headers, "Retry-After", "1");
    return r;
}

/// Whether the server itself failed on the request, as a 500 says: neither something between us and it (502, 504) nor a pause (503).
[[nodiscard]] inline bool failed_inside(const response& answer) noexcept {
    return answer.status >= 500 && answer.status != 502 && answer.status != 503 && answer.status != 504;
}

/// Why a success that cannot be read cannot: an empty body and a web page are told as what they are (W31), anything else stays @p why.
[[nodiscard]] inline fault fault_of_body(const response& answer, fault why) {
    if (why.code != errc::malformed_json && why.code != errc::malformed_message) return why;
    const auto first = answer.body.find_first_not_of(" \t\r\n");
    if (first == std::string::npos)
        return make_fault(errc::malformed_message, "the server answered with status ", std::to_string(answer.status), " and an empty body, not with JSON");
    if (answer.body[first] == '<')
        return make_fault(errc::malformed_message, "the server answered with status ", std::to_string(answer.status), " and a web page, not with JSON: a page to "
                          "log in at, or where a redirect led to; check the URL and the credentials");
    return why;
}

/// What an answer with an error status tells a client: by the code in its JSON body, or by the status where there is none (a proxy, a
/// framework, a foreign server).
[[nodiscard]] inline fault fault_of(const response& answer) {
    fault why;
    std::string_view code;
    const auto tape = json_tape::parse(answer.body);
    if (tape && tape->root().is_object()) {
        if (const auto error = tape->root().find("error")) code = error->as_string();
        if (const auto message = tape->root().find("message")) why.detail = std::string{message->as_string()};
    }
    if (why.detail.empty()) why.detail.append("the server answered with HTTP status ").append(std::to_string(answer.status));
    if (const auto known = errc_named(code)) {
        why.code = *known;
        return why;
    }
    switch (answer.status) {
    case 400: why.code = errc::malformed_message; break;
    case 401: why.code = errc::unauthenticated; break;
    case 403: why.code = errc::forbidden; break;
    case 404: why.code = errc::absent; break;
    case 408:
    case 504: why.code = errc::timed_out; break;
    case 409: why.code = errc::stale; break;
    case 410: why.code = errc::session_gone; break;
    case 413: why.code = errc::too_large; break;
    case 415: why.code = errc::unsupported; break;
    case 422: why.code = errc::malformed_message; break;
    case 429: why.code = errc::rate_limited; break;
    case 502:
    case 503: why.code = errc::unavailable; break;
    default:
        // Another refusal of the request will not change by asking again; anything below is not from a sync server.
        why.code = answer.status >= 500 ? errc::internal : answer.status >= 400 ? errc::unsupported : errc::unavailable;
        break;
    }
    return why;
}

SYNCLINE_NAMESPACE_END

#endif
