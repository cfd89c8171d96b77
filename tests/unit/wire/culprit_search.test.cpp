#include <syncline/wire/culprit_search.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace culprit_search_test {

using namespace syncline;
using step = culprit_search::step;

TEST_CASE("culprit search: the third failure of the same request is the first that counts", "[wire]") {
    culprit_search search;
    CHECK(search.limit(100) == 100);
    CHECK(search.failed("a", 8) == step::again);
    CHECK(search.failed("a", 8) == step::again);
    CHECK(search.failed("a", 7) == step::again);
    CHECK(search.failed("b", 7) == step::again);
    CHECK(search.failed("b", 7) == step::again);
    CHECK(search.limit(100) == 100);
    CHECK(search.failed("b", 7) == step::suspect);
    CHECK(search.failed("b", 7) == step::suspect);
    search.passed(7);
    CHECK(search.failed("b", 7) == step::again);
}

TEST_CASE("culprit search: wherever the culprits stand, they are found alone, and everything else goes through", "[wire]") {
    for (std::size_t count = 1; count <= 33; ++count)
        for (std::size_t first = 0; first < count; ++first)
            for (std::size_t second = first; second < count; second += 3) {
                std::deque<std::size_t> queue;
                for (std::size_t i = 0; i < count; ++i) queue.push_back(i);
                std::vector<std::size_t> through, aside;
                culprit_search search;
                std::size_t requests = 0;
                while (!queue.empty()) {
                    REQUIRE(++requests < 200);
                    const std::size_t n = (std::min)(search.limit(20), queue.size());
                    const auto end = queue.begin() + static_cast<std::ptrdiff_t>(n);
                    const bool fails = std::any_of(queue.begin(), end, [&](std::size_t i) { return i == first || i == second; });
                    if (!fails) {
                        through.insert(through.end(), queue.begin(), end);
                        queue.erase(queue.begin(), end);
                        search.passed(n);
                        continue;
                    }
                    if (search.failed(std::to_string(queue.front()), n) != step::suspect) continue;
                    if (n > 1) {
                        search.narrow(n);
                        continue;
                    }
                    aside.push_back(queue.front());
                    queue.pop_front();
                    search.passed(1);
                }
                CHECK(aside.size() == (first == second ? 1u : 2u));
                CHECK(through.size() + aside.size() == count);
                CHECK(std::is_sorted(through.begin(), through.end()));
            }
}

}  // namespace culprit_search_test
