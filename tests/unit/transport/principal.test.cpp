#include <syncline/transport/principal.hpp>

#include "support/catch.hpp"

namespace principal_test {

TEST_CASE("principal: the same id in another tenant is somebody else", "[transport]") {
    CHECK(syncline::principal{"a", "t"} == syncline::principal{"a", "t"});
    CHECK_FALSE(syncline::principal{"a", "t"} == syncline::principal{"a", "u"});
    CHECK_FALSE(syncline::principal{"a", "t"} == syncline::principal{"b", "t"});
}

}  // namespace principal_test
