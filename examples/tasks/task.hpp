#ifndef SYNCLINE_EXAMPLES_TASKS_TASK_HPP
#define SYNCLINE_EXAMPLES_TASKS_TASK_HPP

// A task as the app knows it, described once so that Syncline knows it too, and the app's rules for one.

#include <syncline/model/model_traits.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

// [model]
struct task {
    std::string id;
    std::string title;
    bool done = false;
    std::int64_t priority = 0;       // 0 to 3
    std::optional<std::string> due;  // 2025-12-31
    std::optional<std::string> note;

    friend bool operator==(const task&, const task&) = default;

    struct syncline_model {
        static constexpr auto name() { return "task"; }
        static constexpr auto key() { return syncline::key_field<"id", &task::id>(); }
        static constexpr auto fields() {
            using syncline::field;
            return std::tuple{field<"title", &task::title>(), field<"done", &task::done>(), field<"priority", &task::priority>(),
                              field<"due", &task::due>(), field<"note", &task::note>()};
        }
    };
};

/// The app's own table, the same on devices and on the server.
inline constexpr const char* task_table =
    "CREATE TABLE IF NOT EXISTS task(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, done BOOLEAN NOT NULL DEFAULT 0, "
    "priority INTEGER NOT NULL DEFAULT 0, due TEXT, note TEXT)";
// [/model]

/// What is wrong with a task.
struct task_problem {
    std::string field;
    std::string text;
};

/// The rules that device and server share. Nothing: the task is fine.
std::optional<task_problem> problem_with(const task& t);

#endif
