#include <syncline/testing/wire/mutation_speaker.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace mutation_speaker_test {

using namespace syncline;
using namespace syncline::testing;

namespace {

// Speaks to a server that gives these answers, one after another.
struct scene {
    std::vector<std::string> answers;
    std::vector<request> asked;
    seeded_random random{1};
    report out;
    wire_run run;
    mutation_speaker say{run};

    std::string type = "application/json";

    static wire_subject subject(wire_profile profile = wire_profile::syncline) {
        wire_subject s;
        s.profile = profile;
        s.prefix = profile == wire_profile::original ? "/api/tether" : "";
        s.model = "task";
        s.fields = {{"title"}, {"note", "1", "2", "3"}, {"kind", "\"k\""}};
        return s;
    }
    explicit scene(std::vector<std::string> given, wire_profile profile = wire_profile::syncline)
        : answers(std::move(given)),
          run([this](const request& r) -> result<response> {
              asked.push_back(r);
              const std::string body = answers.empty() ? "{}" : answers.front();
              if (answers.size() > 1) answers.erase(answers.begin());
              return response{200, {{"Content-Type", type}}, body};
          }, subject(profile), random, out) {}
    template <class Body>
    std::vector<std::string> findings(Body body) {
        run.clause("x", "asks", body);
        return out.find("x")->findings;
    }
};

}  // namespace

TEST_CASE("mutation_speaker: a mutation has the seven members, a whole row, and the version of its device's log") {
    scene s({"{}"});
    s.findings([&](clause& c) {
        auto m = s.say.update("K", "\"new\"", "2");
        s.say.post(c, "push", s.say.push_body("d", {s.say.create("K"), m}));
        s.say.post(c, "push", s.say.push_body("d", {m}));
        s.say.post(c, "push", s.say.push_body("e", {m}));
    });
    CHECK(s.asked[0].path == "/tether/push");
    const auto body = [&](std::size_t i, std::size_t at) {
        const wire_answer a{response{200, {}, s.asked[i].body}};
        return wire_json(a.list("mutations")[at]);
    };
    CHECK(body(0, 1).find(R"("entity_id":"K","model":"task","operation":"update","payload":{"title":"new","note":2,"kind":"k"},"version":2,"timestamp":)") != std::string::npos);
    CHECK(body(1, 0) == body(0, 1));
    CHECK(body(2, 0).find(R"("version":1,)") != std::string::npos);
    CHECK(find_header(s.asked[0].headers, "X-Tether-Client-Version") == "v1.0.0");
}

TEST_CASE("mutation_speaker: a walk goes on while there is more, and finds a cursor that stands still or goes back") {
    const std::string row = R"({"entity_id":"K","model":"task","operation":"upsert","payload":{"title":"one"}})";
    scene fine({R"({"snapshots":[)" + row + R"(],"new_sync_cursor":5,"has_more":true})", R"({"snapshots":[{"entity_id":"K","model":"task","operation":"delete","payload":[]}],"new_sync_cursor":6,"has_more":false})"});
    pulled_walk walk;
    CHECK(fine.findings([&](clause& c) { walk = fine.say.walk(c, "d", 4, 1); }).empty());
    CHECK(walk.count("K") == 2);
    CHECK(walk.last_of("K")->erased);
    CHECK(walk.last_of("L") == nullptr);
    CHECK(walk.cursors == std::vector<std::int64_t>{5, 6});
    CHECK(walk.cursor == 6);
    CHECK(fine.asked[1].body == R"({"client_id":"d","last_sync_cursor":5,"limit":1})");

    scene stands({R"({"snapshots":[],"new_sync_cursor":4,"has_more":true})"});
    CHECK(stands.findings([&](clause& c) { stands.say.walk(c, "d", 4); }).size() == 1);
    scene vague({R"({"snapshots":[],"has_more":true})"});
    CHECK(vague.findings([&](clause& c) { vague.say.walk(c, "d", 4); }).size() == 1);
    scene back({R"({"snapshots":[],"new_sync_cursor":3,"has_more":false})"});
    CHECK(back.findings([&](clause& c) { back.say.walk(c, "d", 4); }) == std::vector<std::string>{"a cursor never goes back: after 4 came 3"});
}

TEST_CASE("mutation_speaker: reads who was applied, rejected and absent") {
    scene s({"{}"});
    const wire_answer a{response{200, {}, R"({"applied":["a"],"rejected":[{"mutation_id":"b","reason":"not_found"}],"conflicts":[{"mutation_id":"c","data":{"server_state":{}}},{"mutation_id":"d","data":{"server_state":{"x":1}}}]})"}};
    CHECK(s.say.applied(a, "a"));
    CHECK_FALSE(s.say.applied(a, "b"));
    CHECK(s.say.reason(a, "b") == "not_found");
    CHECK(s.say.absent(a, "b"));
    CHECK(s.say.absent(a, "c"));
    CHECK_FALSE(s.say.absent(a, "d"));
    CHECK_FALSE(s.say.absent(a, "a"));
    scene original({"{}"}, wire_profile::original);
    CHECK(original.say.absent(a, "b"));
    CHECK_FALSE(original.say.absent(a, "c"));
    CHECK(original.say.path("push") == "/api/tether/push");
}

TEST_CASE("mutation_speaker: what is not called JSON is no answer; rows of other models, and fields that are missing, are seen") {
    for (const bool push : {true, false}) {
        scene s({"{}"});
        s.type = "text/html";
        CHECK(s.findings([&](clause& c) { push ? s.say.push(c, "d", {}) : s.say.pull(c, "d", {}); }).size() == 1);
    }
    scene s({"{}"});
    const wire_answer a{response{200, {}, R"({"snapshots":[{"entity_id":"K","model":"other","operation":"upsert"},{"entity_id":"L","model":"task","operation":"upsert"}]})"}};
    const auto rows = s.say.rows_of(a);
    REQUIRE(rows.size() == 1);
    CHECK((rows[0].key == "L" && rows[0].payload.empty()));
    CHECK(s.findings([&](clause& c) { s.say.expect_fields(c, R"({"note":1})", "\"one\"", "1", "then"); }) == std::vector<std::string>{"then, `title` is \"one\", found nothing"});
}

}  // namespace mutation_speaker_test
