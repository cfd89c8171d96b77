#ifndef SYNCLINE_TESTING_STORAGE_SHOW_HPP
#define SYNCLINE_TESTING_STORAGE_SHOW_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::storage {

// Texts of what stores keep, to compare by and to show: two things that differ have different texts.

/// @p s between angle brackets, octets that do not print as `\xNN`; a long one is cut, and told apart by its length and its hash.
[[nodiscard]] inline std::string quoted(const std::string& s) {
    std::string out{"<"};
    for (const char c : s.substr(0, 40)) {
        const auto u = static_cast<unsigned char>(c);
        if (u >= 32 && u < 127) {
            out.push_back(c);
        } else {
            constexpr char digits[] = "0123456789abcdef";
            out.append("\\x").push_back(digits[u >> 4]);
            out.push_back(digits[u & 15]);
        }
    }
    if (s.size() > 40) out.append("...").append(std::to_string(s.size())).append("#").append(std::to_string(std::hash<std::string>{}(s)));
    out.append(">");
    return out;
}
[[nodiscard]] inline std::string show(const value& v) {
    std::string bits;
    byte_writer{bits}.put(v);
    std::string out{name_of(v.kind())};
    return v.is_null() ? out : out.append(v.as_string().empty() ? storage::quoted(bits) : storage::quoted(v.as_string()));
}
[[nodiscard]] inline std::string show(const record& r) {
    std::string out{"{"};
    for (const auto& v : r.fields) out.append(show(v)).append(",");
    return out.append("}");
}
[[nodiscard]] inline std::string show(const std::optional<record>& r) { return r ? show(*r) : std::string{"none"}; }
[[nodiscard]] inline std::string show(const record_key& k) { return std::to_string(k.model).append(storage::quoted(k.key)); }
[[nodiscard]] inline std::string show(const field_set& s) {
    std::string out{"["};
    for (std::size_t f = 0; f < max_fields; ++f)
        if (s.contains(static_cast<field_index>(f))) out.append(std::to_string(f)).append(" ");
    return out.append("]");
}
[[nodiscard]] inline std::string show(const std::optional<wait_reason>& w) {
    return w ? std::string{name_of(w->code)}.append(":").append(w->detail) : std::string{"-"};
}
[[nodiscard]] inline std::string show(const intent& i) {
    std::string out{show(i.key)};
    out.append(" ").append(name_of(i.op)).append(" before ").append(show(i.before));
    for (const auto& c : i.changes) out.append(" ").append(std::to_string(c.field)).append("=").append(show(c.to));
    out.append(" base ").append(std::to_string(i.base.row_version)).append("/").append(storage::quoted(i.base.after));
    out.append(" #").append(std::to_string(i.ordinal)).append(" at ").append(std::to_string(to_microseconds(i.edited_at)));
    return out.append(" wait ").append(show(i.waiting));
}
[[nodiscard]] inline std::string show(const row_image& r) {
    std::string out{show(r.key)};
    return out.append(" v").append(std::to_string(r.version)).append(" ").append(show(r.row)).append(" has ").append(storage::quoted(r.contains));
}
[[nodiscard]] inline std::string show(const row_change& c) {
    std::string out{show(c.key)};
    out.append(" ").append(name_of(c.op)).append(" v").append(std::to_string(c.version)).append(" s").append(std::to_string(c.stamp));
    out.append(" ").append(show(c.after)).append(" ").append(show(c.fields)).append(" by ").append(storage::quoted(c.writer));
    return out.append(" at ").append(std::to_string(to_microseconds(c.written_at)));
}
[[nodiscard]] inline std::string show(const bundle_head& h) {
    std::string out{"bundle "};
    out.append(std::to_string(h.seq)).append(" of ").append(storage::quoted(h.source)).append("/").append(std::to_string(h.source_bundle_id));
    return out.append(" rows ").append(std::to_string(h.row_count)).append(" from ").append(std::to_string(h.first_stamp));
}
[[nodiscard]] inline std::string show(const source_mark& m) {
    std::string out{"source "};
    out.append(storage::quoted(m.principal)).append(storage::quoted(m.source)).append(m.seq ? " seq " : " no seq ").append(std::to_string(m.seq.value_or(0)));
    out.append(m.stamp ? " stamp " : " no stamp ").append(std::to_string(m.stamp.value_or(0))).append(" at ").append(std::to_string(to_microseconds(m.seen)));
    return out;
}
[[nodiscard]] inline std::string show(const receipt& r) {
    std::string out{storage::quoted(r.id)};
    out.append(" ").append(name_of(r.outcome)).append(show(r.key)).append(" v").append(std::to_string(r.version)).append(r.clean ? " clean" : "");
    out.append(r.carries_row ? " row " : " ").append(storage::quoted(r.after)).append(storage::quoted(r.content_hash)).append(show(r.why));
    for (const auto& m : r.messages) out.append(m.field).append("=").append(m.text);
    return out;
}
[[nodiscard]] inline std::string show(const base_row& b) {
    std::string out{"base v"};
    out.append(std::to_string(b.version)).append(b.image_kept ? " kept " : " ").append(show(b.image));
    if (b.provisional) out.append(" on ").append(std::to_string(b.provisional->row_version)).append(storage::quoted(b.provisional->after));
    if (b.lost) out.append(" of a lost timeline");
    if (b.out_of_view) out.append(" out of view");
    return out;
}
[[nodiscard]] inline std::string show(const batch_item& i) {
    return storage::quoted(i.id).append("@").append(std::to_string(i.position)).append(show(i.what));
}
[[nodiscard]] inline std::string show(const send_position& at) {
    return std::to_string(at.send_class).append("/").append(std::to_string(at.ordinal));
}
[[nodiscard]] inline std::string show(const diverted_row& d) { return show(d.key).append(" should be ").append(show(d.should_be)); }
[[nodiscard]] inline std::string show(const sync_lease& l) {
    std::string out{"lease of "};
    out.append(storage::quoted(l.owner)).append(" fence ").append(std::to_string(l.fence)).append(" until ").append(std::to_string(l.expires_us));
    return out.append(" for ").append(std::to_string(l.length_us));
}
[[nodiscard]] inline std::string show(const change_mark& m) {
    return std::string{"v"}.append(std::to_string(m.version)).append(show(m.fields)).append(" by ").append(storage::quoted(m.writer));
}
[[nodiscard]] inline std::string show(const sealed_row& s) {
    std::string out{"sealed v"};
    out.append(std::to_string(s.version)).append(" s").append(std::to_string(s.stamp)).append(" ").append(show(s.row));
    return out.append(" pruned ").append(std::to_string(s.pruned_version)).append(" at ").append(std::to_string(to_microseconds(s.written_at)));
}
template <class T>
[[nodiscard]] std::string show(const std::vector<T>& items) {
    std::string out;
    for (const auto& i : items) out.append("  ").append(show(i)).append("\n");
    return out;
}

namespace detail {

// Whatever was compared, for a finding.
template <class T>
[[nodiscard]] std::string described(const T& what) {
    if constexpr (std::is_same_v<T, bool>) return what ? "true" : "false";
    else if constexpr (std::is_same_v<T, errc>) return std::string(name_of(what));
    else if constexpr (std::is_arithmetic_v<T>) return std::to_string(what);
    else if constexpr (std::is_convertible_v<const T&, std::string>) {
        const std::string text = what;
        // A text of everything has lines; they are shown as they are.
        return text.find('\n') == std::string::npos ? storage::quoted(text) : text;
    } else if constexpr (requires { what.has_value(); *what; }) {
        return what.has_value() ? detail::described(*what) : "nothing";
    } else if constexpr (requires { what.begin(); what.size(); }) {
        std::string out{"["};
        std::size_t n = 0;
        for (const auto& item : what) {
            if (n++ == 8) return out.append("... ").append(std::to_string(what.size())).append(" in all]");
            if constexpr (requires { storage::show(item); }) out.append(storage::show(item)).append("; ");
            else if constexpr (requires { item.name; item.text; }) out.append(storage::quoted(item.name.key)).append("; ");
            else if constexpr (requires { item.first; item.second; }) out.append(detail::described(item.first)).append(" ").append(detail::described(item.second)).append("; ");
            else out.append("..; ");
        }
        return out.append("]");
    } else if constexpr (requires { storage::show(what); }) {
        return storage::show(what);
    } else {
        return "another one";
    }
}

}  // namespace detail

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
