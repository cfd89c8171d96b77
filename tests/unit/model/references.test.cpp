#include <syncline/model/references.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace references_test {

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

TEST_CASE("references: a key is text, an integer in digits or a UUID in its text form, anything else refers to nothing") {
    CHECK(referenced_key(value::text("a")) == "a");
    CHECK(referenced_key(value::integer(-12)) == "-12");
    CHECK(referenced_key(value::bytes(std::string("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16))) ==
          "00010203-0405-0607-0809-0a0b0c0d0e0f");
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

TEST_CASE("references: an order puts what is referred to first, and is otherwise the one given") {
    const auto key = [](const std::string& name) { return record_key{0, name}; };
    const std::vector<record_key> keys{key("d"), key("b"), key("a"), key("c"), key("z")};
    // d refers to c and to itself, c to b, a to something else, z to nothing.
    const std::vector<std::vector<record_key>> references{{key("c"), key("d")}, {}, {key("gone")}, {key("b")}, {}};
    CHECK(referenced_first(keys, references) == std::vector<std::size_t>{1, 3, 0, 2, 4});
    // A cycle comes whole.
    CHECK(referenced_first({key("a"), key("b")}, {{key("b")}, {key("a")}}) == std::vector<std::size_t>{1, 0});
    CHECK(referenced_first({}, {}).empty());
}

TEST_CASE("references: a chain as long as a table is ordered without running out of stack") {
    std::vector<record_key> keys;
    std::vector<std::vector<record_key>> references;
    for (int i = 0; i < 200000; ++i) {
        keys.push_back({0, std::to_string(i)});
        references.push_back({{0, std::to_string(i + 1)}});
    }
    const auto order = referenced_first(keys, references);
    REQUIRE(order.size() == keys.size());
    CHECK(order.front() == keys.size() - 1);
    CHECK(order.back() == 0);
}

}  // namespace references_test
