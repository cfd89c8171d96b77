#include "device.hpp"

#include "conflict_rules.hpp"

#include <syncline/model/model_traits.hpp>
#include <syncline/wire/make_sync.hpp>
#include <syncline/wire/system_surroundings.hpp>

#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace {

using syncline::errc;
using syncline::make_fault;

// [store]
syncline::sqlite_replica_store store_over(const std::string& path, bool make) {
    task_list app{path, make};  // makes the app's table where there is none
    if (app.file().has_table("syncline_authority_meta"))
        throw failure{exit_code::wrong_use, "is_a_server", "the file " + path + " is a server's; a device needs a list of its own, see --db"};
    syncline::sqlite_replica_options options;
    options.busy_timeout = std::chrono::seconds{5};
    return or_fail(syncline::sqlite_replica_store::open(path, or_fail(syncline::schemas_of<task>()), options));
}
// [/store]

syncline::result<syncline::response> no_server(const syncline::request&) {
    return make_fault(errc::unavailable, "no server is named");
}

// [transport]
std::shared_ptr<syncline::httplib_transport> http_to(const arguments& a) {
    syncline::httplib_transport_options options;
    options.base = a.server;
    options.bearer_token = a.token;
    options.gzip_requests_above = 1024;
    auto http = syncline::httplib_transport::open(std::move(options));
    if (!http) throw failure{exit_code::wrong_use, "bad_server", "the server `" + a.server + "` cannot be used: " + http.error().detail};
    return std::make_shared<syncline::httplib_transport>(std::move(*http));
}
// [/transport]

// The wire that the list syncs by, noted in it. Another one can be taken as long as nothing was sent or taken in.
wire_kind wire_of(const arguments& a, bool has_talked) {
    sql_file file{a.database, false};
    file.execute("CREATE TABLE IF NOT EXISTS tasks_settings(name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)");
    auto noted = file.prepare("SELECT value FROM tasks_settings WHERE name = 'wire'");
    const std::string before = noted.step() ? noted.text(0) : has_talked ? "mutation" : "";
    const auto kept = before == "bundle" ? wire_kind::bundle : wire_kind::mutation;
    const auto wanted = a.wire.value_or(kept);
    if (has_talked && wanted != kept)
        throw failure{exit_code::wrong_use, "other_wire", "the list " + a.database + " has synced by the " + before + " wire and must go on so; leave --wire out, or begin another list with --db"};
    if (wanted != kept || before.empty())
        file.prepare("INSERT INTO tasks_settings VALUES('wire', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1").bind(1, wanted == wire_kind::bundle ? "bundle" : "mutation").step();
    return wanted;
}

syncline::sync_device_options options_with(const arguments& a, stop_request& stop, syncline::sync_listeners listeners) {
    syncline::sync_device_options options;
    options.around.wait_until = [&stop](syncline::timestamp t) { static_cast<void>(stop.wait_until(t)); };
    options.client.lease_name = "tasks " + a.command + ", process " + std::to_string(getpid());
    options.client.listeners = std::move(listeners);
    return options;
}

}  // namespace

device::device(const arguments& a, bool make)
    : store_(store_over(a.database, make)), client_(std::make_unique<client_type>(store_, carrier{no_server}, syncline::mutation_client_options{}, syncline::system_surroundings())) {}

device::device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners)
    : device(a, stop, std::move(listeners), http_to(a)) {}

device::device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners, http_handle http) : device(a, true) {
    stop_ = &stop;
    const auto status = or_fail(client().status());
    const auto wire = wire_of(a, status.state.checkpoint != 0 || status.state.last_sync_us != 0 || status.counts.frozen != 0);
    if (a.decides_itself && wire == wire_kind::mutation)
        throw failure{exit_code::wrong_use, "server_decides", "--on-conflict is the server's to say on the mutation wire (`tasks serve`); leave it out, or sync by --wire bundle"};
    // [wire]
    auto options = options_with(a, stop, std::move(listeners));
    carrier send = [http](const syncline::request& r) { return (*http)(r); };
    if (wire == wire_kind::bundle) {
        or_fail(options.resolvers.add("task", resolver_for(a.on_conflict)));
        client_ = std::make_unique<bundle_type>(store_, send, syncline::bundle_client_options{}, options.around, std::move(options.resolvers), options.replica, std::move(options.client));
    } else {
        client_ = std::make_unique<client_type>(store_, send, syncline::mutation_client_options{}, options.around, std::move(options.resolvers), options.replica, std::move(options.client));
    }
    // [/wire]
    stop.on_request([this, http] {
        with_client([](auto& client) { client.cancel(); });
        http->cancel();
    });
}

device::~device() {
    if (stop_ != nullptr) stop_->on_request({});
}

std::string name_of_holder(const syncline::sync_lease& lease) {
    const auto name = holder_name(lease);
    return name.empty() ? "another program" : name;
}
