#ifndef SYNCLINE_WIRE_BUNDLE_WATCH_MESSAGES_HPP
#define SYNCLINE_WIRE_BUNDLE_WATCH_MESSAGES_HPP

#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/bundle/rows.hpp>
#include <syncline/wire/bundle/watch_hub.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The name of the event.
inline constexpr std::string_view bundle_event = "bundle";
/// What a server sends so that the connection is known to live.
inline constexpr std::string_view heartbeat = ": heartbeat\n\n";

/// The bytes of an event of `GET watch` (sheet 1.10).
[[nodiscard]] inline std::string write_bundle_event(const bundle_news& news) {
    std::string out{"event: bundle\ndata: "};
    json_writer w{out};
    w.begin_object();
    w.key("bundle_seq");
    w.integer(news.seq);
    if (!news.source.empty()) {
        w.key("source_id");
        w.string(news.source);
        w.key("source_bundle_id");
        w.integer(news.source_bundle_id);
    }
    w.end_object();
    out.append("\n\n");
    return out;
}

/// Reads the data of such an event.
/// @return `errc::malformed_message` for bad JSON or a `bundle_seq` that is not positive
[[nodiscard]] inline result<bundle_news> read_bundle_event(std::string_view data, const json_limits& limits = {}) {
    auto tape = json_tape::parse(data, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the data of a bundle event is a JSON object");
    auto seq = detail::need_integer(root, "bundle_seq", 1);
    if (!seq) return std::move(seq).error();
    return bundle_news{*seq, detail::text_or_empty(root, "source_id"), detail::read_integer(root, "source_bundle_id", 0).value_or(0)};
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
