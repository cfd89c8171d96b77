#include <syncline/adapters/sqlite/authority_store.hpp>

#include "support/catch.hpp"
#include "unit/adapters/sqlite/authority_fixture.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <thread>
#include <vector>

// Apart from the store's other cases, so that this one alone is compiled for ThreadSanitizer.
namespace authority_store_threads_test {

using namespace syncline;
using namespace authority_fixture;

TEST_CASE("sqlite authority store: threads may use one store at the same time") {
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    scratch dir;
    stranger app(dir.file());
    app.run("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT)");
    sqlite_authority_options options;
    options.durability = sqlite_durability::normal;
    options.busy_timeout = std::chrono::milliseconds{20000};
    auto store = ok(sqlite_authority_store::open(dir.file(), models_of(dir.file(), {"task"}), options));
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int n = 0; n < 4; ++n)
        threads.emplace_back([&, n] {
            for (int i = 0; i < 15; ++i) {
                if (n % 2 == 0) {
                    auto t = store.begin("main", access::write);
                    if (!t || !t->write({0, "k" + std::to_string(n)}, texts({std::to_string(i)}))) {
                        ++wrong;
                        continue;
                    }
                    const auto sealed = seal(*t, store.schemas(), bundle_source{}, {}, timestamp{});
                    if (!sealed || sealed->size() != 1 || !t->commit()) ++wrong;
                } else {
                    auto t = store.begin("main", access::snapshot);
                    if (!t) {
                        ++wrong;
                        continue;
                    }
                    const auto first = t->head();
                    const auto rows = t->latest_after(0, all);
                    const auto again = t->head();
                    if (!first || !rows || !again || !(*first == *again) || (!rows->empty() && rows->back().stamp != first->stamp)) ++wrong;
                }
            }
        });
    for (auto& t : threads) t.join();
    CHECK(wrong == 0);
    auto t = ok(store.begin("main", access::snapshot));
    CHECK(ok(t.head()).seq == 30);
}

}  // namespace authority_store_threads_test
