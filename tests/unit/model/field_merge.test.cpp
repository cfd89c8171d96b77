#include <syncline/model/field_merge.hpp>

#include "support/catch.hpp"

#include <optional>

namespace field_merge_test {

using syncline::field_merge;
using syncline::merge_input;
using syncline::value;

TEST_CASE("field merge: is a plain function with a name, usable as a constant") {
    static constexpr field_merge always_server{
        "always_server", [](const merge_input& in) { return std::optional<value>{in.server}; }, false};
    static_assert(always_server.name == "always_server");
    const value base;
    const value server = value::integer(1);
    const value client = value::integer(2);
    CHECK(always_server.merge(merge_input{base, server, client}) == server);
}

TEST_CASE("field merge: one that was not filled in has no function") {
    constexpr field_merge empty{};
    static_assert(empty.merge == nullptr && !empty.by_difference && empty.name.empty());
    SUCCEED();
}

}  // namespace field_merge_test
