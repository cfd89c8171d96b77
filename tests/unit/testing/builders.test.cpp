#include <syncline/testing/builders.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace builders_test {

using namespace syncline;
using syncline::testing::bundle_builder;
using syncline::testing::change_of;
using syncline::testing::edit;
using syncline::testing::make_record;

namespace {

struct task {
    std::string id;
    std::string title;
    std::optional<std::int64_t> points;

    struct syncline_model {
        static constexpr std::string_view name() { return "task"; }
        static constexpr auto key() { return key_field<"id", &task::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &task::title>(), field<"points", &task::points>()}; }
    };
};

const schema_set& schemas() {
    static const schema_set all = *schemas_of<task>();
    return all;
}

}  // namespace

TEST_CASE("builders: an update holds what is set on what was there, in each of its forms") {
    const auto built = edit(schemas(), "task", "k1").was("title", value::text("milk")).was("points", value::integer(2)).set("title", value::text("bread")).at_version(7, "m0").at(from_microseconds(50)).numbered(3);
    const auto what = built.intent();
    REQUIRE(what);
    CHECK(what->key == record_key{0, "k1"});
    CHECK(what->op == operation::update);
    CHECK(what->before == record{{value::text("milk"), value::integer(2)}});
    CHECK(what->changes.size() == 1);
    CHECK(what->base == base_ref{7, "m0"});
    CHECK(what->edited_at == from_microseconds(50));
    CHECK(what->ordinal == 3);
    const record after{{value::text("bread"), value::integer(2)}};
    CHECK(*built.row() == after);
    CHECK(built.as_mutation("m1")->what == *what);
    CHECK(built.as_item("m1", 4)->position == 4);
    const auto change = built.as_change(8, 90, "m1");
    CHECK((change->version == 8 && change->stamp == 90 && change->writer == "m1" && change->after == after));
    CHECK(change->fields == what->changes.fields());
    CHECK(*built.as_image(8) == row_image{{0, "k1"}, 8, after, {}});
}

TEST_CASE("builders: a create sets every field on nothing, an erase sets none") {
    const auto made = edit(schemas(), "task", "k1").creates().set("title", value::text("milk"));
    const auto what = made.intent();
    REQUIRE(what);
    CHECK_FALSE(what->before);
    CHECK(what->base.row_version == 0);
    CHECK(what->changes.size() == 2);
    CHECK(*made.row() == record{{value::text("milk"), value{}}});
    const auto gone = edit(schemas(), "task", "k1").on({{value::text("milk")}}).erases();
    CHECK(gone.intent()->changes.empty());
    CHECK(gone.intent()->before == record{{value::text("milk"), value{}}});
    CHECK_FALSE(*gone.row());
    CHECK(gone.as_change(3)->fields == schemas()[0].all_fields());
}

TEST_CASE("builders: a name that is not there is told, whatever is asked for") {
    const auto no_model = edit(schemas(), "tasks", "k1").set("title", value::text("x"));
    REQUIRE_FALSE(no_model.intent());
    CHECK(no_model.intent().error().code == errc::unknown_model);
    CHECK(no_model.intent().error().detail == "no model `tasks` is among the schemas; name one that is");
    const auto no_field = edit(schemas(), "task", "k1").set("titel", value::text("x"));
    CHECK(no_field.intent().error().detail == "model `task` has no field `titel`; name one that it has");
    CHECK_FALSE(no_field.as_mutation("m1"));
    CHECK_FALSE(no_field.as_item("m1"));
    CHECK_FALSE(no_field.row());
    CHECK_FALSE(no_field.as_change(1));
    CHECK_FALSE(no_field.as_image(1));
    CHECK(edit(schemas(), "task", "k1").was("titel", value::text("x")).intent().error().code == errc::unknown_field);
    CHECK(bundle_builder(4).row(no_field).row(no_model).sealed().error().code == errc::unknown_field);
    CHECK(make_record(schemas()[0], {{"titel", value{}}}).error().code == errc::unknown_field);
    CHECK(*make_record(schemas()[0], {{"points", value::integer(3)}}) == record{{value{}, value::integer(3)}});
}

TEST_CASE("builders: a bundle numbers its rows") {
    const auto b = bundle_builder(4, 100).from("dev", 2).row(edit(schemas(), "task", "k1").set("points", value::integer(1)), "m1").row(edit(schemas(), "task", "k2").erases()).sealed();
    REQUIRE(b);
    CHECK(b->head == bundle_head{4, "dev", 2, 2, 100});
    CHECK((b->rows[0].version == 4 && b->rows[0].stamp == 100 && b->rows[0].writer == "m1"));
    CHECK((b->rows[1].version == 4 && b->rows[1].stamp == 101 && b->rows[1].op == operation::erase));
}

TEST_CASE("builders: what turns one struct into another is a change") {
    const std::optional<task> none;
    const std::optional<task> milk = task{"k1", "milk", 2};
    const std::optional<task> bread = task{"k1", "bread", 2};
    const auto renamed = change_of(schemas(), milk, bread);
    REQUIRE(renamed);
    CHECK(renamed->op == operation::update);
    CHECK(renamed->changes.size() == 1);
    CHECK(*renamed->changes.find(0) == value::text("bread"));
    CHECK(change_of(schemas(), none, milk)->op == operation::create);
    CHECK(change_of(schemas(), none, milk)->changes.size() == 2);
    CHECK(change_of(schemas(), milk, none)->op == operation::erase);
    CHECK(change_of(schemas(), none, none).error().code == errc::invalid_argument);
    CHECK(change_of(schemas(), milk, std::optional{task{"k2", "milk", 2}}).error().code == errc::invalid_argument);
    CHECK(change_of(schema_set{}, milk, bread).error().code == errc::unknown_model);
}

}  // namespace builders_test
