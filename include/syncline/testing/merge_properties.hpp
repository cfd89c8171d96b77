#ifndef SYNCLINE_TESTING_MERGE_PROPERTIES_HPP
#define SYNCLINE_TESTING_MERGE_PROPERTIES_HPP

#include <syncline/conflict/merge_laws.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/random_values.hpp>
#include <syncline/testing/verdict.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// How `check_merge` looks for a breach.
struct merge_search {
    std::uint64_t seed = 1;
    /// How many small sets of random values are tried, each with every law on every combination.
    std::size_t rounds = 500;
    /// The kinds of value that are drawn; empty: those that the merge accepts, all where it does not say. Null is always among them.
    std::vector<value_kind> kinds{};
    /// Draws a value of a kind, where `plain_value` draws none that the merge can do something with.
    std::function<value(value_kind, seeded_random&)> draw{};
};

namespace detail {

[[nodiscard]] inline std::string in_one_line(const std::optional<value>& v) {
    if (!v) return "declined";
    std::string out;
    for (const char c : text_of(*v)) c == '\n' ? out.append("\\n") : out.append(1, c);
    return out;
}

[[nodiscard]] inline std::string breach_text(const field_merge& merge, const merge_laws::breach& how, const std::vector<value>& of, const merge_search& search) {
    const value& base = of[how.base];
    const value& server = of[how.first];
    const value& client = of[how.second];
    const auto merged = [&](const std::optional<value>& a, const std::optional<value>& b) -> std::optional<value> {
        if (!a || !b) return std::nullopt;
        return merge.merge(merge_input{base, *a, *b, from_microseconds(1), from_microseconds(2)});
    };
    std::string out = "field merge `" + std::string(merge.name) + "` breaks the " + std::string(how.law) + " law: base " + in_one_line(base) + ", server " +
                      in_one_line(server) + ", client " + in_one_line(client);
    const auto made = merged(server, client);
    if (how.third) {
        const value& third = of[*how.third];
        out += ", and then " + in_one_line(third) + "; folded from the left " + in_one_line(merged(made, third)) + ", from the right " +
               in_one_line(merged(server, merged(client, third)));
    } else {
        out += "; merged " + in_one_line(made);
    }
    if (how.law == "commutative") out += ", with the sides swapped " + in_one_line(merged(client, server));
    if (how.law == "deterministic") out += ", and then " + in_one_line(merged(server, client));
    return out + " (seed " + std::to_string(search.seed) + ")";
}

// Makes the values simpler, and fewer, as long as the same law is broken.
inline void shrink(const field_merge& merge, const merge_laws::promises& asked, std::vector<value>& of, merge_laws::breach& how) {
    const auto still = [&](const std::vector<value>& tried) {
        const auto found = merge_laws::find_breach(merge, asked, tried);
        if (!found || found->law != how.law) return false;
        of = tried;
        how = *found;
        return true;
    };
    bool better = true;
    for (std::size_t rounds = 0; better && rounds < 200; ++rounds) {
        better = false;
        for (std::size_t i = 0; i < of.size() && of.size() > 1 && !better; ++i) {
            std::vector<value> fewer = of;
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
            better = still(fewer);
        }
        for (std::size_t i = 0; i < of.size() && !better; ++i)
            for (const auto& simpler : simpler_values(of[i])) {
                std::vector<value> tried = of;
                tried[i] = simpler;
                if ((better = still(tried))) break;
            }
    }
}

}  // namespace detail

/// Looks for random values with which @p merge breaks a law that is @p asked of it (`merge_laws`), and makes what it finds as small as it can.
/// @return the first breach, with its values and the seed
[[nodiscard]] inline verdict check_merge(const field_merge& merge, const merge_laws::promises& asked, const merge_search& search) {
    if (merge.merge == nullptr) return verdict::because("field merge `" + std::string(merge.name) + "` has no function; set `merge`");
    seeded_random random{search.seed};
    std::vector<value_kind> kinds = search.kinds;
    if (kinds.empty())
        for (const auto kind : {value_kind::boolean, value_kind::integer, value_kind::real, value_kind::decimal, value_kind::text, value_kind::bytes,
                                value_kind::time, value_kind::json})
            kinds.push_back(kind);
    for (std::size_t round = 0; round < search.rounds; ++round) {
        // A field holds one kind of value: what meets is of one kind, or null.
        const value_kind kind = kinds[static_cast<std::size_t>(random.below(kinds.size()))];
        std::vector<value> of;
        for (int n = 0; n < 4; ++n) {
            const bool null = random.chance(1, 12);
            of.push_back(null ? value::null() : search.draw ? search.draw(kind, random) : plain_value(kind, random));
        }
        auto found = merge_laws::find_breach(merge, asked, of);
        if (!found) continue;
        detail::shrink(merge, asked, of, *found);
        return verdict::because(detail::breach_text(merge, *found, of, search));
    }
    return {};
}

/// The same for a described merge: with every law that it does not waive, and the kinds that it accepts.
template <class Merge>
[[nodiscard]] verdict check_merge(merge_search search = {}) {
    if constexpr (requires { Merge::accepts(value_kind::null); })
        if (search.kinds.empty())
            for (const auto kind : {value_kind::boolean, value_kind::integer, value_kind::real, value_kind::decimal, value_kind::text, value_kind::bytes,
                                    value_kind::time, value_kind::json})
                if (Merge::accepts(kind)) search.kinds.push_back(kind);
    return check_merge(Merge::erased, merge_laws::promises_of<Merge>(), search);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
