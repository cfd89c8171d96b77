#include "stop_request.hpp"

#include <pthread.h>

#include <utility>

stop_request::stop_request() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    listener_ = std::thread{[this] { listen(); }};
}

stop_request::~stop_request() {
    {
        const std::lock_guard lock{mutex_};
        over_ = true;
    }
    pthread_kill(listener_.native_handle(), SIGTERM);
    listener_.join();
}

void stop_request::listen() {
    while (true) {
        int which = 0;
        sigwait(&signals_, &which);
        const std::lock_guard lock{mutex_};
        if (over_) return;
        requested_ = true;
        changed_.notify_all();
        if (what_) what_();
    }
}

void stop_request::on_request(std::function<void()> what) {
    const std::lock_guard lock{mutex_};
    what_ = std::move(what);
    if (requested_ && what_) what_();
}

bool stop_request::requested() const {
    const std::lock_guard lock{mutex_};
    return requested_;
}

void stop_request::wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return requested_; });
}

bool stop_request::wait_until(std::chrono::system_clock::time_point t) {
    std::unique_lock lock{mutex_};
    return changed_.wait_until(lock, t, [this] { return requested_; });
}
