#ifndef SYNCLINE_TESTS_UNIT_TESTING_SIMULATION_NOTES_IN_BUCKETS_HPP
#define SYNCLINE_TESTS_UNIT_TESTING_SIMULATION_NOTES_IN_BUCKETS_HPP

// Notes that may lie below another note, each in the bucket that its title names.

#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulation_tests {

using namespace syncline;

// Without labels there are no buckets either.
inline testing::simulation_setup notes_in_buckets(std::vector<std::string> labels) {
    testing::simulation_setup setup;
    model_schema note;
    note.name = "note";
    note.fields = {{"title", value_kind::text, true, nullptr}, {"of", value_kind::text, true, nullptr}};
    note.references = {{1, "note", reference_action::cascade}};
    setup.models = {note};
    setup.keys = 2;
    setup.wires = testing::simulated_wires::mutation;
    if (!labels.empty()) setup.buckets["note"] = [](const model_schema&, std::string_view, const record& row) { return label_set{row.fields[0].as_string()}; };
    setup.labels = std::move(labels);
    return setup;
}
inline record note(const std::string& title, const std::string& of = {}) { return {{value::text(title), of.empty() ? value{} : value::text(of)}}; }

}  // namespace simulation_tests

#endif
