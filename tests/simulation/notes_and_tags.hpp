#ifndef SYNCLINE_TESTS_SIMULATION_NOTES_AND_TAGS_HPP
#define SYNCLINE_TESTS_SIMULATION_NOTES_AND_TAGS_HPP

// The models of the simulation for users: notes from a struct, and tags that refer to a note with a cascade.

#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace simulation {

using namespace syncline;

struct note {
    std::string id, title;
    std::optional<std::string> body;
    std::int64_t stars = 0;

    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return key_field<"id", &note::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &note::title>(), field<"body", &note::body>(), field<"stars", &note::stars>()}; }
    };
};

inline model_schema tag() {
    model_schema out;
    out.name = "tag";
    out.fields = {{"label", value_kind::text, true, nullptr}, {"note", value_kind::text, true, nullptr}};
    out.references = {{1, "note", reference_action::cascade}};
    return out;
}

inline testing::simulation_setup notes_and_tags() {
    auto setup = testing::simulation_setup::of<note>();
    setup.models.push_back(tag());
    return setup;
}

/// Half of the devices begin with a program that knows titles only.
inline void give_older_programs(testing::simulation_setup& setup) {
    setup.models[0].fields[2].nullable = true;
    setup.first_fields["note"] = 1;
}

/// Notes lie in buckets by their title, so an edit moves them; tags are seen with their note.
inline void give_buckets(testing::simulation_setup& setup) {
    setup.labels = {"red", "green", "blue"};
    setup.buckets["note"] = [](const model_schema&, std::string_view, const record& row) {
        const std::string& title = row.fields[0].as_string();
        switch (title.empty() ? 0 : title.back() % 4) {
        case 0: return label_set{"red", "green"};
        case 1: return label_set{"red"};
        case 2: return label_set{"green"};
        default: return label_set{"blue"};
        }
    };
}

}  // namespace simulation

#endif
