#ifndef SYNCLINE_TRANSPORT_LOOPBACK_HPP
#define SYNCLINE_TRANSPORT_LOOPBACK_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>

#include <memory>

SYNCLINE_NAMESPACE_BEGIN

/// A transport that calls a server handler in the same process: for tests, simulation and embedded servers.
///
/// Refers to the handler, which must outlive it; copying copies the reference. The call runs on the caller's thread and
/// never fails, except for what the handler throws, which passes through. As many threads at once as the handler bears.
///
/// @tparam Handler models `server_handler`
template <server_handler Handler>
class loopback {
public:
    explicit loopback(Handler& handler) noexcept : handler_(std::addressof(handler)) {}
    explicit loopback(Handler&&) = delete;

    /// What the handler answers to @p message. Always has a value.
    result<response> operator()(const request& message) const { return (*handler_)(message); }

private:
    Handler* handler_;
};

SYNCLINE_NAMESPACE_END

#endif
