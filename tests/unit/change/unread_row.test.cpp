#include <syncline/change/unread_row.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <vector>

namespace unread_row_test {

using namespace syncline;

TEST_CASE("unread rows: names are in the order of their octets, the model first, and every member of a row counts") {
    std::vector<unread_name> names{{"b", "a"}, {"a", "\xC3\xA9"}, {"", "z"}, {"a", "z"}, {"a", ""}};
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<unread_name>{{"", "z"}, {"a", ""}, {"a", "z"}, {"a", "\xC3\xA9"}, {"b", "a"}});

    const unread_row one{{"task", "a"}, 1, "text", {errc::unknown_model, "why"}};
    for (int member = 0; member < 5; ++member) {
        unread_row other = one;
        if (member == 0) other.name.model = "tasks";
        if (member == 1) other.name.key = "b";
        if (member == 2) other.version = 2;
        if (member == 3) other.text = "other";
        if (member == 4) other.why.code = errc::malformed_value;
        CHECK(one != other);
    }
}

}  // namespace unread_row_test
