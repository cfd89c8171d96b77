#ifndef SYNCLINE_EXAMPLES_SERVER_ARGUMENTS_HPP
#define SYNCLINE_EXAMPLES_SERVER_ARGUMENTS_HPP

// What was asked for on the command line.

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

struct arguments {
    std::string file;         ///< the configuration; empty: flags say it all
    bool check = false;       ///< look whether it could be served, and end
    bool print_config = false;  ///< show the configuration in full, and end
    bool restored = false;    ///< the database was put back from a backup

    /// Changes @p document as the flags say.
    void apply_to(nlohmann::json& document) const;

    // As they stand on the command line; what is not there changes nothing.
    nlohmann::json members = nlohmann::json::object();  ///< of the document, by path: {"listen.port": 8080}
    std::optional<std::vector<std::string>> tables;      ///< NAME[,key=COLUMN][,owner=COLUMN]
    std::optional<std::vector<std::string>> wires;
};

/// Either what was asked for, or an end: help that was wanted, or a use that is wrong.
struct command_line {
    arguments asked;
    std::optional<std::string> help;     ///< to be printed, and done
    std::optional<std::string> mistake;  ///< what is wrong with the command
};

[[nodiscard]] command_line read_command_line(int argc, const char* const* argv);

#endif
