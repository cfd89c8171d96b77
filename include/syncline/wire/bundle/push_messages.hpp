#ifndef SYNCLINE_WIRE_BUNDLE_PUSH_MESSAGES_HPP
#define SYNCLINE_WIRE_BUNDLE_PUSH_MESSAGES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/rows.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/incarnation.hpp>
#include <syncline/wire/value_json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// What is sent to open a push session (sheet 1.4).
struct create_request {
    std::int64_t source_bundle_id = 0;
    std::uint32_t planned_row_count = 0;
    std::string initialization_id;  ///< of the connect lifecycle; empty: none
};

/// What stands for the hash of a committed bundle whose rows are forgotten (the field is never empty on this wire). It says nothing of the rows:
/// those that a server which came back from a backup still has are others' business to check.
inline constexpr std::string_view forgotten_hash = "pruned";

/// How a bundle was committed (sheet 1.6), as the answer to a commit, to a repeated create, and at the head of committed rows.
struct committed_head {
    std::int64_t seq = 0;
    std::string source;
    std::int64_t source_bundle_id = 0;
    std::uint32_t row_count = 0;
    std::string bundle_hash;   ///< of the committed rows, 2.11; empty: they are forgotten, and nothing is known of them
    std::string content_hash;  ///< ours: of what was uploaded, so that a device can tell a receipt for other content; empty: none
};

/// The answer to a create, as a device reads it.
struct create_answer {
    std::optional<committed_head> committed;  ///< the source bundle is known: nothing is to be sent
    std::string push_id;                      ///< otherwise: the new session
    told_incarnation of;                      ///< ours
};

/// One part of an upload, as a server reads it (sheet 1.5).
struct chunk_request {
    std::uint32_t first = 0;
    std::vector<mutation> rows;
};

/// Why a chunk cannot be taken. Nothing of it is kept.
struct chunk_fault {
    fault why;
    std::optional<std::uint64_t> row_ordinal;  ///< the row of the bundle that is at fault; nothing: the chunk as a whole
};

/// Writes the body of a create. @param initialization_id  of the connect lifecycle; empty: none
[[nodiscard]] inline std::string write_create(std::int64_t source_bundle_id, std::size_t planned_row_count, std::string_view initialization_id = {}) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("source_bundle_id");
    w.integer(source_bundle_id);
    w.key("planned_row_count");
    w.integer(static_cast<std::int64_t>(planned_row_count));
    if (!initialization_id.empty()) {
        w.key("initialization_id");
        w.string(initialization_id);
    }
    w.end_object();
    return body;
}

/// Reads the body of a create. @return `errc::malformed_json` or `malformed_message` for what is no create at all, `errc::too_large`,
///         `errc::malformed_value` for numbers out of range, or without what @p speaks needs
[[nodiscard]] inline result<create_request> read_create(std::string_view body, const json_limits& limits, const dialect& speaks = g0) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the body is an object with `source_bundle_id` and `planned_row_count`");
    create_request out;
    auto id = detail::read_integer(root, "source_bundle_id", 0);
    if (!id) return std::move(id).error();
    auto rows = detail::read_integer(root, "planned_row_count", 0);
    if (!rows) return std::move(rows).error();
    if (const auto lease = root.find("initialization_id"); lease && !lease->is_null()) {
        if (!lease->is_string()) return make_fault(errc::malformed_message, "`initialization_id` is a string");
        out.initialization_id = std::string{lease->as_string()};
        if (!out.initialization_id.empty())
            if (auto r = detail::check_id(out.initialization_id, "initialization_id"); !r) return std::move(r).error();
    }
    if (!speaks.needed_in_create.empty() && detail::text_or_empty(root, speaks.needed_in_create).empty())
        return make_fault(errc::malformed_value, "`", speaks.needed_in_create, "` is missing; this generation of the protocol needs it");
    if (*id <= 0) return make_fault(errc::malformed_value, "`source_bundle_id` is a positive number");
    if (*rows <= 0 || *rows > (std::numeric_limits<std::uint32_t>::max)())
        return make_fault(errc::malformed_value, "`planned_row_count` is a positive number of 32 bits");
    out.source_bundle_id = *id;
    out.planned_row_count = static_cast<std::uint32_t>(*rows);
    return out;
}

namespace detail {

inline void write_committed(json_writer& w, const committed_head& c) {
    w.key("bundle_seq");
    w.integer(c.seq);
    w.key("source_id");
    w.string(c.source);
    w.key("source_bundle_id");
    w.integer(c.source_bundle_id);
    w.key("row_count");
    w.integer(c.row_count);
    w.key("bundle_hash");
    w.string(c.bundle_hash.empty() ? forgotten_hash : std::string_view{c.bundle_hash});
}

inline void write_own(json_writer& w, std::string_view member, const std::string& text) {
    if (text.empty()) return;
    w.key(member);
    w.string(text);
}

[[nodiscard]] inline result<committed_head> read_committed(json_view root) {
    committed_head out;
    auto seq = need_integer(root, "bundle_seq", 1);
    if (!seq) return std::move(seq).error();
    auto source = need_text(root, "source_id");
    if (!source) return std::move(source).error();
    auto id = need_integer(root, "source_bundle_id", 1);
    if (!id) return std::move(id).error();
    auto rows = need_integer(root, "row_count", 1);
    if (!rows) return std::move(rows).error();
    if (*rows > (std::numeric_limits<std::uint32_t>::max)()) return make_fault(errc::malformed_message, "`row_count` is a number of 32 bits");
    auto hash = need_text(root, "bundle_hash");
    if (!hash) return std::move(hash).error();
    out.seq = *seq;
    out.source = std::move(*source);
    out.source_bundle_id = *id;
    out.row_count = static_cast<std::uint32_t>(*rows);
    if (*hash != forgotten_hash) out.bundle_hash = std::move(*hash);
    out.content_hash = text_or_empty(root, "content_hash");
    return out;
}

}  // namespace detail

/// Writes the answer to a create that opened a session.
[[nodiscard]] inline std::string write_staging(std::string_view push_id, std::uint32_t planned_row_count, const told_incarnation& of) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("push_id");
    w.string(push_id);
    w.key("status");
    w.string("staging");
    w.key("planned_row_count");
    w.integer(planned_row_count);
    write_incarnation(w, of);
    w.end_object();
    return body;
}

/// Writes the answer to a create of a bundle that was committed before.
[[nodiscard]] inline std::string write_already_committed(const committed_head& c, const told_incarnation& of) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("status");
    w.string("already_committed");
    detail::write_committed(w, c);
    detail::write_own(w, "content_hash", c.content_hash);
    write_incarnation(w, of);
    w.end_object();
    return body;
}

/// Reads the answer to a create of @p planned rows.
[[nodiscard]] inline result<create_answer> read_create_answer(std::string_view body, std::size_t planned, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer to a new push session is a JSON object");
    create_answer out;
    out.of = read_incarnation(root);
    const std::string status = detail::text_or_empty(root, "status");
    if (status == "already_committed") {
        auto head = detail::read_committed(root);
        if (!head) return std::move(head).error();
        out.committed = std::move(*head);
        return out;
    }
    if (status != "staging") return make_fault(errc::malformed_message, "a new push session has the unknown status `", status, "`");
    auto id = detail::need_text(root, "push_id");
    if (!id) return std::move(id).error();
    out.push_id = std::move(*id);
    auto rows = detail::need_integer(root, "planned_row_count", 1);
    if (!rows) return std::move(rows).error();
    auto next = detail::read_integer(root, "next_expected_row_ordinal", 0);
    if (!next) return std::move(next).error();
    if (static_cast<std::uint64_t>(*rows) != planned || *next != 0)
        return make_fault(errc::malformed_message, "the server opened a push session for another number of rows than was asked for");
    return out;
}

/// Writes rows [@p first, @p first + @p count) of a batch as a chunk.
[[nodiscard]] inline std::string write_chunk(const table_names& names, const std::vector<batch_item>& items, std::size_t first, std::size_t count) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("start_row_ordinal");
    w.integer(static_cast<std::int64_t>(first));
    w.key("rows");
    w.begin_array();
    for (std::size_t i = first; i < items.size() && i < first + count; ++i) write_push_row(w, names, items[i].what);
    w.end_array();
    w.end_object();
    return body;
}

/// Reads a chunk of at most @p max_rows rows. @param bad  filled when it cannot be taken
/// @param now  when a change counts as made whose row does not say it
/// @return nothing: see @p bad
[[nodiscard]] inline std::optional<chunk_request> read_chunk(std::string_view body, const table_names& names, const json_limits& limits,
                                                             std::size_t max_rows, timestamp now, chunk_fault& bad) {
    const auto refuse = [&](fault why) -> std::optional<chunk_request> {
        bad.why = std::move(why);
        return std::nullopt;
    };
    auto tape = json_tape::parse(body, limits);
    if (!tape) return refuse(std::move(tape).error());
    const json_view root = tape->root();
    if (!root.is_object()) return refuse(make_fault(errc::malformed_message, "the body is an object with `start_row_ordinal` and `rows`"));
    auto first = detail::read_integer(root, "start_row_ordinal", 0);
    if (!first) return refuse(std::move(first).error());
    if (*first < 0 || *first > (std::numeric_limits<std::uint32_t>::max)())
        return refuse(make_fault(errc::malformed_value, "`start_row_ordinal` is a number of 32 bits, not below 0"));
    const auto rows = root.find("rows");
    if (!rows || !rows->is_array() || rows->size() == 0) return refuse(make_fault(errc::malformed_value, "`rows` is an array with at least one row"));
    if (rows->size() > max_rows)
        return refuse(make_fault(errc::malformed_value, "the chunk has ", std::to_string(rows->size()), " rows, the limit is ", std::to_string(max_rows)));
    chunk_request out;
    out.first = static_cast<std::uint32_t>(*first);
    out.rows.reserve(rows->size());
    std::set<record_key> seen;
    for (const auto& row : *rows) {
        const std::uint64_t ordinal = std::uint64_t{out.first} + out.rows.size();
        auto read = read_push_row(row, names, now);
        fault why;
        if (!read)
            why = std::move(read).error();
        else if (!seen.insert(read->what.key).second)
            why = make_fault(errc::malformed_message, "its record stands in this chunk already; send each record once");
        if (!read || !why.detail.empty()) {
            bad.row_ordinal = ordinal;
            return refuse(fault{why.code, std::string{"row "}.append(std::to_string(ordinal)).append(": ").append(why.detail)});
        }
        out.rows.push_back(std::move(*read));
    }
    return out;
}

/// The answer to a chunk that cannot be taken: `push_chunk_invalid`, with the row (ours: `row_ordinal`, `reason`) where one is at fault.
[[nodiscard]] inline response chunk_refused(const chunk_fault& bad) {
    if (!bad.row_ordinal) {
        const bool unread = bad.why.code == errc::malformed_json || bad.why.code == errc::malformed_message;
        if (bad.why.code == errc::too_large) return json_error(413, "too_large", bad.why.detail);
        return json_error(400, unread ? "invalid_request" : "push_chunk_invalid", bad.why.detail);
    }
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("error");
    w.string("push_chunk_invalid");
    w.key("message");
    w.string(bad.why.detail);
    w.key("row_ordinal");
    w.integer(static_cast<std::int64_t>(*bad.row_ordinal));
    w.key("reason");
    w.string(name_of(bad.why.code));
    w.end_object();
    return json_response(400, std::move(body));
}

/// Writes the answer to a chunk that was taken.
[[nodiscard]] inline std::string write_chunk_answer(std::string_view push_id, std::uint32_t next) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("push_id");
    w.string(push_id);
    w.key("next_expected_row_ordinal");
    w.integer(next);
    w.end_object();
    return body;
}

/// Reads the answer to a chunk. @return the row that the session expects next
[[nodiscard]] inline result<std::int64_t> read_chunk_answer(std::string_view body, std::string_view push_id, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object() || detail::text_or_empty(root, "push_id") != push_id)
        return make_fault(errc::malformed_message, "the answer to a chunk names another push session");
    return detail::need_integer(root, "next_expected_row_ordinal", 0);
}

/// Writes the answer to a commit that took effect.
[[nodiscard]] inline std::string write_committed(const committed_head& c) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    detail::write_committed(w, c);
    detail::write_own(w, "content_hash", c.content_hash);
    w.end_object();
    return body;
}

/// Reads the answer to a commit that took effect.
[[nodiscard]] inline result<committed_head> read_commit_answer(std::string_view body, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    if (!tape->root().is_object()) return make_fault(errc::malformed_message, "the answer to a commit is a JSON object");
    return detail::read_committed(tape->root());
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
