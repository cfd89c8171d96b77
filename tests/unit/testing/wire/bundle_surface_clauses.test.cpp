#include <syncline/testing/wire/bundle_surface_clauses.hpp>

#include "unit/testing/wire/subjects.hpp"

namespace bundle_surface_clauses_test {

using namespace wire_kit;

namespace {

const auto check = [](auto& line, const wire_subject& s) {
    report out;
    seeded_random random{7};
    wire_run run([&line](const request& r) { return line(r); }, s, random, out);
    bundle_speaker say(run);
    check_bundle_surface(say);
    return out;
};

damage with_header(std::string name, std::string value, bool only_blank) {
    return [=](const request& r, const next_hop& next) {
        request other = r;
        const auto is = find_header(r.headers, name);
        if (!only_blank || !is || is->find_first_not_of(' ') == std::string_view::npos) set_header(other.headers, name, value);
        return next(other);
    };
}
damage told(std::function<void(json&)> change) { return answers(http_method::get, "/capabilities", std::move(change)); }
damage connected(std::function<void(json&)> change) { return answers(http_method::post, "/connect", std::move(change)); }

const std::vector<broken_server> all{
    {"bundle 1.1 source", "a source is not needed", with_header("Oversync-Source-ID", "anybody", true)},
    {"bundle 1.1 source", "a refusal has no code", [](const request& r, const next_hop& next) {
         response a = next(r);
         return a.status == 400 ? json_response(400, R"({"message":"no"})") : a;
     }},
    {"bundle 1.1 credentials", "credentials are not needed", with_header("Authorization", "Bearer ann", true)},
    {"bundle 1.1 methods", "any method will do", in_place_of_status(405, 200)},
    {"bundle 1.1 methods", "any path will do", in_place_of_status(404, 200)},
    {"bundle 1.2 capabilities", "a table is not told", told([](json& b) { b["registered_tables"] = json::array(); })},
    {"bundle 1.2 capabilities", "it is a text", plain(http_method::get, "/capabilities")},
    {"bundle 1.2 capabilities", "a table has no key", told([](json& b) { b["registered_table_specs"][0].erase("sync_key_columns"); })},
    {"bundle 1.2 capabilities", "a key has two columns", told([](json& b) { b["registered_table_specs"][0]["sync_key_columns"].push_back("code"); })},
    {"bundle 1.2 capabilities", "features are a list", told([](json& b) { b["features"] = json::array(); })},
    {"bundle 1.2 capabilities", "a limit is a text", told([](json& b) { b["bundle_limits"]["max_rows_per_push_chunk"] = "few"; })},
    {"bundle 1.2 capabilities", "another generation", told([](json& b) { b["protocol_version"] = "v0"; })},
    {"bundle 1.2 capabilities", "the key has another name", told([](json& b) { b["registered_table_specs"][0]["sync_key_columns"] = json::array({"code"}); })},
    {"bundle 1.2 capabilities", "a feature is a text", told([](json& b) { b["features"]["bundle_pull"] = "yes"; })},
    {"bundle 1.2 capabilities", "there is no connect", told([](json& b) { b["features"]["connect_lifecycle"] = false; })},
    {"bundle 1.2 capabilities", "a limit is 0", told([](json& b) { b["bundle_limits"]["max_rows_per_push_chunk"] = 0; })},
    {"bundle 1.3 connect", "an account begins twice", connected([](json& b) { b["resolution"] = "initialize_empty"; })},
    {"bundle 1.3 connect", "it is a text where rows wait", [](const request& r, const next_hop& next) {
         response a = next(r);
         if (asks(r, http_method::post, "/connect") && r.body.find("true") != std::string::npos) set_header(a.headers, "Content-Type", "text/plain");
         return a;
     }},
    {"bundle 1.3 connect", "bad JSON is nothing", in_place_of("invalid_request", 200)},
    {"bundle 1.3 connect", "JSON has to be called so", [](const request& r, const next_hop& next) {
         return find_header(r.headers, "Content-Type").value_or("application/json") == "application/json" ? next(r) : json_error(415, "unsupported_media_type", "no");
     }},
    {"bundle 1.10 watch", "what is off is there", in_place_of("bundle_change_watch_disabled", 200)},
    {"bundle 1.10 watch", "what is off has no name", in_place_of("bundle_change_watch_disabled", 503)},
    {"bundle 1.10 watch", "what is off is forbidden, without a name", in_place_of("bundle_change_watch_disabled", 403)},
    {"bundle 1.10 watch", "a bad cursor has no name", in_place_of("invalid_request", 400)},
    {"bundle 1.10 watch", "any cursor will do", in_place_of("invalid_request", 200)},
    {"bundle 2.1 life", "two devices begin an account", [](const request& r, const next_hop& next) {
         request other = r;
         if (asks(r, http_method::post, "/connect")) set_header(other.headers, "Oversync-Source-ID", "one");
         return next(other);
     }},
    {"bundle 2.1 life", "there is no right", connected([](json& b) { b.erase("initialization_id"); })},
    {"bundle 2.1 life", "a right does not end", connected([](json& b) { b.erase("lease_expires_at"); })},
    {"bundle 2.1 life", "who waits has a right", connected([](json& b) { if (b["resolution"] == "retry_later") b["initialization_id"] = "x"; })},
    {"bundle 2.1 life", "a session has no id", answers(http_method::post, "/push-sessions", [](json& b) { b.erase("push_id"); })},
    {"bundle 2.1 life", "nobody is told to wait", connected([](json& b) { b.erase("retry_after_seconds"); })},
    {"bundle 2.1 life", "reads do not wait", in_place_of("scope_initializing", 200)},
    {"bundle 2.1 life", "an account need not begin", in_place_of("scope_uninitialized", 400)},
    {"bundle 2.1 life", "a right need not be shown", in_place_of("initialization_stale", 200)},
    {"bundle 2.1 life", "numbers begin at 0", answers(http_method::post, "/commit", [](json& b) { b["bundle_seq"] = 0; })},
};

}  // namespace

TEST_CASE("bundle surface clauses: each finds the server that breaks it") { expect_all_caught(subject_of_own("tasks"), all, check); }

TEST_CASE("bundle surface clauses: what a server may do otherwise, and what is known of the original") {
    expect_kept(subject_of_own("tasks"),
                {{"bundle 1.2 capabilities", "another table stands before", told([](json& b) { b["registered_table_specs"].push_back({{"schema", "public"}, {"table", "zebras"}, {"sync_key_columns", {"id"}}}); })},
                 {"bundle 1.10 watch", "a watch is offered", told([](json& b) { b["features"]["bundle_change_watch"] = true; })},
                 {"bundle 1.10 watch", "a watch is forbidden", in_place_of("bundle_change_watch_disabled", 403, R"({"error":"bundle_change_watch_forbidden"})")}},
                check);
    auto original = subject_of_own("tasks");
    original.profile = wire_profile::original;
    const auto replayed = [](int status) {
        return [=](const request& r, const next_hop& next) {
            response a = next(r);
            return a.body.find("already_committed") == std::string::npos ? a : json_response(status, "{}");
        };
    };
    expect_kept(original, {{"bundle 1.1 methods", "a method that is not there is 404", in_place_of_status(405, 404)}, {"bundle 2.1 life", "a right is spent", replayed(400)}}, check);
    expect_caught(original, {{"bundle 1.1 methods", "any method will do", in_place_of_status(405, 200)}, {"bundle 2.1 life", "a bundle is forgotten", replayed(500)}}, check);
}

}  // namespace bundle_surface_clauses_test
