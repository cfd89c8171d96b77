#ifndef SYNCLINE_WIRE_BUNDLE_CODES_HPP
#define SYNCLINE_WIRE_BUNDLE_CODES_HPP

#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/http_fault.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The operations of the bundle wire (sheet `bundle`, 1.1). Each has error codes of its own.
enum class step : std::uint8_t {
    capabilities,
    create,         ///< of a push session
    chunk,
    commit,
    drop_session,
    committed_rows,
    pull,
    make_snapshot,
    snapshot_page,
    drop_snapshot,
    connect,
    watch,
};

/// What an operation answers in case of a fault.
struct error_code {
    int status = 500;
    std::string_view code;
};

namespace detail {

// A request that cannot be understood at all, and the code that only a failure inside the server gets.
struct step_codes {
    std::string_view invalid;
    std::string_view gone;
    std::string_view forbidden;
    std::string_view failed;
};

[[nodiscard]] constexpr step_codes codes_of(step what) noexcept {
    switch (what) {
    case step::capabilities: return {"invalid_request", "not_found", "forbidden", "capabilities_failed"};
    case step::create: return {"push_session_invalid", "push_session_not_found", "push_session_forbidden", "push_session_create_failed"};
    case step::chunk: return {"push_chunk_invalid", "push_session_not_found", "push_session_forbidden", "push_chunk_failed"};
    case step::commit: return {"push_commit_invalid", "push_session_not_found", "push_session_forbidden", "push_session_commit_failed"};
    case step::drop_session: return {"invalid_request", "push_session_not_found", "push_session_forbidden", "push_session_delete_failed"};
    case step::committed_rows:
        return {"committed_bundle_chunk_invalid", "committed_bundle_not_found", "forbidden", "committed_bundle_rows_failed"};
    case step::pull: return {"invalid_request", "not_found", "forbidden", "pull_failed"};
    case step::make_snapshot:
        return {"snapshot_session_invalid", "snapshot_session_not_found", "snapshot_session_forbidden", "snapshot_session_create_failed"};
    case step::snapshot_page: return {"snapshot_chunk_invalid", "snapshot_session_not_found", "snapshot_session_forbidden", "snapshot_chunk_failed"};
    case step::drop_snapshot:
        return {"snapshot_chunk_invalid", "snapshot_session_not_found", "snapshot_session_forbidden", "snapshot_session_delete_failed"};
    case step::connect: return {"connect_invalid", "not_found", "forbidden", "connect_failed"};
    case step::watch: return {"invalid_request", "not_found", "bundle_change_watch_forbidden", "bundle_change_watch_failed"};
    }
    return {"invalid_request", "not_found", "forbidden", "internal"};
}

}  // namespace detail

/// The status and code under which the operation @p what reports the engine's @p code (sheet 1.1). Three codes are ours: `invalid_cursor`
/// for a position that this server never gave, `bundle_too_large` for a bundle beyond its limits, and `too_large` for a body or a snapshot beyond theirs.
[[nodiscard]] constexpr error_code error_of(step what, errc code) noexcept {
    const detail::step_codes codes = detail::codes_of(what);
    switch (code) {
    case errc::malformed_json:
    case errc::malformed_message:
        if (what == step::commit) return {400, codes.invalid};
        return {400, what == step::make_snapshot || what == step::committed_rows || what == step::snapshot_page ? codes.invalid : "invalid_request"};
    case errc::invalid_cursor:
        // A device that is ahead of this server, or belongs to another one, starts over either way; foreign ones know this code for it.
        if (what == step::pull) return {409, "history_pruned"};
        return {409, "invalid_cursor"};
    case errc::too_large:
        return {413, what == step::create || what == step::chunk ? "bundle_too_large" : "too_large"};
    case errc::session_gone:
    case errc::absent: return {404, codes.gone};
    case errc::forbidden: return {403, codes.forbidden};
    case errc::unauthenticated: return {401, "authentication_failed"};
    case errc::history_pruned: return {409, "history_pruned"};
    case errc::stale:
        if (what == step::chunk) return {409, "push_chunk_out_of_order"};
        return {400, codes.invalid};
    case errc::out_of_sequence: return {409, what == step::commit ? "source_sequence_changed" : "source_sequence_out_of_order"};
    case errc::source_retired: return {409, "source_retired"};
    case errc::scope_uninitialized: return {409, "scope_uninitialized"};
    case errc::scope_initializing: return {409, "scope_initializing"};
    case errc::initialization_stale: return {409, "initialization_stale"};
    case errc::initialization_expired: return {410, "initialization_expired"};
    case errc::session_expired: return {410, what == step::snapshot_page || what == step::drop_snapshot ? "snapshot_session_expired" : "push_session_expired"};
    case errc::id_reused:
        if (what == step::make_snapshot) return {409, "source_replacement_invalid"};
        break;
    case errc::rate_limited: return {429, "rate_limited"};
    case errc::busy:
    case errc::unavailable:
    case errc::timed_out:
    case errc::storage_full: return {503, "service_unavailable"};
    default: break;
    }
    if (category_of(code) == fault_category::fix_request) return {400, codes.invalid};
    return {500, codes.failed};
}

/// A fault of the operation @p what as an answer.
[[nodiscard]] inline response fault_response(step what, const fault& why) {
    const error_code e = error_of(what, why.code);
    response r = json_error(e.status, e.code, why.detail);
    if (e.status == 503) set_header(r.headers, "Retry-After", "1");
    if (e.status == 429) set_header(r.headers, "Retry-After", "10");  // a session is in the way, which takes longer than a lock
    return r;
}

/// The answer to a source that was retired (sheet 1.1). @param replaced_by  the source that took its place; empty: none is known
[[nodiscard]] inline response source_retired_response(std::string_view source, std::string_view replaced_by, std::string_view message) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("error");
    w.string("source_retired");
    w.key("message");
    w.string(message);
    w.key("source_id");
    w.string(source);
    if (!replaced_by.empty()) {
        w.key("replaced_by_source_id");
        w.string(replaced_by);
    }
    w.end_object();
    return json_response(409, std::move(body));
}

/// The engine's code for the wire's @p code, as a device reads it; nothing: the code is not of this wire.
[[nodiscard]] constexpr std::optional<errc> errc_of(std::string_view code) noexcept {
    if (code == "invalid_request" || code == "push_session_invalid" || code == "push_chunk_invalid" || code == "push_commit_invalid" ||
        code == "committed_bundle_chunk_invalid" || code == "pull_invalid" || code == "snapshot_session_invalid" ||
        code == "snapshot_chunk_invalid" || code == "connect_invalid" || code == "method_not_allowed")
        return errc::malformed_message;
    if (code == "authentication_failed") return errc::unauthenticated;
    if (code == "service_unavailable") return errc::unavailable;
    if (code == "push_chunk_out_of_order") return errc::stale;
    if (code == "push_session_not_found" || code == "push_session_expired" || code == "snapshot_session_not_found" || code == "snapshot_session_expired")
        return errc::session_gone;
    if (code == "push_session_forbidden" || code == "snapshot_session_forbidden" || code == "bundle_change_watch_forbidden") return errc::forbidden;
    if (code == "bundle_change_watch_disabled") return errc::unavailable;
    if (code == "source_sequence_out_of_order" || code == "source_sequence_changed") return errc::out_of_sequence;
    if (code == "source_replacement_invalid") return errc::id_reused;
    if (code == "history_pruned") return errc::history_pruned;
    if (code == "committed_bundle_not_found" || code == "not_found") return errc::absent;
    if (code == "push_conflict") return errc::conflict;
    if (code == "row_refused") return errc::constraint;
    if (code == "bundle_too_large") return errc::too_large;
    if (code.ends_with("_failed") && code != name_of(errc::validation_failed)) return errc::internal;
    return errc_named(code);
}

/// What an answer with an error status tells a device.
struct refusal {
    fault why;
    std::string code;                      ///< the wire's own code; empty where the body has none
    std::optional<std::int64_t> row_ordinal;  ///< the row of the bundle that cannot be read, where the server names it
    std::string source;                    ///< `source_retired`: which one; empty: the server does not say
    std::string replaced_by;               ///< `source_retired`: the source that took its place; empty: the server does not say
};

/// Reads an error answer: by its code, or by its status where there is none (a proxy, a framework's text).
[[nodiscard]] inline refusal read_refusal(const response& answer, const json_limits& limits) {
    refusal out;
    const auto tape = json_tape::parse(answer.body, limits);
    if (tape && tape->root().is_object()) {
        const json_view root = tape->root();
        if (const auto code = root.find("error")) out.code = std::string{code->as_string()};
        if (const auto known = errc_of(out.code)) {
            out.why.code = *known;
            if (const auto message = root.find("message")) out.why.detail = std::string{message->as_string()};
            if (out.why.detail.empty()) out.why.detail = out.code;
            if (const auto row = root.find("row_ordinal"))
                if (const auto n = row->as_int_lenient()) out.row_ordinal = *n;
            if (*known == errc::source_retired) {
                if (const auto source = root.find("source_id")) out.source = std::string{source->as_string()};
                if (const auto by = root.find("replaced_by_source_id")) out.replaced_by = std::string{by->as_string()};
            }
            return out;
        }
    }
    out.why = syncline::fault_of(answer);
    return out;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
