#include <syncline/wire/bundle/upload.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace upload_test {

using namespace bundle_fixture;

namespace {

bundle_wire::upload an_upload() {
    bundle_wire::upload up;
    up.batch.head.source_bundle_id = 4;
    up.batch.head.committed_seq = 9;
    for (std::uint32_t i = 0; i < 5; ++i) {
        intent what;
        what.key = project_key(std::to_string(i));
        what.op = operation::create;
        what.changes.set(0, value::text("x"));
        what.base.row_version = i;
        up.batch.items.push_back({"id" + std::to_string(i), i, what});
    }
    return up;
}

}  // namespace

TEST_CASE("upload: chunks follow each other, pages of committed rows too") {
    const auto models = schemas();
    const bundle_wire::table_names names{models, "public"};
    auto up = an_upload();
    CHECK(up.create_body({}) == R"({"source_bundle_id":4,"planned_row_count":5})");
    CHECK(up.chunk_body(names, 3).find(R"("start_row_ordinal":0)") != std::string::npos);
    CHECK(up.in_chunk == 3);
    up.sent = 3;
    CHECK(up.chunk_body(names, 3).find(R"("start_row_ordinal":3)") != std::string::npos);
    CHECK(up.in_chunk == 2);
    up.push_id = "a/b";
    CHECK(up.session_path() == "/push-sessions/a%2Fb");
    CHECK(up.rows_path(7) == "/committed-bundles/9/rows?max_rows=7");
    up.rows.resize(2);
    CHECK(up.rows_path(7) == "/committed-bundles/9/rows?after_row_ordinal=1&max_rows=7");
    up.begin();
    CHECK(up.sent == 0);
    CHECK(up.push_id.empty());
    CHECK(up.rows.empty());
    CHECK(up.batch.items.size() == 5);
}

TEST_CASE("upload: the content's hash is the one that the authority computes from what it received") {
    const auto models = schemas();
    const bundle_wire::table_names names{models, "public"};
    auto up = an_upload();
    up.batch.items[2].what.op = operation::update;
    up.batch.items[2].what.before = a_project("old");
    up.batch.items[3].what.op = operation::erase;
    up.batch.items[3].what.changes = {};
    bundle_wire::chunk_fault bad;
    auto received = bundle_wire::read_chunk(up.chunk_body(names, 9), names, json_limits{}, 9, timestamp{}, bad);
    REQUIRE(received);
    CHECK(bundle_content_hash(models, received->rows) == up.content_hash(models));
    const std::string was = up.content_hash(models);
    up.batch.items[1].what.base.row_version = 77;
    CHECK(up.content_hash(models) != was);
}

TEST_CASE("upload: tells its own bundle, its items and what cannot be sent") {
    const auto models = schemas();
    auto up = an_upload();
    CHECK(up.is_own("me", {9, "me", 4, 5, "h", {}}));
    CHECK(!up.is_own("me", {9, "you", 4, 5, "h", {}}));
    CHECK(!up.is_own("me", {9, "me", 5, 5, "h", {}}));
    CHECK(up.id_of(project_key("3")) == "id3");
    CHECK(up.id_of(task_key("3")).empty());
    CHECK(up.unsendable(models).empty());
    up.batch.items[1].what.key.key = std::string{"\xff"};
    const auto unfit = up.unsendable(models);
    REQUIRE(unfit.size() == 1);
    CHECK(unfit[0].what == commit_obstacle::kind::refused);
    CHECK(unfit[0].base_version == 1);
    CHECK(unfit[0].why->code == errc::invalid_key);
}

}  // namespace upload_test
