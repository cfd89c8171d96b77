#include <syncline/testing/scripted_bundle_device.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/fake_clock.hpp>
#include <syncline/testing/noted_random.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "unit/testing/task_model.hpp"

#include <string>
#include <utility>

namespace scripted_bundle_device_test {

using namespace testing_tests;
using syncline::testing::edit;
using syncline::testing::fake_clock;
using syncline::testing::noted_random;
using syncline::testing::scripted_bundle_device;

namespace {

/// A server of Syncline before scripted devices.
struct party {
    memory_authority_store store{tasks()};
    fake_clock clock;
    noted_random random{1};
    sync_server<memory_authority_store> server{store, {}, clock.reader(), random.bits()};
    party() { REQUIRE(server.mount_bundle_wire()); }
    scripted_bundle_device device(std::string name) {
        return {tasks(), std::move(name), [this](const request& r) -> result<response> { return server(r, principal{"ann", "main"}); }};
    }
};

}  // namespace

TEST_CASE("scripted_bundle_device: connects to a server of Syncline, commits in chunks, and pulls") {
    party p;
    auto a = p.device("device-a");
    auto b = p.device("device-b");
    const auto connected = a.connect(true);
    REQUIRE(connected);
    CHECK(connected->scope.what == scope_resolution::initialize_local);
    CHECK_FALSE(a.initialization_id.empty());
    const auto pushed = a.push({edit(tasks(), "task", "k1").creates().set("title", value::text("milk")), edit(tasks(), "task", "k2").creates().set("title", value::text("bread")),
                                edit(tasks(), "task", "k3").creates().set("title", value::text("wine"))},
                               2);
    INFO((pushed ? std::string{} : pushed.error().detail));
    REQUIRE(pushed);
    REQUIRE(pushed->head);
    CHECK((pushed->head->seq == 1 && pushed->head->row_count == 3 && !pushed->already_committed));
    CHECK(a.next_source_bundle_id == 2);
    CHECK(p.store.row("main", task_key("k2")) == record{{value::text("bread"), value{}}});
    CHECK(b.connect(false)->scope.what == scope_resolution::remote_authoritative);
    const auto bundles = b.pull();
    REQUIRE(bundles);
    REQUIRE(bundles->size() == 1);
    CHECK(bundles->front().rows.size() == 3);
    CHECK(b.cursor_at == 1);
    CHECK(b.pull()->empty());
}

TEST_CASE("scripted_bundle_device: an answer that was lost is found again by its number, and what stands in the way is told") {
    party p;
    auto a = p.device("device-a");
    auto b = p.device("device-b");
    REQUIRE(a.connect(false));
    REQUIRE(b.connect(false));
    const auto renamed = [&](const char* to) { return edit(tasks(), "task", "k1").was("title", value::text("milk")).set("title", value::text(to)).at_version(1); };
    REQUIRE(a.push({edit(tasks(), "task", "k1").creates().set("title", value::text("milk"))})->head);
    a.next_source_bundle_id = 1;
    CHECK(a.push({edit(tasks(), "task", "k1").creates().set("title", value::text("milk"))})->already_committed);
    CHECK(b.push({renamed("cheese")})->head->seq == 2);
    const auto late = a.push({renamed("wine")});
    REQUIRE(late);
    CHECK_FALSE(late->head);
    REQUIRE(late->obstacles.size() == 1);
    CHECK(late->obstacles[0].server_version == 2);
    CHECK(a.next_source_bundle_id == 2);
}

TEST_CASE("scripted_bundle_device: what is no answer is a fault, and so is a change that could not be built") {
    party p;
    auto a = p.device("device-a");
    CHECK(a.push({edit(tasks(), "tasks", "k1")}).error().code == errc::unknown_model);
    CHECK(a.pull().error().code == errc::scope_uninitialized);
    CHECK(a.send(http_method::get, "/nowhere")->status == 404);
    const auto answering = [&](std::string_view part, response wrong) {
        return scripted_bundle_device(tasks(), "device-b", [&p, part, wrong](const request& r) -> result<response> {
            return r.path.ends_with(part) ? wrong : p.server(r, principal{"ann", "main"});
        });
    };
    CHECK(answering("/connect", json_response(200, "{}")).connect(false).error().code == errc::malformed_message);
    REQUIRE(a.connect(false));
    const auto k1 = edit(tasks(), "task", "k1").creates();
    CHECK(answering("/chunks", json_response(200, R"({"push_id":"?","next_expected_row_ordinal":1})")).push({k1}).error().code == errc::malformed_message);
    CHECK(answering("/commit", json_error(500, "internal", "no")).push({k1}).error().code == errc::internal);
    auto ahead = scripted_bundle_device(tasks(), "device-c", [&p](const request& r) -> result<response> {
        auto out = p.server(r, principal{"ann", "main"});
        if (const auto at = out.body.find("ordinal\":1"); r.path.ends_with("/chunks") && at != std::string::npos) out.body[at + 9] = '2';
        if (const auto at = out.body.find("\"title\":"); r.path.find("/pull") != std::string::npos && at != std::string::npos) out.body[at + 1] = 'T';
        return out;
    });
    CHECK(ahead.push({k1}).error().detail == "after a chunk the server expects row 2, which is not the next");
    REQUIRE(a.push({k1}));
    REQUIRE_FALSE(ahead.pull());
    scripted_bundle_device lost(tasks(), "x", [](const request&) -> result<response> { return make_fault(errc::timed_out, "no answer"); });
    CHECK(lost.connect(false).error().code == errc::timed_out);
    CHECK(lost.push({}).error().code == errc::timed_out);
}

}  // namespace scripted_bundle_device_test
