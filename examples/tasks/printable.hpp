#ifndef SYNCLINE_EXAMPLES_TASKS_PRINTABLE_HPP
#define SYNCLINE_EXAMPLES_TASKS_PRINTABLE_HPP

// Text that others wrote, made fit for a terminal: it can neither move the cursor nor change what is read.

#include <string>
#include <string_view>

/// @p text on one line: what would control a terminal or turn the direction of reading, line breaks among it, is written out
/// (`\x1b`, `\n`, `\u202e`), and so are octets that are no UTF-8.
std::string one_line(std::string_view text);

/// The same with its line breaks.
std::string printable(std::string_view text);

#endif
