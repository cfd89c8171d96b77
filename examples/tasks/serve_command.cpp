// tasks serve: the server, over HTTP on this machine. To serve others put a proxy that does the TLS in front of it.

#include "commands.hpp"
#include "conflict_rules.hpp"
#include "device.hpp"
#include "stop_request.hpp"

#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/wire/make_sync.hpp>

#include <optional>
#include <string>

namespace {

// [rules]
// The rules of task.hpp again: what another program wrote into a device's table is checked here.
std::optional<syncline::rejection> check(const syncline::proposed_change& change) {
    if (change.after == nullptr) return std::nullopt;
    const auto proposed = syncline::from_record<task>(change.key.key, *change.after);
    if (!proposed) return syncline::rejection{{proposed.error().code, proposed.error().detail}, {}};
    const auto wrong = problem_with(*proposed);
    if (!wrong) return std::nullopt;
    return syncline::rejection{{syncline::errc::validation_failed, wrong->text}, {{wrong->field, wrong->text}}};
}
// [/rules]

syncline::server_listeners told_on_stderr() {
    syncline::server_listeners heard;
    heard.push_completed = [](const syncline::push_served& p) {
        say_on_stderr("serve", p.who.id + " sent " + counted(p.applied + p.superseded + p.refused, "change") + ", " + std::to_string(p.refused) + " refused");
    };
    heard.pull_completed = [](const syncline::pull_served& p) {
        if (p.rows != 0) say_on_stderr("serve", p.who.id + " received " + counted(p.rows, "task"));
    };
    return heard;
}

std::string new_incarnation() {
    syncline::system_random drawn;
    syncline::random_source random{drawn};
    return to_string(syncline::make_uuid_v4(random));
}

void let_in(syncline::httplib_server& http, const arguments& a) {
    if (a.allow_anonymous) return or_fail(http.authenticate_with(syncline::allow_anonymous{{"anyone", "main"}}));
    syncline::bearer_tokens users;
    for (const auto& [name, token] : a.users)
        if (const auto added = users.add(token, syncline::principal{name, "main"}); !added)
            throw failure{exit_code::wrong_use, "bad_user", "the user " + name + " cannot be let in: " + added.error().detail + "; each needs a token of their own, as --user NAME=TOKEN"};
    or_fail(http.authenticate_with(std::move(users)));
}

}  // namespace

answer serve(const arguments& a) {
    stop_request stop;
    {
        task_list app{a.file, true};  // makes the table where there is none
        if (app.file().has_table("syncline_replica_state"))
            throw failure{exit_code::wrong_use, "is_a_device", "the file " + a.file + " is a device's list; a server needs a file of its own"};
    }
    // [server]
    auto store = or_fail(syncline::sqlite_authority_store::open(a.file, or_fail(syncline::schemas_of<task>())));
    syncline::authority_options rules;
    rules.validate = check;
    or_fail(rules.resolvers.add("task", resolver_for(a.on_conflict)));
    auto server = syncline::make_sync_server(store, rules, told_on_stderr());
    if (a.restored) or_fail(server.engine().begin_incarnation(new_incarnation(), syncline::system_now()));
    if (a.mutation_too) server.mount_mutation_wire();
    if (a.bundle_too) or_fail(server.mount_bundle_wire());

    syncline::httplib_server_options where;
    where.port = a.port;
    syncline::httplib_server http{where};
    let_in(http, a);
    or_fail(http.mount("", server));
    or_fail(http.start());
    // [/server]
    const std::string url = "http://127.0.0.1:" + std::to_string(http.port());

    answer began;
    began.text = "serving " + a.file + " at " + url + "\n";
    began.members = [&](syncline::json_writer& w) {
        w.key("url");
        w.string(url);
        w.key("port");
        w.integer(http.port());
    };
    began.said = true;
    if (const int code = print(began, a.command, a.json); code == 0) {
        stop.wait();
    } else {  // nobody would know where it listens
        began.code = static_cast<exit_code>(code);
    }
    http.stop();
    say_on_stderr("serve", "stopped");
    return began;
}
