// A sync server that needs no C++ of its own: `syncline-server --help` and docs/guides/server.md say how.
//
// Where to begin reading: configuration.hpp (what it can be told), safety.cpp (what it refuses), served_tables.cpp (how a database's schema becomes what
// is synced), serve.cpp (the server), gate.cpp (who comes in).

#include "arguments.hpp"
#include "configuration_document.hpp"
#include "problem.hpp"
#include "safety.hpp"
#include "secret.hpp"
#include "serve.hpp"
#include "served_tables.hpp"
#include "../support/standard_streams.hpp"

#include <syncline/support/hex.hpp>

#include <exception>
#include <string>
#include <vector>

namespace {

int say(const std::string& text) {
    if (const auto why = write_to_stdout(text)) throw failure{exit_code::unheard, "the standard output cannot be written: " + *why};
    return 0;
}

void stop_at(const complaints& wrong) {
    if (!wrong.empty()) throw failure{exit_code::wrong_use, wrong};
}

int run(const arguments& asked) {
    auto document = asked.file.empty() ? nlohmann::json::object() : read_document(asked.file);
    if (document.is_object()) asked.apply_to(document);
    complaints wrong;
    const auto c = read_configuration(document, wrong);
    if (asked.print_config) {
        stop_at(wrong);
        return say(document_of(c).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    }
    // What was not understood was perhaps what would have made the rest safe: it is told first, alone.
    stop_at(wrong);
    check_safety(c, wrong);
    const auto secret = read_secret(c.jwt, wrong);
    stop_at(wrong);
    auto tables = read_tables(c, wrong);
    stop_at(wrong);
    check_serving(c, tables, wrong);
    stop_at(wrong);
    if (!asked.check) return serve(c, std::move(tables), secret, asked.restored);
    for (const auto& remark : tables.remarks) write_to_stderr("syncline-server: to be noted: " + remark + "\n");
    return say("nothing is wrong with the configuration\n");
}

// A complaint quotes what it complains of, which may hold anything: it stays on one line and leaves the terminal alone.
std::string one_line(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) out += "\\x" + syncline::hex_encode(std::string(1, c));
        else out += c;
    }
    return out;
}

int ended(exit_code code, const std::vector<std::string>& why) {
    for (const auto& one : why) write_to_stderr("syncline-server: " + one_line(one) + "\n");
    return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
    prepare_standard_streams();
    const auto line = read_command_line(argc, argv);
    try {
        if (line.help) return say(*line.help);
        if (line.mistake) return ended(exit_code::wrong_use, {*line.mistake});
        return run(line.asked);
    } catch (const failure& x) {
        return ended(x.code(), x.why());
    } catch (const std::exception& x) {
        return ended(exit_code::broken, {std::string{x.what()} + "; please report this"});
    }
}
