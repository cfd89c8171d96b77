#ifndef SYNCLINE_TRANSPORT_MOUNT_TABLE_HPP
#define SYNCLINE_TRANSPORT_MOUNT_TABLE_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/transport/transport.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Which handler answers which path: what every server adapter puts behind its sockets.
///
/// A handler is mounted under a path prefix and sees the rest of the path: mounted under `/api`, a request for
/// `/api/sync/pull?x=1` reaches it as `/sync/pull?x=1`; that is the counterpart of a base path in a client's URL. Under
/// an empty prefix it sees every path as it came. The longest prefix wins, at `/` boundaries only, compared byte by byte
/// with the undecoded path. What is mounted nowhere is answered with a JSON 404, a handler that throws with a JSON 500.
///
/// Refers to the handlers, which must outlive it; owns the authenticator. Filled by one thread, then called by any
/// number of threads; each handler must bear that.
class mount_table {
public:
    /// Authenticates the callers of all handlers mounted with `mount`, whichever comes first.
    /// @tparam Authenticator models `authenticator`; copied in
    template <authenticator Authenticator>
    void authenticate_with(Authenticator who) {
        auto shared = std::make_shared<Authenticator>(std::move(who));
        authenticator_ = [shared](const request& message) -> result<principal> { return (*shared)(message); };
    }

    /// Mounts a handler that must know who is calling. Needs `authenticate_with`, see `ready`.
    /// @param prefix empty, or `/a`, `/a/b`: starts with `/`, does not end with it, no query
    /// @return `errc::invalid_argument` for another prefix or one that is taken
    template <principal_handler Handler>
    result<void> mount(std::string_view prefix, Handler& handler) {
        Handler* target = std::addressof(handler);
        return add(prefix, true, [this, target](const request& message) -> response {
            return answer_authenticated(authenticator_, *target, message);
        });
    }

    /// Mounts a handler that authenticates its callers itself.
    template <authenticating_handler Handler>
        requires(!principal_handler<Handler>)
    result<void> mount(std::string_view prefix, Handler& handler) {
        return mount_unauthenticated(prefix, handler);
    }

    /// Mounts a handler that anybody may call: a health check, a page about the service. Named so that it is seen.
    template <server_handler Handler>
    result<void> mount_unauthenticated(std::string_view prefix, Handler& handler) {
        Handler* target = std::addressof(handler);
        return add(prefix, false, [target](const request& message) -> response { return (*target)(message); });
    }

    /// Whether the table may be served.
    /// @return `errc::invalid_argument` when nothing is mounted, or a mounted handler needs an authenticator and none
    ///         was given
    [[nodiscard]] result<void> ready() const {
        if (mounts_.empty()) return make_fault(errc::invalid_argument, "the server has no handler: mount one");
        for (const entry& m : mounts_) {
            if (m.needs_principal && !authenticator_) {
                return make_fault(errc::invalid_argument, "the handler mounted at '", m.prefix,
                                  "' needs an authenticator: call authenticate_with, and pass allow_anonymous if "
                                  "everybody may come in");
            }
        }
        return {};
    }

    /// Whether the path of @p target, which may have a query, leads to a handler. Otherwise the table answers by itself.
    [[nodiscard]] bool leads_to_handler(std::string_view target) const { return target.starts_with('/') && find(path_without_query(target)) != nullptr; }

    /// Answers @p message through the handler that its path leads to.
    response operator()(const request& message) const {
        const std::string_view path = path_without_query(message.path);
        if (path.empty() || path.front() != '/') {
            return json_error(400, "invalid_request", "the request's path does not start with /");
        }
        const entry* best = find(path);
        if (best == nullptr) return json_error(404, "not_found", "there is nothing at this path");
        if (best->needs_principal && !authenticator_) {
            return json_error(500, "internal", "the server has no authenticator");
        }
        return guarded(*best, message);
    }

    mount_table() = default;
    // Mounted handlers are reached through the table's address.
    mount_table(const mount_table&) = delete;
    mount_table& operator=(const mount_table&) = delete;

private:
    struct entry {
        std::string prefix;
        bool needs_principal = true;
        std::function<response(const request&)> handler;
    };

    static bool is_under(std::string_view path, std::string_view prefix) {
        return path.substr(0, prefix.size()) == prefix && (path.size() == prefix.size() || path[prefix.size()] == '/');
    }

    const entry* find(std::string_view path) const {
        const entry* best = nullptr;
        for (const entry& m : mounts_) {
            if (is_under(path, m.prefix) && (best == nullptr || m.prefix.size() > best->prefix.size())) best = &m;
        }
        return best;
    }

    result<void> add(std::string_view prefix, bool needs_principal, std::function<response(const request&)> handler) {
        const bool form = prefix.empty() || (prefix.front() == '/' && prefix.back() != '/' &&
                                             prefix.find_first_of("?# ") == std::string_view::npos);
        if (!form) {
            return make_fault(errc::invalid_argument, "'", prefix,
                              "' is no mount prefix: it is empty, or starts with / and does not end with it");
        }
        for (const entry& m : mounts_) {
            if (m.prefix == prefix) {
                return make_fault(errc::invalid_argument, "something is already mounted at '", prefix, "'");
            }
        }
        mounts_.push_back({std::string{prefix}, needs_principal, std::move(handler)});
        return {};
    }

    static response call(const entry& target, const request& message) {
        if (target.prefix.empty()) return target.handler(message);
        request inner = message;
        inner.path.erase(0, target.prefix.size());
        if (inner.path.empty() || inner.path.front() != '/') inner.path.insert(0, 1, '/');
        return target.handler(inner);
    }

    static response guarded(const entry& target, const request& message) {
#if defined(__cpp_exceptions)
        // What an application's handler throws says things about the server that are nobody's business.
        try {
            return call(target, message);
        } catch (...) {
            return json_error(500, "internal", "the server failed in an unexpected way");
        }
#else
        return call(target, message);
#endif
    }

    std::function<result<principal>(const request&)> authenticator_;
    std::vector<entry> mounts_;
};

SYNCLINE_NAMESPACE_END

#endif
