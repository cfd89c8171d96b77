#include <syncline/storage/default_values.hpp>

#include "support/catch.hpp"

#include <optional>

namespace default_values_test {

using namespace syncline;

namespace {

struct has_defaults {
    result<void> fill_defaults(model_id, record&, const field_set& fields) {
        asked = fields;
        return {};
    }
    std::optional<field_set> asked;
};
struct has_none {};

model_schema schema() {
    model_schema out;
    out.name = "t";
    out.fields = {{"named", value_kind::text, true, nullptr}, {"unnamed", value_kind::text, true, nullptr}, {"never_empty", value_kind::text, false, nullptr}};
    return out;
}

}  // namespace

TEST_CASE("default values: what a creation does not name is filled in, and what may not be empty; nothing else") {
    STATIC_REQUIRE(default_filling_transaction<has_defaults>);
    STATIC_REQUIRE_FALSE(default_filling_transaction<has_none>);
    intent made;
    made.op = operation::create;
    made.changes.set(0, value{});
    made.changes.set(2, value{});
    record row{{value{}, value{}, value{}}};
    has_defaults t;
    REQUIRE(fill_new_row(t, schema(), made, row));
    field_set want;
    want.insert(1);
    want.insert(2);
    CHECK(t.asked == want);

    t.asked.reset();
    row.fields[1] = row.fields[2] = value::text("x");
    REQUIRE(fill_new_row(t, schema(), made, row));
    CHECK_FALSE(t.asked);
    made.op = operation::update;
    row.fields[1] = value{};
    REQUIRE(fill_new_row(t, schema(), made, row));
    CHECK_FALSE(t.asked);
    has_none other;
    CHECK(fill_new_row(other, schema(), made, row));
}

}  // namespace default_values_test
