#include "device.hpp"

#include <syncline/model/model_traits.hpp>
#include <syncline/wire/make_sync.hpp>

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

syncline::sync_device_options options_with(const arguments& a, stop_request& stop, syncline::sync_listeners listeners) {
    syncline::sync_device_options options;
    options.around.wait_until = [&stop](syncline::timestamp t) { static_cast<void>(stop.wait_until(t)); };
    options.client.lease_name = "tasks " + a.command + ", process " + std::to_string(getpid());
    options.client.listeners = std::move(listeners);
    return options;
}

}  // namespace

device::device(const arguments& a, bool make)
    : store_(store_over(a.database, make)), client_(syncline::make_sync_client(store_, carrier{no_server})) {}

device::device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners)
    : device(a, stop, std::move(listeners), http_to(a)) {}

device::device(const arguments& a, stop_request& stop, syncline::sync_listeners listeners, http_handle http)
    : store_(store_over(a.database, true)),
      client_(syncline::make_sync_client(store_, carrier{[http](const syncline::request& r) { return (*http)(r); }},
                                         syncline::mutation_client_options{}, options_with(a, stop, std::move(listeners)))),
      stop_(&stop) {
    stop.on_request([this, http] {
        client_.cancel();
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
