#include <syncline/support/guarded_call.hpp>

#include "support/catch.hpp"

#include <stdexcept>

namespace guarded_call_test {

using namespace syncline;

TEST_CASE("guarded call: tells a call that returned from one that ended with an exception, whatever it was") {
    int calls = 0;
    CHECK(guarded_call([&] { ++calls; }));
    CHECK_FALSE(guarded_call([&] {
        ++calls;
        throw std::runtime_error("of the host");
    }));
    CHECK_FALSE(guarded_call([&] {
        ++calls;
        throw 7;
    }));
    CHECK(calls == 3);
}

}  // namespace guarded_call_test
