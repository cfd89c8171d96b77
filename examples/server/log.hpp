#ifndef SYNCLINE_EXAMPLES_SERVER_LOG_HPP
#define SYNCLINE_EXAMPLES_SERVER_LOG_HPP

// One JSON object a line on stderr: {"time", "level", "event", ...}. Neither tokens nor rows ever stand there.

#include "configuration.hpp"

#include <syncline/support/json_writer.hpp>

#include <functional>
#include <mutex>
#include <string_view>

class log_lines {
public:
    explicit log_lines(log_level least) : least_(least) {}

    [[nodiscard]] bool takes(log_level level) const noexcept { return level <= least_; }

    /// A line that @p members adds to; nothing where @p level is below the one that is wanted. Any thread may call it.
    void line(log_level level, std::string_view event, const std::function<void(syncline::json_writer&)>& members = {});

private:
    log_level least_;
    std::mutex mutex_;
};

#endif
