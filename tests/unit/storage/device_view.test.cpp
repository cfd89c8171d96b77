#include <syncline/storage/device_view.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <string>

namespace device_view_test {

using namespace syncline;

TEST_CASE("views: what is remembered of a device comes back as it was, and a cut form is refused") {
    schema_set schemas;
    for (auto& m : simulation::models(overlap_policy::by_field)) REQUIRE(schemas.add(std::move(m)));
    device_view view{"", "", "rules", 9, {"p"}, {}};
    view.marks.push_back({7, 5, 4, cursor{6}, {"a"}, {"a", "b"}, {"a"}, {{"b", record_key{1, "C"}, false}, {"c", std::nullopt, true}}});
    view.marks.push_back({8, 8, 8, std::nullopt, {}, {}, {}, {}});
    const std::string bytes = encode_view(schemas, view);
    const auto read = decode_view(schemas, bytes);
    REQUIRE(read);
    CHECK(*read == view);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_view(schemas, bytes.substr(0, n)));
    schema_set others;
    const auto elsewhere = decode_view(others, bytes);
    REQUIRE(elsewhere);
    CHECK_FALSE(elsewhere->marks[0].scans[0].at);  // its model is not known: the look begins again
}

}  // namespace device_view_test
