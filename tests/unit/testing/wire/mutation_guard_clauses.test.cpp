#include <syncline/testing/wire/mutation_guard_clauses.hpp>

#include "unit/testing/wire/subjects.hpp"

namespace mutation_guard_clauses_test {

using namespace wire_kit;

namespace {

const auto check = [](auto& line, const wire_subject& s) {
    report out;
    seeded_random random{7};
    wire_run run([&line](const request& r) { return line(r); }, s, random, out);
    mutation_speaker say(run);
    check_mutation_guards(say);
    check_mutation_extension(say);
    return out;
};

// Whoever asks for @p part is taken for ann.
damage lets_in(const std::string& part) {
    return [=](const request& r, const next_hop& next) {
        request other = r;
        if (r.path.find(part) != std::string::npos) set_header(other.headers, "Authorization", "Bearer ann");
        return next(other);
    };
}

const std::vector<broken_server> all{
    {"mutation 2 endpoints", "any method will do", in_place_of_status(405, 200)},
    {"mutation 2 endpoints", "any path will do", in_place_of_status(404, 200)},
    {"mutation 2.6 malformed", "bad JSON is nothing", in_place_of_status(400, 200)},
    {"mutation 2.6 malformed", "a refusal is a text", plain(http_method::post, "/push", 422)},
    {"mutation 2.6 malformed", "a refusal has no words", in_place_of_status(422, 422)},
    {"mutation 2.6 malformed", "a refusal has a code alone", answers(http_method::post, "/push", [](json& b) { b.erase("message"); }, 422)},
    {"mutation 2.6 malformed", "missing members are a failure of the server", in_place_of_status(422, 500)},
    {"mutation 2.6 malformed", "no client id is needed", requests("/push", [](json& b) { if (!b.contains("client_id") && b.contains("mutations")) b["client_id"] = "somebody"; })},
    {"mutation 2.6 malformed", "forms are taken", [](const request& r, const next_hop& next) {
         return r.body.starts_with("client_id=") ? json_response(200, R"({"applied":[],"rejected":[],"conflicts":[]})") : next(r);
     }},
    {"mutation 2.6 malformed", "a form is a failure of the server", [](const request& r, const next_hop& next) { return r.body.starts_with("client_id=") ? json_error(500, "internal", "no") : next(r); }},
    {"mutation 2.6 too large", "a bound that is not told", in_place_of_status(413, 400)},
    {"mutation 2.6 too large", "what is too much is cut off", requests("/push", [](json& b) { if (b["mutations"].size() > 10'000) b["mutations"].erase(10'000); })},
    {"mutation 2.6 credentials", "everybody pulls", lets_in("/pull")},
    {"mutation 2.6 credentials", "everybody pushes", lets_in("/push")},
    {"mutation 6.2 scope", "a stranger reads", lets_in("/pull")},
    {"mutation 13 W41", "a stranger writes", lets_in("/push")},
    {"mutation 2.2 outcomes", "an outcome is left out", answers(http_method::post, "/push", [](json& b) { if (b.contains("outcomes")) b["outcomes"].erase(0); })},
    {"mutation 2.2 outcomes", "outcomes are in another order", answers(http_method::post, "/push", [](json& b) { if (b.contains("outcomes")) std::reverse(b["outcomes"].begin(), b["outcomes"].end()); })},
    {"mutation 2.2 outcomes", "versions are not told", answers(http_method::post, "/push", [](json& b) { if (b.contains("outcomes")) for (auto& o : b["outcomes"]) o["row_version"] = 0; })},
    {"mutation 2.2 outcomes", "unknown columns are lost", requests("/push", [](json& b) { for (auto& m : b["mutations"]) if (m.is_object() && m.contains("payload") && m["payload"].is_object()) m["payload"].erase("no_such_column"); })},
    {"mutation 2.2 outcomes", "versions fall", answers(http_method::post, "/push", [](json& b) { int n = 9; if (b.contains("outcomes")) for (auto& o : b["outcomes"]) o["row_version"] = --n; })},
    {"mutation 2.2 outcomes", "an unknown column is another reason", answers(http_method::post, "/push", [](json& b) { if (b.contains("outcomes")) for (auto& o : b["outcomes"]) if (o.value("reason", "") == "unknown_field") o["reason"] = "error"; })},
    {"mutation 2.2 epoch", "a push is refused without a code", answers(http_method::post, "/push", [](json& b) { b.erase("error"); }, 409)},
    {"mutation 2.2 epoch", "a pull is refused without a code", answers(http_method::post, "/pull", [](json& b) { b.erase("error"); }, 409)},
    {"mutation 2.2 epoch", "incarnations are not told apart", requests("/tether/", [](json& b) { b.erase("epoch"); })},
};

}  // namespace

TEST_CASE("mutation guard clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("task"), all, check); }

TEST_CASE("mutation guard clauses: what a server may do otherwise, and what its subject may leave out") {
    expect_kept(subject_of_own("task"), {{"mutation 2.6 malformed", "a push without a body is 400", [](const request& r, const next_hop& next) { return r.body.empty() ? json_error(400, "empty", "no body") : next(r); }},
                                         {"mutation 2.6 credentials", "somebody unknown is forbidden", in_place_of_status(401, 403)}},
                check);
    auto original = subject_of_own("task");
    original.profile = wire_profile::original;
    expect_kept(original, {{"mutation 2 endpoints", "a method that is not there is 404", in_place_of_status(405, 404)}}, check);
    expect_caught(original, {{"mutation 2 endpoints", "any method will do", in_place_of_status(405, 200)}, {"mutation 2 endpoints", "a method is a failure of the server", in_place_of_status(405, 500)}}, check);
    auto few = subject_of_own("task");
    few.largest_body.reset();
    expect_kept(few, {{"mutation 2.6 too large", "it bounds the number of mutations alone", [](const request& r, const next_hop& next) { return next(r); }}}, check);
}

}  // namespace mutation_guard_clauses_test
