#ifndef SYNCLINE_WIRE_SERVER_STATUS_HPP
#define SYNCLINE_WIRE_SERVER_STATUS_HPP

#include <syncline/storage/authority_totals.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Where a server is between its start and its end.
enum class lifecycle : std::uint8_t {
    running,
    shutting_down,  ///< takes nothing new; something is still in flight
    closed,
};

[[nodiscard]] constexpr std::string_view name_of(lifecycle l) noexcept {
    switch (l) {
    case lifecycle::running: return "running";
    case lifecycle::shutting_down: return "shutting_down";
    case lifecycle::closed: return "closed";
    }
    return "closed";
}

/// What a server object counted since it was made.
struct served_counts {
    std::int64_t history_pruned = 0;    ///< answers that the history a device needs is gone
    std::int64_t replays = 0;           ///< pushes of bundles that were committed already
    std::int64_t committed_bytes = 0;   ///< of the rows that were taken in, as they came: bodies of chunks and of pushes

    /// Counts the answer @p a to the request @p r, of either wire.
    void count(const request& r, const response& a) {
        if (a.status >= 400 && a.body.find(R"("history_pruned")") != std::string::npos) ++history_pruned;
        if (r.method != http_method::post || !a.ok()) return;
        const std::string_view path = path_without_query(r.path);
        if (path.ends_with("/push-sessions") && a.body.find(R"("status":"already_committed")") != std::string::npos) ++replays;
        if (path.ends_with("/chunks") || path.ends_with("/push")) committed_bytes += static_cast<std::int64_t>(r.body.size());
    }
};

/// How a server does (`sync_server::status`).
struct server_status {
    lifecycle life = lifecycle::running;
    std::int64_t in_flight = 0;   ///< requests that are being served
    std::int64_t watchers = 0;    ///< devices that watch
    std::string app_name;         ///< empty: none
    std::vector<std::string> tables;
    std::vector<std::pair<std::string, bool>> features;
    served_counts counts;
    authority_totals totals;      ///< of the store, where it tells

    /// Whether it is to get requests: it takes them, and its numbers make sense.
    [[nodiscard]] bool healthy() const noexcept { return life == lifecycle::running && totals.floors_ahead == 0; }
};

/// The page of `GET /syncx/status` and `GET /syncx/health` (sheet `bundle` 1.14).
[[nodiscard]] inline std::string write_server_status(const server_status& s) {
    std::string body;
    json_writer w{body};
    const auto number = [&](std::string_view member, std::int64_t n) {
        w.key(member);
        w.integer(n);
    };
    w.begin_object();
    w.key("status");
    w.string(s.healthy() ? "healthy" : "unhealthy");
    w.key("version");
    w.string("v1");
    w.key("app_name");
    w.string(s.app_name);
    w.key("lifecycle");
    w.string(name_of(s.life));
    w.key("accepting_operations");
    w.boolean(s.life == lifecycle::running);
    number("inflight_operations", s.in_flight);
    w.key("registered_tables");
    w.begin_array();
    for (const auto& table : s.tables) w.string(table);
    w.end_array();
    w.key("features");
    w.begin_object();
    for (const auto& [name, on] : s.features) {
        w.key(name);
        w.boolean(on);
    }
    w.end_object();
    number("user_state_retention_floor_ahead_count", s.totals.floors_ahead);
    number("latest_bundle_seq_max", s.totals.latest_seq_max);
    number("retained_bundle_floor_min", s.totals.floor_min);
    number("retained_bundle_floor_max", s.totals.floor_max);
    number("retained_bundle_window_min", s.totals.window_min);
    number("retained_bundle_window_max", s.totals.window_max);
    number("history_pruned_error_count", s.counts.history_pruned);
    number("accepted_push_replay_count", s.counts.replays);
    // go-oversync's counts the statements that its guard refused, by a PostgreSQL sequence, which keeps what a rolled back statement took. SQLite has nothing
    // like it: what a trigger writes goes with the statement that it refuses, and it runs in another program, where we cannot count (docs/parity.md).
    number("rejected_registered_write_count", 0);
    number("committed_bundle_count", s.totals.kept_bundles);
    number("committed_bundle_bytes", s.counts.committed_bytes);
    w.end_object();
    return body;
}

SYNCLINE_NAMESPACE_END

#endif
