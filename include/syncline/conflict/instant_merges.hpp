#ifndef SYNCLINE_CONFLICT_INSTANT_MERGES_HPP
#define SYNCLINE_CONFLICT_INSTANT_MERGES_HPP

#include <syncline/conflict/merges.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace detail {

/// An instant to the nanosecond: the microseconds, and what goes beyond them.
using exact_instant = std::pair<std::int64_t, int>;

/// The instant that @p v says, as a time or as text in RFC 3339; nothing for all else.
[[nodiscard]] inline std::optional<exact_instant> instant_of(const value& v) {
    if (v.kind() == value_kind::time) return exact_instant{to_microseconds(v.as_time()), 0};
    if (v.kind() != value_kind::text) return std::nullopt;
    const std::string_view text = v.as_string();
    const rfc3339_scan scan = scan_rfc3339(text);
    if (scan.problem != nullptr) return std::nullopt;
    constexpr std::size_t first = 26;  // the seventh digit, where there are so many: `2026-05-02T09:00:00.123456`
    int rest = 0;
    if (text[19] == '.') {
        const std::size_t end = text.find_first_not_of("0123456789", 20);
        for (std::size_t i = first; i < first + 3; ++i) rest = rest * 10 + (i < end ? text[i] - '0' : 0);
    }
    return exact_instant{to_microseconds(scan.at), rest};
}

[[nodiscard]] inline std::optional<value> choose_instant(const merge_input& in, bool later) {
    return merge_lawfully(in, [&]() -> std::optional<value> {
        if (in.server.is_null()) return in.client;
        if (in.client.is_null()) return in.server;
        const auto server = instant_of(in.server);
        const auto client = instant_of(in.client);
        if (!server || !client) return std::nullopt;
        // Two spellings of one instant: any fixed choice will do.
        if (*server == *client) return in.client.as_string() < in.server.as_string() ? in.client : in.server;
        return (*client > *server) == later ? in.client : in.server;
    });
}

[[nodiscard]] inline bool is_instant_text(std::string_view text) { return scan_rfc3339(text).problem == nullptr; }

}  // namespace detail

namespace merges {

/// Changes on both sides: the later instant stands. Times, and texts in RFC 3339, in whatever zone and to the nanosecond; null is before everything.
/// Nothing for texts of another form, such as `2026:05:02 09:00:00`: such a text is no time.
struct later {
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept { return kind == value_kind::time || kind == value_kind::text; }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) { return detail::choose_instant(in, true); }
    static constexpr field_merge erased{"later", &merge, false, &detail::is_instant_text};
};

/// Changes on both sides: the earlier instant stands, by the order of `later`; null counts as nothing and never wins.
struct earlier {
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept { return kind == value_kind::time || kind == value_kind::text; }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) { return detail::choose_instant(in, false); }
    static constexpr field_merge erased{"earlier", &merge, false, &detail::is_instant_text};
};

}  // namespace merges

SYNCLINE_NAMESPACE_END

#endif
