#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <memory>
#include <string>

namespace sync_server_test {

using namespace syncline;

TEST_CASE("sync server: answers only below the wires that are mounted, and always in JSON", "[wire]") {
    simulation::memory_lab lab{overlap_policy::by_field};
    auto store = lab.make_authority();
    auto random = std::make_shared<seeded_random>(1);
    sync_server<memory_authority_store> server{*store, {}, [] { return timestamp{}; }, [random] { return random->next(); }};
    const principal who{"a", "main"};
    const request pull{http_method::post, "/tether/pull", {}, R"({"client_id":"c"})"};
    CHECK(server(pull, who).status == 404);
    server.mount_mutation_wire();
    CHECK(server(pull, who).status == 200);
    for (const char* path : {"/", "/tether", "/tetherpull", "/sync/pull", "/nothing"}) {
        const auto answer = server(request{http_method::post, path, {}, "{}"}, who);
        INFO(path);
        CHECK(answer.status == 404);
        CHECK(answer.body.find("\"error\"") != std::string::npos);
    }
    REQUIRE(server.mount_bundle_wire());
    CHECK(server(request{http_method::get, "/sync/pull?after_bundle_seq=0", {{"Oversync-Source-ID", "s"}}, {}}, who).status == 200);
    CHECK(server(request{http_method::get, "/sync/pull", {}, {}}, who).status == 400);
}

}  // namespace sync_server_test
