#ifndef SYNCLINE_EXAMPLES_TASKS_ARGUMENTS_HPP
#define SYNCLINE_EXAMPLES_TASKS_ARGUMENTS_HPP

// What was asked for on the command line.

#include "task_list.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

enum class conflict_rule { ask, server, client, latest };
enum class wire_kind { mutation, bundle };
enum class resolve_action { take_server, take_client, merged, retry, discard };
enum class progress_display { automatic, always, never };

struct arguments {
    std::string command;
    bool json = false;
    std::string database = "tasks.db";

    // add, edit, done, rm, resolve
    std::vector<std::string> ids;
    task_edit fields;
    bool show_all = false;
    bool undo = false;

    // import
    std::string file;

    // sync, push, pull
    std::string server;
    std::string token;
    std::optional<wire_kind> wire;  // nothing: the one that the list has synced by, or else the mutation wire
    bool decides_itself = false;    // --on-conflict was given to a device
    std::optional<std::chrono::seconds> every;
    progress_display progress = progress_display::automatic;
    int progress_after = 1;  // seconds

    // resolve
    resolve_action action = resolve_action::take_server;
    std::vector<std::pair<std::string, std::string>> merged;  // field and text
    std::optional<std::int64_t> seen;                          // the server's version that was looked at

    // serve
    int port = 0;
    std::vector<std::pair<std::string, std::string>> users;  // name and token
    bool allow_anonymous = false;
    bool restored = false;
    bool mutation_too = true;  // the wires that are mounted
    bool bundle_too = true;
    conflict_rule on_conflict = conflict_rule::ask;  // of a device, too, that syncs by the bundle wire
};

/// Either what was asked for, or an end: help that was wanted, or a use that is wrong.
struct command_line {
    arguments asked;
    std::optional<std::string> help;     ///< to be printed, and done
    std::optional<std::string> mistake;  ///< what is wrong with the command
};

/// Reads the command line and the variables TASKS_DB, TASKS_SERVER, TASKS_TOKEN and TASKS_WIRE.
command_line read_command_line(int argc, const char* const* argv);

#endif
