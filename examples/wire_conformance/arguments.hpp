#ifndef SYNCLINE_EXAMPLES_WIRE_CONFORMANCE_ARGUMENTS_HPP
#define SYNCLINE_EXAMPLES_WIRE_CONFORMANCE_ARGUMENTS_HPP

// What was asked for on the command line.

#include <syncline/testing/wire/subject.hpp>

#include <cstdint>
#include <optional>
#include <string>

struct arguments {
    bool bundle = false;  ///< the bundle wire; else the mutation wire
    std::string url;
    bool plaintext = false;  ///< tokens may travel in the open
    std::optional<std::uint64_t> seed;
    syncline::testing::wire_subject subject;  ///< but for the time
};

/// Either what was asked for, or an end: help that was wanted, or a use that is wrong.
struct command_line {
    arguments asked;
    std::optional<std::string> help;     ///< to be printed, and done
    std::optional<std::string> mistake;  ///< what is wrong with the command
};

[[nodiscard]] command_line read_command_line(int argc, const char* const* argv);

#endif
