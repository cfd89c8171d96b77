#ifndef SYNCLINE_WIRE_SERVER_HEALTH_HPP
#define SYNCLINE_WIRE_SERVER_HEALTH_HPP

#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/server_status.hpp>

#include <memory>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Pages about a server for whoever runs it (sheet `bundle` 1.14): `GET status`, and `GET health`, which is 503 when requests had better go elsewhere.
/// A `server_handler` that asks nobody who they are and shows nothing of anybody's data: mount it unauthenticated, below `/syncx` as peers expect it.
///
///     server_health health{sync};
///     http.mount_unauthenticated("/syncx", health);
///
/// @tparam Server  a `sync_server`; outlives this object
template <class Server>
class server_health {
public:
    /// To be made after the wires are mounted: capabilities tell of these pages from now on.
    explicit server_health(Server& server) : server_(std::addressof(server)) { server.offer_status(); }

    /// Answers `GET .../status` and `GET .../health`. Any number of threads.
    [[nodiscard]] response operator()(const request& r) const {
        const std::string_view path = path_without_query(r.path);
        const bool health = path == "/health" || path == "/syncx/health";
        if (!health && path != "/status" && path != "/syncx/status") return json_error(404, "not_found", "there is nothing at this path");
        if (r.method != http_method::get) {
            response refused = json_error(405, "method_not_allowed", "Only GET method is allowed");
            set_header(refused.headers, "Allow", "GET");
            return refused;
        }
        const auto status = server_->status();
        if (!status) return json_error(500, health ? "health_failed" : "status_failed", "the server's storage cannot be read at the moment");
        return json_response(health && !status->healthy() ? 503 : 200, write_server_status(*status));
    }

private:
    Server* server_;
};

SYNCLINE_NAMESPACE_END

#endif
