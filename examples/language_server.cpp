// A sync server over an SQLite file: opens the table `language` to devices, over HTTP on loopback.
//
//   language_server DATABASE PORT_FILE TOKEN=USER...
//
// It writes the port that it listens on into PORT_FILE, and runs until it gets SIGTERM or SIGINT.

#include "language_model.hpp"

#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/wire/sync_server.hpp>
#include <syncline/wire/system_surroundings.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

// The host's own rule: what is refused goes back to the device with the field that is wrong.
std::optional<syncline::rejection> check(const syncline::proposed_change& change) {
    if (change.after == nullptr || !change.after->fields[0].as_string().empty()) return std::nullopt;
    syncline::rejection refused;
    refused.why = {syncline::errc::validation_failed, "a language needs a name"};
    refused.messages.push_back({"name", "must not be empty"});
    return refused;
}

void serve(const std::string& database, const std::string& port_file, int tokens, char** token) {
    {
        auto app = syncline::or_throw(syncline::sqlite_database::open(database));
        syncline::or_throw(app.execute(language_table));
    }
    syncline::schema_set models;
    syncline::or_throw(models.add(syncline::or_throw(syncline::schema_of<language>())));
    auto store = syncline::or_throw(syncline::sqlite_authority_store::open(database, models));

    syncline::authority_options options;
    options.validate = check;
    syncline::sync_server server{store, options, syncline::system_now, syncline::system_random_bits};
    server.mount_mutation_wire();
    syncline::or_throw(server.mount_bundle_wire());

    syncline::bearer_tokens users;
    for (int i = 0; i < tokens; ++i) {
        const std::string_view pair{token[i]};
        const auto at = pair.find('=');
        if (at == std::string_view::npos) throw std::runtime_error("a token is given as TOKEN=USER");
        syncline::or_throw(users.add(std::string{pair.substr(0, at)}, syncline::principal{std::string{pair.substr(at + 1)}, "main"}));
    }
    syncline::httplib_server http;
    syncline::or_throw(http.authenticate_with(std::move(users)));
    syncline::or_throw(http.mount("", server));

    // Blocked before the server's threads start, so that the signal comes to us.
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    pthread_sigmask(SIG_BLOCK, &end, nullptr);
    syncline::or_throw(http.start());
    std::ofstream{port_file + ".new"} << http.port() << "\n";
    std::rename((port_file + ".new").c_str(), port_file.c_str());
    int which = 0;
    sigwait(&end, &which);
    http.stop();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::cerr << "usage: language_server DATABASE PORT_FILE TOKEN=USER...\n";
        return 2;
    }
    try {
        serve(argv[1], argv[2], argc - 3, argv + 3);
        return 0;
    } catch (const std::exception& x) {
        std::cerr << "language_server: " << x.what() << "\n";
        return 1;
    }
}
