#include <syncline/testing/wire/subject.hpp>

#include "support/catch.hpp"

namespace wire_subject_test {

using namespace syncline::testing;

TEST_CASE("wire_subject: says little, and holds the server to what Syncline's own keep") {
    const wire_subject s;
    CHECK(s.profile == wire_profile::syncline);
    CHECK_FALSE(s.open);
    CHECK(s.tombstones);
    CHECK_FALSE(s.strict_duplicates);
    CHECK(s.schema == "public");
    CHECK(s.key == "id");
    CHECK_FALSE(s.stranger);
    CHECK_FALSE(s.newcomer);
    const wire_field f{"title"};
    CHECK(f.one != f.other);
    CHECK(f.other != f.third);
    CHECK(f.one != f.third);
}

}  // namespace wire_subject_test
