#include "event_loop.hpp"

#include <syncline/support/system_clock.hpp>

#include <algorithm>
#include <utility>

using std::chrono::steady_clock;

syncline::sync_executor event_loop::executor() {
    return {[this](std::function<void()> task) { tasks_.push_back(std::move(task)); },
            [this](syncline::timestamp at, std::function<void()> wake) {
                // Counted by the steady clock, so that it goes off when the other one is set back.
                constexpr syncline::duration longest = std::chrono::hours{24};
                const auto away = std::clamp(at - syncline::system_now(), syncline::duration{0}, longest);
                timers_.emplace(steady_clock::now() + away, std::move(wake));
            }};
}

void event_loop::run(stop_request& stop) {
    constexpr auto beat = std::chrono::seconds{1};
    while (!stop.requested()) {
        if (!tasks_.empty()) {
            const auto task = std::move(tasks_.front());
            tasks_.pop_front();
            task();
            continue;
        }
        const auto now = steady_clock::now();
        if (!timers_.empty() && timers_.begin()->first <= now) {
            const auto wake = std::move(timers_.begin()->second);
            timers_.erase(timers_.begin());
            wake();
            continue;
        }
        if (beat_) beat_();
        if (!tasks_.empty()) continue;
        steady_clock::duration wait = beat;
        if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first - now);
        static_cast<void>(stop.wait_until(std::chrono::system_clock::now() + wait));
    }
}
