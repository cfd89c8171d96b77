#include <syncline/engine/sync_result.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace syncline;

TEST_CASE("sync result: tells what was settled and what ended it, together (W34)") {
    sync_result r;
    CHECK(r.ok());
    r.pushed = 3;
    r.failed = 1;
    r.rejections.push_back({"m", {0, "t"}, outcome_kind::held, {errc::held, "waits"}, {}});
    // What was refused is an outcome, not a failure of the sync.
    CHECK(r.ok());
    r.why = fault{errc::unavailable, "the network went away"};
    CHECK(!r.ok());
    CHECK(r.pushed == 3);
    CHECK(r.rejections.front().kind == outcome_kind::held);
}

TEST_CASE("sync result: counts every conflict, and tells record, outcome and rule of each") {
    model_schema task;
    task.name = "task";
    schema_set schemas;
    REQUIRE(schemas.add(task));
    sync_result r;
    r.note(schemas, {});
    CHECK(r.conflicts == 0);
    r.note(schemas, {{{0, "t1"}, outcome_kind::superseded, "a rule"}, {{0, "t2"}, outcome_kind::applied, {}}});
    r.note(schemas, {{{0, "t3"}, outcome_kind::refused, "another"}});
    CHECK(r.conflicts == 3);
    CHECK(r.decisions == std::vector<std::string>{"task t1: superseded; a rule", "task t3: refused; another"});
}
