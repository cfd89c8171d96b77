#include <syncline/conflict/instant_merges.hpp>

#include <syncline/conflict/merge_laws.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <iterator>
#include <optional>
#include <vector>

namespace instant_merges_test {

using syncline::from_microseconds;
using syncline::merge_input;
using syncline::value;
using syncline::value_kind;
namespace merges = syncline::merges;
namespace merge_laws = syncline::merge_laws;

namespace {

template <class Merge>
std::optional<value> run(const value& base, const value& server, const value& client) {
    return Merge::erased.merge(merge_input{base, server, client, {}, {}});
}

value text(const char* s) { return value::text(s); }

}  // namespace

TEST_CASE("later and earlier keep every law") {
    const std::vector<value> values{value::null(), value::integer(1), value::time(from_microseconds(1)), value::time(from_microseconds(1'777'712'400'000'000)), text("soon"), text(""),
                                    text("2026-05-02T09:00:00.000000001Z"), text("2026-05-02T11:00:00+02:00"), text("2026-05-02T09:00:00Z")};
    for (const auto& kept : {merge_laws::check<merges::later>(values), merge_laws::check<merges::earlier>(values)}) {
        INFO((kept ? "" : kept.error().detail));
        CHECK(kept.has_value());
    }
}

TEST_CASE("later and earlier: instants are compared, in any spelling and to the nanosecond, and what is no time is left to a resolver") {
    const char* const rising[] = {"2026-05-02T08:59:59.999999999Z", "2026-05-02T09:00:00Z",      "2026-05-02T11:00:00.000000001+02:00", "2026-05-02T09:00:00.00000001Z",
                                  "2026-05-02T09:00:00.0000001Z",   "2026-05-02t10:00:00.000001+01:00", "2026-05-02T08:30:00-00:31"};
    for (std::size_t i = 0; i < std::size(rising); ++i)
        for (std::size_t j = i + 1; j < std::size(rising); ++j) {
            INFO(rising[i] << " " << rising[j]);
            CHECK(run<merges::later>(value::null(), text(rising[i]), text(rising[j])) == text(rising[j]));
            CHECK(run<merges::later>(value::null(), text(rising[j]), text(rising[i])) == text(rising[j]));
            CHECK(run<merges::earlier>(value::null(), text(rising[i]), text(rising[j])) == text(rising[i]));
            CHECK(run<merges::earlier>(value::null(), text(rising[j]), text(rising[i])) == text(rising[i]));
        }
    // One instant twice: whoever is the server, it is the same.
    CHECK(run<merges::later>(value::null(), text("2026-05-02T09:00:00Z"), text("2026-05-02T11:00:00+02:00")) ==
          run<merges::later>(value::null(), text("2026-05-02T11:00:00+02:00"), text("2026-05-02T09:00:00Z")));
    const value later = value::time(from_microseconds(2'000'000'000'000'000));
    CHECK(run<merges::later>(value::null(), later, text("2026-05-02T09:00:00Z")) == later);
    CHECK(run<merges::earlier>(value::null(), later, text("2026-05-02T09:00:00Z")) == text("2026-05-02T09:00:00Z"));
    CHECK(run<merges::later>(later, value::null(), text(rising[0])) == text(rising[0]));
    CHECK(run<merges::earlier>(later, value::null(), text(rising[0])) == text(rising[0]));
    for (const char* other : {"2026:05:02 09:00:00", "2026-05-02 09:00:00", "2026-05-02", "", "soon"}) {
        INFO(other);
        CHECK_FALSE(run<merges::later>(value::null(), text(other), text(rising[0])));
        CHECK_FALSE(run<merges::earlier>(value::null(), text(rising[0]), text(other)));
    }
    static_assert(merges::later::accepts(value_kind::time) && merges::earlier::accepts(value_kind::text) && !merges::later::accepts(value_kind::integer));
    CHECK(merges::later::erased.name == "later");
    CHECK(merges::earlier::erased.name == "earlier");
}

}  // namespace instant_merges_test
