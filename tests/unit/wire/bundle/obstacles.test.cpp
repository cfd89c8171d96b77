#include <syncline/wire/bundle/obstacles.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace obstacles_test {

using namespace bundle_fixture;
using bundle_wire::table_names;

namespace {

commit_obstacle a_conflict() {
    commit_obstacle o;
    o.key = task_key("t");
    o.op = operation::update;
    o.base_version = 3;
    o.server_version = 5;
    o.server_row = a_task("theirs", 2);
    o.server_written_at = from_microseconds(1'700'000'000'123'456);
    return o;
}
commit_obstacle a_cascade() {
    commit_obstacle o;
    o.what = commit_obstacle::kind::cascade;
    o.key = project_key("p");
    o.op = operation::erase;
    o.base_version = 1;
    o.victim = task_key("t");
    o.server_version = 6;
    o.server_row = a_task("new", 0, "p");
    o.server_written_at = timestamp{};
    return o;
}
commit_obstacle a_refusal() {
    commit_obstacle o;
    o.what = commit_obstacle::kind::refused;
    o.key = task_key("t");
    o.op = operation::create;
    o.why = wait_reason{errc::validation_failed, "no"};
    return o;
}

void check_same(const commit_obstacle& a, const commit_obstacle& b) {
    CHECK(a.what == b.what);
    CHECK(a.key == b.key);
    CHECK(a.op == b.op);
    CHECK(a.base_version == b.base_version);
    CHECK(a.server_version == b.server_version);
    CHECK(a.server_deleted == b.server_deleted);
    CHECK(a.server_row == b.server_row);
    CHECK(a.server_written_at == b.server_written_at);
    CHECK(a.victim == b.victim);
    CHECK(a.why == b.why);
}

}  // namespace

TEST_CASE("bundle obstacles: come through as they were told") {
    const auto models = schemas();
    const table_names names{models, "public"};
    commit_obstacle gone = a_conflict();
    gone.key = task_key("gone");
    gone.op = operation::erase;
    gone.server_row.reset();
    gone.server_written_at = unknown_time;
    gone.server_deleted = true;
    const std::vector<std::vector<commit_obstacle>> all{{a_conflict()}, {gone, a_conflict()}, {a_cascade()}, {a_conflict(), gone, a_cascade()}, {a_refusal()}};
    for (const auto& told : all) {
        const auto answer = bundle_wire::obstacles_response(names, told);
        auto read = must(bundle_wire::read_obstacles(answer, names, json_limits{}));
        REQUIRE(read.size() == told.size());
        for (std::size_t i = 0; i < told.size(); ++i) check_same(read[i], told[i]);
    }
}

TEST_CASE("bundle obstacles: what is not known of one is left out, or told in general words") {
    const auto models = schemas();
    const table_names names{models, "public"};
    commit_obstacle timeless = a_conflict();
    timeless.server_written_at = at_second(253'402'300'800);  // the year 10000, which has no digits there
    auto answer = bundle_wire::obstacles_response(names, {timeless});
    CHECK(answer.body.find("server_written_at") == std::string::npos);
    CHECK(must(bundle_wire::read_obstacles(answer, names, json_limits{})).at(0).server_written_at == unknown_time);
    commit_obstacle unexplained = a_refusal();
    unexplained.why.reset();
    answer = bundle_wire::obstacles_response(names, {unexplained});
    CHECK(text_in(answer.body, "message") == "the row was refused");
    CHECK(must(bundle_wire::read_obstacles(answer, names, json_limits{})).at(0).why->code == errc::constraint);
}

TEST_CASE("bundle obstacles: a server that tells one conflict only is understood") {
    const auto models = schemas();
    const table_names names{models, "public"};
    const response answer{409, {}, R"({"error":"push_conflict","message":"m","conflict":{"schema":"public","table":"tasks","key":{"id":"t"},"op":"UPDATE",)"
                                   R"("base_row_version":3,"server_row_version":5,"server_row_deleted":false,)"
                                   R"("server_row":{"id":"t","title":"theirs","done":false,"points":2,"project":null,"created_at":"x"}}})"};
    auto read = must(bundle_wire::read_obstacles(answer, names, json_limits{}));
    REQUIRE(read.size() == 1);
    commit_obstacle untimed = a_conflict();
    untimed.server_written_at = unknown_time;
    check_same(read[0], untimed);
}

TEST_CASE("bundle obstacles: other answers name none, and damaged ones are faults") {
    const auto models = schemas();
    const table_names names{models, "public"};
    const auto read = [&](int status, std::string body) { return bundle_wire::read_obstacles(response{status, {}, std::move(body)}, names, json_limits{}); };
    CHECK(must(read(409, R"({"error":"push_conflict","message":"m"})")).empty());
    CHECK(must(read(409, R"({"error":"history_pruned","conflict":{}})")).empty());
    CHECK(must(read(500, R"({"error":"push_conflict","conflict":{}})")).empty());
    CHECK(must(read(409, "<html>")).empty());
    CHECK(must(read(409, "[]")).empty());
    CHECK(must(read(422, R"({"error":"push_commit_invalid"})")).empty());
    CHECK(must(read(409, R"({"error":"push_conflict","conflict":5,"conflicts":{},"cascades":7})")).empty());
    CHECK(must(read(409, R"({"error":"push_conflict","conflicts":[{"table":"tasks","key":{"id":"1"},"server_row_version":1}]})")).at(0).server_row == std::nullopt);
    // Beside `cascades`, whatever it is, `conflict` is the first of those.
    CHECK(must(read(409, R"({"error":"push_conflict","cascades":{},"conflict":{"table":"tasks","key":{"id":"1"},"server_row_version":1}})")).empty());
    CHECK(!read(409, R"({"error":"push_conflict","conflict":{}})"));
    CHECK(!read(409, R"({"error":"push_conflict","conflicts":[5]})"));
    CHECK(!read(409, R"({"error":"push_conflict","conflicts":[{"table":"moons","key":{"id":"1"},"server_row_version":1}]})"));
    CHECK(!read(409, R"({"error":"push_conflict","conflicts":[{"table":"tasks","key":{"id":"1"},"server_row_version":-1}]})"));
    CHECK(!read(409, R"({"error":"push_conflict","conflicts":[{"table":"tasks","key":{"id":"1"},"server_row_version":1,"server_row":5}]})"));
    CHECK(!read(409, R"({"error":"push_conflict","conflicts":[{"table":"tasks","key":{"id":"1"},"server_row_version":1,"server_written_at":"late"}]})"));
    CHECK(!read(409, R"({"error":"push_conflict","cascades":[{"table":"tasks","key":{"id":"1"},"server_row_version":1}]})"));
    CHECK(!read(422, R"({"error":"row_refused"})"));
}

}  // namespace obstacles_test
