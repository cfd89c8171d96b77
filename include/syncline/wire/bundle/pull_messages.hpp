#ifndef SYNCLINE_WIRE_BUNDLE_PULL_MESSAGES_HPP
#define SYNCLINE_WIRE_BUNDLE_PULL_MESSAGES_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/source_replacement.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/incarnation.hpp>
#include <syncline/wire/bundle/push_messages.hpp>
#include <syncline/wire/bundle/rows.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The number in the query parameter @p name of @p target, or @p otherwise where it is not there.
/// @return `errc::malformed_message` for anything but a decimal number of 64 bits, not below @p least
[[nodiscard]] inline result<std::int64_t> query_number(std::string_view target, std::string_view name, std::int64_t otherwise, std::int64_t least) {
    auto text = query_parameter(target, name);
    if (!text) return std::move(text).error();
    if (!*text) return otherwise;
    std::int64_t number = 0;
    const auto& digits = **text;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (end.ec != std::errc{} || end.ptr != digits.data() + digits.size() || number < least)
        return make_fault(errc::malformed_message, "the query parameter `", name, "` is a whole number, at least ", std::to_string(least));
    return number;
}

/// A page of the rows of a committed bundle, as a device reads it (sheet 1.8).
struct committed_page {
    committed_head head;
    std::vector<row_image> rows;
    bool more = false;
};

/// One bundle of a pull, as a device reads it.
struct pulled_bundle {
    std::int64_t seq = 0;
    std::string source;
    std::vector<row_image> rows;
};

/// A page of a pull, as a device reads it (sheet 1.9).
struct pull_reply {
    cursor stable = 0;
    std::vector<pulled_bundle> bundles;
    bool more = false;
    told_incarnation of;
    std::optional<fault> unreadable;  ///< the bundle after the last one here has a row that cannot be read: which, and why
};

/// A new snapshot session, as a device reads it (sheet 1.11).
struct snapshot_reply {
    std::string id;
    std::int64_t seq = 0;
    std::int64_t row_count = 0;
    told_incarnation of;
};

/// A page of a snapshot, as a device reads it (sheet 1.12).
struct snapshot_page_reply {
    std::int64_t seq = 0;
    std::vector<row_image> rows;
    std::int64_t next = 0;
    bool more = false;
};

/// The number under which a bundle of a source that does not number them travels: its `bundle_seq`, since a peer wants a positive one.
[[nodiscard]] inline std::int64_t source_bundle_id_of(const bundle_head& head) noexcept {
    return head.source_bundle_id > 0 ? head.source_bundle_id : head.seq;
}

/// Writes the rows @p part of a committed bundle, the first of which has the ordinal @p first (from 0).
/// @param after  what the request gave as `after_row_ordinal`, for a page without rows
[[nodiscard]] inline std::string write_committed_page(const table_names& names, const committed_head& head, const std::vector<row_change>& part,
                                                      std::int64_t first, std::int64_t after) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    detail::write_committed(w, head);
    w.key("rows");
    w.begin_array();
    for (const auto& row : part) write_bundle_row(w, names, row);
    w.end_array();
    const auto count = static_cast<std::int64_t>(part.size());
    w.key("next_row_ordinal");
    w.integer(count == 0 ? (after < 0 ? 0 : after) : first + count - 1);
    w.key("has_more");
    w.boolean(first + count < static_cast<std::int64_t>(head.row_count));
    w.end_object();
    return body;
}

/// Reads a page of committed rows that was asked for from ordinal @p first on, and hashes its rows as they came.
[[nodiscard]] inline result<committed_page> read_committed_page(std::string_view body, const table_names& names, std::int64_t first,
                                                                bundle_hasher& hasher, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "committed rows are a JSON object");
    committed_page out;
    auto head = detail::read_committed(root);
    if (!head) return std::move(head).error();
    out.head = std::move(*head);
    const auto rows = root.find("rows");
    if (!rows || !rows->is_array()) return make_fault(errc::malformed_message, "`rows` is missing; it is an array");
    for (const auto& entry : *rows) {
        auto row = read_bundle_row(entry, names);
        if (!row) return fault_of_row(std::move(row).error(), static_cast<std::size_t>(first) + out.rows.size(), entry);
        if (row->version != out.head.seq) return make_fault(errc::malformed_message, "a committed row has another version than its bundle");
        if (auto r = hasher.add(entry, names.speaks()); !r) return std::move(r).error();
        out.rows.push_back(std::move(*row));
    }
    auto next = detail::need_integer(root, "next_row_ordinal", 0);
    if (!next) return std::move(next).error();
    out.more = detail::flag(root, "has_more");
    const std::int64_t end = first + static_cast<std::int64_t>(out.rows.size());
    if (out.rows.empty() || *next != end - 1 || end > out.head.row_count || out.more != (end < out.head.row_count))
        return make_fault(errc::malformed_message, "a page of committed rows does not continue the one before it");
    return out;
}

/// Writes a page of a pull.
/// @param hashes  of each bundle
[[nodiscard]] inline std::string write_pull_answer(const table_names& names, const bundle_page& page, const std::vector<std::string>& hashes,
                                                   const told_incarnation& of) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("stable_bundle_seq");
    w.integer(page.stable);
    w.key("bundles");
    w.begin_array();
    for (std::size_t i = 0; i < page.bundles.size(); ++i) {
        const bundle& b = page.bundles[i];
        w.begin_object();
        detail::write_committed(w, {b.head.seq, b.head.source, source_bundle_id_of(b.head), static_cast<std::uint32_t>(b.rows.size()), hashes[i], {}});
        w.key("rows");
        w.begin_array();
        for (const auto& row : b.rows) write_bundle_row(w, names, row);
        w.end_array();
        w.end_object();
    }
    w.end_array();
    w.key("has_more");
    w.boolean(page.more);
    write_incarnation(w, of);
    w.end_object();
    return body;
}

/// Reads a page of a pull that was asked for after @p after. A bundle is atomic: one with a row that cannot be read ends the page before it.
[[nodiscard]] inline result<pull_reply> read_pull_answer(std::string_view body, const table_names& names, cursor after, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer to a pull is a JSON object");
    pull_reply out;
    out.of = read_incarnation(root);
    auto stable = detail::need_integer(root, "stable_bundle_seq", 0);
    if (!stable) return std::move(stable).error();
    out.stable = *stable;
    out.more = detail::flag(root, "has_more");
    const auto bundles = root.find("bundles");
    if (!bundles || !bundles->is_array()) return make_fault(errc::malformed_message, "`bundles` is missing; it is an array");
    std::int64_t last = after;
    for (const auto& entry : *bundles) {
        pulled_bundle b;
        auto seq = detail::need_integer(entry, "bundle_seq", 1);
        if (!seq) return std::move(seq).error();
        if (*seq <= last || *seq > out.stable) return make_fault(errc::malformed_message, "the bundles of a page do not rise up to the stable one");
        b.seq = last = *seq;
        b.source = detail::text_or_empty(entry, "source_id");
        const auto rows = entry.find("rows");
        if (!rows || !rows->is_array()) return make_fault(errc::malformed_message, "a bundle carries no `rows`");
        auto count = detail::read_integer(entry, "row_count", static_cast<std::int64_t>(rows->size()));
        if (!count) return std::move(count).error();
        if (static_cast<std::uint64_t>(*count) != rows->size()) return make_fault(errc::malformed_message, "a bundle has another number of rows than it says");
        bundle_hasher hasher;
        for (const auto& sent_row : *rows) {
            auto row = read_bundle_row(sent_row, names);
            if (!row) {
                out.unreadable = fault_of_row(std::move(row).error(), b.rows.size(), sent_row);
                out.unreadable->detail.insert(0, std::string{"bundle "}.append(std::to_string(b.seq)).append(", "));
                return out;
            }
            if (auto r = hasher.add(sent_row, names.speaks()); !r) return std::move(r).error();
            b.rows.push_back(std::move(*row));
        }
        if (const std::string told = detail::text_or_empty(entry, "bundle_hash"); !told.empty() && told != hasher.finish()) {
            out.unreadable = make_fault(errc::corrupt, "bundle ", std::to_string(b.seq), ": its rows do not have the hash that the server gave for it");
            return out;
        }
        out.bundles.push_back(std::move(b));
    }
    if (out.stable >= after && (out.more ? out.bundles.empty() : last != out.stable))
        return make_fault(errc::malformed_message, "the server ends before the bundle that it calls stable; pulling on would never arrive there");
    return out;
}

/// Writes the answer to a new snapshot session. @param byte_count  of its payloads
[[nodiscard]] inline std::string write_snapshot(const snapshot_head& head, std::int64_t byte_count, const told_incarnation& of) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("snapshot_id");
    w.string(head.id);
    w.key("snapshot_bundle_seq");
    w.integer(head.seq);
    w.key("row_count");
    w.integer(head.row_count);
    if (byte_count > 0) {
        w.key("byte_count");
        w.integer(byte_count);
    }
    w.key("expires_at");
    w.string(format_rfc3339(head.expires).value_or("9999-12-31T23:59:59Z"));
    write_incarnation(w, of);
    w.end_object();
    return body;
}

/// Reads the answer to a new snapshot session.
[[nodiscard]] inline result<snapshot_reply> read_snapshot(std::string_view body, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer to a new snapshot session is a JSON object");
    snapshot_reply out;
    auto id = detail::need_text(root, "snapshot_id");
    if (!id) return std::move(id).error();
    out.id = std::move(*id);
    auto seq = detail::need_integer(root, "snapshot_bundle_seq", 0);
    if (!seq) return std::move(seq).error();
    out.seq = *seq;
    auto rows = detail::need_integer(root, "row_count", 0);
    if (!rows) return std::move(rows).error();
    out.row_count = *rows;
    auto expires = detail::need_text(root, "expires_at");
    if (!expires) return std::move(expires).error();
    if (!parse_rfc3339(*expires)) return make_fault(errc::malformed_message, "`expires_at` is a time in RFC 3339");
    out.of = read_incarnation(root);
    return out;
}

/// Writes the body of a request for a snapshot session (sheet 1.11). @param replacing  what is to become of the source; nothing: it stays
[[nodiscard]] inline std::string write_snapshot_request(const std::optional<source_replacement>& replacing) {
    std::string body;
    if (!replacing) return body;
    json_writer w{body};
    w.begin_object();
    w.key("source_replacement");
    w.begin_object();
    w.key("previous_source_id");
    w.string(replacing->previous);
    w.key("new_source_id");
    w.string(replacing->next);
    w.key("reason");
    w.string(replacing->reason);
    w.end_object();
    w.end_object();
    return body;
}

/// Reads the body of a request for a snapshot session: none, or an object that may name a replacement of the source, and nothing else.
/// @return `errc::malformed_json`, `malformed_message`, or `malformed_value` for ids that cannot be taken
[[nodiscard]] inline result<std::optional<source_replacement>> read_snapshot_request(std::string_view body, const json_limits& limits) {
    std::optional<source_replacement> out;
    if (detail::trimmed(body).empty()) return out;
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    if (!tape->root().is_object()) return make_fault(errc::malformed_message, "the body is empty or an object");
    for (const auto& member : tape->root().members()) {
        if (member.key != "source_replacement") return make_fault(errc::malformed_message, "the body has the unknown member `", member.key, "`");
        if (member.value.is_null()) continue;
        if (!member.value.is_object()) return make_fault(errc::malformed_message, "`source_replacement` is an object");
        source_replacement asked;
        for (const auto& part : member.value.members()) {
            std::string* into = part.key == "previous_source_id" ? &asked.previous
                                : part.key == "new_source_id"    ? &asked.next
                                : part.key == "reason"           ? &asked.reason
                                                                 : nullptr;
            if (into == nullptr) return make_fault(errc::malformed_message, "`source_replacement` has the unknown member `", part.key, "`");
            if (!part.value.is_string()) return make_fault(errc::malformed_message, "`", part.key, "` is a string");
            *into = std::string{part.value.as_string()};
        }
        if (auto r = detail::check_id(asked.previous, "previous_source_id"); !r) return std::move(r).error();
        if (auto r = detail::check_id(asked.next, "new_source_id"); !r) return std::move(r).error();
        out = std::move(asked);
    }
    return out;
}

/// Writes the rows of a snapshot after ordinal @p after (from 1 on).
[[nodiscard]] inline std::string write_snapshot_page(const table_names& names, const snapshot_head& head, const std::vector<row_image>& rows,
                                                     std::int64_t after) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("snapshot_id");
    w.string(head.id);
    w.key("snapshot_bundle_seq");
    w.integer(head.seq);
    w.key("rows");
    w.begin_array();
    for (const auto& row : rows) write_snapshot_row(w, names, row);
    w.end_array();
    const std::int64_t next = after + static_cast<std::int64_t>(rows.size());
    w.key("next_row_ordinal");
    w.integer(next);
    w.key("has_more");
    w.boolean(!rows.empty() && next < static_cast<std::int64_t>(head.row_count));
    w.end_object();
    return body;
}

/// Reads a page of the snapshot @p id that was asked for after ordinal @p after.
[[nodiscard]] inline result<snapshot_page_reply> read_snapshot_page(std::string_view body, const table_names& names, std::string_view id,
                                                                    std::int64_t after, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "a page of a snapshot is a JSON object");
    if (detail::text_or_empty(root, "snapshot_id") != id) return make_fault(errc::malformed_message, "the server answered with another snapshot");
    snapshot_page_reply out;
    auto seq = detail::need_integer(root, "snapshot_bundle_seq", 0);
    if (!seq) return std::move(seq).error();
    out.seq = *seq;
    const auto rows = root.find("rows");
    if (!rows || !rows->is_array()) return make_fault(errc::malformed_message, "`rows` is missing; it is an array");
    for (const auto& entry : *rows) {
        auto row = read_snapshot_row(entry, names);
        if (!row) return fault_of_row(std::move(row).error(), static_cast<std::size_t>(after) + out.rows.size(), entry);
        out.rows.push_back(std::move(*row));
    }
    auto next = detail::need_integer(root, "next_row_ordinal", 0);
    if (!next) return std::move(next).error();
    out.next = *next;
    out.more = detail::flag(root, "has_more");
    if (out.next != after + static_cast<std::int64_t>(out.rows.size()) || (out.more && out.rows.empty()))
        return make_fault(errc::malformed_message, "a page of a snapshot does not continue the one before it");
    return out;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
