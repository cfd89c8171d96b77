#include <syncline/wire/bundle/pull_messages.hpp>

#include <syncline/support/sha256.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace pull_messages_test {

using namespace bundle_fixture;
using namespace syncline::bundle_wire;

namespace {

const json_limits limits_;
const std::string row_p = R"({"schema":"public","table":"projects","key":{"id":"p"},"op":"INSERT","row_version":4,"payload":{"id":"p","name":"x"}})";

std::string committed_page_text(const std::string& rows, int next, bool more, int count = 2) {
    return R"({"bundle_seq":4,"source_id":"s","source_bundle_id":2,"row_count":)" + std::to_string(count) + R"(,"bundle_hash":"h","rows":[)" + rows +
           R"(],"next_row_ordinal":)" + std::to_string(next) + R"(,"has_more":)" + (more ? "true}" : "false}");
}
std::string bundle_text(int seq, const std::string& more = {}) {
    return R"({"bundle_seq":)" + std::to_string(seq) + R"(,"source_id":"s","source_bundle_id":2)" + more + R"(,"rows":[]})";
}
std::string pull_text(int stable, const std::string& bundles, bool more) {
    return R"({"stable_bundle_seq":)" + std::to_string(stable) + R"(,"bundles":[)" + bundles + R"(],"has_more":)" + (more ? "true}" : "false}");
}

}  // namespace

TEST_CASE("pull messages: a query's number is a plain decimal") {
    CHECK(must(query_number("/x", "n", 7, 0)) == 7);
    CHECK(must(query_number("/x?n=12", "n", 7, 0)) == 12);
    CHECK(must(query_number("/x?m=1&n=0", "n", 7, 0)) == 0);
    for (const char* bad : {"/x?n=", "/x?n=-1", "/x?n=1.0", "/x?n=0x1", "/x?n=%201", "/x?n=1%20", "/x?n=+1", "/x?n=9223372036854775808", "/x?n=1&n=2"}) {
        INFO(bad);
        CHECK(!query_number(bad, "n", 7, 0));
    }
}

TEST_CASE("pull messages: pages of committed rows must continue each other") {
    const auto models = schemas();
    const table_names names{models, "public"};
    const auto read = [&](const std::string& body, std::int64_t first) {
        bundle_hasher hasher;
        return read_committed_page(body, names, first, hasher, limits_);
    };
    auto page = must(read(committed_page_text(row_p, 0, true), 0));
    CHECK(page.rows.size() == 1);
    CHECK(page.more);
    CHECK(read(committed_page_text(row_p, 1, false), 1));
    CHECK(!read(committed_page_text(row_p, 1, true), 0));    // counts wrong
    CHECK(!read(committed_page_text(row_p, 0, false), 0));   // ends early
    CHECK(!read(committed_page_text(row_p, 1, true), 1));    // goes on after the end
    CHECK(!read(committed_page_text("", 0, true), 0));       // nothing, and more
    CHECK(!read(committed_page_text("", 0, false), 0));
    CHECK(!read(committed_page_text(row_p + "," + row_p + "," + row_p, 2, false), 0));
    CHECK(!read(committed_page_text("5", 0, true), 0));
    std::string other_version = row_p;
    other_version.replace(other_version.find("\"row_version\":4"), 15, "\"row_version\":5");
    CHECK(!read(committed_page_text(other_version, 0, true), 0));
    CHECK(!read("{}", 0));
    CHECK(!read("", 0));
    CHECK(!read("[]", 0));
    std::string no_rows = committed_page_text("", 0, true);
    replace_all(no_rows, "\"rows\":[]", "\"rows\":{}");
    CHECK(!read(no_rows, 0));
    replace_all(no_rows, "\"rows\":{}", "\"more\":1");
    CHECK(!read(no_rows, 0));
    // An empty page says where it was asked for, or 0.
    for (const std::int64_t after : {-1, 0, 7})
        CHECK(write_committed_page(names, {4, "s", 2, 2, "h", {}}, {}, after + 1, after).find("\"next_row_ordinal\":" + std::to_string(after < 0 ? 0 : after) + ",") != std::string::npos);
}

TEST_CASE("pull messages: a page of a pull rises up to its stable bundle, or says that there is more") {
    const auto models = schemas();
    const table_names names{models, "public"};
    const auto read = [&](const std::string& body, cursor after) { return read_pull_answer(body, names, after, limits_); };
    const std::string hashed = R"(,"row_count":0,"bundle_hash":")" + sha256_hex("[]") + "\"";
    CHECK(must(read(pull_text(5, bundle_text(4) + "," + bundle_text(5, R"(,"row_count":0,"bundle_hash":"h")"), false), 3)).unreadable->code == errc::corrupt);
    auto page = must(read(pull_text(5, bundle_text(4) + "," + bundle_text(5, hashed), false), 3));
    CHECK_FALSE(page.unreadable);
    CHECK(page.stable == 5);
    CHECK(page.bundles.size() == 2);
    CHECK(!page.more);
    CHECK(read(pull_text(3, "", false), 3));
    CHECK(read(pull_text(0, "", false), 0));
    CHECK(must(read(pull_text(9, bundle_text(4), true), 3)).more);
    CHECK(must(read(pull_text(2, "", false), 3)).stable == 2);  // the caller judges it
    for (const std::string& bad : {pull_text(5, bundle_text(4), false), pull_text(5, "", false), pull_text(5, "", true), pull_text(5, bundle_text(3), true),
                                   pull_text(5, bundle_text(6), true), pull_text(5, bundle_text(5) + "," + bundle_text(4), false),
                                   pull_text(5, bundle_text(4) + "," + bundle_text(4), true), pull_text(-1, "", false),
                                   pull_text(5, bundle_text(5, R"(,"row_count":1)"), false), pull_text(5, "7", true), std::string{"{}"},
                                   std::string{R"({"stable_bundle_seq":4,"bundles":[{"bundle_seq":4,"rows":{}}]})"}, std::string{R"({"stable_bundle_seq":0})"}, std::string{R"({"stable_bundle_seq":"0","bundles":[]})"}, std::string{}}) {
        INFO(bad);
        CHECK(!read(bad, 3));
    }
}

TEST_CASE("pull messages: bundles of a source that does not number them get a positive number") {
    bundle_head head;
    head.seq = 9;
    CHECK(source_bundle_id_of(head) == 9);
    head.source_bundle_id = 3;
    CHECK(source_bundle_id_of(head) == 3);
}

TEST_CASE("pull messages: a snapshot's head and pages are checked") {
    const auto models = schemas();
    const table_names names{models, "public"};
    auto head = must(read_snapshot(R"({"snapshot_id":"i","snapshot_bundle_seq":7,"row_count":2,"byte_count":5,"expires_at":"2026-01-01T00:00:00Z"})", limits_));
    CHECK(head.id == "i");
    CHECK(head.seq == 7);
    CHECK(head.row_count == 2);
    for (const char* bad : {"", "{}", R"({"snapshot_id":"","snapshot_bundle_seq":7,"row_count":2})", R"({"snapshot_id":"i","row_count":2})",
                            R"({"snapshot_id":"i","snapshot_bundle_seq":-7,"row_count":2})", R"({"snapshot_id":"i","snapshot_bundle_seq":7})"})
        CHECK(!read_snapshot(bad, limits_));
    const std::string row = R"({"schema":"public","table":"projects","key":{"id":"p"},"row_version":4,"payload":{"name":"x"}})";
    const auto page = [&](const std::string& rows, int next, const char* more, const char* id = "i") {
        return read_snapshot_page(std::string{R"({"snapshot_id":")"} + id + R"(","snapshot_bundle_seq":7,"rows":[)" + rows + R"(],"next_row_ordinal":)" +
                                      std::to_string(next) + R"(,"has_more":)" + more + "}",
                                  names, "i", 3, limits_);
    };
    CHECK(must(page(row, 4, "true")).rows[0] == row_image{project_key("p"), 4, a_project("x"), {}});
    CHECK(page("", 3, "false"));
    CHECK(!page(row, 4, "true", "j"));
    CHECK(!page(row, 5, "true"));
    CHECK(!page("", 3, "true"));
    CHECK(!page("{}", 4, "true"));
    for (const char* rows : {R"("rows":{},)", ""})
        CHECK(!read_snapshot_page(std::string{R"({"snapshot_id":"i","snapshot_bundle_seq":7,)"} + rows + R"("next_row_ordinal":3,"has_more":false})", names, "i", 3, limits_));
    CHECK_FALSE(must(page("", 3, "1")).more);
    CHECK(!page(R"({"table":"projects","key":{"id":"p"},"row_version":0,"payload":{}})", 4, "true"));
    CHECK(!page(R"({"table":"projects","key":{"id":"p"},"row_version":1})", 4, "true"));
}

TEST_CASE("pull messages: a snapshot may ask for another source in the place of its own, and for nothing that is unknown") {
    CHECK(write_snapshot_request(std::nullopt).empty());
    for (const char* none : {"", "  \n", "{}", R"({"source_replacement":null})"}) CHECK(!must(read_snapshot_request(none, limits_)));
    const source_replacement asked{" old", "new ", "history_pruned"};
    CHECK(write_snapshot_request(asked) == R"({"source_replacement":{"previous_source_id":" old","new_source_id":"new ","reason":"history_pruned"}})");
    CHECK(must(read_snapshot_request(write_snapshot_request(asked), limits_)) == asked);
    for (const char* bad : {"{", "[]", "null", R"({"fresh":true})", R"({"source_replacement":[]})", R"({"source_replacement":{}})",
                            R"({"source_replacement":{"previous_source_id":"a","new_source_id":" ","reason":"r"}})",
                            R"({"source_replacement":{"previous_source_id":"","new_source_id":"b","reason":"r"}})",
                            R"({"source_replacement":{"previous_source_id":"a","new_source_id":5,"reason":"r"}})",
                            R"({"source_replacement":{"previous_source_id":"a","new_source_id":"b","reason":"r","more":1}})"}) {
        INFO(bad);
        CHECK(!read_snapshot_request(bad, limits_));
    }
}

}  // namespace pull_messages_test
