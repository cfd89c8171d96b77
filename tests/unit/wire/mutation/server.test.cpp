#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

namespace server_test {

using namespace mutation_tests;

TEST_CASE("mutation server: bad input is a typed error, changes nothing and stops no neighbour", "[wire]") {
    world w;
    const auto push = [&](const std::string& body) { return w.handle(request{http_method::post, "/tether/push", {}, body}); };
    const auto pull = [&](const std::string& body) { return w.handle(request{http_method::post, "/tether/pull", {}, body}); };
    const std::string good = R"({"mutation_id":"good","entity_id":"T","model":"node","operation":"create","payload":{"a":1},"version":1,"timestamp":1})";
    const std::string deep = R"({"client_id":"c","mutations":)" + std::string(10'000, '[');
    struct sample {
        std::string body;
        int status;
    };
    const std::vector<sample> whole = {
        {"", 422}, {"{", 400}, {"[]", 422}, {"{}", 422}, {R"({"client_id":"","mutations":[]})", 422}, {R"({"client_id":7,"mutations":[]})", 422},
        {R"({"client_id":"c","mutations":{}})", 422}, {R"({"client_id":"c"})", 422}, {R"({"client_id":"c","client_id":"d","mutations":[]})", 400},
        {"{\"client_id\":\"\xff\",\"mutations\":[]}", 400}, {R"({"client_id":"\ud800","mutations":[]})", 400}, {R"({"client_id":"c","mutations":[1e400]})", 400},
        {deep, 400}, {R"({"client_id":"c\u0000d","mutations":[]})", 422}, {"{\"client_id\":\"" + std::string(300, 'x') + "\",\"mutations\":[]}", 422}};
    for (const auto& s : whole) {
        const auto answer = push(s.body);
        INFO(s.body.substr(0, 120) << " -> " << answer.body);
        CHECK(answer.status == s.status);
        const auto tape = json_tape::parse(answer.body);
        REQUIRE(tape);
        CHECK(tape->root().find("error"));
        CHECK_FALSE(tape->root().find("message")->as_string().empty());
    }
    const auto with = [](const std::string& members) {
        return R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":1},"version":1,"timestamp":1)" + members + "}";
    };
    const std::vector<std::string> single = {
        "7", "null", "[]", "{}", R"({"mutation_id":"bad"})",
        R"({"mutation_id":"","entity_id":"T2","model":"node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"","model":"node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":null,"model":"node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"users; DROP TABLE node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"destroy","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"nope":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":"x"}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":9223372036854775808}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":1.5}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":[1]})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create"})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":1},"timestamp":"soon"})",
        with(R"(,"base":{"row_version":-1})"), with(R"(,"base":{"row_version":"x"})"),
        R"({"mutation_id":"bad","entity_id":")" + std::string(300, 'k') + R"(","model":"node","operation":"create","payload":{"a":1}})",
    };
    for (const auto& bad : single) {
        world fresh;
        const auto answer = fresh.handle(request{http_method::post, "/tether/push", {}, R"({"client_id":"c","syncline":1,"mutations":[)" + bad + "," + good + "]}"});
        INFO(bad.substr(0, 150) << " -> " << answer.body);
        CHECK(answer.status == 200);
        CHECK(fresh.at("T"));
        CHECK_FALSE(fresh.at("T2"));
        const auto tape = json_tape::parse(answer.body);
        REQUIRE(tape);
        const auto outcomes = *tape->root().find("outcomes");
        REQUIRE(outcomes.size() == 2);
        CHECK((*outcomes.begin()).find("status")->as_string() == "refused");
        CHECK_FALSE((*outcomes.begin()).find("detail")->as_string().empty());
    }
    for (const std::string cursor : {"-1", "9223372036854775807", "\"x\"", "1.5"}) {
        const auto answer = pull(R"({"client_id":"c","last_sync_cursor":)" + cursor + "}");
        INFO(cursor << " -> " << answer.body);
        CHECK(answer.status >= 400);
        CHECK(answer.status < 500);
    }
    CHECK(w.handle(request{http_method::get, "/tether/push", {}, ""}).status == 405);
    for (const char* path : {"/tether/nothing", "/tethex/push", "/tethex/pull"}) CHECK(w.handle(request{http_method::post, path, {}, ""}).status == 404);
    std::string many = R"({"client_id":"c","mutations":[)";
    for (int i = 0; i < 10'001; ++i) many.append(i == 0 ? "" : ",").append(good);
    CHECK(push(many + "]}").status == 413);
    CHECK_FALSE(w.at("T"));
}

TEST_CASE("mutation server: ten thousand mutations in one request are all decided", "[wire]") {
    world w;
    std::string body = R"({"client_id":"c","syncline":1,"mutations":[)";
    for (int i = 0; i < 10'000; ++i) {
        if (i != 0) body.append(",");
        body.append(R"({"mutation_id":"m)").append(std::to_string(i)).append(R"(","entity_id":"k)").append(std::to_string(i));
        body.append(R"(","model":"App\\Models\\node","operation":"create","payload":{"a":1},"version":1,"timestamp":1.0})");
    }
    const auto answer = w.handle(request{http_method::post, "/tether/push", {}, body + "]}"});
    REQUIRE(answer.status == 200);
    const auto tape = json_tape::parse(answer.body);
    REQUIRE(tape);
    CHECK(tape->root().find("applied")->size() == 10'000);
}

TEST_CASE("mutation server: an id counts once, and other content under it is refused", "[wire]") {
    world w;
    const auto push = [&](const std::string& mutations) {
        return w.handle(request{http_method::post, "/tether/push", {}, R"({"client_id":"c","syncline":1,"mutations":[)" + mutations + "]}"}).body;
    };
    const std::string first = R"({"mutation_id":"x","entity_id":"T","model":"node","operation":"create","payload":{"a":1,"n":1},"version":1,"timestamp":1})";
    const std::string other = R"({"mutation_id":"x","entity_id":"T","model":"node","operation":"create","payload":{"a":2,"n":1},"version":1,"timestamp":1})";
    CHECK(push(first + "," + first).find("refused") == std::string::npos);
    CHECK(push(first).find("\"applied\":[\"x\"]") != std::string::npos);
    CHECK(w.at("T")->fields[2] == value::integer(1));
    CHECK(push(other).find("id_reused") != std::string::npos);
    CHECK(w.at("T")->fields[0] == value::integer(1));
}

TEST_CASE("mutation server: every answer tells the authority's time, and never less than that of a row in it", "[wire]") {
    world w;
    w.write("T", 1, 2);
    const auto post = [&](const char* path, const char* body, timestamp now) {
        return told_authority_time(w.server->handle(request{http_method::post, path, {}, body}, principal{"ann", "main"}, now));
    };
    const char* pull = R"({"client_id":"c","syncline":1})";
    CHECK(post("/tether/pull", pull, noon) == noon);
    const timestamp before = noon - std::chrono::hours{24};
    CHECK(post("/tether/pull", pull, before) == noon);
    CHECK(post("/tether/pull", "{", before) == before);
    CHECK(post("/tether/nothing", "", before) == before);
    CHECK(post("/tether/push", R"({"client_id":"c","syncline":1,"mutations":[]})", before) == before);
    const char* push = R"({"client_id":"c","syncline":1,"mutations":[{"mutation_id":"m","entity_id":"T","model":"node","operation":"update","payload":{"a":3},"version":1,"timestamp":1}]})";
    CHECK(post("/tether/push", push, before) >= noon);
}

}  // namespace server_test
