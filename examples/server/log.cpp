#include "log.hpp"

#include "../support/standard_streams.hpp"

#include <syncline/support/rfc3339.hpp>
#include <syncline/support/system_clock.hpp>

#include <string>

namespace {

constexpr std::string_view name_of(log_level level) {
    switch (level) {
    case log_level::error: return "error";
    case log_level::warn: return "warn";
    case log_level::info: return "info";
    case log_level::debug: return "debug";
    }
    return "error";
}

}  // namespace

void log_lines::line(log_level level, std::string_view event, const std::function<void(syncline::json_writer&)>& members) {
    if (!takes(level)) return;
    std::string text;
    syncline::json_writer w{text};
    w.begin_object();
    w.key("time");
    w.string(syncline::format_rfc3339(syncline::system_now(), 3).value_or(std::string{}));
    w.key("level");
    w.string(name_of(level));
    w.key("event");
    w.string(event);
    if (members) members(w);
    w.end_object();
    text += '\n';
    const std::lock_guard lock{mutex_};
    write_to_stderr(text);
}
