#ifndef SYNCLINE_WIRE_SERVER_LISTENERS_HPP
#define SYNCLINE_WIRE_SERVER_LISTENERS_HPP

#include <syncline/support/version.hpp>
#include <syncline/transport/principal.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// What became of a push that a server took in: what is durable when the listener hears of it. On the bundle wire, a commit.
struct push_served {
    principal who;               ///< id and tenant
    std::string source;          ///< the device, as it names itself
    std::size_t applied = 0;     ///< changes that took effect, alone or merged; rows of a bundle
    std::size_t superseded = 0;  ///< a decision kept the server's row
    std::size_t refused = 0;     ///< refused or held
    std::size_t conflicts = 0;   ///< of all these, those that met changes of others
    std::size_t undecided = 0;   ///< failed for now: the device sends them again
};

/// What a server gave to a device that pulled.
struct pull_served {
    principal who;
    std::string source;
    std::size_t rows = 0;   ///< of this page
    bool more = false;      ///< the device will ask for another one
    bool snapshot = false;  ///< a part of a whole picture: for a device that builds its state anew, on the mutation wire for a new one too
};

/// Who wants to know what a `sync_server` does. Each may be empty. They are called on the thread of the request, after its transaction and
/// outside of locks, before the answer is returned; an exception goes no further and changes no answer. They may call the server.
struct server_listeners {
    std::function<void(const push_served&)> push_completed;
    std::function<void(const pull_served&)> pull_completed;
};

/// What a wire's server did with one request, as its listeners are told; nothing: no push was decided and nothing pulled.
using served_request = std::variant<std::monostate, push_served, pull_served>;

SYNCLINE_NAMESPACE_END

#endif
