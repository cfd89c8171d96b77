#include <syncline/wire/bundle/push_messages.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace push_messages_test {

using namespace bundle_fixture;
using namespace syncline::bundle_wire;

namespace {
const json_limits limits_;
const std::string committed = R"("bundle_seq":4,"source_id":"s","source_bundle_id":2,"row_count":3,"bundle_hash":"h")";
}  // namespace

TEST_CASE("push messages: a create is written and read as the protocol has it") {
    CHECK(write_create(3, 7) == R"({"source_bundle_id":3,"planned_row_count":7})");
    auto read = must(read_create(write_create(3, 7), limits_));
    CHECK(read.source_bundle_id == 3);
    CHECK(read.planned_row_count == 7);
    CHECK(read.initialization_id.empty());
    CHECK(write_create(3, 7, "i") == R"({"source_bundle_id":3,"planned_row_count":7,"initialization_id":"i"})");
    CHECK(must(read_create(write_create(3, 7, "i"), limits_)).initialization_id == "i");
    // It keeps its octets: one with blanks is another one than the one without.
    CHECK(must(read_create(R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":"  x "})", limits_)).initialization_id == "  x ");
    for (const std::string& bad : {std::string{"   "}, std::string(256, 'i'), std::string{"a\\u0000"}}) {
        INFO(bad);
        CHECK(read_create(R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":")" + bad + "\"}", limits_).error().code == errc::malformed_value);
    }
    for (const char* none : {"null", "\"\""})
        CHECK(must(read_create(std::string{R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":)"} + none + "}", limits_)).initialization_id.empty());
}

TEST_CASE("push messages: the answer to a create is a session or a receipt, and nothing else") {
    auto staging = must(read_create_answer(R"({"push_id":"p","status":"staging","planned_row_count":3})", 3, limits_));
    CHECK(staging.push_id == "p");
    CHECK(!staging.committed);
    CHECK(staging.of.epoch.empty());
    CHECK(must(read_create_answer(write_staging("p", 3, {"e", {{1, 2, 3, 4}}}), 3, limits_)).of.epoch == "e");
    auto known = must(read_create_answer("{\"status\":\"already_committed\"," + committed + "}", 9, limits_));
    REQUIRE(known.committed);
    CHECK(known.committed->seq == 4);
    CHECK(known.committed->source == "s");
    CHECK(known.committed->source_bundle_id == 2);
    CHECK(known.committed->row_count == 3);
    CHECK(known.committed->bundle_hash == "h");
    CHECK(known.committed->content_hash.empty());
    auto ours = must(read_create_answer(write_already_committed({4, "s", 2, 3, "h", "c"}, {"e", {}}), 9, limits_));
    CHECK(ours.committed->content_hash == "c");
    // Forgotten rows have no hash; the word that stands for one is never taken for it.
    const auto forgotten = write_already_committed({4, "s", 2, 3, "", "c"}, {"e", {}});
    CHECK(forgotten.find("\"bundle_hash\":\"pruned\"") != std::string::npos);
    CHECK(must(read_create_answer(forgotten, 9, limits_)).committed->bundle_hash.empty());
    CHECK(ours.of.epoch == "e");
    for (const char* bad : {"", "[]", "{}", R"({"status":"staging","planned_row_count":3})", R"({"push_id":"","status":"staging","planned_row_count":3})",
                            R"({"push_id":"p","status":"staging","planned_row_count":4})", R"({"push_id":"p","status":"staging"})",
                            R"({"push_id":"p","status":"staging","planned_row_count":3,"next_expected_row_ordinal":1})",
                            R"({"push_id":"p","status":"done","planned_row_count":3})", R"({"status":"already_committed"})",
                            R"({"status":"already_committed","bundle_seq":0,"source_id":"s","source_bundle_id":2,"row_count":3,"bundle_hash":"h"})",
                            R"({"status":"already_committed","bundle_seq":4,"source_id":"","source_bundle_id":2,"row_count":3,"bundle_hash":"h"})",
                            R"({"status":"already_committed","bundle_seq":4,"source_id":"s","source_bundle_id":0,"row_count":3,"bundle_hash":"h"})",
                            R"({"status":"already_committed","bundle_seq":4,"source_id":"s","source_bundle_id":2,"row_count":0,"bundle_hash":"h"})",
                            R"({"status":"already_committed","bundle_seq":4,"source_id":"s","source_bundle_id":2,"row_count":4294967296,"bundle_hash":"h"})",
                            R"({"status":"already_committed","bundle_seq":4,"source_id":"s\u0000","source_bundle_id":2,"row_count":3,"bundle_hash":"h"})",
                            R"({"status":"already_committed","bundle_seq":4,"source_id":"s","source_bundle_id":2,"row_count":3,"bundle_hash":""})"}) {
        INFO(bad);
        CHECK(!read_create_answer(bad, 3, limits_));
    }
    const auto long_id = read_create_answer(R"({"push_id":")" + std::string(256, 'p') + R"(","status":"staging","planned_row_count":3})", 3, limits_);
    REQUIRE(!long_id);
    CHECK(long_id.error().detail.find("255") != std::string::npos);
    CHECK(write_already_committed({4, "s", 2, 3, "h", ""}, {}).find("content_hash") == std::string::npos);
}

TEST_CASE("push messages: a chunk holds the part of the batch that it says") {
    const auto models = schemas();
    const table_names names{models, "public"};
    std::vector<batch_item> items;
    for (std::uint32_t i = 0; i < 5; ++i) {
        intent what;
        what.key = project_key(std::to_string(i));
        what.op = operation::create;
        what.changes.set(0, value::text("x"));
        what.edited_at = at_second(1000);
        items.push_back({"id", i, what});
    }
    chunk_fault bad;
    auto read = read_chunk(write_chunk(names, items, 2, 2), names, limits_, 10, timestamp{}, bad);
    REQUIRE(read);
    CHECK(read->first == 2);
    REQUIRE(read->rows.size() == 2);
    CHECK(read->rows[1].what == items[3].what);
    CHECK(!read_chunk(write_chunk(names, items, 0, 5), names, limits_, 4, timestamp{}, bad));
    CHECK(!bad.row_ordinal);
    CHECK(chunk_refused(bad).status == 400);
}

TEST_CASE("push messages: the answers to a chunk and a commit are checked") {
    CHECK(must(read_chunk_answer(write_chunk_answer("p", 4), "p", limits_)) == 4);
    for (const char* bad : {"", "[]", R"({"push_id":"q","next_expected_row_ordinal":4})", R"({"push_id":"p"})", R"({"push_id":"p","next_expected_row_ordinal":-1})",
                            R"({"push_id":"p","next_expected_row_ordinal":"4"})"})
        CHECK(!read_chunk_answer(bad, "p", limits_));
    CHECK(must(read_commit_answer("{" + committed + "}", limits_)).seq == 4);
    CHECK(must(read_commit_answer(write_committed({4, "s", 2, 3, "h", "c"}), limits_)).content_hash == "c");
    for (const char* bad : {"", "{}", "[]", R"({"bundle_seq":"4"})"}) CHECK(!read_commit_answer(bad, limits_));
}

}  // namespace push_messages_test
