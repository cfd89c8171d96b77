#include <syncline/model/references.hpp>

#include "support/catch.hpp"

#include <vector>

using namespace syncline;

namespace {

// list, and task with references to list, to task and to a model that is not registered.
schema_set lists_and_tasks() {
    schema_set all;
    model_schema list;
    list.name = "list";
    list.fields = {{"title", value_kind::text, true, nullptr}};
    model_schema task;
    task.name = "task";
    task.fields = {{"list", value_kind::text, true, nullptr}, {"parent", value_kind::integer, true, nullptr}, {"owner", value_kind::text, true, nullptr}};
    task.references = {{1, "task", {}}, {2, "person", {}}, {0, "list", {}}};
    REQUIRE(all.add(list));
    REQUIRE(all.add(task));
    return all;
}

}  // namespace

TEST_CASE("references: a key is text or an integer in digits, anything else refers to nothing") {
    CHECK(referenced_key(value::text("a")) == "a");
    CHECK(referenced_key(value::integer(-12)) == "-12");
    for (const value& v : {value::null(), value::boolean(true), value::real(1), value::bytes("a"), value::time({}), value::json("1"), value::decimal("1")})
        CHECK_FALSE(referenced_key(v));
}

TEST_CASE("references: those of the asked fields, in the schema's order, to registered models only") {
    const schema_set all = lists_and_tasks();
    const record row{{value::text("l"), value::integer(7), value::text("ann")}};
    using keys = std::vector<record_key>;
    CHECK(references_of(all, 1, row, all[1].all_fields()) == keys{{1, "7"}, {0, "l"}});
    field_set only;
    only.insert(0);
    CHECK(references_of(all, 1, row, only) == keys{{0, "l"}});
    CHECK(references_of(all, 1, row, {}).empty());
    CHECK(references_of(all, 1, record{{value::null()}}, all[1].all_fields()).empty());
    CHECK(references_of(all, 0, record{{value::text("l")}}, all[0].all_fields()).empty());
}
