#ifndef SYNCLINE_WIRE_BUNDLE_CAPABILITIES_HPP
#define SYNCLINE_WIRE_BUNDLE_CAPABILITIES_HPP

#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/bundle/rows.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// How much a server gives and takes at once (sheet 1.2). 0: no limit.
struct limits {
    std::int64_t max_rows_per_bundle = 0;
    std::int64_t max_bytes_per_bundle = 0;  ///< of the chunks' bodies together
    std::int64_t max_bundles_per_pull = 5000;
    std::int64_t default_rows_per_push_chunk = 1000;
    std::int64_t max_rows_per_push_chunk = 5000;
    std::int64_t default_rows_per_committed_bundle_chunk = 1000;
    std::int64_t max_rows_per_committed_bundle_chunk = 5000;
    std::int64_t default_rows_per_snapshot_chunk = 1000;
    std::int64_t max_rows_per_snapshot_chunk = 5000;
    std::int64_t max_rows_per_snapshot_session = 0;
    std::int64_t max_bytes_per_snapshot_session = 0;  ///< of the rows' payloads together
    // What the authority is set up with: read by devices, filled in by a server.
    std::int64_t push_session_ttl_seconds = 0;
    std::int64_t snapshot_session_ttl_seconds = 0;
    std::int64_t initialization_lease_ttl_seconds = 0;
};

/// What a server says about itself.
struct capabilities {
    std::string protocol_version{g0.protocol_version};
    std::int64_t schema_version = 1;
    std::string app_name;
    std::vector<std::string> tables;                      ///< `schema.table`
    std::vector<std::pair<std::string, bool>> features;
    limits bounds;

    /// Whether the server names @p feature and says yes.
    [[nodiscard]] bool has(std::string_view feature) const {
        return std::any_of(features.begin(), features.end(), [&](const auto& f) { return f.second && f.first == feature; });
    }
};

/// The features that this server names, with what it can do today.
[[nodiscard]] inline std::vector<std::pair<std::string, bool>> offered_features() {
    return {{"bundle_pull", true},
            {"bundle_push", true},
            {"push_session_chunking", true},
            {"committed_bundle_row_fetch", true},
            {"snapshot_chunking", true},
            {"status_endpoint", false},
            {"graceful_shutdown", true},
            {"capabilities_endpoint", true},
            {"history_pruned_errors", true},
            {"structured_sync_keys", true},
            {"registered_write_rejection_enforced", false},
            {"accepted_push_replay_visibility", true},
            {"committed_bundle_visibility", true},
            {"retained_floor_visibility", false},
            {"retained_window_visibility", false},
            {"history_pruned_visibility", false},
            {"connect_lifecycle", true},
            {"scope_initialization_leases", true},
            {"server_checkpoint_tracking", false},
            {"bundle_change_watch", false}};
}

/// Writes the answer to `GET capabilities`.
[[nodiscard]] inline std::string write_capabilities(const table_names& names, const capabilities& c) {
    std::vector<std::pair<std::string, std::string>> tables;  // table, key column
    for (const auto& schema : names.schemas()) tables.emplace_back(schema.table_name(), schema.key_name);
    std::sort(tables.begin(), tables.end());
    std::string body;
    json_writer w{body};
    const auto number = [&](std::string_view member, std::int64_t n) {
        if (n == 0) return;
        w.key(member);
        w.integer(n);
    };
    w.begin_object();
    w.key("protocol_version");
    w.string(c.protocol_version);
    w.key("schema_version");
    w.integer(c.schema_version);
    if (!c.app_name.empty()) {
        w.key("app_name");
        w.string(c.app_name);
    }
    w.key("registered_tables");
    w.begin_array();
    for (const auto& [table, key] : tables) w.string(std::string{names.schema_name()}.append(".").append(table));
    w.end_array();
    w.key("registered_table_specs");
    w.begin_array();
    for (const auto& [table, key] : tables) {
        w.begin_object();
        w.key("schema");
        w.string(names.schema_name());
        w.key("table");
        w.string(table);
        w.key("sync_key_columns");
        w.begin_array();
        w.string(key);
        w.end_array();
        w.end_object();
    }
    w.end_array();
    w.key("features");
    w.begin_object();
    for (const auto& [name, on] : c.features) {
        w.key(name);
        w.boolean(on);
    }
    w.end_object();
    w.key("bundle_limits");
    w.begin_object();
    number("max_rows_per_bundle", c.bounds.max_rows_per_bundle);
    number("max_bytes_per_bundle", c.bounds.max_bytes_per_bundle);
    number("max_bundles_per_pull", c.bounds.max_bundles_per_pull);
    number("default_rows_per_push_chunk", c.bounds.default_rows_per_push_chunk);
    number("max_rows_per_push_chunk", c.bounds.max_rows_per_push_chunk);
    number("push_session_ttl_seconds", c.bounds.push_session_ttl_seconds);
    number("default_rows_per_committed_bundle_chunk", c.bounds.default_rows_per_committed_bundle_chunk);
    number("max_rows_per_committed_bundle_chunk", c.bounds.max_rows_per_committed_bundle_chunk);
    number("default_rows_per_snapshot_chunk", c.bounds.default_rows_per_snapshot_chunk);
    number("max_rows_per_snapshot_chunk", c.bounds.max_rows_per_snapshot_chunk);
    number("snapshot_session_ttl_seconds", c.bounds.snapshot_session_ttl_seconds);
    number("max_rows_per_snapshot_session", c.bounds.max_rows_per_snapshot_session);
    number("max_bytes_per_snapshot_session", c.bounds.max_bytes_per_snapshot_session);
    number("initialization_lease_ttl_seconds", c.bounds.initialization_lease_ttl_seconds);
    w.end_object();
    w.end_object();
    return body;
}

/// Reads the answer to `GET capabilities`.
[[nodiscard]] inline result<capabilities> read_capabilities(std::string_view body, const json_limits& json) {
    auto tape = json_tape::parse(body, json);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "capabilities are a JSON object");
    capabilities out;
    auto version = detail::need_text(root, "protocol_version");
    if (!version) return std::move(version).error();
    out.protocol_version = std::move(*version);
    auto schema = detail::read_integer(root, "schema_version", 0);
    if (!schema) return std::move(schema).error();
    out.schema_version = *schema;
    out.app_name = detail::text_or_empty(root, "app_name");
    if (const auto tables = root.find("registered_tables"))
        for (const auto& table : *tables) out.tables.emplace_back(table.as_string());
    if (const auto features = root.find("features"))
        for (const auto& f : features->members())
            if (f.value.is_boolean()) out.features.emplace_back(f.key, *f.value.as_bool());
    if (const auto bounds = root.find("bundle_limits")) {
        const auto number = [&](std::string_view member, std::int64_t& into) -> result<void> {
            auto n = detail::read_integer(*bounds, member, 0);
            if (!n) return std::move(n).error();
            into = *n;
            return {};
        };
        limits& b = out.bounds;
        const std::pair<std::string_view, std::int64_t*> all[] = {
            {"max_rows_per_bundle", &b.max_rows_per_bundle},
            {"max_bytes_per_bundle", &b.max_bytes_per_bundle},
            {"max_bundles_per_pull", &b.max_bundles_per_pull},
            {"default_rows_per_push_chunk", &b.default_rows_per_push_chunk},
            {"max_rows_per_push_chunk", &b.max_rows_per_push_chunk},
            {"default_rows_per_committed_bundle_chunk", &b.default_rows_per_committed_bundle_chunk},
            {"max_rows_per_committed_bundle_chunk", &b.max_rows_per_committed_bundle_chunk},
            {"default_rows_per_snapshot_chunk", &b.default_rows_per_snapshot_chunk},
            {"max_rows_per_snapshot_chunk", &b.max_rows_per_snapshot_chunk},
            {"max_rows_per_snapshot_session", &b.max_rows_per_snapshot_session},
            {"max_bytes_per_snapshot_session", &b.max_bytes_per_snapshot_session},
            {"push_session_ttl_seconds", &b.push_session_ttl_seconds},
            {"snapshot_session_ttl_seconds", &b.snapshot_session_ttl_seconds},
            {"initialization_lease_ttl_seconds", &b.initialization_lease_ttl_seconds}};
        for (const auto& [member, into] : all)
            if (auto r = number(member, *into); !r) return std::move(r).error();
    }
    return out;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
