#include <syncline/model/field_choice.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace field_choice_test {

using namespace syncline;

namespace {

model_schema five() {
    model_schema m;
    m.name = "m";
    for (const char* name : {"a", "b", "c", "d", "e"}) m.fields.push_back({name, value_kind::text});
    m.references = {{1, "x", reference_action::cascade}, {3, "y", reference_action::none}};
    return m;
}

}  // namespace

TEST_CASE("field choice: what is listed stays, or all but what is listed, with the references by it") {
    for (unsigned chosen = 1; chosen < 31; ++chosen) {
        std::vector<std::string> in, out;
        for (unsigned f = 0; f < 5; ++f) ((chosen >> f & 1U) != 0 ? in : out).push_back(five().fields[f].name);
        for (const bool listed : {true, false}) {
            const auto m = choose_fields(five(), listed ? field_choice{in, {}, {}} : field_choice{{}, out, {}});
            REQUIRE(m);
            REQUIRE(m->fields.size() == in.size());
            for (std::size_t f = 0; f < in.size(); ++f) CHECK(m->fields[f].name == in[f]);
            CHECK(m->references.size() == (chosen >> 1 & 1U) + (chosen >> 3 & 1U));
            for (const auto& r : m->references) REQUIRE(r.field < in.size());
            for (const auto& r : m->references) CHECK(m->fields[r.field].name == (r.model == "x" ? "b" : "d"));
        }
    }
    CHECK(choose_fields(five(), {})->fields.size() == 5);
}

TEST_CASE("field choice: read-only fields are those that are named, of what is synced") {
    const auto m = choose_fields(five(), {{}, {"a"}, {"c", "e"}});
    REQUIRE(m);
    std::string read_only;
    for (const auto& f : m->fields)
        if (f.read_only) read_only += f.name;
    CHECK(read_only == "ce");
    auto by_model = five();
    by_model.fields[1].read_only = true;
    CHECK(choose_fields(std::move(by_model), {{}, {}, {"c"}})->fields[1].read_only);  // what the model says stays so
}

TEST_CASE("field choice: a name that means nothing, and two lists, are refused") {
    CHECK(choose_fields(five(), {{"a", "z"}, {}, {}}).error().code == errc::unknown_field);
    CHECK(choose_fields(five(), {{}, {"z"}, {}}).error().code == errc::unknown_field);
    CHECK(choose_fields(five(), {{}, {}, {"z"}}).error().code == errc::unknown_field);
    CHECK(choose_fields(five(), {{"a"}, {}, {"b"}}).error().code == errc::unknown_field);
    CHECK(choose_fields(five(), {{"a"}, {"b"}, {}}).error().code == errc::invalid_argument);
}

}  // namespace field_choice_test
