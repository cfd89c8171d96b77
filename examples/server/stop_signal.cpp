#include "stop_signal.hpp"

#include <pthread.h>

#include <ctime>

stop_signal::stop_signal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

int stop_signal::wait(const std::function<bool()>& goes_on) {
    const timespec second{1, 0};
    while (goes_on()) {
        const int which = sigtimedwait(&signals_, nullptr, &second);
        if (which <= 0) continue;
        pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
        return which;
    }
    return 0;
}
