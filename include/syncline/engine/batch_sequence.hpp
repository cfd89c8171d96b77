#ifndef SYNCLINE_ENGINE_BATCH_SEQUENCE_HPP
#define SYNCLINE_ENGINE_BATCH_SEQUENCE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace detail {

[[nodiscard]] inline std::string batch_note_name(std::string_view source) { return std::string{"batch:"}.append(source); }

[[nodiscard]] inline std::string encode_batch_mark(const batch_mark& mark) {
    return std::to_string(mark.number).append(" ").append(mark.token);
}

// Nothing: it is not one of ours.
[[nodiscard]] inline std::optional<batch_mark> decode_batch_mark(std::string_view body) {
    batch_mark out;
    const auto [end, bad] = std::from_chars(body.data(), body.data() + body.size(), out.number);
    if (bad != std::errc{} || end == body.data() + body.size() || *end != ' ') return std::nullopt;
    out.token = std::string{end + 1, body.data() + body.size()};
    return out;
}

}  // namespace detail

/// Notes that @p who sends the batch @p mark, and tells a copy of a device by it (ENGINE.md rule 10): a source numbers its batches upwards and is
/// done with one before it begins the next, so a number that was there before, under another token, comes from a second device of the same
/// source: a file that was copied, or restored from a backup. What it sends may have been sent by the other one, under other ids.
/// @param mutations  what is sent: where there is a receipt for each, it was on its way already when the copy was made, and is answered (rule 8)
/// @return `errc::out_of_sequence`, and nothing was noted: the device needs a new source id. Faults of the store
template <authority_transaction Transaction>
[[nodiscard]] result<void> continue_sequence(Transaction& t, const caller& who, const batch_mark& mark, const std::vector<mutation>& mutations) {
    const std::string name = detail::batch_note_name(who.source);
    auto body = t.find_note(who.principal, name);
    if (!body) return std::move(body).error();
    const auto last = *body ? detail::decode_batch_mark(**body) : std::nullopt;
    if (last && *last == mark) return {};
    if (!last || mark.number > last->number) return t.put_note(who.principal, name, detail::encode_batch_mark(mark));
    for (const auto& m : mutations) {
        auto known = t.find_receipt(who.principal, m.id);
        if (!known) return std::move(known).error();
        if (!*known)
            return make_fault(errc::out_of_sequence, "this source has sent batch ", std::to_string(last->number), " already, and sends a batch ",
                              std::to_string(mark.number), " that is another one than it was; the device was copied or restored and needs a new source id");
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
