#include <syncline/wire/bundle/client_run.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace client_run_test {

using namespace bundle_fixture;

TEST_CASE("bundle client_run: a request says whose it is, a run ends with its first fault, and a limit halves down to one") {
    server_side server;
    device_side a{server, 1};
    bundle_wire::client_run<replica_engine> run{*a.engine, {}};
    run.begin(sync_mode::pull_only);
    CHECK(run.phase == bundle_wire::client_phase::connect);
    CHECK(run.first == bundle_wire::client_phase::pull);
    must(run.look(server.now));
    CHECK(run.source == a.status().state.source_id);
    const auto step = run.send(bundle_wire::client_asked::pull, http_method::get, "/pull");
    const auto& sent = std::get<send_step>(step);
    CHECK(sent.what.path == "/sync/pull");
    CHECK(find_header(sent.what.headers, "Oversync-Source-ID").value_or("") == run.source);
    CHECK(sent.token == run.awaiting);
    CHECK(run.requests == 1);
    run.end(fault{errc::conflict, "first"});
    run.end(fault{errc::corrupt, "second"});
    CHECK(run.report.why->code == errc::conflict);
    CHECK(run.phase == bundle_wire::client_phase::finish);
    std::size_t limit = 3;
    CHECK(run.halve(limit, 3));
    CHECK(limit == 1);
    CHECK_FALSE(run.halve(limit, limit));
    for (const auto code : {errc::session_gone, errc::session_expired}) CHECK(bundle_wire::is_gone(code));
    CHECK_FALSE(bundle_wire::is_gone(errc::stale));
}

}  // namespace client_run_test
