#ifndef SYNCLINE_EXAMPLES_TASKS_PROGRESS_HPP
#define SYNCLINE_EXAMPLES_TASKS_PROGRESS_HPP

// A progress bar on stderr for a sync that takes long.

#include "arguments.hpp"

#include <syncline/engine/sync_result.hpp>

#include <chrono>
#include <cstddef>
#include <string>

class progress_bar {
public:
    /// @param to_send  how many changes wait to be sent
    /// @param after    how long the sync must take before anything is shown
    progress_bar(progress_display how, std::chrono::seconds after, std::size_t to_send);
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    /// Wipes the bar away.
    ~progress_bar();

    /// Shows what the sync has done so far, if it is time to.
    void show(const syncline::sync_result& so_far);

private:
    bool enabled_;
    std::chrono::steady_clock::time_point from_;  // nothing is shown before
    std::size_t to_send_;
    bool shown_ = false;
};

/// The bar's line: `sending [#####...............] 1200 of 4800`, and `receiving, 300 tasks so far` when all is sent.
std::string progress_line(const syncline::sync_result& so_far, std::size_t to_send);

#endif
