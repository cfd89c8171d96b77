#ifndef SYNCLINE_WIRE_INCARNATION_HPP
#define SYNCLINE_WIRE_INCARNATION_HPP

#include <syncline/change/incarnation.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/http_fault.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Which incarnation of the data an answer speaks of (ENGINE.md rule 10): ours on both wires, members `epoch` and `lost`.
struct told_incarnation {
    std::string epoch;    ///< empty: the peer does not say
    lost_intervals lost;  ///< what restores from backups undid
};

/// The header by which a Syncline device names the epoch that it knows, percent-encoded, on a wire whose requests have no body of ours.
inline constexpr std::string_view epoch_header = "Syncline-Epoch";

/// Writes both members into the object that is open. `lost` is an array of `[after_seq, before_seq, after_stamp, before_stamp]`; it is left
/// out where nothing was restored.
inline void write_incarnation(json_writer& w, const told_incarnation& of) {
    if (of.epoch.empty()) return;
    w.key("epoch");
    w.string(of.epoch);
    if (of.lost.empty()) return;
    w.key("lost");
    w.begin_array();
    for (const auto& interval : of.lost) {
        w.begin_array();
        for (const auto n : {interval.after_seq, interval.before_seq, interval.after_stamp, interval.before_stamp}) w.integer(n);
        w.end_array();
    }
    w.end_array();
}

/// Reads both members of @p answer. Entries of `lost` that have another form are passed over: a peer that does not say is one that lost nothing.
[[nodiscard]] inline told_incarnation read_incarnation(json_view answer) {
    told_incarnation out;
    if (const auto epoch = answer.find("epoch"); epoch && epoch->is_string()) out.epoch = std::string{epoch->as_string()};
    const auto all = answer.find("lost");
    if (!all || !all->is_array()) return out;
    for (const auto& entry : *all) {
        if (!entry.is_array() || entry.size() != 4) continue;
        lost_interval interval;
        std::int64_t* into[] = {&interval.after_seq, &interval.before_seq, &interval.after_stamp, &interval.before_stamp};
        std::size_t at = 0;
        for (const auto& number : entry) {
            const auto n = number.as_int_lenient();
            if (!n) break;
            *into[at++] = *n;
        }
        if (at == 4) out.lost.push_back(interval);
    }
    return out;
}

/// A device that knows another incarnation of the data must first learn of the new one: whatever it asks is answered by 409, `epoch_changed`
/// and the incarnation, and nothing else happens.
/// @param presented  the epoch that the request names; empty: it names none, as foreign devices do
/// @return nothing: the request may go on
template <class Authority>
[[nodiscard]] std::optional<response> refuse_other_incarnation(Authority& engine, const std::string& tenant, std::string_view presented) {
    if (presented.empty()) return std::nullopt;
    auto head = engine.head(tenant);
    if (!head) return fault_response(head.error());
    if (head->epoch == presented) return std::nullopt;
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("error");
    w.string(name_of(errc::epoch_changed));
    w.key("message");
    w.string("this server's data is a new incarnation (restored, or another server): start again without a cursor");
    write_incarnation(w, {head->epoch, head->lost});
    w.end_object();
    return json_response(409, std::move(body));
}

/// Reads such an answer. @return nothing: it is another one
[[nodiscard]] inline std::optional<told_incarnation> refused_for_incarnation(const fault& why, const response& answer) {
    if (why.code != errc::epoch_changed) return std::nullopt;
    const auto tape = json_tape::parse(answer.body);
    if (!tape || !tape->root().is_object()) return std::nullopt;
    auto of = read_incarnation(tape->root());
    if (of.epoch.empty()) return std::nullopt;
    return of;
}

SYNCLINE_NAMESPACE_END

#endif
