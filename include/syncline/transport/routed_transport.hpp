#ifndef SYNCLINE_TRANSPORT_ROUTED_TRANSPORT_HPP
#define SYNCLINE_TRANSPORT_ROUTED_TRANSPORT_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A transport over several: each path goes where it was sent to, by a transport of its own and, where wanted, under another path. So the
/// endpoints of one wire may be at different hosts.
///
///     routed_transport carrier;
///     carrier.route("/tether/push", push_host);
///     carrier.route("/tether/pull", pull_host, "/feed/v2/pull");
///
/// Models `transport`; a request to another path is `errc::invalid_argument` and goes nowhere. Copies share the transports; they are used by
/// one thread at a time.
class routed_transport {
public:
    /// Sends requests whose path, without its query, is @p path through @p carrier. The first of several for one path counts.
    /// @param there  the path that the peer is asked for; empty: the same
    template <transport Carrier>
    void route(std::string path, Carrier carrier, std::string there = {}) {
        // Connections are seldom copyable.
        auto held = std::make_shared<Carrier>(std::move(carrier));
        routes_.push_back({std::move(path), std::move(there), [held = std::move(held)](const request& r) { return (*held)(r); }});
    }

    [[nodiscard]] result<response> operator()(const request& r) {
        const std::string_view path = path_without_query(r.path);
        for (auto& way : routes_) {
            if (way.path != path) continue;
            if (way.there.empty()) return way.carrier(r);
            request sent = r;
            sent.path = way.there;
            sent.path.append(std::string_view{r.path}.substr(path.size()));
            return way.carrier(sent);
        }
        return make_fault(errc::invalid_argument, "no transport is routed for the path `", path, "`; the wire's options name the paths that it asks for");
    }

private:
    struct way_to {
        std::string path;
        std::string there;
        std::function<result<response>(const request&)> carrier;
    };
    std::vector<way_to> routes_;
};

SYNCLINE_NAMESPACE_END

#endif
