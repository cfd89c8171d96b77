#include "progress.hpp"

#include "answer.hpp"
#include "../support/standard_streams.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace {

constexpr const char* wipe = "\r\x1b[K";

// A line that goes on in the next one cannot be wiped away.
std::string cut_to_width(std::string line) {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && line.size() >= size.ws_col) line.resize(size.ws_col - 1U);
    return line;
}

}  // namespace

progress_bar::progress_bar(std::chrono::seconds after, std::size_t to_send) : from_(begin_ + after) {
    at_.to_send = to_send;
    timer_ = std::thread{[this] { draw_each_second(); }};
}

progress_bar::~progress_bar() {
    {
        const std::lock_guard lock{mutex_};
        over_ = true;
    }
    ended_.notify_all();
    timer_.join();
    if (shown_) write_to_stderr(wipe);
}

void progress_bar::show(const syncline::sync_result& so_far) {
    const std::lock_guard lock{mutex_};
    at_.sent = so_far.pushed + so_far.failed;
    at_.received = so_far.pulled;
    if (clock::now() >= from_) draw();
}

// A sync tells of itself only when an answer came, and the first may take long.
void progress_bar::draw_each_second() {
    std::unique_lock lock{mutex_};
    for (auto next = from_; !ended_.wait_until(lock, next, [this] { return over_; }); next = clock::now() + std::chrono::seconds{1}) draw();
}

void progress_bar::draw() {
    shown_ = true;
    write_to_stderr(wipe + cut_to_width(progress_line(at_, std::chrono::duration_cast<std::chrono::seconds>(clock::now() - begin_))));
}

bool stderr_shows_bars() {
    const char* kind = std::getenv("TERM");
    return isatty(STDERR_FILENO) != 0 && (kind == nullptr || kind != std::string_view{"dumb"});
}

std::string progress_line(const sync_progress& at, std::chrono::seconds passed) {
    constexpr std::size_t width = 20;
    const std::size_t sent = std::min(at.sent, at.to_send);
    const std::string time = passed.count() == 0 ? "" : ", " + counted(static_cast<std::size_t>(passed.count()), "second");
    if (sent == at.to_send || at.received > 0) return "receiving, " + counted(at.received, "task") + " so far" + time;
    const std::size_t full = width * sent / at.to_send;
    return "sending [" + std::string(full, '#') + std::string(width - full, '.') + "] " + std::to_string(sent) + " of " + std::to_string(at.to_send) + time;
}
