#ifndef SYNCLINE_EXAMPLES_SUPPORT_STANDARD_STREAMS_HPP
#define SYNCLINE_EXAMPLES_SUPPORT_STANDARD_STREAMS_HPP

// The standard streams as a script may have left them: closed, a pipe that nobody reads, a disk that is full.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/// Makes the streams fit to be used, as the first thing that the program does. One that is closed fails from now on: otherwise the next
/// file or socket that is opened would get its number, and what is said would be written there. A pipe without a reader fails, too,
/// instead of ending the program.
inline void prepare_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
        // The lowest free number is this one. Opened the wrong way round, so that using it fails.
        static_cast<void>(::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
    std::signal(SIGPIPE, SIG_IGN);
}

/// Writes @p text to the descriptor @p to, all of it.
/// @return why not, where it could not be written; a part of it may have been
[[nodiscard]] inline std::optional<std::string> write_all(int to, std::string_view text) {
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

/// Writes @p text to stdout; as `write_all`.
[[nodiscard]] inline std::optional<std::string> write_to_stdout(std::string_view text) { return write_all(STDOUT_FILENO, text); }

/// Writes @p text to stderr. Where that fails there is nobody left to tell.
inline void write_to_stderr(std::string_view text) { static_cast<void>(write_all(STDERR_FILENO, text)); }

#endif
