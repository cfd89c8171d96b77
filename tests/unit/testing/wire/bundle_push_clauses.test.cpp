#include <syncline/testing/wire/bundle_push_clauses.hpp>

#include "unit/testing/wire/subjects.hpp"

#include <map>
#include <memory>

namespace bundle_push_clauses_test {

using namespace wire_kit;

namespace {

const auto check = [](auto& line, const wire_subject& s) {
    report out;
    seeded_random random{7};
    wire_run run([&line](const request& r) { return line(r); }, s, random, out);
    bundle_speaker say(run);
    check_bundle_push(say);
    check_bundle_conflicts(say);
    return out;
};

damage created(std::function<void(json&)> change) {
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        if (r.method != http_method::post || !r.path.ends_with("/push-sessions") || a.status != 200) return a;
        json body = body_of(a.body);
        change(body);
        a.body = body.dump();
        return a;
    };
}
damage committed(std::function<void(json&)> change) { return answers(http_method::post, "/commit", std::move(change)); }
damage conflicting(std::function<void(json&)> change) {
    return answers(http_method::post, "/commit", [=](json& b) { if (b.contains("conflict")) change(b["conflict"]); }, 409);
}
std::string source_of(const request& r) { return std::string{find_header(r.headers, "Oversync-Source-ID").value_or("")}; }
std::string session_of(const request& r) {
    const std::string before = "/push-sessions/";
    const auto at = r.path.find(before);
    return at == std::string::npos ? std::string{} : r.path.substr(at + before.size(), 36);
}

// A bundle that comes again is a new one to the server, from a source that it has not seen.
damage forgets_bundles() {
    auto sources = std::make_shared<std::map<std::string, int>>();
    return [=](const request& r, const next_hop& next) {
        request other = r;
        const std::string source = source_of(r);
        json body = body_of(r.body);
        if (r.method == http_method::post && r.path.ends_with("/push-sessions") && body.value("source_bundle_id", 0) == 1) ++(*sources)[source];
        if (r.path.find("/push-sessions") != std::string::npos) set_header(other.headers, "Oversync-Source-ID", source + "-" + std::to_string((*sources)[source]));
        return next(other);
    };
}
// A session may be driven by every source.
damage lends_sessions() {
    auto owners = std::make_shared<std::map<std::string, std::string>>();
    return [=](const request& r, const next_hop& next) {
        request other = r;
        if (const auto known = owners->find(session_of(r)); known != owners->end()) set_header(other.headers, "Oversync-Source-ID", known->second);
        response a = next(other);
        if (r.path.ends_with("/push-sessions") && a.status == 200) (*owners)[body_of(a.body).value("push_id", "")] = source_of(r);
        return a;
    };
}
// Of a bundle that conflicts, the other rows are applied.
damage applies_in_part() {
    auto rows = std::make_shared<std::map<std::string, json>>();
    auto count = std::make_shared<int>(0);
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        const json sent = body_of(r.body);
        if (asks(r, http_method::post, "/chunks") && a.status == 200)
            for (const auto& row : sent["rows"]) (*rows)[session_of(r)].push_back(row);
        if (!asks(r, http_method::post, "/commit") || a.status != 409) return a;
        const json refused = body_of(a.body);
        for (const auto& row : (*rows)[session_of(r)]) {
            if (row["key"] == refused["conflict"]["key"]) continue;
            request step{http_method::post, "/sync/push-sessions", r.headers, R"({"source_bundle_id":1,"planned_row_count":1})"};
            set_header(step.headers, "Oversync-Source-ID", "part-" + std::to_string(++*count));
            step.path += "/" + body_of(next(step).body)["push_id"].get<std::string>();
            request chunk = step, commit = step;
            chunk.path += "/chunks";
            chunk.body = json{{"start_row_ordinal", 0}, {"rows", json::array({row})}}.dump();
            next(chunk);
            commit.path += "/commit";
            commit.body.clear();
            next(commit);
        }
        return a;
    };
}
// Changes are taken whatever version they were made on: a change that conflicts is laid on the version that is there.
damage takes_any_version() {
    auto rows = std::make_shared<std::map<std::string, std::string>>();
    auto count = std::make_shared<int>(0);
    return [=](const request& r, const next_hop& next) {
        if (asks(r, http_method::post, "/chunks")) (*rows)[session_of(r)] = r.body;
        response a = next(r);
        if (!asks(r, http_method::post, "/commit") || a.status != 409) return a;
        const json refused = body_of(a.body);
        json chunk = body_of((*rows)[session_of(r)]);
        for (auto& row : chunk["rows"]) {
            if (row["key"] != refused["conflict"]["key"]) continue;
            row["base_row_version"] = refused["conflict"]["server_row_version"];
            if (row["op"] == "INSERT" && !refused["conflict"]["server_row"].is_null()) row["op"] = "UPDATE";
        }
        request step{http_method::post, "/sync/push-sessions", r.headers, json{{"source_bundle_id", 1}, {"planned_row_count", chunk["rows"].size()}}.dump()};
        set_header(step.headers, "Oversync-Source-ID", "any-" + std::to_string(++*count));
        step.path += "/" + body_of(next(step).body)["push_id"].get<std::string>();
        request sent = step, commit = step;
        sent.path += "/chunks";
        sent.body = chunk.dump();
        next(sent);
        commit.path += "/commit";
        commit.body.clear();
        return next(commit);
    };
}

// A snapshot has the records of chunks, whether they were committed or not; of each chunk all, or the last one.
damage reads_uncommitted(bool last_alone) {
    auto keys = std::make_shared<std::vector<std::string>>();
    return [=](const request& r, const next_hop& next) {
        if (asks(r, http_method::post, "/chunks")) {
            const std::string before = R"("key":{"id":")";
            std::vector<std::string> here;
            for (auto at = r.body.find(before); at != std::string::npos; at = r.body.find(before, at + 1)) here.push_back(r.body.substr(at + before.size(), 36));
            if (!here.empty()) keys->insert(keys->end(), last_alone ? here.end() - 1 : here.begin(), here.end());
        }
        response a = next(r);
        json body = body_of(a.body);
        if (!asks(r, http_method::get, "/snapshot-sessions/") || a.status != 200 || body["has_more"].get<bool>()) return a;
        for (const auto& key : *keys) body["rows"].push_back({{"schema", "public"}, {"table", "tasks"}, {"key", {{"id", key}}}, {"row_version", 1}, {"payload", {{"id", key}}}});
        a.body = body.dump();
        return a;
    };
}
damage chunked(std::function<void(json&)> change) { return answers(http_method::post, "/chunks", std::move(change)); }
damage told(std::function<void(json&)> change) { return answers(http_method::get, "/capabilities", std::move(change)); }
// A chunk that comes again is refused, with this code.
damage refuses_again(std::string code) {
    return [code, seen = std::make_shared<std::set<std::string>>()](const request& r, const next_hop& next) {
        response a = next(r);
        return asks(r, http_method::post, "/chunks") && a.status == 200 && !seen->insert(r.path + r.body).second ? json_error(409, code, "that was it") : a;
    };
}

const std::vector<broken_server> all{
    {"bundle 1.4 create", "a gap is a session", in_place_of("source_sequence_out_of_order", 200, R"({"push_id":"x","status":"staging"})")},
    {"bundle 1.4 create", "any number will do", in_place_of("push_session_invalid", 200)},
    {"bundle 1.4 create", "the number of rows is not told", created([](json& b) { b.erase("planned_row_count"); })},
    {"bundle 1.4 create", "a session is told as a text", plain(http_method::post, "/push-sessions")},
    {"bundle 1.4 create", "a session is in another state", created([](json& b) { b["status"] = "open"; })},
    {"bundle 1.4 create", "a session has no id", created([](json& b) { b.erase("push_id"); })},
    {"bundle 1.4 create", "bad JSON cannot be processed", in_place_of("invalid_request", 422, R"({"error":"unprocessable"})")},
    {"bundle 1.4 create", "bad JSON has no code", in_place_of("invalid_request", 400)},
    {"bundle 1.5 chunk", "a chunk is told as a text", plain(http_method::post, "/chunks")},
    {"bundle 1.5 chunk", "a chunk is of another session", chunked([](json& b) { b["push_id"] = "x"; })},
    {"bundle 1.5 chunk", "a row may be left out", in_place_of("push_chunk_out_of_order", 200)},
    {"bundle 1.5 chunk", "no session is needed", in_place_of("push_session_not_found", 200)},
    {"bundle 1.5 chunk", "it does not say which row is next", answers(http_method::post, "/chunks", [](json& b) { b.erase("next_expected_row_ordinal"); })},
    {"bundle 1.5 chunk", "a chunk that comes again is refused", refuses_again("push_chunk_out_of_order")},
    {"bundle 1.5 bad rows", "a commit is told with another status", told_with(http_method::post, "/commit", 200, 201)},
    {"bundle 1.2 limits", "a chunk that is too long has no code", in_place_of("push_chunk_invalid", 400)},
    {"bundle 1.2 limits", "there are none", told([](json& b) { b["bundle_limits"] = {{"max_rows_per_push_chunk", 0}, {"max_bundles_per_pull", 0}}; })},
    {"bundle 1.1 too large", "what is refused is written", reads_uncommitted(false)},
    {"bundle 1.6 commit", "a commit is told with another status", told_with(http_method::post, "/commit", 200, 201)},
    {"bundle 1.6 commit", "a commit is told as a text", plain(http_method::post, "/commit")},
    {"bundle 1.6 commit", "there are no rows", committed([](json& b) { b["row_count"] = 0; })},
    {"bundle 1.6 commit", "it has another number", committed([](json& b) { b["source_bundle_id"] = 9; })},
    {"bundle 1.7 drop", "nothing has a body", [](const request& r, const next_hop& next) {
         response a = next(r);
         if (r.method == http_method::erase && a.status == 204) a.body = "{}";
         return a;
     }},
    {"bundle 2.2 abandoned", "what was given up is written", reads_uncommitted(false)},
    {"bundle 2.2 abandoned", "nothing is written", answers(http_method::get, "/snapshot-sessions/", [](json& b) { b["rows"] = json::array(), b["has_more"] = false; })},
    {"bundle 2.2 atomic", "the last row is written", reads_uncommitted(true)},
    {"bundle 3.1 live row", "a conflict is a list", conflicting([](json& c) { c = json::array(); })},
    {"bundle 3.1 live row", "the key is not told", conflicting([](json& c) { c.erase("key"); })},
    {"bundle 3.1 live row", "the key is another", conflicting([](json& c) { c["key"]["id"] = "x"; })},
    {"bundle 3.1 live row", "the change is another", conflicting([](json& c) { c["op"] = "UPSERT"; })},
    {"bundle 3.1 live row", "there is no row at all", conflicting([](json& c) { c.erase("server_row"); })},
    {"bundle 1.5 bad rows", "any row will do", in_place_of("push_chunk_invalid", 200)},
    {"bundle 1.5 bad rows", "a session ends with a bad row", [ended = std::make_shared<std::set<std::string>>()](const request& r, const next_hop& next) {
         response a = next(r);
         if (!asks(r, http_method::post, "/chunks")) return a;
         if (a.status == 400) ended->insert(r.path);
         return ended->count(r.path) == 1 && a.status == 200 ? json_error(404, "push_session_not_found", "gone") : a;
     }},
    {"bundle 1.5 bad rows", "unknown columns are lost", requests("/chunks", [](json& b) { if (b.contains("rows")) for (auto& r : b["rows"]) if (r.contains("payload") && r["payload"].is_object()) r["payload"].erase("no_such_column"); })},
    {"bundle 1.2 limits", "a page is as long as it likes", in_place_of("invalid_request", 200)},
    {"bundle 1.2 limits", "a chunk is as long as it likes", in_place_of("push_chunk_invalid", 200)},
    {"bundle 1.1 too large", "a bound that is not told", in_place_of_status(413, 500)},
    {"bundle 1.6 commit", "half a bundle is committed", in_place_of("push_commit_invalid", 200)},
    {"bundle 1.6 commit", "a bundle is committed twice", in_place_of("push_session_not_found", 200)},
    {"bundle 1.6 commit", "a row is not counted", committed([](json& b) { b["row_count"] = 1; })},
    {"bundle 1.6 commit", "the hash is not told", committed([](json& b) { b["bundle_hash"] = ""; })},
    {"bundle 1.7 drop", "a session is not given up", [](const request& r, const next_hop& next) { return r.method == http_method::erase ? response{204, {}, {}} : next(r); }},
    {"bundle 1.7 drop", "an answer has a body", [](const request& r, const next_hop& next) {
         response a = next(r);
         return r.method == http_method::erase && a.status == 204 ? json_response(200, "{}") : a;
     }},
    {"bundle 2.2 replay", "it applies twice", forgets_bundles()},
    {"bundle 2.2 replay", "a replay has another number", created([](json& b) { if (b["status"] == "already_committed") b["bundle_seq"] = b["bundle_seq"].get<std::int64_t>() + 1; })},
    {"bundle 2.2 abandoned", "an abandoned session lives on", [ids = std::make_shared<std::map<std::string, response>>()](const request& r, const next_hop& next) {
         if (r.method != http_method::post || !r.path.ends_with("/push-sessions")) return next(r);
         const auto known = ids->find(source_of(r));
         return known == ids->end() ? ids->emplace(source_of(r), next(r)).first->second : known->second;
     }},
    {"bundle 2.2 own session", "every source drives it", lends_sessions()},
    {"bundle 2.2 atomic", "the rest of it is applied", applies_in_part()},
    {"bundle 2.2 atomic", "a conflict is overwritten", takes_any_version()},
    {"bundle 3.1 live row", "the last one wins", takes_any_version()},
    {"bundle 3.1 live row", "the server's row is not told", conflicting([](json& c) { c["server_row"] = nullptr; })},
    {"bundle 3.1 live row", "the version is not told", conflicting([](json& c) { c["server_row_version"] = 0; })},
    {"bundle 3.1 live row", "the base is another", conflicting([](json& c) { c["base_row_version"] = c["server_row_version"]; })},
    {"bundle 3.1 absent row", "that it was deleted is not told", conflicting([](json& c) { c["server_row_deleted"] = false; })},
    {"bundle 3.1 absent row", "a tombstone needs not be known", takes_any_version()},
};

}  // namespace

TEST_CASE("bundle push clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("tasks"), all, check); }

TEST_CASE("bundle push clauses: what a server may do otherwise, and what is known of the original") {
    expect_kept(subject_of_own("tasks"),
                {{"bundle 1.2 limits", "a chunk that is too long is too large", in_place_of("push_chunk_invalid", 413)},
                 {"bundle 1.2 limits", "chunks are hardly bounded", told([](json& b) { b["bundle_limits"]["max_rows_per_push_chunk"] = 30'000; })},
                 {"bundle 1.2 limits", "pulls alone are bounded", told([](json& b) { b["bundle_limits"].erase("max_rows_per_push_chunk"); })}},
                check);
    auto original = subject_of_own("tasks");
    original.profile = wire_profile::original;
    expect_kept(original, {{"bundle 1.5 chunk", "a chunk that comes again is out of order", refuses_again("push_chunk_out_of_order")}}, check);
    expect_caught(original, {{"bundle 1.5 chunk", "a chunk that comes again is an error", refuses_again("internal")}}, check);
}

}  // namespace bundle_push_clauses_test
