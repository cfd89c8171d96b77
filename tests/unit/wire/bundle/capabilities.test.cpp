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
    c.bounds = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    CHECK(bundle_wire::write_capabilities(names, c) ==
          R"({"protocol_version":"v1","schema_version":1,"registered_tables":[],"registered_table_specs":[],"features":{},"bundle_limits":{}})");
}

TEST_CASE("bundle capabilities: every limit is told, and comes back as it was") {
    const schema_set none;
    const bundle_wire::table_names names{none, "main"};
    bundle_wire::capabilities c;
    c.bounds = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    const std::string body = bundle_wire::write_capabilities(names, c);
    CHECK(body.ends_with(R"("bundle_limits":{"max_rows_per_bundle":1,"max_bytes_per_bundle":2,"max_bundles_per_pull":3,"default_rows_per_push_chunk":4,)"
                         R"("max_rows_per_push_chunk":5,"push_session_ttl_seconds":12,"default_rows_per_committed_bundle_chunk":6,)"
                         R"("max_rows_per_committed_bundle_chunk":7,"default_rows_per_snapshot_chunk":8,"max_rows_per_snapshot_chunk":9,)"
                         R"("snapshot_session_ttl_seconds":13,"max_rows_per_snapshot_session":10,"max_bytes_per_snapshot_session":11,)"
                         R"("initialization_lease_ttl_seconds":14}})"));
    const auto read = bundle_wire::read_capabilities(body, json_limits{});
    REQUIRE(read);
    CHECK(bundle_wire::write_capabilities(names, *read) == body);
}

}  // namespace capabilities_test
