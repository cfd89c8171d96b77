#ifndef SYNCLINE_TRANSPORT_AUTHENTICATION_HPP
#define SYNCLINE_TRANSPORT_AUTHENTICATION_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/transport/transport.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// An authenticator names the caller of a request from its credentials, or refuses. It is the host's: the library
/// ships `bearer_tokens` and `allow_anonymous` and knows nothing of users.
///
/// With `a` an lvalue of type `A` and `r` a `const request`:
///
/// | expression | returns | pre | post and meaning | faults | complexity |
/// | --- | --- | --- | --- | --- | --- |
/// | `a(r)` | `result<principal>` | none | who is calling | `unauthenticated`, `forbidden`, `unavailable`, `timed_out`, `busy` | the host's |
///
/// Semantic requirements:
///
/// * S1. `unauthenticated` means that credentials are missing, expired or refused (answered with 401); `forbidden` that
///   the caller is known and may not come in (403); a fault to retry that it cannot be told now (503). Anything else is
///   answered with 500.
/// * S2. A principal's id and tenant are not empty, and come from the credentials alone: never from the body, the path
///   or a header that the device is free to choose.
/// * S3. Servers call one authenticator from several threads at once.
///
/// The smallest archetype:
///
///     struct my_authenticator {
///         syncline::result<syncline::principal> operator()(const syncline::request&);
///     };
template <class A>
concept authenticator = requires(A& a, const request& r) {
    // Exactly a result: an authenticator that cannot refuse has to say so by name, see `allow_anonymous`.
    { a(r) } -> std::same_as<result<principal>>;
};

/// A server handler that has been told who is calling: what the wires' servers are.
///
/// The requirements are those of `server_handler`; in addition it believes the principal and nothing else about who is
/// calling.
template <class H>
concept principal_handler = requires(H& h, const request& r, const principal& who) {
    // Exactly a response, as for `server_handler`.
    { h(r, who) } -> std::same_as<response>;
};

/// The credentials of an `Authorization: Bearer ...` header (RFC 6750 2.1).
/// @return the token, which refers into @p message; or `errc::unauthenticated` when there is none, another scheme, or
///         more than one `Authorization` header
[[nodiscard]] inline result<std::string_view> bearer_credentials(const request& message) {
    const header* found = nullptr;
    for (const header& h : message.headers) {
        if (!same_header_name(h.name, "Authorization")) continue;
        if (found != nullptr) return make_fault(errc::unauthenticated, "there are two Authorization headers");
        found = &h;
    }
    if (found == nullptr) return make_fault(errc::unauthenticated, "there is no Authorization header");
    constexpr std::string_view scheme = "Bearer ";
    std::string_view value = found->value;
    // Schemes are compared without regard to case, just as header names are.
    if (value.size() <= scheme.size() || !same_header_name(value.substr(0, scheme.size()), scheme)) {
        return make_fault(errc::unauthenticated, "the Authorization header is not of the form 'Bearer <token>'");
    }
    value.remove_prefix(scheme.size());
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    if (value.empty()) return make_fault(errc::unauthenticated, "the bearer token is empty");
    return value;
}
result<std::string_view> bearer_credentials(request&&) = delete;

/// Whether @p secret and @p presented are equal, in a time that depends on the length of @p presented only.
[[nodiscard]] inline bool equal_in_constant_time(std::string_view secret, std::string_view presented) noexcept {
    // `volatile` keeps the compiler from leaving the loop early once the outcome is known.
    volatile unsigned difference = secret.size() == presented.size() ? 0U : 1U;
    for (std::size_t i = 0; i < presented.size(); ++i) {
        const char expected = secret.empty() ? '\0' : secret[i % secret.size()];
        difference = difference | static_cast<unsigned>(static_cast<unsigned char>(expected) ^
                                                        static_cast<unsigned char>(presented[i]));
    }
    return difference == 0U;
}

/// An authenticator with a fixed list of bearer tokens, for small installations, tools and tests.
///
/// Every call compares with every token, so that the time tells nothing about them; a host with thousands of users
/// brings its own. Filled before the server starts, then read by any number of threads.
class bearer_tokens {
public:
    /// Lets the bearer of @p token in as @p who.
    /// @return `errc::invalid_argument` when the token is empty, has characters other than visible ASCII, is already
    ///         there, or @p who has an empty id or tenant
    result<void> add(std::string token, principal who) {
        if (token.empty()) return make_fault(errc::invalid_argument, "a bearer token must not be empty");
        for (const char c : token) {
            if (c <= ' ' || c > '~') {
                return make_fault(errc::invalid_argument, "a bearer token is made of visible ASCII characters");
            }
        }
        if (who.id.empty() || who.tenant.empty()) {
            return make_fault(errc::invalid_argument, "a principal needs an id and a tenant");
        }
        for (const entry& e : entries_) {
            if (e.token == token) return make_fault(errc::invalid_argument, "this bearer token is already in use");
        }
        entries_.push_back({std::move(token), std::move(who)});
        return {};
    }

    /// Who bears the token of @p message; `errc::unauthenticated` for no, a malformed or an unknown one.
    result<principal> operator()(const request& message) const {
        const auto presented = bearer_credentials(message);
        if (!presented) return presented.error();
        const principal* found = nullptr;
        for (const entry& e : entries_) {
            if (equal_in_constant_time(e.token, *presented)) found = &e.who;
        }
        if (found == nullptr) return make_fault(errc::unauthenticated, "the bearer token is not known here");
        return *found;
    }

private:
    struct entry {
        std::string token;
        principal who;
    };
    std::vector<entry> entries_;
};

/// The authenticator that lets everybody in as one principal. Naming it is how a program says that it means it.
struct allow_anonymous {
    /// Who everybody is.
    principal who{"anonymous", "main"};

    /// Always `who`.
    result<principal> operator()(const request&) const { return who; }
};

/// The answer to a request whose authenticator refused with @p why. Tells the caller nothing but the kind of refusal.
[[nodiscard]] inline response refusal_of(const fault& why) {
    if (why.code == errc::unauthenticated) {
        response answer = json_error(401, "authentication_failed", "credentials are missing or were refused");
        answer.headers.push_back({"WWW-Authenticate", "Bearer"});
        return answer;
    }
    if (why.code == errc::forbidden) {
        return json_error(403, "forbidden", "these credentials do not give access here");
    }
    if (category_of(why.code) == fault_category::retry && why.code != errc::internal) {
        return json_error(503, "service_unavailable", "credentials cannot be checked at the moment, try again later");
    }
    return json_error(500, "internal", "the server failed to check the credentials");
}

/// Asks @p who for the caller of @p message and lets @p handler answer it.
/// @return the handler's answer, or a JSON error: 401, 403, 503 or 500 as `authenticator` describes
template <authenticator Authenticator, principal_handler Handler>
[[nodiscard]] response answer_authenticated(Authenticator& who, Handler& handler, const request& message) {
    const result<principal> caller = who(message);
    if (!caller) return refusal_of(caller.error());
    // A nameless principal would share its data with every other nameless one.
    if (caller->id.empty() || caller->tenant.empty()) {
        return refusal_of(make_fault(errc::bug, "the authenticator gave a principal without id or tenant"));
    }
    return handler(message, *caller);
}

/// A server handler made of an authenticator and a handler that must know who is calling.
///
/// There is no way to make one without an authenticator; `allow_anonymous` is the opt-out. Owns the authenticator and
/// refers to the handler, which must outlive it. As many threads at once as those two bear.
///
/// @tparam Authenticator models `authenticator`
/// @tparam Handler       models `principal_handler`
template <authenticator Authenticator, principal_handler Handler>
class authenticated {
public:
    /// Tells `mount_table` and the server adapters that no request passes unauthenticated.
    static constexpr bool authenticates = true;

    authenticated(Authenticator who, Handler& handler)
        : authenticator_(std::move(who)), handler_(std::addressof(handler)) {}
    authenticated(Authenticator, Handler&&) = delete;

    /// See `answer_authenticated`.
    response operator()(const request& message) { return answer_authenticated(authenticator_, *handler_, message); }

private:
    Authenticator authenticator_;
    Handler* handler_;
};

/// A server handler that authenticates its callers itself and says so: `authenticated`, and any other with a
/// `static constexpr bool authenticates = true`.
template <class H>
concept authenticating_handler = server_handler<H> && requires {
    // A promise, made where it can be reviewed: no request of an unknown caller reaches data.
    requires H::authenticates;
};

SYNCLINE_NAMESPACE_END

#endif
