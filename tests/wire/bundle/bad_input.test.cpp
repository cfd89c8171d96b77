// Whatever arrives at a server of the bundle wire: a typed answer that names the row, and nothing changed (promise 11).

#include "wire/bad_input.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bad_input_test {

using namespace bad_input;

namespace {

using members = std::vector<std::pair<std::string, std::string>>;  // names and JSON

std::string object(const members& all) {
    std::string out{"{"};
    for (const auto& [name, json] : all) {
        if (json.empty()) continue;
        out.append(out.size() == 1 ? "" : ",").append(member(name, json));
    }
    return out.append("}");
}
std::string key_of(const std::string& key) { return object({{std::string{key_name}, json_string(key)}}); }
members good(const std::string& key) {
    return {{"schema", "\"public\""}, {"table", json_string(table_name)}, {"key", key_of(key)}, {"op", "\"INSERT\""}, {"base_row_version", "0"},
            {"payload", object({{std::string{text_field}, "\"x\""}, {std::string{integer_field}, "1"}})}};
}
members with(members all, const std::string& name, const std::string& json) {
    for (auto& m : all)
        if (m.first == name) {
            m.second = json;
            return all;
        }
    all.emplace_back(name, json);
    return all;
}
std::string chunk_of(const std::vector<std::string>& rows, const std::string& first = "0") {
    std::string out{"{\"start_row_ordinal\":"};
    out.append(first).append(",\"rows\":[");
    for (std::size_t i = 0; i < rows.size(); ++i) out.append(i == 0 ? "" : ",").append(rows[i]);
    return out.append("]}");
}
std::string text_in(const response& answer, std::string_view name) {
    const auto tape = json_tape::parse(answer.body);
    const auto v = tape ? tape->root().find(name) : std::nullopt;
    return v ? std::string{v->as_string()} : std::string{};
}
std::int64_t number_in(const response& answer, std::string_view name) {
    const auto tape = json_tape::parse(answer.body);
    const auto v = tape ? tape->root().find(name) : std::nullopt;
    return v ? v->as_int().value_or(-7) : -7;
}

template <class World>
std::string open_session(World& w, int number, std::size_t rows) {
    REQUIRE(w.call(http_method::post, "/sync/connect", "{\"has_local_pending_rows\":false}").status == 200);
    const auto made = w.call(http_method::post, "/sync/push-sessions",
                             "{\"source_bundle_id\":" + std::to_string(number) + ",\"planned_row_count\":" + std::to_string(rows) + "}");
    REQUIRE(made.status == 200);
    return "/sync/push-sessions/" + text_in(made, "push_id");
}

struct bad_row {
    const char* what;
    std::string text;
    std::string reason;
    std::string says;
};

std::vector<bad_row> bad_rows() {
    const auto base = good("bad");
    const auto payload = [&](std::string_view field, const std::string& json) { return object(with(base, "payload", object({{std::string{field}, json}}))); };
    const std::string id{key_name};
    std::vector<bad_row> all{
        {"null", "null", "malformed_message", "object"},
        {"a number", "7", "malformed_message", "object"},
        {"a string", "\"bad\"", "malformed_message", "object"},
        {"an array", "[]", "malformed_message", "object"},
        {"an empty object", "{}", "malformed_message", "table"},
        {"an unknown table", object(with(base, "table", "\"planets\"")), "unknown_model", "planets"},
        {"an unknown schema", object(with(base, "schema", "\"private\"")), "unknown_model", "private"},
        {"an empty key", object(with(base, "key", key_of(""))), "invalid_key", "empty"},
        {"a key of 256 octets", object(with(base, "key", key_of(std::string(256, 'k')))), "invalid_key", "255"},
        {"a key with NUL", object(with(base, "key", object({{id, "\"a\\u0000b\""}}))), "invalid_key", "NUL"},
        {"a null key", object(with(base, "key", object({{id, "null"}}))), "invalid_key", "key"},
        {"a number as the key", object(with(base, "key", object({{id, "7"}}))), "invalid_key", "key"},
        {"a key of another column", object(with(base, "key", "{\"other\":\"a\"}")), "invalid_key", "key"},
        {"another key in the payload", payload(key_name, "\"other\""), "invalid_key", "payload"},
        {"an unknown column", payload("no_such_column", "1"), "unknown_field", "no_such_column"},
        {"an integer above 64 bits", payload(integer_field, "9223372036854775808"), "malformed_value", "nu?mb:er"},
        {"a fraction for an integer", payload(integer_field, "1.5"), "malformed_value", "nu?mb:er"},
        {"NaN spelled out", payload(integer_field, "\"NaN\""), "malformed_value", "nu?mb:er"},
        {"NaN spelled out for a real", payload(real_field, "\"NaN\""), "malformed_value", "re%al"},
        {"an array for text", payload(text_field, "[\"x\"]"), "malformed_value", "te\"x't"},
        {"2 for a boolean", payload(boolean_field, "2"), "malformed_value", "fl$ag@"},
        {"no base64", payload(bytes_field, "\"?\""), "malformed_value", "da;ta"},
        {"no time", payload(time_field, "\"yesterday\""), "malformed_value", "wh--en"},
        {"a tagged value of no kind", payload(text_field, R"({"$syncline":"magic","value":"eA=="})"), "malformed_value", "te\"x't"},
        {"a negative base", object(with(base, "base_row_version", "-1")), "malformed_message", "base_row_version"},
        {"a base above 64 bits", object(with(base, "base_row_version", "9223372036854775808")), "malformed_message", "base_row_version"},
        {"a payload with a DELETE", object(with(base, "op", "\"DELETE\"")), "malformed_message", "payload"},
        {"a time of the edit that is none", object(with(base, "edited_at", "\"today\"")), "malformed_value", "edited_at"},
        {"the record again", object(good("first")), "malformed_message", "once"},
    };
    struct typed {
        const char* name;
        std::vector<const char*> wrong;
        const char* reason;
    };
    const std::vector<typed> types{{"schema", {"7", "true", "[]", "{}"}, "malformed_message"},
                                   {"table", {"null", "7", "true", "[]", "{}"}, "malformed_message"},
                                   {"key", {"null", "7", "true", "[]", "\"x\"", "{}"}, "invalid_key"},
                                   {"op", {"null", "7", "true", "[]", "{}", "\"\"", "\"MERGE\""}, "malformed_message"},
                                   {"base_row_version", {"null", "1.5", "true", "\"x\"", "[]", "{}"}, "malformed_message"},
                                   {"payload", {"null", "7", "true", "[]", "\"x\""}, "malformed_message"},
                                   {"edited_at", {"7", "true", "[]", "{}"}, "malformed_value"}};
    for (const auto& t : types)
        for (const char* json : t.wrong) all.push_back({t.name, object(with(base, t.name, json)), t.reason, t.name});
    for (const char* name : {"table", "key", "op", "payload"})
        all.push_back({name, object(with(base, name, "")), std::string_view{name} == "key" ? "invalid_key" : "malformed_message", name});
    return all;
}

template <class Tables>
void refuses_bad_rows() {
    world<Tables> w;
    const auto session = open_session(w, 1, 3);
    const std::string before = w.held();
    const std::string first = object(good("first")), last = object(good("last"));
    for (const auto& bad : bad_rows()) {
        INFO(Tables::name << ": " << bad.what << ": " << bad.text.substr(0, 200));
        const auto answer = w.call(http_method::post, session + "/chunks", chunk_of({first, bad.text, last}));
        CHECK(answer.status == 400);
        CHECK(code_of(answer) == "push_chunk_invalid");
        CHECK(number_in(answer, "row_ordinal") == 1);
        CHECK(text_in(answer, "reason") == bad.reason);
        CHECK(message_of(answer).find("row 1: ") == 0);
        CHECK(message_of(answer).find(bad.says) != std::string::npos);
    }
    // Nothing of the refused chunks was kept: the session takes the right ones from the first row on, and commits.
    CHECK(w.held() == before);
    CHECK(number_in(w.call(http_method::post, session + "/chunks", chunk_of({first, object(good("middle")), last})), "next_expected_row_ordinal") == 3);
    CHECK(w.call(http_method::post, session + "/commit").status == 200);
    for (const char* key : {"first", "middle", "last"}) CHECK(w.row(key));
}

template <class Tables>
void refuses_bad_requests() {
    world<Tables> w;
    const auto session = open_session(w, 1, 2);
    REQUIRE(w.call(http_method::post, session + "/chunks", chunk_of({object(good("there"))})).status == 200);
    const std::string before = w.held();
    for (const auto& broken : broken_texts()) {
        INFO(Tables::name << ": " << broken.what);
        for (const std::string& path : {std::string{"/sync/push-sessions"}, session + "/chunks", std::string{"/sync/snapshot-sessions"}}) {
            if (broken.body.empty() && path.ends_with("/snapshot-sessions")) continue;  // needs none
            const auto answer = w.call(http_method::post, path, broken.body);
            CHECK(answer.status == (broken.code == "too_large" ? 413 : 400));
            CHECK((code_of(answer) == "invalid_request" || code_of(answer) == "snapshot_session_invalid" || code_of(answer) == "too_large"));
            CHECK_FALSE(message_of(answer).empty());
        }
    }
    struct bad_request {
        http_method method;
        std::string path, body;
        int status;
        const char* says;
    };
    std::vector<bad_request> all;
    const auto post = [&](const std::string& path, std::string body, const char* says, int status = 400) {
        all.push_back({http_method::post, path, std::move(body), status, says});
    };
    const std::string create = "/sync/push-sessions";
    for (const char* body : {"null", "7", "\"x\"", "[]", "true"}) {
        post(create, body, "object");
        post(session + "/chunks", body, "object");
        post("/sync/snapshot-sessions", body, "object");
    }
    for (const char* json : {"null", "\"1\"", "1.5", "true", "[]", "{}", "9223372036854775808", "0", "-1"}) {
        post(create, std::string{R"({"planned_row_count":1,"source_bundle_id":)"} + json + "}", "source_bundle_id");
        post(create, std::string{R"({"source_bundle_id":1,"planned_row_count":)"} + json + "}", "planned_row_count");
    }
    post(create, R"({"source_bundle_id":1,"planned_row_count":4294967296})", "planned_row_count");
    post(create, "{}", "source_bundle_id");
    post(create, R"({"source_bundle_id":3,"planned_row_count":1})", "number 1", 409);
    for (const char* json : {"7", "true", "[]", "{}"})
        post(create, std::string{R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":)"} + json + "}", "initialization_id");
    const std::string row = object(good("new"));
    for (const char* json : {"null", "\"0\"", "1.5", "true", "[]", "{}", "9223372036854775808", "-1", "4294967296"})
        post(session + "/chunks", chunk_of({row}, json), "start_row_ordinal");
    for (const char* json : {"null", "7", "\"x\"", "true", "{}", "[]"})
        post(session + "/chunks", std::string{R"({"start_row_ordinal":1,"rows":)"} + json + "}", "rows");
    post(session + "/chunks", chunk_of({row}, "2"), "row 2", 409);
    post(session + "/chunks", chunk_of({row, object(good("more"))}, "1"), "planned");
    for (const char* id : {"nothing", "'; DROP TABLE victim; --", "%27%3B", "..", "00000000-0000-0000-0000-000000000000"}) {
        post(std::string{"/sync/push-sessions/"} + percent_encode(id) + "/chunks", chunk_of({row}), "session", 404);
        post(std::string{"/sync/push-sessions/"} + percent_encode(id) + "/commit", {}, "session", 404);
        all.push_back({http_method::erase, std::string{"/sync/push-sessions/"} + percent_encode(id), {}, 404, "session"});
        all.push_back({http_method::get, std::string{"/sync/snapshot-sessions/"} + percent_encode(id), {}, 404, "session"});
    }
    post(session + "/commit", {}, "planned");
    for (const char* number : {"-1", "x", "", "1.5", "9223372036854775808", "%00", "1%27", " 1"}) {
        for (const char* name : {"after_bundle_seq", "max_bundles", "target_bundle_seq"})
            all.push_back({http_method::get, std::string{"/sync/pull?"} + name + "=" + number, {}, 400, name});
        for (const char* name : {"after_row_ordinal", "max_rows"})
            all.push_back({http_method::get, std::string{"/sync/committed-bundles/1/rows?"} + name + "=" + number, {}, 400, name});
    }
    for (const char* query : {"after_bundle_seq=9223372036854775807", "after_bundle_seq=1", "target_bundle_seq=99"})
        all.push_back({http_method::get, std::string{"/sync/pull?"} + query, {}, 409, "timeline"});
    all.push_back({http_method::get, "/sync/pull?max_bundles=0", {}, 400, "max_bundles"});
    all.push_back({http_method::get, "/sync/pull?max_bundles=5001", {}, 400, "5000"});
    for (const char* seq : {"0", "-1", "x", "%31x", "9223372036854775808"})
        all.push_back({http_method::get, std::string{"/sync/committed-bundles/"} + seq + "/rows", {}, 400, "number"});
    all.push_back({http_method::get, "/sync/committed-bundles/99/rows", {}, 404, "bundle"});
    post("/sync/snapshot-sessions", R"({"unknown":1})", "unknown");
    post("/sync/snapshot-sessions", R"({"source_replacement":{}})", "source_id");
    for (const auto& bad : all) {
        INFO(Tables::name << ": " << name_of(bad.method) << " " << bad.path << " " << bad.body.substr(0, 200));
        const auto answer = w.call(bad.method, bad.path, bad.body);
        CHECK(answer.status == bad.status);
        CHECK_FALSE(code_of(answer).empty());
        CHECK(message_of(answer).find(bad.says) != std::string::npos);
    }
    CHECK(w.held() == before);
    // The session that all this was sent to is as it was.
    CHECK(w.call(http_method::post, session + "/chunks", chunk_of({row}, "1")).status == 200);
    CHECK(w.call(http_method::post, session + "/commit").status == 200);
    CHECK((w.row("there") && w.row("new")));
}

template <class Tables>
void keeps_injections_as_they_are() {
    world<Tables> w;
    const std::vector<std::string> texts{"'", "\"", "'; DROP TABLE victim; --", "\") ; DELETE FROM victim; --", "%", "_", "?1", ":a", "@a", "$a", "[x]", "`x`",
                                         "x' OR 'a'='a", "\\", "NULL", "\xE2\x80\xA8", "\xF0\x9F\x98\x80", "a b", "..", "/", "-0", "1e1", "<&>", "\t", "\x7f", "\x01"};
    const auto session = open_session(w, 1, texts.size());
    std::vector<std::string> rows;
    for (const auto& text : texts) rows.push_back(object(with(good(text), "payload", object({{std::string{text_field}, json_string(text)}}))));
    REQUIRE(w.call(http_method::post, session + "/chunks", chunk_of(rows)).status == 200);
    const auto done = w.call(http_method::post, session + "/commit");
    INFO(done.body);
    REQUIRE(done.status == 200);
    for (const auto& text : texts) {
        INFO(Tables::name << ": " << text);
        const auto row = w.row(text);
        REQUIRE(row);
        CHECK(row->fields[0] == value::text(text));
        const auto handler = [&](const request& r) { return w.server(r, principal{"ann", "main"}); };
        const auto other = handler(request{http_method::post, "/sync/push-sessions", {{"Oversync-Source-ID", "source" + text}}, R"({"source_bundle_id":1,"planned_row_count":1})"});
        CHECK((other.status == 200 || other.status == 400));
    }
    const auto page = w.call(http_method::get, "/sync/pull?after_bundle_seq=0");
    const bundle_wire::table_names names{w.server.engine().schemas(), "public"};
    const auto read = must(bundle_wire::read_pull_answer(page.body, names, 0, {}));
    REQUIRE(read.bundles.size() == 1);
    CHECK(read.bundles[0].rows.size() == texts.size());
    const auto made = w.call(http_method::post, "/sync/snapshot-sessions");
    const auto picture = w.call(http_method::get, "/sync/snapshot-sessions/" + text_in(made, "snapshot_id"));
    CHECK(must(bundle_wire::read_snapshot_page(picture.body, names, text_in(made, "snapshot_id"), 0, {})).rows.size() == texts.size());
}

template <class Tables>
void survives_wounds(std::uint64_t seed, int rounds) {
    world<Tables> w;
    seeded_random draw{seed};
    const std::string valid = chunk_of({object(good("a")), object(with(with(good("b"), "op", "\"UPDATE\""), "base_row_version", "1")),
                                        object(with(with(good("c"), "op", "\"DELETE\""), "payload", ""))});
    int number = 1;
    std::string session = open_session(w, number, 3);
    std::string held = w.held();
    for (int round = 0; round < rounds; ++round) {
        INFO(Tables::name << " seed " << seed << " round " << round);
        const auto check = [&](const response& answer, bool may_change) {
            INFO(answer.body.substr(0, 400));
            REQUIRE(answer.status < 500);
            if (answer.status == 204) return;
            const auto tape = json_tape::parse(answer.body);
            REQUIRE(tape);
            REQUIRE(tape->root().is_object());
            const std::string now = w.held();
            if (!may_change || answer.status != 200) REQUIRE(now == held);
            held = now;
        };
        switch (draw.below(4)) {
        case 0: check(w.call(http_method::post, "/sync/push-sessions", wounded("{\"source_bundle_id\":" + std::to_string(number) + ",\"planned_row_count\":3}", draw)), false); break;
        case 1: check(w.call(http_method::get, wounded("/sync/pull?after_bundle_seq=0&max_bundles=10&target_bundle_seq=0", draw)), false); break;
        default: check(w.call(http_method::post, session + "/chunks", wounded(valid, draw)), false); break;
        }
        if (draw.chance(1, 10)) {
            const auto done = w.call(http_method::post, session + "/commit");
            check(done, true);
            if (done.status == 200) ++number;
            session = open_session(w, number, 3);
        }
    }
}

}  // namespace

TEST_CASE("bundle wire: a row that cannot be read is named, and nothing of its chunk is kept", "[wire]") {
    refuses_bad_rows<in_memory>();
    refuses_bad_rows<in_sqlite>();
}

TEST_CASE("bundle wire: a request that is none gets a typed error, and changes nothing", "[wire]") {
    refuses_bad_requests<in_memory>();
    refuses_bad_requests<in_sqlite>();
}

TEST_CASE("bundle wire: text that would end a statement is text in every place", "[wire]") {
    keeps_injections_as_they_are<in_memory>();
    keeps_injections_as_they_are<in_sqlite>();
}

TEST_CASE("bundle wire: a NUL in a value is kept exactly or refused by name, and a chunk beyond the limit is refused", "[wire]") {
    const auto check = [](auto& w) {
        auto session = open_session(w, 1, 1);
        REQUIRE(w.call(http_method::post, session + "/chunks", chunk_of({object(with(good("nul"), "payload", object({{std::string{text_field}, "\"a\\u0000b\""}})))})).status == 200);
        const auto done = w.call(http_method::post, session + "/commit");
        if (done.status == 200) {
            CHECK(w.row("nul")->fields[0] == value::text(std::string{"a\0b", 3}));
        } else {
            CHECK(done.status == 422);
            CHECK(message_of(done).find("te\"x't") != std::string::npos);
            CHECK_FALSE(w.row("nul"));
        }
        session = open_session(w, done.status == 200 ? 2 : 1, 10'000);
        std::vector<std::string> many;
        for (int i = 0; i < 10'000; ++i) many.push_back(object(good("k" + std::to_string(i))));
        const auto refused = w.call(http_method::post, session + "/chunks", chunk_of(many));
        CHECK(refused.status == 400);
        CHECK(message_of(refused).find("5000") != std::string::npos);
        for (const std::size_t first : {std::size_t{0}, std::size_t{5000}}) {
            const auto part = chunk_of({many.begin() + static_cast<std::ptrdiff_t>(first), many.begin() + static_cast<std::ptrdiff_t>(first) + 5000}, std::to_string(first));
            CHECK(number_in(w.call(http_method::post, session + "/chunks", part), "next_expected_row_ordinal") == static_cast<std::int64_t>(first) + 5000);
        }
        CHECK(number_in(w.call(http_method::post, session + "/commit"), "row_count") == 10'000);
    };
    world<in_memory> memory;
    check(memory);
    world<in_sqlite> sqlite;
    check(sqlite);
}

TEST_CASE("bundle wire: a source id that is none, and methods and paths that are not there, are refused", "[wire]") {
    world<in_memory> w;
    for (const std::string& id : {std::string{}, std::string{"  "}, std::string(256, 's'), std::string{"a\0b", 3}, std::string{"\xff"}}) {
        const auto answer = w.server(request{http_method::get, "/sync/pull", {{"Oversync-Source-ID", id}}, {}}, principal{"ann", "main"});
        CHECK(answer.status == 400);
        CHECK(message_of(answer).find("Oversync-Source-ID") != std::string::npos);
    }
    for (const char* path : {"/sync/pull", "/sync/push-sessions", "/sync/snapshot-sessions", "/sync/capabilities"}) CHECK(w.call(http_method::put, path).status == 405);
    for (const char* path : {"/sync/", "/sync/pull/", "/sync/push-sessions//chunks", "/sync/push-sessions/%00/commit", "/sync/push-sessions/a/b/c", "/sync/%zz/rows",
                             "/sync/committed-bundles/1", "/sync/committed-bundles//rows"}) {
        INFO(path);
        const auto answer = w.call(http_method::get, path);
        CHECK((answer.status == 404 || answer.status == 405));
        CHECK_FALSE(code_of(answer).empty());
    }
}

TEST_CASE("bundle wire: a wounded request never crashes the server, and changes nothing unless it commits", "[wire]") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) survives_wounds<in_memory>(seed, 1500);
    survives_wounds<in_sqlite>(4, 300);
}

}  // namespace bad_input_test
