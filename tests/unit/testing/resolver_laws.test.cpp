#include <syncline/testing/resolver_laws.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"

#include <string>

namespace resolver_laws_test {

using namespace syncline;
namespace resolver_laws = syncline::testing::resolver_laws;

namespace {

model_schema schema() {
    model_schema s;
    s.name = "task";
    s.fields = {{"title", value_kind::text, false, nullptr}, {"points", value_kind::integer, true, nullptr}};
    return s;
}

/// What the laws say of @p r, asked about two titles.
std::string said_of(const resolver& r) {
    const model_schema s = schema();
    const record server{{value::text("a"), value::integer(1)}};
    const record client{{value::text("b"), value::integer(1)}};
    conflict c;
    c.key = {0, "k1"};
    c.schema = &s;
    c.server = &server;
    c.client = &client;
    c.overlapping.insert(0);
    return resolver_laws::check(r, c, {"ann", from_microseconds(1000)}).text();
}

resolver merges_to(field_index field, value to) {
    return [field, to](const conflict&, const resolver_context&) {
        field_changes f;
        f.set(field, to);
        return resolution::merged(f, "test");
    };
}

}  // namespace

TEST_CASE("resolver_laws: those that are shipped keep them") {
    for (const resolver& r : {resolver{resolvers::server_wins{}}, resolver{resolvers::client_wins{}}, resolver{resolvers::last_write_wins{}},
                              resolver{resolvers::field_merge{}}, resolver{resolvers::defer_to_user{}}, merges_to(0, value::text("c")), merges_to(1, value{})})
        CHECK(said_of(r) == "holds");
}

TEST_CASE("resolver_laws: deterministic is broken by what a resolver keeps") {
    int calls = 0;
    const auto said = said_of([&](const conflict&, const resolver_context&) { return ++calls % 2 == 1 ? resolution::take_server() : resolution::take_client("odd"); });
    CHECK(said == "deterministic: asked twice about the same conflict it says take_server, and then take_client (odd); a resolver must not read or keep anything but its "
                  "arguments");
    for (const bool in_words : {false, true})
        CHECK(said_of([&](const conflict&, const resolver_context&) {
                  field_changes f;
                  f.set(1, value::integer(in_words ? 0 : ++calls));
                  return resolution::merged(f, in_words ? std::to_string(++calls) : "");
              }).find("deterministic: ") == 0);
}

TEST_CASE("resolver_laws: record is broken by a field that is not there, one of another kind, a null, and by no field") {
    CHECK(said_of(merges_to(2, value::text("c"))) == "record: `merged` sets field 2, and model `task` has 2 fields beside its key; set those by `field_index_of`");
    CHECK(said_of(merges_to(0, value::integer(1))) == "record: `merged` sets `title` to integer, the field holds text");
    CHECK(said_of(merges_to(0, value{})) == "record: `merged` sets `title` to null, which that field cannot be");
    CHECK(said_of([](const conflict&, const resolver_context&) { return resolution::merged({}); }) ==
          "record: `merged` names no field; say take_server or take_client where nothing is merged");
}

TEST_CASE("resolver_laws: stable is broken by a refusal that ends by itself") {
    const resolver impatient = [](const conflict&, const resolver_context& context) {
        return context.now < from_microseconds(60'000'000) ? resolution::defer("for a minute") : resolution::take_client("enough");
    };
    CHECK(said_of(impatient) == "stable: it says defer (for a minute), and 86400 s later take_client (enough); what is refused or deferred stays so until a person decides");
}

TEST_CASE("resolver_laws: reason is broken by a refusal without one") {
    CHECK(said_of([](const conflict&, const resolver_context&) { return resolution::refuse({}); }) ==
          "reason: `refuse` without a reason tells the person on the device nothing");
}

TEST_CASE("resolver_laws: an answer in words names its fields") {
    CHECK(resolver_laws::text_of(schema(), merges_to(1, value::integer(3))(conflict{}, resolver_context{})) == "merged points = 3 (test)");
    CHECK(resolver_laws::text_of(schema(), merges_to(9, value{})(conflict{}, resolver_context{})) == "merged field 9 = nothing (test)");
}

}  // namespace resolver_laws_test
