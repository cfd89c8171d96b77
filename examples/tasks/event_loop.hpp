#ifndef SYNCLINE_EXAMPLES_TASKS_EVENT_LOOP_HPP
#define SYNCLINE_EXAMPLES_TASKS_EVENT_LOOP_HPP

// The least that a program needs to hand syncs to: a queue, timers, and a beat. One thread.

#include "stop_request.hpp"

#include <syncline/support/time.hpp>
#include <syncline/wire/auto_sync.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>

class event_loop {
public:
    /// @param beat  called between tasks, about every second
    explicit event_loop(std::function<void()> beat = {}) : beat_(std::move(beat)) {}

    [[nodiscard]] syncline::sync_executor executor();
    /// Runs tasks and timers until @p stop asks for the end. What is left then is thrown away.
    void run(stop_request& stop);

private:
    std::function<void()> beat_;
    std::deque<std::function<void()>> tasks_;
    std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> timers_;
};

#endif
