#ifndef SYNCLINE_EXAMPLES_TASKS_TASK_JSON_HPP
#define SYNCLINE_EXAMPLES_TASKS_TASK_JSON_HPP

// Tasks as JSON: `{"id":..,"title":..,"done":..,"priority":..,"due":..,"note":..}`.

#include "task_list.hpp"

#include <syncline/support/json_writer.hpp>

#include <string>
#include <string_view>
#include <vector>

void write_task(syncline::json_writer& w, const task& t);
void write_tasks(syncline::json_writer& w, const std::vector<task>& tasks);

/// A task in a file that is imported.
struct imported_task {
    std::string id;  ///< empty: none is given
    task_edit fields;
};

/// Reads one.
/// @param where  names it in messages, such as `item 3 of list.json (line 7)`
imported_task read_imported_task(std::string_view json, const std::string& where);

#endif
