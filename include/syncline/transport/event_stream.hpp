#ifndef SYNCLINE_TRANSPORT_EVENT_STREAM_HPP
#define SYNCLINE_TRANSPORT_EVENT_STREAM_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// What a stream says when it is asked for its next bytes.
struct stream_step {
    std::string bytes;   ///< to be sent now, in one go; empty: nothing is due
    bool over = false;   ///< after these bytes the body is complete
    /// When to ask again at the latest, counted from the opening of the stream as `next` counts; a wake-up may come before.
    duration again = (duration::max)();
};

/// The body of a response that goes on after its head (`response::stream`): produced by a handler, driven by the server's adapter, with no thread
/// and no clock of its own. So it runs in whatever the adapter is: a thread for each connection, an event loop, a test.
///
/// The adapter sends the response's head at once, without a length, and then:
///
/// * calls `wake_with` once;
/// * calls `next`, sends the bytes, and calls `next` again when it was woken, when `stream_step::again` has come, and not otherwise; a slow
///   client is waited for, and what happens meanwhile is the stream's to coalesce;
/// * destroys the stream when it is over, when the client is gone or takes nothing, and when the server stops. That is the cancellation: a stream
///   gives back whatever it holds in its destructor.
///
/// All of this is done by one thread at a time. Only the wake-up comes from other threads.
class event_stream {
public:
    event_stream() = default;
    event_stream(const event_stream&) = delete;
    event_stream& operator=(const event_stream&) = delete;
    virtual ~event_stream() = default;

    /// Takes what wakes the adapter up when there is something to send. @p wake may be called from any thread, under locks of the stream, more often
    /// than needed, and after the stream is gone; it does not block and does not call the stream.
    virtual void wake_with(std::function<void()> wake) = 0;

    /// What is to be sent now. Does not wait.
    /// @param elapsed  the time since the stream was opened, by a clock that does not jump
    [[nodiscard]] virtual stream_step next(duration elapsed) = 0;
};

/// What the caller of an `event_source` is told while an answer arrives. Called on the thread of the call; must not throw.
struct stream_listener {
    /// The answer's status and headers; its body comes to `bytes` if the status is 200. @return false to end the call there
    std::function<bool(const response& head)> begun;
    /// The next bytes of the body, as they came. @return false to end the call
    std::function<bool(std::string_view bytes)> bytes;
};

/// A transport whose answers may go on: sends one request and hands the body over as it comes.
///
/// With `s` an lvalue of type `S`, `r` a `const request` and `l` a `const stream_listener`:
///
/// | expression | returns | meaning |
/// | --- | --- | --- |
/// | `s.listen(r, l)` | `result<response>` | blocks until the body is over: the answer, with its body only where the status is not 200; or why it broke off, `cancelled` where a listener ended it |
/// | `s.cancel()` | | ends the call in progress and every later one with `cancelled`; from any thread |
///
/// A body may go on for ever: neither its length nor its duration is bounded, only the time without a byte is (`timed_out`).
///
/// Models: `httplib_transport`.
template <class S>
concept event_source = requires(S& s, const request& r, const stream_listener& l) {
    { s.listen(r, l) } -> std::same_as<result<response>>;
    s.cancel();
};

SYNCLINE_NAMESPACE_END

#endif
