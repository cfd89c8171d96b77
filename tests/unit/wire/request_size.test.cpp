#include <syncline/wire/request_size.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <vector>

namespace request_size_test {

using namespace syncline;

// The sizes of the requests that go through, one after the other.
std::vector<std::size_t> sizes(request_size& s, std::size_t requests, std::size_t octets_each) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < requests; ++i) {
        out.push_back(s.batch());
        s.passed(s.request(), s.request() * octets_each);
    }
    return out;
}

TEST_CASE("request size: after four full requests each is twice as large as the one before, up to the most", "[wire]") {
    request_size s;
    s.start(100, 1000);
    CHECK(sizes(s, 10, 100) == std::vector<std::size_t>{100, 100, 100, 100, 200, 400, 800, 1000, 1000, 1000});
    CHECK(s.request() == 1000);
}

TEST_CASE("request size: bodies stay below a MiB", "[wire]") {
    request_size s;
    s.start(100, 2000);
    CHECK(sizes(s, 8, 2000) == std::vector<std::size_t>{100, 100, 100, 100, 200, 400, 400, 400});
}

TEST_CASE("request size: with no room to grow, or after a request that was not full, they stay as they are", "[wire]") {
    for (const std::size_t most : {std::size_t{0}, std::size_t{7}, std::size_t{100}}) {
        request_size s;
        s.start(100, most);
        CHECK(sizes(s, 6, 1) == std::vector<std::size_t>(6, 100));
    }
    request_size s;
    s.start(10, 100);
    for (int i = 0; i < 20; ++i) {
        for (int full = 0; full < 3; ++full) s.passed(10, 1);
        s.passed(9, 1);
    }
    CHECK(s.batch() == 10);
}

TEST_CASE("request size: what fails takes the growth back for the rest of the run, and the next run begins anew", "[wire]") {
    request_size s;
    s.start(10, 1000);
    CHECK(sizes(s, 6, 1).back() == 40);
    s.failed();
    CHECK(s.batch() == 10);
    CHECK(s.request() == 10);
    CHECK(sizes(s, 6, 1) == std::vector<std::size_t>(6, 10));
    s.start(10, 1000);
    CHECK(sizes(s, 5, 1).back() == 20);
}

TEST_CASE("request size: a request that is too large is halved down to a single mutation, and not below", "[wire]") {
    request_size s;
    s.start(100, 2000);
    std::vector<std::size_t> tried;
    for (std::size_t count = 100; s.halve(count); count = s.request()) tried.push_back(s.request());
    CHECK(tried == std::vector<std::size_t>{50, 25, 12, 6, 3, 1});
    CHECK(s.batch() == 100);
    s.start(0, 0);
    CHECK(s.request() == 1);
    CHECK_FALSE(s.halve(1));
}

}  // namespace request_size_test
