#ifndef SYNCLINE_ADAPTERS_HTTPLIB_STREAM_WAKER_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_STREAM_WAKER_HPP

#include <syncline/support/version.hpp>

#include <atomic>
#include <cerrno>

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

SYNCLINE_NAMESPACE_BEGIN

/// Wakes a thread that waits for a socket: a descriptor that becomes readable. Where sockets cannot be waited for together with anything else
/// (Windows) it is only a flag, at which the thread looks now and then.
class stream_waker {
public:
    stream_waker() {
#if !defined(_WIN32)
        if (::pipe(ends_) != 0) {
            ends_[0] = ends_[1] = -1;
            return;
        }
        for (const int end : ends_) {
            ::fcntl(end, F_SETFL, O_NONBLOCK);
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
        }
#endif
    }
    stream_waker(const stream_waker&) = delete;
    stream_waker& operator=(const stream_waker&) = delete;
    ~stream_waker() {
#if !defined(_WIN32)
        for (const int end : ends_)
            if (end >= 0) ::close(end);
#endif
    }

    /// Whether the system had a descriptor to spare.
    [[nodiscard]] bool usable() const noexcept {
#if defined(_WIN32)
        return true;
#else
        return ends_[0] >= 0;
#endif
    }

    /// Wakes the thread, or lets its next wait end at once. From any thread; many are one.
    void wake() noexcept {
        if (woken_.exchange(true)) return;
#if !defined(_WIN32)
        const char byte = 0;
        // An empty pipe takes one byte.
        while (::write(ends_[1], &byte, 1) < 0 && errno == EINTR) {}
#endif
    }

    /// Whether it was woken since the last time it was asked. By the waiting thread.
    [[nodiscard]] bool take() noexcept {
#if !defined(_WIN32)
        // Before the flag: a wake-up that finds the flag set writes no byte and counts on being seen here. One that has set the flag and not
        // written its byte yet is seen too, and its byte is taken by a later call.
        char bytes[16];
        while (::read(ends_[0], bytes, sizeof bytes) > 0 || errno == EINTR) errno = 0;
#endif
        return woken_.exchange(false);
    }

    /// What becomes readable; not on Windows.
    [[nodiscard]] int descriptor() const noexcept { return ends_[0]; }

private:
    std::atomic<bool> woken_ = false;
    int ends_[2] = {-1, -1};
};

SYNCLINE_NAMESPACE_END

#endif
