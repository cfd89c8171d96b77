#include "standard_streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace {

std::optional<std::string> write_all(int to, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(to, text.data(), text.size());
        if (n >= 0) {
            text.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            pollfd ready{to, POLLOUT, 0};  // a pipe that somebody else made non-blocking
            static_cast<void>(::poll(&ready, 1, -1));
        } else if (errno != EINTR) {
            return std::generic_category().message(errno);
        }
    }
    return std::nullopt;
}

}  // namespace

void prepare_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
        // The lowest free number is this one. Opened the wrong way round, so that using it fails.
        static_cast<void>(::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
    std::signal(SIGPIPE, SIG_IGN);
}

std::optional<std::string> write_to_stdout(std::string_view text) { return write_all(STDOUT_FILENO, text); }

void write_to_stderr(std::string_view text) { static_cast<void>(write_all(STDERR_FILENO, text)); }
