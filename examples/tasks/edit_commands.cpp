// tasks add, edit, done, rm, list: the app's own commands. They read and write its table, and know nothing of sync.

#include "commands.hpp"
#include "printable.hpp"
#include "task_json.hpp"
#include "task_list.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

// `[x] 3f9k2m1q8abc  Paint the door  (due 2025-12-31, priority 2)`
std::string line_of(const task& t) {
    std::string out = std::string{t.done ? "[x] " : "[ ] "} + one_line(t.id) + "  " + one_line(t.title);
    std::string more;
    const auto say = [&more](const std::string& what) { more += (more.empty() ? "" : ", ") + what; };
    if (t.due) say("due " + one_line(*t.due));
    if (t.priority != 0) say("priority " + std::to_string(t.priority));
    if (t.note) say("note: " + one_line(*t.note));
    return out + (more.empty() ? "" : "  (" + more + ")") + "\n";
}

// Those that @p ids name, each once; all of them are there, or none is touched.
std::vector<task> named(task_list& list, const std::vector<std::string>& ids) {
    std::vector<task> out;
    for (const auto& id : ids) {
        const task t = list.named(id);
        if (std::find(out.begin(), out.end(), t) == out.end()) out.push_back(t);
    }
    return out;
}

answer about(const std::string& what, std::vector<task> tasks) {
    answer out;
    for (const auto& t : tasks) out.text += what + line_of(t);
    out.members = [tasks = std::move(tasks)](syncline::json_writer& w) { write_tasks(w, tasks); };
    return out;
}

}  // namespace

answer add_task(const arguments& a) {
    task_list list{a.database, true};
    task fresh;
    fresh.id = a.ids.empty() ? new_task_id() : a.ids.front();
    fresh = a.fields.applied_to(fresh);
    sql_transaction together{list.file()};
    if (list.find(fresh.id))
        throw failure{exit_code::waits, "id_taken", "there is a task " + fresh.id + " already; change it with `tasks edit`, or leave --id out"};
    list.add(fresh);
    together.commit();
    return about("added ", {fresh});
}

answer edit_task(const arguments& a) {
    task_list list{a.database, false};
    sql_transaction together{list.file()};
    const task before = list.named(a.ids.front());
    list.change(before, a.fields);
    together.commit();
    return about("changed ", {a.fields.applied_to(before)});
}

answer finish_tasks(const arguments& a) {
    task_list list{a.database, false};
    task_edit finish;
    finish.done = !a.undo;
    sql_transaction together{list.file()};
    std::vector<task> changed;
    for (const auto& before : named(list, a.ids)) {
        list.change(before, finish);
        changed.push_back(finish.applied_to(before));
    }
    together.commit();
    return about("", std::move(changed));
}

answer remove_tasks(const arguments& a) {
    task_list list{a.database, false};
    sql_transaction together{list.file()};
    auto gone = named(list, a.ids);
    for (const auto& t : gone) list.remove(t.id);
    together.commit();
    return about("removed ", std::move(gone));
}

answer list_tasks(const arguments& a) {
    task_list list{a.database, false};
    auto tasks = list.all(a.show_all);
    auto out = about("", std::move(tasks));
    if (out.text.empty()) out.text = a.show_all ? "no tasks\n" : "no open tasks\n";
    return out;
}
