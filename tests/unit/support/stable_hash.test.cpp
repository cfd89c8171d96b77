#include <syncline/support/stable_hash.hpp>

#include "support/catch.hpp"

namespace stable_hash_test {

using syncline::stable_hash;

TEST_CASE("stable hash: the published values of FNV-1a never change") {
    static_assert(stable_hash("") == 0xcbf29ce484222325ULL);
    static_assert(stable_hash("a") == 0xaf63dc4c8601ec8cULL);
    static_assert(stable_hash("foobar") == 0x85944171f73967e8ULL);
    static_assert(stable_hash("\xff") != stable_hash("\x7f"));
    CHECK(stable_hash("bar", stable_hash("foo")) == stable_hash("foobar"));
}

}  // namespace stable_hash_test
