#ifndef SYNCLINE_WIRE_BUNDLE_ROUTES_HPP
#define SYNCLINE_WIRE_BUNDLE_ROUTES_HPP

#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/rows.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The places of the bundle wire (sheet `bundle`, 1.2 to 1.13).
enum class place : std::uint8_t {
    capabilities, connect, push_sessions, chunks, commit, push_session, committed_rows, pull, snapshot_sessions, snapshot_session,
};

/// A place, with the id that its path names.
struct destination {
    place what;
    std::string id;
};

/// Which place the path below the wire's prefix is, which begins with `/`. @return nothing: none
[[nodiscard]] inline std::optional<destination> route(std::string_view path) {
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
    if (path == "capabilities") return destination{place::capabilities, {}};
    if (path == "connect") return destination{place::connect, {}};
    if (path == "push-sessions") return destination{place::push_sessions, {}};
    if (path == "pull") return destination{place::pull, {}};
    if (path == "snapshot-sessions") return destination{place::snapshot_sessions, {}};
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view folder = path.substr(0, slash);
    std::string_view id = path.substr(slash + 1);
    std::string_view rest;
    if (const auto next = id.find('/'); next != std::string_view::npos) {
        rest = id.substr(next + 1);
        id = id.substr(0, next);
    }
    const auto found = [&](place what) -> std::optional<destination> {
        auto text = percent_decode(id);
        if (!text || text->empty() || text->size() > max_id_length || has_nul(*text)) return std::nullopt;
        return destination{what, std::move(*text)};
    };
    const bool alone = id.size() + slash + 1 == path.size();
    if (folder == "push-sessions" && alone) return found(place::push_session);
    if (folder == "push-sessions" && rest == "chunks") return found(place::chunks);
    if (folder == "push-sessions" && rest == "commit") return found(place::commit);
    if (folder == "committed-bundles" && rest == "rows") return found(place::committed_rows);
    if (folder == "snapshot-sessions" && alone) return found(place::snapshot_session);
    return std::nullopt;
}

/// The method that a place takes; where it takes two, the one that was used if it is among them.
[[nodiscard]] constexpr http_method method_of(place what, http_method used) noexcept {
    switch (what) {
    case place::connect:
    case place::push_sessions:
    case place::chunks:
    case place::commit:
    case place::snapshot_sessions: return http_method::post;
    case place::push_session: return http_method::erase;
    case place::snapshot_session: return used == http_method::erase ? http_method::erase : http_method::get;
    case place::capabilities:
    case place::committed_rows:
    case place::pull: return http_method::get;
    }
    return http_method::get;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
