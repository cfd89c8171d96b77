#ifndef SYNCLINE_WIRE_BUNDLE_OBSTACLES_HPP
#define SYNCLINE_WIRE_BUNDLE_OBSTACLES_HPP

#include <syncline/change/intent.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/rows.hpp>
#include <syncline/wire/http_fault.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

namespace detail {

inline void write_refused_row(json_writer& w, const table_names& names, const commit_obstacle& o) {
    write_target(w, names, o.key);
    w.key("op");
    w.string(wire_name_of(o.op));
    w.key("base_row_version");
    w.integer(o.base_version);
}

inline void write_server_row(json_writer& w, const table_names& names, const record_key& key, const commit_obstacle& o) {
    w.key("server_row");
    if (o.server_row)
        write_payload(w, names, key, *o.server_row);
    else
        w.null();
    if (o.server_written_at == unknown_time) return;
    if (const auto when = format_rfc3339(o.server_written_at)) {
        w.key("server_written_at");
        w.string(*when);
    }
}

inline void write_conflict(json_writer& w, const table_names& names, const commit_obstacle& o) {
    w.begin_object();
    write_refused_row(w, names, o);
    w.key("server_row_version");
    w.integer(o.server_version);
    w.key("server_row_deleted");
    w.boolean(o.server_deleted);
    write_server_row(w, names, o.key, o);
    w.end_object();
}

inline void write_cascade(json_writer& w, const table_names& names, const commit_obstacle& o) {
    w.begin_object();
    write_refused_row(w, names, o);
    w.key("victim");
    w.begin_object();
    write_target(w, names, o.victim);
    w.end_object();
    w.key("server_row_version");
    w.integer(o.server_version);
    write_server_row(w, names, o.victim, o);
    w.end_object();
}

[[nodiscard]] inline result<void> read_server_row(json_view entry, const table_names& names, const record_key& key, commit_obstacle& o) {
    auto version = need_integer(entry, "server_row_version", 0);
    if (!version) return std::move(version).error();
    o.server_version = *version;
    if (const auto when = entry.find("server_written_at")) {
        auto t = parse_rfc3339(when->as_string());
        if (!t) return make_fault(errc::malformed_value, "`server_written_at` is a time in RFC 3339");
        o.server_written_at = *t;
    }
    const auto row = entry.find("server_row");
    if (!row || row->is_null()) return {};
    record r;
    field_set named;
    if (auto read = read_payload(*row, names, key, unknown_column::pass_over, r, named); !read) return read;
    o.server_row = std::move(r);
    return {};
}

[[nodiscard]] inline result<commit_obstacle> read_refused_row(json_view entry, const table_names& names, commit_obstacle::kind what) {
    commit_obstacle o;
    o.what = what;
    auto key = read_target(entry, names);
    if (!key) return std::move(key).error();
    o.key = std::move(*key);
    const std::string op = text_or_empty(entry, "op");
    o.op = op == "DELETE" ? operation::erase : op == "INSERT" ? operation::create : operation::update;
    auto base = read_integer(entry, "base_row_version", 0);
    if (!base) return std::move(base).error();
    o.base_version = *base;
    return o;
}

[[nodiscard]] inline result<commit_obstacle> read_conflict(json_view entry, const table_names& names) {
    auto o = read_refused_row(entry, names, commit_obstacle::kind::version_conflict);
    if (!o) return o;
    o->server_deleted = flag(entry, "server_row_deleted");
    if (auto r = read_server_row(entry, names, o->key, *o); !r) return std::move(r).error();
    return o;
}

[[nodiscard]] inline result<commit_obstacle> read_cascade(json_view entry, const table_names& names) {
    auto o = read_refused_row(entry, names, commit_obstacle::kind::cascade);
    if (!o) return o;
    const auto victim = entry.find("victim");
    if (!victim) return make_fault(errc::malformed_message, "a cascade conflict names no `victim`");
    auto key = read_target(*victim, names);
    if (!key) return std::move(key).error();
    o->victim = std::move(*key);
    if (auto r = read_server_row(entry, names, o->victim, *o); !r) return std::move(r).error();
    return o;
}

[[nodiscard]] inline const commit_obstacle* first_of(const std::vector<commit_obstacle>& obstacles, commit_obstacle::kind what) {
    const auto at = std::find_if(obstacles.begin(), obstacles.end(), [&](const commit_obstacle& o) { return o.what == what; });
    return at == obstacles.end() ? nullptr : &*at;
}

}  // namespace detail

/// The answer to a commit that something stands in the way of.
///
/// - 409 `push_conflict` (sheet 3.1) with `conflict`, the first version conflict, and ours: `conflicts` with all of them, and `cascades`, the
///   erases that would take live records along that the bundle does not name. Each has the refused row, `victim` and the victim's
///   `server_row_version` and `server_row`. Where there are only those, `conflict` is the first erase itself, with its own row and version: a
///   foreign device has one code and one form for whatever stands in the way.
/// - ours: `server_written_at` beside `server_row`: when that row was written, for the device's `last_write_wins`.
/// - ours: 422 `row_refused` with the refused row and `reason`.
/// @pre @p obstacles is not empty
[[nodiscard]] inline response obstacles_response(const table_names& names, const std::vector<commit_obstacle>& obstacles) {
    using kind = commit_obstacle::kind;
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("error");
    if (const auto* refused = detail::first_of(obstacles, kind::refused)) {
        w.string("row_refused");
        w.key("message");
        w.string(refused->why ? refused->why->detail : std::string{"the row was refused"});
        detail::write_refused_row(w, names, *refused);
        w.key("reason");
        w.string(name_of(refused->why ? refused->why->code : errc::constraint));
        w.end_object();
        return json_response(422, std::move(body));
    }
    const auto* conflict = detail::first_of(obstacles, kind::version_conflict);
    const auto* cascade = detail::first_of(obstacles, kind::cascade);
    w.string("push_conflict");
    w.key("message");
    w.string(conflict != nullptr ? "a row is not at the version that the change was made on; nothing was written"
                                 : "an erase would take a record along that the bundle does not erase; nothing was written");
    if (conflict == nullptr && cascade != nullptr) {
        commit_obstacle erased;
        erased.key = cascade->key;
        erased.op = cascade->op;
        erased.base_version = erased.server_version = cascade->base_version;
        erased.server_row = cascade->erased_row;
        w.key("conflict");
        detail::write_conflict(w, names, erased);
    }
    if (conflict != nullptr) {
        w.key("conflict");
        detail::write_conflict(w, names, *conflict);
        w.key("conflicts");
        w.begin_array();
        for (const auto& o : obstacles)
            if (o.what == kind::version_conflict) detail::write_conflict(w, names, o);
        w.end_array();
    }
    if (cascade != nullptr) {
        w.key("cascades");
        w.begin_array();
        for (const auto& o : obstacles)
            if (o.what == kind::cascade) detail::write_cascade(w, names, o);
        w.end_array();
    }
    w.end_object();
    return json_response(409, std::move(body));
}

/// Reads what stands in the way of a commit. @return nothing in the list: the answer names no row, it is an ordinary error
[[nodiscard]] inline result<std::vector<commit_obstacle>> read_obstacles(const response& answer, const table_names& names, const json_limits& limits) {
    std::vector<commit_obstacle> out;
    const auto tape = json_tape::parse(answer.body, limits);
    if (!tape || !tape->root().is_object()) return out;
    const json_view root = tape->root();
    const std::string code = detail::text_or_empty(root, "error");
    if (answer.status == 422 && code == "row_refused") {
        auto o = detail::read_refused_row(root, names, commit_obstacle::kind::refused);
        if (!o) return std::move(o).error();
        o->why = wait_reason{errc_named(detail::text_or_empty(root, "reason")).value_or(errc::constraint), detail::text_or_empty(root, "message")};
        out.push_back(std::move(*o));
        return out;
    }
    if (answer.status != 409 || code != "push_conflict") return out;
    const auto take = [&](result<commit_obstacle> o) -> result<void> {
        if (!o) return std::move(o).error();
        out.push_back(std::move(*o));
        return {};
    };
    const auto conflicts = root.find("conflicts");
    if (conflicts && conflicts->is_array()) {
        for (const auto& entry : *conflicts)
            if (auto r = take(detail::read_conflict(entry, names)); !r) return std::move(r).error();
    } else if (const auto conflict = root.find("conflict"); conflict && conflict->is_object() && !root.find("cascades")) {
        if (auto r = take(detail::read_conflict(*conflict, names)); !r) return std::move(r).error();
    }
    if (const auto cascades = root.find("cascades"); cascades && cascades->is_array())
        for (const auto& entry : *cascades)
            if (auto r = take(detail::read_cascade(entry, names)); !r) return std::move(r).error();
    return out;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
