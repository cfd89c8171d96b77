#include <syncline/testing/simulation/simulated_view.hpp>

#include "support/catch.hpp"
#include "unit/testing/simulation/notes_in_buckets.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace simulated_view_test {

using namespace syncline;
using namespace syncline::testing;
using simulation_tests::note;
using simulation_tests::notes_in_buckets;

TEST_CASE("simulated_view: without buckets everybody sees every row that is there") {
    const auto setup = notes_in_buckets({});
    const auto schemas = *setup.schemas();
    simulated_view view(setup, schemas);
    view.enter("ann");
    CHECK_FALSE(view.any());
    CHECK_FALSE(view.change("ann", true, 0));
    CHECK(view.visible("ann", {0, "a"}, [](const record_key&) { return std::optional<record>{record{{value::text("red"), value{}}}}; }));
    CHECK_FALSE(view.visible("ann", {0, "a"}, [](const record_key&) { return std::optional<record>{}; }));
    CHECK_FALSE(view.scopes().granted);
}

TEST_CASE("simulated_view: a person comes with every second label; what is granted and taken away is what an authority is told") {
    const auto setup = notes_in_buckets({"red", "green", "blue"});
    const auto schemas = *setup.schemas();
    simulated_view view(setup, schemas);
    view.enter("ann");
    const auto scopes = view.scopes();
    const auto granted = [&](std::string_view who) {
        const auto labels = scopes.granted("main", who);
        return labels ? *labels : label_set{"a fault"};
    };
    CHECK(granted("ann") == label_set{"red", "blue"});
    CHECK(granted("ben") == label_set{});
    CHECK(view.change("ann", true, 1) == std::optional<std::string>{"green"});
    CHECK(granted("ann") == label_set{"red", "green", "blue"});
    CHECK_FALSE(view.change("ann", true, 4));  // she has it
    CHECK(view.change("ann", false, 3) == std::optional<std::string>{"red"});
    CHECK_FALSE(view.change("ann", false, 0));
    view.enter("ann");  // another device of hers
    CHECK(granted("ann") == label_set{"green", "blue"});
    CHECK(scopes.buckets.contains("note"));
}

TEST_CASE("simulated_view: a record is seen with everything that it refers to, also in a circle") {
    const auto setup = notes_in_buckets({"red", "green"});
    const auto schemas = *setup.schemas();
    simulated_view view(setup, schemas);
    view.enter("ann");  // red
    std::map<std::string, record> rows;
    const auto put = [&](const std::string& key, const std::string& label, const std::string& of) {
        rows[key] = note(label, of);
    };
    const auto sees = [&](const std::string& key) {
        return view.visible("ann", {0, key}, [&](const record_key& k) {
            const auto at = rows.find(k.key);
            return at == rows.end() ? std::optional<record>{} : std::optional<record>{at->second};
        });
    };
    put("a", "red", "");
    put("b", "red", "a");
    put("c", "red", "b");
    CHECK(sees("c"));
    put("a", "green", "");
    CHECK_FALSE(sees("a"));
    CHECK_FALSE(sees("c"));
    put("d", "red", "missing");
    CHECK_FALSE(sees("d"));
    put("e", "red", "f");
    put("f", "red", "e");
    CHECK(sees("e"));
    put("f", "green", "e");
    CHECK_FALSE(sees("e"));
}

}  // namespace simulated_view_test
