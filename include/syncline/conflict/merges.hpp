#ifndef SYNCLINE_CONFLICT_MERGES_HPP
#define SYNCLINE_CONFLICT_MERGES_HPP

#include <syncline/conflict/merge_lines.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/version.hpp>

#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

namespace detail {

/// What the law of every field merge fixes: where one side left the value alone, the other side's stands. Everything else
/// is asked of @p rest.
template <class Rest>
[[nodiscard]] std::optional<value> merge_lawfully(const merge_input& in, Rest rest) {
    if (in.server == in.base) return in.client;
    if (in.client == in.base) return in.server;
    return rest();
}

/// A plain decimal number taken apart; leading and trailing zeros are gone, so that equal numbers have equal parts.
struct decimal_parts {
    bool negative = false;
    std::string_view whole;
    std::string_view fraction;
};

[[nodiscard]] inline std::optional<decimal_parts> read_decimal(std::string_view s) {
    decimal_parts p;
    if (!s.empty() && (s.front() == '-' || s.front() == '+')) {
        p.negative = s.front() == '-';
        s.remove_prefix(1);
    }
    const std::size_t point = s.find('.');
    p.whole = s.substr(0, point);
    if (point != std::string_view::npos) p.fraction = s.substr(point + 1);
    if (p.whole.empty() && p.fraction.empty()) return std::nullopt;
    for (const std::string_view digits : {p.whole, p.fraction})
        for (const char c : digits)
            if (c < '0' || c > '9') return std::nullopt;
    while (!p.whole.empty() && p.whole.front() == '0') p.whole.remove_prefix(1);
    while (!p.fraction.empty() && p.fraction.back() == '0') p.fraction.remove_suffix(1);
    if (p.whole.empty() && p.fraction.empty()) p.negative = false;
    return p;
}

[[nodiscard]] inline std::strong_ordering compare_magnitude(const decimal_parts& a, const decimal_parts& b) {
    if (a.whole.size() != b.whole.size()) return a.whole.size() <=> b.whole.size();
    if (a.whole != b.whole) return a.whole <=> b.whole;
    return a.fraction <=> b.fraction;
}

/// The order in which maximum and minimum choose: total on what it accepts, so that the choice does not depend on sides.
/// Nothing for values of different kinds, of kinds without an order, NaN, and decimals in another form than `-12.50`.
[[nodiscard]] inline std::optional<std::strong_ordering> order_of(const value& a, const value& b) {
    if (a.kind() != b.kind()) return std::nullopt;
    switch (a.kind()) {
    case value_kind::boolean: return a.as_boolean() <=> b.as_boolean();
    case value_kind::integer: return a.as_integer() <=> b.as_integer();
    case value_kind::time: return to_microseconds(a.as_time()) <=> to_microseconds(b.as_time());
    case value_kind::real: {
        const double x = a.as_real();
        const double y = b.as_real();
        if (std::isnan(x) || std::isnan(y)) return std::nullopt;
        if (x < y) return std::strong_ordering::less;
        if (x > y) return std::strong_ordering::greater;
        // -0.0 below 0.0: they are equal numbers but different values.
        return std::signbit(y) <=> std::signbit(x);
    }
    case value_kind::decimal: {
        const auto x = read_decimal(a.as_string());
        const auto y = read_decimal(b.as_string());
        if (!x || !y) return std::nullopt;
        std::strong_ordering order = std::strong_ordering::equal;
        if (x->negative != y->negative)
            order = x->negative ? std::strong_ordering::less : std::strong_ordering::greater;
        else
            order = x->negative ? compare_magnitude(*y, *x) : compare_magnitude(*x, *y);
        // Equal numbers with other digits (`1.5`, `1.50`): any fixed choice will do.
        return order != std::strong_ordering::equal ? order : a.as_string() <=> b.as_string();
    }
    case value_kind::text:
    case value_kind::bytes: return a.as_string() <=> b.as_string();
    case value_kind::null:
    case value_kind::json: break;
    }
    return std::nullopt;
}

[[nodiscard]] inline std::optional<value> choose(const merge_input& in, bool greatest) {
    return merge_lawfully(in, [&]() -> std::optional<value> {
        if (in.server.is_null()) return in.client;
        if (in.client.is_null()) return in.server;
        const auto order = order_of(in.client, in.server);
        if (!order) return std::nullopt;
        const bool client_is_greater = *order == std::strong_ordering::greater;
        return client_is_greater == greatest ? in.client : in.server;
    });
}

[[nodiscard]] constexpr bool has_order(value_kind kind) noexcept {
    return kind != value_kind::json && kind != value_kind::null;
}

}  // namespace detail

/// The field merges that the library ships, to be named in a model's description: `field<"votes", &task::votes,
/// merges::counter>()`. Each is a stateless type with
/// - `erased`, the form that schemas hold,
/// - `accepts(kind)`, the kinds of field that it is meant for,
/// - `merge(input)`, pure and deterministic; nothing where this pair cannot be merged and a resolver decides,
/// - for those that work on integers `merge_integers(base, server, client)`, usable in constant expressions,
/// - `commutative`, `idempotent` and `associative` where the law of that name does not hold (`merge_laws.hpp`).
///
/// For all of them: where the server's value is the base the result is the client's value, and the other way round.
/// `add_wins_set` stands in `syncline/conflict/add_wins_set.hpp`, because it reads JSON, and `later` and `earlier` in
/// `syncline/conflict/instant_merges.hpp`, because they read times.
namespace merges {

/// Changes on both sides: the server's value stands.
struct server {
    static constexpr bool commutative = false;  // takes sides
    [[nodiscard]] static constexpr bool accepts(value_kind) noexcept { return true; }
    [[nodiscard]] static constexpr std::optional<std::int64_t> merge_integers(std::int64_t base, std::int64_t on_server,
                                                                              std::int64_t on_client) noexcept {
        return on_server == base ? on_client : on_server;
    }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) {
        return detail::merge_lawfully(in, [&] { return std::optional<value>{in.server}; });
    }
    static constexpr field_merge erased{"server", &merge, false};
};

/// Changes on both sides: the client's value stands.
struct client {
    static constexpr bool commutative = false;  // takes sides
    [[nodiscard]] static constexpr bool accepts(value_kind) noexcept { return true; }
    [[nodiscard]] static constexpr std::optional<std::int64_t> merge_integers(std::int64_t base, std::int64_t on_server,
                                                                              std::int64_t on_client) noexcept {
        return on_client == base ? on_server : on_client;
    }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) {
        return detail::merge_lawfully(in, [&] { return std::optional<value>{in.client}; });
    }
    static constexpr field_merge erased{"client", &merge, false};
};

/// Changes on both sides: the one written later stands; at the same time, the server's. It believes the clocks of devices
/// as far as the engine does, which clamps them.
struct latest {
    static constexpr bool commutative = false;  // a tie takes sides
    static constexpr bool associative = false;  // an input has two times, for three changes
    [[nodiscard]] static constexpr bool accepts(value_kind) noexcept { return true; }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) {
        return detail::merge_lawfully(
            in, [&] { return std::optional<value>{in.client_time > in.server_time ? in.client : in.server}; });
    }
    static constexpr field_merge erased{"latest", &merge, false};
};

/// Changes on both sides: the greater stands. Booleans, integers, reals (not NaN), times, decimals by their number, text and
/// bytes by their octets; null is below everything. Nothing for other values and for two of different kinds.
struct maximum {
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept { return detail::has_order(kind); }
    [[nodiscard]] static constexpr std::optional<std::int64_t> merge_integers(std::int64_t base, std::int64_t on_server,
                                                                              std::int64_t on_client) noexcept {
        if (on_server == base) return on_client;
        if (on_client == base) return on_server;
        return on_client > on_server ? on_client : on_server;
    }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) { return detail::choose(in, true); }
    static constexpr field_merge erased{"maximum", &merge, false};
};

/// Changes on both sides: the lesser stands, by the order of `maximum`; null counts as nothing and never wins.
struct minimum {
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept { return detail::has_order(kind); }
    [[nodiscard]] static constexpr std::optional<std::int64_t> merge_integers(std::int64_t base, std::int64_t on_server,
                                                                              std::int64_t on_client) noexcept {
        if (on_server == base) return on_client;
        if (on_client == base) return on_server;
        return on_client < on_server ? on_client : on_server;
    }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) { return detail::choose(in, false); }
    static constexpr field_merge erased{"minimum", &merge, false};
};

/// Both sides' differences are added: server + client - base. Integers exactly, reals as they are; null counts as 0. Nothing
/// for other kinds, integers beside reals, non-finite reals, and where the sum does not fit.
struct counter {
    static constexpr bool idempotent = false;  // two equal increments are two increments
    /// Whether two results count alike: null and -0.0 as 0. Sums of reals are folded in another order only up to rounding.
    [[nodiscard]] static bool equivalent(const value& a, const value& b) {
        const auto is_zero = [](const value& v) {
            return v.is_null() || (v.kind() == value_kind::integer && v.as_integer() == 0) ||
                   (v.kind() == value_kind::real && std::fpclassify(v.as_real()) == FP_ZERO);
        };
        return a == b || (is_zero(a) && is_zero(b));
    }
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept {
        return kind == value_kind::integer || kind == value_kind::real;
    }
    [[nodiscard]] static constexpr std::optional<std::int64_t> merge_integers(std::int64_t base, std::int64_t on_server,
                                                                              std::int64_t on_client) noexcept {
        // In halves, so that a sum that fits is found although a part of it does not.
        constexpr std::int64_t half = std::int64_t{1} << 32;
        const auto low = [](std::int64_t n) { return n & (half - 1); };
        const auto high = [](std::int64_t n) { return n >> 32; };
        const std::int64_t low_sum = low(on_server) + low(on_client) - low(base);
        const std::int64_t high_sum = high(on_server) + high(on_client) - high(base) + (low_sum >> 32);
        if (high_sum < -(half / 2) || high_sum >= half / 2) return std::nullopt;
        return high_sum * half + low(low_sum);
    }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) {
        return detail::merge_lawfully(in, [&]() -> std::optional<value> {
            value_kind kind = value_kind::null;
            for (const value* v : {&in.base, &in.server, &in.client}) {
                if (v->is_null()) continue;
                if (!accepts(v->kind()) || (kind != value_kind::null && v->kind() != kind)) return std::nullopt;
                kind = v->kind();
            }
            if (kind == value_kind::real) {
                const auto number = [](const value& v) { return v.is_null() ? 0.0 : v.as_real(); };
                const double sum = (number(in.server) + number(in.client)) - number(in.base);
                if (!std::isfinite(sum)) return std::nullopt;
                return value::real(sum);
            }
            const auto number = [](const value& v) { return v.is_null() ? std::int64_t{0} : v.as_integer(); };
            const auto sum = merge_integers(number(in.base), number(in.server), number(in.client));
            if (!sum) return std::nullopt;
            return value::integer(*sum);
        });
    }
    static constexpr field_merge erased{"counter", &merge, true};
};

/// A text whose lines were changed on both sides: changes of different regions are both taken (diff3); nothing where
/// they touch and differ, or where a side is not text. An unknown base counts as empty.
struct three_way_lines {
    static constexpr bool associative = false;  // where lines repeat: an added twin and the old one cannot be told apart
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept { return kind == value_kind::text; }
    [[nodiscard]] static std::optional<value> merge(const merge_input& in) {
        return detail::merge_lawfully(in, [&]() -> std::optional<value> {
            if (in.server == in.client) return in.server;
            if (in.server.kind() != value_kind::text || in.client.kind() != value_kind::text) return std::nullopt;
            if (!in.base.is_null() && in.base.kind() != value_kind::text) return std::nullopt;
            auto merged = detail::merge_lines(in.base.as_string(), in.server.as_string(), in.client.as_string());
            if (!merged) return std::nullopt;
            return value::text(*std::move(merged));
        });
    }
    static constexpr field_merge erased{"three_way_lines", &merge, true};
};

}  // namespace merges

SYNCLINE_NAMESPACE_END

#endif
