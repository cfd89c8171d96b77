#include "answer.hpp"

#include "printable.hpp"
#include "../support/standard_streams.hpp"

namespace {

std::string document_of(const answer& what, const std::string& command) {
    std::string out;
    syncline::json_writer w{out};
    w.begin_object();
    w.key("command");
    w.string(command);
    w.key("exit");
    w.integer(static_cast<int>(what.code));
    w.key("error");
    if (what.error) {
        w.begin_object();
        w.key("code");
        w.string(what.error->name);
        w.key("message");
        w.string(what.error->message);
        w.end_object();
    } else {
        w.null();
    }
    if (what.members) what.members(w);
    w.end_object();
    return out + "\n";
}

std::string what_to_do_when_broken(const syncline::fault& why) {
    return why.code == syncline::errc::corrupt ? std::string{"; "} + how_to_mend_a_list : "; please report this";
}

}  // namespace

void say_on_stderr(const std::string& command, const std::string& message) {
    write_to_stderr("tasks" + (command.empty() ? "" : " " + command) + ": " + one_line(message) + "\n");
}

int print(const answer& what, const std::string& command, bool as_json) {
    if (const auto why = write_to_stdout(as_json ? document_of(what, command) : printable(what.text))) {
        const auto code = std::to_string(static_cast<int>(what.code));
        say_on_stderr(command, "the answer cannot be written to the standard output: " + *why + "; the command itself " +
                              (what.error ? "failed (exit code " + code + "): " + what.error->message
                                          : "is done (exit code " + code + "): look before you repeat it"));
        return static_cast<int>(exit_code::unheard);
    }
    if (what.error && !as_json) say_on_stderr(command, what.error->message);
    return static_cast<int>(what.code);
}

problem problem_of(const syncline::fault& why) {
    using syncline::fault_category;
    problem out{exit_code::broken, std::string{name_of(why.code)}, why.detail};
    switch (category_of(why.code)) {
    case fault_category::retry:
        out.code = exit_code::try_later;
        out.message += "; nothing is lost, try again";
        break;
    case fault_category::fix_request: out.code = exit_code::wrong_use; break;
    case fault_category::ask_person: out.code = exit_code::waits; break;
    case fault_category::take_other_step:
        out.code = exit_code::try_later;
        out.message += "; look again, then try again";
        break;
    case fault_category::report_bug: out.message += what_to_do_when_broken(why); break;
    }
    return out;
}

problem problem_of_sync(const syncline::fault& why, const std::string& server) {
    using syncline::errc;
    using syncline::fault_category;
    problem out{exit_code::try_later, std::string{name_of(why.code)}, "syncing with " + server + ": " + why.detail};
    if (why.code == errc::unauthenticated || why.code == errc::forbidden) {
        out.code = exit_code::waits;
        out.message += "; give the token that the server knows you by, with --token-file or TASKS_TOKEN";
    } else if (why.code == errc::cancelled) {
        out.message += "; what is done is kept, and the rest goes on with the next sync";
    } else if (category_of(why.code) == fault_category::retry || category_of(why.code) == fault_category::take_other_step) {
        out.message += "; your changes are kept here: see that the server runs, then sync again";
    } else if (category_of(why.code) == fault_category::report_bug) {
        out.code = exit_code::broken;
        out.message += what_to_do_when_broken(why);
    } else {
        out.code = exit_code::waits;
        out.message += "; is that a server of this program, and of the same version?";
    }
    return out;
}

std::string counted(std::size_t n, std::string_view thing) {
    std::string out = std::to_string(n);
    out.append(" ").append(thing);
    if (n != 1) out += 's';
    return out;
}
