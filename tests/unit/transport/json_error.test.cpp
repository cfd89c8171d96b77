#include <syncline/transport/json_error.hpp>

#include "support/catch.hpp"

namespace json_error_test {

using namespace syncline;

TEST_CASE("json_error: has the status, the content type and both members", "[transport]") {
    const response answer = json_error(404, "not_found", "there is nothing at this path");
    CHECK(answer.status == 404);
    CHECK(find_header(answer.headers, "content-type") == "application/json");
    CHECK(answer.body == R"({"error":"not_found","message":"there is nothing at this path"})");
}

TEST_CASE("json_error: stays JSON whatever the message holds", "[transport]") {
    CHECK(json_error(400, "a\"b", "c\\d\ne").body == R"({"error":"a\"b","message":"c\\d\ne"})");
}

}  // namespace json_error_test
