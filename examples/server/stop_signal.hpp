#ifndef SYNCLINE_EXAMPLES_SERVER_STOP_SIGNAL_HPP
#define SYNCLINE_EXAMPLES_SERVER_STOP_SIGNAL_HPP

#include <csignal>

#include <functional>

/// SIGTERM and SIGINT as a wish to stop.
class stop_signal {
public:
    /// From now on they wait for `wait`. To be made before any other thread, which inherits what is blocked.
    stop_signal();

    /// Waits for one of them, and looks every second whether @p goes_on. From then on they end the process at once: whoever sends a second one means it.
    /// @return the signal; 0 where it does not go on
    [[nodiscard]] int wait(const std::function<bool()>& goes_on);

private:
    sigset_t signals_{};
};

#endif
