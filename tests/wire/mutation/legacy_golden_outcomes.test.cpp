// Golden vectors of the mutation wire for a client of Laravel Tether v1.0.0, after sections 2.2 to 2.6, 3 and 9 of the sheet `mutation`: what becomes of
// each mutation, and of whole requests. Octet by octet, under clocks of client and server that are right, days ahead and days behind.

#include <syncline/engine/scopes.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "wire/mutation/golden_world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace legacy_golden_outcomes_test {

using namespace golden_tests;

namespace {

schema_set schemas() {
    model_schema task;
    task.name = "Task";
    task.fields = {{"title", value_kind::text}, {"parts", value_kind::integer}};
    schema_set out;
    lab_must(out.add(std::move(task)));
    return out;
}

struct golden : golden_world {
    explicit golden(golden_clocks of, authority_options rules = {}, mutation_server_options options = {})
        : golden_world(std::move(of), schemas(), std::move(rules), std::move(options)) {}
};

record task(const char* title, std::int64_t parts) { return record{{value::text(title), value::integer(parts)}}; }

// One mutation; @p rest is its payload, version and so on.
std::string mutation_text(const char* id, const char* key, const char* operation, const std::string& payload, int version = 1) {
    return std::string{R"({"mutation_id":")"} + id + R"(","entity_id":")" + key + R"(","model":"Task","operation":")" + operation + R"(","payload":)" + payload +
           R"(,"version":)" + std::to_string(version) + R"(,"timestamp":TIME+)" + std::to_string(version) + "}";
}
std::string push_of(const std::string& mutations, const char* client = "c") {
    return std::string{R"({"client_id":")"} + client + R"(","mutations":[)" + mutations + "]}";
}

}  // namespace

TEST_CASE("golden: an offline chain of one record is applied whole, and ends in its last edit (sheet 2.4, W02)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        CHECK(g.push(push_of(mutation_text("M1", "T1", "create", R"({"title":"one","parts":1})", 1) + "," +
                             mutation_text("M2", "T1", "update", R"({"title":"two","parts":1})", 2) + "," +
                             mutation_text("M3", "T1", "update", R"({"title":"three","parts":1})", 3))) ==
              R"({"applied":["M1","M2","M3"],"rejected":[],"conflicts":[]})");
        CHECK(g.row("T1") == task("three", 1));
        // And in the next push, though the server has written the row since the edit was made.
        CHECK(g.push(push_of(mutation_text("M4", "T1", "update", R"({"title":"four","parts":1})", 4))) == R"({"applied":["M4"],"rejected":[],"conflicts":[]})");
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":null})") ==
              g.told(R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"upsert","payload":{"title":"four","parts":1}}],"new_sync_cursor":STAMP+1,"has_more":true})"));
    }
}

TEST_CASE("golden: two clients' whole rows with edits of different fields both survive (sheet 2.4, W01)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        g.write(0, "T1", task("old", 1));
        for (const char* client : {"a", "b"}) static_cast<void>(g.pull(std::string{R"({"client_id":")"} + client + R"("})"));
        CHECK(g.push(push_of(mutation_text("A1", "T1", "update", R"({"title":"a's","parts":1})"), "a")) == R"({"applied":["A1"],"rejected":[],"conflicts":[]})");
        CHECK(g.push(push_of(mutation_text("B1", "T1", "update", R"({"title":"old","parts":5})"), "b")) == R"({"applied":["B1"],"rejected":[],"conflicts":[]})");
        CHECK(g.row("T1") == task("a's", 5));
    }
}

TEST_CASE("golden: a create of a key that exists is a conflict with the row that stands there (sheet 2.5, W40)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        g.write(0, "T1", task("theirs", 7));
        CHECK(g.push(push_of(mutation_text("M1", "T1", "create", R"({"title":"mine","parts":1})"))) ==
              R"({"applied":[],"rejected":[],"conflicts":[{"mutation_id":"M1","reason":"conflict","data":{"server_state":{"tether_id":"T1","title":"theirs","parts":7},"server_updated_at":null}}]})");
        CHECK(g.row("T1") == task("theirs", 7));
    }
}

TEST_CASE("golden: what the host's mapper refuses is rejected alone, with status 200 (sheet 2.2 and 2.3)", "[wire]") {
    authority_options rules;
    rules.mapper = [](const caller&, mutation& m) -> std::optional<rejection> {
        if (m.what.key.key == "T1") return rejection{{errc::forbidden, "not yours"}, {}};
        return std::nullopt;
    };
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks, rules};
        const std::string body = push_of(mutation_text("M1", "T1", "create", R"({"title":"x","parts":1})") + "," + mutation_text("M2", "T2", "create", R"({"title":"y","parts":2})"));
        const std::string told = R"({"applied":["M2"],"rejected":[{"mutation_id":"M1","reason":"validation_failed","data":{"messages":{"":["not yours"]},"detail":"not yours"}}],"conflicts":[]})";
        CHECK(g.push(body) == told);
        CHECK(g.push(body) == told);
    }
}

TEST_CASE("golden: a refusal that is sent again gets the same reason and messages, whatever the host would say by then (sheet 2.4)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        bool strict = true;
        authority_options rules;
        rules.validate = [&](const proposed_change&) -> std::optional<rejection> {
            if (strict) return rejection{{errc::validation_failed, "no"}, {{"title", "too short"}}};
            return std::nullopt;
        };
        golden g{clocks, rules};
        const std::string body = push_of(mutation_text("M1", "T1", "create", R"({"title":"x","parts":1})"));
        const std::string told = R"({"applied":[],"rejected":[{"mutation_id":"M1","reason":"validation_failed","data":{"messages":{"title":["too short"]},"detail":"no"}}],"conflicts":[]})";
        CHECK(g.push(body) == told);
        CHECK(g.push(body) == told);
        strict = false;
        CHECK(g.push(body) == told);
        CHECK_FALSE(g.row("T1"));
    }
}

TEST_CASE("golden: what fails at the server is in none of the lists, with all that builds on it, and goes through when it comes again (sheet 9 item 2)", "[wire]") {
    for (const errc code : {errc::unavailable, errc::bug}) {
        for (const auto& clocks : all_clocks()) {
            INFO(clocks.what << ", " << name_of(code));
            bool down = true;
            authority_options rules;
            rules.validate = [&](const proposed_change& c) -> std::optional<rejection> {
                if (down && c.key.key == "T1") return rejection{{code, "the directory is down"}, {}};
                return std::nullopt;
            };
            golden g{clocks, rules};
            const std::string body = push_of(mutation_text("M1", "T1", "create", R"({"title":"x","parts":1})", 1) + "," +
                                             mutation_text("M2", "T1", "update", R"({"title":"y","parts":1})", 2) + "," +
                                             mutation_text("M3", "T2", "create", R"({"title":"z","parts":1})", 1));
            CHECK(g.push(body) == R"({"applied":["M3"],"rejected":[],"conflicts":[]})");
            down = false;
            CHECK(g.push(body) == R"({"applied":["M1","M2","M3"],"rejected":[],"conflicts":[]})");
            CHECK(g.row("T1") == task("y", 1));
        }
    }
}

TEST_CASE("golden: a record that the caller may not see is not found, and nothing of it is told (sheet 2.3, W41)", "[wire]") {
    authority_options rules;
    rules.scopes.buckets = {{"Task", [](const model_schema&, std::string_view, const record& row) { return label_set{"u" + std::to_string(row.fields[1].as_integer())}; }}};
    rules.scopes.granted = [](std::string_view, std::string_view who) { return label_set{who == "ann" ? "u1" : "u2"}; };
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks, rules};
        g.write(0, "T1", task("secret", 2));
        for (const char* operation : {"update", "delete"}) {
            const std::string payload = std::string_view{operation} == "delete" ? "[]" : R"({"title":"x","parts":1})";
            // Another's record, and none at all.
            for (const char* key : {"T1", "T0"}) {
                const std::string id = operation + std::string{key};
                CHECK(g.push(push_of(mutation_text(id.c_str(), key, operation, payload))) ==
                      R"({"applied":[],"rejected":[{"mutation_id":")" + id + R"(","reason":"not_found","data":{"detail":"there is no such record here, or it refers to one that is not there; it may belong to somebody else"}}],"conflicts":[]})");
            }
        }
        CHECK(g.row("T1") == task("secret", 2));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":null})") == g.told(R"({"snapshots":[],"new_sync_cursor":STAMP+1,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":STAMP+1})") == g.told(R"({"snapshots":[],"new_sync_cursor":STAMP+1,"has_more":false})"));
    }
}

TEST_CASE("golden: a record that is deleted and made again is a delete and then an upsert, and a null cursor brings what there is (sheet 3, W14, W19)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        g.write(0, "T1", task("one", 1));
        g.write(0, "T2", task("two", 2));
        g.erase(0, "T1");
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":STAMP+1})") ==
              g.told(R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"delete","payload":{}}],"new_sync_cursor":STAMP+2,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":STAMP+2,"limit":10})") == g.told(R"({"snapshots":[],"new_sync_cursor":STAMP+2,"has_more":false})"));
        g.write(0, "T1", task("one again", 1));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":STAMP+2})") ==
              g.told(R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"upsert","payload":{"title":"one again","parts":1}}],"new_sync_cursor":STAMP+5,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"new","last_sync_cursor":null})") ==
              g.told(R"({"snapshots":[{"entity_id":"T2","model":"Task","operation":"upsert","payload":{"title":"two","parts":2}},{"entity_id":"T1","model":"Task","operation":"upsert","payload":{"title":"one again","parts":1}}],"new_sync_cursor":STAMP+5,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"new"})") == g.pull(R"({"client_id":"newer","last_sync_cursor":null})"));
        // What this server never gave is another one's: said, not taken for its own.
        const auto foreign = g.send("/tether/pull", R"({"client_id":"moved","last_sync_cursor":9007199254740991})");
        CHECK(foreign.status == 409);
        CHECK(foreign.body.find(R"("error":"invalid_cursor")") != std::string::npos);
    }
}

TEST_CASE("golden: answers are JSON whatever the client says that it accepts (sheet 2.1, 9 item 1, W31)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        for (const char* accept : {"", "*/*", "text/html", "application/xml;q=0.9"}) {
            for (const char* body : {R"({"client_id":"c","mutations":[]})", R"({"client_id":"c"})", "nonsense", ""}) {
                request r{http_method::post, "/tether/push", {{"Content-Type", "application/json"}}, body};
                if (*accept != '\0') r.headers.push_back({"Accept", accept});
                const auto answer = g.server.handle(r, principal{"ann", "main"}, from_microseconds(g.now++));
                INFO(accept << " " << body << " -> " << answer.status << " " << answer.body);
                CHECK(json_tape::parse(answer.body));
                CHECK(find_header(answer.headers, "Content-Type") == "application/json");
                CHECK((answer.status == 200) == (body == std::string_view{R"({"client_id":"c","mutations":[]})"}));
            }
        }
    }
}

TEST_CASE("golden: a request of too many mutations is refused whole with a status that tells, and nothing of it is done (sheet 2.6, W22)", "[wire]") {
    mutation_server_options options;
    options.max_mutations = 1;
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks, {}, options};
        const std::string one = mutation_text("M1", "T1", "create", R"({"title":"x","parts":1})");
        const auto answer = g.send("/tether/push", push_of(one + "," + mutation_text("M2", "T2", "create", R"({"title":"y","parts":1})")));
        CHECK(answer.status == 413);
        CHECK(json_tape::parse(answer.body));
        CHECK_FALSE(g.row("T1"));
        CHECK(g.push(push_of(one)) == R"({"applied":["M1"],"rejected":[],"conflicts":[]})");
    }
}

}  // namespace legacy_golden_outcomes_test
