#include <syncline/testing/wire/mutation_conformance.hpp>

#include <syncline/transport/loopback.hpp>

#include "unit/testing/wire/subjects.hpp"
#include "wire/mutation/tether_server.hpp"

namespace mutation_conformance_test {

using namespace wire_kit;

TEST_CASE("check_mutation_wire: Syncline's own server keeps every clause") {
    own_server server;
    loopback line{server};
    seeded_random random{1};
    const auto r = check_mutation_wire(line, subject_of_own("task"), random);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(skipped_of(r).empty());
    CHECK(names_of(r).size() == 25);
    for (const auto& name : names_of(r)) CHECK(name.starts_with("mutation "));

    // The same server once more, full of the first run's rows.
    const auto again = check_mutation_wire(line, subject_of_own("task"), random);
    INFO(again.text());
    CHECK(again.passed());
}

TEST_CASE("check_mutation_wire: a server of the original's protocol keeps what the original is known to keep") {
    tether::server server{{{"task", {"title", "note"}}}};
    auto routed = [&server](const request& r) {
        if (r.method != http_method::post) return response{405, {}, {}};
        server.now += std::chrono::seconds{1};  // it tells two writes apart by their seconds
        return server(r);
    };
    loopback line{routed};
    auto s = subject_of_own("task");
    s.profile = wire_profile::original;
    s.open = true;
    s.stranger.reset();
    s.largest_body.reset();
    s.most_mutations.reset();
    s.now = server.now + std::chrono::hours{1};
    seeded_random random{1};
    const auto r = check_mutation_wire(line, s, random);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(skipped_of(r) == std::vector<std::string>{"mutation 2.6 too large", "mutation 2.6 credentials", "mutation 6.2 scope", "mutation 13 W41", "mutation 2.4 refused again",
                                                    "mutation 2.4 other content", "mutation 2.4 fields", "mutation 3 commit order", "mutation 3 bad cursor", "mutation 2.2 outcomes",
                                                    "mutation 2.2 epoch"});
    CHECK(r.find("mutation 2.4 fields")->skipped == "known of the original: whole rows overwrite each other (W01)");

    // As a server of Syncline it would not do, and what it lacks is named.
    s.profile = wire_profile::syncline;
    const auto strict = check_mutation_wire(line, s, random);
    CHECK_FALSE(strict.passed());
    CHECK(strict.find("mutation 2.4 other content")->found > 0);
    CHECK(strict.find("mutation 2.4 fields")->found > 0);
}

TEST_CASE("check_mutation_wire: what the subject says of duplicates and deletes is what is asked for") {
    tether::server_options how;
    how.strict_duplicates = true;
    how.soft_deletes = false;
    tether::server server{{{"task", {"title"}}}, how};
    auto routed = [&server](const request& r) {
        if (r.method != http_method::post) return response{405, {}, {}};
        server.now += std::chrono::seconds{1};
        return server(r);
    };
    loopback line{routed};
    wire_subject s;
    s.profile = wire_profile::original;
    s.open = true;
    s.model = "task";
    s.fields = {{"title"}};
    s.now = server.now + std::chrono::hours{1};
    seeded_random random{1};
    CHECK(check_mutation_wire(line, s, random).broken() == std::vector<std::string>{"mutation 2.4 retry", "mutation 3 tombstone"});
    s.strict_duplicates = true;
    s.tombstones = false;
    const auto r = check_mutation_wire(line, s, random);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(r.find("mutation 3 tombstone")->skipped == "the subject says that its deletes do not arrive (W14)");
    CHECK(r.find("mutation 2.4 fields")->skipped == "the subject names one field only");
}

TEST_CASE("check_mutation_wire: a server that does not answer, and a subject without a field, are findings") {
    const auto silent = [](const request&) -> result<response> { return make_fault(errc::unavailable, "connection refused"); };
    seeded_random random{1};
    auto s = subject_of_own("task");
    const auto r = check_mutation_wire(silent, s, random);
    CHECK(r.broken().size() == 25);
    CHECK(r.find("mutation 2.4 retry")->findings == std::vector<std::string>{"POST /tether/push: unavailable: connection refused"});
    s.fields.clear();
    const auto none = check_mutation_wire(silent, s, random);
    CHECK(none.broken() == std::vector<std::string>{"subject"});
    CHECK(names_of(none).empty());
    CHECK(check_mutation_wire(silent, subject_of_own(""), random).broken() == std::vector<std::string>{"subject"});
}

}  // namespace mutation_conformance_test
