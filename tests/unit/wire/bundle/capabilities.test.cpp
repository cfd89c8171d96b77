#include <syncline/wire/bundle/capabilities.hpp>

#include "support/catch.hpp"

namespace capabilities_test {

using namespace syncline;

TEST_CASE("bundle capabilities: a foreign server's are read, and what is not there is not offered") {
    auto read = bundle_wire::read_capabilities(R"({"protocol_version":"v1","schema_version":1,"features":{"connect_lifecycle":true,"odd":5},"bundle_limits":{"max_rows_per_push_chunk":50},"new":1})", json_limits{});
    REQUIRE(read);
    CHECK(read->has("connect_lifecycle"));
    CHECK(!read->has("odd"));
    CHECK(!read->has("bundle_pull"));
    CHECK(read->bounds.max_rows_per_push_chunk == 50);
    CHECK(read->bounds.max_bundles_per_pull == 0);
    CHECK(bundle_wire::read_capabilities(R"({"protocol_version":"v1"})", json_limits{}));
    for (const char* bad : {"", "[]", "{}", R"({"protocol_version":1})", R"({"protocol_version":"v1","schema_version":"one"})",
                            R"({"protocol_version":"v1","bundle_limits":{"max_bundles_per_pull":"many"}})"}) {
        INFO(bad);
        CHECK(!bundle_wire::read_capabilities(bad, json_limits{}));
    }
}

TEST_CASE("bundle capabilities: limits of zero are not written") {
    const schema_set none;
    const bundle_wire::table_names names{none, "main"};
    bundle_wire::capabilities c;
    c.bounds = {0, 0, 0, 0, 0, 0, 0, 0};
    CHECK(bundle_wire::write_capabilities(names, c, 0) ==
          R"({"protocol_version":"v1","schema_version":1,"registered_tables":[],"registered_table_specs":[],"features":{},"bundle_limits":{}})");
}

}  // namespace capabilities_test
