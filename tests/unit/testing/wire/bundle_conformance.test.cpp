#include <syncline/testing/wire/bundle_conformance.hpp>

#include <syncline/transport/loopback.hpp>

#include "unit/testing/wire/subjects.hpp"
#include "wire/bundle/oversync_server.hpp"

namespace bundle_conformance_test {

using namespace wire_kit;

TEST_CASE("check_bundle_wire: Syncline's own server keeps every clause") {
    own_server server;
    loopback line{server};
    seeded_random random{1};
    auto s = subject_of_own("tasks");
    const auto r = check_bundle_wire(line, s, random);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(skipped_of(r).empty());
    CHECK(names_of(r).size() == 31);
    for (const auto& name : names_of(r)) CHECK(name.starts_with("bundle "));

    // The same server once more, full of the first run's rows. Its newcomer is none any more, and the kit says so.
    const auto again = check_bundle_wire(line, s, random);
    CHECK(again.broken() == std::vector<std::string>{"bundle 2.1 life"});
    s.newcomer.reset();
    s.stranger.reset();
    s.largest_body.reset();
    s.open = true;
    const auto third = check_bundle_wire(line, s, random);
    INFO(third.text());
    CHECK(third.passed());
    CHECK(skipped_of(third) == std::vector<std::string>{"bundle 1.1 credentials", "bundle 2.1 life", "bundle 1.1 too large", "bundle 4.4 isolation"});
}

TEST_CASE("check_bundle_wire: a server in a test of one's own, without a network") {
    auto notes = schemas();
    // [in_process]
    memory_authority_store store{notes};
    seeded_random ids{1}, random{2};
    timestamp now = from_microseconds(1'700'000'000'000'000);
    sync_server server{store, {}, [&] { return now += std::chrono::milliseconds{1}; }, [&] { return ids(); }};
    REQUIRE(server.mount_bundle_wire());
    auto handler = [&](const request& r) -> response {
        const auto token = bearer_credentials(r);
        if (!token) return json_error(401, "unauthenticated", token.error().detail);
        return server(r, principal{std::string{*token}, std::string{*token}});
    };

    testing::wire_subject subject;
    subject.account = {{{"Authorization", "Bearer ann"}}};
    subject.stranger = testing::wire_account{{{"Authorization", "Bearer ben"}}};
    subject.model = "tasks";
    subject.fields = {{"title"}, {"note"}};
    subject.now = now;
    loopback line{handler};
    const testing::report found = testing::check_bundle_wire(line, subject, random);
    INFO(found.text());
    CHECK(found.passed());
    // [/in_process]
}

TEST_CASE("check_bundle_wire: a server of the original's protocol keeps what the original is known to keep") {
    oversync::server server{{{"public", "tasks", "id", true, {{"id", oversync::kind::uuid, true}, {"title"}, {"note"}}, {}}}, {}};
    loopback line{server};
    auto s = subject_of_own("tasks");
    s.profile = wire_profile::original;
    s.largest_body.reset();
    seeded_random random{1};
    const auto r = check_bundle_wire(line, s, random);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(skipped_of(r) == std::vector<std::string>{"bundle 1.1 too large", "bundle 2.2 own session", "bundle 2.3 bad cursor"});

    // As a server of Syncline it would not do, and what it lacks is named.
    s.profile = wire_profile::syncline;
    s.newcomer = account("dora");
    const auto strict = check_bundle_wire(line, s, random);
    for (const char* name : {"bundle 1.1 methods", "bundle 1.5 chunk", "bundle 2.1 life", "bundle 2.2 own session", "bundle 2.3 bad cursor"}) {
        INFO(name);
        const auto* c = strict.find(name);
        REQUIRE(c != nullptr);
        CHECK((c->found > 0 || std::string{name} == "bundle 1.1 methods"));
    }
}

TEST_CASE("check_bundle_wire: a server that does not answer is a finding of every clause") {
    const auto silent = [](const request&) -> result<response> { return make_fault(errc::timed_out, "no answer"); };
    seeded_random random{1};
    const auto r = check_bundle_wire(silent, subject_of_own("tasks"), random);
    CHECK(r.broken().size() == 31);
    CHECK(r.find("bundle 1.2 capabilities")->findings == std::vector<std::string>{"GET /sync/capabilities: timed_out: no answer"});
    auto s = subject_of_own("tasks");
    s.fields.clear();
    for (const auto& none : {s, subject_of_own("")}) CHECK(check_bundle_wire(silent, none, random).broken() == std::vector<std::string>{"subject"});
}

}  // namespace bundle_conformance_test
