#ifndef SYNCLINE_ENGINE_SOURCE_REGISTRY_HPP
#define SYNCLINE_ENGINE_SOURCE_REGISTRY_HPP

#include <syncline/change/source_replacement.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

// Which sources may still write (bundle wire). A source of which nothing is noted is an active one; what is noted is kept for ever, for a number
// of a retired source must never be given again.

/// What is known of a source beside its bundles.
struct source_standing {
    enum class kind : std::uint8_t {
        active,    ///< may write
        reserved,  ///< is to take the place of another; has written nothing yet
        retired,   ///< another has taken its place: may still read, never write again
    };
    kind what = kind::active;
    std::string principal;    ///< whose it is, where it is reserved or retired
    std::string replaced_by;  ///< retired: the source that took its place
    std::string reason;       ///< retired: why

    friend bool operator==(const source_standing&, const source_standing&) = default;
};

/// The stored form of @p standing.
[[nodiscard]] inline std::string encode_source_standing(const source_standing& standing) {
    std::string out;
    byte_writer w{out};
    w.number(static_cast<std::uint64_t>(standing.what));
    w.text(standing.principal);
    w.text(standing.replaced_by);
    w.text(standing.reason);
    return out;
}

/// Reads `encode_source_standing`'s form. @return `errc::corrupt`
[[nodiscard]] inline result<source_standing> decode_source_standing(std::string_view bytes) {
    byte_reader in{bytes};
    source_standing out;
    const std::uint64_t what = in.number();
    out.principal = in.text();
    out.replaced_by = in.text();
    out.reason = in.text();
    if (!in.at_end() || what > static_cast<std::uint64_t>(source_standing::kind::retired))
        return make_fault(errc::corrupt, "the note of a source does not decode; the bookkeeping tables were changed or damaged");
    out.what = static_cast<source_standing::kind>(what);
    return out;
}

/// The name of the note about @p source, whose principal is nobody. Ends in NUL, so that none is the beginning of another.
[[nodiscard]] inline std::string source_note(std::string_view source) {
    std::string name{"source/"};
    name.append(source).push_back('\0');
    return name;
}

/// What is noted of @p source.
template <authority_transaction Transaction>
[[nodiscard]] result<source_standing> standing_of(Transaction& t, std::string_view source) {
    auto note = t.find_note({}, source_note(source));
    if (!note) return std::move(note).error();
    if (!*note) return source_standing{};
    return decode_source_standing(**note);
}

/// Whether @p who may write as its source.
/// @return `errc::source_retired`; `errc::out_of_sequence` for one that is reserved for another principal
template <authority_transaction Transaction>
[[nodiscard]] result<void> check_source_writes(Transaction& t, const caller& who) {
    auto standing = standing_of(t, who.source);
    if (!standing) return std::move(standing).error();
    if (standing->what == source_standing::kind::retired)
        return make_fault(errc::source_retired, "this source was replaced by `", standing->replaced_by, "` and writes no more");
    if (standing->what == source_standing::kind::reserved && standing->principal != who.principal)
        return make_fault(errc::out_of_sequence, "this source id is reserved for another principal; every principal on a device needs a source id of its own");
    return {};
}

/// Notes that @p source has written: a reserved one is active from here on.
template <authority_transaction Transaction>
[[nodiscard]] result<void> note_source_wrote(Transaction& t, std::string_view source) {
    auto standing = standing_of(t, source);
    if (!standing) return std::move(standing).error();
    if (standing->what != source_standing::kind::reserved) return {};
    return t.drop_notes({}, source_note(source));
}

/// Retires the source of @p who and reserves the one that takes its place. Asked for again, nothing changes.
/// @return `errc::malformed_value` for a replacement that makes no sense, `errc::id_reused` when the new source is known already,
///         `errc::source_retired` when another one has taken the place, `errc::forbidden` for the source of another principal
template <authority_transaction Transaction>
[[nodiscard]] result<void> replace_source(Transaction& t, const caller& who, const source_replacement& asked) {
    using kind = source_standing::kind;
    if (asked.previous != who.source) return make_fault(errc::malformed_value, "`previous_source_id` is not the source that asks");
    if (asked.next == asked.previous) return make_fault(errc::malformed_value, "`new_source_id` is the previous one");
    if (!is_replacement_reason(asked.reason))
        return make_fault(errc::malformed_value, "`reason` is one of history_pruned, source_sequence_out_of_order, source_sequence_changed and source_retired");
    auto old = standing_of(t, asked.previous);
    if (!old) return std::move(old).error();
    auto next = standing_of(t, asked.next);
    if (!next) return std::move(next).error();
    auto last = t.last_source_bundle_id(asked.previous);
    if (!last) return std::move(last).error();
    auto newest = t.find_bundle_receipt(asked.previous, *last);
    if (!newest) return std::move(newest).error();
    if ((*newest && (*newest)->principal != who.principal) || (old->what != kind::active && old->principal != who.principal))
        return make_fault(errc::forbidden, "this source belongs to another principal");
    auto written = t.last_source_bundle_id(asked.next);
    if (!written) return std::move(written).error();
    const bool reserved = next->what == kind::reserved && next->principal == who.principal;
    if (old->what == kind::retired) {
        if (old->replaced_by != asked.next)
            return make_fault(errc::source_retired, "this source was replaced by `", old->replaced_by, "` and writes no more");
        if (next->what == kind::retired) return make_fault(errc::id_reused, "the source that took the place of this one was retired itself");
        if (reserved || *written != 0) return {};
    } else if (next->what != kind::active || *written != 0) {
        return make_fault(errc::id_reused, "`new_source_id` is the id of a source that is known already; take a new random one");
    }
    if (auto r = t.put_note({}, source_note(asked.next), encode_source_standing({kind::reserved, who.principal, {}, {}})); !r) return r;
    return t.put_note({}, source_note(asked.previous), encode_source_standing({kind::retired, who.principal, asked.next, asked.reason}));
}

SYNCLINE_NAMESPACE_END

#endif
