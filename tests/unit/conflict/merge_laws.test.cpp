#include <syncline/conflict/merge_laws.hpp>

#include <syncline/conflict/merges.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace merge_laws_test {

using syncline::errc;
using syncline::field_merge;
using syncline::merge_input;
using syncline::value;
using syncline::value_kind;
namespace merge_laws = syncline::merge_laws;
namespace merges = syncline::merges;

namespace {

using integer = std::int64_t;

// Each of these breaks one law and no other.
struct forgets_base {
    static constexpr std::optional<integer> merge_integers(integer, integer server, integer client) {
        return server > client ? server : client;
    }
};
struct takes_sides {
    static constexpr std::optional<integer> merge_integers(integer base, integer server, integer client) {
        return server == base ? client : server;
    }
};
struct doubles {
    static constexpr std::optional<integer> merge_integers(integer base, integer server, integer client) {
        if (server == base) return client;
        if (client == base) return server;
        return server + client - base;
    }
};
struct averages {
    static constexpr std::optional<integer> merge_integers(integer base, integer server, integer client) {
        if (server == base) return client;
        if (client == base) return server;
        return (server + client) / 2;
    }
};
struct forgets_server {
    static constexpr bool commutative = false;
    static constexpr bool associative = false;
    static constexpr std::optional<integer> merge_integers(integer, integer, integer client) { return client; }
};
// Gives what it gave before, each time a little more.
struct remembers {
    static constexpr bool commutative = false;
    static constexpr bool idempotent = false;
    static constexpr bool associative = false;
    static inline integer calls = 0;
    static std::optional<integer> merge_integers(integer base, integer server, integer client) {
        if (server == base) return client;
        if (client == base) return server;
        return ++calls;
    }
};
struct waives_everything : averages {
    static constexpr bool commutative = false;
    static constexpr bool idempotent = false;
    static constexpr bool associative = false;
};

template <class Core>
std::optional<value> erase_core(const merge_input& in) {
    const auto n = [](const value& v) { return v.kind() == value_kind::integer ? v.as_integer() : integer{0}; };
    const auto merged = Core::merge_integers(n(in.base), n(in.server), n(in.client));
    return merged ? std::optional<value>{value::integer(*merged)} : std::nullopt;
}
template <class Core>
struct erased_as : Core {
    static constexpr field_merge erased{"under_test", &erase_core<Core>, false};
};

std::vector<value> integers() {
    std::vector<value> out;
    for (integer n = -2; n <= 2; ++n) out.push_back(value::integer(n));
    return out;
}

template <class Core>
std::string broken_law() {
    const auto kept = merge_laws::check<erased_as<Core>>(integers());
    if (kept) return "none";
    CHECK(kept.error().code == errc::invalid_argument);
    const std::string& detail = kept.error().detail;
    for (const char* law : {"deterministic", "base", "commutative", "idempotent", "associative"})
        if (detail.find(std::string("the ").append(law).append(" law")) != std::string::npos) return law;
    return detail;
}

}  // namespace

TEST_CASE("merge laws: a merge that breaks a law is found out at compile time") {
    static_assert(!merge_laws::keeps_base<forgets_base>);
    static_assert(merge_laws::commutative<forgets_base> && merge_laws::idempotent<forgets_base>);
    static_assert(!merge_laws::keeps_base<forgets_server> && !merge_laws::hold<forgets_server>);
    static_assert(!merge_laws::commutative<takes_sides>);
    static_assert(merge_laws::keeps_base<takes_sides> && merge_laws::idempotent<takes_sides>);
    static_assert(!merge_laws::idempotent<doubles>);
    static_assert(merge_laws::keeps_base<doubles> && merge_laws::commutative<doubles> && merge_laws::associative<doubles>);
    static_assert(!merge_laws::associative<averages>);
    static_assert(merge_laws::keeps_base<averages> && merge_laws::commutative<averages> && merge_laws::idempotent<averages>);
    static_assert(!merge_laws::hold<forgets_base> && !merge_laws::hold<takes_sides>);
    static_assert(!merge_laws::hold<doubles> && !merge_laws::hold<averages>);
    static_assert(!merge_laws::deterministic<remembers> && !merge_laws::hold<remembers>);
    static_assert(merge_laws::deterministic<averages> && merge_laws::deterministic<merges::counter>);
    SUCCEED();
}

TEST_CASE("merge laws: a law that a merge waives is not asked of it, the base law always is") {
    static_assert(merge_laws::hold<waives_everything>);
    static_assert(!merge_laws::promises_commutative<merges::server>() && !merge_laws::promises_commutative<merges::client>());
    static_assert(!merge_laws::promises_commutative<merges::latest>());
    static_assert(merge_laws::promises_commutative<merges::counter>() && !merge_laws::promises_idempotent<merges::counter>());
    static_assert(merge_laws::promises_commutative<merges::maximum>() && merge_laws::promises_idempotent<merges::maximum>() &&
                  merge_laws::promises_associative<merges::maximum>());
    CHECK(broken_law<waives_everything>() == "none");
}

TEST_CASE("merge laws: the check over values names the law that is broken") {
    CHECK(broken_law<forgets_base>() == "base");
    CHECK(broken_law<forgets_server>() == "base");
    CHECK(broken_law<takes_sides>() == "commutative");
    CHECK(broken_law<remembers>() == "deterministic");
    CHECK(broken_law<doubles>() == "idempotent");
    CHECK(broken_law<averages>() == "associative");
    CHECK(broken_law<merges::maximum>() == "none");
}

TEST_CASE("merge laws: a merge that depends on more than its input is found out") {
    static int calls = 0;
    const field_merge moody{"moody", [](const merge_input& in) -> std::optional<value> {
                                if (in.server == in.base) return in.client;
                                if (in.client == in.base) return in.server;
                                return value::integer(++calls);
                            }};
    const auto kept = merge_laws::check(moody, {false, false, false, nullptr}, integers());
    REQUIRE_FALSE(kept);
    CHECK(kept.error().detail.find("deterministic") != std::string::npos);
}

TEST_CASE("merge laws: a merge that declines from one side only is not commutative") {
    const field_merge coy{"coy", [](const merge_input& in) -> std::optional<value> {
                              if (in.server == in.base) return in.client;
                              if (in.client == in.base || in.client == in.server) return in.server;
                              if (in.server.as_integer() > in.client.as_integer()) return std::nullopt;
                              return in.client;
                          }};
    const auto kept = merge_laws::check(coy, {}, integers());
    REQUIRE_FALSE(kept);
    CHECK(kept.error().detail.find("commutative") != std::string::npos);
}

TEST_CASE("merge laws: the associative law is asked only where the merge speaks in both orders") {
    // A sum of which the device's part is at most 5.
    const field_merge bounded{"bounded", [](const merge_input& in) -> std::optional<value> {
                                  if (in.server == in.base) return in.client;
                                  if (in.client == in.base) return in.server;
                                  if (in.client.as_integer() > 5) return std::nullopt;
                                  return value::integer(in.server.as_integer() + in.client.as_integer());
                              }};
    const std::vector<value> domain{value::integer(0), value::integer(3), value::integer(5)};
    CHECK(merge_laws::check(bounded, {false, false, true, nullptr}, domain));
}

TEST_CASE("merge laws: a merge without a function is refused, and the values stay out of the fault") {
    CHECK_FALSE(merge_laws::check(field_merge{"empty", nullptr, false}, {}, integers()));
    const field_merge bad{"bad", [](const merge_input&) { return std::optional<value>{value::null()}; }};
    const auto kept = merge_laws::check(bad, {}, {value::text("secret"), value::text("other secret")});
    REQUIRE_FALSE(kept);
    CHECK(kept.error().detail.find("secret") == std::string::npos);
}

}  // namespace merge_laws_test
