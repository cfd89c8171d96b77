#include <syncline/conflict/conflict.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>

namespace conflict_test {

using namespace syncline;

TEST_CASE("resolver set: the model's own resolver decides, others fall to the default, and none means server_wins", "[conflict]") {
    model_schema task;
    task.name = "task";
    model_schema note;
    note.name = "note";
    resolver_set set{[](const conflict&, const resolver_context&) { return resolution::take_client("default"); }};
    REQUIRE(set.add("task", [](const conflict&, const resolver_context&) { return resolution::defer("task's own"); }));
    conflict c;
    c.schema = &task;
    CHECK(set.decide(c, {}).reason == "task's own");
    c.schema = &note;
    CHECK(set.decide(c, {}).reason == "default");
    CHECK(resolver_set{}.decide(c, {}).what == resolution::verb::take_server);
}

TEST_CASE("resolver set: registering a second resolver for a model is an error, and the first one stays", "[conflict]") {
    resolver_set set;
    REQUIRE(set.add("task", [](const conflict&, const resolver_context&) { return resolution::refuse("first"); }));
    const auto again = set.add("task", [](const conflict&, const resolver_context&) { return resolution::take_client(); });
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::invalid_argument);
    CHECK(again.error().detail.find("task") != std::string::npos);
    model_schema task;
    task.name = "task";
    conflict c;
    c.schema = &task;
    CHECK(set.decide(c, {}).reason == "first");
}

TEST_CASE("resolution: every verb has a name of its own", "[conflict]") {
    std::set<std::string> names;
    for (const auto v : {resolution::verb::take_server, resolution::verb::take_client, resolution::verb::merged, resolution::verb::refuse, resolution::verb::defer})
        names.insert(std::string{name_of(v)});
    CHECK(names.size() == 5);
}

}  // namespace conflict_test
