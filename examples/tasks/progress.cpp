#include "progress.hpp"

#include "answer.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace {

constexpr const char* wipe = "\r\x1b[K";

}  // namespace

progress_bar::progress_bar(progress_display how, std::chrono::seconds after, std::size_t to_send)
    : enabled_(how == progress_display::always || (how == progress_display::automatic && isatty(STDERR_FILENO) != 0)),
      from_(std::chrono::steady_clock::now() + after), to_send_(to_send) {}

progress_bar::~progress_bar() {
    if (shown_) std::cerr << wipe << std::flush;
}

void progress_bar::show(const syncline::sync_result& so_far) {
    if (!enabled_ || std::chrono::steady_clock::now() < from_) return;
    shown_ = true;
    std::cerr << wipe << progress_line(so_far, to_send_) << std::flush;
}

std::string progress_line(const syncline::sync_result& so_far, std::size_t to_send) {
    constexpr std::size_t width = 20;
    const std::size_t sent = std::min(so_far.pushed + so_far.failed, to_send);
    if (sent == to_send || so_far.pulled > 0) return "receiving, " + counted(so_far.pulled, "task") + " so far";
    const std::size_t full = width * sent / to_send;
    return "sending [" + std::string(full, '#') + std::string(width - full, '.') + "] " + std::to_string(sent) + " of " + std::to_string(to_send);
}
