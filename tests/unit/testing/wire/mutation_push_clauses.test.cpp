#include <syncline/testing/wire/mutation_push_clauses.hpp>

#include "unit/testing/wire/subjects.hpp"

#include <map>
#include <memory>

namespace mutation_push_clauses_test {

using namespace wire_kit;

namespace {

const auto check = [](auto& line, const wire_subject& s) {
    report out;
    seeded_random random{7};
    wire_run run([&line](const request& r) { return line(r); }, s, random, out);
    mutation_speaker say(run);
    check_mutation_push(say);
    return out;
};

std::string in_place_of_all(std::string text, const std::string& was, const std::string& now) {
    for (std::size_t at = 0; (at = text.find(was, at)) != std::string::npos; at += now.size()) text.replace(at, was.size(), now);
    return text;
}

// The server never knows a mutation again: each comes to it under an id of its own. Its answers name the ids that were sent.
damage forgets_receipts() {
    auto count = std::make_shared<int>(0);
    return [=](const request& r, const next_hop& next) {
        if (!asks(r, http_method::post, "/push")) return next(r);
        request other = r;
        json body = body_of(r.body);
        std::map<std::string, std::string> was;
        for (auto& m : body["mutations"]) {
            const std::string id = m["mutation_id"], now = "again-" + std::to_string(++*count);
            was[now] = id;
            m["mutation_id"] = now;
        }
        other.body = body.dump();
        response a = next(other);
        for (const auto& [now, id] : was) a.body = in_place_of_all(a.body, "\"" + now + "\"", "\"" + id + "\"");
        return a;
    };
}
// All devices are one to the server, so that nobody changes anything behind another's back.
damage one_device() {
    return requests("/tether/", [](json& b) { b["client_id"] = "one"; });
}
// Every update is taken for one of the current row, whatever its device had seen: its row overwrites the one that is there.
damage overwrites_rows() {
    return [](const request& r, const next_hop& next) {
        if (!asks(r, http_method::post, "/push")) return next(r);
        request look = r, other = r;
        look.path = "/tether/pull";
        look.body = R"({"client_id":"look","last_sync_cursor":null,"syncline":1})";
        const json there = body_of(next(look).body);
        json body = body_of(r.body);
        for (auto& m : body["mutations"])
            for (const auto& row : there["snapshots"])
                if (row["entity_id"] == m["entity_id"]) m["base"] = {{"row_version", row["row_version"]}};
        body["syncline"] = 1;
        other.body = body.dump();
        return next(other);
    };
}
// What was refused is refused otherwise when it comes again: as an error, and no more as absent.
damage changes_its_mind() {
    auto refused = std::make_shared<std::set<std::string>>();
    return answers(http_method::post, "/push", [=](json& b) {
        json kept = json::array();
        for (auto& e : b["conflicts"])
            if (refused->insert(e["mutation_id"].get<std::string>()).second) kept.push_back(e);
            else b["rejected"].push_back({{"mutation_id", e["mutation_id"]}, {"reason", "error"}, {"data", json::object()}});
        b["conflicts"] = kept;
    });
}
// What fails by validation is told with @p data.
damage validates(json data) {
    return answers(http_method::post, "/push", [=](json& b) {
        for (auto& e : b["rejected"]) {
            if (e["data"].dump().find("operation") == std::string::npos && b["rejected"].size() > 1 && &e != &b["rejected"].back()) continue;
            e["reason"] = "validation_failed";
            if (data.is_null()) e.erase("data");
            else e["data"] = data;
        }
    });
}
damage push_answer(std::function<void(json&)> change) { return answers(http_method::post, "/push", std::move(change)); }
// Mutations with @p operation are told to be applied, and are not.
damage swallows(const std::string& operation) {
    return [=](const request& r, const next_hop& next) {
        if (!asks(r, http_method::post, "/push")) return next(r);
        json body = body_of(r.body), rest = json::array(), swallowed = json::array();
        for (const auto& m : body["mutations"]) (m["operation"] == operation ? swallowed : rest).push_back(m);
        body["mutations"] = rest;
        request other = r;
        other.body = body.dump();
        response a = next(other);
        json told = body_of(a.body);
        for (const auto& m : swallowed) told["applied"].push_back(m["mutation_id"]);
        a.body = told.dump();
        return a;
    };
}

const std::vector<broken_server> all{
    {"mutation 2.1 request", "a namespace makes a model unknown", requests("/push", [](json& b) { for (auto& m : b["mutations"]) if (m["model"] == "App\\Models\\task") m["model"] = "App.Models.task"; })},
    {"mutation 2.1 request", "a fraction makes a timestamp unreadable", requests("/push", [](json& b) { for (auto& m : b["mutations"]) if (m["timestamp"].is_number_float()) m["timestamp"] = "no"; })},
    {"mutation 2.2 answer", "a list is left out", push_answer([](json& b) { b.erase("conflicts"); })},
    {"mutation 2.2 answer", "an applied mutation is rejected too", push_answer([](json& b) { for (auto& id : b["applied"]) b["rejected"].push_back({{"mutation_id", id}, {"reason", "error"}, {"data", json::array()}}); })},
    {"mutation 2.2 answer", "an id is not told of", push_answer([](json& b) { if (!b["applied"].empty()) b["applied"].erase(0); })},
    {"mutation 2.2 answer", "a conflict has no data", push_answer([](json& b) { for (auto& e : b["conflicts"]) e.erase("data"); })},
    {"mutation 2.2 answer", "the data of a conflict are a text", push_answer([](json& b) { for (auto& e : b["conflicts"]) e["data"] = "none"; })},
    {"mutation 2.2 answer", "a conflict has no id", push_answer([](json& b) { for (auto& e : b["conflicts"]) e.erase("mutation_id"); })},
    {"mutation 2.2 answer", "a conflict has no reason", push_answer([](json& b) { for (auto& e : b["conflicts"]) e.erase("reason"); })},
    {"mutation 2.2 neighbours", "one bad mutation fails the push", [](const request& r, const next_hop& next) {
         return asks(r, http_method::post, "/push") && r.body.find("NoSuchModel") != std::string::npos ? json_response(422, "{}") : next(r);
     }},
    {"mutation 2.2 neighbours", "what comes after a bad mutation is not applied", requests("/push", [](json& b) {
         json kept = json::array();
         bool bad = false;
         for (auto& m : b["mutations"]) {
             if (bad) m["model"] = "NoSuchModel";
             bad = bad || m["model"] == "NoSuchModel";
             kept.push_back(m);
         }
         b["mutations"] = kept;
     })},
    {"mutation 2.2 neighbours", "what is wrong is not told", push_answer([](json& b) { b["rejected"] = json::array(); })},
    {"mutation 2.3 reasons", "reasons have names of their own", push_answer([](json& b) { for (auto& e : b["rejected"]) e["reason"] = "E42"; })},
    {"mutation 2.3 reasons", "what is absent is not told", push_answer([](json& b) { b["conflicts"] = json::array(); })},
    {"mutation 2.3 reasons", "what fails by validation has no data", validates(nullptr)},
    {"mutation 2.3 reasons", "what fails by validation has no messages", validates(json::object())},
    {"mutation 2.3 reasons", "messages are a list", validates({{"messages", json::array()}})},
    {"mutation 2.4 refused again", "it is refused for another reason", changes_its_mind()},
    {"mutation 2.4 retry", "it applies twice", forgets_receipts()},
    {"mutation 2.4 retry", "what comes again is an error", [seen = std::make_shared<std::set<std::string>>()](const request& r, const next_hop& next) {
         response a = next(r);
         if (!asks(r, http_method::post, "/push") || seen->insert(r.body).second) return a;
         return json_response(200, R"({"applied":[],"rejected":[],"conflicts":[]})");
     }},
    {"mutation 2.4 refused again", "what was refused is judged anew", [inner = forgets_receipts()](const request& r, const next_hop& next) {
         request other = r;
         if (asks(r, http_method::post, "/push")) {
             json body = body_of(r.body);
             body["client_id"] = "one";
             other.body = body.dump();
         }
         return inner(other, next);
     }},
    {"mutation 2.4 other content", "an id may be used again", forgets_receipts()},
    {"mutation 2.4 other content", "an id that is used again counts as applied", push_answer([](json& b) {
         for (auto& e : b["rejected"]) b["applied"].push_back(e["mutation_id"]);
         b["rejected"] = json::array();
     })},
    {"mutation 2.4 conflict", "the last one wins", one_device()},
    {"mutation 2.4 conflict", "the server's row is not told", push_answer([](json& b) { for (auto& e : b["conflicts"]) e["data"]["server_state"] = json::object(); })},
    {"mutation 2.4 conflict", "a conflict counts as applied", push_answer([](json& b) {
         for (auto& e : b["conflicts"]) b["applied"].push_back(e["mutation_id"]);
         b["conflicts"] = json::array();
     })},
    {"mutation 2.4 conflict", "the current row is overwritten", overwrites_rows()},
    {"mutation 2.4 fields", "whole rows overwrite each other", overwrites_rows()},
    {"mutation 2.5 apply", "updates are not applied", swallows("update")},
    {"mutation 2.5 apply", "deletes are not applied", swallows("delete")},
    {"mutation 2.5 apply", "an unknown column is an error", [](const request& r, const next_hop& next) {
         return r.body.find("no_such_column") != std::string::npos ? json_response(200, R"({"applied":[],"rejected":[],"conflicts":[]})") : next(r);
     }},
    {"mutation 2.5 create again", "a create overwrites", one_device()},
};

}  // namespace

TEST_CASE("mutation push clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("task"), all, check); }

TEST_CASE("mutation push clauses: what a server may do otherwise") {
    expect_kept(subject_of_own("task"), {{"mutation 2.2 answer", "the data of a conflict are a list", push_answer([](json& b) { for (auto& e : b["conflicts"]) e["data"] = json::array(); })},
                                         {"mutation 2.3 reasons", "an operation that there is not fails by validation", validates({{"messages", {{"operation", "is none"}}}})}},
                check);
}

}  // namespace mutation_push_clauses_test
