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

// Cursors that fall from page to page, and are understood all the same.
damage falling_cursors() {
    constexpr std::int64_t top = 1'000'000;
    return [=](const request& r, const next_hop& next) {
        if (!asks(r, http_method::post, "/pull")) return next(r);
        json sent = body_of(r.body);
        if (sent["last_sync_cursor"].is_number()) sent["last_sync_cursor"] = top - sent["last_sync_cursor"].get<std::int64_t>();
        request other = r;
        other.body = sent.dump();
        response a = next(other);
        json body = body_of(a.body);
        if (body["new_sync_cursor"].is_number()) body["new_sync_cursor"] = top - body["new_sync_cursor"].get<std::int64_t>();
        a.body = body.dump();
        return a;
    };
}
damage refusals(std::function<void(json&)> change) { return answers(http_method::post, "/pull", std::move(change), 422); }
// A delete stands among the rows of a first pull.
damage tells_a_delete(json payload) {
    return pull_answer([=](json& b) {
        json row{{"entity_id", "gone"}, {"model", "task"}, {"operation", "delete"}};
        if (!payload.is_null()) row["payload"] = payload;
        b["snapshots"].push_back(row);
    });
}

// Pages have no limit, and the first is the last.
damage one_page() {
    return [](const request& r, const next_hop& next) { return requests("/pull", [](json& b) { b.erase("limit"); })(r, [&](const request& all) { return pull_answer([](json& b) { b["has_more"] = false; })(all, next); }); };
}
// With a delete come deletes of all that was ever pushed.
damage deletes_all() {
    auto pushed = std::make_shared<std::set<std::string>>();
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        const json sent = body_of(r.body);
        if (asks(r, http_method::post, "/push"))
            for (const auto& m : sent["mutations"]) pushed->insert(m["entity_id"].get<std::string>());
        json body = body_of(a.body);
        if (!asks(r, http_method::post, "/pull") || a.body.find("\"delete\"") == std::string::npos) return a;
        for (const auto& key : *pushed) body["snapshots"].push_back({{"entity_id", key}, {"model", "task"}, {"operation", "delete"}});
        a.body = body.dump();
        return a;
    };
}

const std::vector<broken_server> all{
    {"mutation 3 answer", "whether there is more is a number", pull_answer([](json& b) { b["has_more"] = b["has_more"].get<bool>() ? 1 : 0; })},
    {"mutation 3 answer", "the cursor is a text", pull_answer([](json& b) { b["new_sync_cursor"] = b["new_sync_cursor"].dump(); })},
    {"mutation 3 answer", "a row has no key", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row["entity_id"] = nullptr; })},
    {"mutation 3 answer", "an upsert has a list for its columns", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row["payload"] = json::array(); })},
    {"mutation 3 answer", "a row has no model", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row.erase("model"); })},
    {"mutation 3 answer", "a row has no operation", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row.erase("operation"); })},
    {"mutation 3 answer", "an upsert has no columns", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row.erase("payload"); })},
    {"mutation 3 answer", "a delete has columns", tells_a_delete({{"title", "x"}})},
    {"mutation 3 answer", "a cursor is needed", [](const request& r, const next_hop& next) {
         return asks(r, http_method::post, "/pull") && r.body.find("last_sync_cursor") == std::string::npos ? json_response(422, "{}") : next(r);
     }},
    {"mutation 3 pages", "a page loses its last row", pull_answer([](json& b) { if (b["snapshots"].size() > 1) b["snapshots"].erase(b["snapshots"].size() - 1); })},
    {"mutation 3 pages", "a row comes with two pages", repeats_a_row()},
    {"mutation 3 pages", "a page is as long as it likes", requests("/pull", [](json& b) { b.erase("limit"); })},
    {"mutation 3 pages", "a walk ends too early", pull_answer([](json& b) { b["has_more"] = false; })},
    {"mutation 3 pages", "the cursor stands still", pull_answer([](json& b) { if (b["has_more"].get<bool>()) b["new_sync_cursor"] = 7; })},
    {"mutation 3 pages", "the cursor falls", falling_cursors()},
    {"mutation 3 commit order", "rows come in the order of their keys", pull_answer([](json& b) {
         std::sort(b["snapshots"].begin(), b["snapshots"].end(), [](const json& x, const json& y) { return x["entity_id"] < y["entity_id"]; });
     })},
    {"mutation 3 commit order", "what came before comes again", requests("/pull", [](json& b) { if (b["last_sync_cursor"].is_number() && b["last_sync_cursor"].get<std::int64_t>() > 0 && !b.contains("limit")) b["last_sync_cursor"] = b["last_sync_cursor"].get<std::int64_t>() - 1; })},
    {"mutation 3 interleaved", "what is written meanwhile is passed over", passes_over_what_is_written_meanwhile()},
    {"mutation 3 interleaved", "rows come as deletes", pull_answer([](json& b) { for (auto& row : b["snapshots"]) row["operation"] = "delete"; })},
    {"mutation 3 bad cursor", "a refusal is a failure of the server", in_place_of_status(422, 500)},
    {"mutation 3 bad cursor", "a refusal is a text", plain(http_method::post, "/pull", 422)},
    {"mutation 3 bad cursor", "a refusal has a code alone", refusals([](json& b) { b.erase("message"); })},
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
    {"mutation 3 tombstone", "every record goes with one", deletes_all()},
    {"mutation 3 tombstone", "a delete comes as a row of nulls", pull_answer([](json& b) {
         for (auto& row : b["snapshots"])
             if (row["operation"] == "delete") row["operation"] = "upsert", row["payload"] = {{"title", nullptr}};
     })},
};

}  // namespace

TEST_CASE("mutation pull clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("task"), all, check); }

TEST_CASE("mutation pull clauses: what a server may do otherwise, and what is known of the original") {
    expect_kept(subject_of_own("task"),
                {{"mutation 3 answer", "the cursor of a first pull is null", pull_answer([](json& b) { b["new_sync_cursor"] = nullptr; })},
                 {"mutation 3 answer", "a delete has no columns", tells_a_delete(nullptr)},
                 {"mutation 3 answer", "a delete has an empty list of columns", tells_a_delete(json::array())},
                 {"mutation 3 interleaved", "everything comes with one page", one_page()}},
                check);
    auto original = subject_of_own("task");
    original.profile = wire_profile::original;
    expect_caught(original, {{"mutation 3 pages", "rows do not come", pull_answer([](json& b) { b["snapshots"] = json::array(); })},
                             {"mutation 3 pages", "the cursor falls", falling_cursors()}},
                  check);
}

}  // namespace mutation_pull_clauses_test
