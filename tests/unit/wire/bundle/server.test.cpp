#include <syncline/wire/bundle/server.hpp>

#include <syncline/testing/storage/failing_store.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace server_test {

using namespace bundle_fixture;

namespace {

/// A server whose account was connected to by a device that has nothing.
struct server_side : bundle_fixture::server_side {
    explicit server_side(authority_options options = {}, bundle_server_options wire_options = {})
        : bundle_fixture::server_side(std::move(options), std::move(wire_options)) {
        must(engine.connect({"home", "ann", "device"}, false, {}, now));
    }
};

const std::string insert_p = R"({"schema":"public","table":"projects","key":{"id":"p"},"op":"INSERT","base_row_version":0,"payload":{"name":"home"}})";
const std::string insert_t = R"({"schema":"public","table":"tasks","key":{"id":"t"},"op":"INSERT","base_row_version":0,"payload":{"id":"t","title":"paint","project":"p"}})";

std::string create(server_side& s, std::int64_t number, int rows, const std::string& source = "device") {
    auto r = s.call(http_method::post, "/sync/push-sessions",
                    R"({"source_bundle_id":)" + std::to_string(number) + R"(,"planned_row_count":)" + std::to_string(rows) + "}", source);
    INFO(r.body);
    REQUIRE(r.status == 200);
    return text_in(r.body, "push_id");
}
response chunk(server_side& s, const std::string& id, int first, const std::string& rows) {
    return s.call(http_method::post, "/sync/push-sessions/" + id + "/chunks", R"({"start_row_ordinal":)" + std::to_string(first) + R"(,"rows":[)" + rows + "]}");
}
response commit(server_side& s, const std::string& id) { return s.call(http_method::post, "/sync/push-sessions/" + id + "/commit"); }
response push(server_side& s, std::int64_t number, const std::string& rows, int count) {
    const std::string id = create(s, number, count);
    auto r = chunk(s, id, 0, rows);
    INFO(r.body);
    REQUIRE(r.status == 200);
    return commit(s, id);
}
void check_error(const response& r, int status, const std::string& code) {
    INFO(r.body);
    CHECK(r.status == status);
    CHECK(text_in(r.body, "error") == code);
    CHECK(!text_in(r.body, "message").empty());
    CHECK(find_header(r.headers, "Content-Type").value_or("") == "application/json");
}

}  // namespace

TEST_CASE("bundle_server: a push goes from session to committed rows as the protocol says") {
    server_side s;
    auto made = s.call(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":1,"planned_row_count":2,"more":0})");
    CHECK(made.status == 200);
    const std::string id = text_in(made.body, "push_id");
    CHECK(parse_uuid(id));
    CHECK(made.body == R"({"push_id":")" + id + R"(","status":"staging","planned_row_count":2,"epoch":"1"})");
    CHECK(chunk(s, id, 0, insert_p).body == R"({"push_id":")" + id + R"(","next_expected_row_ordinal":1})");
    CHECK(chunk(s, id, 1, insert_t).body == R"({"push_id":")" + id + R"(","next_expected_row_ordinal":2})");
    auto done = commit(s, id);
    CHECK(done.status == 200);
    const std::string hash = text_in(done.body, "bundle_hash");
    const std::string content = text_in(done.body, "content_hash");
    CHECK(hash.size() == 64);
    CHECK(done.body == R"({"bundle_seq":1,"source_id":"device","source_bundle_id":1,"row_count":2,"bundle_hash":")" + hash + R"(","content_hash":")" + content + "\"}");
    CHECK(s.call(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":1,"planned_row_count":2})").body ==
          R"({"status":"already_committed","bundle_seq":1,"source_id":"device","source_bundle_id":1,"row_count":2,"bundle_hash":")" + hash +
              R"(","content_hash":")" + content + R"(","epoch":"1"})");
    check_error(commit(s, id), 404, "push_session_not_found");

    const std::string head = R"({"bundle_seq":1,"source_id":"device","source_bundle_id":1,"row_count":2,"bundle_hash":")" + hash + R"(","rows":[)";
    const std::string p = R"({"schema":"public","table":"projects","key":{"id":"p"},"op":"INSERT","row_version":1,"payload":{"id":"p","name":"home"}})";
    const std::string t = R"({"schema":"public","table":"tasks","key":{"id":"t"},"op":"INSERT","row_version":1,"payload":{"id":"t","title":"paint","done":null,"points":null,"project":"p"}})";
    CHECK(s.call(http_method::get, "/sync/committed-bundles/1/rows").body == head + p + "," + t + R"(],"next_row_ordinal":1,"has_more":false})");
    CHECK(s.call(http_method::get, "/sync/committed-bundles/1/rows?max_rows=1").body == head + p + R"(],"next_row_ordinal":0,"has_more":true})");
    CHECK(s.call(http_method::get, "/sync/committed-bundles/1/rows?after_row_ordinal=0&max_rows=99999").body == head + t + R"(],"next_row_ordinal":1,"has_more":false})");
    CHECK(s.call(http_method::get, "/sync/committed-bundles/1/rows?after_row_ordinal=7").body == head + R"(],"next_row_ordinal":7,"has_more":false})");
    const auto tape = parsed("[" + p + "," + t + "]");
    bundle_wire::bundle_hasher hasher;
    for (const auto& row : tape.root()) must(hasher.add(row));
    CHECK(hasher.finish() == hash);
}

TEST_CASE("bundle_server: a pull gives whole bundles up to the one it began with") {
    server_side s;
    CHECK(s.call(http_method::get, "/sync/pull").body == R"({"stable_bundle_seq":0,"bundles":[],"has_more":false,"epoch":"1"})");
    REQUIRE(push(s, 1, insert_p, 1).status == 200);
    s.write(project_key("q"), a_project("other"));
    s.erase(project_key("p"));
    const auto first = s.call(http_method::get, "/sync/pull?after_bundle_seq=0&max_bundles=1");
    CHECK(first.status == 200);
    CHECK(first.body.starts_with(R"({"stable_bundle_seq":2,"bundles":[{"bundle_seq":1,"source_id":"device","source_bundle_id":1,"row_count":1,"bundle_hash":")"));
    CHECK(first.body.ends_with(R"(,"rows":[{"schema":"public","table":"projects","key":{"id":"p"},"op":"INSERT","row_version":1,"payload":{"id":"p","name":"home"}}]}],"has_more":true,"epoch":"1"})"));
    s.write(project_key("r"), a_project("later"));
    const auto second = s.call(http_method::get, "/sync/pull?after_bundle_seq=1&target_bundle_seq=2");
    CHECK(second.body.find(R"("stable_bundle_seq":2,)") != std::string::npos);
    CHECK(second.body.find(R"("source_id":"server","source_bundle_id":2,"row_count":2)") != std::string::npos);
    CHECK(second.body.find(R"({"schema":"public","table":"projects","key":{"id":"p"},"op":"DELETE","row_version":2})") != std::string::npos);
    CHECK(second.body.find("later") == std::string::npos);
    CHECK(s.call(http_method::get, "/sync/pull?after_bundle_seq=3").body == R"({"stable_bundle_seq":3,"bundles":[],"has_more":false,"epoch":"1"})");
    check_error(s.call(http_method::get, "/sync/pull?after_bundle_seq=4"), 409, "history_pruned");
    s.prune();
    check_error(s.call(http_method::get, "/sync/pull?after_bundle_seq=1"), 409, "history_pruned");
    check_error(s.call(http_method::get, "/sync/committed-bundles/1/rows"), 409, "history_pruned");
    check_error(s.call(http_method::get, "/sync/committed-bundles/9/rows"), 404, "committed_bundle_not_found");
}

TEST_CASE("bundle_server: a snapshot is one picture, whatever happens meanwhile") {
    server_side s;
    for (int i = 0; i < 3; ++i) s.write(project_key(std::to_string(i)), a_project("x"));
    auto made = s.call(http_method::post, "/sync/snapshot-sessions");
    const std::string id = text_in(made.body, "snapshot_id");
    CHECK(parse_uuid(id));
    CHECK(made.body == R"({"snapshot_id":")" + id + R"(","snapshot_bundle_seq":1,"row_count":3,"byte_count":63,"expires_at":"2023-11-14T22:28:20.000000Z","epoch":"1"})");
    s.erase(project_key("1"));
    s.prune();
    const auto row = [](int i) {
        const std::string n = std::to_string(i);
        return R"({"schema":"public","table":"projects","key":{"id":")" + n + R"("},"row_version":1,"payload":{"id":")" + n + R"(","name":"x"}})";
    };
    const std::string head = R"({"snapshot_id":")" + id + R"(","snapshot_bundle_seq":1,"rows":[)";
    CHECK(s.call(http_method::get, "/sync/snapshot-sessions/" + id + "?max_rows=2").body == head + row(0) + "," + row(1) + R"(],"next_row_ordinal":2,"has_more":true})");
    CHECK(s.call(http_method::get, "/sync/snapshot-sessions/" + id + "?after_row_ordinal=2").body == head + row(2) + R"(],"next_row_ordinal":3,"has_more":false})");
    check_error(s.call(http_method::get, "/sync/snapshot-sessions/" + id, {}, "device", "bob"), 403, "snapshot_session_forbidden");
    check_error(s.call(http_method::erase, "/sync/snapshot-sessions/" + id, {}, "device", "bob"), 403, "snapshot_session_forbidden");
    auto dropped = s.call(http_method::erase, "/sync/snapshot-sessions/" + id);
    CHECK(dropped.status == 204);
    CHECK(dropped.body.empty());
    check_error(s.call(http_method::get, "/sync/snapshot-sessions/" + id), 404, "snapshot_session_not_found");
    check_error(s.call(http_method::erase, "/sync/snapshot-sessions/" + id), 404, "snapshot_session_not_found");
    check_error(s.call(http_method::get, "/sync/snapshot-sessions/nonsense"), 404, "snapshot_session_not_found");
    CHECK(s.call(http_method::post, "/sync/snapshot-sessions", "{}").status == 200);
    CHECK(s.call(http_method::post, "/sync/snapshot-sessions", R"({"source_replacement":null})").status == 200);
    check_error(s.call(http_method::post, "/sync/snapshot-sessions", R"({"source_replacement":{}})"), 400, "snapshot_session_invalid");
    check_error(s.call(http_method::post, "/sync/snapshot-sessions", R"({"fresh":true})"), 400, "snapshot_session_invalid");
    check_error(s.call(http_method::post, "/sync/snapshot-sessions", "[]"), 400, "snapshot_session_invalid");
    check_error(s.call(http_method::post, "/sync/snapshot-sessions", "{"), 400, "snapshot_session_invalid");
}

TEST_CASE("bundle_server: every version conflict is told, the first in the protocol's own member") {
    server_side s;
    REQUIRE(push(s, 1, insert_p + "," + insert_t, 2).status == 200);
    s.write(project_key("p"), a_project("changed"));
    s.erase(task_key("t"));
    auto refused = push(s, 2,
                        R"({"table":"projects","key":{"id":"p"},"op":"UPDATE","base_row_version":1,"payload":{"name":"mine"}},)"
                        R"({"table":"tasks","key":{"id":"t"},"op":"UPDATE","base_row_version":1,"payload":{"title":"mine"}},)"
                        R"({"table":"projects","key":{"id":"never"},"op":"DELETE","base_row_version":3})",
                        3);
    check_error(refused, 409, "push_conflict");
    const std::string first = R"({"schema":"public","table":"projects","key":{"id":"p"},"op":"UPDATE","base_row_version":1,"server_row_version":2,)"
                              R"("server_row_deleted":false,"server_row":{"id":"p","name":"changed"},"server_written_at":"2023-11-14T22:13:20.000001Z"})";
    CHECK(refused.body.find(R"("conflict":)" + first + R"(,"conflicts":[)" + first +
                            R"(,{"schema":"public","table":"tasks","key":{"id":"t"},"op":"UPDATE","base_row_version":1,"server_row_version":2,)"
                            R"("server_row_deleted":true,"server_row":null,"server_written_at":"2023-11-14T22:13:20.000001Z"},)"
                            R"({"schema":"public","table":"projects","key":{"id":"never"},"op":"DELETE","base_row_version":3,"server_row_version":0,)"
                            R"("server_row_deleted":false,"server_row":null,"server_written_at":"1970-01-01T00:00:00.000000Z"}]})") != std::string::npos);
    CHECK(text_of(s.row(project_key("p"))) == "changed");
    CHECK(s.head() == 2);
}

TEST_CASE("bundle_server: cascades and refusals have codes of their own and name their row") {
    authority_options rules;
    rules.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.key.key != "bad") return std::nullopt;
        return rejection{{errc::validation_failed, "not like this"}, {}};
    };
    server_side s{std::move(rules)};
    REQUIRE(push(s, 1, insert_p + "," + insert_t, 2).status == 200);
    auto cascade = push(s, 2, R"({"table":"projects","key":{"id":"p"},"op":"DELETE","base_row_version":1})", 1);
    check_error(cascade, 409, "push_conflict");
    // The erased row itself, in the form that every device knows; it is at the version that was named.
    CHECK(cascade.body.find(R"("conflict":{"schema":"public","table":"projects","key":{"id":"p"},"op":"DELETE","base_row_version":1,)"
                            R"("server_row_version":1,"server_row_deleted":false,"server_row":{"id":"p","name":"home"}},"cascades")") != std::string::npos);
    const auto read = must(bundle_wire::read_obstacles(cascade, bundle_wire::table_names{s.engine.schemas(), "public"}, {}));
    REQUIRE(read.size() == 1);
    CHECK(read[0].what == commit_obstacle::kind::cascade);
    CHECK(read[0].victim == task_key("t"));
    CHECK(cascade.body.find(R"("cascades":[{"schema":"public","table":"projects","key":{"id":"p"},"op":"DELETE","base_row_version":1,)"
                            R"("victim":{"schema":"public","table":"tasks","key":{"id":"t"}},"server_row_version":1,)"
                            R"("server_row":{"id":"t","title":"paint","done":null,"points":null,"project":"p"},"server_written_at":"2023-11-14T22:13:20.000000Z"}])") != std::string::npos);
    auto refused = push(s, 2, R"({"table":"projects","key":{"id":"bad"},"op":"INSERT","payload":{"name":"x"}})", 1);
    check_error(refused, 422, "row_refused");
    CHECK(refused.body == R"({"error":"row_refused","message":"not like this","schema":"public","table":"projects","key":{"id":"bad"},)"
                          R"("op":"INSERT","base_row_version":0,"reason":"validation_failed"})");
    CHECK(s.head() == 1);
}

TEST_CASE("bundle_server: a chunk with one bad row is refused by its place, and nothing of it is kept") {
    server_side s;
    const std::string id = create(s, 1, 9);
    REQUIRE(chunk(s, id, 0, insert_p).status == 200);
    for (const char* bad : {R"({"table":"tasks","key":{"id":"x"},"op":"INSERT","payload":{"colour":1}})", R"({"table":"moons","key":{"id":"x"},"op":"DELETE"})",
                            R"({"table":"tasks","key":{"id":"t"},"op":"DELETE","base_row_version":1})", R"(5)", R"({"table":"tasks","key":{},"op":"DELETE"})"}) {
        auto r = chunk(s, id, 1, insert_t + "," + bad);
        check_error(r, 400, "push_chunk_invalid");
        CHECK(r.body.find(R"("row_ordinal":2)") != std::string::npos);
    }
    auto good = chunk(s, id, 1, insert_t);
    CHECK(good.body.find(R"("next_expected_row_ordinal":2)") != std::string::npos);
    check_error(chunk(s, id, 5, insert_p), 409, "push_chunk_out_of_order");
    check_error(commit(s, id), 400, "push_commit_invalid");
    // The same record in two chunks is found when it is committed.
    const std::string twice = create(s, 1, 2);
    REQUIRE(chunk(s, twice, 0, insert_p).status == 200);
    REQUIRE(chunk(s, twice, 1, insert_p).status == 200);
    check_error(commit(s, twice), 400, "push_commit_invalid");
    check_error(commit(s, id), 404, "push_session_not_found");
    check_error(chunk(s, create(s, 1, 1), 0, insert_p + "," + insert_t), 400, "push_chunk_invalid");
}

TEST_CASE("bundle_server: numbers, sessions and principals are kept apart") {
    server_side s;
    check_error(s.call(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":2,"planned_row_count":1})"), 409, "source_sequence_out_of_order");
    const std::string id = create(s, 1, 1);
    check_error(s.call(http_method::post, "/sync/push-sessions/" + id + "/chunks", R"({"rows":[)" + insert_p + "]}", "device", "bob"), 403, "push_session_forbidden");
    check_error(s.call(http_method::post, "/sync/push-sessions/" + id + "/commit", {}, "device", "bob"), 403, "push_session_forbidden");
    check_error(s.call(http_method::erase, "/sync/push-sessions/" + id, {}, "device", "bob"), 403, "push_session_forbidden");
    const std::string again = create(s, 1, 1);
    CHECK(again != id);
    check_error(chunk(s, id, 0, insert_p), 404, "push_session_not_found");
    CHECK(s.call(http_method::erase, "/sync/push-sessions/" + again).status == 204);
    check_error(chunk(s, again, 0, insert_p), 404, "push_session_not_found");
    check_error(commit(s, "nonsense"), 404, "push_session_not_found");
    const std::string late = create(s, 1, 1);
    s.now += std::chrono::hours{1};
    check_error(chunk(s, late, 0, insert_p), 410, "push_session_expired");
}

TEST_CASE("bundle_server: bad requests are refused in JSON and change nothing") {
    server_side s;
    const std::string id = create(s, 1, 5);
    struct bad {
        http_method method;
        std::string path;
        std::string body;
        int status;
        const char* code;
    };
    const std::string sessions = "/sync/push-sessions";
    const std::string chunks = sessions + "/" + id + "/chunks";
    const std::string snapshots = "/sync/snapshot-sessions";
    const std::string deep = std::string(100, '[') + std::string(100, ']');
    const std::vector<bad> all{
        {http_method::post, sessions, "", 400, "invalid_request"},
        {http_method::post, sessions, "{", 400, "invalid_request"},
        {http_method::post, sessions, "[]", 400, "invalid_request"},
        {http_method::post, sessions, deep, 400, "invalid_request"},
        {http_method::post, sessions, "{\"a\":\"\xff\"}", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":1,"source_bundle_id":1,"planned_row_count":1})", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":"1","planned_row_count":1})", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":1.5,"planned_row_count":1})", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":1e400,"planned_row_count":1})", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":1,"planned_row_count":true})", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":5})", 400, "invalid_request"},
        {http_method::post, sessions, R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":"x"})", 409, "initialization_stale"},
        {http_method::post, sessions, R"({"planned_row_count":1})", 400, "push_session_invalid"},
        {http_method::post, sessions, R"({"source_bundle_id":0,"planned_row_count":1})", 400, "push_session_invalid"},
        {http_method::post, sessions, R"({"source_bundle_id":-1,"planned_row_count":1})", 400, "push_session_invalid"},
        {http_method::post, sessions, R"({"source_bundle_id":1})", 400, "push_session_invalid"},
        {http_method::post, sessions, R"({"source_bundle_id":1,"planned_row_count":-1})", 400, "push_session_invalid"},
        {http_method::post, sessions, R"({"source_bundle_id":1,"planned_row_count":4294967296})", 400, "push_session_invalid"},
        {http_method::post, chunks, "", 400, "invalid_request"},
        {http_method::post, chunks, "null", 400, "invalid_request"},
        {http_method::post, chunks, R"({"start_row_ordinal":"0","rows":[]})", 400, "invalid_request"},
        {http_method::post, chunks, R"({"start_row_ordinal":-1,"rows":[{}]})", 400, "push_chunk_invalid"},
        {http_method::post, chunks, R"({"start_row_ordinal":4294967296,"rows":[{}]})", 400, "push_chunk_invalid"},
        {http_method::post, chunks, R"({"start_row_ordinal":0})", 400, "push_chunk_invalid"},
        {http_method::post, chunks, R"({"start_row_ordinal":0,"rows":{}})", 400, "push_chunk_invalid"},
        {http_method::post, chunks, R"({"start_row_ordinal":0,"rows":[]})", 400, "push_chunk_invalid"},
        {http_method::post, chunks, R"({"start_row_ordinal":0,"rows":[null]})", 400, "push_chunk_invalid"},
        {http_method::get, "/sync/pull?after_bundle_seq=-1", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?after_bundle_seq=x", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?after_bundle_seq=", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?after_bundle_seq=1.0", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?after_bundle_seq=99999999999999999999", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?after_bundle_seq=0&after_bundle_seq=0", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?max_bundles=0", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?max_bundles=5001", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?target_bundle_seq=-1", "", 400, "invalid_request"},
        {http_method::get, "/sync/pull?a=%zz", "", 400, "invalid_request"},
        {http_method::get, "/sync/committed-bundles/x/rows", "", 400, "committed_bundle_chunk_invalid"},
        {http_method::get, "/sync/committed-bundles/0/rows", "", 400, "committed_bundle_chunk_invalid"},
        {http_method::get, "/sync/committed-bundles/-1/rows", "", 400, "committed_bundle_chunk_invalid"},
        {http_method::get, "/sync/committed-bundles/1/rows?after_row_ordinal=-1", "", 400, "committed_bundle_chunk_invalid"},
        {http_method::get, "/sync/committed-bundles/1/rows?after_row_ordinal=4294967295", "", 400, "committed_bundle_chunk_invalid"},
        {http_method::get, "/sync/committed-bundles/1/rows?max_rows=0", "", 400, "committed_bundle_chunk_invalid"},
        {http_method::get, snapshots + "/x?after_row_ordinal=-1", "", 400, "snapshot_chunk_invalid"},
        {http_method::get, snapshots + "/x?after_row_ordinal=4294967296", "", 400, "snapshot_chunk_invalid"},
        {http_method::get, snapshots + "/x?max_rows=-5", "", 400, "snapshot_chunk_invalid"},
        {http_method::get, "/sync", "", 404, "not_found"},
        {http_method::get, "/sync/", "", 404, "not_found"},
        {http_method::get, "/synced/pull", "", 404, "not_found"},
        {http_method::get, "/other", "", 404, "not_found"},
        {http_method::get, "/sync/pull/", "", 404, "not_found"},
        {http_method::post, "/sync/push-sessions/", "", 404, "not_found"},
        {http_method::post, "/sync/push-sessions/a/b", "", 404, "not_found"},
        {http_method::erase, "/sync/push-sessions/%00", "", 404, "not_found"},
        {http_method::get, "/sync/committed-bundles/1", "", 404, "not_found"},
        {http_method::get, "/sync/committed-bundles/1/rows/2", "", 404, "not_found"},
        {http_method::get, "/sync/snapshot-sessions/a/b", "", 404, "not_found"},
        {http_method::put, sessions, "", 405, "method_not_allowed"},
        {http_method::get, sessions, "", 405, "method_not_allowed"},
        {http_method::post, "/sync/pull", "", 405, "method_not_allowed"},
        {http_method::post, "/sync/capabilities", "", 405, "method_not_allowed"},
        {http_method::get, chunks, "", 405, "method_not_allowed"},
        {http_method::get, sessions + "/" + id, "", 405, "method_not_allowed"},
        {http_method::post, snapshots + "/x", "", 405, "method_not_allowed"},
    };
    for (const auto& b : all) {
        INFO(name_of(b.method) << " " << b.path << " " << b.body);
        auto r = s.call(b.method, b.path, b.body);
        check_error(r, b.status, b.code);
        if (b.status == 405) CHECK(find_header(r.headers, "Allow"));
    }
    CHECK(s.head() == 0);
    CHECK(chunk(s, id, 0, insert_p).status == 200);

    bundle_server_options bounded;
    bounded.json.max_bytes = 100;
    bounded.bounds.max_rows_per_bundle = 2;
    bounded.bounds.max_rows_per_push_chunk = 1;
    server_side few{{}, bounded};
    check_error(few.call(http_method::post, sessions, std::string(101, ' ')), 413, "too_large");
    check_error(few.call(http_method::post, sessions, R"({"source_bundle_id":1,"planned_row_count":3})"), 413, "bundle_too_large");
    const std::string mine = create(few, 1, 2);
    check_error(chunk(few, mine, 0, "{},{}"), 400, "push_chunk_invalid");
    check_error(chunk(few, mine, 0, std::string(200, ' ')), 413, "too_large");
}

TEST_CASE("bundle_server: the source comes from its header, octet by octet, and from nowhere else") {
    server_side s;
    const principal ann{"ann", "home"};
    const std::string body = R"({"source_bundle_id":1,"planned_row_count":1,"source_id":"other"})";
    const auto with = [&](std::vector<header> headers) {
        return s.wire.handle(request{http_method::post, "/sync/push-sessions", std::move(headers), body}, ann, s.now, s.random);
    };
    check_error(with({}), 400, "invalid_request");
    check_error(with({{"Oversync-Source-ID", "  \t"}}), 400, "invalid_request");
    check_error(with({{"Oversync-Source-ID", std::string(256, 's')}}), 400, "invalid_request");
    check_error(with({{"Oversync-Source-ID", std::string{"a\0b", 3}}}), 400, "invalid_request");
    check_error(with({{"Oversync-Source-ID", "\xff"}}), 400, "invalid_request");
    check_error(with({{"Oversync-Source-ID", " \v "}}), 400, "invalid_request");
    // Blanks around a header's value are HTTP's, not the value's.
    CHECK(with({{"oversync-source-id", " \t device "}}).status == 200);
    // Everything else is the id's own: this is another source than `device`.
    REQUIRE(push(s, 1, insert_p, 1).status == 200);
    CHECK(text_in(with({{"Oversync-Source-ID", "device"}}).body, "status") == "already_committed");
    CHECK(text_in(with({{"Oversync-Source-ID", "\vdevice\f"}}).body, "status") == "staging");
    for (const char* path : {"/sync/pull", "/sync/capabilities", "/sync/committed-bundles/1/rows", "/sync/snapshot-sessions/x"})
        check_error(s.wire.handle(request{http_method::get, path, {}, {}}, ann, s.now, s.random), 400, "invalid_request");
}

TEST_CASE("bundle_server: capabilities name the tables, what works and the limits") {
    bundle_server_options options;
    options.app_name = "chores";
    options.prefix = "/api/v1/sync";
    server_side s{{}, options};
    auto r = s.call(http_method::get, "/api/v1/sync/capabilities");
    CHECK(r.status == 200);
    CHECK(r.body.starts_with(R"({"protocol_version":"v1","schema_version":1,"app_name":"chores","registered_tables":["public.projects","public.tasks"],)"
                             R"("registered_table_specs":[{"schema":"public","table":"projects","sync_key_columns":["id"]},)"
                             R"({"schema":"public","table":"tasks","sync_key_columns":["id"]}],"features":{"bundle_pull":true,)"));
    CHECK(r.body.ends_with(R"("bundle_limits":{"max_bundles_per_pull":5000,"default_rows_per_push_chunk":1000,"max_rows_per_push_chunk":5000,)"
                           R"("push_session_ttl_seconds":900,"default_rows_per_committed_bundle_chunk":1000,"max_rows_per_committed_bundle_chunk":5000,)"
                           R"("default_rows_per_snapshot_chunk":1000,"max_rows_per_snapshot_chunk":5000,"snapshot_session_ttl_seconds":900,"initialization_lease_ttl_seconds":900}})"));
    auto read = must(bundle_wire::read_capabilities(r.body, json_limits{}));
    CHECK(read.app_name == "chores");
    CHECK(read.tables == std::vector<std::string>{"public.projects", "public.tasks"});
    CHECK(read.has("bundle_push"));
    CHECK(read.has("connect_lifecycle"));
    CHECK(read.has("scope_initialization_leases"));
    CHECK(!read.has("bundle_change_watch"));
    CHECK(!read.has("teleport"));
    CHECK(read.bounds.max_rows_per_push_chunk == 5000);
    CHECK(read.bounds.max_rows_per_bundle == 0);
}

TEST_CASE("bundle_server: tenants see nothing of each other") {
    server_side s;
    REQUIRE(push(s, 1, insert_p, 1).status == 200);
    const principal eve{"eve", "elsewhere"};
    const auto get = [&](const char* path) { return s.wire.handle(request{http_method::get, path, {{"Oversync-Source-ID", "device"}}, {}}, eve, s.now, s.random); };
    check_error(get("/sync/pull"), 409, "scope_uninitialized");
    check_error(get("/sync/committed-bundles/1/rows"), 404, "committed_bundle_not_found");
}

TEST_CASE("bundle_server: a busy store is told as a passing state") {
    server_side s;
    auto held = must(s.store.begin("home", access::write));
    auto r = s.call(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":1,"planned_row_count":1})");
    check_error(r, 503, "service_unavailable");
    CHECK(find_header(r.headers, "Retry-After"));
}

TEST_CASE("bundle_server: every answer tells the authority's time, and never less than that of a row in it") {
    server_side s;
    const timestamp noon = s.now;
    s.write(project_key("p"), a_project("one"));
    const auto told = [&](http_method method, std::string path, std::string body = {}) { return told_authority_time(s.call(method, std::move(path), std::move(body))); };
    CHECK(told(http_method::get, "/sync/pull") == noon);
    const timestamp before = s.now = noon - std::chrono::hours{24};
    CHECK(told(http_method::get, "/sync/pull") == noon);
    CHECK(told(http_method::get, "/sync/pull?after_bundle_seq=1") == before);
    CHECK(told(http_method::get, "/sync/committed-bundles/1/rows") == noon);
    CHECK(told(http_method::get, "/sync/nothing") == before);
    const auto made = s.call(http_method::post, "/sync/snapshot-sessions");
    CHECK(told_authority_time(made) == before);
    const std::string snapshot = "/sync/snapshot-sessions/" + text_in(made.body, "snapshot_id");
    CHECK(told(http_method::get, snapshot) == noon);
    CHECK(told(http_method::erase, snapshot) == before);
    const auto met = push(s, 1, R"({"schema":"public","table":"projects","key":{"id":"p"},"op":"DELETE","base_row_version":0})", 1);
    CHECK(met.status == 409);
    CHECK(told_authority_time(met) == noon);
    CHECK(met.body.find(R"("server_written_at":"2023-11-14T22:13:20.000000Z")") != std::string::npos);
}

TEST_CASE("bundle_server: without limits of its own it gives what is asked for, or all that there is") {
    bundle_server_options options;
    for (auto* limit : {&options.bounds.max_bundles_per_pull, &options.bounds.max_rows_per_push_chunk, &options.bounds.max_rows_per_committed_bundle_chunk,
                        &options.bounds.max_rows_per_snapshot_chunk})
        *limit = 0;
    server_side s{{}, options};
    REQUIRE(push(s, 1, insert_p + "," + insert_t, 2).status == 200);
    s.write(project_key("q"), a_project("other"));
    CHECK(s.call(http_method::get, "/sync/pull").body.find(R"("has_more":false)") != std::string::npos);
    CHECK(s.call(http_method::get, "/sync/pull?max_bundles=1").body.find(R"("has_more":true)") != std::string::npos);
    CHECK(s.call(http_method::get, "/sync/pull?max_bundles=1000000").status == 200);
    CHECK(s.call(http_method::get, "/sync/committed-bundles/1/rows?max_rows=1000000").body.find(R"("has_more":false)") != std::string::npos);
    const std::string picture = "/sync/snapshot-sessions/" + text_in(s.call(http_method::post, "/sync/snapshot-sessions").body, "snapshot_id");
    CHECK(s.call(http_method::get, picture + "?max_rows=1000000").body.find(R"("has_more":false)") != std::string::npos);
}

TEST_CASE("bundle_server: a commit that took effect never looks like one that failed, at whatever call the store fails") {
    std::size_t unsure = 0;
    bool met = true;
    for (std::uint64_t k = 1; met; ++k) {
        INFO("call " << k);
        memory_authority_store store{schemas()};
        std::uint64_t left = 0;  // calls until one fails; 0: none does
        testing::failing_authority_store<memory_authority_store> failing{store, [&](testing::call_moment at) -> std::optional<fault> {
            const bool acts = at == testing::call_moment::before || at == testing::call_moment::before_commit;
            return acts && left != 0 && --left == 0 ? std::optional{fault{errc::io_error, "the disk fails"}} : std::nullopt;
        }};
        authority<testing::failing_authority_store<memory_authority_store>> engine{failing, {}};
        bundle_server wire{engine};
        seeded_random random{3};
        const auto call = [&](http_method method, std::string path, std::string body = {}) {
            return wire.handle(request{method, std::move(path), {{"Oversync-Source-ID", "device"}}, std::move(body)}, principal{"ann", "home"}, at_second(1'700'000'000), random);
        };
        const auto create_one = [&] { return call(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":1,"planned_row_count":1})"); };
        must(engine.connect({"home", "ann", "device"}, false, {}, at_second(1'700'000'000)));
        const std::string session = "/sync/push-sessions/" + text_in(create_one().body, "push_id");
        REQUIRE(call(http_method::post, session + "/chunks", R"({"start_row_ordinal":0,"rows":[)" + insert_p + "]}").status == 200);
        left = k;
        const auto answer = call(http_method::post, session + "/commit");
        met = std::exchange(left, 0) == 0;
        const bool in = store.row("home", project_key("p")).has_value();
        CHECK(answer.status == (!met ? 200 : in ? 503 : 500));
        if (!in) continue;
        if (met) ++unsure;
        // Whatever was heard of it: asked again, it tells, or fails, and opens no other session.
        bool again = !met;
        for (std::uint64_t n = 1; again; ++n) {
            left = n;
            const auto told = create_one();
            again = std::exchange(left, 0) == 0;
            CHECK((told.status >= 500 || text_in(told.body, "status") == "already_committed"));
        }
        const auto told = create_one();
        CHECK(text_in(told.body, "status") == "already_committed");
        CHECK(text_in(told.body, "bundle_hash").size() == 64);
    }
    CHECK(unsure > 2);
}

}  // namespace server_test
