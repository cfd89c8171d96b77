#include <syncline/testing/wire/bundle_speaker.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace bundle_speaker_test {

using namespace syncline;
using namespace syncline::testing;

namespace {

struct scene {
    std::vector<std::string> answers;
    std::vector<request> asked;
    seeded_random random{1};
    report out;
    wire_run run;
    bundle_speaker say{run};

    std::string type = "application/json";
    int status = 200;

    static wire_subject subject() {
        wire_subject s;
        s.prefix = "/api/sync";
        s.model = "tasks";
        s.schema = "business";
        s.fields = {{"title"}, {"note", "1", "2", "3"}, {"kind", "\"k\""}};
        return s;
    }
    explicit scene(std::vector<std::string> given)
        : answers(std::move(given)),
          run([this](const request& r) -> result<response> {
              asked.push_back(r);
              const std::string body = answers.empty() ? "{}" : answers.front();
              if (answers.size() > 1) answers.erase(answers.begin());
              return response{status, {{"Content-Type", type}}, body};
          }, subject(), random, out) {}
    template <class Body>
    std::vector<std::string> findings(Body body) {
        run.clause("x", "asks", body);
        return out.find("x")->findings;
    }
};

std::string page(const std::string& seqs, int stable, bool more) {
    std::string list;
    for (const char c : seqs) list += (list.empty() ? "" : ",") + std::string(R"({"bundle_seq":)") + c + R"(,"rows":[]})";
    return R"({"stable_bundle_seq":)" + std::to_string(stable) + R"(,"bundles":[)" + list + R"(],"has_more":)" + (more ? "true" : "false") + "}";
}

}  // namespace

TEST_CASE("bundle_speaker: rows are whole, and a delete has no payload") {
    scene s({});
    CHECK(s.say.update("K", "\"new\"", 7) ==
          R"({"schema":"business","table":"tasks","key":{"id":"K"},"op":"UPDATE","base_row_version":7,"payload":{"id":"K","title":"new","note":1,"kind":"k"}})");
    CHECK(s.say.erase("K", 7) == R"({"schema":"business","table":"tasks","key":{"id":"K"},"op":"DELETE","base_row_version":7})");
    CHECK(s.say.pull_path(1, 2, 3) == "/pull?after_bundle_seq=1&max_bundles=2&target_bundle_seq=3");
}

TEST_CASE("bundle_speaker: the hash is that of the sheet's vectors") {
    const wire_answer of{response{200, {}, R"({"rows":[{"schema":"public","table":"users","key":{"id":"row-1"},"op":"INSERT","row_version":3,"payload":{"name":"Alice","email":"alice@example.com"}}]})"}};
    CHECK(bundle_speaker::hash_of(bundle_speaker::rows_of(of.root())) == "677c5687bb91a8c2d34bc9e2e4f8c1d47981957bd876ba090c39b5e263d26b78");
    const wire_answer gone{response{200, {}, R"({"rows":[{"schema":"business","table":"users","key":{"id":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f"},"op":"DELETE","row_version":7}]})"}};
    CHECK(bundle_speaker::hash_of(bundle_speaker::rows_of(gone.root())) == "a0f213873e3867af9dfb0757a7884913682ee434368f51eaea4d839b27f8e8e7");
}

TEST_CASE("bundle_speaker: a walk keeps its first ceiling, and finds what breaks the order") {
    scene fine({page("23", 4, true), page("4", 4, false)});
    std::vector<pulled_bundle> list;
    CHECK(fine.findings([&](clause& c) { list = fine.say.walk(c, "d", 1, 2, [] {}); }).empty());
    CHECK(list.size() == 3);
    CHECK(fine.asked[0].path == "/api/sync/pull?after_bundle_seq=1&max_bundles=2");
    CHECK(fine.asked[1].path == "/api/sync/pull?after_bundle_seq=3&max_bundles=2&target_bundle_seq=4");
    CHECK(find_header(fine.asked[0].headers, "Oversync-Source-ID") == "d");

    for (const auto& broken : std::vector<std::vector<std::string>>{{page("22", 2, false)}, {page("32", 3, false)}, {page("25", 4, false)}, {page("2", 4, false)}, {page("", 4, true)}, {page("2", 4, true), page("34", 5, false)}, {R"({"bundles":[],"has_more":false})"}}) {
        scene s(broken);
        CHECK_FALSE(s.findings([&](clause& c) { s.say.walk(c, "d", 1, 2, [] {}); }).empty());
    }
}

TEST_CASE("bundle_speaker: a told row has its form") {
    scene s({});
    const auto wrong = [&](const std::string& row) {
        const wire_answer of{response{200, {}, R"({"rows":[)" + row + "]}"}};
        return s.findings([&](clause& c) { s.say.expect_told_row(c, bundle_speaker::rows_of(of.root())[0], 3); }).size();
    };
    CHECK(wrong(R"({"key":{"id":"a"},"op":"INSERT","row_version":3,"payload":{}})") == 0);
    CHECK(wrong(R"({"key":{"id":"a"},"op":"DELETE","row_version":3})") == 0);
    CHECK(wrong(R"({"key":{"id":"a"},"op":"DELETE","row_version":3,"payload":null})") == 0);
    CHECK(wrong(R"({"key":{"id":"a"},"op":"DELETE","row_version":3,"payload":{}})") == 1);
    CHECK(wrong(R"({"key":{"id":"a"},"op":"UPDATE","row_version":3})") == 2);
    CHECK(wrong(R"({"key":{"id":7},"op":"UPSERT","row_version":2,"payload":{}})") == 5);
}

TEST_CASE("bundle_speaker: a step that is answered otherwise ends its clause") {
    const auto ends = [](const std::string& answer, auto step, int status = 200, const char* type = "application/json") {
        scene s({answer});
        s.status = status;
        s.type = type;
        return s.findings([&](clause& c) {
            static_cast<void>(step(s.say, c));
            CHECK(false);
        });
    };
    const auto join = [](bundle_speaker& say, clause& c) { return say.joined(c); };
    CHECK(ends("{}", join, 200, "text/html") == std::vector<std::string>{"a device without rows can connect, found 200 {}"});
    CHECK(ends(R"({"resolution":"retry_later"})", join).front().find("a device without rows is let in at once") == 0);
    CHECK(ends(R"({"status":"staging"})", [](bundle_speaker& say, clause& c) { return say.stage(c, "d", 1, {}); }).front().find("a push session for the next bundle is staging") == 0);
    const auto push = [](bundle_speaker& say, clause& c) { return say.push(c, "d", 1, {}); };
    CHECK(ends(R"({"status":"staging","push_id":"x"})", push) == std::vector<std::string>{R"(a commit tells its `bundle_seq`, found 200 {"status":"staging","push_id":"x"})"});
    CHECK(ends(R"({"status":"staging","push_id":"x"})", push, 200, "text/html").front().find("a bundle that nothing speaks against is committed") == 0);
    const auto head = [](bundle_speaker& say, clause& c) { return say.head(c, "d"); };
    CHECK(ends("{}", head, 500).front() == "a snapshot tells its `snapshot_bundle_seq`, found 500 {}");
    CHECK(ends("{}", head).front().find("a snapshot tells its `snapshot_bundle_seq`") == 0);
    const auto pull = [](bundle_speaker& say, clause& c) { return say.pull(c, "d", 0); };
    CHECK(ends("{}", pull, 409).front() == "a pull is answered with 200 and a JSON object, found 409 {}");
    CHECK(ends("{}", pull, 200, "text/html").front() == "a pull is answered with 200 and a JSON object, found 200 {}");
    CHECK(ends(R"({"rows":[],"has_more":true})", [](bundle_speaker& say, clause& c) { return say.snapshot(c, "d"); }).front().find("a page of a snapshot brings something where there is more") == 0);
}

TEST_CASE("bundle_speaker: rows without a key, of other tables and on several pages; what is nested too deep has no hash") {
    CHECK(bundle_speaker::rows_of(json_view{}).empty());
    const wire_answer odd{response{200, {}, R"({"rows":[{"table":"tasks"},{"key":7}]})"}};
    for (const auto& r : bundle_speaker::rows_of(odd.root())) CHECK(r.key.empty());
    const std::string row = R"({"schema":"business","table":"tasks","key":{"id":"K"},"payload":{"title":"mine"}})", other = R"({"schema":"business","table":"notes","key":{"id":"K"},"payload":{}})";
    scene s({R"({"resolution":"remote_authoritative"})", R"({"snapshot_id":"s"})", R"({"rows":[)" + row + R"(],"has_more":true})", R"({"rows":[)" + other + R"(],"has_more":false})"});
    std::string found;
    CHECK(s.findings([&](clause& c) { found = s.say.seen(c, "K"); }).empty());
    CHECK(found == R"({"title":"mine"})");
    told_row deep;
    deep.json = R"({"payload":)" + std::string(63, '[') + std::string(63, ']') + "}";
    CHECK(bundle_speaker::hash_of({deep}).empty());
}

}  // namespace bundle_speaker_test
