#include <syncline/wire/bundle/watch_hub.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace watch_hub_test {

using namespace syncline;

namespace {

const principal ann{"ann", "home"};
const principal bob{"bob", "office"};

std::int64_t seq_of(const std::optional<bundle_news>& news) { return news ? news->seq : 0; }

}  // namespace

TEST_CASE("watch_hub: one slot for each subscriber, the newest wins, nothing is told twice or backwards", "[bundle]") {
    watch_hub hub;
    auto sub = *hub.subscribe(ann, 3);
    CHECK_FALSE(sub.take());
    hub.publish("home", {3, "s", 1});  // known already
    CHECK_FALSE(sub.take());
    hub.publish("home", {5, "s", 2});
    hub.publish("home", {7, "t", 9});
    hub.publish("home", {6, "s", 3});  // told late
    CHECK(sub.take() == bundle_news{7, "t", 9});
    CHECK_FALSE(sub.take());
    hub.publish("home", {7, "t", 9});
    hub.publish("home", {4, "s", 1});
    CHECK_FALSE(sub.take());
    sub.offer({8, {}, 0});
    CHECK(sub.take() == bundle_news{8, {}, 0});
}

TEST_CASE("watch_hub: tells nobody of another tenant, and wakes whom it tells", "[bundle]") {
    watch_hub hub;
    auto here = *hub.subscribe(ann, 0);
    auto there = *hub.subscribe(bob, 0);
    int woken_here = 0;
    int woken_there = 0;
    here.wake_with([&] { ++woken_here; });
    there.wake_with([&] { ++woken_there; });
    hub.publish("home", {1, "s", 1});
    hub.publish("home", {1, "s", 1});
    hub.publish("elsewhere", {9, "s", 1});
    CHECK(woken_here == 1);
    CHECK(woken_there == 0);
    CHECK(seq_of(here.take()) == 1);
    CHECK_FALSE(there.take());
    CHECK(hub.tenants() == std::vector<std::string>{"home", "office"});
    CHECK(hub.has_subscribers("office"));
    CHECK_FALSE(hub.has_subscribers("elsewhere"));
}

TEST_CASE("watch_hub: bounds all subscribers and those of one principal; one that ends makes room (OS-AUD-011)", "[bundle]") {
    watch_hub hub{3, 2};
    std::optional<watch_subscription> first{*hub.subscribe(ann, 0)};
    auto second = *hub.subscribe(ann, 0);
    CHECK(hub.subscribe(ann, 0).error().code == errc::rate_limited);
    CHECK(hub.subscribers() == 2);
    {
        auto third = *hub.subscribe(bob, 0);
        CHECK(hub.subscribe(principal{"eve", "home"}, 0).error().code == errc::rate_limited);
        auto moved = std::move(third);
        CHECK(hub.subscribers() == 3);
    }
    CHECK(hub.subscribers() == 2);
    CHECK_FALSE(hub.has_subscribers("office"));
    first.reset();
    CHECK(hub.subscribe(ann, 0).has_value());
    watch_hub none{0, 0};
    CHECK(none.subscribe(ann, 0).error().code == errc::rate_limited);
    watch_hub nobody{1, 0};
    CHECK(nobody.subscribe(ann, 0).error().code == errc::rate_limited);
}

TEST_CASE("watch_hub: closing ends every subscription and takes no more; subscriptions may outlive it", "[bundle]") {
    std::optional<watch_hub> hub{std::in_place};
    auto one = *hub->subscribe(ann, 0);
    auto two = *hub->subscribe(bob, 0);
    int woken = 0;
    one.wake_with([&] { ++woken; });
    two.wake_with([&] { ++woken; });
    CHECK_FALSE(one.closed());
    hub->close();
    CHECK(woken == 2);
    CHECK(one.closed());
    CHECK(two.closed());
    CHECK(hub->subscribe(ann, 0).error().code == errc::unavailable);
    hub.reset();
    CHECK_FALSE(one.take());
}

TEST_CASE("watch_hub: publishers, subscribers and the end at the same time: each sees rising numbers and the last one", "[bundle]") {
    watch_hub hub;
    constexpr std::int64_t last = 2000;
    std::atomic<bool> backwards = false;
    std::atomic<int> listening = 3;
    std::vector<std::thread> threads;
    for (int reader = 0; reader < 3; ++reader) {
        threads.emplace_back([&] {
            // A publisher may be about to call it while the subscription ends, so it owns what it touches.
            struct bell {
                std::mutex mutex;
                std::condition_variable changed;
                bool woken = false;
            };
            const auto mine = std::make_shared<bell>();
            auto sub = *hub.subscribe(ann, 0);
            sub.wake_with([mine] {
                const std::lock_guard lock{mine->mutex};
                mine->woken = true;
                mine->changed.notify_one();
            });
            sub.offer({1, {}, 0});
            std::int64_t seen = 0;
            while (seen < last) {
                std::unique_lock lock{mine->mutex};
                mine->changed.wait(lock, [&] { return mine->woken; });
                mine->woken = false;
                lock.unlock();
                while (const auto news = sub.take()) {
                    if (news->seq <= seen) backwards = true;
                    seen = news->seq;
                }
            }
            --listening;
        });
    }
    for (int writer = 0; writer < 2; ++writer)
        threads.emplace_back([&] {
            // Until all have come and heard the last one.
            do {
                for (std::int64_t seq = 1; seq <= last; ++seq) hub.publish("home", {seq, "s", seq});
            } while (listening != 0);
        });
    for (auto& t : threads) t.join();
    CHECK_FALSE(backwards);
    CHECK(hub.subscribers() == 0);
    CHECK(hub.tenants().empty());
}

}  // namespace watch_hub_test
