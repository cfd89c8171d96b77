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

TEST_CASE("scopes: a model whose buckets have no rule is refused by name, on either wire") {
    const auto schemas = models();
    scope_rules rules;
    rules.buckets["node"] = bucket_rule{};
    const scope_map empty{schemas, rules};
    const auto refused = empty.granted("main", "ann");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK(refused.error().detail.find("by an empty rule") != std::string::npos);
    CHECK(empty.whole_tenants(schemas).error().code == errc::invalid_argument);
}

TEST_CASE("scopes: what a record refers to outside of buckets, or refers back to it, asks for no more labels") {
    half_scoped_server half;
    half.write("P", node_row(1, 2));
    half.write("C1", half_scoped_server::child(1, 1, "P"));
    CHECK(half.audience_of("C1")->needs() == std::vector<label_set>{{"g1"}});

    scoped_tree w;
    w.write("x", scoped_tree::row(1, "y"));
    w.write("y", scoped_tree::row(2, "x"));
    auto t = lab_must(w.store.begin("main", access::snapshot));
    CHECK(lab_must(t.audience_of({0, "x"}))->needs() == std::vector<label_set>{{"g1"}, {"g2"}});
}

}  // namespace scopes_test
