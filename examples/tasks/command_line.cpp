#include "arguments.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>

namespace {

constexpr const char* promises = R"(
Every command takes --json: one JSON document on stdout, {"command", "exit", "error", ...}, whatever happens.

Exit codes:
  0  fine
  1  something was refused, or a change or a row waits for a person (see `tasks conflicts`)
  2  wrong use: the command, or a file that it was given
  3  the server cannot be reached, or something is busy: try again; nothing is lost
  4  damaged data, or a mistake of this program
  5  the answer could not be written to stdout; what became of the command stands on stderr
)";

constexpr const char* first_steps = R"(
Variables: TASKS_DB for --db, TASKS_SERVER for --server, TASKS_TOKEN for --token, TASKS_WIRE for --wire.

A first try:
  tasks serve server.db --user ann=secret        (prints the URL)
  tasks add "Paint the door" --due 2025-12-31
  TASKS_TOKEN=secret tasks sync --server http://127.0.0.1:PORT
)";

// `name=value`.
std::pair<std::string, std::string> pair_of(const std::string& text, const std::string& form) {
    const auto at = text.find('=');
    if (at == std::string::npos || at == 0) throw CLI::ValidationError(text, "is not of the form " + form);
    return {text.substr(0, at), text.substr(at + 1)};
}

// `90s`, `5m`, `2h`.
std::chrono::seconds duration_of(const std::string& text) {
    const std::map<char, int> units{{'s', 1}, {'m', 60}, {'h', 3600}};
    const bool numbered = text.size() >= 2 && text.size() <= 7 && text.find_first_not_of("0123456789") == text.size() - 1;
    const auto unit = units.find(text.empty() ? ' ' : text.back());
    if (!numbered || unit == units.end() || std::stoi(text) == 0)
        throw CLI::ValidationError("--every", "takes a time like 90s, 5m or 2h, not " + text);
    return std::chrono::seconds{std::stoi(text) * unit->second};
}

std::string token_in(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    const bool read = file && std::getline(file, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();  // of an editor on Windows
    if (!read || line.empty())
        throw CLI::ValidationError("--token-file", "no token can be read from the first line of " + path + "; is it there, and may you read it?");
    return line;
}

// What stands on the command line as text, before it is made into `arguments`.
struct raw_arguments {
    std::string id, title, due, note, every, token_file;
    std::int64_t priority = 0;
    std::int64_t seen = 0;
    std::string take, wire;
    bool retry = false;
    bool discard = false;
    std::vector<std::string> merged, users;
};

void add_fields(CLI::App& command, raw_arguments& raw) {
    command.add_option("--priority", raw.priority, "0 (none) to 3 (most urgent)");
    command.add_option("--due", raw.due, "A date like 2025-12-31; empty: none");
    command.add_option("--note", raw.note, "More words; empty: none");
}

CLI::Option* add_conflict_rule(CLI::App& command, arguments& a, const std::string& help) {
    return command.add_option("--on-conflict", a.on_conflict, help)
        ->transform(CLI::CheckedTransformer(std::map<std::string, conflict_rule>{{"ask", conflict_rule::ask},
                                                                                {"server", conflict_rule::server},
                                                                                {"client", conflict_rule::client},
                                                                                {"latest", conflict_rule::latest}}))
        ->option_text("ask|server|client|latest");
}

void add_server(CLI::App& command, arguments& a, raw_arguments& raw) {
    command.add_option("--server", a.server, "The server's URL")->envname("TASKS_SERVER");
    command.add_option("--token", a.token, "The token that the server knows you by; others can see it in the list of processes")
        ->envname("TASKS_TOKEN");
    command.add_option("--token-file", raw.token_file, "A file with the token in its first line; it goes before --token");
    command.add_option("--wire", raw.wire, "How it talks to the server: mutation, as Laravel Tether does, or bundle, as go-oversync does (default: as this list did before, or mutation)")
        ->envname("TASKS_WIRE")
        ->check(CLI::IsMember({"mutation", "bundle"}))
        ->option_text("mutation|bundle");
    add_conflict_rule(command, a, "With bundle, where this device decides: what becomes of a field that another changed too: ask, server, client, latest");
    command.add_option("--progress", a.progress, "A progress bar on stderr: auto (on a terminal, without --json), always, never")
        ->transform(CLI::CheckedTransformer(std::map<std::string, progress_display>{
            {"auto", progress_display::automatic}, {"always", progress_display::always}, {"never", progress_display::never}}))
        ->option_text("auto|always|never");
    command.add_option("--progress-after", a.progress_after, "It comes when a sync takes longer than so many seconds (default: 1)")
        ->check(CLI::Range(0, 86400));
}

void add_app_commands(CLI::App& app, arguments& a, raw_arguments& raw) {
    auto* add = app.add_subcommand("add", "Add a task");
    add->add_option("title", raw.title, "What is to be done; after -- where it begins with -")->required();
    add->add_option("--id", raw.id, "An id of your own; otherwise a random one");
    add_fields(*add, raw);
    auto* edit = app.add_subcommand("edit", "Change fields of a task");
    edit->add_option("id", raw.id, "Its id, or the beginning of it")->required();
    edit->add_option("--title", raw.title, "What is to be done");
    add_fields(*edit, raw);
    auto* done = app.add_subcommand("done", "Tick tasks off");
    done->add_option("id", a.ids, "Their ids")->required();
    done->add_flag("--undo", a.undo, "Open them again");
    auto* rm = app.add_subcommand("rm", "Delete tasks");
    rm->add_option("id", a.ids, "Their ids")->required();
    auto* list = app.add_subcommand("list", "Show the open tasks");
    list->add_flag("--all", a.show_all, "Those that are done, too");
    auto* import = app.add_subcommand("import", "Add or change tasks from a file: all of them, or none");
    import->add_option("file", a.file, "A JSON array or JSON lines of tasks {\"title\", \"id\", \"done\", \"priority\", \"due\", \"note\"}; - is stdin")
        ->required();
}

void add_sync_commands(CLI::App& app, arguments& a, raw_arguments& raw) {
    auto* sync = app.add_subcommand("sync", "Send what waits, then take in what is new");
    add_server(*sync, a, raw);
    sync->add_option("--every", raw.every, "Until stopped, sync whenever the last sync is this old (90s, 5m, 2h), and soon after each change; a line on stderr for each");
    add_server(*app.add_subcommand("push", "Only send"), a, raw);
    add_server(*app.add_subcommand("pull", "Only take in"), a, raw);
    app.add_subcommand("status", "What lies where: the queue, the last sync, who syncs just now");
    app.add_subcommand("conflicts", "The changes that wait for you, why, and what stands against what");
    auto* resolve = app.add_subcommand("resolve", "Decide about a change that waits; the next sync sends it");
    resolve->add_option("id", raw.id, "The task's id, or the beginning of it")->required();
    auto* take = resolve->add_option("--take", raw.take, "server: its row stands; client: yours does; merged: fields as you name them, the others as you wrote them")
                     ->check(CLI::IsMember({"server", "client", "merged"}))
                     ->option_text("server|client|merged");
    auto* retry = resolve->add_flag("--retry", raw.retry, "Send it again as it is")->excludes(take);
    resolve->add_flag("--discard", raw.discard, "Give it up")->excludes(take)->excludes(retry);
    resolve->add_option("--seen", raw.seen, "With merged: refuse if the server's version (`conflicts --json`) is another by now");
    resolve->add_option("field", raw.merged, "With merged: field=value");
}

void add_serve_command(CLI::App& app, arguments& a, raw_arguments& raw) {
    auto* serve = app.add_subcommand("serve", "Run a server on this machine, until SIGTERM or Ctrl-C");
    serve->add_option("file", a.file, "The server's SQLite file; made if there is none")->required();
    serve->add_option("--port", a.port, "A port; otherwise a free one")->check(CLI::Range(1, 65535));
    auto* user = serve->add_option("--user", raw.users, "NAME=TOKEN, one for each user; all share the list")->allow_extra_args(false);
    serve->add_flag("--restored", a.restored, "Once, after the file was put back from a backup: devices are told, and nothing is mixed up");
    serve->add_flag("--allow-anonymous", a.allow_anonymous, "Let everybody in who reaches the port")->excludes(user);
    add_conflict_rule(*serve, a, "Where two changed the same field, on the mutation wire: ask (the later one to sync decides), server, client, latest");
    serve->add_option("--wire", raw.wire, "The wires that it speaks: both, mutation, bundle (default: both)")
        ->check(CLI::IsMember({"both", "mutation", "bundle"}))
        ->option_text("both|mutation|bundle");
}

// CLI11 knows commands as subcommands, and names none that it does not know.
std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& x) {
    if (x.get_name() != "RequiredError" || !app.get_subcommands().empty()) return x.what();
    const auto unknown = app.remaining();
    return unknown.empty() ? "name a command, such as add, list or sync" : "there is no command `" + unknown.front() + "`";
}

// What CLI11 cannot say by itself.
void finish(const CLI::App& command, arguments& a, const raw_arguments& raw) {
    const auto given = [&command](const char* name) {
        const auto* option = command.get_option_no_throw(name);
        return option != nullptr && option->count() > 0;
    };
    if (given("id") && a.ids.empty()) a.ids.push_back(raw.id);
    if (given("--id")) a.ids.push_back(raw.id);
    if (given("title") || given("--title")) a.fields.title = raw.title;
    if (given("--priority")) a.fields.priority = raw.priority;
    if (given("--due")) a.fields.due = raw.due;
    if (given("--note")) a.fields.note = raw.note;
    // Three commands take these, and a variable fills them in for the two that were not asked for, after what was said to the third.
    if (given("--server")) a.server = command.get_option("--server")->as<std::string>();
    if (given("--token")) a.token = command.get_option("--token")->as<std::string>();
    if (command.get_option_no_throw("--wire") != nullptr) {
        const auto wire = command.get_option("--wire")->count() > 0 ? command.get_option("--wire")->as<std::string>() : std::string{};
        if (wire == "mutation") a.wire = wire_kind::mutation;
        if (wire == "bundle") a.wire = wire_kind::bundle;
        a.mutation_too = wire != "bundle";
        a.bundle_too = wire != "mutation";
    }
    a.decides_itself = a.command != "serve" && given("--on-conflict");
    if (given("--every")) a.every = duration_of(raw.every);
    if (given("--token-file")) a.token = token_in(raw.token_file);
    if (given("--seen")) a.seen = raw.seen;
    for (const auto& text : raw.merged) a.merged.push_back(pair_of(text, "field=value"));
    for (const auto& text : raw.users) a.users.push_back(pair_of(text, "NAME=TOKEN"));
    if (std::find(a.ids.begin(), a.ids.end(), "") != a.ids.end()) throw CLI::ValidationError("id", "must not be empty; `tasks list --all` shows all");
    if (command.get_option_no_throw("--server") != nullptr && a.server.empty())
        throw CLI::ValidationError("--server", "is missing: name the server's URL with it or with TASKS_SERVER, or start one with `tasks serve`");
    if (a.every && (given("--progress") || given("--progress-after")))
        throw CLI::ValidationError("--every", "says a line for each sync and has no bar; leave --progress and --progress-after out");
    if (a.json && a.progress == progress_display::always)
        throw CLI::ValidationError("--progress", "always draws a bar between what --json says; take one of them");
    if (a.command == "edit" && !given("--title") && !given("--priority") && !given("--due") && !given("--note"))
        throw CLI::ValidationError("edit", "names nothing to change; give --title, --priority, --due or --note");
    if (a.command == "resolve") {
        if (!given("--take") && !raw.retry && !raw.discard) throw CLI::ValidationError("resolve", "needs --take server|client|merged, --retry or --discard");
        if ((raw.take == "merged") == a.merged.empty())
            throw CLI::ValidationError("resolve", "--take merged needs fields as field=value, and nothing else takes them");
        a.action = raw.retry              ? resolve_action::retry
                   : raw.discard          ? resolve_action::discard
                   : raw.take == "client" ? resolve_action::take_client
                   : raw.take == "merged" ? resolve_action::merged
                                          : resolve_action::take_server;
    }
    if (a.command == "serve" && a.users.empty() && !a.allow_anonymous)
        throw CLI::ValidationError("serve", "lets nobody in; give --user NAME=TOKEN, or --allow-anonymous if you mean it");
}

}  // namespace

command_line read_command_line(int argc, const char* const* argv) {
    command_line out;
    arguments& a = out.asked;
    raw_arguments raw;
    CLI::App app{"A task list that works without a network, and syncs."};
    app.name("tasks");
    app.footer(promises);  // of each command, too
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--db", a.database, "This device's list, an SQLite file (default: tasks.db)")->envname("TASKS_DB");
    app.add_flag("--json", a.json, "Answer with one JSON document");
    add_app_commands(app, a, raw);
    add_sync_commands(app, a, raw);
    add_serve_command(app, a, raw);
    app.footer(std::string{promises} + first_steps);
    try {
        app.parse(argc, argv);
        const auto* command = app.get_subcommands().front();
        a.command = command->get_name();
        finish(*command, a, raw);
    } catch (const CLI::CallForHelp&) {
        const auto asked = app.get_subcommands();
        out.help = asked.empty() ? app.help() : asked.front()->help("tasks");
    } catch (const CLI::ParseError& x) {
        const auto asked = app.get_subcommands();
        if (!asked.empty()) a.command = asked.front()->get_name();
        // It may not have come as far as the flag.
        a.json = a.json || std::any_of(argv, argv + argc, [](std::string_view word) { return word == "--json"; });
        out.mistake = what_is_wrong(app, x) + "; see `tasks " + (a.command.empty() ? "" : a.command + " ") + "--help`";
    }
    return out;
}
