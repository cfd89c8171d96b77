#ifndef SYNCLINE_EXAMPLES_TASKS_TASK_LIST_HPP
#define SYNCLINE_EXAMPLES_TASKS_TASK_LIST_HPP

// The app: its table, written with plain SQL. Nothing here knows of any sync; Syncline's triggers notice what is done.

#include "sql.hpp"
#include "task.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Fields to be set; those without a value are left alone. An empty `due` or `note` takes it away.
struct task_edit {
    std::optional<std::string> title;
    std::optional<bool> done;
    std::optional<std::int64_t> priority;
    std::optional<std::string> due;
    std::optional<std::string> note;

    /// @p t with these fields set.
    [[nodiscard]] task applied_to(task t) const;
};

class task_list {
public:
    /// @param make  makes the file where there is none
    explicit task_list(const std::string& path, bool make);

    [[nodiscard]] sql_file& file() { return file_; }

    [[nodiscard]] std::optional<task> find(const std::string& id);
    /// The one task whose id is @p id or begins with it. Throws a `failure` when there is none, or several.
    [[nodiscard]] task named(const std::string& id);
    /// Those that are not done, or all: open ones first, then by date, priority and title.
    [[nodiscard]] std::vector<task> all(bool done_too);

    /// These three throw a `failure` for what breaks the app's rules (`problem_with`).
    void add(const task& t);
    /// Writes the fields that differ, and no others: two programs may change two fields at once.
    /// @return whether any did
    bool change(const task& from, const task_edit& edit);
    void remove(const std::string& id);

private:
    sql_file file_;
};

/// A new random id, short enough to type.
std::string new_task_id();

#endif
