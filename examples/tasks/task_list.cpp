#include "task_list.hpp"

#include <random>

namespace {

constexpr const char* columns = "SELECT id, title, done, priority, due, note FROM task ";

task read(const sql_statement& s) {
    return {s.text(0), s.text(1), s.integer(2) != 0, s.integer(3), s.text_or_null(4), s.text_or_null(5)};
}

void check(const task& t) {
    if (const auto wrong = problem_with(t))
        throw failure{exit_code::wrong_use, "bad_task", wrong->text + " (field " + wrong->field + ")"};
}

// What is empty is taken away.
std::optional<std::string> filled(const std::string& text) { return text.empty() ? std::nullopt : std::optional{text}; }

}  // namespace

task task_edit::applied_to(task t) const {
    if (title) t.title = *title;
    if (done) t.done = *done;
    if (priority) t.priority = *priority;
    if (due) t.due = filled(*due);
    if (note) t.note = filled(*note);
    return t;
}

task_list::task_list(const std::string& path, bool make) : file_(path, make) {
    if (make) file_.execute(task_table);
    auto known = file_.prepare("SELECT count(*) FROM pragma_table_info('task') WHERE name IN ('id', 'title', 'done', 'priority', 'due', 'note')");
    if (!known.step() || known.integer(0) != 6)
        throw failure{exit_code::wrong_use, "not_a_list", "the database " + path + " has no table `task` as this program makes it; name another file"};
}

std::optional<task> task_list::find(const std::string& id) {
    auto s = file_.prepare(std::string{columns} + "WHERE id = ?1");
    if (!s.bind(1, id).step()) return std::nullopt;
    return read(s);
}

task task_list::named(const std::string& id) {
    if (auto exact = find(id)) return *exact;
    auto s = file_.prepare(std::string{columns} + "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2");
    if (id.empty() || !s.bind(1, id).step())
        throw failure{exit_code::waits, "no_such_task", "there is no task " + id + " in this list; `tasks list --all` shows all with their ids"};
    task first = read(s);
    if (s.step())
        throw failure{exit_code::waits, "ambiguous_id", "several tasks begin with " + id + ", such as " + first.id + " and " + s.text(0) + "; write more of it"};
    return first;
}

std::vector<task> task_list::all(bool done_too) {
    auto s = file_.prepare(std::string{columns} + (done_too ? "" : "WHERE done = 0 ") + "ORDER BY done, due IS NULL, due, priority DESC, title, id");
    std::vector<task> out;
    while (s.step()) out.push_back(read(s));
    return out;
}

// [app]
void task_list::add(const task& t) {
    check(t);
    file_.prepare("INSERT INTO task(id, title, done, priority, due, note) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(1, t.id).bind(2, t.title).bind(3, std::int64_t{t.done}).bind(4, t.priority).bind_optional(5, t.due).bind_optional(6, t.note).step();
}

void task_list::remove(const std::string& id) { file_.prepare("DELETE FROM task WHERE id = ?1").bind(1, id).step(); }
// [/app]

bool task_list::change(const task& from, const task_edit& edit) {
    const task to = edit.applied_to(from);
    check(to);
    const auto set = [&](const char* column) {
        return file_.prepare(std::string{"UPDATE task SET "} + column + " = ?2 WHERE id = ?1");
    };
    if (to.title != from.title) set("title").bind(1, to.id).bind(2, to.title).step();
    if (to.done != from.done) set("done").bind(1, to.id).bind(2, std::int64_t{to.done}).step();
    if (to.priority != from.priority) set("priority").bind(1, to.id).bind(2, to.priority).step();
    if (to.due != from.due) set("due").bind(1, to.id).bind_optional(2, to.due).step();
    if (to.note != from.note) set("note").bind(1, to.id).bind_optional(2, to.note).step();
    return !(to == from);
}

std::string new_task_id() {
    // Without letters and digits that look alike. 12 of them are 60 random bits.
    constexpr std::string_view letters = "0123456789abcdefghjkmnpqrstvwxyz";
    std::random_device random;
    std::string id;
    for (int i = 0; i < 12; ++i) id += letters[random() % letters.size()];
    return id;
}
