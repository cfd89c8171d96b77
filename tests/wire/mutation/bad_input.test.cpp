// Whatever arrives at a server of the mutation wire: a typed answer, nothing changed, and the neighbours unharmed (promise 11).

#include "wire/bad_input.hpp"

#include <algorithm>
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
members good(const std::string& id, const std::string& key) {
    return {{"mutation_id", json_string(id)}, {"entity_id", json_string(key)},  {"model", json_string(model_name)},
            {"operation", "\"create\""}, {"payload", object({{std::string{text_field}, "\"x\""}, {std::string{integer_field}, "1"}})},
            {"version", "1"},            {"timestamp", "1700000000000"}};
}
members with(members all, const std::string& name, const std::string& json) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& m) { return m.first == name; });
    if (at != all.end())
        at->second = json;
    else
        all.emplace_back(name, json);
    return all;
}
std::string push_of(const std::vector<std::string>& mutations, const std::string& client = "\"c\"") {
    std::string out{"{\"client_id\":"};
    out.append(client).append(",\"syncline\":1,\"mutations\":[");
    for (std::size_t i = 0; i < mutations.size(); ++i) out.append(i == 0 ? "" : ",").append(mutations[i]);
    return out.append("]}");
}

struct outcome_seen {
    std::string status, reason, detail, id;
};
std::vector<outcome_seen> outcomes_of(const response& answer) {
    const auto tape = json_tape::parse(answer.body);
    REQUIRE(tape);
    std::vector<outcome_seen> out;
    const auto text = [](json_view v, std::string_view name) {
        const auto found = v.find(name);
        return found ? std::string{found->as_string()} : std::string{};
    };
    if (const auto list = tape->root().find("outcomes"))
        for (const auto& o : *list) out.push_back({text(o, "status"), text(o, "reason"), text(o, "detail"), text(o, "mutation_id")});
    return out;
}

struct bad_mutation {
    const char* what;
    std::string text;  // KEY stands for the key
    std::string reason;
    std::string says;
};

std::vector<bad_mutation> bad_mutations() {
    const auto base = good("bad", "KEY");
    const auto payload = [&](std::string_view field, const std::string& json) { return object(with(base, "payload", object({{std::string{field}, json}}))); };
    std::vector<bad_mutation> all{
        {"null", "null", "malformed_message", "object"},
        {"a number", "7", "malformed_message", "object"},
        {"a string", "\"KEY\"", "malformed_message", "object"},
        {"an array", "[]", "malformed_message", "object"},
        {"an empty object", "{}", "malformed_message", "mutation_id"},
        {"an unknown model", object(with(base, "model", "\"planet\"")), "unknown_model", "planet"},
        {"an unknown operation", object(with(base, "operation", "\"upsert\"")), "malformed_message", "operation"},
        {"an id of 256 octets", object(with(base, "mutation_id", json_string(std::string(256, 'm')))), "malformed_message", "mutation_id"},
        {"an id with NUL", object(with(base, "mutation_id", "\"a\\u0000b\"")), "malformed_message", "mutation_id"},
        {"a key of 256 octets", object(with(base, "entity_id", json_string(std::string(256, 'k')))), "invalid_key", "255"},
        {"a key with NUL", object(with(base, "entity_id", "\"KEY\\u0000\"")), "invalid_key", "NUL"},
        {"an unknown field", payload("no_such_field", "1"), "unknown_field", "no_such_field"},
        {"no fields", object(with(base, "payload", "{}")), "malformed_message", "payload"},
        {"an empty array for fields", object(with(base, "payload", "[]")), "malformed_message", "payload"},
        {"an integer above 64 bits", payload(integer_field, "9223372036854775808"), "malformed_value", "nu?mb:er"},
        {"an integer below 64 bits", payload(integer_field, "-9223372036854775809"), "malformed_value", "nu?mb:er"},
        {"an integer far above", payload(integer_field, times("9", 40)), "malformed_value", "nu?mb:er"},
        {"a fraction for an integer", payload(integer_field, "1.5"), "malformed_value", "nu?mb:er"},
        {"1e30 for an integer", payload(integer_field, "1e30"), "malformed_value", "nu?mb:er"},
        {"text for an integer", payload(integer_field, "\"seven\""), "malformed_value", "nu?mb:er"},
        {"NaN spelled out", payload(integer_field, "\"NaN\""), "malformed_value", "nu?mb:er"},
        {"an object for an integer", payload(integer_field, "{\"a\":1}"), "malformed_value", "nu?mb:er"},
        {"NaN spelled out for a real", payload(real_field, "\"NaN\""), "malformed_value", "re%al"},
        {"an array for a real", payload(real_field, "[1]"), "malformed_value", "re%al"},
        {"an array for text", payload(text_field, "[\"x\"]"), "malformed_value", "te\"x't"},
        {"a boolean for text", payload(text_field, "true"), "malformed_value", "te\"x't"},
        {"2 for a boolean", payload(boolean_field, "2"), "malformed_value", "fl$ag@"},
        {"text for a boolean", payload(boolean_field, "\"yes\""), "malformed_value", "fl$ag@"},
        {"no base64", payload(bytes_field, "\"?\""), "malformed_value", "da;ta"},
        {"a number for octets", payload(bytes_field, "7"), "malformed_value", "da;ta"},
        {"no time", payload(time_field, "\"yesterday\""), "malformed_value", "wh--en"},
        {"the 30th of February", payload(time_field, "\"2026-02-30T00:00:00Z\""), "malformed_value", "wh--en"},
        {"a tagged value of no kind", payload(text_field, R"({"$syncline":"magic","value":"eA=="})"), "malformed_value", "te\"x't"},
        {"a tagged real of the wrong size", payload(text_field, R"({"$syncline":"real","value":"eA=="})"), "malformed_value", "te\"x't"},
        {"a negative base", object(with(base, "base", R"({"row_version":-1})")), "malformed_message", "row_version"},
        {"a base of the wrong type", object(with(base, "base", R"({"row_version":"x"})")), "malformed_message", "row_version"},
        {"an id after of the wrong type", object(with(base, "base", R"({"after":7})")), "malformed_message", "after"},
        {"unseen fields of the wrong type", object(with(base, "base", R"({"unseen":"a"})")), "malformed_message", "unseen"},
        {"an unseen field that is no name", object(with(base, "base", R"({"unseen":[7]})")), "malformed_message", "unseen"},
        {"an unknown field before", object(with(with(base, "operation", "\"update\""), "before", R"({"no_such_field":1})")), "unknown_field", "no_such_field"},
        {"a wrong value before", object(with(with(base, "operation", "\"update\""), "before", object({{std::string{integer_field}, "[]"}}))), "malformed_value", "nu?mb:er"},
        {"a timestamp above 64 bits", object(with(base, "timestamp", "9223372036854775808")), "malformed_message", "timestamp"},
        {"a fraction for a timestamp", object(with(base, "timestamp", "1.5")), "malformed_message", "timestamp"},
    };
    // Each member with each type that it does not have.
    struct typed {
        const char* name;
        std::vector<const char*> wrong;
        const char* reason;
    };
    const std::vector<typed> types{{"mutation_id", {"null", "7", "1.5", "true", "[]", "{}", "\"\""}, "malformed_message"},
                                   {"entity_id", {"null", "7", "1.5", "true", "[]", "{}", "\"\""}, "invalid_key"},
                                   {"model", {"null", "7", "true", "[]", "{}"}, "malformed_message"},
                                   {"operation", {"null", "7", "true", "[]", "{}", "\"\"", "\"CREATE\""}, "malformed_message"},
                                   {"payload", {"7", "true", "\"x\"", "[1]"}, "malformed_message"},
                                   {"version", {"1.5", "true", "\"x\"", "[]", "{}"}, "malformed_message"},
                                   {"timestamp", {"true", "\"x\"", "[]", "{}"}, "malformed_message"},
                                   {"base", {"7", "true", "\"x\"", "[1]"}, "malformed_message"},
                                   {"before", {"7", "true", "\"x\"", "[1]"}, "malformed_message"}};
    for (const auto& t : types)
        for (const char* json : t.wrong) all.push_back({t.name, object(with(base, t.name, json)), t.reason, t.name});
    for (const char* name : {"mutation_id", "entity_id", "model", "operation", "payload"})
        all.push_back({name, object(with(base, name, "")), std::string_view{name} == "entity_id" ? "invalid_key" : "malformed_message", name});
    return all;
}

template <class Tables>
void refuses_bad_mutations() {
    world<Tables> w;
    std::size_t n = 0;
    for (const auto& bad : bad_mutations()) {
        INFO(Tables::name << ": " << bad.what << ": " << bad.text.substr(0, 200));
        const std::string number = std::to_string(++n);
        const std::string key = "bad" + number;
        std::string text = bad.text;
        if (const auto at = text.find("KEY"); at != std::string::npos) text.replace(at, 3, key);
        const auto answer = w.push(push_of({object(good("before" + number, "before" + number)), text, object(good("after" + number, "after" + number))}));
        REQUIRE(answer.status == 200);
        const auto outcomes = outcomes_of(answer);
        REQUIRE(outcomes.size() == 3);
        CHECK(outcomes[0].status == "applied");
        CHECK(outcomes[1].status == "refused");
        CHECK(outcomes[1].reason == bad.reason);
        CHECK(outcomes[1].detail.find(bad.says) != std::string::npos);
        CHECK(outcomes[2].status == "applied");
        CHECK(w.row("before" + number));
        CHECK(w.row("after" + number));
        CHECK_FALSE(w.row(key));
    }
    const auto all = json_tape::parse(w.pull(R"({"client_id":"c","limit":100000})").body);
    CHECK(all->root().find("snapshots")->size() == 2 * n);
}

template <class Tables>
void refuses_bad_requests() {
    world<Tables> w;
    REQUIRE(w.push(push_of({object(good("m", "there"))})).status == 200);
    const std::string before = w.held();
    for (const auto& broken : broken_texts())
        for (const bool push : {true, false}) {
            if (broken.body.empty()) continue;  // without content it is without members (sheet 2.6): below
            INFO(Tables::name << ": " << broken.what << (push ? " pushed" : " pulled"));
            const auto answer = push ? w.push(broken.body) : w.pull(broken.body);
            CHECK(answer.status == (broken.code == "too_large" ? 413 : 400));
            CHECK(code_of(answer) == broken.code);
            CHECK_FALSE(message_of(answer).empty());
        }
    struct bad_request {
        bool push;
        std::string body;
        int status;
        const char* code;
        const char* says;
    };
    const std::string one = object(good("n", "new"));
    std::vector<bad_request> all;
    for (const char* body : {"null", "7", "\"x\"", "[]", "true"})
        for (const bool push : {true, false}) all.push_back({push, body, 422, "malformed_message", "object"});
    for (const bool push : {true, false}) all.push_back({push, "", 422, "malformed_message", "client_id"});
    for (const char* client : {"null", "7", "true", "[]", "{}", "\"\"", "\"a\\u0000b\""}) {
        all.push_back({true, push_of({one}, client), 422, "malformed_message", "client_id"});
        all.push_back({false, std::string{R"({"client_id":)"} + client + "}", 422, "malformed_message", "client_id"});
    }
    all.push_back({true, push_of({one}, json_string(std::string(256, 'c'))), 422, "malformed_message", "client_id"});
    all.push_back({true, "{\"mutations\":[" + one + "]}", 422, "malformed_message", "client_id"});
    all.push_back({false, "{}", 422, "malformed_message", "client_id"});
    all.push_back({true, R"({"client_id":"c"})", 422, "malformed_message", "mutations"});
    for (const char* mutations : {"null", "7", "\"x\"", "{}", "true"})
        all.push_back({true, std::string{R"({"client_id":"c","mutations":)"} + mutations + "}", 422, "malformed_message", "mutations"});
    const std::string tail = ",\"mutations\":[" + one + "]}";
    for (const char* json : {"7", "true", "[]", "{}", "\"a\\u0000\""}) {
        all.push_back({true, std::string{R"({"client_id":"c","epoch":)"} + json + tail, 422, "malformed_message", "epoch"});
        all.push_back({false, std::string{R"({"client_id":"c","epoch":)"} + json + "}", 422, "malformed_message", "epoch"});
    }
    all.push_back({true, R"({"client_id":"c","epoch":"of another server")" + tail, 409, "epoch_changed", "incarnation"});
    all.push_back({false, R"({"client_id":"c","epoch":"of another server"})", 409, "epoch_changed", "incarnation"});
    for (const char* json : {"\"x\"", "1.5", "[]", "{}", "true", "9223372036854775808"}) {
        all.push_back({true, std::string{R"({"client_id":"c","syncline":)"} + json + tail, 422, "malformed_message", "syncline"});
        for (const char* name : {"syncline", "last_sync_cursor", "limit", "walk_started"})
            all.push_back({false, std::string{R"({"client_id":"c",)"} + member(name, json) + "}", 422, "malformed_message", name});
    }
    for (const char* json : {"0", "-1", "-9223372036854775808"})
        all.push_back({false, std::string{R"({"client_id":"c","limit":)"} + json + "}", 422, "malformed_message", "limit"});
    for (const char* json : {"7", "{}", "\"x\"", "true", "[7]", "[null]", "[{}]"})
        for (const char* name : {"in_flight", "unread"}) {
            if (std::string_view{name} == "unread" && std::string_view{json} == "[{}]") continue;  // names nothing that is here
            all.push_back({false, std::string{R"({"client_id":"c",)"} + member(name, json) + "}", 422, "malformed_message", name});
        }
    for (const char* json : {"-1", "-9223372036854775808", "9223372036854775807", "1800000000000000"})
        all.push_back({false, std::string{R"({"client_id":"c","last_sync_cursor":)"} + json + "}", 409, "invalid_cursor", "cursor"});
    for (const auto& bad : all) {
        INFO(Tables::name << ": " << bad.body.substr(0, 300));
        const auto answer = bad.push ? w.push(bad.body) : w.pull(bad.body);
        CHECK(answer.status == bad.status);
        CHECK(code_of(answer) == bad.code);
        CHECK(message_of(answer).find(bad.says) != std::string::npos);
    }
    CHECK(w.held() == before);

    for (const auto method : {http_method::get, http_method::put, http_method::erase})
        for (const char* path : {"/tether/push", "/tether/pull"}) CHECK(w.call(method, path, push_of({one})).status == 405);
    for (const char* path : {"/tether/", "/tether/pushpull", "/tether/push/", "/tether/../tether/push", "/tether/%70ush", "/tetherpush"}) {
        INFO(path);
        CHECK(w.call(http_method::post, path, push_of({one})).status == 404);
    }
    CHECK(w.held() == before);
}

const std::vector<std::string>& injections() {
    static const std::vector<std::string> all{"'", "\"", "'; DROP TABLE victim; --", "\") ; DELETE FROM victim; --", "%", "_", "*", "?", "?1", ":a", "@a", "$a",
                                              "[x]", "`x`", "1 OR 1=1", "x' OR 'a'='a", "\\", "\\'", "NULL", "null", "\xE2\x80\xA8", "\xF0\x9F\x98\x80",
                                              "\xEF\xBC\x87", "a b", "..", "/", "-0", "1e1", "0x1", "{\"$syncline\":\"text\"}", "\t", "\r\n", "\x7f", "\x01"};
    return all;
}

template <class Tables>
void keeps_injections_as_they_are() {
    world<Tables> w;
    std::size_t n = 0;
    for (const auto& text : injections()) {
        INFO(Tables::name << ": " << text);
        const std::string id = text + std::to_string(++n);
        auto mutation = with(good(id, text), "payload", object({{std::string{text_field}, json_string(text)}, {std::string{bytes_field}, json_string(base64_encode(text))}}));
        const auto answer = w.push(push_of({object(mutation)}, json_string(text)));
        REQUIRE(answer.status == 200);
        const auto outcomes = outcomes_of(answer);
        REQUIRE(outcomes.size() == 1);
        CHECK(outcomes[0].status == "applied");
        CHECK(outcomes[0].id == id);
        const auto row = w.row(text);
        REQUIRE(row);
        CHECK(row->fields[0] == value::text(text));
        CHECK(row->fields[4] == value::bytes(text));
        // The same again is the same mutation; in flight it is known by its receipt.
        CHECK(outcomes_of(w.push(push_of({object(mutation)}, json_string(text))))[0].status == "applied");
        const auto page = w.pull(std::string{"{\"client_id\":"}.append(json_string(text)).append(",\"syncline\":1,\"limit\":100000,\"in_flight\":[").append(json_string(id))
                                     .append("],\"unread\":[{\"model\":").append(json_string(model_name)).append(",\"entity_id\":").append(json_string(text)).append("}]}"));
        REQUIRE(page.status == 200);
        CHECK(page.body.find("\"contains\":" + json_string(id)) != std::string::npos);
        const auto tape = json_tape::parse(page.body);
        CHECK(tape->root().find("snapshots")->size() == n);
    }
    // Unknown names are refused as they are, and reach no statement.
    for (const auto& text : injections()) {
        INFO(Tables::name << ": " << text);
        auto unknown_model = with(good("model " + text, "x"), "model", json_string(text + "!"));
        auto unknown_field = with(good("field " + text, "x"), "payload", object({{text + "!", "1"}}));
        const auto outcomes = outcomes_of(w.push(push_of({object(unknown_model), object(unknown_field)})));
        REQUIRE(outcomes.size() == 2);
        CHECK(outcomes[0].reason == "unknown_model");
        CHECK(outcomes[1].reason == "unknown_field");
    }
    CHECK_FALSE(w.row("x"));
}

template <class Tables>
void survives_wounds(std::uint64_t seed, int rounds) {
    world<Tables> w;
    REQUIRE(w.push(push_of({object(good("first", "there"))})).status == 200);
    seeded_random draw{seed};
    const auto update = with(with(good("second", "there"), "operation", "\"update\""), "base", R"({"row_version":1,"after":"first"})");
    const std::vector<std::string> valid{
        push_of({object(good("a", "1")), object(with(update, "before", object({{std::string{integer_field}, "1"}}))), object(with(good("c", "there"), "operation", "\"delete\""))}),
        push_of({object(with(good("d", "2"), "payload", object({{std::string{text_field}, R"({"$syncline":"bytes","value":"eA=="})"}, {std::string{real_field}, "1.5"}, {std::string{time_field}, "\"2026-01-31T12:00:00Z\""}})))}),
        R"({"client_id":"c","last_sync_cursor":1,"limit":10,"syncline":1,"walk_started":1,"in_flight":["a","b"],"unread":[{"model":"m","entity_id":"k"}]})"};
    std::string held = w.held();
    for (int round = 0; round < rounds; ++round) {
        const auto& whole = valid[draw.below(valid.size())];
        const std::string body = wounded(whole, draw);
        INFO(Tables::name << " seed " << seed << " round " << round << ": " << body);
        const bool push = draw.chance(3, 4);
        const auto answer = push ? w.push(body) : w.pull(body);
        const auto tape = json_tape::parse(answer.body);
        REQUIRE(tape);
        REQUIRE(tape->root().is_object());
        REQUIRE(answer.status < 500);
        if (answer.status != 200) CHECK_FALSE(code_of(answer).empty());
        const std::string now = w.held();
        if (answer.status != 200 || !push) REQUIRE(now == held);
        held = now;
    }
}

}  // namespace

TEST_CASE("mutation wire: a mutation that cannot be read is refused with what is wrong, and its neighbours are applied", "[wire]") {
    refuses_bad_mutations<in_memory>();
    refuses_bad_mutations<in_sqlite>();
}

TEST_CASE("mutation wire: a request that is none gets a typed error, and changes nothing", "[wire]") {
    refuses_bad_requests<in_memory>();
    refuses_bad_requests<in_sqlite>();
}

TEST_CASE("mutation wire: text that would end a statement is text in every place", "[wire]") {
    keeps_injections_as_they_are<in_memory>();
    keeps_injections_as_they_are<in_sqlite>();
}

TEST_CASE("mutation wire: a NUL in a value is kept exactly or refused by name", "[wire]") {
    const auto check = [](auto& w) {
        const auto answer = w.push(push_of({object(with(good("nul", "nul"), "payload", object({{std::string{text_field}, "\"a\\u0000b\""}}))), object(good("n", "n"))}));
        REQUIRE(answer.status == 200);
        const auto outcomes = outcomes_of(answer);
        CHECK(outcomes[1].status == "applied");
        if (outcomes[0].status == "applied") {
            CHECK(w.row("nul")->fields[0] == value::text(std::string{"a\0b", 3}));
        } else {
            CHECK(outcomes[0].status == "refused");
            CHECK(outcomes[0].detail.find("te\"x't") != std::string::npos);
            CHECK_FALSE(w.row("nul"));
        }
    };
    world<in_memory> memory;
    check(memory);
    world<in_sqlite> sqlite;
    check(sqlite);
}

TEST_CASE("mutation wire: ten thousand mutations are one request, one more is too large", "[wire]") {
    world<in_memory> w;
    std::vector<std::string> many;
    for (int i = 0; i < 10'000; ++i) {
        const auto n = std::to_string(i);
        many.push_back(object(with(good("m" + n, "k" + n), "payload", object({{std::string{integer_field}, n}}))));
    }
    auto more = many;
    more.push_back(object(good("more", "more")));
    const auto refused = w.push(push_of(more));
    CHECK(refused.status == 413);
    CHECK(code_of(refused) == "too_large");
    CHECK_FALSE(w.row("k0"));
    const auto answer = w.push(push_of(many));
    REQUIRE(answer.status == 200);
    const auto outcomes = outcomes_of(answer);
    REQUIRE(outcomes.size() == 10'000);
    CHECK(std::all_of(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.status == "applied"; }));
    CHECK(w.row("k9999")->fields[1] == value::integer(9999));
}

TEST_CASE("mutation wire: a wounded request never crashes the server, and changes nothing unless it is answered with 200", "[wire]") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) survives_wounds<in_memory>(seed, 1500);
    survives_wounds<in_sqlite>(4, 300);
}

}  // namespace bad_input_test
