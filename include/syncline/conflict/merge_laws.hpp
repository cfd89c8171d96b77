#ifndef SYNCLINE_CONFLICT_MERGE_LAWS_HPP
#define SYNCLINE_CONFLICT_MERGE_LAWS_HPP

#include <syncline/model/field_merge.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The laws that make a field merge safe to use, in two forms: constants for merges with an integer core
/// (`static_assert(merge_laws::hold<my_merge>)`), and `check<my_merge>(values)` for a test with values of the user's own.
///
/// | law | says | may be waived by |
/// |---|---|---|
/// | deterministic | the same input gives the same result | nothing |
/// | base | where the server's value is the base, the client's is the result, and the other way round | nothing |
/// | commutative | swapping server and client gives the same value | `static constexpr bool commutative = false` |
/// | idempotent | where both sides have the same value, that is the result | `static constexpr bool idempotent = false` |
/// | associative | three changes of one base may be folded from either end | `static constexpr bool associative = false` |
///
/// A pair that a merge declines satisfies every law but the base law; it is declined from both sides where `commutative`.
namespace merge_laws {

/// A merge whose core is a constant expression over integers: `merge_integers(base, server, client)`.
template <class Merge>
concept integer_merge = requires(std::int64_t n) {
    { Merge::merge_integers(n, n, n) } -> std::same_as<std::optional<std::int64_t>>;
};

/// Whether @p Merge promises commutativity: unless it says otherwise.
template <class Merge>
[[nodiscard]] consteval bool promises_commutative() {
    if constexpr (requires { { Merge::commutative } -> std::convertible_to<bool>; })
        return Merge::commutative;
    else
        return true;
}

/// Whether @p Merge promises idempotence: unless it says otherwise.
template <class Merge>
[[nodiscard]] consteval bool promises_idempotent() {
    if constexpr (requires { { Merge::idempotent } -> std::convertible_to<bool>; })
        return Merge::idempotent;
    else
        return true;
}

/// Whether @p Merge promises associativity: unless it says otherwise.
template <class Merge>
[[nodiscard]] consteval bool promises_associative() {
    if constexpr (requires { { Merge::associative } -> std::convertible_to<bool>; })
        return Merge::associative;
    else
        return true;
}

/// The integers from -reach to reach are the domain of the constants below.
inline constexpr std::int64_t reach = 2;

namespace detail {

/// Whether @p law holds for every base, server and client of the domain.
template <class Law>
[[nodiscard]] consteval bool everywhere(Law law) {
    for (std::int64_t base = -reach; base <= reach; ++base)
        for (std::int64_t server = -reach; server <= reach; ++server)
            for (std::int64_t client = -reach; client <= reach; ++client)
                if (!law(base, server, client)) return false;
    return true;
}

}  // namespace detail

namespace detail {

// Whether the domain gives the same results twice. Not consteval: where it is no constant, that has to be an answer and no error.
template <class Merge>
[[nodiscard]] constexpr bool repeats_itself() {
    for (std::int64_t base = -reach; base <= reach; ++base)
        for (std::int64_t server = -reach; server <= reach; ++server)
            for (std::int64_t client = -reach; client <= reach; ++client)
                if (Merge::merge_integers(base, server, client) != Merge::merge_integers(base, server, client)) return false;
    return true;
}

// A merge that reads or keeps anything but its arguments is no constant expression.
template <class Merge>
concept constant_merge = requires { typename std::bool_constant<repeats_itself<Merge>()>; };

}  // namespace detail

/// Determinism, over the integers of the domain: the merge depends on its arguments and on nothing else. What is asked at run time, a clock or
/// something that it keeps, makes it false.
template <integer_merge Merge>
inline constexpr bool deterministic = [] {
    if constexpr (detail::constant_merge<Merge>)
        return detail::repeats_itself<Merge>();
    else
        return false;
}();

/// The base law, over the integers of the domain.
template <integer_merge Merge>
inline constexpr bool keeps_base = detail::everywhere([](std::int64_t base, std::int64_t server, std::int64_t client) {
    const auto merged = Merge::merge_integers(base, server, client);
    return (server != base || merged == client) && (client != base || merged == server);
});

/// Commutativity, over the integers of the domain.
template <integer_merge Merge>
inline constexpr bool commutative = detail::everywhere([](std::int64_t base, std::int64_t server, std::int64_t client) {
    return Merge::merge_integers(base, server, client) == Merge::merge_integers(base, client, server);
});

/// Idempotence, over the integers of the domain.
template <integer_merge Merge>
inline constexpr bool idempotent = detail::everywhere([](std::int64_t base, std::int64_t server, std::int64_t client) {
    return server != client || Merge::merge_integers(base, server, client) == server;
});

/// Associativity of folding, over the integers of the domain.
template <integer_merge Merge>
inline constexpr bool associative = detail::everywhere([](std::int64_t base, std::int64_t first, std::int64_t second) {
    for (std::int64_t third = -reach; third <= reach; ++third) {
        const auto left = Merge::merge_integers(base, first, second);
        const auto right = Merge::merge_integers(base, second, third);
        if (!left || !right) continue;
        const auto from_left = Merge::merge_integers(base, *left, third);
        const auto from_right = Merge::merge_integers(base, first, *right);
        if (from_left && from_right && *from_left != *from_right) return false;
    }
    return true;
});

namespace detail {

template <class Merge>
[[nodiscard]] consteval bool holds() {
    if constexpr (!deterministic<Merge>)
        return false;  // nothing else can be asked of it at compile time
    else
        return keeps_base<Merge> && (!promises_commutative<Merge>() || commutative<Merge>) &&
               (!promises_idempotent<Merge>() || idempotent<Merge>) && (!promises_associative<Merge>() || associative<Merge>);
}

}  // namespace detail

/// Every law that @p Merge does not waive, over the integers of the domain.
template <integer_merge Merge>
inline constexpr bool hold = detail::holds<Merge>();

/// What is asked of a merge beyond determinism and the base law.
struct promises {
    bool commutative = true;
    bool idempotent = true;
    bool associative = true;
    /// Whether two results mean the same; nullptr: where they are equal. The base law and determinism ask for equality.
    bool (*equivalent)(const value&, const value&) = nullptr;
};

/// What @p Merge promises.
template <class Merge>
[[nodiscard]] constexpr promises promises_of() {
    promises p{promises_commutative<Merge>(), promises_idempotent<Merge>(), promises_associative<Merge>(), nullptr};
    if constexpr (requires(const value& v) { { Merge::equivalent(v, v) } -> std::same_as<bool>; }) p.equivalent = &Merge::equivalent;
    return p;
}

/// A law that a merge breaks, and with which values, by their positions among those that were tried.
struct breach {
    std::string_view law;
    std::size_t base = 0;
    std::size_t first = 0;   ///< the server's
    std::size_t second = 0;  ///< the client's
    std::optional<std::size_t> third{};  ///< of the associative law: what is folded in last
};

namespace detail {

[[nodiscard]] inline fault broken(const field_merge& merge, const breach& how) {
    // Positions, not values: a fault holds no user data.
    return make_fault(errc::invalid_argument, "field merge `", merge.name, "` breaks the ", how.law, " law with base, first and second value at positions ",
                      std::to_string(how.base), ", ", std::to_string(how.first), " and ", std::to_string(how.second), " of the values that were given");
}

[[nodiscard]] inline bool same(const promises& asked, const std::optional<value>& a, const std::optional<value>& b) {
    if (a.has_value() != b.has_value()) return false;
    if (!a) return true;
    return asked.equivalent != nullptr ? asked.equivalent(*a, *b) : *a == *b;
}

}  // namespace detail

/// Tries every law on every combination of @p domain. Calls the merge O(n^3) times, O(n^4) where associativity is asked:
/// a dozen well chosen values are plenty. Null belongs among them.
/// @pre the merge has a function
/// @return the first breach; nothing: every law is kept
[[nodiscard]] inline std::optional<breach> find_breach(const field_merge& merge, const promises& asked, const std::vector<value>& domain) {
    const timestamp early = from_microseconds(1);
    const timestamp late = from_microseconds(2);
    const std::size_t n = domain.size();
    const auto run = [&](const value& base, const value& server, const value& client, bool client_is_later) {
        return merge.merge(
            merge_input{base, server, client, client_is_later ? early : late, client_is_later ? late : early});
    };
    // Before the others: what a merge that remembers breaks besides is chance.
    for (std::size_t b = 0; b < n; ++b)
        for (std::size_t s = 0; s < n; ++s)
            for (std::size_t c = 0; c < n; ++c)
                for (const bool later : {false, true})
                    if (run(domain[b], domain[s], domain[c], later) != run(domain[b], domain[s], domain[c], later)) return breach{"deterministic", b, s, c, {}};
    for (std::size_t b = 0; b < n; ++b)
        for (std::size_t s = 0; s < n; ++s)
            for (std::size_t c = 0; c < n; ++c)
                for (const bool later : {false, true}) {
                    const value& base = domain[b];
                    const value& server = domain[s];
                    const value& client = domain[c];
                    const auto merged = run(base, server, client, later);
                    if (server == base && merged != client) return breach{"base", b, s, c, {}};
                    if (client == base && merged != server) return breach{"base", b, s, c, {}};
                    if (asked.commutative && !detail::same(asked, merged, run(base, client, server, later)))
                        return breach{"commutative", b, s, c, {}};
                    if (asked.idempotent && server == client && merged && !detail::same(asked, merged, server))
                        return breach{"idempotent", b, s, c, {}};
                    if (!asked.associative || !merged) continue;
                    for (std::size_t third = 0; third < n; ++third) {
                        const auto right = run(base, client, domain[third], later);
                        if (!right) continue;
                        const auto from_left = run(base, *merged, domain[third], later);
                        const auto from_right = run(base, server, *right, later);
                        if (from_left && from_right && !detail::same(asked, from_left, from_right))
                            return breach{"associative", b, s, c, third};
                    }
                }
    return std::nullopt;
}

/// The same with words.
/// @return nothing, or `errc::invalid_argument` that names the law and the positions of the values that break it
[[nodiscard]] inline result<void> check(const field_merge& merge, const promises& asked, const std::vector<value>& domain) {
    if (merge.merge == nullptr)
        return make_fault(errc::invalid_argument, "field merge `", merge.name, "` has no function; set `merge`");
    if (const auto how = find_breach(merge, asked, domain)) return detail::broken(merge, *how);
    return {};
}

/// Tries every law that @p Merge does not waive on every combination of @p domain.
template <class Merge>
[[nodiscard]] result<void> check(const std::vector<value>& domain) {
    return check(Merge::erased, promises_of<Merge>(), domain);
}

}  // namespace merge_laws

SYNCLINE_NAMESPACE_END

#endif
