#include <syncline/engine/scopes.hpp>

#include "support/catch.hpp"
#include "unit/engine/scopes_fixture.hpp"

namespace scopes_test {

using namespace engine_tests;

TEST_CASE("scopes: a model has scope by its own buckets and by what it refers to, and a rule for no model is refused when asked") {
    const auto schemas = models();
    scope_rules rules;
    CHECK_FALSE(scope_map(schemas, rules).any());
    CHECK(scope_map(schemas, rules).whole_tenants(schemas));
    rules.buckets["node"] = [](const model_schema&, std::string_view, const record&) { return label_set{"x"}; };
    const scope_map by_node{schemas, rules};
    CHECK(by_node.scoped(node_model));
    CHECK(by_node.scoped(child_model));
    CHECK(by_node.labels_of(schemas, key_named("T"), node_row(1)) == label_set{"x"});
    CHECK_FALSE(by_node.labels_of(schemas, key_named("C1"), child_row(1, "T")));
    CHECK(lab_must(by_node.granted("main", "ann")).empty());
    CHECK(by_node.whole_tenants(schemas).error().code == errc::unsupported);
    rules.buckets["nodes"] = rules.buckets["node"];
    CHECK(scope_map(schemas, rules).granted("main", "ann").error().code == errc::invalid_argument);
}

TEST_CASE("scopes: an audience is a record's own labels and those of all that it refers to; one that is missing admits nobody") {
    scoped_server w;
    w.write("P", node_row(1, 1));
    w.write("C1", scoped_server::child(1, 2, "P"));
    const auto who = w.audience_of("C1");
    REQUIRE(who);
    CHECK(who->needs() == std::vector<label_set>{{"g1"}, {"g2"}});
    w.write("C2", scoped_server::child(1, 2, "nothing"));
    CHECK(w.audience_of("C2")->needs() == std::vector<label_set>{{}, {"g2"}});
}

}  // namespace scopes_test
