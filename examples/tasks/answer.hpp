#ifndef SYNCLINE_EXAMPLES_TASKS_ANSWER_HPP
#define SYNCLINE_EXAMPLES_TASKS_ANSWER_HPP

// What a command gives back: words for a person, one JSON document for a script, and an exit code for both.

#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What a script may rely on; said in `--help`.
enum class exit_code {
    fine = 0,
    waits = 1,      ///< something was refused, or waits for a person
    wrong_use = 2,  ///< the command or what it was given cannot be used
    try_later = 3,  ///< the server cannot be reached, or something is busy
    broken = 4,     ///< damaged data or a mistake of the program
    unheard = 5,    ///< the answer could not be written; it goes before the code that the answer has
};

/// Why a command did not do, or not wholly do, what it was asked.
struct problem {
    exit_code code = exit_code::broken;
    std::string name;     ///< stable, lower case: for scripts
    std::string message;  ///< what, where, why, what to do
};

/// Thrown by what cannot go on; `main` makes an answer of it.
class failure : public std::exception {
public:
    explicit failure(problem why) : why_(std::move(why)) {}
    failure(exit_code code, std::string name, std::string message) : failure(problem{code, std::move(name), std::move(message)}) {}
    [[nodiscard]] const problem& why() const noexcept { return why_; }
    [[nodiscard]] const char* what() const noexcept override { return why_.message.c_str(); }

private:
    problem why_;
};

struct answer {
    exit_code code = exit_code::fine;
    std::string text;                                    ///< whole lines for a person
    std::function<void(syncline::json_writer&)> members; ///< writes what the command has to tell into an open object
    std::optional<problem> error;
    bool said = false;                                   ///< the command has printed it itself
};

/// Prints @p what of the command called @p command.
/// As text: the answer on stdout, a problem on stderr. As JSON: one document on stdout,
/// `{"command":..,"exit":..,"error":null or {"code","message"}, ..}`, and nothing on stderr. Where stdout does not take it, stderr says so
/// in both cases, and what became of the command.
/// @return the exit code
int print(const answer& what, const std::string& command, bool as_json);

/// Says something about the command called @p command on stderr, on one line.
void say_on_stderr(const std::string& command, const std::string& message);

/// What to do with a list whose file is damaged.
inline constexpr const char* how_to_mend_a_list =
    "the file is damaged: put it back from a backup, or move it away and sync, which brings everything that the server has";

/// The problem that a fault of the library is to whoever runs the program, with what can be done about it.
problem problem_of(const syncline::fault& why);

/// The same for a fault that a sync ended with: what the server refuses is no wrong use of this program.
problem problem_of_sync(const syncline::fault& why, const std::string& server);

/// @p n things: `1 task`, `2 tasks`.
std::string counted(std::size_t n, std::string_view thing);

#endif
