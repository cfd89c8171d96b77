#include <syncline/testing/wire/bundle_read_clauses.hpp>

#include "unit/testing/wire/subjects.hpp"

#include <map>
#include <memory>

namespace bundle_read_clauses_test {

using namespace wire_kit;

namespace {

const auto check = [](auto& line, const wire_subject& s) {
    report out;
    seeded_random random{7};
    wire_run run([&line](const request& r) { return line(r); }, s, random, out);
    bundle_speaker say(run);
    check_bundle_pull(say);
    check_bundle_snapshots(say);
    return out;
};

damage rows(std::function<void(json&)> change) { return answers(http_method::get, "/rows", std::move(change)); }
damage pulled(std::function<void(json&)> change) { return answers(http_method::get, "/pull", std::move(change)); }
damage made_snapshot(std::function<void(json&)> change) { return answers(http_method::post, "/snapshot-sessions", std::move(change)); }
damage snapshot_page(std::function<void(json&)> change) { return answers(http_method::get, "/snapshot-sessions/", std::move(change)); }
// Requests without this field of their query.
damage without(std::string part, std::string field) {
    return [=](const request& r, const next_hop& next) {
        request other = r;
        if (r.path.find(part) != std::string::npos)
            if (const auto at = other.path.find(field + "="); at != std::string::npos) {
                auto end = other.path.find('&', at);
                other.path.erase(at, end == std::string::npos ? end : end + 1 - at);
            }
        return next(other);
    };
}
// A page of a snapshot is read from what is there now.
damage thaws() {
    return [](const request& r, const next_hop& next) {
        if (!asks(r, http_method::get, "/snapshot-sessions/")) return next(r);
        const std::string before = "/snapshot-sessions/";
        const auto at = r.path.find(before) + before.size();
        request make{http_method::post, r.path.substr(0, at - 1), r.headers, {}}, page = r;
        page.path.replace(at, 36, body_of(next(make).body)["snapshot_id"].get<std::string>());
        return next(page);
    };
}
// Whoever asks is taken for ann where the path has @p part in it.
damage lets_in(std::string part) {
    return [=](const request& r, const next_hop& next) {
        request other = r;
        if (r.path.find(part) != std::string::npos) set_header(other.headers, "Authorization", "Bearer ann");
        return next(other);
    };
}
// A session is driven by whoever knows its id.
damage lends_sessions() {
    auto owners = std::make_shared<std::map<std::string, std::vector<header>>>();
    return [=](const request& r, const next_hop& next) {
        request other = r;
        const auto at = r.path.find("/push-sessions/");
        if (at != std::string::npos)
            if (const auto known = owners->find(r.path.substr(at + 15, 36)); known != owners->end()) other.headers = known->second;
        response a = next(other);
        if (r.path.ends_with("/push-sessions") && a.status == 200) (*owners)[body_of(a.body).value("push_id", "")] = r.headers;
        return a;
    };
}

// Rows of bundles, and rows of snapshots, are changed one by one.
damage each_pulled_row(std::function<void(json&)> change) {
    return pulled([=](json& b) { for (auto& x : b["bundles"]) for (auto& r : x["rows"]) change(r); });
}
damage each_pulled_bundle(std::function<void(json&)> change) {
    return pulled([=](json& b) { for (auto& x : b["bundles"]) change(x); });
}
damage each_kept_row(std::function<void(json&)> change) {
    return snapshot_page([=](json& b) { for (auto& r : b["rows"]) change(r); });
}

const std::vector<broken_server> all{
    {"bundle 1.8 rows", "a page is told with another status", told_with(http_method::get, "/rows", 200, 206)},
    {"bundle 1.8 rows", "a page is a text", plain(http_method::get, "/rows")},
    {"bundle 1.8 rows", "the records are others", rows([](json& b) { for (auto& r : b["rows"]) r["key"]["id"] = "x"; })},
    {"bundle 1.8 rows", "the table is another", rows([](json& b) { for (auto& r : b["rows"]) r["table"] = "notes"; })},
    {"bundle 1.9 pull", "there is always more", pulled([](json& b) { b["has_more"] = true; })},
    {"bundle 1.9 pull", "there is more after the end", pulled([](json& b) { if (b["bundles"].empty()) b["has_more"] = true; })},
    {"bundle 1.9 pull", "a bundle comes after the end", pulled([](json& b) { if (b["bundles"].empty()) b["bundles"].push_back(json::object()); })},
    {"bundle 1.9 pull", "a bundle is another source's", each_pulled_bundle([](json& x) { x["source_id"] = "x"; })},
    {"bundle 1.9 pull", "a bundle has another number", each_pulled_bundle([](json& x) { x["source_bundle_id"] = 9; })},
    {"bundle 1.9 pull", "a row is of another table", each_pulled_row([](json& r) { r["table"] = "notes"; })},
    {"bundle 1.9 pull", "an insert is an update", each_pulled_row([](json& r) { r["op"] = "UPDATE"; })},
    {"bundle 2.3 order", "a bundle is another source's", each_pulled_bundle([](json& x) { x["source_id"] = "x"; })},
    {"bundle 2.3 order", "a bundle has another number", each_pulled_bundle([](json& x) { x["source_bundle_id"] = 9; })},
    {"bundle 2.3 pages", "the first of two is passed over", pulled([](json& b) { if (b["bundles"].size() > 1) b["bundles"].erase(0); })},
    {"bundle 1.11 snapshot", "it is told as a text", plain(http_method::post, "/snapshot-sessions")},
    {"bundle 1.11 snapshot", "it has no id", made_snapshot([](json& b) { b.erase("snapshot_id"); })},
    {"bundle 1.11 snapshot", "it has no rows", made_snapshot([](json& b) { b["row_count"] = 0; })},
    {"bundle 1.11 snapshot", "it does not end", made_snapshot([](json& b) { b.erase("expires_at"); })},
    {"bundle 1.11 snapshot", "a page is told with another status", told_with(http_method::get, "/snapshot-sessions/", 200, 206)},
    {"bundle 1.11 snapshot", "a page is a text", plain(http_method::get, "/snapshot-sessions/")},
    {"bundle 1.11 snapshot", "a page is of another snapshot", snapshot_page([](json& b) { b["snapshot_id"] = "x"; })},
    {"bundle 1.11 snapshot", "a page is of another moment", snapshot_page([](json& b) { b["snapshot_bundle_seq"] = 0; })},
    {"bundle 1.11 snapshot", "a page is empty", snapshot_page([](json& b) { b["rows"] = json::array(); })},
    {"bundle 1.11 snapshot", "a row has no key", each_kept_row([](json& r) { r.erase("key"); })},
    {"bundle 1.11 snapshot", "a row has no payload", each_kept_row([](json& r) { r.erase("payload"); })},
    {"bundle 1.11 snapshot", "a row has no version", each_kept_row([](json& r) { r["row_version"] = 0; })},
    {"bundle 1.11 snapshot", "a row has a later version", each_kept_row([](json& r) { r["row_version"] = 999; })},
    {"bundle 1.11 snapshot", "nothing has a body", [](const request& r, const next_hop& next) {
         response a = next(r);
         if (r.method == http_method::erase && a.status == 204) a.body = "{}";
         return a;
     }},
    {"bundle 2.4 snapshot", "it never comes", snapshot_page([](json& b) { b["rows"] = json::array(), b["has_more"] = true; })},
    {"bundle 2.4 snapshot", "what came after is not whole", pulled([](json& b) { for (auto& x : b["bundles"]) x["rows"].erase(0); })},
    {"bundle 2.5 replacement", "another took its place", answers(http_method::post, "/push-sessions", [](json& b) { b["replaced_by_source_id"] = "x"; }, 409)},
    {"bundle 1.8 rows", "rows are in another order", rows([](json& b) { std::reverse(b["rows"].begin(), b["rows"].end()); })},
    {"bundle 1.8 rows", "places are counted from 1", rows([](json& b) { b["next_row_ordinal"] = b["next_row_ordinal"].get<std::int64_t>() + 1; })},
    {"bundle 1.8 rows", "a page is as long as it likes", without("/rows", "max_rows")},
    {"bundle 1.8 rows", "no bundle is an empty one", in_place_of("committed_bundle_not_found", 200)},
    {"bundle 2.11 hash", "the hash is of something else", pulled([](json& b) { for (auto& x : b["bundles"]) x["bundle_hash"] = std::string(64, '0'); })},
    {"bundle 2.11 hash", "the rows are not those that were hashed", pulled([](json& b) { for (auto& x : b["bundles"]) for (auto& r : x["rows"]) r["op"] = "INSERT"; })},
    {"bundle 1.9 pull", "the end is not told", pulled([](json& b) { b.erase("stable_bundle_seq"); })},
    {"bundle 1.9 pull", "no bundles are null", pulled([](json& b) { if (b["bundles"].empty()) b["bundles"] = nullptr; })},
    {"bundle 1.9 pull", "a row's version is its place", pulled([](json& b) { for (auto& x : b["bundles"]) for (auto& r : x["rows"]) r["row_version"] = 999; })},
    {"bundle 1.9 pull", "any query will do", in_place_of("invalid_request", 200)},
    {"bundle 1.9 pull", "a device's own bundles do not come", pulled([](json& b) { b["bundles"] = json::array(); })},
    {"bundle 2.3 order", "a number is skipped", answers(http_method::post, "/commit", [last = std::make_shared<int>(0)](json& b) {
         b["bundle_seq"] = b["bundle_seq"].get<std::int64_t>() + (++*last > 2 ? 1 : 0);
     })},
    {"bundle 2.3 order", "a bundle is passed over", pulled([](json& b) { if (b["bundles"].size() > 1) b["bundles"].erase(1); })},
    {"bundle 2.3 order", "bundles come in another order", pulled([](json& b) { std::reverse(b["bundles"].begin(), b["bundles"].end()); })},
    {"bundle 2.3 order", "rows of a bundle are passed over", pulled([](json& b) { for (auto& x : b["bundles"]) if (x["rows"].size() > 1) x["rows"].erase(1); })},
    {"bundle 2.3 pages", "the ceiling moves", without("/pull", "target_bundle_seq")},
    {"bundle 2.3 pages", "a page comes twice", [first = std::make_shared<std::string>()](const request& r, const next_hop& next) {
         response a = next(r);
         if (!asks(r, http_method::get, "max_bundles=")) return a;
         if (first->empty()) *first = a.body;
         json body = body_of(a.body);
         body["bundles"] = body_of(*first)["bundles"];
         a.body = body.dump();
         return a;
     }},
    {"bundle 2.3 pages", "a page is as long as it likes", without("/pull", "max_bundles")},
    {"bundle 2.3 pages", "there is never more", pulled([](json& b) { b["has_more"] = false; })},
    {"bundle 2.3 bad cursor", "any cursor will do", in_place_of("history_pruned", 200, R"({"stable_bundle_seq":0,"bundles":[],"has_more":false})")},
    {"bundle 2.2 tombstone", "deletes do not come", pulled([](json& b) {
         for (auto& x : b["bundles"]) {
             json kept = json::array();
             for (auto& r : x["rows"])
                 if (r["op"] != "DELETE") kept.push_back(r);
             x["rows"] = kept;
         }
     })},
    {"bundle 2.2 tombstone", "a delete comes as an update", pulled([](json& b) { for (auto& x : b["bundles"]) for (auto& r : x["rows"]) if (r["op"] == "DELETE") r["op"] = "UPDATE", r["payload"] = json::object(); })},
    {"bundle 1.11 snapshot", "a row is counted that is not there", made_snapshot([](json& b) { b["row_count"] = b["row_count"].get<std::int64_t>() + 1; })},
    {"bundle 1.11 snapshot", "a page is as long as it likes", without("/snapshot-sessions/", "max_rows")},
    {"bundle 1.11 snapshot", "places are counted from 0", snapshot_page([](json& b) { b["next_row_ordinal"] = b["next_row_ordinal"].get<std::int64_t>() - 1; })},
    {"bundle 1.11 snapshot", "a snapshot is not given up", [](const request& r, const next_hop& next) { return r.method == http_method::erase ? response{204, {}, {}} : next(r); }},
    {"bundle 2.4 snapshot", "it is not one moment", thaws()},
    {"bundle 2.4 snapshot", "a record stands in it twice", snapshot_page([](json& b) { if (!b["rows"].empty()) b["rows"].push_back(b["rows"][0]); })},
    {"bundle 2.5 replacement", "a source that was replaced goes on", in_place_of("source_retired", 200, R"({"push_id":"x","status":"staging"})")},
    {"bundle 2.5 replacement", "who took its place is not told", [](const request& r, const next_hop& next) {
         response a = next(r);
         return a.status == 409 && body_of(a.body).value("error", "") == "source_retired" ? json_error(409, "source_retired", "replaced") : a;
     }},
    {"bundle 2.5 replacement", "any reason will do", in_place_of("snapshot_session_invalid", 200)},
    {"bundle 4.4 isolation", "a stranger pulls", lets_in("/pull")},
    {"bundle 4.4 isolation", "a stranger has the rows of a bundle", lets_in("/rows")},
    {"bundle 4.4 isolation", "a stranger drives a session", lends_sessions()},
    {"bundle 4.4 isolation", "a stranger reads a snapshot", lets_in("/snapshot-sessions/")},
};

}  // namespace

TEST_CASE("bundle read clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("tasks"), all, check); }

TEST_CASE("bundle read clauses: somebody else's bundle may come meanwhile") {
    expect_kept(subject_of_own("tasks"), {{"bundle 2.11 hash", "one is there", pulled([](json& b) {
                                               const std::int64_t seq = b["stable_bundle_seq"].get<std::int64_t>() + 1;
                                               b["stable_bundle_seq"] = seq;
                                               b["bundles"].push_back({{"bundle_seq", seq}, {"rows", json::array()}});
                                           })}},
                check);
}

}  // namespace bundle_read_clauses_test
