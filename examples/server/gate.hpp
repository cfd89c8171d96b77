#ifndef SYNCLINE_EXAMPLES_SERVER_GATE_HPP
#define SYNCLINE_EXAMPLES_SERVER_GATE_HPP

// Where every request comes in: who is calling is found out, the server answers, and a line is written about it.

#include "log.hpp"

#include <syncline/adapters/httplib/refused_request.hpp>
#include <syncline/adapters/openssl/jwt_hs256.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Whom the gate lets in beside having a good token.
struct gate_rules {
    std::vector<std::string> only_users;  ///< empty: everybody
    bool users_are_numbers = false;       ///< the owner columns hold numbers
};

class gate {
public:
    /// Tells the HTTP adapter that no request passes unauthenticated.
    static constexpr bool authenticates = true;

    using server = std::function<syncline::response(const syncline::request&, const syncline::principal&)>;

    /// @param tag  names a tenant in the log, so that nobody learns from it who it is
    gate(syncline::jwt_authenticator tokens, gate_rules rules, server answer, std::function<std::string(std::string_view)> tag, log_lines& lines);

    syncline::response operator()(const syncline::request& message);

private:
    [[nodiscard]] syncline::result<syncline::principal> caller(const syncline::request& message) const;

    syncline::jwt_authenticator tokens_;
    gate_rules rules_;
    server answer_;
    std::function<std::string(std::string_view)> tag_;
    log_lines& log_;
};

/// The line about a request that the HTTP adapter refused, so that it never came to the gate: a `request` like the others, of which less is known.
void log_refusal(log_lines& lines, const syncline::refused_request& refused);

/// What the log shows of a request's path: no query, no segment that is as long as a token, not all of a long one.
[[nodiscard]] std::string path_for_log(std::string_view target);

/// A way to name tenants in a log: the same name for the same tenant, which nobody can find without @p secret.
[[nodiscard]] std::function<std::string(std::string_view)> tenant_tags(std::string secret);

#endif
