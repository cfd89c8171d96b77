// A task list that works without a network: the device's side and the server's in one program. `tasks --help` says how.
//
// Where to begin reading: task.hpp (the model), task_list.cpp (an ordinary app over SQLite), device.cpp (what attaches it to a server),
// sync_command.cpp and waiting_commands.cpp (what it can do then), serve_command.cpp (the server).

#include "commands.hpp"
#include "../support/standard_streams.hpp"

#include <exception>
#include <functional>
#include <map>
#include <string>

namespace {

answer run(const arguments& a) {
    using syncline::sync_mode;
    const std::map<std::string, std::function<answer()>> commands{
        {"add", [&] { return add_task(a); }},
        {"edit", [&] { return edit_task(a); }},
        {"done", [&] { return finish_tasks(a); }},
        {"rm", [&] { return remove_tasks(a); }},
        {"list", [&] { return list_tasks(a); }},
        {"import", [&] { return import_tasks(a); }},
        {"sync", [&] { return a.every ? sync_repeatedly(a) : sync_once(a, sync_mode::push_then_pull); }},
        {"push", [&] { return sync_once(a, sync_mode::push_only); }},
        {"pull", [&] { return sync_once(a, sync_mode::pull_only); }},
        {"status", [&] { return show_status(a); }},
        {"conflicts", [&] { return show_conflicts(a); }},
        {"resolve", [&] { return resolve_conflict(a); }},
        {"serve", [&] { return serve(a); }},
    };
    return commands.at(a.command)();
}

answer failed(problem why) {
    answer out;
    out.code = why.code;
    out.error = std::move(why);
    return out;
}

answer run_guarded(const arguments& a) {
    try {
        return run(a);
    } catch (const failure& x) {
        return failed(x.why());
    } catch (const std::exception& x) {
        return failed({exit_code::broken, "internal", std::string{x.what()} + "; please report this"});
    }
}

}  // namespace

int main(int argc, char** argv) {
    prepare_standard_streams();
    const auto line = read_command_line(argc, argv);
    const auto& a = line.asked;
    if (line.help) {
        answer help;
        help.text = *line.help;
        return print(help, a.command, false);
    }
    if (line.mistake) return print(failed({exit_code::wrong_use, "wrong_use", *line.mistake}), a.command, a.json);
    const answer given = run_guarded(a);
    return given.said ? static_cast<int>(given.code) : print(given, a.command, a.json);
}
