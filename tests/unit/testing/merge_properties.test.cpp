#include <syncline/testing/merge_properties.hpp>

#include <syncline/conflict/add_wins_set.hpp>
#include <syncline/conflict/instant_merges.hpp>
#include <syncline/conflict/merges.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace merge_properties_test {

using namespace syncline;
using syncline::testing::check_merge;
using syncline::testing::merge_search;

namespace {

// Each of these breaks one law and no other, with texts of two lines or more alone, so that a breach has to be found and made smaller.
bool is_long(const value& v) { return v.kind() == value_kind::text && v.as_string().find('\n') != std::string::npos; }

struct in_order {
    static constexpr bool accepts(value_kind kind) noexcept { return kind == value_kind::text; }
};
template <class Rest>
std::optional<value> lawful(const merge_input& in, Rest rest) {
    if (in.server == in.base) return in.client;
    if (in.client == in.base) return in.server;
    return rest();
}
value greater(const merge_input& in) {
    if (in.server.is_null() || in.client.is_null()) return in.server.is_null() ? in.client : in.server;
    return in.client.as_string() > in.server.as_string() ? in.client : in.server;
}

struct forgets_base : in_order {
    static std::optional<value> merge(const merge_input& in) {
        if (in.client == in.base && is_long(in.server) && !is_long(in.base)) return in.client;
        return lawful(in, [&] { return greater(in); });
    }
    static constexpr field_merge erased{"forgets_base", &merge, false};
};
struct takes_sides : in_order {
    static std::optional<value> merge(const merge_input& in) {
        return lawful(in, [&] { return is_long(in.server) ? in.server : greater(in); });
    }
    static constexpr field_merge erased{"takes_sides", &merge, false};
};
struct doubles : in_order {
    static constexpr bool associative = false;
    static std::optional<value> merge(const merge_input& in) {
        return lawful(in, [&] { return in.server == in.client && is_long(in.server) ? value::text(in.server.as_string() + in.client.as_string()) : greater(in); });
    }
    static constexpr field_merge erased{"doubles", &merge, false};
};
struct shortens : in_order {
    static std::optional<value> merge(const merge_input& in) {
        return lawful(in, [&] {
            if (in.server == in.client || !is_long(in.server) || !is_long(in.client)) return greater(in);
            return value::text(std::to_string((in.server.as_string().size() + in.client.as_string().size()) / 2));
        });
    }
    static constexpr field_merge erased{"shortens", &merge, false};
};
struct remembers : in_order {
    static inline int calls = 0;
    static std::optional<value> merge(const merge_input& in) {
        return lawful(in, [&] { return is_long(in.server) && is_long(in.client) ? value::text(std::to_string(++calls)) : greater(in); });
    }
    static constexpr field_merge erased{"remembers", &merge, false};
};

// These break the base law with nothing but null: one value is enough to show it.
struct declines_null : in_order {
    static std::optional<value> merge(const merge_input& in) {
        if (in.server.is_null() && in.client.is_null()) return std::nullopt;
        return lawful(in, [&] { return greater(in); });
    }
    static constexpr field_merge erased{"declines_null", &merge, false};
};
struct adds_a_mark : in_order {
    static std::optional<value> merge(const merge_input& in) { return value::text("!" + (in.client.is_null() ? std::string{} : in.client.as_string())); }
    static constexpr field_merge erased{"adds_a_mark", &merge, false};
};

merge_search seeded(std::uint64_t seed) {
    merge_search out;
    out.seed = seed;
    out.rounds = test_support::tenth_if_slow(out.rounds);
    return out;
}

}  // namespace

TEST_CASE("merge_properties: the merges that are shipped keep what they promise") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CHECK(check_merge<merges::server>(seeded(seed)));
        CHECK(check_merge<merges::client>(seeded(seed)));
        CHECK(check_merge<merges::latest>(seeded(seed)));
        CHECK(check_merge<merges::maximum>(seeded(seed)));
        CHECK(check_merge<merges::minimum>(seeded(seed)));
        CHECK(check_merge<merges::counter>(seeded(seed)));
        CHECK(check_merge<merges::three_way_lines>(seeded(seed)));
        CHECK(check_merge<merges::add_wins_set>(seeded(seed)));
        CHECK(check_merge<merges::later>(seeded(seed)));
        CHECK(check_merge<merges::earlier>(seeded(seed)));
    }
}

TEST_CASE("merge_properties: a merge that breaks a law is caught by it, with the smallest values that show it") {
    CHECK(check_merge<forgets_base>().text() ==
          R"(field merge `forgets_base` breaks the base law: base nothing, server "a\ncc", client nothing; merged nothing (seed 1))");
    CHECK(check_merge<takes_sides>().text() ==
          R"(field merge `takes_sides` breaks the commutative law: base nothing, server "dd", client "c\nd"; merged "dd", with the sides swapped "c\nd" (seed 1))");
    CHECK(check_merge<doubles>().text() ==
          R"(field merge `doubles` breaks the idempotent law: base nothing, server "c\nd", client "c\nd"; merged "c\ndc\nd" (seed 1))");
    CHECK(check_merge<shortens>().text() ==
          R"(field merge `shortens` breaks the associative law: base nothing, server "dd\ndd", client "dd\ndd", and then "c\nd"; folded from the left "4", from the right "dd\ndd" (seed 1))");
    CHECK(check_merge<adds_a_mark>().text() == R"(field merge `adds_a_mark` breaks the base law: base nothing, server nothing, client nothing; merged "!" (seed 1))");
    CHECK(check_merge<declines_null>().text() == R"(field merge `declines_null` breaks the base law: base nothing, server nothing, client nothing; merged declined (seed 1))");
    CHECK(check_merge<remembers>().says(R"(field merge `remembers` breaks the deterministic law: base nothing, server "c\nd", client "c\nd"; merged ")"));
}

TEST_CASE("merge_properties: a law that is waived is not asked for, and values may be drawn by the user") {
    auto all = merge_laws::promises_of<takes_sides>();
    all.commutative = false;
    all.associative = false;
    CHECK(check_merge(takes_sides::erased, all, {}));
    merge_search short_texts;
    short_texts.draw = [](value_kind, seeded_random& random) { return value::text(std::string(1, static_cast<char>('a' + random.below(4)))); };
    CHECK(check_merge<takes_sides>(short_texts));
    merge_search bytes;
    bytes.kinds = {value_kind::bytes};
    CHECK(check_merge<takes_sides>(bytes));
    CHECK(check_merge(field_merge{"empty"}, {}, {}).says("field merge `empty` has no function"));
}

}  // namespace merge_properties_test
