#ifndef SYNCLINE_EXAMPLES_TASKS_PROGRESS_HPP
#define SYNCLINE_EXAMPLES_TASKS_PROGRESS_HPP

// A progress bar on stderr for a sync that takes long, drawn even while nothing comes from the server.

#include <syncline/engine/sync_result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

/// What is known of a sync that goes on.
struct sync_progress {
    std::size_t to_send = 0;   ///< changes that waited to be sent when it began
    std::size_t sent = 0;      ///< those that the server has answered
    std::size_t received = 0;
};

class progress_bar {
public:
    /// Shows a bar from @p after on, and from then on each second, by a thread of its own; `show` moves it in between.
    /// @param to_send  how many changes wait to be sent
    progress_bar(std::chrono::seconds after, std::size_t to_send);
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    /// Wipes the bar away.
    ~progress_bar();

    /// Takes in what the sync has done so far. From any thread.
    void show(const syncline::sync_result& so_far);

private:
    using clock = std::chrono::steady_clock;

    void draw_each_second();
    void draw();  // under the mutex

    const clock::time_point begin_ = clock::now();
    const clock::time_point from_;  // nothing is shown before
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;
    bool shown_ = false;
    sync_progress at_;
    std::thread timer_;
};

/// Whether stderr is a terminal that can show a bar.
bool stderr_shows_bars();

/// The bar's line: `sending [#####...............] 1200 of 4800`, and `receiving, 300 tasks so far` when all is sent; from the first
/// second on with the time that has passed.
std::string progress_line(const sync_progress& at, std::chrono::seconds passed);

#endif
