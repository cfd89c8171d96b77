#ifndef SYNCLINE_EXAMPLES_TASKS_COMMANDS_HPP
#define SYNCLINE_EXAMPLES_TASKS_COMMANDS_HPP

// One function for each command. All throw a `failure` when they cannot go on.

#include "answer.hpp"
#include "arguments.hpp"

#include <syncline/wire/client_step.hpp>

// edit_commands.cpp: the app
answer add_task(const arguments& a);
answer edit_task(const arguments& a);
answer finish_tasks(const arguments& a);
answer remove_tasks(const arguments& a);
answer list_tasks(const arguments& a);

// import_command.cpp
answer import_tasks(const arguments& a);

// sync_command.cpp
answer sync_once(const arguments& a, syncline::sync_mode mode);
answer sync_repeatedly(const arguments& a);

// waiting_commands.cpp
answer show_status(const arguments& a);
answer show_conflicts(const arguments& a);
answer resolve_conflict(const arguments& a);

// serve_command.cpp
answer serve(const arguments& a);

#endif
