#include <syncline/engine/sync_result.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace sync_result_test {

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
    r.note(schemas, {{{0, "t3"}, outcome_kind::refused, "another", "m3", record{{value::integer(7)}}, 12}});
    CHECK(r.met.back().id == "m3");
    CHECK(r.met.back().server == record{{value::integer(7)}});
    CHECK(r.met.back().server_version == 12);
    CHECK(r.conflicts == 3);
    REQUIRE(r.met.size() == 3);
    CHECK(r.met[1].model == "task");
    CHECK(r.met[1].key == record_key{0, "t2"});
    CHECK(r.decisions == std::vector<std::string>{"task t1: superseded; a rule", "task t3: refused; another"});
}

TEST_CASE("sync result: rejections are found by code and by the name of the reason") {
    sync_result r;
    CHECK_FALSE(r.has_rejections());
    CHECK(r.rejections_for(errc::conflict).empty());
    r.rejections.push_back({"m1", {0, "t1"}, outcome_kind::refused, {errc::conflict, ""}, {}});
    r.rejections.push_back({"m2", {0, "t2"}, outcome_kind::refused, {errc::absent, ""}, {}});
    r.rejections.push_back({"m3", {0, "t3"}, outcome_kind::held, {errc::held, ""}, {}});
    r.rejections.push_back({"m4", {0, "t4"}, outcome_kind::refused, {errc::conflict, ""}, {}});
    CHECK(r.has_rejections());
    const auto conflicts = r.rejections_for(errc::conflict);
    REQUIRE(conflicts.size() == 2);
    CHECK(conflicts[0].id == "m1");
    CHECK(conflicts[1].id == "m4");
    CHECK(r.rejections_for("conflict").size() == 2);
    CHECK(r.rejections_for("held").size() == 1);
    for (const char* name : {"absent", "not_found"}) {
        REQUIRE(r.rejections_for(name).size() == 1);
        CHECK(r.rejections_for(name).front().id == "m2");
    }
    CHECK(r.rejections_for("no such reason").empty());
    CHECK(r.rejections_for("validation_failed").empty());
}

TEST_CASE("sync result: what the validator said is told by record, field by field") {
    sync_result r;
    CHECK(r.validation_errors().empty());
    r.rejections.push_back({"m1", {0, "t1"}, outcome_kind::refused, {errc::validation_failed, "bad"},
                            {{"title", "is empty"}, {"due", "is past"}}});
    r.rejections.push_back({"m2", {0, "t2"}, outcome_kind::refused, {errc::conflict, "no"}, {{"title", "of a conflict"}}});
    r.rejections.push_back({"m3", {0, "t3"}, outcome_kind::refused, {errc::validation_failed, "not today"}, {}});
    r.rejections.push_back({"m4", {0, "t1"}, outcome_kind::refused, {errc::validation_failed, "bad"}, {{"title", "is still empty"}}});
    const auto errors = r.validation_errors();
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].key == record_key{0, "t1"});
    CHECK(errors[0].messages == std::vector<field_message>{{"title", "is empty"}, {"due", "is past"}, {"title", "is still empty"}});
    CHECK(errors[1].key == record_key{0, "t3"});
    CHECK(errors[1].messages == std::vector<field_message>{{"", "not today"}});
}

}  // namespace sync_result_test
