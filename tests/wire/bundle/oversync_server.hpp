#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_SERVER_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_SERVER_HPP

// A server of go-oversync v0.2.1, dialect G0, as the sheet `bundle` describes it (sections 1 to 4), in memory, with its holes. It knows nothing of
// Syncline but the shape of a request and a response. `Authorization: Bearer NAME` makes the caller the user NAME.

#include <syncline/transport/message.hpp>

#include "wire/bundle/oversync_server_push.hpp"

namespace oversync {

using syncline::http_method;
using syncline::request;
using syncline::response;

/// Takes a request to a server; nothing: the connection failed, and nobody knows whether the request arrived.
using wire = std::function<std::optional<response>(const request&)>;

class server : public server_push {
public:
    using server_push::server_push;

    std::vector<std::string> seen;                               ///< the endpoints that were asked, in order
    std::function<void(const std::string& endpoint)> before;     ///< runs when a request has arrived
    std::function<void(const std::string& endpoint)> after;      ///< runs when its answer is made

    /// Lets the next @p times requests to @p endpoint get @p status, untouched by the service.
    void inject(const std::string& endpoint, int status, int times = 1) { injected_[endpoint].insert(injected_[endpoint].end(), static_cast<std::size_t>(times), status); }
    /// Lets the next @p times requests to @p endpoint take effect, and their answers be lost.
    void lose_answers(const std::string& endpoint, int times = 1) { lost_[endpoint] += times; }
    /// Lets the next @p times requests to @p endpoint be lost on their way.
    void lose_requests(const std::string& endpoint, int times = 1) { inject(endpoint, 0, times); }
    void calm() { injected_.clear(), lost_.clear(); }
    [[nodiscard]] std::ptrdiff_t asked(const std::string& endpoint) const { return std::count(seen.begin(), seen.end(), endpoint); }

    response operator()(const request& r) {
        auto out = call(r);
        return out ? std::move(*out) : response{504, {{"Content-Type", "text/plain"}}, "gateway timeout"};
    }
    std::optional<response> call(const request& r) {
        const route to = find(r);
        seen.push_back(to.endpoint);
        if (before) before(to.endpoint);
        if (auto& q = injected_[to.endpoint]; !q.empty()) {
            const int status = q.front();
            q.erase(q.begin());
            if (status == 0) return std::nullopt;
            return response{status, {{"Content-Type", "application/json"}}, "{\"error\":\"injected\",\"message\":\"injected\"}\n"};
        }
        response out = handle(r, to);
        if (after) after(to.endpoint);
        if (lost_[to.endpoint] > 0) {
            --lost_[to.endpoint];
            return std::nullopt;
        }
        return out;
    }
    [[nodiscard]] wire line() {
        return [this](const request& r) { return call(r); };
    }

    json capabilities() const {
        json names = json::array(), specs = json::array();
        for (const auto& t : registered_) {
            names.push_back(t.path());
            specs.push_back({{"schema", t.schema}, {"table", t.name}, {"sync_key_columns", json::array({t.key})}});
        }
        json features = json::object();
        for (const char* f : {"accepted_push_replay_visibility", "bundle_change_watch", "bundle_pull", "bundle_push", "capabilities_endpoint", "committed_bundle_row_fetch",
                              "committed_bundle_visibility", "connect_lifecycle", "graceful_shutdown", "history_pruned_errors", "history_pruned_visibility",
                              "push_session_chunking", "registered_write_rejection_enforced", "retained_floor_visibility", "retained_window_visibility",
                              "scope_initialization_leases", "server_checkpoint_tracking", "snapshot_chunking", "status_endpoint", "structured_sync_keys"})
            features[f] = true;
        features["server_checkpoint_tracking"] = false;
        features["connect_lifecycle"] = options.connects;
        features["bundle_change_watch"] = options.watch && !options.watch_forbidden;
        json limits{{"max_bundles_per_pull", options.max_bundles_per_pull},
                    {"default_rows_per_push_chunk", options.rows_per_chunk},
                    {"max_rows_per_push_chunk", options.max_rows_per_chunk},
                    {"push_session_ttl_seconds", options.ttl_seconds},
                    {"default_rows_per_committed_bundle_chunk", options.rows_per_chunk},
                    {"max_rows_per_committed_bundle_chunk", options.max_rows_per_chunk},
                    {"default_rows_per_snapshot_chunk", options.rows_per_chunk},
                    {"max_rows_per_snapshot_chunk", options.max_rows_per_chunk},
                    {"snapshot_session_ttl_seconds", options.ttl_seconds}};
        if (options.max_rows_per_snapshot > 0) limits["max_rows_per_snapshot_session"] = options.max_rows_per_snapshot;
        if (options.max_bytes_per_snapshot > 0) limits["max_bytes_per_snapshot_session"] = options.max_bytes_per_snapshot;
        limits["initialization_lease_ttl_seconds"] = options.ttl_seconds;
        json out{{"protocol_version", "v1"}, {"schema_version", options.schema_version}};
        if (!options.app_name.empty()) out["app_name"] = options.app_name;
        out["registered_tables"] = names;
        out["registered_table_specs"] = specs;
        out["features"] = features;
        out["bundle_limits"] = limits;
        return out;
    }

private:
    struct route {
        std::string endpoint, id;   ///< the endpoint's name; the id in its path
        std::string invalid, failed;  ///< codes of its generic 400 and 500
        bool other_method = false;
        std::map<std::string, std::string> query;
    };

    static route find(const request& r) {
        route out;
        const std::string_view path = syncline::path_without_query(r.path);
        if (path.size() < r.path.size()) out.query = query_of(std::string_view{r.path}.substr(path.size() + 1));
        std::vector<std::string> parts;
        for (std::size_t from = 1; from <= path.size();) {
            const auto to = (std::min)(path.find('/', from), path.size());
            parts.emplace_back(path.substr(from, to - from));
            from = to + 1;
        }
        const auto is = [&](http_method m, std::size_t n, std::string_view first, std::string_view last = {}) {
            if (parts.size() != n || parts[0] != "sync" || parts[1] != first || (!last.empty() && parts[n - 1] != last)) return false;
            out.other_method = r.method != m;
            return !out.other_method;
        };
        const auto to = [&](const char* endpoint, const char* invalid, const char* failed) {
            out.endpoint = endpoint, out.invalid = invalid, out.failed = failed;
            if (parts.size() > 2) out.id = parts[2];
        };
        if (is(http_method::get, 2, "capabilities")) to("capabilities", "invalid_request", "capabilities_failed");
        else if (is(http_method::post, 2, "connect")) to("connect", "invalid_request", "connect_failed");
        else if (is(http_method::post, 2, "push-sessions")) to("push_create", "invalid_request", "push_session_create_failed");
        else if (is(http_method::post, 4, "push-sessions", "chunks")) to("push_chunk", "invalid_request", "push_chunk_failed");
        else if (is(http_method::post, 4, "push-sessions", "commit")) to("push_commit", "push_commit_invalid", "push_session_commit_failed");
        else if (is(http_method::erase, 3, "push-sessions")) to("push_delete", "invalid_request", "push_session_delete_failed");
        else if (is(http_method::get, 4, "committed-bundles", "rows")) to("committed_rows", "committed_bundle_chunk_invalid", "committed_bundle_rows_failed");
        else if (is(http_method::get, 2, "pull")) to("pull", "invalid_request", "pull_failed");
        else if (is(http_method::get, 2, "watch")) to("watch", "invalid_request", "bundle_change_watch_failed");
        else if (is(http_method::post, 2, "snapshot-sessions")) to("snapshot_create", "snapshot_session_invalid", "snapshot_session_create_failed");
        else if (is(http_method::get, 3, "snapshot-sessions")) to("snapshot_chunk", "snapshot_chunk_invalid", "snapshot_chunk_failed");
        else if (is(http_method::erase, 3, "snapshot-sessions")) to("snapshot_delete", "snapshot_chunk_invalid", "snapshot_session_delete_failed");
        return out;
    }
    static std::map<std::string, std::string> query_of(std::string_view text) {
        std::map<std::string, std::string> out;
        while (!text.empty()) {
            const auto part = text.substr(0, text.find('&'));
            const auto eq = (std::min)(part.find('='), part.size());
            out.emplace(part.substr(0, eq), part.substr((std::min)(eq + 1, part.size())));
            text.remove_prefix((std::min)(part.size() + 1, text.size()));
        }
        return out;
    }

    static response plain(int status, const std::string& body) { return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, body + "\n"}; }
    static response answer(int status, const json& body) { return {status, {{"Content-Type", "application/json"}}, go_text(body) + "\n"}; }
    static response answer(const refused& e) {
        json body{{"error", e.code}, {"message", e.message}};
        body.update(e.more);
        return answer(e.status, body);
    }

    response handle(const request& r, const route& to) {
        if (to.endpoint.empty()) {
            if (r.path.starts_with("/syncx/")) return answer(200, {{"status", "healthy"}, {"version", "v1"}, {"app_name", options.app_name}, {"lifecycle", draining ? "shutting_down" : "running"}});
            return to.other_method ? plain(405, "Method Not Allowed") : plain(404, "404 page not found");
        }
        try {
            actor a;
            if (const auto auth = syncline::find_header(r.headers, "Authorization"); auth && auth->starts_with("Bearer ")) a.user = trim(auth->substr(7));
            else return plain(401, "Authorization header required");
            if (a.user.empty()) throw refused{401, "authentication_failed", "no user"};
            if (const auto id = syncline::find_header(r.headers, "Oversync-Source-ID")) a.source = trim(*id);
            if (a.source.empty()) throw refused{400, "invalid_request", "Oversync-Source-ID header is required"};
            if (to.endpoint == "watch") return watch(a, to);
            if (draining) throw refused{503, "service_unavailable", "the service is shutting down"};
            if (to.endpoint == "push_delete") return push_delete(a, to.id), response{204, {}, {}};
            if (to.endpoint == "snapshot_delete") return snapshot(a, to.id, false), snapshot_sessions_.erase(to.id), response{204, {}, {}};
            return answer(200, result_of(a, r, to));
        } catch (const refused& e) {
            return answer(e);
        } catch (const constraint_error& e) {  // PostgreSQL's refusals are opaque
            return answer(refused{500, to.failed, e.what()});
        }
    }
    json result_of(const actor& a, const request& r, const route& to) {
        if (to.endpoint == "capabilities") return capabilities();
        if (to.endpoint == "connect") return connect(a, r.body);
        if (to.endpoint == "push_create") return push_create(a, r.body);
        if (to.endpoint == "push_chunk") return push_chunk(a, to.id, r.body);
        if (to.endpoint == "push_commit") return push_commit(a, to.id);
        if (to.endpoint == "committed_rows") return committed_rows(a, to);
        if (to.endpoint == "pull") return pull(a, to);
        if (to.endpoint == "snapshot_create") return snapshot_create(a, r.body);
        return snapshot_chunk(a, to);
    }

    static std::int64_t number(const route& to, const std::string& name, std::int64_t otherwise) {
        const auto at = to.query.find(name);
        if (at == to.query.end() || at->second.empty()) return otherwise;
        std::int64_t n = 0;
        const char *from = at->second.data(), *end = from + at->second.size();
        const auto [stop, failed] = std::from_chars(from, end, n);
        if (failed != std::errc{} || stop != end) throw refused{400, to.invalid, name + " must be an integer"};
        return n;
    }
    std::int64_t page(const route& to) const {
        const std::int64_t rows = number(to, "max_rows", options.rows_per_chunk);
        if (rows <= 0) throw refused{400, to.invalid, "max_rows must be positive"};
        return (std::min)(rows, options.max_rows_per_chunk);
    }

    json committed_rows(const actor& a, const route& to) {
        std::int64_t seq = 0;
        const auto [stop, failed] = std::from_chars(to.id.data(), to.id.data() + to.id.size(), seq);
        if (failed != std::errc{} || stop != to.id.data() + to.id.size() || seq <= 0) throw refused{400, to.invalid, "bundle_seq must be positive"};
        const std::int64_t last = number(to, "after_row_ordinal", -1), rows = page(to);
        if (last < -1 || (last < 0 && to.query.contains("after_row_ordinal"))) throw refused{400, to.invalid, "after_row_ordinal must not be negative"};
        const user_state& u = user(a.user);
        if (seq <= u.floor) throw refused{409, "history_pruned", "the bundle is pruned"};
        const auto at = u.log.find(seq);
        if (at == u.log.end()) throw refused{404, "committed_bundle_not_found", "no such bundle"};
        json out = described(*at->second), list = json::array();
        const auto& all = at->second->rows;
        auto i = static_cast<std::size_t>(last + 1);
        for (; i < all.size() && static_cast<std::int64_t>(list.size()) < rows; ++i) list.push_back(row_json(all[i]));
        const std::int64_t next = list.empty() ? (std::max)(last, std::int64_t{0}) : static_cast<std::int64_t>(i) - 1;
        out["rows"] = list;
        out["next_row_ordinal"] = next;
        out["has_more"] = i < all.size();
        return out;
    }

    json pull(const actor& a, const route& to) {
        const std::int64_t last = number(to, "after_bundle_seq", 0), count = number(to, "max_bundles", 1000), target = number(to, "target_bundle_seq", 0);
        if (last < 0 || target < 0 || count < 1 || count > options.max_bundles_per_pull) throw refused{400, to.invalid, "a number is out of range"};
        const user_state& u = user(a.user);
        must_be_initialized(u);
        const std::int64_t stable = target > 0 ? target : u.latest();
        for (const std::int64_t v : {last, target, stable}) {
            const bool pruned = options.odd_floor ? (v > 0 && v <= u.floor) : (v == last && v < u.floor);
            if (pruned) throw refused{409, "history_pruned", "the history before " + std::to_string(u.floor) + " is pruned"};
        }
        json list = json::array();
        bool more = false;
        for (auto at = u.log.upper_bound(last); at != u.log.end() && at->first <= stable; ++at) {
            if (static_cast<std::int64_t>(list.size()) == count) {
                more = true;
                break;
            }
            const bundle& b = *at->second;
            json rows = json::array();
            for (const auto& r : b.rows) rows.push_back(row_json(r));
            list.push_back({{"bundle_seq", b.seq}, {"source_id", b.source}, {"source_bundle_id", b.source_bundle_id}, {"row_count", b.rows.size()},
                            {"bundle_hash", b.hash}, {"rows", rows}});
        }
        return {{"stable_bundle_seq", stable}, {"bundles", list}, {"has_more", more}};
    }

    /// The stream as far as it goes without waiting: what is to be caught up, or a heartbeat.
    response watch(const actor& a, const route& to) {
        if (options.watch && options.watch_forbidden) throw refused{403, "bundle_change_watch_forbidden", "not allowed"};
        const std::int64_t last = number(to, "after_bundle_seq", 0);
        if (last < 0) throw refused{400, to.invalid, "after_bundle_seq must not be negative"};
        if (!options.watch) throw refused{503, "bundle_change_watch_disabled", "watch is disabled"};
        if (draining) throw refused{503, "service_unavailable", "the service is shutting down"};
        const user_state& u = user(a.user);
        must_be_initialized(u);
        const std::string text = u.latest() > last ? "event: bundle\ndata: " + go_text({{"bundle_seq", u.latest()}}) + "\n\n" : std::string{": heartbeat\n\n"};
        return {200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}, text};
    }

    json snapshot_create(const actor& a, const std::string& body) {
        std::erase_if(snapshot_sessions_, [&](const auto& s) { return s.second.expires <= now; });
        user_state u = user(a.user);
        if (!trim(body).empty()) {
            const auto in = read_json(body);
            if (!in || !in->is_object()) throw refused{400, "snapshot_session_invalid", "invalid JSON body"};
            for (const auto& [name, v] : in->items())
                if (lower(name) != "source_replacement") throw refused{400, "snapshot_session_invalid", "unknown member " + name};
            must_be_initialized(u);
            if (const json* r = member(*in, "source_replacement"); r != nullptr && !r->is_null()) replace_source(u, a, *r);
        }
        must_be_initialized(u);
        snapshot_session s{next_id(3), a.user, u.latest(), {}, 0, now + ttl()};
        for (const auto& t : registered_)
            for (const auto& [n, r] : u.data.all()) {
                if (n.table != t.name) continue;
                const bool bytes = std::any_of(t.columns.begin(), t.columns.end(), [](const column& c) { return c.type == kind::blob; });
                s.rows.push_back({t.schema, t.name, t.key, n.key, "INSERT", u.versions.at(n).seq, capture::payload_of(r, bytes && options.rounds_numbers)});
                s.bytes += go_text(s.rows.back().payload).size();
            }
        const auto over = [](std::int64_t limit, std::size_t actual) { return limit > 0 && static_cast<std::int64_t>(actual) > limit; };
        if (over(options.max_rows_per_snapshot, s.rows.size()) || over(options.max_bytes_per_snapshot, s.bytes))
            throw refused{500, "snapshot_session_create_failed", "the snapshot is over a limit"};
        user(a.user) = std::move(u);
        json out{{"snapshot_id", s.id}, {"snapshot_bundle_seq", s.seq}, {"row_count", s.rows.size()}};
        if (s.bytes > 0) out["byte_count"] = s.bytes;
        out["expires_at"] = time_text(s.expires, "Z");
        snapshot_sessions_[s.id] = std::move(s);
        return out;
    }
    /// Sheet 2.5.
    static void replace_source(user_state& u, const actor& a, const json& in) {
        const auto invalid = [](const std::string& why) { return refused{400, "snapshot_session_invalid", why}; };
        const std::string previous = text(in, "previous_source_id"), next = text(in, "new_source_id"), reason = text(in, "reason");
        for (const auto& [name, v] : in.items())
            if (lower(name) != "previous_source_id" && lower(name) != "new_source_id" && lower(name) != "reason") throw invalid("unknown member " + name);
        if (previous != a.source) throw invalid("previous_source_id must be the caller's");
        if (trim(next).empty() || next == previous) throw invalid("new_source_id must differ");
        if (reason != "history_pruned" && reason != "source_sequence_out_of_order" && reason != "source_sequence_changed" && reason != "source_retired")
            throw invalid("unknown reason");
        const auto at = u.sources.find(previous);
        const auto fresh = u.sources.find(next);
        if (at != u.sources.end() && at->second.state == "retired") {
            if (at->second.replaced_by != next) throw retired(previous, at->second);
            if (fresh == u.sources.end()) u.sources[next] = {"reserved", 0, {}, {}};
            else if (fresh->second.state == "retired") throw refused{409, "source_replacement_invalid", "the replacement is retired itself"};
            return;
        }
        if (fresh != u.sources.end()) throw refused{409, "source_replacement_invalid", "the replacement is known already"};
        u.sources[next] = {"reserved", 0, {}, {}};
        auto& old = u.sources[previous];
        old.state = "retired";
        old.replaced_by = next;
        old.reason = reason;
    }

    /// A snapshot session of the caller's user. @p readable: it must not have expired.
    const snapshot_session& snapshot(const actor& a, const std::string& id, bool readable) {
        if (!is_uuid(id)) throw refused{500, readable ? "snapshot_chunk_failed" : "snapshot_session_delete_failed", "not a uuid"};
        const auto at = snapshot_sessions_.find(id);
        if (at == snapshot_sessions_.end()) throw refused{404, "snapshot_session_not_found", "no such snapshot session"};
        if (at->second.user != a.user) throw refused{403, "snapshot_session_forbidden", "the snapshot session belongs to another user"};
        if (readable && at->second.expires <= now) throw refused{410, "snapshot_session_expired", "the snapshot session has expired"};
        return at->second;
    }
    json snapshot_chunk(const actor& a, const route& to) {
        const std::int64_t last = number(to, "after_row_ordinal", 0), rows = page(to);
        if (last < 0) throw refused{400, to.invalid, "after_row_ordinal must not be negative"};
        const snapshot_session& s = snapshot(a, to.id, true);
        if (last > static_cast<std::int64_t>(s.rows.size())) throw refused{400, to.invalid, "after_row_ordinal is past the end"};
        json list = json::array();
        auto i = static_cast<std::size_t>(last);
        for (; i < s.rows.size() && static_cast<std::int64_t>(list.size()) < rows; ++i) {
            json r = row_json(s.rows[i]);
            r.erase("op");
            list.push_back(r);
        }
        return {{"snapshot_id", s.id}, {"snapshot_bundle_seq", s.seq}, {"rows", list}, {"next_row_ordinal", i}, {"has_more", i < s.rows.size()}};
    }

    std::map<std::string, std::vector<int>> injected_;
    std::map<std::string, int> lost_;
};

}  // namespace oversync

#endif
