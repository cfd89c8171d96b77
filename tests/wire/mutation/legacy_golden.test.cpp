// Golden vectors of the mutation wire as a client of Laravel Tether v1.0.0 speaks it, after sections 2, 3 and 9 of the sheet `mutation`:
// request and answer texts, octet by octet. Each runs under clocks of client and server that are right, days ahead and days behind, which change nothing.

#include <syncline/model/model_schema.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "wire/mutation/golden_world.hpp"

#include <string>
#include <utility>
#include <vector>

namespace legacy_golden_test {

using namespace golden_tests;

namespace {

schema_set schemas() {
    model_schema task;
    task.name = "Task";
    task.fields = {{"title", value_kind::text, true, nullptr},  {"done", value_kind::boolean, true, nullptr}, {"price", value_kind::decimal, true, nullptr},
                   {"meta", value_kind::json, true, nullptr},   {"due", value_kind::time, true, nullptr},     {"parts", value_kind::integer, true, nullptr}};
    schema_set out;
    lab_must(out.add(std::move(task)));
    return out;
}

struct golden : golden_world {
    explicit golden(golden_clocks of, mutation_server_options options = {}) : golden_world(std::move(of), schemas(), {}, std::move(options)) {}
};

const char* create_task = R"({"client_id":"01HX0000000000000000000DEV","mutations":[{"mutation_id":"01HX00000000000000000000M1","entity_id":"01HX00000000000000000000E1","model":"Task","operation":"create","payload":{"title":"Buy milk","done":0,"price":"12.50","meta":"{\"tags\": [\"a\"]}","due":"2026-05-02 09:00:00","parts":"3"},"version":1,"timestamp":TIME}]})";

}  // namespace

TEST_CASE("golden: create, update and delete, and what a pull brings of them (sheet 2 and 3)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        CHECK(g.pull(R"({"client_id":"01HX0000000000000000000DEV","last_sync_cursor":null})") == R"({"snapshots":[],"new_sync_cursor":0,"has_more":false})");
        CHECK(g.push(create_task) == R"({"applied":["01HX00000000000000000000M1"],"rejected":[],"conflicts":[]})");
        const auto row = g.row("01HX00000000000000000000E1");
        REQUIRE(row);
        CHECK(row->fields[0] == value::text("Buy milk"));
        CHECK(row->fields[1] == value::boolean(false));
        CHECK(row->fields[2] == value::decimal("12.50"));
        CHECK(row->fields[3] == value::json(R"({"tags":["a"]})"));
        CHECK(row->fields[5] == value::integer(3));
        CHECK(g.pull(R"({"client_id":"01HX0000000000000000000DEV","last_sync_cursor":null})") ==
              g.told(R"({"snapshots":[{"entity_id":"01HX00000000000000000000E1","model":"Task","operation":"upsert","payload":{"title":"Buy milk","done":false,"price":"12.50","meta":{"tags":["a"]},"due":"2026-05-02T09:00:00.000000Z","parts":3}}],"new_sync_cursor":STAMP+1,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"01HX0000000000000000000DEV","last_sync_cursor":STAMP+1})") ==
              g.told(R"({"snapshots":[],"new_sync_cursor":STAMP+1,"has_more":false})"));
        CHECK(g.push(R"({"client_id":"01HX0000000000000000000DEV","mutations":[{"mutation_id":"01HX00000000000000000000M2","entity_id":"01HX00000000000000000000E1","model":"App\\Models\\Task","operation":"update","payload":{"title":"Buy tea","done":true,"price":12.5,"meta":"{\"tags\":[\"a\"]}","due":"2026-05-02 09:00:00","parts":3},"version":2,"timestamp":TIME},{"mutation_id":"01HX00000000000000000000M3","entity_id":"01HX00000000000000000000E1","model":"Task","operation":"delete","payload":[],"version":3,"timestamp":TIME+1}]})") ==
              R"({"applied":["01HX00000000000000000000M2","01HX00000000000000000000M3"],"rejected":[],"conflicts":[]})");
        CHECK_FALSE(g.row("01HX00000000000000000000E1"));
        CHECK(g.pull(R"({"client_id":"01HX0000000000000000000DEV","last_sync_cursor":STAMP+1})") ==
              g.told(R"({"snapshots":[{"entity_id":"01HX00000000000000000000E1","model":"Task","operation":"delete","payload":{}}],"new_sync_cursor":STAMP+4,"has_more":true})"));
    }
}

TEST_CASE("golden: a conflict carries the row with its sync key, or an empty state when the row is gone (sheet 2.2, 9 item 3)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        lab_must(g.store.app_write("main", {0, "E1"}, record{{value::text("theirs"), value::boolean(true), value{}, value{}, value{}, value::integer(7)}}));
        CHECK(g.push(R"({"client_id":"c","mutations":[{"mutation_id":"M1","entity_id":"E1","model":"Task","operation":"update","payload":{"title":"mine"},"version":1,"timestamp":TIME}]})") ==
              R"({"applied":[],"rejected":[],"conflicts":[{"mutation_id":"M1","reason":"conflict","data":{"server_state":{"tether_id":"E1","title":"theirs","done":true,"price":null,"meta":null,"due":null,"parts":7},"server_updated_at":null}}]})");
        lab_must(g.store.app_erase("main", {0, "E1"}));
        CHECK(g.push(R"({"client_id":"c","mutations":[{"mutation_id":"M2","entity_id":"E1","model":"Task","operation":"update","payload":{"title":"mine"},"version":2,"timestamp":TIME},{"mutation_id":"M3","entity_id":"E1","model":"Task","operation":"delete","payload":[],"version":3,"timestamp":TIME}]})") ==
              R"({"applied":["M3"],"rejected":[],"conflicts":[{"mutation_id":"M2","reason":"conflict","data":{"server_state":{},"server_updated_at":null}}]})");
    }
}

TEST_CASE("golden W21: what cannot be taken is rejected alone, with one of the four known reasons (sheet 2.3, 9 items 2 and 7)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        CHECK(g.push(R"({"client_id":"c","mutations":[)"
                     R"({"mutation_id":"M1","entity_id":"","model":"Task","operation":"update","payload":{"title":"x"},"version":1,"timestamp":TIME},)"
                     R"({"mutation_id":"M2","entity_id":"E2","model":"Planet","operation":"create","payload":{"title":"x"},"version":1,"timestamp":TIME},)"
                     R"({"mutation_id":"M3","entity_id":"E3","model":"Task","operation":"upsert","payload":{"title":"x"},"version":1,"timestamp":TIME},)"
                     R"({"mutation_id":"M4","entity_id":"E4","model":"Task","operation":"create","payload":{"done":"maybe"},"version":1,"timestamp":TIME},)"
                     R"({"mutation_id":"M5","entity_id":"E5","model":"Task","operation":"create","payload":{"title":"x"},"version":1,"timestamp":TIME}]})") ==
              R"({"applied":["M5"],"rejected":[)"
              R"({"mutation_id":"M1","reason":"validation_failed","data":{"messages":{"":["`entity_id`: the key `id` of `Task` is empty"]},"detail":"`entity_id`: the key `id` of `Task` is empty"}},)"
              R"({"mutation_id":"M2","reason":"error","data":{"detail":"no model `Planet` is registered here"}},)"
              R"({"mutation_id":"M3","reason":"validation_failed","data":{"messages":{"":["`operation` is one of create, update and delete"]},"detail":"`operation` is one of create, update and delete"}},)"
              R"({"mutation_id":"M4","reason":"validation_failed","data":{"messages":{"":["field `done` takes true or false"]},"detail":"field `done` takes true or false"}}],"conflicts":[]})");
    }
}

TEST_CASE("golden: what real clients send beside the plain form is taken (sheet 2.1, 9 item 6)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        struct sample {
            const char* what;
            const char* mutation;
        };
        const std::vector<sample> samples{
            {"an id of 36 characters", R"({"mutation_id":"9b2f0c1e-5b3e-4a53-9f0e-3d6f6c2a7b10","entity_id":"E","model":"Task","operation":"create","payload":{"title":"x"},"version":1,"timestamp":TIME})"},
            {"a key that is no ULID", R"({"mutation_id":"M","entity_id":"any key","model":"Task","operation":"create","payload":{"title":"x"},"version":1,"timestamp":TIME})"},
            {"an integral float as timestamp and version", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":{"title":"x"},"version":1.0,"timestamp":TIME.0})"},
            {"unknown members", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":{"title":"x","secret_column":1},"version":1,"timestamp":1,"extra":{"a":[1]},"base":7})"},
            {"an empty array for a payload", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":[],"version":1,"timestamp":TIME})"},
            {"an empty object for a payload", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":{},"version":1,"timestamp":TIME})"},
            {"no payload", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","version":1,"timestamp":TIME})"},
            {"a delete with an object", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"delete","payload":{},"version":1,"timestamp":TIME})"},
            {"a delete without a payload", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"delete","version":1,"timestamp":TIME})"},
            {"a boolean as text, a number as text, a JSON column as text", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":{"title":"x","done":"1","parts":"7","price":3,"meta":"[]","due":null},"version":1,"timestamp":TIME})"},
            {"an id of other characters, echoed as it came", R"({"mutation_id":"ä 01/ 💧","entity_id":"E","model":"Task","operation":"create","payload":{"title":"x"},"version":1,"timestamp":TIME})"},
            {"a key of the client's own table in the payload", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":{"id":5,"tether_id":"E","title":"x","created_at":"2026-05-02 09:00:00","updated_at":"2026-05-02 09:00:00","deleted_at":null},"version":1,"timestamp":TIME})"},
            {"neither version nor timestamp", R"({"mutation_id":"M","entity_id":"E","model":"Task","operation":"create","payload":{"title":"x"}})"}};
        for (const auto& s : samples) {
            golden g{clocks};
            const auto tape = json_tape::parse(g.told(s.mutation));
            REQUIRE(tape);
            const std::string id{tape->root().find("mutation_id")->as_string()};
            INFO(s.what);
            CHECK(g.push(std::string{R"({"client_id":"c","mutations":[)"} + s.mutation + "," + s.mutation + "]}") ==
                  R"({"applied":[")" + id + R"(",")" + id + R"("],"rejected":[],"conflicts":[]})");
        }
        // A cursor that is absent is null, and a body with nothing but the client's id is a pull.
        golden g{clocks};
        CHECK(g.pull(R"({"client_id":"c"})") == R"({"snapshots":[],"new_sync_cursor":0,"has_more":false})");
    }
}

TEST_CASE("golden: with strict duplicates what was applied already is rejected as such, and only that (sheet 2.4)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        for (const bool strict : {false, true}) {
            mutation_server_options options;
            options.strict_duplicates = strict;
            golden g{clocks, options};
            const std::string m = R"({"mutation_id":"M1","entity_id":"E1","model":"Task","operation":"create","payload":{"title":"x"},"version":1,"timestamp":TIME})";
            const std::string body = R"({"client_id":"c","mutations":[)" + m + "," + m + "]}";
            CHECK(g.push(body) == (strict ? R"({"applied":["M1"],"rejected":[{"mutation_id":"M1","reason":"duplicate","data":{}}],"conflicts":[]})"
                                          : R"({"applied":["M1","M1"],"rejected":[],"conflicts":[]})"));
            CHECK(g.push(R"({"client_id":"c","mutations":[)" + m + "]}") ==
                  (strict ? R"({"applied":[],"rejected":[{"mutation_id":"M1","reason":"duplicate","data":{}}],"conflicts":[]})"
                          : R"({"applied":["M1"],"rejected":[],"conflicts":[]})"));
            // A conflict is the same answer each time.
            lab_must(g.store.app_write("main", {0, "E2"}, record{{value::text("theirs"), value{}, value{}, value{}, value{}, value{}}}));
            const std::string late = R"({"client_id":"d","mutations":[{"mutation_id":"M2","entity_id":"E2","model":"Task","operation":"update","payload":{"title":"mine"},"version":1,"timestamp":TIME}]})";
            const auto first = g.push(late);
            CHECK(first.find(R"("conflicts":[{"mutation_id":"M2")") != std::string::npos);
            CHECK(g.push(late) == first);
        }
    }
}

TEST_CASE("golden: whole requests that are no pushes and pulls are refused as JSON, with a status that tells (sheet 2.6)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        const auto expect = [&](const char* path, const char* body, int status) {
            const auto answer = g.send(path, body);
            INFO(path << " " << body << " -> " << answer.body);
            CHECK(answer.status == status);
            CHECK(json_tape::parse(answer.body));
            CHECK(find_header(answer.headers, "Content-Type"));
        };
        expect("/tether/push", "", 422);
        expect("/tether/push", "{", 400);
        expect("/tether/push", "{}", 422);
        expect("/tether/push", R"({"client_id":"c"})", 422);
        expect("/tether/pull", "{}", 422);
        expect("/tether/pull", R"({"client_id":"c","last_sync_cursor":5})", 409);
    }
}

}  // namespace legacy_golden_test
