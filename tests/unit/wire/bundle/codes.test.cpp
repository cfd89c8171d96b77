#include <syncline/wire/bundle/codes.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>

namespace codes_test {

using namespace syncline;
using bundle_wire::step;

TEST_CASE("bundle codes: each operation reports with the codes and statuses of the protocol") {
    struct row {
        step what;
        errc code;
        int status;
        const char* name;
    };
    for (const row& r : {row{step::create, errc::malformed_json, 400, "invalid_request"},
                         row{step::create, errc::malformed_value, 400, "push_session_invalid"},
                         row{step::create, errc::history_pruned, 409, "history_pruned"},
                         row{step::create, errc::out_of_sequence, 409, "source_sequence_out_of_order"},
                         row{step::create, errc::source_retired, 409, "source_retired"},
                         row{step::create, errc::internal, 500, "push_session_create_failed"},
                         row{step::create, errc::busy, 503, "service_unavailable"},
                         row{step::chunk, errc::malformed_json, 400, "invalid_request"},
                         row{step::chunk, errc::unknown_field, 400, "push_chunk_invalid"},
                         row{step::create, errc::too_large, 413, "bundle_too_large"},
                         row{step::chunk, errc::too_large, 413, "bundle_too_large"},
                         row{step::chunk, errc::malformed_value, 400, "push_chunk_invalid"},
                         row{step::chunk, errc::stale, 409, "push_chunk_out_of_order"},
                         row{step::chunk, errc::session_gone, 404, "push_session_not_found"},
                         row{step::chunk, errc::forbidden, 403, "push_session_forbidden"},
                         row{step::chunk, errc::io_error, 500, "push_chunk_failed"},
                         row{step::commit, errc::stale, 400, "push_commit_invalid"},
                         row{step::commit, errc::malformed_message, 400, "push_commit_invalid"},
                         row{step::commit, errc::session_gone, 404, "push_session_not_found"},
                         row{step::commit, errc::forbidden, 403, "push_session_forbidden"},
                         row{step::commit, errc::out_of_sequence, 409, "source_sequence_changed"},
                         row{step::commit, errc::corrupt, 500, "push_session_commit_failed"},
                         row{step::drop_session, errc::forbidden, 403, "push_session_forbidden"},
                         row{step::drop_session, errc::bug, 500, "push_session_delete_failed"},
                         row{step::committed_rows, errc::malformed_message, 400, "committed_bundle_chunk_invalid"},
                         row{step::committed_rows, errc::history_pruned, 409, "history_pruned"},
                         row{step::committed_rows, errc::absent, 404, "committed_bundle_not_found"},
                         row{step::committed_rows, errc::internal, 500, "committed_bundle_rows_failed"},
                         row{step::pull, errc::malformed_message, 400, "invalid_request"},
                         row{step::pull, errc::history_pruned, 409, "history_pruned"},
                         row{step::pull, errc::invalid_cursor, 409, "history_pruned"},
                         row{step::pull, errc::internal, 500, "pull_failed"},
                         row{step::make_snapshot, errc::malformed_json, 400, "snapshot_session_invalid"},
                         row{step::make_snapshot, errc::internal, 500, "snapshot_session_create_failed"},
                         row{step::snapshot_page, errc::malformed_message, 400, "snapshot_chunk_invalid"},
                         row{step::snapshot_page, errc::session_gone, 404, "snapshot_session_not_found"},
                         row{step::snapshot_page, errc::forbidden, 403, "snapshot_session_forbidden"},
                         row{step::snapshot_page, errc::internal, 500, "snapshot_chunk_failed"},
                         row{step::drop_snapshot, errc::forbidden, 403, "snapshot_session_forbidden"},
                         row{step::drop_snapshot, errc::internal, 500, "snapshot_session_delete_failed"},
                         row{step::connect, errc::malformed_json, 400, "invalid_request"},
                         row{step::connect, errc::malformed_value, 400, "connect_invalid"},
                         row{step::connect, errc::internal, 500, "connect_failed"},
                         row{step::create, errc::scope_uninitialized, 409, "scope_uninitialized"},
                         row{step::create, errc::scope_initializing, 409, "scope_initializing"},
                         row{step::create, errc::initialization_stale, 409, "initialization_stale"},
                         row{step::chunk, errc::initialization_expired, 410, "initialization_expired"},
                         row{step::chunk, errc::session_expired, 410, "push_session_expired"},
                         row{step::commit, errc::session_expired, 410, "push_session_expired"},
                         row{step::snapshot_page, errc::session_expired, 410, "snapshot_session_expired"},
                         row{step::make_snapshot, errc::id_reused, 409, "source_replacement_invalid"},
                         row{step::make_snapshot, errc::source_retired, 409, "source_retired"}}) {
        INFO(r.name);
        const auto e = bundle_wire::error_of(r.what, r.code);
        CHECK(e.status == r.status);
        CHECK(e.code == r.name);
        const auto answer = bundle_wire::fault_response(r.what, fault{r.code, "why"});
        CHECK(answer.status == r.status);
        CHECK(answer.body == std::string{R"({"error":")"} + r.name + R"(","message":"why"})");
        CHECK(find_header(answer.headers, "Retry-After").has_value() == (r.status == 503));
    }
}

TEST_CASE("bundle codes: a device knows every code that a server may send") {
    for (int s = 0; s <= static_cast<int>(step::connect); ++s)
        for (std::uint16_t n = 1; n < 100; ++n) {
            const auto code = static_cast<errc>(n);
            if (name_of(code) == "unknown") continue;
            const auto e = bundle_wire::error_of(static_cast<step>(s), code);
            INFO(e.code);
            CHECK(e.status >= 400);
            if (e.code == "forbidden" || e.code == "not_found") continue;
            CHECK(bundle_wire::errc_of(e.code));
        }
    CHECK(bundle_wire::errc_of("push_session_expired") == errc::session_gone);
    CHECK(bundle_wire::errc_of("source_sequence_changed") == errc::out_of_sequence);
    CHECK(bundle_wire::errc_of("push_conflict") == errc::conflict);
    for (const char* code : {"pull_invalid", "method_not_allowed"}) CHECK(bundle_wire::errc_of(code) == errc::malformed_message);
    CHECK(bundle_wire::errc_of("validation_failed") == errc::validation_failed);
    CHECK(bundle_wire::errc_of("watch_failed") == errc::internal);
    CHECK(!bundle_wire::errc_of("nonsense"));
    CHECK(!bundle_wire::errc_of(""));
}

TEST_CASE("bundle codes: an answer without a code is read by its status") {
    const json_limits limits;
    const auto read = [&](int status, std::string body) { return bundle_wire::read_refusal(response{status, {}, std::move(body)}, limits); };
    CHECK(read(401, "Invalid token").why.code == errc::unauthenticated);
    CHECK(read(404, "<html>").why.code == errc::absent);
    CHECK(read(404, "<html>").code.empty());
    CHECK(read(410, "").why.code == errc::session_gone);
    CHECK(read(413, "").why.code == errc::too_large);
    CHECK(read(502, "").why.code == errc::unavailable);
    CHECK(read(500, "{}").why.code == errc::internal);
    CHECK(read(409, R"({"error":"history_pruned"})").why.code == errc::history_pruned);
    CHECK(read(409, R"({"error":"history_pruned"})").why.detail == "history_pruned");
    const auto named = read(400, R"({"error":"push_chunk_invalid","message":"row 7: no","row_ordinal":7})");
    CHECK(named.row_ordinal == 7);
    CHECK(named.why == fault{errc::malformed_message, "row 7: no"});
    CHECK(!read(400, R"({"error":"push_chunk_invalid","row_ordinal":"x"})").row_ordinal);
    CHECK(read(400, R"({"error":5})").why.code == errc::malformed_message);
    CHECK(read(410, R"({"error":"initialization_expired"})").why.code == errc::initialization_expired);
    CHECK(read(409, R"({"error":"initialization_stale"})").why.code == errc::initialization_stale);
    CHECK(read(409, R"({"error":"scope_initializing"})").why.code == errc::scope_initializing);
    CHECK(read(409, R"({"error":"scope_uninitialized"})").why.code == errc::scope_uninitialized);
    CHECK(read(409, R"({"error":"source_replacement_invalid"})").why.code == errc::id_reused);
}

TEST_CASE("bundle codes: a retired source is told by name, with the one that took its place where there is one") {
    const json_limits limits;
    const auto told = bundle_wire::source_retired_response("old", "new", "why");
    CHECK(told.status == 409);
    CHECK(told.body == R"({"error":"source_retired","message":"why","source_id":"old","replaced_by_source_id":"new"})");
    const auto read = bundle_wire::read_refusal(told, limits);
    CHECK(read.why == fault{errc::source_retired, "why"});
    CHECK(read.source == "old");
    CHECK(read.replaced_by == "new");
    const auto bare = bundle_wire::source_retired_response("old", {}, "why");
    CHECK(bare.body == R"({"error":"source_retired","message":"why","source_id":"old"})");
    CHECK(bundle_wire::read_refusal(bare, limits).replaced_by.empty());
}

}  // namespace codes_test
