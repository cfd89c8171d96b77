#pragma once

#include <syncline/syncline.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Binary forms: of keys, such that octets stand in the wanted order, and of what lies under them, with the library's `byte_writer`.
namespace on_lmdb {

using syncline::byte_reader;
using syncline::byte_writer;
using syncline::record_key;

/// @p n with the highest octet first: numbers in this form stand in their own order.
template <class Unsigned>
[[nodiscard]] std::string ordered(Unsigned n) {
    std::string out(sizeof n, '\0');
    for (std::size_t i = sizeof n; i-- > 0; n = static_cast<Unsigned>(n >> 8)) out[i] = static_cast<char>(static_cast<unsigned char>(n & 0xff));
    return out;
}
template <class Unsigned>
[[nodiscard]] Unsigned read_ordered(std::string_view octets) {
    Unsigned n = 0;
    for (std::size_t i = 0; i < sizeof n && i < octets.size(); ++i) n = static_cast<Unsigned>((n << 8) | static_cast<unsigned char>(octets[i]));
    return n;
}

[[nodiscard]] inline std::string ordered(const syncline::send_position& p) {
    return ordered(static_cast<std::uint32_t>(p.send_class) ^ 0x80000000U) + ordered(p.ordinal);
}
[[nodiscard]] inline syncline::send_position read_send_position(std::string_view octets) {
    return {static_cast<std::int32_t>(read_ordered<std::uint32_t>(octets) ^ 0x80000000U), read_ordered<std::uint64_t>(octets.substr(4))};
}

/// A NUL within the first part is followed by 255 and the part ended by a NUL and 1, so that pairs stand in their order whatever they hold.
[[nodiscard]] inline std::string ordered(const syncline::unread_name& name) {
    std::string out;
    for (const char c : name.model) {
        out.push_back(c);
        if (c == '\0') out.push_back('\xff');
    }
    out.push_back('\0');
    out.push_back('\1');
    return out + name.key;
}

/// The first key after @p key.
[[nodiscard]] inline std::string after(std::string key) {
    key.push_back('\0');
    return key;
}

/// Null stands in the fields that the program did not know when @p row was written.
inline void widen(const syncline::model_schema& schema, std::optional<syncline::record>& row) {
    if (row && row->fields.size() < schema.fields.size()) row->fields.resize(schema.fields.size());
}

/// Records as keys. What is stored names a model by a number of its own: `model_id` is a position, and a later program may list its models otherwise.
class record_names {
public:
    /// @p number is that of the next model.
    void add(std::uint32_t number) { numbers_.push_back(number); }

    [[nodiscard]] bool knows(const record_key& k) const noexcept { return k.model < numbers_.size(); }
    [[nodiscard]] std::string encode(const record_key& k) const { return ordered(numbers_[k.model]) + k.key; }
    /// Nothing for a record of a model that this program does not have.
    [[nodiscard]] std::optional<record_key> decode(std::string_view octets) const {
        const auto number = read_ordered<std::uint32_t>(octets);
        for (std::size_t i = 0; i < numbers_.size(); ++i)
            if (numbers_[i] == number && octets.size() >= 4) return record_key{static_cast<syncline::model_id>(i), std::string(octets.substr(4))};
        return std::nullopt;
    }

private:
    std::vector<std::uint32_t> numbers_;
};

namespace detail {

inline void put(byte_writer& w, const syncline::wait_reason& why) {
    w.number(static_cast<std::uint64_t>(why.code));
    w.text(why.detail);
}
inline syncline::wait_reason get_reason(byte_reader& in) {
    const auto code = static_cast<syncline::errc>(in.number());
    return {code, in.text()};
}
inline void put(byte_writer& w, const syncline::row_image& row) {
    w.signed_number(row.version);
    w.put(row.row);
    w.text(row.contains);
    w.number(row.told ? 1 : 0);
    if (row.told)
        for (const auto word : row.told->words()) w.number(word);
}
inline syncline::row_image get_image(byte_reader& in, record_key key) {
    syncline::row_image row;
    row.key = std::move(key);
    row.version = in.signed_number();
    row.row = in.get_optional_record();
    row.contains = in.text();
    if (in.number() == 0) return row;
    auto words = syncline::field_set{}.words();
    for (auto& word : words) word = in.number();
    row.told = syncline::field_set::from_words(words);
    return row;
}

/// @p read, if @p in was of that form to its end.
template <class T>
[[nodiscard]] syncline::result<T> whole(const byte_reader& in, T read, std::string_view what) {
    if (in.at_end()) return read;
    return syncline::make_fault(syncline::errc::corrupt, "a stored ", what, " does not decode; restore the folder from a backup");
}

}  // namespace detail

[[nodiscard]] inline std::string encode(const syncline::base_row& b) {
    std::string out;
    byte_writer w{out};
    w.signed_number(b.version);
    w.number((b.image_kept ? 1U : 0U) | (b.lost ? 2U : 0U) | (b.out_of_view ? 4U : 0U) | (b.provisional ? 8U : 0U));
    w.put(b.image);
    if (b.provisional) {
        w.signed_number(b.provisional->row_version);
        w.text(b.provisional->after);
    }
    return out;
}
[[nodiscard]] inline syncline::result<syncline::base_row> decode_base(std::string_view octets) {
    byte_reader in{octets};
    syncline::base_row b;
    b.version = in.signed_number();
    const auto flags = in.number();
    b.image_kept = (flags & 1) != 0;
    b.lost = (flags & 2) != 0;
    b.out_of_view = (flags & 4) != 0;
    b.image = in.get_optional_record();
    if ((flags & 8) != 0) {
        b.provisional.emplace();
        b.provisional->row_version = in.signed_number();
        b.provisional->after = in.text();
    }
    return detail::whole(in, std::move(b), "base row");
}

[[nodiscard]] inline std::string encode(const syncline::row_image& row) {
    std::string out;
    byte_writer w{out};
    detail::put(w, row);
    return out;
}
[[nodiscard]] inline syncline::result<syncline::row_image> decode_image(record_key key, std::string_view octets) {
    byte_reader in{octets};
    auto row = detail::get_image(in, std::move(key));
    return detail::whole(in, std::move(row), "row");
}

[[nodiscard]] inline std::string encode(const syncline::quarantined_row& q) {
    std::string out;
    byte_writer w{out};
    detail::put(w, q.image);
    detail::put(w, q.why);
    return out;
}
[[nodiscard]] inline syncline::result<syncline::quarantined_row> decode_quarantined(record_key key, std::string_view octets) {
    byte_reader in{octets};
    syncline::quarantined_row q;
    q.image = detail::get_image(in, std::move(key));
    q.why = detail::get_reason(in);
    return detail::whole(in, std::move(q), "quarantined row");
}

[[nodiscard]] inline std::string encode(const syncline::unread_row& u) {
    std::string out;
    byte_writer w{out};
    w.text(u.name.model);
    w.text(u.name.key);
    w.signed_number(u.version);
    w.text(u.text);
    detail::put(w, u.why);
    return out;
}
[[nodiscard]] inline syncline::result<syncline::unread_row> decode_unread(std::string_view octets) {
    byte_reader in{octets};
    syncline::unread_row u;
    u.name.model = in.text();
    u.name.key = in.text();
    u.version = in.signed_number();
    u.text = in.text();
    u.why = detail::get_reason(in);
    return detail::whole(in, std::move(u), "unread row");
}

[[nodiscard]] inline std::string encode(const syncline::batch& b) {
    std::string out;
    byte_writer w{out};
    w.number(b.id);
    w.signed_number(b.source_bundle_id);
    w.number(static_cast<std::uint64_t>(b.state));
    w.signed_number(b.committed_seq);
    w.text(b.committed_hash);
    w.number(b.frozen_items);
    w.text(b.token);
    return out;
}
[[nodiscard]] inline syncline::result<syncline::batch> decode_batch(std::string_view octets) {
    byte_reader in{octets};
    syncline::batch b;
    b.id = in.number();
    b.source_bundle_id = in.signed_number();
    b.state = static_cast<syncline::batch_state>(in.number());
    b.committed_seq = in.signed_number();
    b.committed_hash = in.text();
    b.frozen_items = static_cast<std::uint32_t>(in.number());
    b.token = in.text();
    return detail::whole(in, std::move(b), "batch");
}

[[nodiscard]] inline std::string encode(const syncline::batch_item& item) {
    std::string out;
    byte_writer w{out};
    w.text(item.id);
    w.number(item.position);
    w.text(syncline::encode_intent(item.what));
    return out;
}
[[nodiscard]] inline syncline::result<syncline::batch_item> decode_item(record_key key, std::string_view octets) {
    byte_reader in{octets};
    syncline::batch_item item;
    item.id = in.text();
    item.position = static_cast<std::uint32_t>(in.number());
    auto what = syncline::decode_intent(std::move(key), in.text());
    if (!what) return std::move(what).error();
    item.what = std::move(*what);
    return detail::whole(in, std::move(item), "item of a batch");
}

/// An open intent and its send class, which is part of its place in the order of sending.
[[nodiscard]] inline std::string encode(const syncline::intent& i, std::int32_t send_class) {
    std::string out;
    byte_writer w{out};
    w.signed_number(send_class);
    w.text(syncline::encode_intent(i));
    return out;
}
[[nodiscard]] inline syncline::result<std::pair<std::int32_t, syncline::intent>> decode_open(record_key key, std::string_view octets) {
    byte_reader in{octets};
    const auto send_class = static_cast<std::int32_t>(in.signed_number());
    auto what = syncline::decode_intent(std::move(key), in.text());
    if (!what) return std::move(what).error();
    return detail::whole(in, std::pair{send_class, std::move(*what)}, "intent");
}

[[nodiscard]] inline std::string encode(const syncline::sync_lease& l) {
    std::string out;
    byte_writer w{out};
    w.text(l.owner);
    w.signed_number(l.fence);
    w.signed_number(l.expires_us);
    w.signed_number(l.length_us);
    return out;
}
[[nodiscard]] inline syncline::result<syncline::sync_lease> decode_lease(std::string_view octets) {
    byte_reader in{octets};
    syncline::sync_lease l;
    l.owner = in.text();
    l.fence = in.signed_number();
    l.expires_us = in.signed_number();
    l.length_us = in.signed_number();
    return detail::whole(in, std::move(l), "lease");
}

[[nodiscard]] inline std::string encode(const syncline::replica_state& s) {
    std::string out;
    byte_writer w{out};
    for (const auto* text : {&s.source_id, &s.epoch, &s.account, &s.hydration_session, &s.user, &s.initialization_id, &s.replaced_source, &s.replacement_reason})
        w.text(*text);
    for (const auto n : {s.next_source_bundle_id, s.checkpoint, s.hydration_position, s.last_sync_us, s.last_run_us, s.clock_us})
        w.signed_number(n);
    for (const auto n : {s.next_ordinal, s.next_batch_id, s.give_up_below}) w.number(n);
    w.number(s.needs_hydration ? 1 : 0);
    w.number(static_cast<std::uint64_t>(s.attachment));
    return out;
}
[[nodiscard]] inline syncline::result<syncline::replica_state> decode_state(std::string_view octets) {
    byte_reader in{octets};
    syncline::replica_state s;
    for (auto* text : {&s.source_id, &s.epoch, &s.account, &s.hydration_session, &s.user, &s.initialization_id, &s.replaced_source, &s.replacement_reason})
        *text = in.text();
    for (auto* n : {&s.next_source_bundle_id, &s.checkpoint, &s.hydration_position, &s.last_sync_us, &s.last_run_us, &s.clock_us}) *n = in.signed_number();
    for (auto* n : {&s.next_ordinal, &s.next_batch_id, &s.give_up_below}) *n = in.number();
    s.needs_hydration = in.number() != 0;
    s.attachment = static_cast<syncline::scope_attachment>(in.number());
    return detail::whole(in, std::move(s), "state of the replica");
}

}  // namespace on_lmdb
