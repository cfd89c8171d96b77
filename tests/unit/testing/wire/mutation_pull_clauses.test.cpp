#include <syncline/testing/wire/mutation_pull_clauses.hpp>

#include "unit/testing/wire/subjects.hpp"

#include <memory>

namespace mutation_pull_clauses_test {

using namespace wire_kit;

namespace {

const auto check = [](auto& line, const wire_subject& s) {
    report out;
    seeded_random random{7};
    wire_run run([&line](const request& r) { return line(r); }, s, random, out);
    mutation_speaker say(run);
    check_mutation_pull(say);
    return out;
};

damage pull_answer(std::function<void(json&)> change) { return answers(http_method::post, "/pull", std::move(change)); }

// What is pushed between two pages of a walk is passed over, as by a server that reads where it stood when the walk began.
damage passes_over_what_is_written_meanwhile() {
    auto walking = std::make_shared<bool>(false);
    auto written = std::make_shared<std::set<std::string>>();
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        const json sent = body_of(r.body);
        if (asks(r, http_method::post, "/push") && *walking)
            for (const auto& m : sent["mutations"]) written->insert(m["entity_id"].get<std::string>());
        if (!asks(r, http_method::post, "/pull") || !sent.contains("limit")) return a;
        json body = body_of(a.body), rows = json::array();
        *walking = body["has_more"].get<bool>();
        for (const auto& row : body["snapshots"])
            if (written->count(row["entity_id"].get<std::string>()) == 0) rows.push_back(row);
        body["snapshots"] = rows;
        a.body = body.dump();
        return a;
    };
}
// The row before the cursor comes with the page after it.
damage repeats_a_row() {
    auto last = std::make_shared<json>();
    return pull_answer([=](json& b) {
        const json before = *last;
        if (!b["snapshots"].empty()) *last = b["snapshots"].back();
        if (!b["snapshots"].empty() && !before.is_null()) b["snapshots"].insert(b["snapshots"].begin(), before);
    });
}

const std::vector<broken_server> all{
    {"mutation 3 answer", "whether there is more is a number", pull_answer([](json& b) { b["has_more"] = b["has_more"].get<bool>() ? 1 : 0; })},
    {"mutation 3 answer", "the cursor is a text", pull_answer([](json& b) { b["new_sync_cursor"] = b["new_sync_cursor"].dump(); })},
    {"mutation 3 answer", "a row has no key", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row["entity_id"] = nullptr; })},
    {"mutation 3 answer", "an upsert has a list for its columns", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row["payload"] = json::array(); })},
    {"mutation 3 answer", "a cursor is needed", [](const request& r, const next_hop& next) {
         return asks(r, http_method::post, "/pull") && r.body.find("last_sync_cursor") == std::string::npos ? json_response(422, "{}") : next(r);
     }},
    {"mutation 3 pages", "a page loses its last row", pull_answer([](json& b) { if (b["snapshots"].size() > 1) b["snapshots"].erase(b["snapshots"].size() - 1); })},
    {"mutation 3 pages", "a row comes with two pages", repeats_a_row()},
    {"mutation 3 pages", "a page is as long as it likes", requests("/pull", [](json& b) { b.erase("limit"); })},
    {"mutation 3 pages", "a walk ends too early", pull_answer([](json& b) { b["has_more"] = false; })},
    {"mutation 3 pages", "the cursor stands still", pull_answer([](json& b) { if (b["has_more"].get<bool>()) b["new_sync_cursor"] = 7; })},
    {"mutation 3 commit order", "rows come in the order of their keys", pull_answer([](json& b) {
         std::sort(b["snapshots"].begin(), b["snapshots"].end(), [](const json& x, const json& y) { return x["entity_id"] < y["entity_id"]; });
     })},
    {"mutation 3 commit order", "what came before comes again", requests("/pull", [](json& b) { if (b["last_sync_cursor"].is_number() && b["last_sync_cursor"].get<std::int64_t>() > 0 && !b.contains("limit")) b["last_sync_cursor"] = b["last_sync_cursor"].get<std::int64_t>() - 1; })},
    {"mutation 3 interleaved", "what is written meanwhile is passed over", passes_over_what_is_written_meanwhile()},
    {"mutation 3 bad cursor", "any cursor will do", [](const request& r, const next_hop& next) {
         response a = next(r);
         return asks(r, http_method::post, "/pull") && a.status >= 400 ? json_response(200, R"({"snapshots":[],"new_sync_cursor":null,"has_more":false})") : a;
     }},
    {"mutation 3 bad cursor", "a refusal says nothing", [](const request& r, const next_hop& next) {
         response a = next(r);
         return asks(r, http_method::post, "/pull") && a.status >= 400 ? json_response(a.status, "{}") : a;
     }},
    {"mutation 3 tombstone", "deletes do not come", pull_answer([](json& b) {
         json kept = json::array();
         for (auto& row : b["snapshots"])
             if (row["operation"] != "delete") kept.push_back(row);
         b["snapshots"] = kept;
     })},
    {"mutation 3 tombstone", "a delete comes as a row of nulls", pull_answer([](json& b) {
         for (auto& row : b["snapshots"])
             if (row["operation"] == "delete") row["operation"] = "upsert", row["payload"] = {{"title", nullptr}};
     })},
};

}  // namespace

TEST_CASE("mutation pull clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("task"), all, check); }

}  // namespace mutation_pull_clauses_test
