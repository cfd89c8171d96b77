#ifndef SYNCLINE_EXAMPLES_TASKS_TASK_JSON_HPP
#define SYNCLINE_EXAMPLES_TASKS_TASK_JSON_HPP

// Tasks as JSON: `{"id":..,"title":..,"done":..,"priority":..,"due":..,"note":..}`.

#include "task_list.hpp"

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_writer.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

void write_task(syncline::json_writer& w, const task& t);
void write_tasks(syncline::json_writer& w, const std::vector<task>& tasks);

/// The member @p name: a task as Syncline keeps it, as an object of its fields; nothing: null.
void write_row(syncline::json_writer& w, std::string_view name, const syncline::model_schema& schema, const std::optional<syncline::record>& row);

/// A task in a file that is imported.
struct imported_task {
    std::string id;  ///< empty: none is given
    task_edit fields;
};

/// Reads one.
/// @param where  names it in messages, such as `item 3 of list.json (line 7)`
imported_task read_imported_task(std::string_view json, const std::string& where);

#endif
