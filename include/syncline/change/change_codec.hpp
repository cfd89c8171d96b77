#ifndef SYNCLINE_CHANGE_CHANGE_CODEC_HPP
#define SYNCLINE_CHANGE_CHANGE_CODEC_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The binary form of @p i without its key, which the stores keep in columns of their own.
[[nodiscard]] inline std::string encode_intent(const intent& i) {
    std::string out;
    byte_writer w{out};
    w.number(static_cast<std::uint64_t>(i.op));
    w.number(i.changes.size());
    for (const auto& c : i.changes) {
        w.number(c.field);
        w.put(c.to);
    }
    w.put(i.before);
    w.signed_number(i.base.row_version);
    w.text(i.base.after);
    w.number(i.ordinal);
    w.signed_number(to_microseconds(i.edited_at));
    w.number((i.waiting ? 1U : 0U) | (i.unseen.empty() ? 0U : 2U));
    if (i.waiting) {
        w.number(static_cast<std::uint64_t>(i.waiting->code));
        w.text(i.waiting->detail);
    }
    if (!i.unseen.empty())
        for (const auto word : i.unseen.words()) w.number(word);
    return out;
}

/// Reads `encode_intent`'s form. @return `errc::corrupt` when it is not of that form
[[nodiscard]] inline result<intent> decode_intent(record_key key, std::string_view bytes) {
    byte_reader in{bytes};
    intent i;
    i.key = std::move(key);
    const std::uint64_t op = in.number();
    if (op < 1 || op > 3) in.fail();
    i.op = static_cast<operation>(op);
    const std::uint64_t changes = in.number();
    for (std::uint64_t n = 0; n < changes && !in.failed(); ++n) {
        const std::uint64_t field = in.number();
        if (field >= max_fields) in.fail();
        i.changes.set(static_cast<field_index>(field), in.get_value());
    }
    i.before = in.get_optional_record();
    i.base.row_version = in.signed_number();
    i.base.after = in.text();
    i.ordinal = in.number();
    i.edited_at = from_microseconds(in.signed_number());
    const std::uint64_t follows = in.number();
    if (follows > 3) in.fail();
    if ((follows & 1) != 0 && !in.failed()) {
        wait_reason why;
        why.code = static_cast<errc>(in.number());
        why.detail = in.text();
        i.waiting = std::move(why);
    }
    if ((follows & 2) != 0 && !in.failed()) {
        auto words = i.unseen.words();
        for (auto& word : words) word = in.number();
        i.unseen = field_set::from_words(words);
    }
    if (!in.at_end()) return make_fault(errc::corrupt, "a stored intent does not decode; the bookkeeping tables were changed or damaged");
    return i;
}

SYNCLINE_NAMESPACE_END

#endif
