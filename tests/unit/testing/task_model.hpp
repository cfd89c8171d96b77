#ifndef SYNCLINE_TESTS_UNIT_TESTING_TASK_MODEL_HPP
#define SYNCLINE_TESTS_UNIT_TESTING_TASK_MODEL_HPP

// The one model of the tests of scripted peers: `task` with a title and points.

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace testing_tests {

using namespace syncline;

inline const schema_set& tasks() {
    static const schema_set all = [] {
        model_schema s;
        s.name = "task";
        s.fields = {{"title", value_kind::text, true, nullptr}, {"points", value_kind::integer, true, nullptr}};
        schema_set made;
        static_cast<void>(*made.add(s));
        return made;
    }();
    return all;
}

inline record_key task_key(std::string key) { return {0, std::move(key)}; }
inline record a_task(std::string title, std::int64_t points = 0) { return record{{value::text(std::move(title)), value::integer(points)}}; }

}  // namespace testing_tests

#endif
