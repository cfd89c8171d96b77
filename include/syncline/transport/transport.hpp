#ifndef SYNCLINE_TRANSPORT_TRANSPORT_HPP
#define SYNCLINE_TRANSPORT_TRANSPORT_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <concepts>

SYNCLINE_NAMESPACE_BEGIN

/// A transport carries one request to the peer and brings back its answer. At its simplest it is a callable from
/// request to response; time, retry and what the bytes mean are not its business.
///
/// With `t` an lvalue of type `T` and `r` a `const request`:
///
/// | expression | returns | pre | post and meaning | faults | complexity |
/// | --- | --- | --- | --- | --- | --- |
/// | `t(r)` | `result<response>` | `r.path` starts with `/` | the peer's answer, whatever its status | `unavailable`, `timed_out`, `cancelled`, `too_large`, `invalid_argument` | one round trip; blocks the caller |
///
/// Semantic requirements:
///
/// * S1. An answer of the peer is a response, also with a status of 400 or above. A fault means that there was none.
/// * S2. After `unavailable` or `timed_out` the peer may or may not have acted on the request. The wires are made for
///   that: the same request may be sent again, and an answer may be lost.
/// * S3. The request is sent at most once per call: no retry, and no redirect is followed.
/// * S4. Neither the request nor the response is kept or shared after the call returns.
/// * S5. Status, header values and body are the peer's, byte for byte; content encodings that the transport negotiated
///   itself are undone, and headers that describe the connection (`Content-Length`, `Transfer-Encoding`,
///   `Content-Encoding`) need not be there.
/// * S6. Every wait for the peer ends: `timed_out` beyond the transport's limit. A response has a bounded size:
///   `too_large` beyond it.
/// * S7. Headers that `r` does not have may be added (credentials, `User-Agent`); those it has are sent as they are.
/// * S8. No exception leaves the call. One object is used by one thread at a time, unless its type says more.
///
/// Models: `loopback`, `httplib_transport`; any function or lambda of that shape.
///
/// The smallest archetype:
///
///     struct my_transport {
///         syncline::result<syncline::response> operator()(const syncline::request&);
///     };
template <class T>
concept transport = requires(T& t, const request& r) {
    // One round trip. Exactly a result: a bare response could not say that there was no answer.
    { t(r) } -> std::same_as<result<response>>;
};

/// A server handler answers one request: the same shape as a transport, without the network that can fail.
///
/// With `h` an lvalue of type `H` and `r` a `const request`:
///
/// | expression | returns | pre | post and meaning | faults | complexity |
/// | --- | --- | --- | --- | --- | --- |
/// | `h(r)` | `response` | `r.path` starts with `/` | the answer; failures are statuses with a JSON error as body | none | the handler's |
///
/// Semantic requirements:
///
/// * S1. Every request gets an answer: what is not understood is a 400, 404 or 405, never an empty body.
/// * S2. Servers call one handler from several threads at once; a handler that cannot bear that locks.
/// * S3. A handler that throws is answered with 500 by the server adapters; nothing of the exception is shown.
///
/// Models: an authenticated wire server (see `authenticated`, `mount_table`); any function or lambda of that shape.
///
/// The smallest archetype:
///
///     struct my_handler {
///         syncline::response operator()(const syncline::request&);
///     };
template <class H>
concept server_handler = requires(H& h, const request& r) {
    // Exactly a response: a server has no fault to give, it has to say something to the peer.
    { h(r) } -> std::same_as<response>;
};

SYNCLINE_NAMESPACE_END

#endif
