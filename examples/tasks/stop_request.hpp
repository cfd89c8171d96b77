#ifndef SYNCLINE_EXAMPLES_TASKS_STOP_REQUEST_HPP
#define SYNCLINE_EXAMPLES_TASKS_STOP_REQUEST_HPP

// SIGTERM and SIGINT as a wish to stop, which whatever is going on hears of and ends cleanly.

#include <csignal>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

class stop_request {
public:
    /// From now on the signals come here. To be made before any other thread, which inherits what is blocked.
    stop_request();
    stop_request(const stop_request&) = delete;
    stop_request& operator=(const stop_request&) = delete;
    ~stop_request();

    /// Calls @p what, on another thread, when the wish comes; at once if it came already. It replaces the one before, which is not
    /// running any more when this returns, and uses nothing of this object.
    void on_request(std::function<void()> what);
    [[nodiscard]] bool requested() const;
    /// Waits for the wish.
    void wait();
    /// Waits for the wish or until @p t. @return whether it came
    bool wait_until(std::chrono::system_clock::time_point t);

private:
    void listen();

    sigset_t signals_{};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> what_;
    bool requested_ = false;
    bool over_ = false;
    std::thread listener_;
};

#endif
