#ifndef SYNCLINE_ADAPTERS_HTTPLIB_REFUSED_REQUEST_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_REFUSED_REQUEST_HPP

#include <syncline/support/guarded_call.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <functional>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// A request that an HTTP server refused by itself: no handler has seen it, so no handler could tell of it. Refers to what lives for the call.
struct refused_request {
    std::string_view method;   ///< as the client wrote it, whatever that is; empty: it could not be read
    std::string_view target;   ///< path and query, likewise; of a very long one its beginning
    int status = 0;            ///< of the answer
    std::string_view reason;   ///< the sentence in the answer
    std::size_t answered = 0;  ///< bytes of the answer's body
};

/// Is told of refused requests, from several threads at once, when the answer is about to go out. What it throws is dropped.
using refusal_listener = std::function<void(const refused_request&)>;

/// What an HTTP server says by itself: a status, a code for programs and a sentence for people.
struct http_refusal {
    int status = 0;
    std::string_view code;
    std::string_view reason;

    [[nodiscard]] response answer() const { return json_error(status, code, reason); }
};

/// What is said where there is nothing more to say than @p status.
[[nodiscard]] constexpr http_refusal http_refusal_of(int status) noexcept {
    switch (status) {
    case 400: return {400, "invalid_request", "the request is not valid HTTP"};
    case 404: return {404, "not_found", "there is nothing at this path"};
    case 408: return {408, "request_timeout", "the request did not arrive completely"};
    case 413: return {413, "request_too_large", "the request's body is too large"};
    case 414: return {414, "uri_too_long", "the request's path is too long"};
    case 415: return {415, "unsupported_media_type", "the request's body is not of a form taken here"};
    case 416: return {416, "range_not_satisfiable", "ranges are not served here"};
    case 431: return {431, "request_head_too_large", "the request line and headers are too long"};
    default: break;
    }
    if (status >= 400 && status < 500) return {status, "invalid_request", "the request was refused"};
    return {status, "internal", "the server failed in an unexpected way"};
}

/// Tells @p listener, where there is one.
inline void tell_refusal(const refusal_listener& listener, const refused_request& refused) {
    if (listener) static_cast<void>(guarded_call([&] { listener(refused); }));
}

SYNCLINE_NAMESPACE_END

#endif
