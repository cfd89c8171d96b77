#ifndef SYNCLINE_WIRE_BUNDLE_CONNECT_MESSAGES_HPP
#define SYNCLINE_WIRE_BUNDLE_CONNECT_MESSAGES_HPP

#include <syncline/engine/scope_connection.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/bundle/rows.hpp>
#include <syncline/wire/incarnation.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The answer to `POST connect`, as a device reads it.
struct connect_answer {
    scope_connection scope;
    told_incarnation of;  ///< ours
};

/// @p what as the wire spells it (sheet 1.3).
[[nodiscard]] constexpr std::string_view wire_name_of(scope_resolution what) noexcept {
    switch (what) {
    case scope_resolution::remote_authoritative: return "remote_authoritative";
    case scope_resolution::initialize_local: return "initialize_local";
    case scope_resolution::initialize_empty: return "initialize_empty";
    case scope_resolution::retry_later: return "retry_later";
    }
    return "retry_later";
}

/// Writes the body of `POST connect`.
/// @param has_local_pending_rows  whether the device has rows that it would fill the account with
[[nodiscard]] inline std::string write_connect(bool has_local_pending_rows) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("has_local_pending_rows");
    w.boolean(has_local_pending_rows);
    w.end_object();
    return body;
}

/// Reads the body of `POST connect`. @return whether the device has rows to fill the account with; it has none where it does not say
[[nodiscard]] inline result<bool> read_connect(std::string_view body, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the body is an object with `has_local_pending_rows`");
    const auto has = root.find("has_local_pending_rows");
    if (!has || has->is_null()) return false;
    if (!has->is_boolean()) return make_fault(errc::malformed_message, "`has_local_pending_rows` is true or false");
    return *has->as_bool();
}

/// Writes the answer to `POST connect`.
[[nodiscard]] inline std::string write_connect_answer(const scope_connection& scope, const told_incarnation& of) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("resolution");
    w.string(wire_name_of(scope.what));
    if (scope.what == scope_resolution::initialize_local) {
        w.key("initialization_id");
        w.string(scope.initialization_id);
    }
    if (scope.what == scope_resolution::initialize_local || scope.what == scope_resolution::retry_later) {
        w.key("lease_expires_at");
        w.string(format_rfc3339(scope.lease_expires).value_or("9999-12-31T23:59:59Z"));
    }
    if (scope.what == scope_resolution::retry_later) {
        w.key("retry_after_seconds");
        w.integer(scope.retry_after_seconds);
    }
    write_incarnation(w, of);
    w.end_object();
    return body;
}

/// Reads the answer to `POST connect`. A server that does not say when its lease ends or when to ask again is not in the way.
[[nodiscard]] inline result<connect_answer> read_connect_answer(std::string_view body, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer to connect is a JSON object");
    auto said = detail::need_text(root, "resolution");
    if (!said) return std::move(said).error();
    connect_answer out;
    out.of = read_incarnation(root);
    bool known = false;
    for (const auto what : {scope_resolution::remote_authoritative, scope_resolution::initialize_local, scope_resolution::initialize_empty,
                            scope_resolution::retry_later})
        if (*said == wire_name_of(what)) {
            out.scope.what = what;
            known = true;
        }
    if (!known) return make_fault(errc::malformed_message, "the answer to connect has the unknown resolution `", *said, "`");
    if (out.scope.what == scope_resolution::initialize_local) {
        auto id = detail::need_text(root, "initialization_id");
        if (!id) return std::move(id).error();
        out.scope.initialization_id = std::move(*id);
    }
    if (const auto lease = root.find("lease_expires_at"); lease && lease->is_string())
        if (const auto until = parse_rfc3339(lease->as_string())) out.scope.lease_expires = *until;
    if (out.scope.what == scope_resolution::retry_later) {
        auto seconds = detail::read_integer(root, "retry_after_seconds", 1);
        if (!seconds) return std::move(seconds).error();
        out.scope.retry_after_seconds = *seconds < 1 ? 1 : *seconds;
    }
    return out;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
