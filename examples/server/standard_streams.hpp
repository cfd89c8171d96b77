#ifndef SYNCLINE_EXAMPLES_SERVER_STANDARD_STREAMS_HPP
#define SYNCLINE_EXAMPLES_SERVER_STANDARD_STREAMS_HPP

// The standard streams as a script may have left them: closed, a pipe that nobody reads, a disk that is full.

#include <optional>
#include <string>
#include <string_view>

/// Makes the streams fit to be used, as the first thing that the program does. One that is closed fails from now on: otherwise the next
/// file or socket that is opened would get its number, and what is said would be written there. A pipe without a reader fails, too,
/// instead of ending the program.
void prepare_standard_streams();

/// Writes @p text to stdout, all of it.
/// @return why not, where it could not be written; a part of it may have been
[[nodiscard]] std::optional<std::string> write_to_stdout(std::string_view text);

/// Writes @p text to stderr. Where that fails there is nobody left to tell.
void write_to_stderr(std::string_view text);

#endif
