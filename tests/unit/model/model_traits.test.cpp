#include <syncline/model/model_traits.hpp>

#include <syncline/conflict/merges.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace model_traits_test {

using syncline::errc;
using syncline::field_index;
using syncline::from_microseconds;
using syncline::from_record;
using syncline::key_of;
using syncline::overlap_policy;
using syncline::record;
using syncline::reference_action;
using syncline::schema_of;
using syncline::to_record;
using syncline::value;
using syncline::value_kind;

namespace user {

enum class state : std::int16_t { open = 1, done = 2 };

struct task {
    std::string id;
    std::string title;
    std::int64_t votes = 0;
    std::optional<std::string> project;
    std::optional<syncline::timestamp> due;
    state is = state::open;
    syncline::json_text labels{"[]"};
    int cached_width = 7;  // not described: never synced

    struct syncline_model {
        static constexpr std::string_view name() { return "task"; }
        static constexpr auto key() { return syncline::key_field<"id", &task::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"title", &task::title>(),
                              syncline::field<"votes", &task::votes, syncline::merges::counter>(),
                              syncline::reference<"project_id", &task::project, "project", reference_action::cascade>(),
                              syncline::field<"due", &task::due>(),
                              syncline::field<"state", &task::is>(),
                              syncline::field<"labels", &task::labels>()};
        }
    };

    friend bool operator==(const task&, const task&) = default;
};
static_assert(syncline::check_model<task>());

// A class that cannot be changed, described from outside, with every option.
struct project {
    std::int32_t number = 0;
    double budget = 0;
};

struct named {
    syncline::ulid id;
    std::string label;
};
struct place : named {
    double latitude = 0;

    struct syncline_model {
        static std::string name() { return std::string("place"); }
        static constexpr auto key() { return syncline::key_field<"id", &named::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"label", &named::label>(), syncline::field<"latitude", &place::latitude>()};
        }
    };
};

struct device {
    syncline::uuid id;
    bool on = false;

    struct syncline_model {
        static constexpr const char* name() { return "device"; }
        static constexpr auto key() { return syncline::key_field<"id", &device::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"on", &device::on>()}; }
    };
};

struct nameless : device {
    struct syncline_model : device::syncline_model {
        static constexpr std::string_view name() { return ""; }
    };
};

}  // namespace user

}  // namespace model_traits_test

template <>
struct syncline::model_traits<model_traits_test::user::project> {
    static constexpr std::string_view name() { return "project"; }
    static constexpr auto key() { return key_field<"number", &model_traits_test::user::project::number>(); }
    static constexpr auto fields() { return std::tuple{field<"budget", &model_traits_test::user::project::budget>()}; }
    static constexpr overlap_policy overlap() { return overlap_policy::by_row; }
    static constexpr std::string_view table() { return "projects"; }
    static constexpr std::uint32_t version() { return 3; }
};

namespace model_traits_test {

static_assert(syncline::check_model<user::project>());

namespace {

user::task example() {
    user::task t;
    t.id = "01";
    t.title = "write tests";
    t.votes = -4;
    t.due = from_microseconds(123);
    t.is = user::state::done;
    t.labels = {R"(["a"])"};
    return t;
}

}  // namespace

TEST_CASE("model traits: a description becomes the schema that the engines work on") {
    const auto schema = schema_of<user::task>();
    REQUIRE(schema);
    CHECK(schema->name == "task");
    CHECK(schema->table_name() == "task");
    CHECK(schema->key_name == "id");
    CHECK(schema->key_kind == value_kind::text);
    CHECK(schema->overlap == overlap_policy::by_field);
    struct expected {
        const char* name;
        value_kind kind;
        bool nullable;
        const syncline::field_merge* merge;
    };
    const std::vector<expected> fields{{"title", value_kind::text, false, nullptr},
                                       {"votes", value_kind::integer, false, &syncline::merges::counter::erased},
                                       {"project_id", value_kind::text, true, nullptr},
                                       {"due", value_kind::time, true, nullptr},
                                       {"state", value_kind::integer, false, nullptr},
                                       {"labels", value_kind::json, false, nullptr}};
    REQUIRE(schema->fields.size() == fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        CHECK(schema->fields[i].name == fields[i].name);
        CHECK(schema->fields[i].kind == fields[i].kind);
        CHECK(schema->fields[i].nullable == fields[i].nullable);
        CHECK(schema->fields[i].merge == fields[i].merge);
    }
    REQUIRE(schema->references.size() == 1);
    CHECK(schema->references[0].field == 2);
    CHECK(schema->references[0].model == "project");
    CHECK(schema->references[0].on_erase == reference_action::cascade);

    syncline::schema_set set;
    CHECK(set.add(*schema));
}

TEST_CASE("model traits: a class described from outside has its options") {
    const auto schema = schema_of<user::project>();
    REQUIRE(schema);
    CHECK(schema->key_name == "number");
    CHECK(schema->key_kind == value_kind::integer);
    CHECK(schema->overlap == overlap_policy::by_row);
    CHECK(schema->table_name() == "projects");
    static_assert(syncline::version_of<user::project>() == 3);
    static_assert(syncline::version_of<user::task>() == 1);
}

TEST_CASE("model traits: an empty name is refused, as it can be known at run time only") {
    const auto schema = schema_of<user::nameless>();
    REQUIRE_FALSE(schema);
    CHECK(schema.error().code == errc::invalid_argument);
    CHECK(schema_of<user::place>()->name == "place");
    CHECK(schema_of<user::device>()->name == "device");
}

TEST_CASE("model traits: a struct survives the way into a record and back") {
    const user::task t = example();
    const record r = to_record(t);
    CHECK(r.fields == std::vector<value>{value::text("write tests"), value::integer(-4), value::null(),
                                         value::time(from_microseconds(123)), value::integer(2), value::json(R"(["a"])")});
    const auto back = from_record<user::task>(key_of(t), r);
    REQUIRE(back);
    CHECK(*back == t);
}

TEST_CASE("model traits: members of a base class are described as one's own") {
    user::place p;
    p.id = {{1}};
    p.label = "here";
    p.latitude = 47.5;
    const auto back = from_record<user::place>(key_of(p), to_record(p));
    REQUIRE(back);
    CHECK(back->id == p.id);
    CHECK(back->label == "here");
    CHECK(back->latitude == 47.5);
}

TEST_CASE("model traits: members that are not described keep their defaults") {
    user::task t = example();
    t.cached_width = 99;
    CHECK(from_record<user::task>("01", to_record(t))->cached_width == 7);
}

TEST_CASE("model traits: keys are text in one spelling each, and anything else is refused") {
    CHECK(key_of(user::project{-12, 0}) == "-12");
    CHECK(key_of(user::device{}) == "00000000-0000-0000-0000-000000000000");
    const record budget{{value::real(1)}};
    const record on{{value::boolean(true)}};
    CHECK(from_record<user::project>("-12", budget)->number == -12);
    for (const char* bad : {"", "x", "12x", " 12", "012", "+1", "-0", "2147483648", "99999999999999999999"}) {
        CAPTURE(bad);
        const auto refused = from_record<user::project>(bad, budget);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_key);
        CHECK(refused.error().detail.find("`project`") != std::string::npos);
    }
    CHECK(from_record<user::device>("00000000-0000-0000-0000-0000000000ff", on)->on);
    CHECK(from_record<user::device>("ff", on).error().code == errc::invalid_key);
    CHECK(from_record<user::place>("ff", record{{value::text(""), value::real(0)}}).error().code == errc::invalid_key);
    CHECK(from_record<user::task>("", to_record(example())).error().code == errc::invalid_key);
}

TEST_CASE("model traits: a value of another kind is refused, and the fault names model and field") {
    const record good = to_record(example());
    const std::vector<const char*> names{"title", "votes", "project_id", "due", "state", "labels"};
    for (std::size_t i = 0; i < good.fields.size(); ++i) {
        record bad = good;
        bad.fields[i] = value::boolean(true);
        const auto refused = from_record<user::task>("01", bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::malformed_value);
        CHECK(refused.error().detail.find("model `task`") != std::string::npos);
        CHECK(refused.error().detail.find(std::string("field `").append(names[i]).append("`")) != std::string::npos);
    }
}

TEST_CASE("model traits: null is taken where the member is optional and refused where it is not") {
    const record good = to_record(example());
    const auto schema = schema_of<user::task>();
    for (std::size_t i = 0; i < good.fields.size(); ++i) {
        record r = good;
        r.fields[i] = value::null();
        CHECK(from_record<user::task>("01", r).has_value() == schema->fields[i].nullable);
    }
}

TEST_CASE("model traits: fields that a row does not have yet count as null, more than the model has are refused") {
    record r = to_record(user::device{});
    r.fields.push_back(value::null());
    const auto refused = from_record<user::device>("00000000-0000-0000-0000-000000000000", r);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::malformed_value);
    r.fields.clear();
    CHECK(from_record<user::device>("00000000-0000-0000-0000-000000000000", r).error().code == errc::malformed_value);
}

TEST_CASE("model traits: a member's field index is known at compile time") {
    static_assert(syncline::field_index_of<user::task, &user::task::title>() == 0);
    static_assert(syncline::field_index_of<user::task, &user::task::project>() == 2);
    static_assert(syncline::field_index_of<user::task, &user::task::labels>() == 5);
    static_assert(syncline::field_index_of<user::place, &user::named::label>() == 0);
    SUCCEED();
}

namespace broken {

struct undescribed {};
struct no_name {
    std::string id;
    int n = 0;
    struct syncline_model {
        static constexpr auto key() { return syncline::key_field<"id", &no_name::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &no_name::n>()}; }
    };
};
struct no_key {
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &no_key::n>()}; }
    };
};
struct strange_key {
    double id = 0;
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &strange_key::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &strange_key::n>()}; }
    };
};
struct no_fields {
    std::string id;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &no_fields::id>(); }
        static constexpr auto fields() { return std::tuple{}; }
    };
};
struct twice {
    std::string id;
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &twice::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"n", &twice::n>(), syncline::field<"n", &twice::n>()};
        }
    };
};
struct like_key {
    std::string id;
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &like_key::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"id", &like_key::n>()}; }
    };
};
struct foreign_member {
    std::string id;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &foreign_member::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &no_name::n>()}; }
    };
};
struct wrong_merge {
    std::string id;
    std::string text;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &wrong_merge::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"text", &wrong_merge::text, syncline::merges::counter>()};
        }
    };
};
struct wrong_option {
    std::string id;
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "x"; }
        static constexpr auto key() { return syncline::key_field<"id", &wrong_option::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &wrong_option::n>()}; }
        static constexpr int overlap() { return 1; }
    };
};

}  // namespace broken

TEST_CASE("model traits: the concept refuses each description with one thing missing, and asking is no error") {
    using syncline::model;
    static_assert(model<user::task> && model<user::project> && model<user::place> && model<user::device>);
    static_assert(!model<int> && !model<void> && !model<broken::undescribed>);
    static_assert(!model<broken::no_name> && !syncline::has_model_name<broken::no_name>);
    static_assert(!model<broken::no_key> && !syncline::has_model_key<broken::no_key>);
    static_assert(!model<broken::strange_key> && !syncline::has_supported_key<broken::strange_key>);
    static_assert(!model<broken::no_fields> && !syncline::has_countable_fields<broken::no_fields>);
    static_assert(!model<broken::twice> && !syncline::has_distinct_names<broken::twice>);
    static_assert(!model<broken::like_key> && !syncline::has_distinct_names<broken::like_key>);
    static_assert(!model<broken::foreign_member> && !syncline::has_field_entries<broken::foreign_member>);
    static_assert(!model<broken::wrong_merge> && !syncline::has_suitable_merges<broken::wrong_merge>);
    static_assert(!model<broken::wrong_option> && !syncline::has_valid_options<broken::wrong_option>);
    SUCCEED();
}

TEST_CASE("model traits: several models become one set in the order named, and one that cannot be registered is told") {
    const auto models = syncline::schemas_of<user::task, user::device>();
    REQUIRE(models);
    CHECK(models->size() == 2);
    CHECK(models->find("task") == syncline::model_id{0});
    CHECK(models->find("device") == syncline::model_id{1});
    const auto twice = syncline::schemas_of<user::task, user::task>();
    REQUIRE_FALSE(twice);
    CHECK(twice.error().code == errc::invalid_argument);
    const auto unnamed = syncline::schemas_of<user::task, user::nameless, user::device>();
    REQUIRE_FALSE(unnamed);
    CHECK(unnamed.error().code == errc::invalid_argument);
}

}  // namespace model_traits_test
