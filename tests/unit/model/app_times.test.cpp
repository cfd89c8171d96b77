#include <syncline/model/app_times.hpp>

#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace app_times_test {

using namespace syncline;

namespace {

struct task {
    std::string id, title;
    struct syncline_model {
        static constexpr auto name() { return "task"; }
        static constexpr auto key() { return key_field<"id", &task::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &task::title>()}; }
        static constexpr std::string_view created_at() { return "created_at"; }
        static time_column updated_at() { return {"updated_at", time_form::milliseconds}; }
        static constexpr auto deleted_at() { return "deleted_at"; }
    };
};

struct counts_deletes : task {
    struct syncline_model : task::syncline_model {
        static constexpr int deleted_at() { return 1; }
    };
};

errc refused(const app_times& times) {
    model_schema m;
    m.name = "task";
    m.fields.push_back({"title", value_kind::text, true, nullptr});
    m.times = times;
    schema_set all;
    const auto added = all.add(std::move(m));
    REQUIRE_FALSE(added.has_value());
    return added.error().code;
}

}  // namespace

TEST_CASE("app times: a struct's description names them by a column's name or with its form") {
    const auto schema = schema_of<task>();
    REQUIRE(schema);
    CHECK(schema->times == app_times{time_column{"created_at"}, time_column{"updated_at", time_form::milliseconds}, time_column{"deleted_at"}});
    STATIC_REQUIRE_FALSE(has_valid_options<counts_deletes>);
    STATIC_REQUIRE(has_valid_options<task>);
}

TEST_CASE("app times: a column is set by us unless it is a field, and none is there without a name") {
    model_schema m;
    m.fields.push_back({"updated_at", value_kind::time, true, nullptr});
    CHECK_FALSE(m.notes_time({}));
    CHECK_FALSE(m.notes_time(time_column{"updated_at"}));
    CHECK(m.notes_time(time_column{"created_at"}));
}

TEST_CASE("app times: a column that is the key, stands twice, or holds soft deletes and is a field is refused") {
    app_times key, twice, field;
    key.updated_at = "id";
    twice.created_at = "at";
    twice.deleted_at = "at";
    field.deleted_at = "title";
    CHECK(refused(key) == errc::invalid_argument);
    CHECK(refused(twice) == errc::invalid_argument);
    CHECK(refused(field) == errc::invalid_argument);
}

}  // namespace app_times_test
